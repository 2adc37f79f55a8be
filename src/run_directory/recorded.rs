//! What the summary of a run, or the list of a checkpoint, says that its files are. Most changes of a byte would make
//! another network that works, more or less, so nothing that decides an answer is used before it is compared.

use std::fs;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{RunDirectory, RunError};
use crate::data::{Checksum, hexadecimal, npy};
use crate::files;
use crate::memory;
use crate::train::checkpoint::{self, Checkpoint};

/// Of an `.npy` file: what identifies it, and the length of its header.
const NPY_LENGTH_AT: usize = 8;

impl RunDirectory {
    /// SHA-256 of the files that decide what a run answers, but for the config: weights, how examples are made, and the
    /// errors of the training examples, as far as such a run has them.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn checksums(&self) -> Result<Vec<Checksum>, RunError> {
        let optional = [Self::INPUT, Self::TRAINING_ERRORS];
        let written = optional.into_iter().filter(|name| self.has(name));
        let names = Self::WEIGHTS.into_iter().chain(written);
        names.map(|name| self.checksum(name)).collect()
    }

    fn checksum(&self, name: &str) -> Result<Checksum, RunError> {
        let bytes = files::read_regular(&self.path.join(name), memory::most_bytes())?;
        Ok(Checksum {
            file: name.to_owned(),
            sha256: hexadecimal(&Sha256::digest(bytes)),
        })
    }

    /// Those of `recorded`, the files of a receipt, that are no longer as the run left them.
    ///
    /// # Errors
    /// One cannot be read, or the receipt names other files than a run has.
    pub fn changed_files(&self, recorded: &[Checksum]) -> Result<Vec<String>, RunError> {
        for name in Self::WEIGHTS {
            if !recorded.iter().any(|known| known.file == name) {
                return Err(self.not_recorded(name));
            }
        }
        let mut changed = Vec::new();
        for known in recorded {
            // Names are ours, never those that the file gives.
            let name = Self::FILES.into_iter().find(|name| known.file == *name);
            let name = name.ok_or_else(|| RunError::Changed(self.summary_path()))?;
            if self.checksum(name)? != *known {
                changed.push(name.to_owned());
            }
        }
        Ok(changed)
    }

    /// Refuses bytes that are not those of the file that the run left.
    pub(super) fn check_recorded(&self, file: &str, bytes: &[u8]) -> Result<(), RunError> {
        let recorded = self.recorded()?;
        let known = recorded.iter().find(|known| known.file == file);
        let known = known.ok_or_else(|| self.not_recorded(file))?;
        match known.sha256 == hexadecimal(&Sha256::digest(bytes)) {
            true => Ok(()),
            false => Err(RunError::Changed(self.path.join(file))),
        }
    }

    /// The error for a file of which nothing is known.
    pub(super) fn not_recorded(&self, file: &str) -> RunError {
        RunError::Checksums {
            path: self.path.clone(),
            file: file.to_owned(),
        }
    }

    /// The SHA-256 that a finished run or a checkpoint records for its files.
    ///
    /// # Errors
    /// It says nothing of them, or did not finish.
    pub(super) fn recorded(&self) -> Result<Vec<Checksum>, RunError> {
        let summary = match self.summary() {
            Ok(summary) => summary,
            Err(RunError::Unfinished(_)) if self.has(checkpoint::CHECKSUMS) => {
                let path = self.path.join(checkpoint::CHECKSUMS);
                let known = checkpoint::checksums(&self.path);
                return known.map_err(|_| RunError::Changed(path));
            }
            Err(error) => return Err(error),
        };
        let receipt = &summary["receipt"];
        let listed = receipt
            .get("files")
            .ok_or_else(|| self.not_recorded(Self::BURNPACK))?;
        let wrong = |error| RunError::Summary {
            path: self.summary_path(),
            error,
        };
        let mut files: Vec<Checksum> = Vec::deserialize(listed).map_err(wrong)?;
        let config = receipt["config_sha256"].as_str();
        files.push(Checksum {
            file: Self::CONFIG.to_owned(),
            sha256: config
                .ok_or_else(|| self.not_recorded(Self::CONFIG))?
                .to_owned(),
        });
        Ok(files)
    }

    /// True if its receipt lists only the weights, as in earlier versions.
    pub(super) fn is_of_earlier_version(recorded: &[Checksum]) -> bool {
        let mut besides = recorded.iter().filter(|known| known.file != Self::CONFIG);
        besides.all(|known| Self::WEIGHTS.contains(&known.file.as_str()))
    }

    /// What the data were that it was trained on; `None` of a run that did not finish.
    ///
    /// # Errors
    /// A file of the run is damaged.
    pub fn data_checksums(&self) -> Result<Option<Vec<Checksum>>, RunError> {
        match self.summary() {
            Ok(summary) => {
                let data = Vec::deserialize(&summary["receipt"]["data"]);
                data.map(Some).map_err(|error| RunError::Summary {
                    path: self.summary_path(),
                    error,
                })
            }
            Err(RunError::Unfinished(_)) => Ok(Checkpoint::read(&self.path)
                .ok()
                .map(|read| read.origin.data)),
            Err(error) => Err(error),
        }
    }

    /// Writes the error of each training example.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_training_errors(&self, errors: &[f64]) -> Result<(), RunError> {
        self.write(Self::TRAINING_ERRORS, &npy::of_numbers(errors))
    }

    /// SHA-256 of the file that [`Self::write_training_errors`] writes.
    pub fn training_errors_sha256(errors: &[f64]) -> Checksum {
        Checksum {
            file: Self::TRAINING_ERRORS.to_owned(),
            sha256: hexadecimal(&Sha256::digest(npy::of_numbers(errors))),
        }
    }

    /// The error of each training example, as measured when training ended; `None` of runs of earlier versions, which
    /// measured whatever they were given: a file of theirs is not used.
    ///
    /// # Errors
    /// The file is missing or not as the run left it, or the run did not finish.
    pub fn training_errors(&self) -> Result<Option<Vec<f64>>, RunError> {
        let recorded = self.recorded()?;
        if !recorded
            .iter()
            .any(|known| known.file == Self::TRAINING_ERRORS)
        {
            return Ok(None);
        }
        let path = self.path.join(Self::TRAINING_ERRORS);
        if !self.has(Self::TRAINING_ERRORS) {
            return Err(RunError::Missing(path));
        }
        let bytes = files::read_regular(&path, memory::most_bytes())?;
        self.check_recorded(Self::TRAINING_ERRORS, &bytes)?;
        // Its header is ours, or it was not written here.
        let errors = numbers(&bytes).filter(|errors| npy::of_numbers(errors) == bytes);
        errors.map(Some).ok_or(RunError::Changed(path))
    }

    /// Returns whether a name exists.
    pub(super) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path.join(name)).is_ok()
    }
}

/// The numbers behind the header of such an array.
fn numbers(bytes: &[u8]) -> Option<Vec<f64>> {
    let length = bytes.get(NPY_LENGTH_AT..NPY_LENGTH_AT + 2)?;
    let length = u16::from_le_bytes([length[0], length[1]]);
    let data = bytes.get(NPY_LENGTH_AT + 2 + usize::from(length)..)?;
    let (numbers, []) = data.as_chunks::<8>() else {
        return None;
    };
    Some(numbers.iter().copied().map(f64::from_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_as_they_were_written() {
        for errors in [vec![], vec![0.5, -0.0, 1e-300, f64::MAX]] {
            assert_eq!(numbers(&npy::of_numbers(&errors)), Some(errors));
        }
        assert_eq!(numbers(b"\x93NUMPY"), None);
    }
}
