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

/// `a b + c`, rounded once where the processor does so as fast (`FUSED`), else twice.
#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    match FUSED {
        true => a.mul_add(b, c),
        false => a * b + c,
    }
}

/// A polynomial by Horner's rule, the coefficient of the highest power first.
#[inline(always)]
fn polynomial<const FUSED: bool>(x: f32, coefficients: &[f32]) -> f32 {
    let (first, others) = coefficients.split_first().expect("a coefficient");
    let step = |sum, &coefficient| multiply_add::<FUSED>(sum, x, coefficient);
    others.iter().fold(*first, step)
}

/// `exp(x)` for `x ≤ 0`, within 2 units in the last place; `exp(−87)` for all that is less.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`, so `exp(x) = 2ⁿ exp(r)`, the latter by its Taylor series, of
/// which the first term left out is below `2⁻²⁷`.
#[inline(always)]
pub fn exp_of_negative<const FUSED: bool>(x: f32) -> f32 {
    const SERIES: [f32; 8] = [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let x = x.max(LEAST);
    let shifted = multiply_add::<FUSED>(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FUSED>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FUSED>(n, -LN_2_LOW, r);
    let series = polynomial::<FUSED>(r, &SERIES);
    // The low bits of `shifted` are n: added to the exponent they multiply by 2ⁿ.
    f32::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `ln(1 + e)` for `0 ≤ e ≤ 1`, within 3 units in the last place.
///
/// `e P(e)`, where P is the polynomial of degree 9 that interpolates `ln(1 + e) / e` in the Chebyshev
/// points of [0, 1]; the two differ by at most 5.3e-9. Its coefficients are those of
/// `mpmath.chebyfit(lambda e: log1p(e) / e, [0, 1], 10)`.
#[inline(always)]
pub fn ln_of_one_plus<const FUSED: bool>(e: f32) -> f32 {
    const P: [f32; 10] = [
        -3.176057e-03,
        1.9542526e-02,
        -5.637361e-02,
        1.05436236e-01,
        -1.5269667e-01,
        1.9663274e-01,
        -2.4951616e-01,
        3.332971e-01,
        -4.9999893e-01,
        1.,
    ];
    e * polynomial::<FUSED>(e, &P)
}

/// The largest distance from zero at which [`normal`] still tells numbers from zero: the density there, and so the tail,
/// comes near the least normal number.
const FARTHEST: f32 = 13.1;

/// The normal distribution `Φ(x)` and its density `φ(x)`, within 8 units in the last place also where `Φ` is small; zero
/// for `x` below −13.1. What is not a number stays so in `x · Φ(x)`, though not here.
///
/// With `a = |x|`, `Φ(−a) = exp(−a²/2) P(t) / (1 + √2 a)`, where P is a polynomial of degree 11 in `t = (a − 3.5) / (a + 3.5)`
/// that is off by at most 6.8e-9 of its value. `a²` is split so that its rounding is not magnified by the exponential, as in
/// fdlibm's `erfc`.
///
/// # Source
/// Shepherd and Laframboise 1981, *Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞*; the coefficients are those
/// of `mpmath.chebyfit` with 12 terms on [−1, 1].
#[inline(always)]
pub fn normal<const FUSED: bool>(x: f32) -> (f32, f32) {
    const CENTRE: f32 = 3.5;
    const P: [f32; 12] = [
        -3.382_248_6e-5,
        -2.218_627_4e-5,
        3.010_398_6e-4,
        1.476_246_1e-4,
        -2.165_477_5e-3,
        9.472_23e-4,
        1.532_413_4e-2,
        -5.068_655e-2,
        7.933_956e-2,
        -5.101_812_8e-2,
        -6.067_064_2e-2,
        6.327_268e-1,
    ];
    /// Of `exp(−d)`.
    const SERIES: [f32; 6] = [-1.0 / 120.0, 1.0 / 24.0, -1.0 / 6.0, 0.5, -1.0, 1.0];
    const DENSITY_AT_ZERO: f32 = 0.398_942_3;
    let a = x.abs().min(FARTHEST);
    // The square of its first 12 bits is exact.
    let high = f32::from_bits(a.to_bits() & 0xffff_f000);
    let rest = 0.5 * (a - high) * (a + high);
    let bell = exp_of_negative::<FUSED>(-0.5 * high * high) * polynomial::<FUSED>(rest, &SERIES);
    let t = (a - CENTRE) / (a + CENTRE);
    let series = polynomial::<FUSED>(t, &P);
    let tail = bell * series / multiply_add::<FUSED>(a, std::f32::consts::SQRT_2, 1.0);
    let tail = if a < FARTHEST { tail } else { 0.0 };
    let bell = if a < FARTHEST { bell } else { 0.0 };
    let cdf = if x < 0.0 { tail } else { 1.0 - tail };
    (cdf, DENSITY_AT_ZERO * bell)
}

#[cfg(test)]
mod tests {
    use statrs::function::erf::erfc;

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
        for function in [exp_of_negative::<false>, exp_of_negative::<true>] {
            let error = largest_error(from_zero_to(-87.0), function, f64::exp);
            assert!(error <= 2.0, "{error}");
            assert_eq!(function(0.0), 1.0);
            assert_eq!(function(-1e30), function(-87.0));
            assert_eq!(function(f32::NEG_INFINITY), function(-87.0));
        }
    }

    #[test]
    fn the_logarithm_is_within_three_units_in_the_last_place() {
        for function in [ln_of_one_plus::<false>, ln_of_one_plus::<true>] {
            let error = largest_error(from_zero_to(1.0), function, f64::ln_1p);
            assert!(error <= 3.0, "{error}");
            assert_eq!(function(0.0), 0.0);
        }
    }

    #[test]
    fn the_normal_distribution_is_within_eight_units_in_the_last_place() {
        fn cdf(x: f64) -> f64 {
            0.5 * erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
        }
        fn density(x: f64) -> f64 {
            (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
        }
        fn found_cdf<const FUSED: bool>(x: f32) -> f32 {
            normal::<FUSED>(x).0
        }
        fn found_density<const FUSED: bool>(x: f32) -> f32 {
            normal::<FUSED>(x).1
        }
        for (found, exact) in [
            (found_cdf::<false> as fn(f32) -> f32, cdf as fn(f64) -> f64),
            (found_cdf::<true>, cdf),
            (found_density::<false>, density),
            (found_density::<true>, density),
        ] {
            for end in [-13.0, 13.0] {
                let error = largest_error(from_zero_to(end), found, exact);
                assert!(error <= 8.0, "{error} up to {end}");
            }
        }
        for function in [normal::<false>, normal::<true>] {
            assert_eq!(function(0.0).0, 0.5);
            assert_eq!(function(-1e30), (0.0, 0.0));
            assert_eq!(function(1e30), (1.0, 0.0));
            assert_eq!(function(f32::NEG_INFINITY).0, 0.0);
        }
    }
}
