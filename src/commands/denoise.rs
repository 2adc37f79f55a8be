//! `denoise`: examples through the code and back, without the noise that training has taught to remove.

use super::applied::{check_standard_output, examples_output, transform};
use super::{open_trained, warn};
use crate::cli;
use crate::error::Error;

pub fn run(arguments: &cli::Denoise) -> Result<(), Error> {
    check_standard_output(&arguments.rows.out, arguments.json)?;
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
        false,
        arguments.json,
        |piece| trained.reconstruct(&piece.examples),
    )
}
