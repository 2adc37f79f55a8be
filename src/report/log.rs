//! `metrics.jsonl`: one JSON object per epoch, written as soon as the epoch is over.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::evaluate::Figures;
use crate::files::{self, FileError};
use crate::train::EpochRecord;

/// Before figures of training examples that were measured after an epoch, rather than during it.
pub const EVALUATED_TRAINING: &str = "train_evaluated";

/// What depends on time, and so is another in each run.
pub const TIMES: [&str; 3] = ["train_seconds", "evaluate_seconds", "samples_per_second"];

/// The metrics file of a run that is being trained.
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    /// What training reports.
    error_metric: &'static str,
}

impl MetricsLog {
    /// Makes the file, before the work whose results it will hold, with the epochs that are done.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(
        path: &Path,
        error_metric: &'static str,
        history: &[EpochRecord],
    ) -> Result<Self, FileError> {
        let lines: String = history
            .iter()
            .map(|epoch| line(epoch, error_metric))
            .collect();
        files::unlink(path)?;
        files::write(path, lines.as_bytes())?;
        Ok(Self {
            file: files::append_regular(path)?,
            path: path.to_owned(),
            error_metric,
        })
    }

    /// Adds the line of an epoch.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, epoch: &EpochRecord) -> Result<(), FileError> {
        let line = line(epoch, self.error_metric);
        let written = self.file.write_all(line.as_bytes());
        written.map_err(files::at(&self.path))
    }
}

fn line(epoch: &EpochRecord, error_metric: &str) -> String {
    format!("{}\n", Value::Object(entry(epoch, error_metric)))
}

/// What the file says of an epoch.
pub fn entry(epoch: &EpochRecord, error_metric: &str) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("epoch".into(), json!(epoch.epoch));
    line.insert("step".into(), json!(epoch.step));
    if let Some(learning_rate) = epoch.learning_rate {
        line.insert("learning_rate".into(), json!(learning_rate));
    }
    if epoch.skipped_steps > 0 {
        line.insert("skipped_steps".into(), json!(epoch.skipped_steps));
    }
    line.extend(figures(epoch, error_metric));
    line.insert("train_seconds".into(), json!(epoch.train_seconds));
    line.insert("evaluate_seconds".into(), json!(epoch.evaluate_seconds));
    line.insert("samples_per_second".into(), json!(epoch.samples_per_second));
    line
}

/// The figures of an epoch under their full names: the training error, then what was measured on
/// training, validation and test examples.
pub fn figures(epoch: &EpochRecord, error_metric: &str) -> Map<String, Value> {
    let mut all = Figures::default();
    all.push(format!("train_{error_metric}"), epoch.train_loss);
    for (prefix, figures) in [
        (EVALUATED_TRAINING, epoch.training.as_ref()),
        ("validation", epoch.validation.as_ref()),
        ("test", Some(&epoch.test)),
    ] {
        all.extend(
            figures
                .map(|figures| figures.prefixed(prefix))
                .unwrap_or_default(),
        );
    }
    all.into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect()
}
