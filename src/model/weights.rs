//! Weights to files and back, and their fingerprint.

use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::{
    BurnToPyTorchAdapter, ModuleRecord, ModuleSnapshot, RecordError, SafetensorsStore,
};
use burn::tensor::{Bytes, DType, ExecutionError, Tensor};
use burn_pack::Reader;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Autoencoder, Classifier, TiedAutoencoder, Variational};
use crate::data::hexadecimal;
use crate::files::{self, FileError};

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

    /// The layer whose outputs are the means of codes and then the logarithms of their variances, which other programs have
    /// as two layers.
    fn posterior_layer(&self) -> Option<String> {
        None
    }
}

impl Network for Autoencoder {}
impl Network for Variational {
    fn posterior_layer(&self) -> Option<String> {
        Some(self.posterior_layer_name())
    }
}
impl Network for Classifier {}
impl Network for TiedAutoencoder {
    /// Other tools have no weights in two places, so the decoder gets copies.
    fn save_safetensors(&self, shape: &str, path: &Path) -> Result<(), WeightsError> {
        save_safetensors(&self.untied(), shape, path)
    }
}

/// Why weights cannot be written or read.
#[derive(Debug, Error)]
pub enum WeightsError {
    #[error(transparent)]
    File(FileError),
    /// What is in the file is not what the network needs.
    #[error("{}: {message}", path.display())]
    Content { path: PathBuf, message: String },
}

fn at<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> WeightsError {
    let path = path.to_owned();
    move |error| WeightsError::Content {
        path,
        message: error.to_string(),
    }
}

/// Besides four bytes a parameter: names, shapes and what aligns them.
const MOST_OVERHEAD_BYTES: u64 = 1 << 20;

/// The weights in Burn's own format.
///
/// # Errors
/// They are too large for it.
pub fn burnpack<M: Module>(model: &M) -> Result<Vec<u8>, RecordError> {
    Ok(model.clone().into_record().into_bytes()?.to_vec())
}

/// Writes the weights in Burn's own format.
///
/// # Errors
/// The file cannot be written; what was there before stays.
pub fn save_burnpack<M: Module>(model: &M, path: &Path) -> Result<(), WeightsError> {
    let bytes = burnpack(model).map_err(at(path))?;
    files::write(path, &bytes).map_err(WeightsError::File)
}

/// Reads weights in Burn's own format into a network of the same architecture.
///
/// # Errors
/// The file cannot be read, or holds other tensors than the network has.
pub fn load_burnpack<M: Module>(model: M, path: &Path) -> Result<M, WeightsError> {
    let bytes = read_burnpack(&model, path)?;
    from_burnpack(model, bytes, path)
}

/// The bytes of a file that may hold the weights of `model`.
///
/// # Errors
/// The file cannot be read, or is too large for them.
pub fn read_burnpack<M: Module>(model: &M, path: &Path) -> Result<Vec<u8>, WeightsError> {
    let most = size_of::<f32>() as u64 * model.num_params() as u64 + MOST_OVERHEAD_BYTES;
    files::read(path, most).map_err(WeightsError::File)
}

/// The network with weights in Burn's own format, which were read from `path`.
///
/// # Errors
/// They are other tensors than the network has.
pub fn from_burnpack<M: Module>(model: M, bytes: Vec<u8>, path: &Path) -> Result<M, WeightsError> {
    let bytes = Bytes::from_bytes_vec(bytes);
    // Burn compares names and shapes itself, but takes numbers of any kind.
    let reader = Reader::from_bytes(bytes.clone()).map_err(at(path))?;
    for tensor in reader.into_tensors().map_err(at(path))? {
        let (name, dtype, ..) = tensor.into_parts().map_err(at(path))?;
        if dtype != DType::F32 {
            return Err(at(path)(format!("`{name}` is {dtype:?}, not f32")));
        }
    }
    let record = ModuleRecord::from_bytes(bytes).map_err(at(path))?;
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
    let bytes = with_sorted_metadata(bytes).map_err(at(path))?;
    files::write(path, &bytes).map_err(WeightsError::File)
}

/// A safetensors file whose metadata have the order of their names rather than that of a hash map, which is another in
/// every process: equal weights shall make equal files.
fn with_sorted_metadata(mut file: Vec<u8>) -> Result<Vec<u8>, serde_json::Error> {
    const LENGTH_BYTES: usize = 8;
    const METADATA: &str = "__metadata__";
    let (length, rest) = file.split_at_mut(LENGTH_BYTES);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
    let header = &mut rest[..length];
    let mut sorted: Map<String, Value> = serde_json::from_slice(header)?;
    if let Some(Value::Object(metadata)) = sorted.get_mut(METADATA) {
        metadata.sort_keys();
    }
    let sorted = serde_json::to_vec(&sorted)?;
    // The same entries take the same room; what aligns the tensors behind them stays.
    header[..sorted.len()].copy_from_slice(&sorted);
    Ok(file)
}

/// SHA-256 of all parameters in the order of the network, as little-endian `f32`, in hexadecimal.
/// Equal weights have equal fingerprints on every backend.
///
/// # Errors
/// The device fails.
pub fn fingerprint<M: Module>(model: &M) -> Result<String, ExecutionError> {
    struct Hash(Result<Sha256, ExecutionError>);
    impl ModuleVisitor for Hash {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let Ok(hash) = &mut self.0 else {
                return;
            };
            match parameter.val().try_into_data() {
                Ok(data) => {
                    for value in data.iter::<f32>() {
                        hash.update(value.to_le_bytes());
                    }
                }
                Err(error) => self.0 = Err(error),
            }
        }
    }
    let mut hash = Hash(Ok(Sha256::new()));
    model.visit(&mut hash);
    Ok(hexadecimal(&hash.0?.finalize()))
}
