//! `sample`: images of codes drawn at random, or of a grid of codes.

use super::pictures::CodeSpace;
use super::{Loaded, answer};
use crate::cli;
use crate::config::Experiment;
use crate::error::Error;
use crate::evaluate::CodeDistribution;

pub fn run(arguments: cli::Sample) -> Result<(), Error> {
    let loaded = Loaded::open(&arguments.run)?;
    let config = &loaded.config;
    let images = loaded.test_images()?;
    let evaluator = loaded.evaluator();
    let network = &*loaded.network;
    let codes = match &config.experiment {
        Experiment::Variational { model, .. } => CodeDistribution::Standard {
            code_size: model.code_size(),
        },
        Experiment::Autoencoder { model, .. } => {
            let codes = evaluator.encode(network, &images)?;
            CodeDistribution::fitted(&codes, model.code_size(), model.code_activation.range())
        }
        Experiment::Classifier { .. } => return Err(loaded.no_code()),
    };
    if arguments.manifold && codes.code_size() != 2 {
        return Err(Error::NotAPlane(codes.code_size()));
    }
    let space = CodeSpace {
        title: &config.title(),
        evaluator,
        network,
        codes: &codes,
        image_size: (images.height(), images.width()),
    };
    let count = usize::from(arguments.count);
    let out = match arguments.manifold {
        true => {
            let out = arguments.out.unwrap_or_else(|| loaded.run.manifold());
            space.draw_manifold(&out, count.isqrt())?;
            out
        }
        false => {
            let out = arguments.out.unwrap_or_else(|| loaded.run.samples());
            space.draw_samples(&out, count, arguments.seed.unwrap_or(config.seed))?;
            out
        }
    };
    answer(&format!("{}\n", out.display()))
}
