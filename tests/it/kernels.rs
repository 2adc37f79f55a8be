//! Operations of our own against the stock operations that they stand in for.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use hourglass::data::ImageSet;
use hourglass::kernels;
use hourglass::model::autoencoder::Architecture;
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

/// The kernel against the formula in double precision, for sizes that fill no whole vector or block.
#[test]
fn the_cross_entropy_kernel_is_the_formula_to_single_precision() {
    if !support::backends()
        .iter()
        .any(|opened| kernels::is_flex(&opened.device))
    {
        println!("skipping: this build has no kernels");
        return;
    }
    let device = Device::flex().autodiff();
    for (rows, columns) in [(1, 1), (3, 5), (4, 16), (7, 784), (32, 784), (2, 1024)] {
        let (z, x) = numbers(rows * columns);
        let logits = tensor(&z, rows, &device, DType::F32).require_grad();
        let targets = tensor(&x, rows, &device, DType::F32);
        let loss = kernels::cross_entropy_of_logits(&logits, &targets).expect("a kernel");
        // Four times the loss has four times the gradient.
        let gradients = loss.clone().mul_scalar(4.0).backward();
        let found = values(logits.grad(&gradients).unwrap());

        let count = z.len() as f64;
        let each = z.iter().zip(&x);
        let expected: f64 = each
            .clone()
            .map(|(z, x)| z.max(0.0) - x * z + (-z.abs()).exp().ln_1p())
            .sum();
        let expected = expected / count;
        let found_loss = values(loss)[0];
        assert!(
            (found_loss - expected).abs() < 2e-7 * expected.max(1e-30),
            "{found_loss}, {expected}"
        );
        for (found, (z, x)) in found.iter().zip(each) {
            let expected = 4.0 * (1.0 / (1.0 + (-z).exp()) - x) / count;
            assert!(
                (found - expected).abs() * count < 1e-6,
                "{found}, {expected}"
            );
        }
    }
}

/// Layouts that no batch has, but a caller may: rows and columns exchanged.
#[test]
fn the_cross_entropy_kernel_takes_any_layout() {
    for opened in support::backends() {
        let Some(expected) = ({
            let (z, x) = numbers(48);
            let z = tensor(&z, 6, &opened.device, DType::F32);
            let x = tensor(&x, 6, &opened.device, DType::F32);
            kernels::cross_entropy_of_logits(&z, &x).map(|loss| {
                let turned = kernels::cross_entropy_of_logits(&z.transpose(), &x.transpose());
                (values(loss)[0], values(turned.expect("a kernel"))[0])
            })
        }) else {
            continue;
        };
        assert!((expected.0 / expected.1 - 1.0).abs() < 1e-6, "{expected:?}");
    }
}

/// What is not a number is never hidden.
#[test]
fn logits_that_are_not_numbers_have_a_loss_that_is_not() {
    for opened in support::backends() {
        for bad in [f64::NAN, f64::INFINITY] {
            let z = tensor(&[0.0, bad, 1.0], 1, &opened.device, DType::F32);
            let x = tensor(&[0.0, 0.0, 1.0], 1, &opened.device, DType::F32);
            if let Some(loss) = kernels::cross_entropy_of_logits(&z, &x) {
                assert!(!values(loss)[0].is_finite(), "{bad}");
            }
        }
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
        let pixels = (0..60).map(|i| (i * 37 % 256) as u8).collect();
        let task = ReconstructionTask {
            images: support::image_examples(&ImageSet::new(3, 4, pixels, None), device),
            reconstruction: Reconstruction::MeanSquaredError,
            sparsity: None,
        };
        let architecture = Architecture {
            encoder: vec![12, 7, 3],
            decoder: vec![3, 7, 12],
            tied: false,
            activation: Activation::Tanh,
            code_activation: Activation::Tanh,
            output: Activation::Sigmoid,
            dropout: 0.0,
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
