//! Checkpoints read back, and what can be wrong with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use safetensors::SafeTensorError;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    BEST, CHECKSUMS, CONFIG, FORMAT, MODEL, OPTIMIZER, Origin, PROGRESS, REQUIRED, State, tensors,
};
use crate::data::{Checksum, hexadecimal};
use crate::files::{self, FileError};
use crate::memory;
use crate::model::weights::{self, WeightsError};
use crate::train::{Progress, RestoreError, Saved};

/// Far above the text of any checkpoint: what is larger is not read into memory.
const MOST_TEXT_BYTES: u64 = 256 << 20;

/// What every `progress.json` begins with.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, Error)]
#[error("{} cannot be used: {problem}", path.display())]
pub struct Damage {
    pub path: PathBuf,
    pub problem: Problem,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Error)]
pub enum Problem {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("it is not complete: {CHECKSUMS} does not name {0}")]
    Incomplete(&'static str),
    #[error("{CHECKSUMS} is damaged")]
    Checksums,
    #[error("{0} is damaged: its SHA-256 is not the one in {CHECKSUMS}")]
    Checksum(&'static str),
    #[error("its format is {0}, this program reads {FORMAT}")]
    Format(u32),
    #[error("{PROGRESS} is damaged: {0}")]
    Progress(#[from] serde_json::Error),
    #[error("{CONFIG} is damaged")]
    Config,
    #[error("{OPTIMIZER} is damaged: {0}")]
    Optimizer(String),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error("it is of another training: {0}")]
    Restore(#[from] RestoreError),
}

impl From<SafeTensorError> for Problem {
    fn from(error: SafeTensorError) -> Self {
        Self::Optimizer(error.to_string())
    }
}

/// A checkpoint that was read and whose files are those that were written.
pub struct Checkpoint {
    pub path: PathBuf,
    /// The resolved config of the run.
    pub config: String,
    pub origin: Origin,
    pub progress: Progress,
    files: BTreeMap<&'static str, Vec<u8>>,
}

impl Checkpoint {
    /// Reads a checkpoint and compares its checksums.
    ///
    /// # Errors
    /// It is not complete, or damaged.
    pub fn read(path: &Path) -> Result<Self, Damage> {
        Self::read_files(path).map_err(|problem| Damage {
            path: path.to_owned(),
            problem,
        })
    }

    fn read_files(path: &Path) -> Result<Self, Problem> {
        let checksums = checksums(path)?;
        // Names are ours, never those that the file gives.
        let read = |name: &'static str| {
            let most = match name {
                CONFIG | PROGRESS => MOST_TEXT_BYTES,
                _ => memory::most_bytes(),
            };
            let expected = checksums.iter().find(|known| known.file == name);
            let expected = expected.ok_or(Problem::Incomplete(name))?;
            let bytes = files::read_regular(&path.join(name), most)?;
            match hexadecimal(&Sha256::digest(&bytes)) == expected.sha256 {
                true => Ok(bytes),
                false => Err(Problem::Checksum(name)),
            }
        };
        let mut files = BTreeMap::new();
        for name in REQUIRED {
            files.insert(name, read(name)?);
        }
        // A program of another format may write other things beside it.
        let Format { format } = serde_json::from_slice(&files[PROGRESS])?;
        if format != FORMAT {
            return Err(Problem::Format(format));
        }
        let State {
            origin,
            progress,
            has_best,
            ..
        } = serde_json::from_slice(&files[PROGRESS])?;
        if has_best {
            files.insert(BEST, read(BEST)?);
        }
        let config = files.remove(CONFIG).unwrap_or_default();
        Ok(Self {
            path: path.to_owned(),
            config: String::from_utf8(config).map_err(|_| Problem::Config)?,
            origin,
            progress,
            files,
        })
    }

    /// The training, with `network` in the place of the saved one until its weights are read.
    ///
    /// # Errors
    /// The files hold other tensors than the network has.
    pub fn saved<M: Module>(&self, network: &M) -> Result<Saved<M>, Damage> {
        let saved = || -> Result<Saved<M>, Problem> {
            let load = |name: &'static str| {
                let path = self.path.join(name);
                let bytes = self.files.get(name).cloned();
                bytes.map(|bytes| weights::from_burnpack(network.clone(), bytes, &path))
            };
            Ok(Saved {
                progress: self.progress.clone(),
                best: load(BEST).transpose()?,
                optimizer: tensors::unpack(&self.files[OPTIMIZER])?,
                network: load(MODEL).ok_or(Problem::Incomplete(MODEL))??,
            })
        };
        saved().map_err(|problem| self.damage(problem))
    }

    /// The error for a checkpoint that turned out to be useless.
    pub fn damage(&self, problem: impl Into<Problem>) -> Damage {
        Damage {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

/// What a checkpoint's file of checksums says of each of its files.
///
/// # Errors
/// It is not there, or not as `sha256sum` writes it.
pub fn checksums(checkpoint: &Path) -> Result<Vec<Checksum>, Problem> {
    const MOST_BYTES: u64 = 4096;
    let text = files::read_regular_text(&checkpoint.join(CHECKSUMS), MOST_BYTES)?;
    if !text.ends_with('\n') {
        return Err(Problem::Checksums);
    }
    let parse = |line: &str| {
        let (digest, file) = line.split_once("  ")?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|c| c.is_ascii_hexdigit());
        is_digest.then(|| Checksum {
            file: file.into(),
            sha256: digest.into(),
        })
    };
    let lines = text
        .lines()
        .map(|line| parse(line).ok_or(Problem::Checksums));
    lines.collect()
}
