//! `summary.json`: the final figures, and the receipt that says what they came from.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::log;
use crate::config::Config;
use crate::data::{Checksum, hexadecimal};
use crate::device::{self, OpenDevice};
use crate::evaluate::Figures;
use crate::train::EpochRecord;

/// The release of Burn that `Cargo.toml` pins.
const BURN_VERSION: &str = "0.22.1";

/// What a run was made from and on: enough to repeat it and to tell whether the repetition agrees.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    pub hourglass: &'static str,
    pub burn: &'static str,
    /// Operating system and instruction set.
    pub platform: String,
    pub processor: String,
    pub backend: &'static str,
    pub device: String,
    pub seed: u64,
    /// SHA-256 of the resolved config as text.
    pub config_sha256: String,
    pub data: Vec<Checksum>,
    pub parameters: usize,
    /// Fingerprint of the weights before the first step: the same on every backend.
    pub initial_weights_sha256: String,
    /// Fingerprint of the trained weights.
    pub weights_sha256: String,
}

impl Receipt {
    /// The receipt of a run on `opened` of weights with the given fingerprints.
    pub fn new(
        config: &Config,
        opened: &OpenDevice,
        data: Vec<Checksum>,
        parameters: usize,
        initial_weights_sha256: String,
        weights_sha256: String,
    ) -> Self {
        Self {
            hourglass: env!("CARGO_PKG_VERSION"),
            burn: BURN_VERSION,
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            processor: device::processor(),
            backend: opened.backend.name(),
            device: opened.description.clone(),
            seed: config.seed,
            config_sha256: hexadecimal(&Sha256::digest(config.to_toml())),
            data,
            parameters,
            initial_weights_sha256,
            weights_sha256,
        }
    }
}

/// The summary of a run: `metrics` holds the figures of the `epoch` whose weights were kept, with
/// those on the test examples replaced by the full measurement, `test`.
pub fn summary(
    config: &Config,
    error_metric: &str,
    history: &[EpochRecord],
    epoch: usize,
    test: &Figures,
    receipt: &Receipt,
) -> Value {
    let mut metrics = Map::new();
    if let Some(kept) = history.get(epoch - 1) {
        metrics = log::figures(kept, error_metric);
        metrics.retain(|name, _| !name.starts_with("test_"));
    }
    let test = test.prefixed("test").into_iter();
    metrics.extend(test.map(|(name, value)| (name, json!(value))));
    let train_seconds: f64 = history.iter().map(|epoch| epoch.train_seconds).sum();
    let examples: f64 = history
        .iter()
        .map(|epoch| epoch.samples_per_second * epoch.train_seconds)
        .sum();
    metrics.insert("train_seconds".into(), json!(train_seconds));
    metrics.insert("samples_per_second".into(), json!(examples / train_seconds));
    json!({
        "name": config.name,
        "shape": config.experiment.shape(),
        "epochs": history.len(),
        "kept_epoch": epoch,
        "metrics": metrics,
        "receipt": receipt,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_receipt_names_the_burn_that_is_built() {
        let manifest = include_str!("../../Cargo.toml");
        let pin = format!("burn = {{ version = \"={}\"", super::BURN_VERSION);
        assert!(manifest.contains(&pin));
    }
}
