//! Dense layers and their gradients.

use burn::tensor::{DType, Tensor};
use hourglass::kernels::{self, Epilogue};

use super::{device_with_kernels, tensor, values};

/// What is not a number is never hidden.
#[test]
fn a_rectifier_lets_what_is_not_a_number_through() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let row = |values: &[f64]| tensor(values, 1, &device, DType::F32);
    for epilogue in [Epilogue::Identity, Epilogue::Relu] {
        let w = tensor(&[1.0, 2.0, 3.0, 4.0], 2, &device, DType::F32);
        let b = Tensor::zeros([2], &device);
        let y = values(kernels::dense(row(&[f64::NAN, 1.0]), w, b, epilogue));
        assert!(y.iter().all(|y| y.is_nan()), "{epilogue:?}: {y:?}");
    }
}

/// `y` and the gradients of `Σ c ⊙ y` by x, w and b, worked out in double precision.
fn dense_by_hand(
    [x, w, b, c]: [&[f64]; 4],
    [batch, inputs, outputs]: [usize; 3],
    epilogue: Epilogue,
) -> [Vec<f64>; 4] {
    let mut y = vec![0.0; batch * outputs];
    let [mut dx, mut dw, mut db] = [x.len(), w.len(), b.len()].map(|length| vec![0.0; length]);
    for row in 0..batch {
        for column in 0..outputs {
            let h = b[column]
                + (0..inputs)
                    .map(|k| x[row * inputs + k] * w[k * outputs + column])
                    .sum::<f64>();
            let rectified = epilogue == Epilogue::Relu && h <= 0.0;
            y[row * outputs + column] = if rectified { 0.0 } else { h };
            let delta = if rectified {
                0.0
            } else {
                c[row * outputs + column]
            };
            db[column] += delta;
            for k in 0..inputs {
                dw[k * outputs + column] += x[row * inputs + k] * delta;
                dx[row * inputs + k] += w[k * outputs + column] * delta;
            }
        }
    }
    [y, dx, dw, db]
}

/// Sizes that are not shared, shared by the rows of weights, and shared by examples, some of no round
/// number; with a gradient of the input and without.
#[test]
fn a_dense_layer_and_its_gradients_are_the_formulas() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let device = device.autodiff();
    let shapes = [
        [1, 1, 1],
        [3, 5, 2],
        [8, 784, 128],
        [32, 784, 33],
        [150, 70, 65],
        [64, 130, 600],
    ];
    for [batch, inputs, outputs] in shapes {
        for epilogue in [Epilogue::Identity, Epilogue::Relu] {
            let small = |count: usize, seed: usize| -> Vec<f64> {
                let number = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
                (0..count).map(|i| f64::from(number(i))).collect()
            };
            let x = small(batch * inputs, 1);
            let w = small(inputs * outputs, 2);
            let b = small(outputs, 3);
            let c = small(batch * outputs, 4);
            let expected = dense_by_hand([&x, &w, &b, &c], [batch, inputs, outputs], epilogue);
            for input_has_gradient in [false, true] {
                let mut x = tensor(&x, batch, &device, DType::F32);
                if input_has_gradient {
                    x = x.require_grad();
                }
                // A layout of rows and columns exchanged, which a tied decoder has.
                let turned: Vec<f64> = (0..w.len())
                    .map(|i| w[i % inputs * outputs + i / inputs])
                    .collect();
                let w = tensor(&turned, outputs, &device, DType::F32).require_grad();
                let b = tensor(&b, 1, &device, DType::F32).require_grad();
                let c = tensor(&c, batch, &device, DType::F32);
                let bias = b.clone().reshape([outputs]);
                let y = kernels::dense(x.clone(), w.clone().transpose(), bias, epilogue);
                let gradients = (y.clone() * c).sum().backward();
                let dw = w.grad(&gradients).unwrap().transpose();
                let db = b.grad(&gradients).unwrap();
                let mut found = vec![
                    (y.inner(), &expected[0]),
                    (dw, &expected[2]),
                    (db, &expected[3]),
                ];
                found.extend(x.grad(&gradients).map(|dx| (dx, &expected[1])));
                assert_eq!(found.len(), if input_has_gradient { 4 } else { 3 });
                for (found, expected) in found {
                    let scale = (batch.max(inputs).max(outputs) as f64).sqrt();
                    for (found, expected) in values(found).iter().zip(expected) {
                        assert!(
                            (found - expected).abs() < 1e-5 * scale,
                            "{batch} {inputs} {outputs} {epilogue:?}: {found}, {expected}"
                        );
                    }
                }
            }
        }
    }
}
