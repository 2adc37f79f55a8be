//! An experiment's config to its network and task.

use rand::Rng;

use super::{check_width, is_quiet, tell_unreadable, tell_warnings};
use crate::apply::evaluation_batch;
use crate::baselines::Baseline;
use crate::batches::Batches;
use crate::config::{Config, Experiment};
use crate::data::{DataError, ImageSet, Images, Preparation, Splits};
use crate::device::OpenDevice;
use crate::error::Error;
use crate::evaluate::ImageError;
use crate::model::{Autoencoder, Classifier, Dropout, TiedAutoencoder, Variational};
use crate::random::{self, Purpose};
use crate::report::Reading;
use crate::run_directory::RunDirectory;
use crate::task::{
    BaselineTask, ClassificationTask, ImageExamples, ReconstructionTask, Subset, VariationalTask,
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
    /// All, of a network that others have trained: whether they could teach it anything does not matter.
    Known,
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
            Examples::All => {
                let splits = load_images(config, data, input_size)?;
                splits.check_variety(data)?;
                tell_warnings(&splits.inspect(data, config.experiment.output_range())?);
                splits
            }
            Examples::Known => load_images(config, data, input_size)?,
            Examples::MadeUp(count) => Splits::of(
                made_up_images(count, input_size, seed),
                made_up_images(1, input_size, seed),
            ),
            Examples::Test => {
                let (test, preparation) = load_test(config, data, input_size)?;
                Splits {
                    preparation,
                    ..Splits::of(test.select(&[]), test)
                }
            }
        };
        let excluded = data.exclude_classes.iter();
        let anomalies = excluded
            .filter_map(|class| splits.preparation.number_of_class(class))
            .collect();
        Ok(ImageExamples {
            anomalies,
            anomaly_error: ImageError::of_anomalies(config.experiment.minimises_cross_entropy()),
            devices: opened.workers.clone(),
            batches: batches(&splits.train, opened),
            seed,
            corruption,
            dropout,
            evaluation_batch: evaluation_batch(config, opened),
            ..ImageExamples::of(splits, device)
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
                devices: opened.workers.clone(),
                dropout: dropout(model.dropout, model.hidden_units()),
            };
            Prepared::Classifier(Classifier::new(model, seed, device), task)
        }
        Experiment::Baseline { data, model } => {
            let task = BaselineTask {
                images: images(data, model.input_size(), None, None)?,
                model: model.clone(),
            };
            if examples == Examples::All {
                model.check_examples(task.images.count(Subset::Training))?;
            }
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

/// Both splits of an experiment that has images. What could not be read is told.
///
/// # Errors
/// They cannot be read, or do not fit the network.
pub fn load_images(
    config: &Config,
    data: &Images,
    input_size: usize,
) -> Result<Splits<ImageSet>, Error> {
    let mut reading = Reading::new("reading examples", is_quiet());
    let in_unit_range = config.experiment.needs_unit_range();
    let watch = &mut |done, total| reading.on(done, total);
    let splits = crate::data::load(data, in_unit_range, config.seed, watch)?;
    drop(reading);
    tell_unreadable(&splits.unreadable, splits.examples());
    tell_warnings(&splits.warnings);
    check_width(input_size, splits.train.shape())?;
    let stops_early = config
        .train
        .as_ref()
        .is_some_and(|train| train.early_stopping.is_some());
    if stops_early && splits.validation.is_none() {
        return Err(DataError::NoValidation.into());
    }
    Ok(splits)
}

/// Both splits of a run, for who measures something on the examples that it was trained on.
///
/// # Errors
/// As [`load_images`], and when the data are not those that the run was trained on.
pub fn load_trained_on(
    run: &RunDirectory,
    config: &Config,
    data: &Images,
    input_size: usize,
) -> Result<Splits<ImageSet>, Error> {
    let splits = load_images(config, data, input_size)?;
    match run.data_checksums()? {
        Some(known) if known != splits.checksums => Err(Error::OtherData(run.path().to_owned())),
        _ => Ok(splits),
    }
}

/// Batches of training images on each device, to which all are copied where they and the device's memory have room for
/// that.
fn batches(train: &ImageSet, opened: &OpenDevice) -> Vec<Batches> {
    let bytes = train.bytes_as_numbers();
    let piece = opened
        .keeps(bytes)
        .filter(|_| bytes > 0 && !train.are_stored());
    let batches_on = |device| match piece {
        Some(largest) => Batches::resident(device, train, largest),
        None => Batches::new(device),
    };
    opened.workers.iter().map(batches_on).collect()
}

/// The test images of an experiment that has images.
///
/// # Errors
/// They cannot be read, or do not fit the network.
pub fn load_test_images(
    config: &Config,
    data: &Images,
    input_size: usize,
) -> Result<ImageSet, Error> {
    Ok(load_test(config, data, input_size)?.0)
}

fn load_test(
    config: &Config,
    data: &Images,
    input_size: usize,
) -> Result<(ImageSet, Preparation), Error> {
    let mut reading = Reading::new("reading examples", is_quiet());
    let in_unit_range = config.experiment.needs_unit_range();
    let watch = &mut |done, total| reading.on(done, total);
    let (images, preparation) = crate::data::load_test(data, in_unit_range, watch)?;
    check_width(input_size, images.shape())?;
    Ok((images, preparation))
}
