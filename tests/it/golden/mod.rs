//! Losses, gradients and optimizers against PyTorch, on every backend.
//!
//! `tests/golden/generate.py` made the values in float64; here everything is float32.

mod networks;
mod training;

use std::collections::BTreeMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use hourglass::batches::tensor;
use hourglass::data::ImageSet;
use hourglass::model::autoencoder::Architecture;
use hourglass::model::{Activation, Autoencoder, parameters};
use hourglass::objective::{Reconstruction, Sparsity};
use hourglass::task::{ImageExamples, ReconstructionTask};
use ndarray::Array2;
use serde_json::Value;

use crate::support;

/// Tensors by PyTorch's names, flattened as PyTorch has them.
type Tensors = BTreeMap<String, Vec<f64>>;

fn golden() -> Value {
    let path = support::root().join("tests/golden/golden.json");
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

/// `encoder.layers.1.weight` here is `encoder.2.weight` there: activations count as layers. A
/// classifier's stack is the whole network there.
fn pytorch_name(name: &str) -> String {
    match name.split('.').collect::<Vec<_>>()[..] {
        [stack, "layers", index, parameter] => {
            let name = format!("{}.{parameter}", 2 * index.parse::<usize>().unwrap());
            match stack {
                "stack" => name,
                _ => format!("{stack}.{name}"),
            }
        }
        _ => name.to_owned(),
    }
}

/// A network's weights, or their gradients, in PyTorch's names and layout.
fn take<M: Module>(network: &M, gradients: Option<&GradientsParams>) -> Tensors {
    let taken = match gradients {
        None => parameters::parameters(network),
        Some(gradients) => parameters::gradients(network, gradients),
    };
    let taken = taken.unwrap();
    let flat = taken.iter().map(|(name, values)| {
        let values = values.t().iter().copied().collect();
        (pytorch_name(name), values)
    });
    flat.collect()
}

/// `network` with PyTorch's weights.
fn filled<M: Module>(network: M, weights: &Value) -> M {
    let weights = tensors(weights);
    let mut filled = parameters::parameters(&network).unwrap();
    for (name, values) in filled.iter_mut() {
        let (rows, columns) = values.dim();
        let weights = weights[&pytorch_name(name)].clone();
        let transposed = Array2::from_shape_vec((columns, rows), weights).unwrap();
        values.assign(&transposed.t());
    }
    parameters::with_parameters(network, &filled)
}

fn architecture(code_activation: Activation) -> Architecture {
    Architecture {
        code_activation,
        ..support::architecture(&[7, 5, 3])
    }
}

fn network(golden: &Value, code_activation: Activation, device: &Device) -> Autoencoder {
    let network = Autoencoder::new(&architecture(code_activation), 0, device);
    filled(network, &golden["weights"])
}

/// The four images, on a device.
fn images(golden: &Value, device: &Device) -> ImageExamples {
    let pixels: Vec<u8> = numbers(&golden["pixels"])
        .iter()
        .map(|&pixel| pixel as u8)
        .collect();
    let images = ImageSet::new(1, 7, pixels, None);
    support::image_examples(&images, device)
}

/// All of the four images.
const ALL: [usize; 4] = [0, 1, 2, 3];

fn task(
    golden: &Value,
    reconstruction: Reconstruction,
    sparsity: Option<Sparsity>,
    device: &Device,
) -> ReconstructionTask {
    ReconstructionTask {
        images: images(golden, device),
        reconstruction,
        sparsity,
    }
}

/// Rows of numbers from the file, on a device.
fn rows(value: &Value, device: &Device) -> Tensor<2> {
    let values = numbers(value).iter().map(|&number| number as f32).collect();
    tensor(values, value.as_array().unwrap().len(), device)
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
