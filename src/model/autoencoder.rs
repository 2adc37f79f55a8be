//! The autoencoder: an encoder to a narrow code, and a decoder back.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor};
use serde::Serialize;

use super::{
    Activation, Codec, DenseStack, DropoutMasks, PortableCodec, Stage, hidden_units, shape,
};

/// The sizes and activations of an [`Autoencoder`] or a [`TiedAutoencoder`](super::TiedAutoencoder).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "autoencoder")]
pub struct Architecture {
    /// Layer sizes from the input to the code.
    pub encoder: Vec<usize>,
    /// Layer sizes from the code to the output.
    pub decoder: Vec<usize>,
    /// Whether the decoder's weights are the encoder's, transposed.
    pub tied: bool,
    /// After every layer but the code's and the last.
    pub activation: Activation,
    /// After the encoder.
    pub code_activation: Activation,
    /// After the last layer.
    pub output: Activation,
    /// Probability with which a hidden unit is left out of a step of training.
    pub dropout: f64,
    pub initial_bias: InitialBias,
}

/// What biases begin with; those that are not named here with zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct InitialBias {
    /// Of the code's layer. Above zero, rectified units begin where their slope is 1 for most images
    /// rather than half of them.
    pub code: f64,
    /// Of the last layer. Where pixels are mostly black, something below zero.
    pub output: f64,
}

impl Architecture {
    /// A decoder that mirrors the encoder of these layer sizes, with rectifiers and a sigmoid at the end: the lecture's.
    pub fn mirrored(encoder: &[usize]) -> Self {
        Self {
            encoder: encoder.to_vec(),
            decoder: encoder.iter().rev().copied().collect(),
            tied: false,
            activation: Activation::Relu,
            code_activation: Activation::Relu,
            output: Activation::Sigmoid,
            dropout: 0.0,
            initial_bias: InitialBias::default(),
        }
    }

    /// The width of the input and output.
    pub fn input_size(&self) -> usize {
        self.encoder.first().copied().unwrap_or_default()
    }

    /// The width of the code.
    pub fn code_size(&self) -> usize {
        self.encoder.last().copied().unwrap_or_default()
    }

    /// Hidden units besides the code, which dropout may leave out.
    pub fn hidden_units(&self) -> usize {
        hidden_units(&self.encoder) + hidden_units(&self.decoder)
    }

    /// All layer sizes, as one writes them: `784-128-32-128-784`.
    pub fn shape(&self) -> String {
        shape(self.encoder.iter().chain(self.decoder.iter().skip(1)))
    }
}

/// A dense autoencoder.
///
/// ```text
/// code = f(encoder(x))    x̂ = g(decoder(code))
/// ```
///
/// # Source
/// The lecture's deep autoencoder, 784-128-32-128-784; Hinton and Salakhutdinov 2006.
#[derive(Module, Debug)]
pub struct Autoencoder {
    encoder: DenseStack,
    decoder: DenseStack,
}

impl Autoencoder {
    /// A network with the initial weights that `seed` gives.
    pub fn new(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        let activation = architecture.activation;
        let stack = |sizes, last, first_layer| {
            DenseStack::new(sizes, activation, last, seed, first_layer, device)
        };
        let encoder = stack(&architecture.encoder, architecture.code_activation, 0);
        let decoder = stack(&architecture.decoder, architecture.output, encoder.depth());
        let InitialBias { code, output } = architecture.initial_bias;
        Self {
            encoder: encoder.with_last_bias(code, device),
            decoder: decoder.with_last_bias(output, device),
        }
    }

    /// A network of two halves that exist already.
    pub(super) fn of(encoder: DenseStack, decoder: DenseStack) -> Self {
        Self { encoder, decoder }
    }
}

impl Codec for Autoencoder {
    fn encode_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.encoder.forward(x, masks)
    }

    fn logits_masked(&self, code: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.decoder.logits(code, masks)
    }

    fn output_activation(&self) -> Activation {
        self.decoder.last_activation()
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        let stages = |stack: &DenseStack| -> Result<Vec<Stage>, ExecutionError> {
            Ok(stack.portable()?.into_iter().map(Stage::Dense).collect())
        };
        Ok(PortableCodec {
            encoder: stages(&self.encoder)?,
            decoder: stages(&self.decoder)?,
        })
    }
}
