//! `reconstruct`: images above their reconstructions, as a picture.

use std::path::Path;

use super::{Loaded, answer, check_width, input_error, load_data};
use crate::cli;
use crate::data::{ImageSet, Noise, read_images, to_unit};
use crate::error::Error;
use crate::evaluate::Evaluator;
use crate::model::Autoencoder;
use crate::report::{self, Row};

pub fn run(arguments: cli::Reconstruct) -> Result<(), Error> {
    let loaded = Loaded::open(&arguments.run)?;
    let images = match &arguments.input {
        None => load_data(&loaded.config)?.test,
        Some(path) => read_images(path).map_err(|problem| input_error(path, problem))?,
    };
    let size = (images.height(), images.width());
    match &arguments.input {
        None => check_width(&loaded.config, size)?,
        Some(path) => check_width(&loaded.config, size)
            .map_err(|_| input_error(path, wrong_size(&loaded, size)))?,
    }
    let shown = images.select(&images.one_of_each_class(arguments.count.into()));
    let out = arguments
        .out
        .unwrap_or_else(|| loaded.run.reconstructions());
    let config = &loaded.config;
    let title = format!("{}: {}", config.name, config.model.shape());
    // A picture of one's own may have noise on it already: it is restored as it is.
    let noise = match arguments.input {
        None => config.evaluation_noise(),
        Some(_) => None,
    };
    draw(
        &out,
        &title,
        &loaded.evaluator(),
        &loaded.model,
        &shown,
        noise.as_ref(),
    )?;
    answer(&format!("{}\n", out.display()))
}

fn wrong_size(loaded: &Loaded, (height, width): (usize, usize)) -> String {
    format!(
        "is {height}×{width}, {} pixels; the network takes {}",
        height * width,
        loaded.config.model.input_size()
    )
}

/// Draws `images` above their reconstructions by `model`; with `noise`, between them what the
/// network saw.
pub fn draw(
    out: &Path,
    title: &str,
    evaluator: &Evaluator<'_>,
    model: &Autoencoder,
    images: &ImageSet,
    noise: Option<&Noise>,
) -> Result<(), Error> {
    let originals: Vec<f32> = images.pixels().iter().copied().map(to_unit).collect();
    let reconstructed = evaluator.reconstruct(model, images, noise)?;
    let corrupted = noise.map(|noise| {
        let mut pixels = originals.clone();
        noise.apply(&mut pixels, &(0..images.count()).collect::<Vec<_>>());
        pixels
    });
    let row = |label, pixels| Row { label, pixels };
    let rows = match &corrupted {
        None => vec![
            row("original", &originals),
            row("reconstruction", &reconstructed),
        ],
        Some(corrupted) => vec![
            row("original", &originals),
            row("corrupted", corrupted),
            row("restored", &reconstructed),
        ],
    };
    let size = (images.height(), images.width());
    Ok(report::reconstructions(out, title, &rows, size)?)
}
