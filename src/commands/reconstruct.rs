//! `reconstruct`: images above their reconstructions, as a picture.

use super::pictures::draw_reconstructions;
use super::{Loaded, answer};
use crate::cli;
use crate::data::Noise;
use crate::error::Error;
use crate::run_directory::RunDirectory;

pub fn run(arguments: cli::Reconstruct) -> Result<(), Error> {
    let loaded = Loaded::open(&arguments.run)?;
    let (out, _lock) = loaded.place_for_picture(arguments.out, RunDirectory::reconstructions)?;
    let images = match &arguments.input {
        None => loaded.test_images()?,
        Some(path) => loaded.read_images(path)?,
    };
    let shown = images.select(&images.one_of_each_class(arguments.count.into()));
    let config = &loaded.config;
    // A picture of one's own may have noise on it already: it is restored as it is.
    let corruption = match arguments.input {
        None => config.experiment.corruption(),
        Some(_) => None,
    };
    let noise = corruption.map(|corruption| Noise::of_evaluation(corruption, config.seed));
    draw_reconstructions(
        &out,
        &config.title(),
        &loaded.evaluator(),
        &*loaded.network,
        &shown,
        noise.as_ref(),
    )?;
    answer(&format!("{}\n", out.display()))
}
