//! Where a new run goes: to the place given, or to the first free one of its usual places.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::latest::{ARTIFACTS, check_not_latest, is_latest, usual_directory};
use super::occupant::Occupant;
use super::{RunDirectory, RunError};
use crate::config::Config;
use crate::files;

/// Numbers that are tried before the user is asked to tidy up.
const MOST_TRIED: usize = 10_000;

/// The destination of a new run.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The first place; where another will do, the others have a number behind.
    path: PathBuf,
    is_open: bool,
    force: bool,
}

impl Destination {
    /// A directory that the user names; with `force`, a run in it is replaced.
    pub fn given(path: PathBuf, force: bool) -> Self {
        Self {
            path,
            is_open: false,
            force,
        }
    }

    /// `artifacts/NAME`; without `force`, or `artifacts/NAME-2` and so on where something is there.
    pub fn usual(name: &str, force: bool) -> Self {
        let path = match force {
            true => usual_directory(name),
            false => Path::new(ARTIFACTS).join(name),
        };
        Self {
            path,
            is_open: !force,
            force,
        }
    }

    /// Returns an error if no run can be created there; changes nothing.
    ///
    /// # Errors
    /// There is a run already and it may not be replaced, or one that is being written, or something that is not a run.
    pub fn check(&self) -> Result<(), RunError> {
        match (self.is_open, self.path.parent()) {
            (false, _) => {
                check_not_latest(&self.path)?;
                RunDirectory::check_free(&self.path, self.force)
            }
            (true, Some(parent)) if parent.exists() && !parent.is_dir() => {
                Err(RunError::InTheWay(parent.to_owned()))
            }
            (true, _) => Ok(()),
        }
    }

    /// Creates the directory of a run. If it is not at its first place, the second value is the reason.
    ///
    /// # Errors
    /// As [`RunDirectory::create`].
    pub fn create(&self, config: &Config) -> Result<(RunDirectory, Option<RunError>), RunError> {
        if !self.is_open {
            let run = RunDirectory::create(&self.path, config, self.force)?;
            return Ok((run, None));
        }
        let mut reason = None;
        for path in places(&self.path) {
            let created = match is_latest(&path) {
                true => Err(Refusal::Taken(RunError::IsLatest(path))),
                false => create_free(&path, config),
            };
            match created {
                Ok(run) => return Ok((run, reason)),
                Err(Refusal::Taken(error)) => {
                    reason.get_or_insert(error);
                }
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        Err(reason.unwrap_or_else(|| RunError::Exists(self.path.clone())))
    }
}

/// `path`, `path-2`, `path-3` and so on.
fn places(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    let numbered = (2..=MOST_TRIED).map(|number| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        path.with_file_name(name)
    });
    std::iter::once(path.to_owned()).chain(numbered)
}

/// Why a run was not created at one of several places.
enum Refusal {
    /// Something is there; the next place may be free.
    Taken(RunError),
    Failed(RunError),
}

/// Creates a run where nothing is. Of processes that try at the same time, one succeeds: the lock decides.
fn create_free(path: &Path, config: &Config) -> Result<RunDirectory, Refusal> {
    let is_there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(Refusal::Failed(files::at(path)(error).into())),
        Ok(_) => true,
    };
    if is_there {
        // A link that leads nowhere is something too.
        if !path.is_dir() {
            return Err(Refusal::Taken(RunError::InTheWay(path.to_owned())));
        }
        // An empty directory may be one that another process is about to lock: the lock decides, not a look at it.
        match RunDirectory::find(path) {
            Ok(Occupant::Nothing | Occupant::Remainder) => {}
            Ok(Occupant::Run) => RunDirectory::check_free(path, false).map_err(Refusal::Taken)?,
            Err(error) => return Err(Refusal::Taken(error)),
        }
    }
    RunDirectory::create(path, config, false).map_err(|error| match error {
        // Another process was faster.
        RunError::Exists(_) | RunError::InUse(_) | RunError::InTheWay(_) => Refusal::Taken(error),
        error => Refusal::Failed(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::STOCK;

    fn config() -> Config {
        Config::parse("smoke.toml", STOCK[0].text, &[]).unwrap()
    }

    fn open(path: PathBuf) -> Destination {
        Destination {
            path,
            is_open: true,
            force: false,
        }
    }

    #[test]
    fn whatever_is_in_the_way_the_next_number_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let destination = open(at("deep"));
        let (first, reason) = destination.create(&config()).unwrap();
        assert_eq!((first.path(), reason.is_none()), (&*at("deep"), true));
        // The first is in use, the second a file, the third a directory of something else, the fourth is empty.
        fs::write(at("deep-2"), "").unwrap();
        fs::create_dir_all(at("deep-3/notes")).unwrap();
        fs::create_dir(at("deep-4")).unwrap();
        let (second, reason) = destination.create(&config()).unwrap();
        assert_eq!(second.path(), at("deep-4"));
        assert!(matches!(reason, Some(RunError::InUse(path)) if path == at("deep")));
        #[cfg(unix)]
        std::os::unix::fs::symlink("nowhere", at("deep-5")).unwrap();
        #[cfg(not(unix))]
        fs::write(at("deep-5"), "").unwrap();
        drop(first);
        let (third, reason) = destination.create(&config()).unwrap();
        assert_eq!(third.path(), at("deep-6"));
        assert!(matches!(reason, Some(RunError::Exists(_))));
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn all_that_begin_at_once_have_a_place_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let destination = open(directory.path().join("deep"));
        let config = config();
        let mut runs: Vec<RunDirectory> = std::thread::scope(|scope| {
            let create = || destination.create(&config).unwrap().0;
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(create)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        runs.sort_by_key(|run| run.path().to_owned());
        runs.dedup_by_key(|run| run.path().to_owned());
        assert_eq!(runs.len(), 16);
        assert!(runs.iter().all(|run| run.config(&[]).is_ok()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 16);
    }
}
