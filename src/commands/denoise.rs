//! `denoise`: examples through the code and back, without the noise that training has taught to remove.

use super::applied::{examples_output, transform};
use super::{open_trained, warn};
use crate::cli;
use crate::error::Error;

pub fn run(arguments: &cli::Denoise) -> Result<(), Error> {
    let trained = open_trained(&arguments.run)?;
    if trained.config.experiment.corruption().is_none() {
        warn(
            "this network was not trained to remove noise; configs/denoising.toml trains one that is",
        );
    }
    let preparation = trained.preparation()?;
    let brought = &arguments.brought;
    let output = examples_output(&arguments.rows, &preparation, &brought.input)?;
    transform(
        &trained,
        brought,
        "removing noise",
        output,
        arguments.json,
        |piece| Ok(preparation.restore(trained.reconstruct(&piece.examples)?)),
    )
}
