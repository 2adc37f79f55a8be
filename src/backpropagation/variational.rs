//! Variational autoencoders.

use super::formulas::{halves, reconstruction_error, side_by_side};
use super::layers::{Masks, Stack, Trace};
use super::{Derivation, Formulas, Gradient, Loss, Matrix};
use crate::model::Activation;
use crate::model::parameters::Tensors;
use crate::model::variational::Architecture;
use crate::objective::Reconstruction;

const BCE: Reconstruction = Reconstruction::BinaryCrossEntropy;

/// `Σ over pixels of the cross-entropy + β KL(N(μ, σ²) ‖ N(0, 1))`, with `(μ, ln σ²) = encoder(x)` and
/// `z = μ + σ ε`.
pub struct Variational {
    encoder: Stack,
    decoder: Stack,
    kl_weight: f64,
    input: Matrix,
    target: Matrix,
    masks: Option<Matrix>,
    epsilon: Matrix,
}

struct Forward {
    encoder: Trace,
    mu: Matrix,
    log_var: Matrix,
    decoder: Trace,
    loss: Loss,
}

impl Variational {
    /// The loss of such a network on a batch: `input` and `target` of `[examples, pixels]`, `masks` of
    /// dropout `[examples, hidden units]`, `epsilon` of `[examples, code size]`.
    pub fn new(
        architecture: &Architecture,
        kl_weight: f64,
        (input, target, masks): (Matrix, Matrix, Option<Matrix>),
        epsilon: Matrix,
    ) -> Self {
        let stack =
            |module, sizes: &[usize]| Stack::of(module, sizes.len() - 1, architecture.activation);
        Self {
            encoder: stack("encoder", &architecture.encoder),
            decoder: stack("decoder", &architecture.decoder),
            kl_weight,
            input,
            target,
            masks,
            epsilon,
        }
    }

    fn forward(&self, parameters: &Tensors) -> Forward {
        let mut masks = Masks::new(self.masks.as_ref());
        let mut sides = Vec::new();
        let encoder = self
            .encoder
            .forward(parameters, &self.input, &mut masks, &mut sides);
        let (mu, log_var) = halves(encoder.output());
        let z = &mu + &(sigma(&log_var) * &self.epsilon);
        let decoder = self.decoder.forward(parameters, &z, &mut masks, &mut sides);
        let (examples, pixels) = (self.target.nrows() as f64, self.target.ncols() as f64);
        let bce = reconstruction_error(BCE, Activation::Sigmoid, decoder.output(), &self.target);
        let inner = 1.0 + &log_var - mu.mapv(|mu| mu * mu) - log_var.mapv(f64::exp);
        let kl = -0.5 * inner.sum() / examples;
        Forward {
            encoder,
            mu,
            log_var,
            decoder,
            loss: Loss {
                value: pixels * bce + self.kl_weight * kl,
                sides,
            },
        }
    }
}

fn sigma(log_var: &Matrix) -> Matrix {
    log_var.mapv(|log_var| (0.5 * log_var).exp())
}

impl Derivation for Variational {
    fn loss(&self, parameters: &Tensors) -> Loss {
        self.forward(parameters).loss
    }

    fn gradients(&self, parameters: &Tensors, formulas: &Formulas) -> Vec<Gradient> {
        let Forward {
            encoder,
            mu,
            log_var,
            decoder,
            ..
        } = self.forward(parameters);
        let mut found = Vec::new();
        // The error is a sum over pixels here.
        let pixels = self.target.ncols() as f64;
        let d_f =
            (formulas.reconstruction)(BCE, Activation::Sigmoid, decoder.output(), &self.target);
        let (d_f, text) = (pixels * d_f, "(σ(f) − x) / n");
        let d_z = self
            .decoder
            .backward(parameters, &decoder, formulas, d_f, text, &mut found);

        // ∂z/∂μ = 1 and ∂z/∂ ln σ² = ½ σ ε, and each is in the divergence too.
        let (d_mu, d_log_var) = (formulas.divergence)(&mu, &log_var);
        let d_mu = &d_z + &(self.kl_weight * d_mu);
        let d_log_var =
            &d_z * &(0.5 * sigma(&log_var) * &self.epsilon) + self.kl_weight * d_log_var;
        let d_f = side_by_side(&d_mu, &d_log_var);
        let text = "∂L/∂z + β μ/n of μ, ∂L/∂z ½ σ ε + β ½ (σ² − 1)/n of ln σ²";
        self.encoder
            .backward(parameters, &encoder, formulas, d_f, text, &mut found);
        found
    }
}
