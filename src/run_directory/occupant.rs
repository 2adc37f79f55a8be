//! The present content of the place of a new run.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use super::untrusted::Links;
use super::{RunDirectory, RunError};
use crate::files;

/// The content of a directory that may become a run directory.
pub enum Occupant {
    Nothing,
    /// What a process that was killed, or is about to begin, has left: no run yet.
    Remainder,
    Run,
}

impl RunDirectory {
    /// Checks that a new run may be written to `path`; changes nothing.
    ///
    /// # Errors
    /// There is a run already and `force` is not given, or one that is being written, or something that is no
    /// run.
    pub fn check_free(path: &Path, force: bool) -> Result<(), RunError> {
        match (Self::find(path)?, force) {
            (Occupant::Nothing, _) => Ok(()),
            (Occupant::Remainder, _) | (Occupant::Run, true) => Self::check_not_in_use(path),
            (Occupant::Run, false) => {
                Self::check_not_in_use(path)?;
                Err(RunError::Exists(path.to_owned()))
            }
        }
    }

    /// Returns whether a run writes a file of this name.
    pub fn writes(name: &OsStr) -> bool {
        Self::FILES.iter().any(|own| name == *own)
    }

    /// Returns what is at `path`.
    ///
    /// # Errors
    /// Something that is neither a run nor what is left of one.
    pub(super) fn find(path: &Path) -> Result<Occupant, RunError> {
        let mut entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(RunError::InTheWay(path.to_owned()));
            }
            Err(error) => return Err(files::at(path)(error).into()),
            Ok(entries) => entries,
        };
        Self::check_entries(path, Links::Replaced)?;
        let is_remainder = |entry: fs::DirEntry| {
            let name = entry.file_name();
            name == Self::LOCK || files::is_temporary(&name)
        };
        let is_empty = entries.all(|entry| entry.is_ok_and(is_remainder));
        Self::check_no_checkpoint(path)?;
        match (is_empty, Self::is_run(path)) {
            (true, _) => Ok(Occupant::Remainder),
            (false, true) => Ok(Occupant::Run),
            (false, false) => Err(RunError::InTheWay(path.to_owned())),
        }
    }

    fn check_not_in_use(path: &Path) -> Result<(), RunError> {
        match fs::symlink_metadata(path.join(Self::LOCK)).is_ok() {
            true => Self::lock(path).map(drop),
            false => Ok(()),
        }
    }
}
