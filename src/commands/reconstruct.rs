//! `reconstruct`: images above their reconstructions, as a picture; or reconstructions as rows of numbers.

use std::path::Path;

use super::applied::{check_standard_output, examples_output, transform};
use super::pictures::draw_reconstructions;
use super::{open_trained, picture_at};
use crate::apply::Trained;
use crate::cli;
use crate::data::Noise;
use crate::error::Error;
use crate::run_directory::RunDirectory;

pub fn run(arguments: cli::Reconstruct) -> Result<(), Error> {
    let trained = open_trained(&arguments.run)?;
    match &arguments.out {
        Some(out) if !is_picture(out) => write_rows(&trained, &arguments, out),
        _ => draw(&trained, arguments),
    }
}

fn is_picture(out: &Path) -> bool {
    let extension = out.extension().unwrap_or_default();
    // Where a device stands for a file, it is a picture as it always was.
    extension.eq_ignore_ascii_case("png") || (out.exists() && !out.is_dir() && !out.is_file())
}

fn draw(trained: &Trained, arguments: cli::Reconstruct) -> Result<(), Error> {
    let (out, _lock) = trained.place_for_picture(arguments.out, RunDirectory::reconstructions)?;
    let count = arguments.count.into();
    let images = match &arguments.input[..] {
        [] => trained.test_images()?,
        paths => trained.read_images(paths, &arguments.fitting, arguments.strict, count)?,
    };
    let shown = images.select(&images.one_of_each_class(count));
    let config = &trained.config;
    // A picture of one's own may have noise on it already: it is restored as it is.
    let corruption = match arguments.input.is_empty() {
        true => config.experiment.corruption(),
        false => None,
    };
    let noise = corruption.map(|corruption| Noise::of_evaluation(corruption, config.seed));
    draw_reconstructions(
        &out,
        &config.title(),
        &trained.evaluator(),
        &*trained.network,
        &shown,
        noise.as_ref(),
    )?;
    picture_at(&out, arguments.json)
}

fn write_rows(trained: &Trained, arguments: &cli::Reconstruct, out: &Path) -> Result<(), Error> {
    check_standard_output(out, arguments.json)?;
    if arguments.input.is_empty() {
        return Err(Error::NoInput);
    }
    let brought = cli::Brought {
        input: arguments.input.clone(),
        fitting: arguments.fitting.clone(),
        strict: arguments.strict,
    };
    let rows = cli::Rows {
        out: out.to_owned(),
        format: arguments.format,
        force: arguments.force,
    };
    let preparation = trained.preparation()?;
    let output = examples_output(&rows, &preparation, &brought.input)?;
    transform(
        trained,
        &brought,
        "reconstructing",
        output,
        false,
        arguments.json,
        |piece| trained.reconstruct(&piece.examples),
    )
}
