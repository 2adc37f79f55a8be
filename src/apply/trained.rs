//! A finished run whose network encodes and decodes.

use std::path::Path;

use burn::module::Module;

use crate::baselines::Baseline;
use crate::config::{Config, Experiment};
use crate::data::{ImageSet, Preparation, Shape};
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::evaluate::{ByImage, Evaluator, ImageError};
use crate::model::{Autoencoder, Codec, TiedAutoencoder, Variational};
use crate::run_directory::{RunDirectory, RunError};

/// A finished run whose network encodes and decodes examples, loaded for use.
pub struct Trained {
    pub run: RunDirectory,
    pub config: Config,
    pub opened: OpenDevice,
    pub network: Box<dyn Codec>,
    /// Numbers of an example.
    pub input_size: usize,
    pub code_size: usize,
}

impl Trained {
    /// The network of a run, on the backend that its config names.
    ///
    /// # Errors
    /// There is no such run, its backend is not there, or its network classifies.
    pub fn open(run: &Path) -> Result<Self, Error> {
        let run = RunDirectory::open(run)?;
        let config = run.config(&[])?;
        let opened = device::open(config.backend)?;
        Self::of(run, config, opened)
    }

    /// The same on a device that is open already.
    ///
    /// # Errors
    /// The weights cannot be read, or are those of a network that classifies.
    pub fn of(run: RunDirectory, config: Config, opened: OpenDevice) -> Result<Self, Error> {
        let (network, input_size, code_size) = load_codec(&config, &run, &opened)?;
        Ok(Self {
            run,
            config,
            opened,
            network,
            input_size,
            code_size,
        })
    }

    /// How examples were made of what files held when it was trained.
    ///
    /// # Errors
    /// The run's note of it is missing or damaged.
    pub fn preparation(&self) -> Result<Preparation, Error> {
        let data = self.config.experiment.images();
        let wrong = || RunError::Input(self.run.path().to_owned());
        match self.run.preparation()? {
            Some(preparation) if preparation.shape.size() == self.input_size => {
                return Ok(preparation);
            }
            Some(_) => return Err(wrong().into()),
            // Without it, nobody knows how their examples were made.
            None if data.is_some_and(|data| data.own.is_some()) => return Err(wrong().into()),
            None => {}
        }
        // Runs of earlier versions, and checkpoints, have no note of it; they take images from IDX files.
        let side = self.input_size.isqrt();
        Ok(Preparation::of_images(
            match side * side == self.input_size {
                true => Shape::grey(side, side),
                false => Shape::row(self.input_size),
            },
        ))
    }

    /// What runs the network over many examples.
    pub fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            device: &self.opened.device,
            batch_size: evaluation_batch(&self.config, &self.opened),
        }
    }

    /// The codes of examples, `[examples, code size]` row-major; of a variational network the means of their distributions.
    ///
    /// # Errors
    /// The device fails.
    pub fn encode(&self, examples: &ImageSet) -> Result<Vec<f32>, Error> {
        Ok(self.evaluator().encode(&*self.network, examples)?)
    }

    /// What codes, `[codes, code size]` row-major, stand for: `[codes, numbers]` as the network gives them.
    ///
    /// # Errors
    /// The device fails.
    pub fn decode(&self, codes: &[f32]) -> Result<Vec<f32>, Error> {
        Ok(self
            .evaluator()
            .decode(&*self.network, codes, self.code_size)?)
    }

    /// Examples through code and back, `[examples, numbers]` row-major as the network gives them.
    ///
    /// # Errors
    /// The device fails.
    pub fn reconstruct(&self, examples: &ImageSet) -> Result<Vec<f32>, Error> {
        Ok(self
            .evaluator()
            .reconstruct(&*self.network, examples, None)?)
    }

    /// The error of each example's reconstruction, per number: the cross-entropy above the least possible where training minimised
    /// that, else the squared error.
    ///
    /// # Errors
    /// The device fails.
    pub fn errors(&self, examples: &ImageSet) -> Result<ByImage, Error> {
        let error = ImageError::of_anomalies(self.config.experiment.minimises_cross_entropy());
        Ok(self
            .evaluator()
            .by_image(&*self.network, examples, None, error)?)
    }
}

/// Images a CPU evaluates at a time: enough to fill its cores, few enough to stay in its caches.
const CPU_EVALUATION_BATCH: usize = 500;
/// The same for an accelerator where no batches of training say otherwise.
const ACCELERATOR_EVALUATION_BATCH: usize = 250;

/// Images to evaluate at a time. An accelerator keeps to the size of training batches, for which its kernels are compiled
/// already.
pub fn evaluation_batch(config: &Config, opened: &OpenDevice) -> usize {
    match (opened.backend.is_accelerator(), &config.train) {
        (false, _) => CPU_EVALUATION_BATCH,
        (true, Some(train)) => train.batch_size,
        (true, None) => ACCELERATOR_EVALUATION_BATCH,
    }
}

/// The trained network of a run that encodes and decodes, the numbers of an example and the size of its code.
///
/// # Errors
/// The network classifies, or its weights cannot be read.
pub fn load_codec(
    config: &Config,
    run: &RunDirectory,
    opened: &OpenDevice,
) -> Result<(Box<dyn Codec>, usize, usize), Error> {
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
            (network, model.input_size(), model.code_size())
        }
        Experiment::Variational { model, .. } => {
            let network = load(run, Variational::new(model, seed, device))?;
            (network, model.input_size(), model.code_size())
        }
        Experiment::Baseline { model, .. } => {
            let network = load(run, Baseline::empty(model, device))?;
            (network, model.input_size(), model.code_size())
        }
        Experiment::Classifier { .. } => return Err(Error::NoCode(run.path().to_owned())),
    })
}
