//! Weights to files and back, and their fingerprint.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{BurnToPyTorchAdapter, ModuleRecord, ModuleSnapshot, SafetensorsStore};
use burn::tensor::Tensor;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Architecture, Autoencoder};
use crate::data::hexadecimal;

/// Why weights cannot be written or read.
#[derive(Debug, Error)]
#[error("{}: {message}", path.display())]
pub struct WeightsError {
    pub path: PathBuf,
    pub message: String,
}

fn at<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> WeightsError {
    let path = path.to_owned();
    move |error| WeightsError {
        path,
        message: error.to_string(),
    }
}

/// Writes the weights in Burn's own format.
///
/// # Errors
/// The file cannot be written.
pub fn save_burnpack(model: &Autoencoder, path: &Path) -> Result<(), WeightsError> {
    model.clone().into_record().save(path).map_err(at(path))
}

/// Reads weights in Burn's own format into a network of the same architecture.
///
/// # Errors
/// The file cannot be read, or holds other tensors than the network has.
pub fn load_burnpack(model: Autoencoder, path: &Path) -> Result<Autoencoder, WeightsError> {
    // Burn names the file only in some of its messages, so a missing one is found out first.
    std::fs::metadata(path).map_err(at(path))?;
    let record = ModuleRecord::load(path).map_err(at(path))?;
    model.try_load_record(record).map_err(at(path))
}

/// Writes the weights for other tools: safetensors with the names and layout (`[out, in]`) of
/// PyTorch's `nn.Sequential(Linear, ReLU, Linear, …)` under `encoder` and `decoder`, so layer `i`
/// is `encoder.{2i}.weight`.
///
/// # Errors
/// The file cannot be written.
pub fn save_safetensors(
    model: &Autoencoder,
    architecture: &Architecture,
    path: &Path,
) -> Result<(), WeightsError> {
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .clear_metadata()
        .metadata("format", "pt")
        .metadata("producer", concat!("hourglass ", env!("CARGO_PKG_VERSION")))
        .metadata("architecture", architecture.shape());
    let depth = architecture.encoder.len().max(architecture.decoder.len());
    for layer in 0..depth {
        store = store.with_key_remapping(
            format!(r"^(encoder|decoder)\.layers\.{layer}\."),
            format!("${{1}}.{}.", 2 * layer),
        );
    }
    model.save_into(&mut store).map_err(at(path))?;
    let bytes = store.get_bytes().map_err(at(path))?;
    std::fs::write(path, bytes).map_err(at(path))
}

/// SHA-256 of all parameters in the order of the network, as little-endian `f32`, in hexadecimal.
/// Equal weights have equal fingerprints on every backend.
pub fn fingerprint(model: &Autoencoder) -> String {
    struct Hash(Sha256);
    impl ModuleVisitor for Hash {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            for value in parameter.val().into_data().iter::<f32>() {
                self.0.update(value.to_le_bytes());
            }
        }
    }
    let mut hash = Hash(Sha256::new());
    model.visit(&mut hash);
    hexadecimal(&hash.0.finalize())
}
