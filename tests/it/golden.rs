//! Losses, gradients and Adam against PyTorch, on every backend.
//!
//! `tests/golden/generate.py` made the values in float64; here everything is float32.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use hourglass::batches::Pairs;
use hourglass::model::{Activation, Architecture, Autoencoder, Reconstructed};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::train::{Adam, Optimizer, Trainer, clip_global_norm};
use serde_json::Value;

use crate::support;

/// Tensors by PyTorch's names, flattened as PyTorch has them.
type Tensors = BTreeMap<String, Vec<f64>>;

fn golden() -> Value {
    let path = support::root().join("tests/golden/autoencoder.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn tensors(value: &Value) -> Tensors {
    let named = value.as_object().unwrap();
    named
        .iter()
        .map(|(name, value)| (name.clone(), numbers(value)))
        .collect()
}

/// `encoder.layers.1.weight` here is `encoder.2.weight` there: activations count as layers.
fn pytorch_name(path: &[String]) -> String {
    let [part, _, index, parameter] = path else {
        panic!("unexpected path {path:?}")
    };
    format!("{part}.{}.{parameter}", 2 * index.parse::<usize>().unwrap())
}

fn transpose(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    (0..rows * columns)
        .map(|i| values[i % rows * columns + i / rows])
        .collect()
}

/// Puts PyTorch's weights into a network.
struct Fill<'a> {
    weights: &'a Tensors,
    path: Vec<String>,
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let mut values = self.weights[&pytorch_name(&self.path)].clone();
        let shape = parameter.val().dims();
        if D == 2 {
            values = transpose(&values, shape[1], shape[0]);
        }
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let device = parameter.val().device();
        parameter.map(|_| Tensor::from_data(TensorData::new(values.clone(), shape), &device))
    }
}

/// Takes a network's weights, or their gradients, in PyTorch's names and layout.
struct Take<'a> {
    gradients: Option<&'a GradientsParams>,
    taken: Tensors,
    path: Vec<String>,
}

impl ModuleVisitor for Take<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            None => parameter.val(),
            Some(gradients) => gradients.get::<D>(parameter.id).expect("a gradient"),
        };
        let shape = tensor.dims();
        let mut values: Vec<f64> = tensor.into_data().iter::<f64>().collect();
        if D == 2 {
            values = transpose(&values, shape[0], shape[1]);
        }
        self.taken.insert(pytorch_name(&self.path), values);
    }
}

fn take(model: &Autoencoder, gradients: Option<&GradientsParams>) -> Tensors {
    let mut visitor = Take {
        gradients,
        taken: Tensors::new(),
        path: Vec::new(),
    };
    model.visit(&mut visitor);
    visitor.taken
}

fn network(golden: &Value, code_activation: Activation, device: &Device) -> Autoencoder {
    let architecture = Architecture {
        encoder: vec![7, 5, 3],
        decoder: vec![3, 5, 7],
        activation: Activation::Relu,
        code_activation,
        output: Activation::Sigmoid,
    };
    let weights = tensors(&golden["weights"]);
    let mut fill = Fill {
        weights: &weights,
        path: Vec::new(),
    };
    Autoencoder::new(&architecture, 0, device).map(&mut fill)
}

fn batch(golden: &Value, device: &Device) -> Tensor<2> {
    let pixels: Vec<f32> = numbers(&golden["pixels"])
        .iter()
        .map(|&pixel| pixel as f32 / 255.0)
        .collect();
    Tensor::from_data(TensorData::new(pixels, [4, 7]), device)
}

fn close(what: &str, found: &[f64], expected: &[f64], relative: f64, absolute: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= relative * expected.abs() + absolute,
            "{what}[{index}]: {found} where PyTorch has {expected}"
        );
    }
}

fn all_close(what: &str, found: &Tensors, expected: &Tensors, relative: f64, absolute: f64) {
    assert!(found.keys().eq(expected.keys()), "{what}");
    for (name, expected) in expected {
        close(
            &format!("{what} {name}"),
            &found[name],
            expected,
            relative,
            absolute,
        );
    }
}

#[test]
fn losses_and_all_gradients_are_pytorchs() {
    use Reconstruction::{BinaryCrossEntropy, MeanSquaredError, SquaredError};
    let l1 = |reduction| {
        Some(Sparsity::L1 {
            weight: 0.01,
            reduction,
        })
    };
    let kl = Sparsity::KullbackLeibler {
        weight: 0.1,
        target: 0.05,
    };
    let objectives = [
        ("bce", BinaryCrossEntropy, None),
        ("mse", MeanSquaredError, None),
        ("squared_error", SquaredError, None),
        (
            "bce_and_l1_batch_sum",
            BinaryCrossEntropy,
            l1(Reduction::BatchSum),
        ),
        (
            "bce_and_l1_batch_mean",
            BinaryCrossEntropy,
            l1(Reduction::BatchMean),
        ),
        ("bce_and_kl", BinaryCrossEntropy, Some(kl)),
    ];
    let golden = golden();
    assert_eq!(
        golden["objectives"].as_object().unwrap().len(),
        objectives.len()
    );
    for opened in support::backends() {
        let device = opened.device.clone().autodiff();
        for (name, reconstruction, sparsity) in objectives {
            let expected = &golden["objectives"][name];
            let what = format!("{name} on {}", opened.backend.name());
            let code_activation = match sparsity {
                Some(Sparsity::KullbackLeibler { .. }) => Activation::Sigmoid,
                _ => Activation::Relu,
            };
            let model = network(&golden, code_activation, &opened.device).train();
            let x = batch(&golden, &device);
            let Reconstructed { code, logits } = model.forward(x.clone());
            let mut loss = reconstruction.loss(logits, model.output_activation(), x);
            if let Some(sparsity) = sparsity {
                loss = loss + sparsity.penalty(code);
            }
            let value: Vec<f64> = loss.clone().into_data().iter::<f64>().collect();
            close(&what, &value, &numbers(&expected["loss"]), 1e-6, 0.0);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let gradients = take(&model, Some(&gradients));
            all_close(
                &what,
                &gradients,
                &tensors(&expected["gradients"]),
                2e-5,
                2e-8,
            );
        }
    }
}

