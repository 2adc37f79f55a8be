//! `exp` and `ln(1 + e)` in `f32`, written so that the compiler computes many at once.
//!
//! The C library's take one number at a time and about 10 ns for it. There are no branches here and no
//! tables; every operation is one that processors have for whole vectors.

use std::f32::consts::LOG2_E;

/// `1.5 · 2²³`: adding it to a small number leaves the nearest integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// `ln 2` in two parts, the first with few enough digits that its product with an exponent is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Below this the result would be subnormal.
const LEAST: f32 = -87.0;

/// `exp(x)` for `x ≤ 0`, within 2 units in the last place; `exp(−87)` for all that is less.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`, so `exp(x) = 2ⁿ exp(r)`, the latter by its Taylor series, of
/// which the first term left out is below `2⁻²⁷`.
#[inline(always)]
pub fn exp_of_negative(x: f32) -> f32 {
    let x = x.max(LEAST);
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut series = 1.0 / 5040.0;
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        series = series * r + coefficient;
    }
    // The low bits of `shifted` are n: added to the exponent they multiply by 2ⁿ.
    f32::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `ln(1 + e)` for `0 ≤ e ≤ 1`, within 3 units in the last place.
///
/// `ln(1 + e) = 2 artanh(s) = 2 s (1 + s²/3 + s⁴/5 + …)` with `s = e / (2 + e) ≤ ⅓`; the terms left
/// out are below `2⁻²⁵` of the sum.
#[inline(always)]
pub fn ln_of_one_plus(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let square = s * s;
    let mut series = 1.0 / 15.0;
    for coefficient in [
        1.0 / 13.0,
        1.0 / 11.0,
        1.0 / 9.0,
        1.0 / 7.0,
        0.2,
        1.0 / 3.0,
        1.0,
    ] {
        series = series * square + coefficient;
    }
    2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error in units in the last place of the result.
    fn largest_error(
        values: impl Iterator<Item = f32>,
        found: fn(f32) -> f32,
        exact: fn(f64) -> f64,
    ) -> f64 {
        let error = |x: f32| {
            let exact = exact(f64::from(x));
            let unit = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
            (f64::from(found(x)) - exact).abs() / unit
        };
        values.map(error).fold(0.0, f64::max)
    }

    /// A million numbers, evenly and by magnitude.
    fn from_zero_to(end: f32) -> impl Iterator<Item = f32> {
        let even = (0..500_000).map(move |i| end * i as f32 / 500_000.0);
        let small = (0..500_000).map(move |i| end * 2f32.powf(-30.0 * i as f32 / 500_000.0));
        even.chain(small)
    }

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place() {
        let error = largest_error(from_zero_to(-87.0), exp_of_negative, f64::exp);
        assert!(error <= 2.0, "{error}");
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert_eq!(exp_of_negative(-1e30), exp_of_negative(-87.0));
        assert_eq!(exp_of_negative(f32::NEG_INFINITY), exp_of_negative(-87.0));
    }

    #[test]
    fn the_logarithm_is_within_three_units_in_the_last_place() {
        let error = largest_error(from_zero_to(1.0), ln_of_one_plus, f64::ln_1p);
        assert!(error <= 3.0, "{error}");
        assert_eq!(ln_of_one_plus(0.0), 0.0);
    }
}
