//! `summary.json`: the final figures, and the receipt that says what they came from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::log;
use crate::config::Config;
use crate::data::Checksum;
use crate::environment::Environment;
use crate::evaluate::Figures;
use crate::train::checkpoint::Resumption;
use crate::train::{EpochRecord, StartedFrom};

/// What a run was made from and with: enough to repeat it and to tell whether the repetition agrees.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    #[serde(flatten)]
    pub environment: Environment,
    /// On a CPU; the bits do not depend on them.
    pub threads: usize,
    pub seed: u64,
    /// SHA-256 of `config.toml`.
    pub config_sha256: String,
    pub data: Vec<Checksum>,
    pub parameters: usize,
    /// Fingerprint of the weights before the first step: the same on every backend.
    pub initial_weights_sha256: String,
    /// Fingerprint of the trained weights.
    pub weights_sha256: String,
    /// The files that hold them, how examples are made, and the errors of the training examples.
    pub files: Vec<Checksum>,
    /// Where the run was stopped and resumed, which in the same environment changes no bit.
    pub resumed: Vec<Resumption>,
    /// The file that the weights come from, if they were not trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Checksum>,
    /// The source of the first weights, if they were not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<StartedFrom>,
}

impl Receipt {
    /// That of a summary.
    ///
    /// # Errors
    /// It has none, or one of another version.
    pub fn of(summary: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(&summary["receipt"])
    }
}

/// The summary of a run: `metrics` holds the figures of the `epoch` whose weights were kept (0 of those that come from
/// elsewhere), with those on examples
/// that were not trained on replaced by the full measurement, `finals`.
pub fn summary(
    config: &Config,
    error_metric: &str,
    history: &[EpochRecord],
    epoch: usize,
    finals: &Figures,
    receipt: &Receipt,
) -> Value {
    let mut metrics = Map::new();
    if let Some(kept) = epoch.checked_sub(1).and_then(|index| history.get(index)) {
        metrics = log::figures(kept, error_metric);
        metrics.retain(|name, _| name.starts_with("train_"));
    }
    metrics.extend(
        finals
            .iter()
            .map(|(name, value)| (name.to_owned(), json!(value))),
    );
    if !history.is_empty() {
        let train_seconds: f64 = history.iter().map(|epoch| epoch.train_seconds).sum();
        let examples: f64 = history
            .iter()
            .map(|epoch| epoch.samples_per_second * epoch.train_seconds)
            .sum();
        metrics.insert("train_seconds".into(), json!(train_seconds));
        metrics.insert("samples_per_second".into(), json!(examples / train_seconds));
    }
    let skipped_steps: usize = history.iter().map(|epoch| epoch.skipped_steps).sum();
    json!({
        "name": config.name,
        "shape": config.experiment.shape(),
        "epochs": history.len(),
        "kept_epoch": epoch,
        "skipped_steps": skipped_steps,
        "metrics": metrics,
        "receipt": receipt,
    })
}
