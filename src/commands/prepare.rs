//! An experiment's config to its network and task.

use burn::module::Module;

use super::{check_width, evaluation_batch};
use crate::batches::Batches;
use crate::config::{Config, Experiment, Images};
use crate::data::{Corruption, ImageSet, Splits};
use crate::device::OpenDevice;
use crate::error::Error;
use crate::model::{Autoencoder, Classifier, Codec, Dropout, TiedAutoencoder, Variational};
use crate::run_directory::{RunDirectory, RunError};
use crate::task::{ClassificationTask, ReconstructionTask, TrainingImages, VariationalTask};

/// A network with its initial weights, and what it is trained on.
pub enum Prepared {
    Autoencoder(Autoencoder, ReconstructionTask),
    Tied(TiedAutoencoder, ReconstructionTask),
    Variational(Variational, VariationalTask),
    Classifier(Classifier, ClassificationTask),
}

/// Reads the examples of an experiment and makes its network.
///
/// # Errors
/// The data cannot be read, or does not fit the network.
pub fn prepare(config: &Config, opened: &OpenDevice) -> Result<Prepared, Error> {
    let (seed, device) = (config.seed, &opened.device);
    let dropout = |rate, units| (rate > 0.0).then_some(Dropout { rate, units, seed });
    Ok(match &config.experiment {
        Experiment::Autoencoder {
            data,
            model,
            objective,
        } => {
            let dropout = dropout(model.dropout, model.hidden_units());
            let corruption = objective.corruption;
            let splits = load_images(data, model.input_size(), seed)?;
            let task = ReconstructionTask {
                images: training_images(splits, opened, seed, corruption, dropout),
                reconstruction: objective.reconstruction,
                sparsity: objective.sparsity,
                evaluation_batch: evaluation_batch(config, opened),
            };
            match model.tied {
                false => Prepared::Autoencoder(Autoencoder::new(model, seed, device), task),
                true => Prepared::Tied(TiedAutoencoder::new(model, seed, device), task),
            }
        }
        Experiment::Variational {
            data,
            model,
            objective,
        } => {
            let dropout = dropout(model.dropout, model.hidden_units());
            let corruption = objective.corruption;
            let splits = load_images(data, model.input_size(), seed)?;
            let task = VariationalTask {
                images: training_images(splits, opened, seed, corruption, dropout),
                code_size: model.code_size(),
                kl_weight: objective.kl_weight,
                evaluation_batch: evaluation_batch(config, opened),
            };
            Prepared::Variational(Variational::new(model, seed, device), task)
        }
        Experiment::Classifier { data, model } => {
            let task = ClassificationTask {
                points: data.spirals.generate(data.validation, seed),
                device: device.clone(),
                dropout: dropout(model.dropout, model.hidden_units()),
            };
            Prepared::Classifier(Classifier::new(model, seed, device), task)
        }
    })
}

fn load_images(data: &Images, input_size: usize, seed: u64) -> Result<Splits<ImageSet>, Error> {
    let directory = crate::data::find_directory(data.path.as_deref())?;
    let splits = crate::data::load(
        data.source,
        &directory,
        data.limit,
        data.test_limit,
        data.validation,
        seed,
    )?;
    check_width(input_size, &splits.train)?;
    Ok(splits)
}

fn training_images(
    splits: Splits<ImageSet>,
    opened: &OpenDevice,
    seed: u64,
    corruption: Option<Corruption>,
    dropout: Option<Dropout>,
) -> TrainingImages {
    let bytes = splits.train.pixels().len() * size_of::<f32>();
    let batches = match opened.keeps(bytes as u64) {
        true => Batches::resident(&opened.device, &splits.train),
        false => Batches::new(&opened.device),
    };
    TrainingImages {
        splits,
        batches,
        device: opened.device.clone(),
        seed,
        corruption,
        dropout,
    }
}

/// The trained network of a run that encodes and decodes images, and the pixels it takes.
///
/// # Errors
/// The network classifies, or its weights cannot be read.
pub fn load_codec(
    config: &Config,
    run: &RunDirectory,
    opened: &OpenDevice,
) -> Result<(Box<dyn Codec>, usize), Error> {
    fn load<M: Module + Codec + 'static>(
        run: &RunDirectory,
        network: M,
    ) -> Result<Box<dyn Codec>, RunError> {
        Ok(Box::new(run.load_weights(network)?))
    }
    let (seed, device) = (config.seed, &opened.device);
    Ok(match &config.experiment {
        Experiment::Autoencoder { model, .. } => {
            let network = match model.tied {
                false => load(run, Autoencoder::new(model, seed, device))?,
                true => load(run, TiedAutoencoder::new(model, seed, device))?,
            };
            (network, model.input_size())
        }
        Experiment::Variational { model, .. } => {
            let network = load(run, Variational::new(model, seed, device))?;
            (network, model.input_size())
        }
        Experiment::Classifier { .. } => return Err(Error::NoCode(run.path().to_owned())),
    })
}

/// The test images of an experiment that has images.
///
/// # Errors
/// They cannot be read, or do not fit the network.
pub fn load_test_images(data: &Images, input_size: usize) -> Result<ImageSet, Error> {
    let directory = crate::data::find_directory(data.path.as_deref())?;
    let split = crate::data::Split::Test;
    let (mut images, _) = crate::data::read_split(data.source, &directory, split)?;
    images.truncate(data.test_limit.unwrap_or(usize::MAX).min(images.count()));
    check_width(input_size, &images)?;
    Ok(images)
}
