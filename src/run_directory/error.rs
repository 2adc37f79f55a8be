//! Why a run directory cannot be made or used.

use std::path::PathBuf;

use thiserror::Error;

use crate::config::{ConfigError, Origin};
use crate::files::FileError;
use crate::model::weights::WeightsError;

/// Why a run directory cannot be made or used.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("{} already holds a run", .0.display())]
    Exists(PathBuf),
    #[error("{} exists and is not a run directory", .0.display())]
    InTheWay(PathBuf),
    #[error("{} is not a run directory: it has no config.toml", .0.display())]
    NotARun(PathBuf),
    #[error("`latest` is the newest run under artifacts, and there is no {} yet", .0.display())]
    NoLatest(PathBuf),
    #[error("{} leads to {}, which is missing", latest.display(), run.display())]
    LatestIsGone { latest: PathBuf, run: PathBuf },
    #[error("{} is not the link to the newest run that hourglass keeps there", .0.display())]
    ForeignLatest(PathBuf),
    #[error("{} leads to the newest run and cannot hold a new one", .0.display())]
    IsLatest(PathBuf),
    #[error("{} has no metrics.jsonl", .0.display())]
    NoMetrics(PathBuf),
    #[error("{} is a checkpoint, not a run", .0.display())]
    IsCheckpoint(PathBuf),
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("{} is a link, and links inside a run directory are not followed", .0.display())]
    Link(PathBuf),
    #[error("{} is not a regular file", .0.display())]
    Special(PathBuf),
    #[error("{} does not record the SHA-256 of {file}", path.display())]
    Checksums { path: PathBuf, file: String },
    #[error("no training example of {} has a finite error", .0.display())]
    NoTrainingErrors(PathBuf),
    #[error("{} is not as the run left it: its SHA-256 is another", .0.display())]
    Changed(PathBuf),
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    #[error("{} did not finish: it has no summary.json", .0.display())]
    Unfinished(PathBuf),
    #[error("{}: {error}", path.display())]
    Summary {
        path: PathBuf,
        error: serde_json::Error,
    },
    #[error("{} is missing or damaged: the weights that the run started from are not known", .0.display())]
    Start(PathBuf),
    #[error("{} does not say how examples are made", .0.display())]
    Input(PathBuf),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}:{line}: {error}", path.display())]
    Metrics {
        path: PathBuf,
        line: usize,
        error: serde_json::Error,
    },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl RunError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("pass --force to replace it, or --out DIR for another place"),
            Self::InTheWay(_) | Self::IsLatest(_) => Some("pass --out DIR for another place"),
            Self::NotARun(_) => {
                Some("name a directory that `hourglass train` made, such as artifacts/deep")
            }
            Self::NoLatest(_) => Some("run `hourglass train` first, or name the run's directory"),
            Self::LatestIsGone { .. } => {
                Some("name the run's directory; the next `hourglass train` is the newest run again")
            }
            Self::ForeignLatest(_) => Some("name the run's directory, or move that file away"),
            Self::IsCheckpoint(_) => {
                Some("name the run, two directories up; what is made from a checkpoint needs --out")
            }
            Self::InUse(_) => Some("wait until it is done, or pass --out DIR for another place"),
            Self::File(_) => {
                Some("check that the place can be read and written and has room, or pass --out DIR")
            }
            Self::Config(ConfigError::Problems(problems))
                if problems
                    .iter()
                    .all(|problem| matches!(problem.origin, Some(Origin::Override(_)))) =>
            {
                None
            }
            Self::Config(_) => Some("the run's config.toml was changed or is of another version"),
            Self::Link(_) => Some("replace it with a copy of its target, or remove it"),
            Self::Special(_) => Some("remove it"),
            Self::Changed(_) | Self::Missing(_) => Some(
                "restore it from a copy, or let `hourglass train --resume RUN` write it anew from the last checkpoint",
            ),
            Self::Checksums { .. } => Some(
                "`hourglass train --resume RUN` writes it again from the last checkpoint; to use the weights without \
                 their checksums, `hourglass import --weights RUN/model.safetensors --config RUN/config.toml --out DIR`",
            ),
            Self::NoTrainingErrors(_) => Some("give a --threshold"),
            Self::Start(_) => Some(
                "restore it from a copy, or start the run again with `hourglass train --from` and `--force`",
            ),
            Self::NoMetrics(_)
            | Self::Metrics { .. }
            | Self::Unfinished(_)
            | Self::Input(_)
            | Self::Summary { .. }
            | Self::Weights(_) => Some(
                "the run did not finish or was damaged; `hourglass train --resume RUN` finishes it, \
                 `train --force` begins anew",
            ),
        }
    }
}
