//! `sample`: images of codes drawn at random, or of a grid of codes.

use super::pictures::{CodeSpace, MANIFOLD_SIDE, SAMPLES};
use super::{open_trained, picture_at};
use crate::baselines;
use crate::cli;
use crate::config::Experiment;
use crate::error::Error;
use crate::evaluate::CodeDistribution;

pub fn run(arguments: cli::Sample) -> Result<(), Error> {
    let loaded = open_trained(&arguments.run)?;
    let config = &loaded.config;
    let (out, _lock) = loaded.place_for_picture(arguments.out, |run| match arguments.manifold {
        true => run.manifold(),
        false => run.samples(),
    })?;
    if arguments.manifold && loaded.code_size != 2 {
        return Err(Error::NotAPlane(loaded.code_size));
    }
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
        Experiment::Baseline { model, .. } => match model.kind {
            baselines::Kind::ProbabilisticPca => CodeDistribution::Standard {
                code_size: model.code_size(),
            },
            kind => {
                let codes = evaluator.encode(network, &images)?;
                CodeDistribution::fitted(&codes, model.code_size(), kind.code_range())
            }
        },
        Experiment::Classifier { .. } => return Err(loaded.no_code()),
    };
    let space = CodeSpace {
        title: &config.title(),
        evaluator,
        network,
        codes: &codes,
        shape: images.shape(),
    };
    let count = arguments.count.map(usize::from);
    match arguments.manifold {
        true => space.draw_manifold(&out, count.map_or(MANIFOLD_SIDE, usize::isqrt))?,
        false => space.draw_samples(
            &out,
            count.unwrap_or(SAMPLES),
            arguments.seed.unwrap_or(config.seed),
        )?,
    }
    picture_at(&out, arguments.json)
}
