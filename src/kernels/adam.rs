//! Adam's step.

use pulp::Arch;

use super::products::ranges;
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
    /// # Shapes
    /// All alike, of so many rows.
    ///
    /// # Source
    /// Kingma and Ba 2015, algorithm 1, with the corrections of bias taken out of the loop.
    pub fn take(
        &self,
        time: usize,
        learning_rate: f32,
        rows: usize,
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
        let pieces = ranges(rows, weights.len().div_ceil(PIECE));
        let columns = weights.len() / rows;
        let length = pieces.into_iter().next().map_or(0, |rows| rows.len()) * columns;
        let moments = moment_1.chunks_mut(length).zip(moment_2.chunks_mut(length));
        let weights = weights.chunks_mut(length).zip(gradient.chunks(length));
        let pieces = weights.zip(moments).collect();
        workers::each(pieces, |((weights, gradient), (moment_1, moment_2))| {
            Arch::new().dispatch(|| {
                let moments = moment_1.iter_mut().zip(moment_2);
                for ((w, g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                    let g = flush(*g, LEAST_GRADIENT);
                    *m = flush(*m * beta_1 + g * rest_1, LEAST_MOMENT);
                    *v = flush(*v * beta_2 + g * g * rest_2, LEAST_MOMENT);
                    *w -= *m * correction / (v.sqrt() + epsilon) * learning_rate;
                }
            });
        });
    }
}

/// Below this the square of a gradient would be subnormal.
const LEAST_GRADIENT: f32 = 1e-16;
/// Below this a moment would be subnormal soon.
const LEAST_MOMENT: f32 = 1e-32;

/// Zero for what is so small that no weight can tell the difference. A processor takes a hundred times as
/// long for a subnormal number, and the mean gradient of a weight whose pixel stays black becomes one
/// after 800 steps.
#[inline(always)]
fn flush(x: f32, least: f32) -> f32 {
    if x.abs() < least { 0.0 } else { x }
}
