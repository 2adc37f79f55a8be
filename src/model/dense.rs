//! A stack of dense layers, and the weights it begins with.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};
use rand::RngExt;

use super::{Activation, DropoutMasks, PortableLayer};
use crate::kernels::{self, Epilogue};
use crate::random::{self, Purpose};

/// Dense layers one after another, each with its activation.
///
/// ```text
/// h₁ = f(x W₁ + b₁)   …   hₙ = g(hₙ₋₁ Wₙ + bₙ)
/// ```
#[derive(Module, Debug)]
pub struct DenseStack {
    layers: Vec<Linear>,
    /// f
    #[module(skip)]
    activation: Activation,
    /// g
    #[module(skip)]
    last: Activation,
}

impl DenseStack {
    /// Layers between each two of `sizes`, with `activation` after all and `last` after the last,
    /// initialised from `seed`.
    ///
    /// `first_layer` is the number of layers of the network that come before: it picks the random
    /// stream, so that every layer of a network begins with weights of its own.
    pub fn new(
        sizes: &[usize],
        activation: Activation,
        last: Activation,
        seed: u64,
        first_layer: usize,
        device: &Device,
    ) -> Self {
        let depth = sizes.len() - 1;
        let layers = sizes
            .windows(2)
            .enumerate()
            .map(|(index, pair)| {
                let after = if index + 1 == depth { last } else { activation };
                let outputs = pair[1] * after.pieces();
                dense(pair[0], outputs, seed, first_layer + index, device)
            })
            .collect();
        Self::of(layers, activation, last)
    }

    /// Layers that exist already.
    pub(super) fn of(layers: Vec<Linear>, activation: Activation, last: Activation) -> Self {
        Self {
            layers,
            activation,
            last,
        }
    }

    /// The same with all biases of the last layer set to `value`.
    pub(super) fn with_last_bias(mut self, value: f64, device: &Device) -> Self {
        if let Some(bias) = self.layers.last_mut().and_then(|last| last.bias.as_mut()) {
            *bias = constant(bias.dims()[0], value, device);
        }
        self
    }

    /// Runs all layers, without the activation after the last; `masks` leaves hidden units out.
    ///
    /// # Shapes
    /// `[batch, inputs] → [batch, outputs × pieces of the last activation]`
    pub fn logits(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        let (h, last) = self.before_last(x, masks);
        run(last, h, Activation::Linear)
    }

    /// Runs all layers; `masks` leaves hidden units out.
    ///
    /// # Shapes
    /// `[batch, inputs] → [batch, outputs]`
    pub fn forward(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        let (h, last) = self.before_last(x, masks);
        run(last, h, self.last)
    }

    /// Runs all layers but the last, which it gives too.
    fn before_last(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> (Tensor<2>, &Linear) {
        let (last, hidden) = self.layers.split_last().expect("a stack has layers");
        let h = hidden
            .iter()
            .fold(x, |h, layer| masks.apply(run(layer, h, self.activation)));
        (h, last)
    }

    /// The weights of each layer, `[inputs, outputs]`.
    pub(super) fn weights(&self) -> impl DoubleEndedIterator<Item = Tensor<2>> + '_ {
        self.layers.iter().map(|layer| layer.weight.val())
    }

    /// The layers as numbers on the host.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn portable(&self) -> Result<Vec<PortableLayer>, ExecutionError> {
        let depth = self.depth();
        let layers = self.layers.iter().enumerate();
        layers
            .map(|(index, layer)| {
                let last = index + 1 == depth;
                let activation = if last { self.last } else { self.activation };
                let bias = layer.bias.as_ref().map(Param::val);
                PortableLayer::read(layer.weight.val(), bias, activation)
            })
            .collect()
    }

    /// The activation after the last layer.
    pub fn last_activation(&self) -> Activation {
        self.last
    }

    /// The number of layers.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }
}

/// One layer with its activation.
fn run(layer: &Linear, x: Tensor<2>, activation: Activation) -> Tensor<2> {
    match (activation, &layer.bias) {
        (Activation::Relu, Some(bias)) if kernels::serve(&x) => {
            kernels::dense(x, layer.weight.val(), bias.val(), Epilogue::Relu)
        }
        (_, Some(bias)) if kernels::serve(&x) => {
            let h = kernels::dense(x, layer.weight.val(), bias.val(), Epilogue::Identity);
            activation.apply(h)
        }
        _ => activation.apply(layer.forward(x)),
    }
}

/// One dense layer with Glorot-uniform weights and zero biases, drawn on the host.
fn dense(inputs: usize, outputs: usize, seed: u64, layer: usize, device: &Device) -> Linear {
    let weight = TensorData::new(
        glorot_uniform(inputs, outputs, seed, layer),
        [inputs, outputs],
    );
    Linear {
        weight: Param::from_data(weight, device),
        bias: Some(constant(outputs, 0.0, device)),
    }
}

/// Biases that are all alike.
pub(super) fn constant(units: usize, value: f64, device: &Device) -> Param<Tensor<1>> {
    let values = TensorData::new(vec![value as f32; units], [units]);
    Param::from_data(values, device)
}

/// Weights `[inputs, outputs]`, row-major, uniform on `±√(6 / (inputs + outputs))`.
///
/// # Source
/// Glorot and Bengio 2010, *Understanding the difficulty of training deep feedforward neural
/// networks*, equation 16; the default of Keras, which the lecture uses.
fn glorot_uniform(inputs: usize, outputs: usize, seed: u64, layer: usize) -> Vec<f32> {
    let limit = (6.0 / (inputs + outputs) as f32).sqrt();
    let mut stream = random::stream(seed, Purpose::Weights, 0, layer as u64);
    (0..inputs * outputs)
        .map(|_| (2.0 * stream.random::<f32>() - 1.0) * limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fill_the_glorot_range_evenly() {
        let (inputs, outputs) = (300, 200);
        let weights = glorot_uniform(inputs, outputs, 1, 0);
        let limit = (6.0f32 / 500.0).sqrt();
        assert_eq!(weights.len(), inputs * outputs);
        assert!(weights.iter().all(|w| w.abs() <= limit));
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        let variance = weights.iter().map(|w| w * w).sum::<f32>() / weights.len() as f32;
        // 60,000 draws: the standard error is 0.0024 limits of the mean, 0.0012 of the variance.
        assert!(mean.abs() < 0.01 * limit, "{mean}");
        assert!(
            (variance / (limit * limit) - 1.0 / 3.0).abs() < 0.006,
            "{variance}"
        );
    }

    #[test]
    fn layers_and_seeds_differ() {
        assert_ne!(glorot_uniform(4, 4, 1, 0), glorot_uniform(4, 4, 1, 1));
        assert_ne!(glorot_uniform(4, 4, 1, 0), glorot_uniform(4, 4, 2, 0));
        assert_eq!(glorot_uniform(4, 4, 1, 0), glorot_uniform(4, 4, 1, 0));
    }
}
