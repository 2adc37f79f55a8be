//! GELU with the error function, with its slope in the same pass.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};

use super::host::{contiguous, numbers, numbers_mut, recycle, tensor};
use super::math::normal;
use crate::memory::buffer;
use crate::workers;

/// As [`super::gelu`], on tensors of `flex`.
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Gelu>::exact_gelu(x.into_dispatch()))
}

#[backend_extension(Flex, Autodiff)]
trait Gelu: Backend {
    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Gelu for Flex {
    fn exact_gelu(x: FlexTensor) -> FlexTensor {
        let (y, slope) = with_slope(x);
        recycle(slope);
        y
    }
}

impl<C: CheckpointStrategy> Gelu for Autodiff<Flex, C> {
    fn exact_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let prepared = Step.prepare::<C>([node]).compute_bound().stateful();
        let (y, slope) = with_slope(x);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(slope, y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

/// The step backwards; its state is `∂y/∂x`.
#[derive(Debug)]
struct Step;

impl Backward<Flex, 1> for Step {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut slope = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |of_y| {
            let of_y = of_y.to_contiguous();
            multiply(numbers_mut(&mut slope), numbers(&of_y));
            recycle(of_y);
            slope
        });
    }
}

fn multiply(factors: &mut [f32], others: &[f32]) {
    Arch::new().dispatch(|| {
        for (factor, other) in factors.iter_mut().zip(others) {
            *factor *= other;
        }
    });
}

/// `x Φ(x)`, and its slope `Φ(x) + x φ(x)`, which takes the memory of `x` if no other tensor shares it.
fn with_slope(x: FlexTensor) -> (FlexTensor, FlexTensor) {
    let mut x = contiguous(x);
    let shape = x.layout().shape().clone();
    let slopes = numbers_mut(&mut x);
    let mut y = buffer(slopes.len());
    let pieces = y.chunks_mut(PIECE).zip(slopes.chunks_mut(PIECE)).collect();
    workers::each(pieces, |(y, x): (&mut [f32], &mut [f32])| {
        Arch::new().dispatch(Pass { y, x });
    });
    (tensor(y, shape), x)
}

/// Elements that a thread takes at a time: some microseconds of work.
const PIECE: usize = 8192;

/// One pass over a piece.
struct Pass<'a> {
    y: &'a mut [f32],
    /// Written over with the slopes.
    x: &'a mut [f32],
}

impl WithSimd for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // Every processor with vectors of more than four numbers has the operation, and every 64-bit Arm.
        match S::F32_LANES > 4 || cfg!(target_arch = "aarch64") {
            true => self.run::<true>(),
            false => self.run::<false>(),
        }
    }
}

impl Pass<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            let (cdf, density) = normal::<FUSED>(*x);
            *y = *x * cdf;
            *x = cdf + *x * density;
        }
    }
}
