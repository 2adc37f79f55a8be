//! The autoencoder: an encoder to a narrow code, and a decoder back.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::{Activation, DenseStack};

/// The sizes and activations of an [`Autoencoder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename = "autoencoder")]
pub struct Architecture {
    /// Layer sizes from the input to the code.
    pub encoder: Vec<usize>,
    /// Layer sizes from the code to the output.
    pub decoder: Vec<usize>,
    /// After every layer but the code's and the last.
    pub activation: Activation,
    /// After the encoder.
    pub code_activation: Activation,
    /// After the last layer.
    pub output: Activation,
}

impl Architecture {
    /// The width of the input and output.
    pub fn input_size(&self) -> usize {
        self.encoder.first().copied().unwrap_or_default()
    }

    /// The width of the code.
    pub fn code_size(&self) -> usize {
        self.encoder.last().copied().unwrap_or_default()
    }

    /// All layer sizes, as one writes them: `784-128-32-128-784`.
    pub fn shape(&self) -> String {
        let sizes = self.encoder.iter().chain(self.decoder.iter().skip(1));
        sizes.map(usize::to_string).collect::<Vec<_>>().join("-")
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

/// What the forward pass of an [`Autoencoder`] gives.
#[derive(Debug)]
pub struct Reconstructed {
    /// `[batch, code size]`
    pub code: Tensor<2>,
    /// `[batch, pixels]`, before the output activation.
    pub logits: Tensor<2>,
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
        Self { encoder, decoder }
    }

    /// # Shapes
    /// `[batch, pixels] → [batch, code size]`
    pub fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        self.encoder.forward(x)
    }

    /// # Shapes
    /// `[batch, code size] → [batch, pixels]`
    pub fn decode(&self, code: Tensor<2>) -> Tensor<2> {
        self.decoder.forward(code)
    }

    /// # Shapes
    /// `[batch, pixels] → [batch, code size], [batch, pixels]`
    pub fn forward(&self, x: Tensor<2>) -> Reconstructed {
        let code = self.encode(x);
        let logits = self.decoder.logits(code.clone());
        Reconstructed { code, logits }
    }

    /// What turns logits into pixels.
    pub fn output_activation(&self) -> Activation {
        self.decoder.last_activation()
    }
}
