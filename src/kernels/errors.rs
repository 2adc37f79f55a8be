//! Reconstruction errors, with their gradients in the same pass.

use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Shape, Tensor};
use pulp::{Arch, Simd, WithSimd};

use super::Pointwise;
use super::host::{contiguous, numbers, numbers_mut, recycle, tensor};
use super::math::{exp_of_negative, ln_of_one_plus};
use crate::workers;

/// As [`super::pointwise_error`], on tensors of `flex`.
pub fn pointwise_error(kind: Pointwise, z: Tensor<2>, x: Tensor<2>, divisor: f64) -> Tensor<1> {
    let (z, x) = (z.into_dispatch(), x.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Errors>::error(z, x, kind, divisor))
}

#[backend_extension(Flex, Autodiff)]
trait Errors: Backend {
    fn error(
        z: FloatTensor<Self>,
        x: FloatTensor<Self>,
        kind: Pointwise,
        divisor: f64,
    ) -> FloatTensor<Self>;
}

impl Errors for Flex {
    fn error(z: FlexTensor, x: FlexTensor, kind: Pointwise, divisor: f64) -> FlexTensor {
        let (error, gradient) = with_gradient(z, &x, kind, divisor);
        recycle(gradient);
        error
    }
}

impl<C: CheckpointStrategy> Errors for Autodiff<Flex, C> {
    fn error(
        z: FloatTensor<Self>,
        x: FloatTensor<Self>,
        kind: Pointwise,
        divisor: f64,
    ) -> FloatTensor<Self> {
        let (z, node) = z.into_parts();
        let prepared = Step.prepare::<C>([node]).compute_bound().stateful();
        let (error, gradient) = with_gradient(z, x.primitive(), kind, divisor);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(gradient, error),
            OpsKind::UnTracked(prepared) => prepared.finish(error),
        }
    }
}

/// The step backwards; its state is `∂L/∂z`, of `[batch, pixels]`.
#[derive(Debug)]
struct Step;

impl Backward<Flex, 1> for Step {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |of_error| {
            let factor = numbers(&of_error)[0];
            if factor != 1.0 {
                let each = numbers_mut(&mut gradient).iter_mut();
                each.for_each(|gradient| *gradient *= factor);
            }
            gradient
        });
    }
}

/// The sum over all elements divided by `divisor`, and its gradient by `z`, which takes the memory of `z`
/// if no other tensor shares it.
fn with_gradient(
    z: FlexTensor,
    x: &FlexTensor,
    kind: Pointwise,
    divisor: f64,
) -> (FlexTensor, FlexTensor) {
    let (mut z, x) = (contiguous(z), x.to_contiguous());
    let (outputs, targets) = (numbers_mut(&mut z), numbers(&x));
    assert_eq!(outputs.len(), targets.len(), "a target for each output");
    // Sums of pieces that are the same whatever the number of threads.
    let length = piece_length(outputs.len());
    let mut sums = vec![0.0; outputs.len().div_ceil(length)];
    let pieces = outputs.chunks_mut(length).zip(targets.chunks(length));
    let pieces = pieces.zip(&mut sums).collect();
    workers::each(pieces, |((outputs, targets), sum)| {
        let scale = (1.0 / divisor) as f32;
        *sum = match kind {
            Pointwise::CrossEntropyOfLogits => pass::<CrossEntropyOfLogit>(outputs, targets, scale),
            Pointwise::Squared => pass::<Squared>(outputs, targets, scale),
            Pointwise::SquaredOfRelu => pass::<SquaredOfRelu>(outputs, targets, scale),
        };
    });
    let error = (sums.iter().sum::<f64>() / divisor) as f32;
    (tensor(vec![error], Shape::new([1])), z)
}

/// Elements to a piece: some microseconds of work, two pieces for a batch of 32 images of MNIST.
fn piece_length(elements: usize) -> usize {
    const LEAST: usize = 12_000;
    let pieces = (elements / LEAST).clamp(1, 16);
    elements.div_ceil(pieces).next_multiple_of(LANES).max(LANES)
}

