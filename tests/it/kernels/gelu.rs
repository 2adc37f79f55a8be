//! GELU with the error function, and its slope.

use burn::tensor::{DType, Tensor};
use hourglass::model::Activation;
use statrs::function::erf::erfc;

use super::{device_with_kernels, tensor, values};
use crate::support::backends;

fn cdf(x: f64) -> f64 {
    0.5 * erfc(-x / std::f64::consts::SQRT_2)
}

fn slope(x: f64) -> f64 {
    cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Values and slopes at points.
fn found(points: &[f64], device: &burn::tensor::Device, dtype: DType) -> (Vec<f64>, Vec<f64>) {
    let x = tensor(points, 1, &device.clone().autodiff(), dtype).require_grad();
    let y = Activation::Gelu.apply(x.clone());
    let gradients = y.clone().sum().backward();
    (values(y.inner()), values(x.grad(&gradients).unwrap()))
}

/// Points that single precision has too.
fn points(from: f64, to: f64) -> Vec<f64> {
    let step = (to - from) / 20_000.0;
    (0..=20_000)
        .map(|i| f64::from((from + step * f64::from(i)) as f32))
        .collect()
}

/// Relative to the value, also where it is 1e-37: an `erf` that is added to 1 would have none of its digits right there.
#[test]
fn values_keep_their_digits_far_below_zero() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let points = points(-13.0, 30.0);
    let (y, dy) = found(&points, &device, DType::F32);
    for ((&x, y), dy) in points.iter().zip(y).zip(dy) {
        let exact = x * cdf(x);
        assert!((y - exact).abs() <= 1e-6 * exact.abs(), "{x}: {y}, {exact}");
        // The slope is zero at −0.75.
        let exact = slope(x);
        let allowed = if (-2.0..0.0).contains(&x) {
            2e-7
        } else {
            2e-6 * exact.abs()
        };
        assert!((dy - exact).abs() <= allowed, "{x}: {dy}, {exact}");
    }
}

#[test]
fn what_is_not_a_number_is_not_hidden_and_extremes_are_finite() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let x = tensor(&[f64::NAN, -1e30, 1e30, 0.0], 1, &device, DType::F32);
    let y = values(Activation::Gelu.apply(x));
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [0.0, f64::from(1e30f32), 0.0]);
}

/// `x`, `x Φ(x)` and its slope, by mpmath with 40 digits.
const EXACT: [[f64; 3]; 13] = [
    [
        -30.0,
        -1.472_014_178_144_456_1e-196,
        -4.416_031_690_708_494e-195,
    ],
    [
        -12.0,
        -2.131_778_534_493_215e-32,
        -2.557_895_661_674_895_6e-31,
    ],
    [-5.0, -1.433_257_859_395_969_6e-6, -7.146_946_001_792_295e-6],
    [-2.5, -0.015_524_163_314_440_338, -0.037_611_085_908_145_21],
    [-1.0, -0.158_655_253_931_457_05, -0.083_315_470_587_686_3],
    [
        -0.75,
        -0.169_970_514_282_651_15,
        0.000_774_278_260_764_895_6,
    ],
    [-0.25, -0.100_323_418_579_269_07, 0.304_626_645_116_363_97],
    [0.125, 0.068_717_278_103_764_11, 0.599_217_935_698_206_6],
    [0.5, 0.345_731_230_637_006_55, 0.867_495_124_656_162_8],
    [1.0, 0.841_344_746_068_542_9, 1.083_315_470_587_686_3],
    [2.5, 2.484_475_836_685_559_7, 1.037_611_085_908_145_2],
    [6.0, 5.999_999_994_080_474, 1.000_000_035_468_709_5],
    [20.0, 20.0, 1.0],
];

#[test]
fn in_double_precision_it_is_the_formula() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let points = EXACT.map(|[x, ..]| x);
    let (y, dy) = found(&points, &device, DType::F64);
    for (([x, value, slope], y), dy) in EXACT.into_iter().zip(y).zip(dy) {
        assert!((y - value).abs() <= 2e-13 * value.abs(), "{x}: {y}");
        let allowed = 2e-13 * slope.abs() + if x > -2.0 { 1e-15 } else { 0.0 };
        assert!((dy - slope).abs() <= allowed, "{x}: {dy}");
        // The network on the host.
        let y = Activation::Gelu.value(x);
        assert!((y - value).abs() <= 2e-13 * value.abs(), "{x}: {y}");
    }
    assert_eq!(Activation::Gelu.value(1e300), 1e300);
    assert!(Activation::Gelu.value(f64::NAN).is_nan());
}

/// Every backend, a graphics adapter among them where there is one.
#[test]
fn every_backend_has_the_exact_form_and_its_slope() {
    let points = points(-8.0, 8.0);
    for opened in backends() {
        let (y, dy) = found(&points, &opened.device, DType::F32);
        for ((&x, y), dy) in points.iter().zip(y).zip(dy) {
            let name = opened.backend.name();
            let allowed = 3e-7 * x.abs().max(1.0);
            assert!((y - x * cdf(x)).abs() <= allowed, "{name} {x}: {y}");
            assert!((dy - slope(x)).abs() <= allowed, "{name} {x}: {dy}");
        }
    }
}

/// Sizes that are cut into pieces, and a layout whose rows do not lie one after another.
#[test]
fn all_elements_of_a_large_tensor_are_computed() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let all: Vec<f64> = (0..60_000)
        .map(|i| f64::from((i % 977) as f32 / 100.0 - 5.0))
        .collect();
    let x = tensor(&all, 200, &device, DType::F32);
    let turned: Tensor<2> = Activation::Gelu.apply(x.transpose()).transpose();
    for (x, y) in all.iter().zip(values(turned)) {
        assert!((y - x * cdf(*x)).abs() <= 1e-6, "{x}: {y}");
    }
}
