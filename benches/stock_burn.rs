//! The lecture's network out of Burn's own layers, optimizer and backend: what hourglass would be without
//! kernels of its own. Prints one line of JSON, as benches/peers do.
//!
//!     cargo bench --bench stock_burn -- --batch-size 32 --epochs 3

use std::io::Write;
use std::time::Instant;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use hourglass::data::{ImageSet, Source, Split, read_split};
use hourglass::random::{self, Purpose};
use rand::RngExt;

const SIZES: [usize; 5] = [784, 128, 32, 128, 784];

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Counted epochs, after one that is not
    #[arg(long, default_value_t = 3)]
    epochs: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cargo says so
    #[arg(long)]
    bench: bool,
}

#[derive(Module, Debug)]
struct Network {
    layers: Vec<Linear>,
}

impl Network {
    /// Glorot-uniform weights and zero biases.
    fn new(seed: u64, device: &Device) -> Self {
        let layer = |(index, pair): (usize, &[usize])| {
            let limit = (6.0 / (pair[0] + pair[1]) as f32).sqrt();
            let mut stream = random::stream(seed, Purpose::Weights, 0, index as u64);
            let weights: Vec<f32> = (0..pair[0] * pair[1])
                .map(|_| (2.0 * stream.random::<f32>() - 1.0) * limit)
                .collect();
            Linear {
                weight: Param::from_data(TensorData::new(weights, [pair[0], pair[1]]), device),
                bias: Some(Param::from_data(
                    TensorData::zeros::<f32, _>([pair[1]]),
                    device,
                )),
            }
        };
        Self {
            layers: SIZES.windows(2).enumerate().map(layer).collect(),
        }
    }

    /// The binary cross-entropy of the reconstruction of `x`, from its logits.
    fn error(&self, x: Tensor<2>) -> Tensor<1> {
        let (last, hidden) = self.layers.split_last().expect("layers");
        let h = hidden
            .iter()
            .fold(x.clone(), |h, layer| relu(layer.forward(h)));
        let z = last.forward(h);
        let tail = z.clone().abs().neg().exp().log1p();
        (relu(z.clone()) - x * z + tail).mean()
    }
}

fn batch(images: &ImageSet, indices: &[usize], device: &Device) -> Tensor<2> {
    let pixels = images.gather(indices);
    Tensor::from_data(TensorData::new(pixels, [indices.len(), SIZES[0]]), device)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments {
        batch_size,
        epochs,
        seed,
        bench: _,
    } = Arguments::parse();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");
    let (images, _) = read_split(Source::Mnist, data.as_ref(), Split::Train)?;
    let device = Device::flex();
    let mut network = Network::new(seed, &device).train();
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let mut seconds = Vec::new();
    for epoch in 0..=epochs {
        let begun = Instant::now();
        let order = random::stream(seed, Purpose::Order, epoch as u64, 0);
        for indices in random::permutation(images.count(), order).chunks(batch_size) {
            let loss = network.error(batch(&images, indices, &device).autodiff());
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimizer.step(1e-3, network, gradients);
        }
        seconds.push(begun.elapsed().as_secs_f64());
    }
    let (test_images, _) = read_split(Source::Mnist, data.as_ref(), Split::Test)?;
    let test: Vec<usize> = (0..test_images.count()).collect();
    let error = network.valid().error(batch(&test_images, &test, &device));
    let first_epoch_seconds = seconds.remove(0);
    let answer = serde_json::json!({
        "peer": "Burn on flex, stock operations",
        "batch_size": batch_size,
        "threads": rayon::current_num_threads(),
        "epoch_seconds": seconds,
        "first_epoch_seconds": first_epoch_seconds,
        "test_bce_nats_per_pixel": error.into_scalar::<f32>(),
    });
    writeln!(std::io::stdout(), "{answer}")?;
    Ok(())
}
