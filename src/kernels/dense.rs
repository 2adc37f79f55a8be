//! A dense layer with its activation, forwards and backwards.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Shape, Tensor};
use pulp::Arch;

use super::Epilogue;
use super::host::{buffer, numbers, numbers_mut, recycle, tensor};
use super::products::{Matrix, Onto, Part};
use crate::workers;

/// As [`super::dense`], on tensors of `flex`.
pub fn dense(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>, epilogue: Epilogue) -> Tensor<2> {
    let (x, w, b) = (x.into_dispatch(), w.into_dispatch(), b.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Dense>::dense(x, w, b, epilogue))
}

#[backend_extension(Flex, Autodiff)]
trait Dense: Backend {
    fn dense(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        epilogue: Epilogue,
    ) -> FloatTensor<Self>;
}

impl Dense for Flex {
    fn dense(x: FlexTensor, w: FlexTensor, b: FlexTensor, epilogue: Epilogue) -> FlexTensor {
        forward(&x.to_contiguous(), &w.to_contiguous(), &b.to_contiguous(), epilogue)
    }
}

impl<C: CheckpointStrategy> Dense for Autodiff<Flex, C> {
    fn dense(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        b: FloatTensor<Self>,
        epilogue: Epilogue,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), w.node(), b.node()];
        let [x, w, b] = [x, w, b].map(|tensor| tensor.primitive().to_contiguous());
        let y = forward(&x, &w, &b, epilogue);
        match Step.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let y_for_backward = (epilogue != Epilogue::Identity).then(|| y.clone());
                prepared.finish((x, w, y_for_backward), y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

/// ```text
/// y = f(x w + b)
/// ```
fn forward(x: &FlexTensor, w: &FlexTensor, b: &FlexTensor, epilogue: Epilogue) -> FlexTensor {
    let [batch, inputs] = x.layout().shape().dims();
    let [_, outputs] = w.layout().shape().dims();
    let (x, w) = (
        Matrix::new(numbers(x), inputs),
        Matrix::new(numbers(w), outputs),
    );
    let b = numbers(b);
    let mut y = buffer(batch * outputs);
    workers::each(Part::cut(&mut y, x, w), |mut part| {
        let rows = part.c.chunks_exact_mut(outputs);
        rows.for_each(|y| y.copy_from_slice(b));
        part.multiply(Onto::Sum);
        if epilogue == Epilogue::Relu {
            Arch::new().dispatch(|| part.c.iter_mut().for_each(|y| *y = y.max(0.0)));
        }
    });
    tensor(y, Shape::new([batch, outputs]))
}

/// The step backwards. Its state is x, w, and y where the activation's slope needs it.
#[derive(Debug)]
struct Step;

impl Backward<Flex, 3> for Step {
    type State = (FlexTensor, FlexTensor, Option<FlexTensor>);

    /// ```text
    /// δ = ∂L/∂y ⊙ f′    ∂L/∂w = xᵀ δ    ∂L/∂b = Σ over the batch of δ    ∂L/∂x = δ wᵀ
    /// ```
    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let [of_x, of_w, of_b] = ops.parents;
        let (x, w, y) = ops.state;
        let mut delta = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [batch, outputs] = delta.layout().shape().dims();
        let [_, inputs] = x.layout().shape().dims();
        if let Some(y) = y {
            mask(numbers_mut(&mut delta), numbers(&y));
            recycle(y);
        }
        let mut dw = of_w.as_ref().map(|_| buffer(inputs * outputs));
        let mut dx = of_x.as_ref().map(|_| buffer(batch * inputs));
        let mut db = of_b.as_ref().map(|_| vec![0.0; outputs]);

        let delta_matrix = Matrix::new(numbers(&delta), outputs);
        let x_matrix = Matrix::new(numbers(&x), inputs);
        let w_matrix = Matrix::new(numbers(&w), outputs);
        let mut pieces = Vec::new();
        if let Some(dw) = &mut dw {
            let parts = Part::cut(dw, x_matrix.transposed(), delta_matrix);
            pieces.extend(parts.into_iter().map(Piece::Product));
        }
        if let Some(dx) = &mut dx {
            let parts = Part::cut(dx, delta_matrix, w_matrix.transposed());
            pieces.extend(parts.into_iter().map(Piece::Product));
        }
        if let Some(db) = &mut db {
            pieces.push(Piece::Sum(db, numbers(&delta)));
        }
        workers::each(pieces, Piece::compute);

        recycle(delta);
        recycle(x);
        let found = [
            (of_x, dx, Shape::new([batch, inputs])),
            (of_w, dw, Shape::new([inputs, outputs])),
            (of_b, db, Shape::new([outputs])),
        ];
        for (node, values, shape) in found {
            if let (Some(node), Some(values)) = (node, values) {
                gradients.register::<Flex>(node.id, tensor(values, shape));
            }
        }
    }
}

/// Sets `delta` to zero where the rectifier gave zero.
fn mask(delta: &mut [f32], y: &[f32]) {
    Arch::new().dispatch(|| {
        for (delta, &y) in delta.iter_mut().zip(y) {
            *delta = if y > 0.0 { *delta } else { 0.0 };
        }
    });
}

/// Work that one thread does.
enum Piece<'a> {
    Product(Part<'a>),
    /// The sum over rows.
    Sum(&'a mut [f32], &'a [f32]),
}

impl Piece<'_> {
    fn compute(self) {
        match self {
            Self::Product(mut part) => part.multiply(Onto::Anything),
            Self::Sum(sums, rows) => Arch::new().dispatch(|| {
                for row in rows.chunks_exact(sums.len()) {
                    for (sum, value) in sums.iter_mut().zip(row) {
                        *sum += value;
                    }
                }
            }),
        }
    }
}
