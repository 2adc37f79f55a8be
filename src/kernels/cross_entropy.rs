//! Binary cross-entropy from logits, with its gradient in the same pass.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Bytes, DType, Shape, Tensor};
use pulp::{Arch, Simd, WithSimd};

use super::math::{exp_of_negative, ln_of_one_plus};

/// As [`super::cross_entropy_of_logits`], on tensors of `flex`.
pub fn cross_entropy_of_logits(z: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
    let loss = <Dispatch as CrossEntropy>::cross_entropy(z.into_dispatch(), x.into_dispatch());
    Tensor::from_dispatch(loss)
}

#[backend_extension(Flex, Autodiff)]
trait CrossEntropy: Backend {
    fn cross_entropy(z: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl CrossEntropy for Flex {
    fn cross_entropy(z: FlexTensor, x: FlexTensor) -> FlexTensor {
        with_gradient(&z, &x).0
    }
}

impl<C: CheckpointStrategy> CrossEntropy for Autodiff<Flex, C> {
    fn cross_entropy(z: FloatTensor<Self>, x: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = Step.prepare::<C>([z.node()]).compute_bound().stateful();
        let (loss, gradient) = with_gradient(z.primitive(), x.primitive());
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(gradient, loss),
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        }
    }
}

/// The step backwards; its state is `∂L/∂z`, of `[batch, pixels]`.
#[derive(Debug)]
struct Step;

impl Backward<Flex, 1> for Step {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |of_loss| {
            match of_loss.storage::<f32>()[0] {
                1.0 => gradient,
                factor => Flex::float_mul_scalar(gradient, factor.into()),
            }
        });
    }
}

/// The mean over all elements of
///
/// ```text
/// −x ln σ(z) − (1 − x) ln(1 − σ(z)) = max(z, 0) − x z + ln(1 + exp(−|z|))
/// ```
///
/// and its gradient, `(σ(z) − x) / N`.
fn with_gradient(z: &FlexTensor, x: &FlexTensor) -> (FlexTensor, FlexTensor) {
    let (z, x) = (z.to_contiguous(), x.to_contiguous());
    let (logits, targets) = (z.storage::<f32>(), x.storage::<f32>());
    assert_eq!(logits.len(), targets.len(), "a target for each logit");
    let mut gradient = vec![0.0; logits.len()];
    let sum = Arch::new().dispatch(Pass {
        logits,
        targets,
        gradient: &mut gradient,
    });
    let mean = (sum / logits.len() as f64) as f32;
    let tensor = |values: Vec<f32>, shape: Shape| {
        FlexTensor::new(
            Bytes::from_elems(values),
            Layout::contiguous(shape),
            DType::F32,
        )
    };
    let loss = tensor(vec![mean], Shape::new([1]));
    (loss, tensor(gradient, z.layout().shape().clone()))
}

/// One pass over all elements; its output is the sum of the losses.
struct Pass<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    gradient: &'a mut [f32],
}

/// Sums side by side, as many as the widest vectors hold, so that a sum is the same on every processor.
const LANES: usize = 16;
/// Elements whose losses are added up in `f32`.
const BLOCK: usize = 64 * LANES;

impl WithSimd for Pass<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let share = 1.0 / self.logits.len() as f32;
        let blocks = self.logits.chunks(BLOCK).zip(self.targets.chunks(BLOCK));
        let mut sum = 0.0;
        for ((z, x), gradient) in blocks.zip(self.gradient.chunks_mut(BLOCK)) {
            let mut sums = [0.0f32; LANES];
            let (whole_z, rest_z) = z.as_chunks::<LANES>();
            let (whole_x, rest_x) = x.as_chunks::<LANES>();
            let (whole_gradient, rest_gradient) = gradient.as_chunks_mut::<LANES>();
            for ((z, x), gradient) in whole_z.iter().zip(whole_x).zip(whole_gradient) {
                for lane in 0..LANES {
                    let (loss, slope) = element(z[lane], x[lane]);
                    sums[lane] += loss;
                    gradient[lane] = slope * share;
                }
            }
            sum += f64::from(sums.iter().sum::<f32>());
            for ((z, x), gradient) in rest_z.iter().zip(rest_x).zip(rest_gradient) {
                let (loss, slope) = element(*z, *x);
                sum += f64::from(loss);
                *gradient = slope * share;
            }
        }
        sum
    }
}

/// The loss of one element, and its derivative by the logit.
#[inline(always)]
fn element(z: f32, x: f32) -> (f32, f32) {
    let e = exp_of_negative(-z.abs());
    let loss = z.max(0.0) - x * z + ln_of_one_plus(e);
    // σ(z) is 1 / (1 + e) above zero and e / (1 + e) below.
    let sigmoid = if z >= 0.0 { 1.0 } else { e } / (1.0 + e);
    (loss, sigmoid - x)
}
