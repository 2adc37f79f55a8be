//! `artifacts/latest`, which leads to the newest run, and the word `latest` on a command line.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::RunError;
use crate::files::{self, FileError};

/// The default directory of runs.
pub const ARTIFACTS: &str = "artifacts";
/// The link to the newest run, and its name on a command line.
const LATEST: &str = "latest";
/// Far above any name of a directory.
const MOST_BYTES: u64 = 4096;

/// Returns the usual directory of runs of a name: `artifacts/NAME`, and `artifacts/latest-2` for `latest`, which is taken.
pub fn usual_directory(name: &str) -> PathBuf {
    let path = Path::new(ARTIFACTS).join(name);
    match is_latest(&path) {
        true => path.with_file_name(format!("{name}-2")),
        false => path,
    }
}

/// Returns whether a directory inside `artifacts/` would be in the way of `artifacts/latest`, on any file system.
pub fn is_latest(path: &Path) -> bool {
    let name = path.strip_prefix(ARTIFACTS);
    name.is_ok_and(|name| name.as_os_str().eq_ignore_ascii_case(LATEST))
}

/// A run as a command line names it: its directory, or `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPath(PathBuf);

impl From<OsString> for RunPath {
    fn from(path: OsString) -> Self {
        Self(path.into())
    }
}

