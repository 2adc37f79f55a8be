//! What is measured of each run beside what it measured itself.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value};
use statrs::statistics::{Data, Median};

use super::{Compared, Role};
use crate::apply::Trained;
use crate::baselines;
use crate::commands::prepare::load_images;
use crate::commands::warn;
use crate::config::{Config, Experiment};
use crate::data::{ImageSet, Images, Splits};
use crate::device;
use crate::error::Error;
use crate::evaluate::{Figures, LabelledCodes, spreads, usefulness};
use crate::memory;
use crate::run_directory::RunDirectory;
use crate::workers;

/// The name of pixels as a code.
const PIXELS: &str = "pixels";
/// Encoding is timed for so long, the first time not counted, and the median counts.
const TIMING_SECONDS: f64 = 0.5;
const BYTES_PER_PARAMETER: f64 = 4.0;

/// Measures runs on images that most of them share.
#[derive(Default)]
pub struct Measurements {
    /// Those that were read last, and the experiment's words for them.
    images: Option<(Images, u64, Splits<ImageSet>)>,
    pixels: Option<Compared>,
}

impl Measurements {
    /// What `summary` says of a run on the test images, how useful its codes are, and how fast it encodes.
    ///
    /// # Errors
    /// The run or its images cannot be read, or the device fails.
    pub fn measure(
        &mut self,
        config: &Config,
        path: &Path,
        summary: &Value,
    ) -> Result<Figures, Error> {
        let run = RunDirectory::open(path)?;
        let opened = device::open(config.backend)?;
        let trained = Trained::of(run, config.clone(), opened)?;
        let (network, evaluator, code_size) =
            (&trained.network, trained.evaluator(), trained.code_size);
        let splits = self.splits(config, trained.input_size)?;
        let mut figures = Figures::default();
        // One that shared the processor with others is no measure of time.
        let was_alone = summary["receipt"]["threads"] == workers::threads();
        if !was_alone {
            warn(&format!(
                "{} was not trained with all threads, so it has no time to compare; --force makes it again",
                config.name
            ));
        }
        let metrics = summary["metrics"].as_object();
        for (name, value) in metrics.into_iter().flatten() {
            let is_time = name == "train_seconds" && was_alone;
            let is_wanted = name.starts_with("test_") || is_time;
            if let Some(value) = value.as_f64().filter(|_| is_wanted) {
                figures.push(name.clone(), value);
            }
        }
        // What is used for the first time is slow.
        evaluator.encode(&**network, &splits.test)?;
        let mut seconds: Vec<f64> = Vec::new();
        while seconds.iter().sum::<f64>() < TIMING_SECONDS {
            let begun = Instant::now();
            evaluator.encode(&**network, &splits.test)?;
            seconds.push(begun.elapsed().as_secs_f64());
        }
        let speed = splits.test.count() as f64 / Data::new(seconds).median();
        figures.push("test_images", splits.test.count() as f64);
        figures.push("encode_images_per_second", speed);
        if let Some(parameters) = summary["receipt"]["parameters"].as_f64() {
            figures.push("parameters", parameters);
            figures.push("weights_bytes", BYTES_PER_PARAMETER * parameters);
        }
        figures.extend(unused_units(config, &figures, code_size));
        let useful = evaluator.usefulness(&**network, &splits.train, &splits.test)?;
        figures.extend(useful.unwrap_or_default().prefixed("test"));
        Ok(figures)
    }

    /// The pixels of the images that were measured, as a code that leaves nothing out.
    pub fn pixels(&mut self) -> Option<Compared> {
        self.pixels.take()
    }

    /// The images of an experiment.
    fn splits(&mut self, config: &Config, input_size: usize) -> Result<&Splits<ImageSet>, Error> {
        let data = config.experiment.images().ok_or(Error::NothingToCompare)?;
        let is_known = |(known, seed, _): &(Images, u64, _)| {
            let same_split = data.validation == 0 || *seed == config.seed;
            known == data && same_split
        };
        if !self.images.as_ref().is_some_and(is_known) {
            let splits = load_images(config, data, input_size)?;
            if self.pixels.is_none() {
                self.pixels = pixels(&splits);
            }
            self.images = Some((data.clone(), config.seed, splits));
        }
        let (_, _, splits) = self.images.as_ref().expect("just read");
        Ok(splits)
    }
}

/// Units of the code that say nothing of any test image, where that is known: a rectified one that is always 0, or one
/// of a variational network whose posterior is always the prior.
fn unused_units(config: &Config, figures: &Figures, code_size: usize) -> Option<(String, f64)> {
    let unused = match &config.experiment {
        Experiment::Autoencoder { .. } => figures.get("test_code_dead_units")?,
        Experiment::Variational { .. } => {
            code_size as f64 - figures.get("test_code_active_units")?
        }
        _ => return None,
    };
    Some(("test_code_unused_units".to_owned(), unused))
}

fn pixels(splits: &Splits<ImageSet>) -> Option<Compared> {
    // Twice: as they are, and centred.
    let bytes = 2 * splits.train.bytes_as_numbers();
    if bytes > memory::most_bytes() {
        return None;
    }
    let (train, test) = (splits.train.all(), splits.test.all());
    let train = LabelledCodes {
        codes: &train,
        classes: splits.train.labels()?,
    };
    let test = LabelledCodes {
        codes: &test,
        classes: splits.test.labels()?,
    };
    let code_size = splits.train.pixels_per_image();
    let figures = [usefulness(train, test, code_size).prefixed("test")];
    Some(Compared {
        method: PIXELS.to_owned(),
        values: Map::new(),
        kind: Role::Pixels,
        code_size,
        runs: Vec::new(),
        figures: spreads(&figures),
    })
}

/// The figures of a method's runs together.
pub fn compared(
    method: String,
    values: Map<String, Value>,
    config: &Config,
    runs: Vec<PathBuf>,
    figures: &[Figures],
) -> Compared {
    let (kind, code_size) = match &config.experiment {
        Experiment::Baseline { model, .. } => {
            let kind = match model.kind {
                baselines::Kind::Pca => Role::Pca,
                baselines::Kind::ProbabilisticPca => Role::ProbabilisticPca,
                baselines::Kind::TopicModel => Role::Other,
            };
            (kind, model.code_size())
        }
        Experiment::Autoencoder { model, .. } => (Role::Other, model.code_size()),
        Experiment::Variational { model, .. } => (Role::Variational, model.code_size()),
        Experiment::Classifier { .. } => (Role::Other, 0),
    };
    Compared {
        method,
        values,
        kind,
        code_size,
        runs,
        figures: spreads(figures),
    }
}
