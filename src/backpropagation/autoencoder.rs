//! Autoencoders, plain, sparse, denoising or with tied weights.

use super::formulas::{
    activation_text, apply, penalty, reconstruction_error, reconstruction_text, sides,
    sparsity_text,
};
use super::layers::{Masks, Place, Stack, Trace};
use super::{Derivation, Formulas, Gradient, Loss, Matrix};
use crate::model::Activation;
use crate::model::autoencoder::Architecture;
use crate::model::parameters::Tensors;
use crate::objective::{Reconstruction, Sparsity};

/// `L(x, x̂) + penalty(code)`, with `code = c(encoder(x̃))` and `x̂ = output(decoder(code))`.
pub struct Autoencoder {
    encoder: Stack,
    decoder: Stack,
    code_activation: Activation,
    output: Activation,
    reconstruction: Reconstruction,
    sparsity: Option<Sparsity>,
    /// What the network sees: corrupted, where it is to remove noise.
    input: Matrix,
    target: Matrix,
    masks: Option<Matrix>,
}

struct Forward {
    encoder: Trace,
    code: Matrix,
    decoder: Trace,
    loss: Loss,
}

impl Autoencoder {
    /// The loss of such a network on a batch: `input` and `target` of `[examples, pixels]`, `masks` of
    /// dropout `[examples, hidden units]`.
    pub fn new(
        architecture: &Architecture,
        reconstruction: Reconstruction,
        sparsity: Option<Sparsity>,
        (input, target, masks): (Matrix, Matrix, Option<Matrix>),
    ) -> Self {
        let activation = architecture.activation;
        let encoder = Stack::of("encoder", architecture.encoder.len() - 1, activation);
        let depth = architecture.decoder.len() - 1;
        let decoder = match architecture.tied {
            false => Stack::of("decoder", depth, activation),
            true => Stack {
                places: encoder
                    .places
                    .iter()
                    .rev()
                    .enumerate()
                    .map(|(layer, place)| Place {
                        weight: place.weight.clone(),
                        bias: format!("biases.{layer}"),
                        is_transposed: true,
                    })
                    .collect(),
                activation,
            },
        };
        Self {
            encoder,
            decoder,
            code_activation: architecture.code_activation,
            output: architecture.output,
            reconstruction,
            sparsity,
            input,
            target,
            masks,
        }
    }

    fn forward(&self, parameters: &Tensors) -> Forward {
        let mut masks = Masks::new(self.masks.as_ref());
        let mut on_sides = Vec::new();
        let encoder = self
            .encoder
            .forward(parameters, &self.input, &mut masks, &mut on_sides);
        on_sides.extend(sides(self.code_activation, encoder.output()));
        let code = apply(self.code_activation, encoder.output());
        let decoder = self
            .decoder
            .forward(parameters, &code, &mut masks, &mut on_sides);
        on_sides.extend(sides(self.output, decoder.output()));
        let f = decoder.output();
        let mut value = reconstruction_error(self.reconstruction, self.output, f, &self.target);
        if let Some(sparsity) = self.sparsity {
            value += penalty(sparsity, &code);
            if matches!(sparsity, Sparsity::L1 { .. }) {
                on_sides.extend(code.iter().map(|&element| element > 0.0));
            }
        }
        Forward {
            encoder,
            code,
            decoder,
            loss: Loss {
                value,
                sides: on_sides,
            },
        }
    }
}

impl Derivation for Autoencoder {
    fn loss(&self, parameters: &Tensors) -> Loss {
        self.forward(parameters).loss
    }

    fn gradients(&self, parameters: &Tensors, formulas: &Formulas) -> Vec<Gradient> {
        let forward = self.forward(parameters);
        let mut found = Vec::new();
        let f = forward.decoder.output();
        let d_f = (formulas.reconstruction)(self.reconstruction, self.output, f, &self.target);
        let text = reconstruction_text(self.reconstruction, self.output);
        let mut d_code = self.decoder.backward(
            parameters,
            &forward.decoder,
            formulas,
            d_f,
            &text,
            &mut found,
        );
        let mut arriving = "∂L/∂h".to_owned();
        if let Some(sparsity) = self.sparsity {
            d_code += &(formulas.sparsity)(sparsity, &forward.code);
            arriving = format!("(∂L/∂h + {})", sparsity_text(sparsity));
        }
        let text = activation_text(self.code_activation, &arriving);
        let d_f = (formulas.activation)(self.code_activation, forward.encoder.output(), &d_code);
        self.encoder.backward(
            parameters,
            &forward.encoder,
            formulas,
            d_f,
            &text,
            &mut found,
        );
        found
    }
}
