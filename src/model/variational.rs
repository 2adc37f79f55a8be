//! The variational autoencoder: its encoder gives not a code but a distribution over codes.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor};
use serde::Serialize;

use super::{
    Activation, Codec, DenseStack, DropoutMasks, PortableCodec, Stage, hidden_units, shape,
};

/// The sizes and activation of a [`Variational`] autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "variational")]
pub struct Architecture {
    /// Layer sizes from the input to the code.
    pub encoder: Vec<usize>,
    /// Layer sizes from the code to the output.
    pub decoder: Vec<usize>,
    /// After every hidden layer.
    pub activation: Activation,
    /// Probability with which a hidden unit is left out of a step of training.
    pub dropout: f64,
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

    /// Hidden units, which dropout may leave out.
    pub fn hidden_units(&self) -> usize {
        hidden_units(&self.encoder) + hidden_units(&self.decoder)
    }

    /// All layer sizes, as one writes them: `784-400-20-400-784`.
    pub fn shape(&self) -> String {
        shape(self.encoder.iter().chain(self.decoder.iter().skip(1)))
    }
}

/// A dense variational autoencoder with a normal posterior and Bernoulli pixels.
///
/// ```text
/// q(z|x) = N(μ(x), diag σ²(x))    p(z) = N(0, I)    p(x|z) = Bernoulli(sigmoid(decoder(z)))
/// ```
///
/// # Source
/// Kingma and Welling 2014, *Auto-Encoding Variational Bayes*, section 3 and appendix C.
#[derive(Module, Debug)]
pub struct Variational {
    /// To `2 × code size` numbers: μ, then ln σ².
    encoder: DenseStack,
    decoder: DenseStack,
}

/// What an encoder says about the codes of a batch of images: `N(μ, diag σ²)`.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// `[batch, code size]`
    pub mu: Tensor<2>,
    /// `ln σ²`, `[batch, code size]`
    pub log_var: Tensor<2>,
}

impl Posterior {
    /// A code for each image, `z = μ + σ ε`, which passes gradients to μ and σ.
    ///
    /// # Shapes
    /// `epsilon`, standard normal: `[batch, code size] → [batch, code size]`
    ///
    /// # Source
    /// Kingma and Welling 2014, section 2.4, the reparameterisation trick.
    pub fn sample(&self, epsilon: Tensor<2>) -> Tensor<2> {
        let sigma = self.log_var.clone().mul_scalar(0.5).exp();
        self.mu.clone() + sigma * epsilon
    }
}

impl Variational {
    /// A network with the initial weights that `seed` gives.
    pub fn new(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        let activation = architecture.activation;
        let stack = |sizes: &[usize], last, first_layer| {
            DenseStack::new(sizes, activation, last, seed, first_layer, device)
        };
        let mut sizes = architecture.encoder.clone();
        if let Some(last) = sizes.last_mut() {
            *last *= 2;
        }
        let encoder = stack(&sizes, Activation::Linear, 0);
        let first_layer = encoder.depth();
        let decoder = stack(&architecture.decoder, Activation::Sigmoid, first_layer);
        Self { encoder, decoder }
    }

    /// The name of the layer that gives the posterior.
    pub(super) fn posterior_layer_name(&self) -> String {
        format!("encoder.layers.{}", self.encoder.depth() - 1)
    }

    /// # Shapes
    /// `[batch, pixels] → [batch, code size]` twice
    pub fn posterior(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Posterior {
        let both = self.encoder.logits(x, masks);
        let size = both.dims()[1] / 2;
        Posterior {
            mu: both.clone().narrow(1, 0, size),
            log_var: both.narrow(1, size, size),
        }
    }
}

/// Its code is the mean of the posterior.
impl Codec for Variational {
    fn encode_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.posterior(x, masks).mu
    }

    fn logits_masked(&self, code: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.decoder.logits(code, masks)
    }

    fn output_activation(&self) -> Activation {
        self.decoder.last_activation()
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        let mut encoder = self.encoder.portable()?;
        if let Some(last) = encoder.last_mut() {
            *last = last.first_units(last.outputs / 2);
        }
        let stages = |layers: Vec<_>| layers.into_iter().map(Stage::Dense).collect();
        Ok(PortableCodec {
            encoder: stages(encoder),
            decoder: stages(self.decoder.portable()?),
        })
    }
}
