//! Adam's step.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use pulp::Arch;

use super::AdamStep;
use super::host::{contiguous, numbers, numbers_mut, recycle};
use super::products::ranges;
use crate::workers;

/// As [`super::adam_step`], on tensors of `flex`.
pub fn adam_step<const D: usize>(
    step: AdamStep,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
    let [moment_1, moment_2] = moments.map(Tensor::into_dispatch);
    let (weights, gradient) = (weights.into_dispatch(), gradient.into_dispatch());
    let (weights, moment_1, moment_2) =
        <Dispatch as Adam>::adam_step(weights, gradient, moment_1, moment_2, step);
    let moments = [moment_1, moment_2].map(Tensor::from_dispatch);
    (Tensor::from_dispatch(weights), moments)
}

#[backend_extension(Flex)]
trait Adam: Backend {
    fn adam_step(
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        moment_1: FloatTensor<Self>,
        moment_2: FloatTensor<Self>,
        step: AdamStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Adam for Flex {
    fn adam_step(
        weights: FlexTensor,
        gradient: FlexTensor,
        moment_1: FlexTensor,
        moment_2: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [mut weights, gradient, mut moment_1, mut moment_2] =
            [weights, gradient, moment_1, moment_2].map(contiguous);
        let rows = weights.layout().shape()[0];
        take(
            step,
            rows,
            numbers_mut(&mut weights),
            numbers(&gradient),
            [numbers_mut(&mut moment_1), numbers_mut(&mut moment_2)],
        );
        recycle(gradient);
        (weights, moment_1, moment_2)
    }
}

/// Weights that take a thread some microseconds.
const LEAST_PIECE: usize = 1 << 13;

/// Takes the step of weights that lie in so many rows, reading and writing every number once.
fn take(
    step: AdamStep,
    rows: usize,
    weights: &mut [f32],
    gradient: &[f32],
    [moment_1, moment_2]: [&mut [f32]; 2],
) {
    let AdamStep {
        beta_1,
        beta_2,
        epsilon,
        learning_rate,
        time,
    } = step;
    let correction_2 = (1.0 - beta_2.powi(time as i32)).sqrt();
    let correction = correction_2 / (1.0 - beta_1.powi(time as i32));
    let epsilon = epsilon * correction_2;
    let (rest_1, rest_2) = (1.0 - beta_1, 1.0 - beta_2);

    let parts = (weights.len() / LEAST_PIECE).clamp(1, workers::threads());
    let columns = weights.len() / rows;
    let (mut weights, mut moment_1, mut moment_2) = (weights, moment_1, moment_2);
    let pieces = ranges(rows, parts, 1).map(|rows| {
        let [weights, moment_1, moment_2] =
            [&mut weights, &mut moment_1, &mut moment_2].map(|rest| {
                rest.split_off_mut(..rows.len() * columns)
                    .expect("all rows")
            });
        let gradient = &gradient[rows.start * columns..rows.end * columns];
        ((weights, gradient), (moment_1, moment_2))
    });
    let pieces = pieces.collect();
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
