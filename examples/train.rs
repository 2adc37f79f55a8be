//! Trains an autoencoder on images in memory, and measures it: no config, no file.
//!
//!     cargo run --release --example train

#![allow(clippy::print_stdout, reason = "what a program prints is its answer")]

use std::error::Error;

use hourglass::data::{ImageSet, Splits};
use hourglass::device::{self, Backend};
use hourglass::evaluate::Scope;
use hourglass::model::Autoencoder;
use hourglass::model::autoencoder::Architecture;
use hourglass::objective::Reconstruction;
use hourglass::task::{ImageExamples, Measured, ReconstructionTask, Subset};
use hourglass::train::{Event, Fit, fit};

const SIDE: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let opened = device::open(Backend::Flex)?;
    let task = ReconstructionTask {
        images: ImageExamples::of(Splits::of(bars(0..2000), bars(2000..2500)), &opened.device),
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: None,
    };
    let architecture = Architecture::mirrored(&[SIDE * SIDE, 32, 8]);
    let settings = Fit {
        epochs: 20,
        ..Fit::default()
    };
    let network = Autoencoder::new(&architecture, settings.seed, &opened.device);
    let fitted = fit(&settings, &task, network, &mut |event| {
        if let Event::EpochEnds(epoch) = event {
            println!(
                "epoch {:2}  {:.4} nats per pixel",
                epoch.epoch, epoch.train_loss
            );
        }
    })?;
    let figures = task
        .figures(&fitted.network, Subset::Test, Scope::Full)?
        .unwrap_or_default();
    for (name, value) in figures.iter() {
        println!("{name} {value:.4}");
    }
    Ok(())
}

/// Images of one bright row and one bright column each.
fn bars(numbers: std::ops::Range<usize>) -> ImageSet {
    let image = |number: usize| {
        let (row, column) = (number % SIDE, number * 7 / SIDE % SIDE);
        (0..SIDE * SIDE).map(
            move |place| match place / SIDE == row || place % SIDE == column {
                true => 230,
                false => 10,
            },
        )
    };
    ImageSet::new(SIDE, SIDE, numbers.flat_map(image).collect(), None)
}
