//! The autoencoder with tied weights: its decoder runs the encoder's weights backwards.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, ExecutionError, Tensor};

use super::autoencoder::{Architecture, Autoencoder};
use super::dense::constant;
use super::{Activation, Codec, DenseStack, DropoutMasks, PortableCodec};

/// A dense autoencoder whose decoder has biases of its own, but no weights.
///
/// ```text
/// code = f(W x + b)    x̂ = g(Wᵀ code + b̃)
/// ```
///
/// # Source
/// Vincent, Larochelle, Lajoie, Bengio, Manzagol 2010, *Stacked Denoising Autoencoders*, section
/// 2.2; the lecture's `W̃ = Wᵀ`.
#[derive(Module, Debug)]
pub struct TiedAutoencoder {
    encoder: DenseStack,
    /// Of the decoder's layers, from the code to the output.
    biases: Vec<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    output: Activation,
}

impl TiedAutoencoder {
    /// A network with the initial weights that `seed` gives: the same encoder that an
    /// [`Autoencoder`] has.
    ///
    /// # Panics
    /// When the decoder does not mirror the encoder, or an activation has more than one piece;
    /// configs exclude both.
    pub fn new(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        let Architecture {
            encoder,
            decoder,
            activation,
            code_activation,
            output,
            initial_bias,
            ..
        } = architecture;
        assert!(decoder.iter().eq(encoder.iter().rev()), "a mirror");
        let activations = [activation, code_activation, output];
        assert!(activations.iter().all(|each| each.pieces() == 1));
        let depth = decoder.len() - 1;
        let biases = decoder[1..].iter().enumerate().map(|(index, &units)| {
            let last = index + 1 == depth;
            constant(units, if last { initial_bias.output } else { 0.0 }, device)
        });
        let biases = biases.collect();
        Self {
            encoder: DenseStack::new(encoder, *activation, *code_activation, seed, 0, device)
                .with_last_bias(initial_bias.code, device),
            biases,
            activation: *activation,
            output: *output,
        }
    }

    /// The same network with a decoder whose weights are copies: what other programs can load.
    pub fn untied(&self) -> Autoencoder {
        let layers = self.encoder.weights().rev().zip(&self.biases);
        let layers = layers
            .map(|(weight, bias)| Linear {
                weight: Param::from_tensor(weight.transpose()),
                bias: Some(bias.clone()),
            })
            .collect();
        let decoder = DenseStack::of(layers, self.activation, self.output);
        Autoencoder::of(self.encoder.clone(), decoder)
    }
}

impl Codec for TiedAutoencoder {
    fn encode_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.encoder.forward(x, masks)
    }

    fn logits_masked(&self, code: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        let mut h = code;
        for (index, (weight, bias)) in self.encoder.weights().rev().zip(&self.biases).enumerate() {
            if index > 0 {
                h = masks.apply(self.activation.apply(h));
            }
            h = h.matmul(weight.transpose()) + bias.val().unsqueeze();
        }
        h
    }

    fn output_activation(&self) -> Activation {
        self.output
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        self.untied().portable()
    }
}
