//! A dense layer with its activation, forwards and backwards.

use std::ops::Range;

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
use super::host::{numbers, numbers_mut, recycle, tensor};
use super::matrix::Matrix;
use super::products::{Onto, Part, is_worth_sharing, join_columns, parts, ranges};
use crate::memory::{self, buffer};
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
        forward(
            &x.to_contiguous(),
            &w.to_contiguous(),
            &b.to_contiguous(),
            epilogue,
        )
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
    let (x, w, b) = (
        Matrix::new(numbers(x), inputs),
        Matrix::new(numbers(w), outputs),
        numbers(b),
    );
    let mut y = buffer(batch * outputs);
    let parts = parts(batch, inputs, outputs);
    if by_weights(batch, inputs, outputs) {
        let size = y.len();
        let mut terms = buffer(ranges(inputs, TERMS, 1).count() * size);
        workers::each(Part::cut_sums(&mut terms, x, w, TERMS), |mut part| {
            part.multiply(Onto::Anything);
        });
        workers::each_piece(&mut y, outputs, parts, |first, y| {
            y.chunks_exact_mut(outputs)
                .for_each(|y| y.copy_from_slice(b));
            for term in terms.chunks_exact(size) {
                add(y, &term[first..]);
            }
            rectify(y, epilogue);
        });
        memory::recycle(terms);
    } else {
        workers::each(Part::cut_rows(&mut y, x, w, parts), |mut part| {
            let rows = part.c.chunks_exact_mut(outputs);
            rows.for_each(|y| y.copy_from_slice(b));
            part.multiply(Onto::Sum);
            rectify(part.c, epilogue);
        });
    }
    tensor(y, Shape::new([batch, outputs]))
}

/// Terms of a sum that is shared by threads. The same on every machine and with any number of threads,
/// because a sum's last bits depend on it.
const TERMS: usize = 2;

/// Whether in products with the weights all examples go through some rows of them, or some examples
/// through all of them: whichever moves fewer numbers from one thread to another.
///
/// The weights, with their gradient and its moments, are always cut by rows, here and in [`AdamStep`], so
/// that with two threads each writes the same half in every step and finds it in its own cache.
///
/// [`AdamStep`]: super::AdamStep
fn by_weights(batch: usize, inputs: usize, outputs: usize) -> bool {
    let moved = [TERMS * batch * outputs, inputs * outputs];
    is_worth_sharing(batch, inputs, outputs) && moved[0] < moved[1]
}

fn add(sum: &mut [f32], term: &[f32]) {
    Arch::new().dispatch(|| {
        for (sum, term) in sum.iter_mut().zip(term) {
            *sum += term;
        }
    });
}

fn rectify(y: &mut [f32], epilogue: Epilogue) {
    if epilogue == Epilogue::Relu {
        // Unlike `max`, this lets what is not a number through.
        let rectify = |y: &mut f32| *y = if *y < 0.0 { 0.0 } else { *y };
        Arch::new().dispatch(|| y.iter_mut().for_each(rectify));
    }
}

/// The step backwards. Its state is x, w, and y where the activation's slope needs it.
#[derive(Debug)]
struct Step;

impl Backward<Flex, 3> for Step {
    type State = (FlexTensor, FlexTensor, Option<FlexTensor>);

    /// ```text
    /// δ = ∂L/∂y ⊙ f′    ∂L/∂w = xᵀ δ    ∂L/∂b = Σ over the batch of δ    ∂L/∂x = δ wᵀ
    /// ```
    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
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
        // Threads take pieces from both ends: of every product each gets the part that it also steps, or
        // runs forwards, and finds in its cache.
        let (mut pieces, mut from_the_end) = (Vec::new(), Vec::new());
        let parts = parts(batch, inputs, outputs);
        let mut blocks = None;
        let products = [
            dw.as_mut()
                .map(|dw| Part::cut_rows(dw, x_matrix.transposed(), delta_matrix, parts)),
            dx.as_mut().map(|dx| match parts > 1 {
                false => Part::cut_rows(dx, delta_matrix, w_matrix.transposed(), parts),
                true => {
                    let blocks = blocks.insert(buffer(dx.len()));
                    Part::cut_columns(blocks, delta_matrix, w_matrix.transposed(), parts)
                }
            }),
        ];
        for mut parts in products.into_iter().flatten() {
            let second_half = parts.split_off(parts.len().div_ceil(2));
            pieces.extend(parts.into_iter().map(Piece::Product));
            from_the_end.extend(second_half.into_iter().rev().map(Piece::Product));
        }
        if let Some(db) = &mut db {
            let rows = numbers(&delta);
            let mut db = db.as_mut_slice();
            for columns in ranges(outputs, parts, 1) {
                let sum = db.split_off_mut(..columns.len()).expect("all columns");
                pieces.push(Piece::Sum {
                    sum,
                    rows,
                    columns,
                    stride: outputs,
                });
            }
        }
        pieces.extend(from_the_end.into_iter().rev());
        workers::each(pieces, Piece::compute);
        if let (Some(dx), Some(blocks)) = (&mut dx, blocks) {
            join_columns(&blocks, dx, inputs, parts);
            memory::recycle(blocks);
        }

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
    /// The sum over rows of some of their columns.
    Sum {
        sum: &'a mut [f32],
        rows: &'a [f32],
        columns: Range<usize>,
        stride: usize,
    },
}

impl Piece<'_> {
    fn compute(self) {
        match self {
            Self::Product(mut part) => part.multiply(Onto::Anything),
            Self::Sum {
                sum,
                rows,
                columns,
                stride,
            } => rows
                .chunks_exact(stride)
                .for_each(|row| add(sum, &row[columns.clone()])),
        }
    }
}
