//! Adam's step.

use pulp::Arch;

use crate::workers;

/// The step of one tensor of weights; its settings are those of [`Adam`](crate::train::Adam).
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
}

/// Weights that one thread steps at most: some microseconds of work.
const PIECE: usize = 1 << 16;

impl AdamStep {
    /// Takes the step number `time`, counted from 1, reading and writing every number once.
    ///
    /// ```text
    /// m ← β₁ m + (1 − β₁) g    v ← β₂ v + (1 − β₂) g²
    /// w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε √(1 − β₂ᵗ))
    /// ```
    ///
    /// # Source
    /// Kingma and Ba 2015, algorithm 1, with the corrections of bias taken out of the loop.
    pub fn take(
        &self,
        time: usize,
        learning_rate: f32,
        weights: &mut [f32],
        gradient: &[f32],
        (moment_1, moment_2): (&mut [f32], &mut [f32]),
    ) {
        let Self {
            beta_1,
            beta_2,
            epsilon,
        } = *self;
        let correction_2 = (1.0 - beta_2.powi(time as i32)).sqrt();
        let correction = correction_2 / (1.0 - beta_1.powi(time as i32));
        let epsilon = epsilon * correction_2;
        let (rest_1, rest_2) = (1.0 - beta_1, 1.0 - beta_2);
        let pieces = weights.len().div_ceil(PIECE).max(1);
        let length = weights.len().div_ceil(pieces).max(1);
        let moments = moment_1.chunks_mut(length).zip(moment_2.chunks_mut(length));
        let weights = weights.chunks_mut(length).zip(gradient.chunks(length));
        let pieces = weights.zip(moments).collect();
        workers::each(pieces, |((weights, gradient), (moment_1, moment_2))| {
            Arch::new().dispatch(|| {
                let moments = moment_1.iter_mut().zip(moment_2);
                for ((w, g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                    *m = without_subnormals(*m * beta_1 + g * rest_1);
                    *v = without_subnormals(*v * beta_2 + g * g * rest_2);
                    *w -= *m * correction / (v.sqrt() + epsilon) * learning_rate;
                }
            });
        });
    }
}

/// Zero for what is so small that it would be subnormal soon: no weight can tell the difference, but a
/// processor takes a hundred times as long for a subnormal number. The mean gradient of a weight whose
/// pixel is black for a while becomes one after 800 steps.
#[inline(always)]
fn without_subnormals(moment: f32) -> f32 {
    const LEAST: f32 = 1e-32;
    if moment.abs() < LEAST { 0.0 } else { moment }
}