#[test]
fn ten_steps_of_every_optimizer_are_pytorchs() {
    let adam = |epsilon| Adam {
        learning_rate: 1e-2,
        epsilon,
        ..Adam::default()
    };
    let sgd = |learning_rate, momentum| Optimizer::Sgd {
        learning_rate,
        momentum,
    };
    let adamw = Optimizer::AdamW {
        adam: adam(1e-2),
        weight_decay: 0.1,
    };
    let rmsprop = Optimizer::RmsProp {
        learning_rate: 1e-2,
        decay: 0.9,
        epsilon: 1e-2,
    };
    let optimizers = [
        ("sgd", sgd(0.5, 0.0)),
        ("momentum", sgd(0.1, 0.9)),
        ("adam", Optimizer::Adam(adam(1e-7))),
        ("adam_with_large_epsilon", Optimizer::Adam(adam(1e-2))),
        ("adamw", adamw),
        ("rmsprop", rmsprop),
    ];
    let golden = golden();
    assert_eq!(
        golden["optimizers"].as_object().unwrap().len(),
        optimizers.len()
    );
    for opened in support::backends() {
        for (name, optimizer) in optimizers {
            let expected = &golden["optimizers"][name];
            let what = format!("{name} on {}", opened.backend.name());
            let mut trainer = Trainer {
                optimizer: optimizer.init(),
                reconstruction: Reconstruction::BinaryCrossEntropy,
                sparsity: None,
                clip_gradient_norm: None,
            };
            let mut model = network(&golden, Activation::Relu, &opened.device).train();
            let x = batch(&golden, &opened.device);
            let pairs = Pairs {
                input: x.clone(),
                target: x,
            };
            let mut losses = Vec::new();
            for _ in 0..10 {
                let rate = optimizer.learning_rate();
                let (trained, loss) = trainer.step(model, pairs.clone(), rate);
                model = trained;
                losses.extend(loss.into_data().iter::<f64>());
            }
            close(&what, &losses, &numbers(&expected["losses"]), 2e-6, 0.0);
            let weights = take(&model.valid(), None);
            all_close(&what, &weights, &tensors(&expected["weights"]), 1e-5, 2e-6);
        }
    }
}

#[test]
fn gradients_are_clipped_by_their_global_norm_as_in_pytorch() {
    let golden = golden();
    let expected = &golden["clipped"];
    let norm = expected["norm"].as_f64().unwrap();
    for opened in support::backends() {
        let model = network(&golden, Activation::Relu, &opened.device).train();
        let x = batch(&golden, &opened.device.clone().autodiff());
        let gradients = |most: f64| {
            let logits = model.forward(x.clone()).logits;
            let kind = Reconstruction::BinaryCrossEntropy;
            let loss = kind.loss(logits, model.output_activation(), x.clone());
            let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
            clip_global_norm(&mut gradients, &model, most);
            take(&model, Some(&gradients))
        };
        let what = opened.backend.name();
        all_close(
            what,
            &gradients(0.05),
            &tensors(&expected["gradients"]),
            2e-5,
            2e-8,
        );
        // A norm that is small enough stays as it is.
        let unclipped = tensors(&golden["objectives"]["bce"]["gradients"]);
        all_close(what, &gradients(1.01 * norm), &unclipped, 2e-5, 2e-8);
    }
}

#[test]
fn activations_and_their_derivatives_are_pytorchs() {
    let golden = golden();
    let points: Vec<f32> = numbers(&golden["points"])
        .iter()
        .map(|&x| x as f32)
        .collect();
    for opened in support::backends() {
        let device = opened.device.clone().autodiff();
        for (name, activation) in Activation::NAMES {
            let expected = &golden["activations"][name];
            let what = format!("{name} on {}", opened.backend.name());
            let h = TensorData::new(points.clone(), [2, 4]);
            let h = Tensor::<2>::from_data(h, &device).require_grad();
            let values = activation.apply(h.clone());
            let gradients = values.clone().square().sum().backward();
            let found: Vec<f64> = values.into_data().iter::<f64>().collect();
            close(&what, &found, &numbers(&expected["values"]), 2e-6, 1e-7);
            let found = h.grad(&gradients).unwrap();
            let found: Vec<f64> = found.into_data().iter::<f64>().collect();
            close(&what, &found, &numbers(&expected["gradients"]), 1e-5, 1e-6);
        }
    }
}

/// The two values of epsilon must differ by more than the tolerance above, or it tests nothing.
#[test]
fn the_golden_runs_tell_two_epsilons_apart() {
    let golden = golden();
    let weights = |name: &str| tensors(&golden["optimizers"][name]["weights"]);
    let (first, second) = (weights("adam"), weights("adam_with_large_epsilon"));
    let difference = first["decoder.2.bias"]
        .iter()
        .zip(&second["decoder.2.bias"])
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    assert!(difference > 1e-3, "{difference}");
}
