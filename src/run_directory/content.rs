//! What is in the files of a run.

use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{RunDirectory, RunError};
use crate::config::{self, Config, ConfigError};
use crate::data::{Preparation, hexadecimal};
use crate::files;
use crate::memory;
use crate::model::weights::{self, Network, WeightsError};

/// Far above the text of any run: what is larger is not read into memory.
const MOST_TEXT_BYTES: u64 = 64 << 20;

/// Values of a JSON file beyond which no run wrote it: a hundred thousand epochs have as many.
const MOST_VALUES: usize = 3_000_000;

/// Checks that JSON has no more values than a run writes. In memory each takes fifty times the two bytes that it needs in a
/// file.
fn check_values(path: &Path, json: &[u8]) -> Result<(), RunError> {
    // Each value but the first comes after one of these; those within texts are few.
    let values = json.iter().filter(|byte| b",[{".contains(byte)).count();
    match values <= MOST_VALUES {
        true => Ok(()),
        false => {
            let problem = format!("holds more than {MOST_VALUES} values, more than any run writes");
            Err(files::at(path)(io::Error::other(problem)).into())
        }
    }
}

impl RunDirectory {
    /// Writes the resolved config.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<(), RunError> {
        self.write(Self::CONFIG, self.config_text(config)?.as_bytes())
    }

    fn config_text(&self, config: &Config) -> Result<String, RunError> {
        let version = env!("CARGO_PKG_VERSION");
        let repeats = match self.started_from()? {
            None => "training with it repeats the run.".to_owned(),
            Some(started) => format!(
                "training with it and --from {:?} repeats the run.",
                started.from
            ),
        };
        Ok(format!(
            "# The resolved config of this run of hourglass {version}; {repeats}\n\n{}",
            config.to_toml()
        ))
    }

    /// The config of the run, with overrides on top.
    ///
    /// # Errors
    /// It cannot be read, says something wrong, or is not the one that the run finished with.
    pub fn config(&self, overrides: &[String]) -> Result<Config, RunError> {
        let bytes = self.config_bytes()?;
        match self.check_recorded(Self::CONFIG, &bytes) {
            // Nothing was trained yet that the config could contradict.
            Ok(()) | Err(RunError::Unfinished(_)) => {}
            Err(RunError::Changed(_)) if self.is_being_extended(&bytes) => {}
            Err(error) => return Err(error),
        }
        self.parse_config(bytes, overrides)
    }

    /// Returns whether a config is the one that the run finished with but for its number of epochs: `train --resume` trains
    /// it for more, and until that is done the weights are those of the run that finished.
    fn is_being_extended(&self, config: &[u8]) -> bool {
        let config = self.parse_config(config.to_owned(), &[]);
        let (Ok(mut config), Ok(summary)) = (config, self.summary()) else {
            return false;
        };
        let (Some(train), Some(epochs)) = (&mut config.train, summary["epochs"].as_u64()) else {
            return false;
        };
        train.epochs = epochs as usize;
        let text = self.config_text(&config);
        text.is_ok_and(|text| self.check_recorded(Self::CONFIG, text.as_bytes()).is_ok())
    }

    /// The same without comparing it with what the run finished with, for who compares it with something else.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong.
    pub fn config_as_it_is(&self, overrides: &[String]) -> Result<Config, RunError> {
        self.parse_config(self.config_bytes()?, overrides)
    }

    fn parse_config(&self, bytes: Vec<u8>, overrides: &[String]) -> Result<Config, RunError> {
        let path = self.path.join(Self::CONFIG);
        let text = files::text(&path, bytes)?;
        let config = Config::parse_of_run(&path.display().to_string(), &text, overrides);
        let mut config = config.map_err(ConfigError::Problems)?;
        // Its config does not say what there was no key for.
        if let Ok(Some(preparation)) = self.preparation()
            && preparation.fit.is_of_earlier_version()
        {
            config.experiment.read_images_as_earlier_versions();
        }
        Ok(config)
    }

    fn config_bytes(&self) -> Result<Vec<u8>, RunError> {
        let path = self.path.join(Self::CONFIG);
        Ok(files::read_regular(&path, config::MOST_BYTES)?)
    }

    /// Writes the final figures and the receipt, which says that the run is finished.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_summary(&self, summary: &Value) -> Result<(), RunError> {
        self.write(Self::SUMMARY, format!("{summary:#}\n").as_bytes())
    }

    /// Makes it one of a run that is going on: what was said of its weights goes.
    ///
    /// # Errors
    /// One of these files is there and cannot be removed.
    pub fn remove_summary(&self) -> Result<(), RunError> {
        for name in [
            Self::TRAINING_ERRORS,
            Self::REPORT,
            Self::ONNX_ENCODER,
            Self::ONNX_DECODER,
            Self::ONNX,
        ] {
            files::remove(&self.path.join(name))?;
        }
        Ok(files::remove(&self.path.join(Self::SUMMARY))?)
    }

    /// Writes how examples were made of what files held.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_preparation(&self, preparation: &Preparation) -> Result<(), RunError> {
        let text = serde_json::to_string_pretty(preparation).expect("plain values are JSON");
        self.write(Self::INPUT, format!("{text}\n").as_bytes())
    }

    /// How examples were made of what files held; none of checkpoints, and of some runs of earlier versions.
    ///
    /// # Errors
    /// The file is damaged, missing, or not as the run left it.
    pub fn preparation(&self) -> Result<Option<Preparation>, RunError> {
        let path = self.path.join(Self::INPUT);
        let recorded = match self.recorded() {
            Ok(recorded) => recorded,
            Err(RunError::Unfinished(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_recorded = recorded.iter().any(|known| known.file == Self::INPUT);
        if !self.has(Self::INPUT) {
            return match is_recorded {
                true => Err(RunError::Input(path)),
                false => Ok(None),
            };
        }
        let bytes = files::read_regular(&path, MOST_TEXT_BYTES)?;
        // Receipts of earlier versions list the weights and nothing else, and their runs must open. In one that lists
        // more, this file was taken out of the list.
        if is_recorded || !Self::is_of_earlier_version(&recorded) {
            self.check_recorded(Self::INPUT, &bytes)?;
        }
        let read = serde_json::from_slice(&bytes)
            .ok()
            .filter(Preparation::is_sound);
        read.map(Some).ok_or(RunError::Input(path))
    }

    /// The file of the final figures and the receipt.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join(Self::SUMMARY)
    }

    /// The final figures and the receipt.
    ///
    /// # Errors
    /// The run did not finish, or the file is damaged.
    pub fn summary(&self) -> Result<Value, RunError> {
        let path = self.summary_path();
        if !self.has(Self::SUMMARY) {
            return Err(RunError::Unfinished(self.path.clone()));
        }
        let bytes = files::read_regular(&path, MOST_TEXT_BYTES)?;
        check_values(&path, &bytes)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Summary { path, error })
    }

    /// SHA-256 of the resolved config as it is written.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn config_sha256(&self) -> Result<String, RunError> {
        Ok(hexadecimal(&Sha256::digest(self.config_bytes()?)))
    }

    /// Writes the weights in both formats; `shape` tells other tools the network's layers.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_weights(&self, network: &impl Network, shape: &str) -> Result<(), WeightsError> {
        for name in Self::WEIGHTS {
            files::unlink(&self.path.join(name)).map_err(WeightsError::File)?;
        }
        weights::save_burnpack(network, &self.path.join(Self::BURNPACK))?;
        network.save_safetensors(shape, &self.path.join(Self::SAFETENSORS))
    }

    /// The file of the weights for other tools.
    ///
    /// # Errors
    /// It is missing, or not the bytes that were written.
    pub fn read_safetensors(&self) -> Result<Vec<u8>, RunError> {
        let path = self.path.join(Self::SAFETENSORS);
        let bytes = files::read_regular(&path, memory::most_bytes())?;
        self.check_recorded(Self::SAFETENSORS, &bytes)?;
        Ok(bytes)
    }

    /// `network` with its trained weights.
    ///
    /// # Errors
    /// The weights are missing, not the bytes that were written, or not those of such a network.
    pub fn load_weights<M: Module>(&self, network: M) -> Result<M, RunError> {
        let path = self.path.join(Self::BURNPACK);
        let bytes = weights::read_burnpack(&network, &path)?;
        self.check_recorded(Self::BURNPACK, &bytes)?;
        Ok(weights::from_burnpack(network, bytes, &path)?)
    }

    /// What `metrics.jsonl` says of each epoch that was finished.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than one JSON object a line.
    pub fn history(&self) -> Result<Vec<Map<String, Value>>, RunError> {
        let path = self.metrics();
        let text = files::read_regular_text(&path, MOST_TEXT_BYTES).map_err(|error| match error
            .error
            .kind()
        {
            io::ErrorKind::NotFound => RunError::NoMetrics(self.path.clone()),
            _ => error.into(),
        })?;
        check_values(&path, text.as_bytes())?;
        // A line without an end was cut off while it was written.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines = text[..whole].lines().enumerate();
        lines
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|error| RunError::Metrics {
                    path: path.clone(),
                    line: index + 1,
                    error,
                })
            })
            .collect()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.path.join(name);
        files::unlink(&path)?;
        Ok(files::write(&path, bytes)?)
    }
}
