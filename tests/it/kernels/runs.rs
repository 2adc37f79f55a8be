//! Whole runs: with kernels and without, by any number of threads, with Adam's steps.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, TensorData};
use hourglass::data::ImageSet;
use hourglass::model::autoencoder::Architecture;
use hourglass::model::parameters::parameters;
use hourglass::model::{Activation, Autoencoder, weights};
use hourglass::objective::Reconstruction;
use hourglass::task::{ReconstructionTask, Task, WHOLE};
use hourglass::train::{Adam, NetworkOptimizer, Optimizer};

use super::{device_with_kernels, values};
use crate::support;

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
    let architecture = support::architecture(&[784, 128, 32]);
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

    let images = ImageSet::new(
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
        let batch = task.images.batch(1, &indices, 0);
        let x = batch.0.input.clone().autodiff();
        let loss = task.loss(&network, batch, WHOLE).minimised;
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
        // Large enough for threads to share its weights.
        let architecture = Architecture {
            activation: Activation::Tanh,
            code_activation: Activation::Tanh,
            ..support::architecture(&[200, 101, 3])
        };
        let train = |mut optimizer: NetworkOptimizer| {
            let mut network = Autoencoder::new(&architecture, 5, device).train();
            for _ in 0..20 {
                let loss = task
                    .loss(&network, task.images.batch(1, &[0, 1, 2, 3, 4], 0), WHOLE)
                    .minimised;
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                network = optimizer.step(adam.learning_rate, network, gradients);
            }
            weights::fingerprint(&network.valid()).unwrap()
        };
        let stock = AdamConfig::new()
            .with_beta_1(adam.beta_1 as f32)
            .with_beta_2(adam.beta_2 as f32)
            .with_epsilon(adam.epsilon as f32)
            .build()
            .into();
        let begin = weights::fingerprint(&Autoencoder::new(&architecture, 5, device)).unwrap();
        let trained = train(Optimizer::Adam(adam).init());
        assert_ne!(trained, begin);
        assert_eq!(trained, train(stock), "{}", opened.backend.name());
    }
}