fn pass<E: Element>(outputs: &mut [f32], targets: &[f32], scale: f32) -> f64 {
    Arch::new().dispatch(Pass {
        outputs,
        targets,
        scale,
        element: PhantomData::<E>,
    })
}

/// One pass over a piece; its output is the sum of the errors.
struct Pass<'a, E> {
    /// Written over with the gradient.
    outputs: &'a mut [f32],
    targets: &'a [f32],
    /// Factor on the slope.
    scale: f32,
    element: PhantomData<E>,
}

/// The error of one element.
trait Element {
    /// The error of output `z` against `x`, and its derivative by `z`. `FUSED` says whether the processor
    /// multiplies and adds in one operation.
    fn error_and_slope<const FUSED: bool>(z: f32, x: f32) -> (f32, f32);
}

/// Sums side by side, as many as the widest vectors hold, so that a sum is the same on every processor.
const LANES: usize = 16;
/// Elements whose errors are added up in `f32`.
const BLOCK: usize = 64 * LANES;

impl<E: Element> WithSimd for Pass<'_, E> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        // Every processor with vectors of more than four numbers has the operation, and every 64-bit Arm.
        match S::F32_LANES > 4 || cfg!(target_arch = "aarch64") {
            true => self.sum::<true>(),
            false => self.sum::<false>(),
        }
    }
}

impl<E: Element> Pass<'_, E> {
    #[inline(always)]
    fn sum<const FUSED: bool>(self) -> f64 {
        let blocks = self.outputs.chunks_mut(BLOCK);
        let mut sum = 0.0;
        for (z, x) in blocks.zip(self.targets.chunks(BLOCK)) {
            let mut sums = [0.0f32; LANES];
            let (whole_z, rest_z) = z.as_chunks_mut::<LANES>();
            let (whole_x, rest_x) = x.as_chunks::<LANES>();
            for (z, x) in whole_z.iter_mut().zip(whole_x) {
                for lane in 0..LANES {
                    let (error, slope) = E::error_and_slope::<FUSED>(z[lane], x[lane]);
                    sums[lane] += error;
                    z[lane] = slope * self.scale;
                }
            }
            sum += f64::from(sums.iter().sum::<f32>());
            for (z, x) in rest_z.iter_mut().zip(rest_x) {
                let (error, slope) = E::error_and_slope::<FUSED>(*z, *x);
                sum += f64::from(error);
                *z = slope * self.scale;
            }
        }
        sum
    }
}

/// `−x ln σ(z) − (1 − x) ln(1 − σ(z)) = max(z, 0) − x z + ln(1 + exp(−|z|))`
struct CrossEntropyOfLogit;

impl Element for CrossEntropyOfLogit {
    #[inline(always)]
    fn error_and_slope<const FUSED: bool>(z: f32, x: f32) -> (f32, f32) {
        let e = exp_of_negative::<FUSED>(-z.abs());
        let error = z.max(0.0) - x * z + ln_of_one_plus::<FUSED>(e);
        // σ(z) is 1 / (1 + e) above zero and e / (1 + e) below.
        let sigmoid = if z >= 0.0 { 1.0 } else { e } / (1.0 + e);
        (error, sigmoid - x)
    }
}

/// `(z − x)²`
struct Squared;

impl Element for Squared {
    #[inline(always)]
    fn error_and_slope<const FUSED: bool>(z: f32, x: f32) -> (f32, f32) {
        let difference = z - x;
        (difference * difference, 2.0 * difference)
    }
}

/// `(max(z, 0) − x)²`
struct SquaredOfRelu;

impl Element for SquaredOfRelu {
    #[inline(always)]
    fn error_and_slope<const FUSED: bool>(z: f32, x: f32) -> (f32, f32) {
        // Unlike `max`, this lets what is not a number through.
        let difference = if z < 0.0 { 0.0 } else { z } - x;
        let slope = if z > 0.0 { 2.0 * difference } else { 0.0 };
        (difference * difference, slope)
    }
}
