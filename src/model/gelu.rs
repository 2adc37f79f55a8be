//! GELU with the error function, `x Φ(x)`, on every backend.
//!
//! Burn's own has the tanh form's gradient on `ndarray` and `wgpu`, and an `erf` with errors of 1e-7 to 1e-5 there.

use std::f64::consts::{PI, SQRT_2};

use burn::tensor::Tensor;

use crate::kernels;

/// Of the substitution that the series below is in.
const CENTRE: f64 = 4.0;
/// Coefficients in `t = (a − 4) / (a + 4)` of `½ (1 + √2 a) exp(a²/2) erfc(a / √2)` for `a ≥ 0`, the highest power first.
/// The relative error is at most 2.6e-15.
///
/// # Source
/// The form is that of Shepherd and Laframboise 1981, *Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞*; the
/// numbers are those of `mpmath.chebyfit` with 22 terms on [−1, 1].
const TAIL: [f64; 22] = [
    2.896_330_619_671_240_8e-9,
    1.292_951_089_129_464_3e-8,
    -1.680_685_065_100_984_8e-8,
    -1.318_540_942_092_645_9e-7,
    2.046_504_507_361_214_9e-9,
    7.802_803_466_150_453e-7,
    5.049_002_272_223_543e-7,
    -3.936_216_667_036_662e-6,
    -4.520_000_661_867_283e-6,
    2.103_618_866_849_887_6e-5,
    2.813_696_401_297_695_2e-5,
    -0.000_136_103_605_152_585_17,
    -0.000_114_675_795_383_106_03,
    0.001_060_265_867_334_492_2,
    -0.000_668_537_332_608_072,
    -0.007_284_670_579_633_983,
    0.028_883_013_427_895_818,
    -0.058_319_238_841_169_5,
    0.070_149_203_375_379_14,
    -0.031_721_101_143_575_714,
    -0.066_178_321_900_967_99,
    0.628_477_878_748_311_6,
];

/// ```text
/// y = x Φ(x)    ∂y/∂x = Φ(x) + x φ(x)
/// ```
///
/// # Shapes
/// Those of `x`.
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    if kernels::serve(&x) {
        return kernels::gelu(x);
    }
    let constant = x.clone().detach();
    let (cdf, density) = normal(constant.clone());
    let value = constant.clone() * cdf.clone();
    let slope = cdf + constant.clone() * density;
    // The gradient goes through the formula for the slope rather than through the series: x − x is zero.
    value + (x - constant) * slope
}

/// The normal distribution of one number, `Φ(x) = ½ (1 + erf(x / √2))`, which loses no digits where it is small.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    // Beyond this the tail is zero in double precision too, and infinity has no quotient.
    let a = x.abs().min(40.0);
    let t = (a - CENTRE) / (a + CENTRE);
    let series = TAIL
        .iter()
        .fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = (-0.5 * a * a).exp() * series / (1.0 + SQRT_2 * a);
    match x < 0.0 {
        true => tail,
        false => 1.0 - tail,
    }
}

/// The normal distribution and its density.
fn normal(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let a = x.clone().abs();
    let t = (a.clone() - CENTRE) / (a.clone() + CENTRE);
    let (first, others) = TAIL.split_first().expect("a coefficient");
    let second = others[0];
    let series = t.clone() * *first + second;
    let series = others[1..]
        .iter()
        .fold(series, |sum, &coefficient| sum * t.clone() + coefficient);
    let bell = (a.clone() * a.clone() * -0.5).exp();
    let tail = bell.clone() * series / (a * SQRT_2 + 1.0);
    let is_negative = x.lower_elem(0.0);
    let cdf = (-tail.clone() + 1.0).mask_where(is_negative, tail);
    (cdf, bell * (1.0 / (2.0 * PI).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `mpmath.ncdf` with 40 digits.
    #[test]
    fn the_normal_distribution_keeps_its_digits_far_below_zero() {
        for (x, expected) in [
            (0.0, 0.5),
            (-1.0, 0.158_655_253_931_457_05),
            (1.0, 0.841_344_746_068_542_9),
            (-5.0, 2.866_515_718_791_939e-7),
            (-12.0, 1.776_482_112_077_679e-33),
        ] {
            assert!(
                (normal_cdf(x) / expected - 1.0).abs() < 1e-13,
                "{x}: {}",
                normal_cdf(x)
            );
        }
    }
}
