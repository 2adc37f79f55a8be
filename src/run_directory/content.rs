//! What is in the files of a run.

use std::io;
use std::path::PathBuf;

use burn::module::Module;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{RunDirectory, RunError};
use crate::config::Config;
use crate::data::{Checksum, Preparation, hexadecimal};
use crate::files;
use crate::memory;
use crate::model::weights::{self, Network, WeightsError};
use crate::train::checkpoint;

/// Far above the text of any run: what is larger is not read into memory.
const MOST_TEXT_BYTES: u64 = 64 << 20;

impl RunDirectory {
    /// Writes the resolved config.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<(), RunError> {
        let text = format!(
            "# The resolved config of this run of hourglass {}; training with it repeats the run.\n\n{}",
            env!("CARGO_PKG_VERSION"),
            config.to_toml()
        );
        self.write(Self::CONFIG, text.as_bytes())
    }

    /// The config of the run, with overrides on top.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong.
    pub fn config(&self, overrides: &[String]) -> Result<Config, RunError> {
        let mut config = Config::load_of_run(&self.path.join(Self::CONFIG), overrides)?;
        // Its config does not say what there was no key for.
        if let Ok(Some(preparation)) = self.preparation()
            && preparation.fit.is_of_earlier_version()
        {
            config.experiment.read_images_as_earlier_versions();
        }
        Ok(config)
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

    /// How examples were made of what files held; none of runs of earlier versions.
    ///
    /// # Errors
    /// The file is damaged.
    pub fn preparation(&self) -> Result<Option<Preparation>, RunError> {
        let path = self.path.join(Self::INPUT);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = files::read(&path, MOST_TEXT_BYTES)?;
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
        if !path.exists() {
            return Err(RunError::Unfinished(self.path.clone()));
        }
        let bytes = files::read(&path, MOST_TEXT_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Summary { path, error })
    }

    /// SHA-256 of the resolved config as it is written.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn config_sha256(&self) -> Result<String, RunError> {
        let bytes = files::read(&self.path.join(Self::CONFIG), MOST_TEXT_BYTES)?;
        Ok(hexadecimal(&Sha256::digest(bytes)))
    }

    /// SHA-256 of the files that hold the weights.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn weights_checksums(&self) -> Result<Vec<Checksum>, RunError> {
        let checksum = |name: &&'static str| {
            let bytes = files::read(&self.path.join(name), memory::most_bytes())?;
            Ok(Checksum {
                file: (*name).to_owned(),
                sha256: hexadecimal(&Sha256::digest(bytes)),
            })
        };
        Self::WEIGHTS.iter().map(checksum).collect()
    }

    /// Writes the weights in both formats; `shape` tells other tools the network's layers.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_weights(&self, network: &impl Network, shape: &str) -> Result<(), WeightsError> {
        weights::save_burnpack(network, &self.path.join(Self::BURNPACK))?;
        network.save_safetensors(shape, &self.path.join(Self::SAFETENSORS))
    }

    /// The file of the weights for other tools.
    ///
    /// # Errors
    /// It is missing, or not the bytes that were written.
    pub fn read_safetensors(&self) -> Result<Vec<u8>, RunError> {
        let path = self.path.join(Self::SAFETENSORS);
        let bytes = files::read(&path, memory::most_bytes())?;
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

    /// Whether a file is as the run left it: most changes of a byte would make another network that works, more or less.
    fn check_recorded(&self, file: &str, bytes: &[u8]) -> Result<(), RunError> {
        match self.recorded_checksum(file)? {
            Some(expected) if expected != hexadecimal(&Sha256::digest(bytes)) => {
                Err(RunError::Changed(self.path.join(file)))
            }
            _ => Ok(()),
        }
    }

    /// What a finished run or a checkpoint says that the SHA-256 of one of its files is.
    fn recorded_checksum(&self, file: &str) -> Result<Option<String>, RunError> {
        let files: Vec<Checksum> = match self.summary() {
            Ok(summary) => match summary["receipt"].get("files") {
                // Runs of earlier versions have none.
                None => return Ok(None),
                Some(files) => Vec::deserialize(files).map_err(|error| RunError::Summary {
                    path: self.summary_path(),
                    error,
                })?,
            },
            Err(RunError::Unfinished(_)) => {
                let path = self.path.join(checkpoint::CHECKSUMS);
                if !path.exists() {
                    return Ok(None);
                }
                let known = checkpoint::checksums(&self.path);
                known.map_err(|_| RunError::Checksums(path))?
            }
            Err(error) => return Err(error),
        };
        let mut files = files.into_iter();
        let known = files.find_map(|known| (known.file == file).then_some(known.sha256));
        match known {
            Some(known) => Ok(Some(known)),
            None => Err(RunError::Checksums(self.path.clone())),
        }
    }

    /// What `metrics.jsonl` says of each epoch that was finished.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than one JSON object a line.
    pub fn history(&self) -> Result<Vec<Map<String, Value>>, RunError> {
        let path = self.metrics();
        let text =
            files::read_text(&path, MOST_TEXT_BYTES).map_err(|error| match error.error.kind() {
                io::ErrorKind::NotFound => RunError::NoMetrics(self.path.clone()),
                _ => error.into(),
            })?;
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

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        Ok(files::write(&self.path.join(name), bytes)?)
    }
}