impl From<PathBuf> for RunPath {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl RunPath {
    /// Returns the directory: of the word `latest`, unless a directory here is called so, that of the newest run under
    /// `artifacts/`.
    ///
    /// # Errors
    /// There is no newest run, or `artifacts/latest` is something else.
    pub fn resolve(&self) -> Result<PathBuf, RunError> {
        match self.0.as_os_str() == LATEST && !self.0.is_dir() {
            true => newest(Path::new(ARTIFACTS)),
            false => Ok(self.0.clone()),
        }
    }
}

/// The content of `artifacts/latest`.
#[derive(Debug, PartialEq)]
enum Found {
    Nothing,
    /// A link or a text file of hourglass: the run, relative to `artifacts/`.
    Pointer(PathBuf),
    /// Something that hourglass did not write.
    Foreign,
}

fn find(artifacts: &Path) -> io::Result<Found> {
    let latest = artifacts.join(LATEST);
    let kind = match fs::symlink_metadata(&latest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        found => found?.file_type(),
    };
    if kind.is_symlink() {
        let target = fs::read_link(&latest)?;
        return Ok(match is_plain(&target) {
            true => Found::Pointer(target),
            false => Found::Foreign,
        });
    }
    // Written where links do not work.
    let text = match kind.is_file() {
        true => files::read_text(&latest, MOST_BYTES).ok(),
        false => None,
    };
    let target = text.and_then(|text| {
        let name = text.strip_suffix('\n')?;
        let is_run = is_plain(Path::new(name)) && artifacts.join(name).is_dir();
        is_run.then(|| PathBuf::from(name))
    });
    Ok(target.map_or(Found::Foreign, Found::Pointer))
}

/// Returns whether a path leads down from a directory and nowhere else.
fn is_plain(path: &Path) -> bool {
    let mut components = path.components();
    components.clone().next().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
}

fn newest(artifacts: &Path) -> Result<PathBuf, RunError> {
    let latest = artifacts.join(LATEST);
    match find(artifacts).map_err(files::at(&latest))? {
        Found::Nothing => Err(RunError::NoLatest(latest)),
        Found::Pointer(target) => {
            let run = artifacts.join(target);
            match run.is_dir() {
                true => Ok(run),
                false => Err(RunError::LatestIsGone { latest, run }),
            }
        }
        Found::Foreign => Err(RunError::ForeignLatest(latest)),
    }
}

/// Lets `artifacts/latest` lead to a run, if that is inside `artifacts/`.
///
/// # Errors
/// Something else is there, which stays; or it cannot be written.
pub fn record(run: &Path) -> Result<(), RunError> {
    record_in(Path::new(ARTIFACTS), run)
}

fn record_in(artifacts: &Path, run: &Path) -> Result<(), RunError> {
    let Some(target) = within(artifacts, run) else {
        return Ok(());
    };
    let latest = artifacts.join(LATEST);
    match find(artifacts).map_err(files::at(&latest))? {
        Found::Foreign => Err(RunError::ForeignLatest(latest)),
        Found::Nothing | Found::Pointer(_) => Ok(point(&latest, &target)?),
    }
}

/// Refuses `artifacts/latest` as the place of a run or a study, unless a directory is there from before.
///
/// # Errors
/// It is that place.
pub fn check_not_latest(path: &Path) -> Result<(), RunError> {
    let is_there = within(Path::new(ARTIFACTS), path).is_some_and(|name| name == Path::new(LATEST));
    let is_directory = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    match is_there && !is_directory {
        true => Err(RunError::IsLatest(path.to_owned())),
        false => Ok(()),
    }
}

/// Returns the way from `artifacts/` down to a run.
fn within(artifacts: &Path, run: &Path) -> Option<PathBuf> {
    let is_here = |component: &Component<'_>| *component == Component::CurDir;
    let written: PathBuf = run.components().filter(|it| !is_here(it)).collect();
    if let Ok(target) = written.strip_prefix(artifacts)
        && is_plain(target)
    {
        return Some(target.to_owned());
    }
    let (run, artifacts) = (run.canonicalize().ok()?, artifacts.canonicalize().ok()?);
    let target = run.strip_prefix(artifacts).ok()?;
    is_plain(target).then(|| target.to_owned())
}

/// Puts a link to `target` at `latest`, at once, whatever pointer is there.
fn point(latest: &Path, target: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        let temporary = files::temporary_beside(latest);
        let _ = fs::remove_file(&temporary);
        if std::os::unix::fs::symlink(target, &temporary).is_ok() {
            return fs::rename(&temporary, latest)
                .inspect_err(|_| drop(fs::remove_file(&temporary)))
                .map_err(files::at(latest));
        }
        // The text would be written to where the link leads.
        if fs::symlink_metadata(latest).is_ok_and(|found| found.is_symlink()) {
            fs::remove_file(latest).map_err(files::at(latest))?;
        }
    }
    files::write(latest, format!("{}\n", target.display()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts(runs: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = directory.path().join(ARTIFACTS);
        for run in runs {
            fs::create_dir_all(artifacts.join(run)).unwrap();
        }
        (directory, artifacts)
    }

    #[test]
    fn the_newest_run_is_the_one_recorded_last() {
        let (directory, artifacts) = artifacts(&["a", "b/c"]);
        assert!(matches!(newest(&artifacts), Err(RunError::NoLatest(_))));
        for run in ["a", "b/c", "a"] {
            record_in(&artifacts, &artifacts.join(run)).unwrap();
            assert_eq!(newest(&artifacts).unwrap(), artifacts.join(run));
        }
        // A run elsewhere is not of these.
        record_in(&artifacts, directory.path()).unwrap();
        assert_eq!(newest(&artifacts).unwrap(), artifacts.join("a"));
        fs::remove_dir(artifacts.join("a")).unwrap();
        assert!(matches!(
            newest(&artifacts),
            Err(RunError::LatestIsGone { .. })
        ));
        let names: Vec<_> = fs::read_dir(&artifacts).unwrap().collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    /// As where links do not work.
    #[test]
    fn a_text_file_leads_to_a_run_too() {
        let (_directory, artifacts) = artifacts(&["a", "b"]);
        let latest = artifacts.join(LATEST);
        fs::write(&latest, "a\n").unwrap();
        assert_eq!(newest(&artifacts).unwrap(), artifacts.join("a"));
        record_in(&artifacts, &artifacts.join("b")).unwrap();
        assert_eq!(newest(&artifacts).unwrap(), artifacts.join("b"));
    }

    #[test]
    fn what_hourglass_did_not_write_stays() {
        for text in ["my notes", "none\n", "../a\n", "a\nb\n", ""] {
            let (_directory, artifacts) = artifacts(&["a"]);
            let latest = artifacts.join(LATEST);
            fs::write(&latest, text).unwrap();
            let refused = record_in(&artifacts, &artifacts.join("a"));
            assert!(
                matches!(refused, Err(RunError::ForeignLatest(_))),
                "{text:?}"
            );
            assert!(newest(&artifacts).is_err(), "{text:?}");
            assert_eq!(fs::read_to_string(&latest).unwrap(), text);
        }
        let (_directory, artifacts) = artifacts(&["a", LATEST]);
        assert!(record_in(&artifacts, &artifacts.join("a")).is_err());
        assert!(newest(&artifacts).is_err());
    }

    #[test]
    fn a_run_is_inside_artifacts_however_its_path_is_written() {
        let (directory, artifacts) = artifacts(&["a/b", "c"]);
        for written in ["artifacts/a/b", "artifacts/./a/b", "artifacts/c/../a/b"] {
            let found = within(&artifacts, &directory.path().join(written));
            assert_eq!(found.as_deref(), Some(Path::new("a/b")), "{written}");
        }
        for written in ["artifacts", "artifacts/..", "elsewhere", "."] {
            assert_eq!(within(&artifacts, &directory.path().join(written)), None);
        }
        assert_eq!(usual_directory("Latest"), Path::new("artifacts/Latest-2"));
        assert_eq!(usual_directory("latest-2"), Path::new("artifacts/latest-2"));
    }
}
