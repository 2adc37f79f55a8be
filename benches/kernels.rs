//! The kernels one by one beside the stock operations that they stand in for, on the sizes of the lecture's
//! network at a batch of 32 and of 256.
//!
//!     cargo bench --bench kernels

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use hourglass::kernels::{self, AdamStep, Epilogue, Pointwise};

const BATCHES: [usize; 2] = [32, 256];
const INPUTS: usize = 784;
const OUTPUTS: usize = 128;

fn main() {
    divan::main();
}

fn tensor<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let number = |i: usize| (i * 7919 % 2003) as f32 / 1001.0 - 1.0;
    let values: Vec<f32> = (0..count).map(number).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Multiplications and additions of one product.
fn operations(batch: usize) -> ItemsCount {
    ItemsCount::new(2 * batch * INPUTS * OUTPUTS)
}

#[divan::bench(args = BATCHES)]
fn dense_forward(bencher: Bencher, batch: usize) {
    let device = Device::flex();
    let (x, w) = (
        tensor([batch, INPUTS], &device),
        tensor([INPUTS, OUTPUTS], &device),
    );
    let b = tensor([OUTPUTS], &device);
    bencher
        .counter(operations(batch))
        .bench_local(|| kernels::dense(x.clone(), w.clone(), b.clone(), Epilogue::Relu));
}

#[divan::bench(args = BATCHES)]
fn dense_forward_stock(bencher: Bencher, batch: usize) {
    let device = Device::flex();
    let (x, w) = (
        tensor([batch, INPUTS], &device),
        tensor([INPUTS, OUTPUTS], &device),
    );
    let b: Tensor<1> = tensor([OUTPUTS], &device);
    bencher
        .counter(operations(batch))
        .bench_local(|| relu(x.clone().matmul(w.clone()) + b.clone().unsqueeze()));
}

/// Of all three gradients.
#[divan::bench(args = BATCHES)]
fn dense_backward(bencher: Bencher, batch: usize) {
    let device = Device::flex().autodiff();
    let x = tensor([batch, INPUTS], &device).require_grad();
    let w = tensor([INPUTS, OUTPUTS], &device).require_grad();
    let b = tensor([OUTPUTS], &device).require_grad();
    let loss = || {
        let y = kernels::dense(x.clone(), w.clone(), b.clone(), Epilogue::Relu);
        let x_hat = tensor([batch, OUTPUTS], &device);
        kernels::pointwise_error(Pointwise::Squared, y, x_hat, 1.0)
    };
    bencher
        .with_inputs(loss)
        .bench_local_values(|loss| black_box(loss.backward()));
}

#[divan::bench(args = BATCHES)]
fn cross_entropy_and_slope(bencher: Bencher, batch: usize) {
    let device = Device::flex();
    let x: Tensor<2> = tensor([batch, INPUTS], &device);
    let count = batch * INPUTS;
    bencher
        .with_inputs(|| tensor([batch, INPUTS], &device))
        .counter(ItemsCount::new(count))
        .bench_local_values(|z| {
            let kind = Pointwise::CrossEntropyOfLogits;
            kernels::pointwise_error(kind, z, x.clone(), count as f64)
        });
}

/// Forwards only.
#[divan::bench(args = BATCHES)]
fn cross_entropy_stock(bencher: Bencher, batch: usize) {
    let device = Device::flex();
    let (z, x): (Tensor<2>, Tensor<2>) = (
        tensor([batch, INPUTS], &device),
        tensor([batch, INPUTS], &device),
    );
    bencher
        .counter(ItemsCount::new(batch * INPUTS))
        .bench_local(|| {
            let tail = z.clone().abs().neg().exp().log1p();
            (relu(z.clone()) - x.clone() * z.clone() + tail).mean()
        });
}

#[divan::bench]
fn adam_step(bencher: Bencher) {
    let device = Device::flex();
    let step = AdamStep {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-7,
        learning_rate: 1e-3,
        time: 10,
    };
    bencher
        .with_inputs(|| {
            let each = || tensor([INPUTS, OUTPUTS], &device);
            (each(), each(), [each(), each().abs()])
        })
        .counter(ItemsCount::new(INPUTS * OUTPUTS))
        .bench_local_values(|(weights, gradient, moments)| {
            kernels::adam_step(step, weights, gradient, moments)
        });
}
