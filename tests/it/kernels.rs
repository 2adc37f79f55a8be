//! Operations of our own against the stock operations that they stand in for.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Tensor, TensorData};
use hourglass::data::ImageSet;
use hourglass::kernels::{self, Epilogue, Pointwise};
use hourglass::model::autoencoder::{Architecture, InitialBias};
use hourglass::model::parameters::parameters;
use hourglass::model::{Activation, Autoencoder, weights};
use hourglass::objective::Reconstruction;
use hourglass::task::{ReconstructionTask, Task};
use hourglass::train::{Adam, Optimizer};

use crate::support;

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

fn tensor(values: &[f64], rows: usize, device: &Device, dtype: DType) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [rows, values.len() / rows]);
    Tensor::from_data(data.convert_dtype(dtype), (device, dtype))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn device_with_kernels() -> Option<Device> {
    let backends = support::backends();
    let flex = backends
        .into_iter()
        .find(|opened| kernels::is_flex(&opened.device));
    if flex.is_none() {
        println!("skipping: this build has no kernels");
    }
    flex.map(|opened| opened.device)
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

/// The lecture's network out of Burn's own layers.
#[derive(Module, Debug)]
struct Stock {
    layers: Vec<Linear>,
}

impl Stock {
    /// The error of the logits, by Burn's own operations.
    fn error(&self, x: Tensor<2>) -> Tensor<1> {
        let (last, hidden) = self.layers.split_last().unwrap();
        let h = hidden
            .iter()
            .fold(x.clone(), |h, layer| relu(layer.forward(h)));
        let z = last.forward(h);
        let tail = z.clone().abs().neg().exp().log1p();
        (relu(z.clone()) - x * z + tail).mean()
    }
}

/// Kernels or stock operations: the same losses, step by step, to the rounding of single precision.
#[test]
fn a_run_with_kernels_has_the_losses_of_one_without() {
    let Some(device) = device_with_kernels() else {
        return;
    };
    let sizes = [784, 128, 32, 128, 784];
    let architecture = Architecture {
        encoder: sizes[..3].to_vec(),
        decoder: sizes[2..].to_vec(),
        tied: false,
        activation: Activation::Relu,
        code_activation: Activation::Relu,
        output: Activation::Sigmoid,
        dropout: 0.0,
        initial_bias: InitialBias::default(),
    };
    let network = Autoencoder::new(&architecture, 5, &device);
    let weights = parameters(&network).unwrap();
    let weights: Vec<_> = weights.iter().map(|(_, values)| values.clone()).collect();
    let data = |values: &ndarray::Array2<f64>, shape: &[usize]| {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        TensorData::new(values, shape.to_vec())
    };
    let layers = weights.chunks_exact(2).map(|pair| Linear {
        weight: Param::from_data(data(&pair[0], pair[0].shape()), &device),
        bias: Some(Param::from_data(data(&pair[1], &[pair[1].len()]), &device)),
    });
    let mut stock = Stock {
        layers: layers.collect(),
    }
    .train();
    let mut network = network.train();

    let images = hourglass::data::ImageSet::new(
        28,
        28,
        (0..64 * 784).map(|i| (i * i / 7 % 251) as u8).collect(),
        None,
    );
    let task = ReconstructionTask {
        images: support::image_examples(&images, &device),
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: None,
    };
    let adam = Adam::default();
    let mut optimizer = Optimizer::Adam(adam).init();
    let mut stock_optimizer = AdamConfig::new().with_epsilon(adam.epsilon as f32).init();
    for step in 0..40 {
        let indices: Vec<usize> = (0..32).map(|i| (i + step) % 64).collect();
        let batch = task.images.batch(1, &indices);
        let x = batch.0.input.clone().autodiff();
        let loss = task.loss(&network, batch).minimised;
        let stock_loss = stock.error(x);
        let [found, expected] = [loss.clone(), stock_loss.clone()].map(|loss| values(loss)[0]);
        assert!(
            (found / expected - 1.0).abs() < 1e-5,
            "step {step}: {found}, {expected}"
        );
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(adam.learning_rate, network, gradients);
        let gradients = GradientsParams::from_grads(stock_loss.backward(), &stock);
        stock = stock_optimizer.step(adam.learning_rate, stock, gradients);
    }
}

/// With the real program: batches that threads share by the rows of weights and by examples.
#[test]
fn one_two_and_three_threads_give_the_same_bits() {
    if device_with_kernels().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for settings in [
        [
            "train.batch_size=32",
            "objective.sparsity={ kind = \"l1\", weight = 1e-5, reduction = \"batch_mean\" }",
        ],
        [
            "train.batch_size=256",
            "objective.corruption={ kind = \"gaussian\", sigma = 0.4 }",
        ],
        ["train.batch_size=100", "model.tied=true"],
    ] {
        let weights = [1, 2, 3].map(|threads: usize| {
            let out = directory.path().join(threads.to_string());
            let threads = threads.to_string();
            let out = out.to_str().unwrap();
            let mut arguments = vec!["train", "--quiet", "--force", "--json", "--backend", "flex"];
            arguments.extend(["--threads", &threads, "--out", out]);
            for setting in ["train.epochs=1", "data.limit=700", "data.test_limit=20"] {
                arguments.extend(["--set", setting]);
            }
            for setting in settings {
                arguments.extend(["--set", setting]);
            }
            let summary: serde_json::Value =
                serde_json::from_str(&support::succeed(&arguments)).unwrap();
            summary["receipt"]["weights_sha256"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        assert!(
            weights.iter().all(|each| *each == weights[0]),
            "{settings:?}"
        );
    }
}

/// Twenty steps of Adam are Burn's own to the last bit, on every backend.
#[test]
fn one_pass_of_adam_is_burns_adam_to_the_last_bit() {
    let adam = Adam {
        learning_rate: 1e-2,
        ..Adam::default()
    };
    for opened in support::backends() {
        let device = &opened.device;
        let pixels = (0..5 * 200).map(|i| (i * 37 % 256) as u8).collect();
        let task = ReconstructionTask {
            images: support::image_examples(&ImageSet::new(10, 20, pixels, None), device),
            reconstruction: Reconstruction::MeanSquaredError,
            sparsity: None,
        };
        let architecture = Architecture {
            // Large enough for threads to share its weights.
            encoder: vec![200, 101, 3],
            decoder: vec![3, 101, 200],
            tied: false,
            activation: Activation::Tanh,
            code_activation: Activation::Tanh,
            output: Activation::Sigmoid,
            dropout: 0.0,
            initial_bias: InitialBias::default(),
        };
        let train = |mut optimizer: ModuleOptimizer| {
            let mut network = Autoencoder::new(&architecture, 5, device).train();
            for _ in 0..20 {
                let loss = task
                    .loss(&network, task.images.batch(1, &[0, 1, 2, 3, 4]))
                    .minimised;
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                network = optimizer.step(adam.learning_rate, network, gradients);
            }
            weights::fingerprint(&network.valid())
        };
        let stock = AdamConfig::new()
            .with_beta_1(adam.beta_1 as f32)
            .with_beta_2(adam.beta_2 as f32)
            .with_epsilon(adam.epsilon as f32)
            .init();
        let begin = weights::fingerprint(&Autoencoder::new(&architecture, 5, device));
        let trained = train(Optimizer::Adam(adam).init());
        assert_ne!(trained, begin);
        assert_eq!(trained, train(stock), "{}", opened.backend.name());
    }
}
