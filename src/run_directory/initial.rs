//! The weights that a run started from: a copy of its own, so that the run can be repeated without their source.

use burn::module::Module;
use sha2::{Digest, Sha256};

use super::{RunDirectory, RunError};
use crate::data::{Checksum, hexadecimal};
use crate::files;
use crate::memory;
use crate::model::weights;
use crate::train::StartedFrom;

/// Far above the text of any start.
const MOST_TEXT_BYTES: u64 = 1 << 20;

impl RunDirectory {
    /// The run's copy of weights in Burn's own format, as a receipt lists it.
    pub fn initial_checksum(burnpack: &[u8]) -> Checksum {
        Checksum {
            file: Self::INITIAL.to_owned(),
            sha256: hexadecimal(&Sha256::digest(burnpack)),
        }
    }

    /// Writes what the run starts from. The note comes first: with it and without the copy, a run is not resumed from other
    /// weights.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_initial(&self, started: &StartedFrom, burnpack: &[u8]) -> Result<(), RunError> {
        let text = serde_json::to_string_pretty(started).expect("plain values are JSON");
        self.write(Self::STARTED_FROM, format!("{text}\n").as_bytes())?;
        self.write(Self::INITIAL, burnpack)
    }

    /// The source of the run's first weights, unless they were drawn.
    ///
    /// # Errors
    /// The note of it is damaged.
    pub fn started_from(&self) -> Result<Option<StartedFrom>, RunError> {
        let path = self.path.join(Self::STARTED_FROM);
        if !self.has(Self::STARTED_FROM) {
            return Ok(None);
        }
        let bytes = files::read_regular(&path, MOST_TEXT_BYTES)?;
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|_| RunError::Start(path))
    }

    /// Returns whether the copy of the first weights is unchanged.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_initial(&self, started: &StartedFrom) -> Result<bool, RunError> {
        Ok(Self::initial_checksum(&self.initial()?).sha256 == started.copy.sha256)
    }

    /// `network` with the weights that the run started from.
    ///
    /// # Errors
    /// They are missing, not the bytes that were written, or not those of such a network.
    pub fn load_initial<M: Module>(
        &self,
        network: M,
        started: &StartedFrom,
    ) -> Result<M, RunError> {
        let path = self.path.join(Self::INITIAL);
        let bytes = self.initial()?;
        match Self::initial_checksum(&bytes).sha256 == started.copy.sha256 {
            true => Ok(weights::from_burnpack(network, bytes, &path)?),
            false => Err(RunError::Start(path)),
        }
    }

    fn initial(&self) -> Result<Vec<u8>, RunError> {
        let path = self.path.join(Self::INITIAL);
        match self.has(Self::INITIAL) {
            true => Ok(files::read_regular(&path, memory::most_bytes())?),
            false => Err(RunError::Start(path)),
        }
    }

    /// The file of the weights in Burn's own format.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn burnpack_checksum(&self) -> Result<Checksum, RunError> {
        let bytes = files::read_regular(&self.path.join(Self::BURNPACK), memory::most_bytes())?;
        Ok(Checksum {
            file: Self::BURNPACK.to_owned(),
            sha256: hexadecimal(&Sha256::digest(bytes)),
        })
    }
}
