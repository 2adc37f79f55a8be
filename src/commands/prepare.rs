//! An experiment's config to its network and task.

use burn::module::Module;
use rand::Rng;

use super::{check_width, evaluation_batch};
use crate::baselines::Baseline;
use crate::batches::Batches;
use crate::config::{Config, Experiment, Images};
use crate::data::{ImageSet, Splits};
use crate::device::OpenDevice;
use crate::error::Error;
use crate::model::{Autoencoder, Classifier, Codec, Dropout, TiedAutoencoder, Variational};
use crate::random::{self, Purpose};
use crate::run_directory::{RunDirectory, RunError};
use crate::task::{
    BaselineTask, ClassificationTask, ImageExamples, ReconstructionTask, VariationalTask,
};

/// A network with its initial weights, and what it is trained on.
pub enum Prepared {
    Autoencoder(Autoencoder, ReconstructionTask),
    Tied(TiedAutoencoder, ReconstructionTask),
    Variational(Variational, VariationalTask),
    Classifier(Classifier, ClassificationTask),
    /// One that knows nothing yet.
    Baseline(Baseline, BaselineTask),
}

/// Which examples are read.
#[derive(Clone, Copy, PartialEq)]
pub enum Examples {
    All,
    /// Enough to measure with; there is nothing to train on.
    Test,
    /// So many images of random pixels, where the time that training takes is all that matters.
    MadeUp(usize),
}

/// Reads the examples of an experiment and makes its network.
///
/// # Errors
/// The data cannot be read, or does not fit the network.
pub fn prepare(
    config: &Config,
    opened: &OpenDevice,
    examples: Examples,
) -> Result<Prepared, Error> {
    let (seed, device) = (config.seed, &opened.device);
    let images = |data: &Images, input_size, corruption, dropout| -> Result<_, Error> {
        let splits = match examples {
            Examples::All => load_images(data, input_size, seed)?,
            Examples::MadeUp(count) => Splits {
                train: made_up_images(count, input_size, seed),
                validation: None,
                test: made_up_images(1, input_size, seed),
                checksums: Vec::new(),
            },
            Examples::Test => {
                let test = load_test_images(data, input_size)?;
                Splits {
                    train: test.select(&[]),
                    validation: None,
                    test,
                    checksums: Vec::new(),
                }
            }
        };
        Ok(ImageExamples {
            batches: batches(&splits.train, opened),
            splits,
            device: device.clone(),
            seed,
            corruption,
            dropout,
            evaluation_batch: evaluation_batch(config, opened),
        })
    };
    let dropout = |rate, units| (rate > 0.0).then_some(Dropout { rate, units, seed });
    Ok(match &config.experiment {
        Experiment::Autoencoder {
            data,
            model,
            objective,
        } => {
            let dropout = dropout(model.dropout, model.hidden_units());
            let task = ReconstructionTask {
                images: images(data, model.input_size(), objective.corruption, dropout)?,
                reconstruction: objective.reconstruction,
                sparsity: objective.sparsity,
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
            let task = VariationalTask {
                images: images(data, model.input_size(), objective.corruption, dropout)?,
                code_size: model.code_size(),
                kl_weight: objective.kl_weight,
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
        Experiment::Baseline { data, model } => {
            let task = BaselineTask {
                images: images(data, model.input_size(), None, None)?,
                model: model.clone(),
            };
            Prepared::Baseline(Baseline::empty(model, device), task)
        }
    })
}

/// Images of random pixels in one row.
fn made_up_images(count: usize, pixels: usize, seed: u64) -> ImageSet {
    let mut values = vec![0; count * pixels];
    random::stream(seed, Purpose::MadeUp, 0, 0).fill_bytes(&mut values);
    ImageSet::new(1, pixels, values, None)
}

/// Both splits of an experiment that has images.
///
/// # Errors
/// They cannot be read, or do not fit the network.
pub fn load_images(data: &Images, input_size: usize, seed: u64) -> Result<Splits<ImageSet>, Error> {
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

/// Batches of training images, which are copied to a device that has room for all of them.
fn batches(train: &ImageSet, opened: &OpenDevice) -> Batches {
    let bytes = train.pixels().len() * size_of::<f32>();
    match bytes > 0 && opened.keeps(bytes as u64) {
        true => Batches::resident(&opened.device, train),
        false => Batches::new(&opened.device),
    }
}

/// A trained network that encodes and decodes images.
pub struct TrainedCodec {
    pub network: Box<dyn Codec>,
    /// Pixels of an image.
    pub input_size: usize,
    pub code_size: usize,
}

/// The trained network of a run that encodes and decodes images.
///
/// # Errors
/// The network classifies, or its weights cannot be read.
pub fn load_codec(
    config: &Config,
    run: &RunDirectory,
    opened: &OpenDevice,
) -> Result<TrainedCodec, Error> {
    fn load<M: Module + Codec + 'static>(
        run: &RunDirectory,
        network: M,
    ) -> Result<Box<dyn Codec>, RunError> {
        Ok(Box::new(run.load_weights(network)?))
    }
    let (seed, device) = (config.seed, &opened.device);
    Ok(match &config.experiment {
        Experiment::Autoencoder { model, .. } => TrainedCodec {
            network: match model.tied {
                false => load(run, Autoencoder::new(model, seed, device))?,
                true => load(run, TiedAutoencoder::new(model, seed, device))?,
            },
            input_size: model.input_size(),
            code_size: model.code_size(),
        },
        Experiment::Variational { model, .. } => TrainedCodec {
            network: load(run, Variational::new(model, seed, device))?,
            input_size: model.input_size(),
            code_size: model.code_size(),
        },
        Experiment::Baseline { model, .. } => TrainedCodec {
            network: load(run, Baseline::empty(model, device))?,
            input_size: model.input_size(),
            code_size: model.code_size(),
        },
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
