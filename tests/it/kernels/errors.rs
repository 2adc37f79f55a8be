//! Reconstruction errors and their slopes.

use burn::tensor::DType;
use hourglass::kernels::{self, Pointwise};

use super::{device_with_kernels, tensor, values};

/// Logits from −200 to 200, most of them near zero, and grey targets, black and white among them.
fn numbers(count: usize) -> (Vec<f64>, Vec<f64>) {
    let logit = |i: usize| {
        let even = (i * 7919 % 2003) as f64 / 1001.0 - 1.0;
        f64::from((200.0 * even.powi(5)) as f32)
    };
    let grey = |i: usize| f64::from((i * 104_729 % 256) as f32 / 255.0);
    (
        (0..count).map(logit).collect(),
        (0..count).map(grey).collect(),
    )
}

type Formula = fn(f64, f64) -> f64;

/// Each error with its formula and its slope.
const ERRORS: [(Pointwise, Formula, Formula); 3] = [
    (
        Pointwise::CrossEntropyOfLogits,
        |z, x| z.max(0.0) - x * z + (-z.abs()).exp().ln_1p(),
        |z, x| 1.0 / (1.0 + (-z).exp()) - x,
    ),
    (
        Pointwise::Squared,
        |z, x| (z - x).powi(2),
        |z, x| 2.0 * (z - x),
    ),
    (
        Pointwise::SquaredOfRelu,
        |z, x| (z.max(0.0) - x).powi(2),
        |z, x| if z > 0.0 { 2.0 * (z - x) } else { 0.0 },
    ),
];

/// The kernels against the formulas in double precision, for sizes that fill no whole vector, block or
/// thread's share.
#[test]
fn errors_and_slopes_are_the_formulas_to_single_precision() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let device = device.autodiff();
    for (kind, error, slope) in ERRORS {
        for (rows, columns) in [
            (1, 1),
            (3, 5),
            (4, 16),
            (7, 784),
            (32, 784),
            (2, 1024),
            (50, 1001),
        ] {
            let (z, x) = numbers(rows * columns);
            let logits = tensor(&z, rows, &device, DType::F32).require_grad();
            let targets = tensor(&x, rows, &device, DType::F32);
            let count = z.len() as f64;
            let loss = kernels::pointwise_error(kind, logits.clone(), targets, count);
            // Four times the loss has four times the gradient.
            let gradients = loss.clone().mul_scalar(4.0).backward();
            let found = values(logits.grad(&gradients).unwrap());

            let each = z.iter().zip(&x);
            let expected: f64 = each.clone().map(|(&z, &x)| error(z, x)).sum();
            let expected = expected / count;
            let found_loss = values(loss)[0];
            assert!(
                (found_loss - expected).abs() < 2.5e-7 * expected.max(1e-30),
                "{kind:?}: {found_loss}, {expected}"
            );
            for (found, (&z, &x)) in found.iter().zip(each) {
                let expected = 4.0 * slope(z, x) / count;
                // Four times the slope of a square.
                let unit = 8.0 * z.abs().max(1.0);
                assert!(
                    (found - expected).abs() * count < 2.5e-7 * unit,
                    "{kind:?}: {found}, {expected}"
                );
            }
        }
    }
}

/// Layouts that no batch has, but a caller may: rows and columns exchanged, or rows of a larger tensor.
#[test]
fn errors_take_any_layout() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let (z, x) = numbers(48);
    let [z, x] = [z, x].map(|each| tensor(&each, 6, &device, DType::F32));
    for (kind, ..) in ERRORS {
        let error = |z, x| values(kernels::pointwise_error(kind, z, x, 1.0))[0];
        let expected = error(z.clone(), x.clone());
        let turned = error(z.clone().transpose(), x.clone().transpose());
        assert!(
            (turned / expected - 1.0).abs() < 1e-6,
            "{turned}, {expected}"
        );
        let half = |start: usize| {
            let rows = start..start + 3;
            error(
                z.clone().narrow(0, rows.start, 3),
                x.clone().narrow(0, rows.start, 3),
            )
        };
        let halves = half(0) + half(3);
        assert!(
            (halves / expected - 1.0).abs() < 1e-6,
            "{halves}, {expected}"
        );
    }
}

/// A tensor that others use too keeps its numbers.
#[test]
fn kernels_write_over_nothing_that_is_still_in_use() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let (z, x) = numbers(784 * 32);
    let logits = tensor(&z, 32, &device, DType::F32);
    let before = values(logits.clone());
    let target = tensor(&x, 32, &device, DType::F32);
    kernels::pointwise_error(Pointwise::Squared, logits.clone(), target, 1.0);
    assert_eq!(values(logits), before);
}

/// What is not a number is never hidden.
#[test]
fn what_is_not_a_number_stays_so() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let row = |values: &[f64]| tensor(values, 1, &device, DType::F32);
    for bad in [f64::NAN, f64::INFINITY] {
        for (kind, ..) in ERRORS {
            let (z, x) = (row(&[0.0, bad, 1.0]), row(&[0.0, 0.0, 1.0]));
            let error = values(kernels::pointwise_error(kind, z, x, 3.0))[0];
            assert!(!error.is_finite(), "{kind:?} of {bad}");
        }
    }
}
