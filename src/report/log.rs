//! `metrics.jsonl`: one JSON object per epoch, written as soon as the epoch is over.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::objective::Reconstruction;
use crate::train::EpochRecord;

/// The metrics file of a run that is being trained.
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    reconstruction: Reconstruction,
}

impl MetricsLog {
    /// Makes the file, before the work whose results it will hold.
    ///
    /// # Errors
    /// It cannot be made; the error names it.
    pub fn create(path: &Path, reconstruction: Reconstruction) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path).map_err(named(path))?,
            path: path.to_owned(),
            reconstruction,
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
        line.extend(figures(epoch, self.reconstruction));
        line.insert("train_seconds".into(), json!(epoch.train_seconds));
        line.insert("evaluate_seconds".into(), json!(epoch.evaluate_seconds));
        line.insert("samples_per_second".into(), json!(epoch.samples_per_second));
        writeln!(self.file, "{}", Value::Object(line)).map_err(named(&self.path))
    }
}

/// The errors of an epoch under their full names, training, validation and test in turn.
pub fn figures(epoch: &EpochRecord, reconstruction: Reconstruction) -> Map<String, Value> {
    let train = (
        format!("train_{}", reconstruction.metric()),
        epoch.train_loss,
    );
    let validation = epoch
        .validation
        .iter()
        .flat_map(|figures| figures.named("validation"));
    std::iter::once(train)
        .chain(validation)
        .chain(epoch.test.named("test"))
        .map(|(name, value)| (name, json!(value)))
        .collect()
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.to_owned();
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
