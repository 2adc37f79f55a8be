//! Weights to files and back, and their fingerprint.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{BurnToPyTorchAdapter, ModuleRecord, ModuleSnapshot, SafetensorsStore};
use burn::tensor::Tensor;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Autoencoder, Classifier, TiedAutoencoder, Variational};
use crate::data::hexadecimal;

/// A network whose weights can be written for other tools.
pub trait Network: Module {
    /// Writes the weights for other tools: safetensors with the names and layout (`[out, in]`) of
    /// PyTorch's `nn.Sequential(Linear, ReLU, Linear, …)` under the name of each stack of layers, so
    /// layer `i` of an encoder is `encoder.{2i}.weight`; a classifier is one such `nn.Sequential`.
    /// `shape` goes into the file's metadata.
    ///
    /// # Errors
    /// The file cannot be written.
    fn save_safetensors(&self, shape: &str, path: &Path) -> Result<(), WeightsError> {
        save_safetensors(self, shape, path)
    }
}

impl Network for Autoencoder {}
impl Network for Variational {}
impl Network for Classifier {}
impl Network for TiedAutoencoder {
    /// Other tools have no weights in two places, so the decoder gets copies.
    fn save_safetensors(&self, shape: &str, path: &Path) -> Result<(), WeightsError> {
        save_safetensors(&self.untied(), shape, path)
    }
}

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
pub fn save_burnpack<M: Module>(model: &M, path: &Path) -> Result<(), WeightsError> {
    model.clone().into_record().save(path).map_err(at(path))
}

/// Reads weights in Burn's own format into a network of the same architecture.
///
/// # Errors
/// The file cannot be read, or holds other tensors than the network has.
pub fn load_burnpack<M: Module>(model: M, path: &Path) -> Result<M, WeightsError> {
    // Burn names the file only in some of its messages, so a missing one is found out first.
    std::fs::metadata(path).map_err(at(path))?;
    let record = ModuleRecord::load(path).map_err(at(path))?;
    model.try_load_record(record).map_err(at(path))
}

/// Writes safetensors; each `layers.{i}` becomes the `{2i}` of an `nn.Sequential`, and a network that
/// is one stack of layers becomes one `nn.Sequential`.
///
/// # Errors
/// The file cannot be written.
fn save_safetensors<M: Module>(model: &M, shape: &str, path: &Path) -> Result<(), WeightsError> {
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .clear_metadata()
        .metadata("format", "pt")
        .metadata("producer", concat!("hourglass ", env!("CARGO_PKG_VERSION")))
        .metadata("architecture", shape);
    let depth = shape.split('-').count();
    for layer in 0..depth {
        store = store.with_key_remapping(
            format!(r"^(\w+)\.layers\.{layer}\."),
            format!("${{1}}.{}.", 2 * layer),
        );
    }
    store = store.with_key_remapping(r"^stack\.", "");
    model.save_into(&mut store).map_err(at(path))?;
    let bytes = store.get_bytes().map_err(at(path))?;
    std::fs::write(path, bytes).map_err(at(path))
}

/// SHA-256 of all parameters in the order of the network, as little-endian `f32`, in hexadecimal.
/// Equal weights have equal fingerprints on every backend.
pub fn fingerprint<M: Module>(model: &M) -> String {
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
