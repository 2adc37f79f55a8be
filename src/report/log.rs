//! `metrics.jsonl`: one JSON object per epoch, written as soon as the epoch is over.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::evaluate::Figures;
use crate::train::EpochRecord;

/// Before figures of training examples that were measured after an epoch, rather than during it.
pub const EVALUATED_TRAINING: &str = "train_evaluated";

/// The metrics file of a run that is being trained.
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    /// What training reports.
    error_metric: &'static str,
}

impl MetricsLog {
    /// Makes the file, before the work whose results it will hold.
    ///
    /// # Errors
    /// It cannot be made; the error names it.
    pub fn create(path: &Path, error_metric: &'static str) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path).map_err(named(path))?,
            path: path.to_owned(),
            error_metric,
        })
    }

    /// Adds the line of an epoch.
    ///
    /// # Errors
    /// It cannot be written; the error names the file.
    pub fn append(&mut self, epoch: &EpochRecord) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("epoch".into(), json!(epoch.epoch));
        line.insert("step".into(), json!(epoch.step));
        line.insert("learning_rate".into(), json!(epoch.learning_rate));
        line.extend(figures(epoch, self.error_metric));
        line.insert("train_seconds".into(), json!(epoch.train_seconds));
        line.insert("evaluate_seconds".into(), json!(epoch.evaluate_seconds));
        line.insert("samples_per_second".into(), json!(epoch.samples_per_second));
        writeln!(self.file, "{}", Value::Object(line)).map_err(named(&self.path))
    }
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

fn named(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.to_owned();
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
