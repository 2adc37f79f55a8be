//! The state of an optimizer as safetensors.

use std::collections::{BTreeMap, HashMap};

use burn::tensor::{DType, TensorData};
use burn_pack::Scalar;
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use super::Problem;
use crate::train::OptimizerState;

/// The name of the scalars among the metadata of the tensors.
const SCALARS: &str = "scalars";

/// Tensors under their names, and the scalars as JSON among the metadata.
///
/// # Errors
/// A tensor is too large for the format.
pub fn pack(state: &OptimizerState) -> Result<Vec<u8>, Problem> {
    let tensors = state
        .tensors
        .iter()
        .map(|(name, data)| {
            let shape = data.shape().to_vec();
            Ok((name, TensorView::new(Dtype::F32, shape, data.as_bytes())?))
        })
        .collect::<Result<Vec<_>, SafeTensorError>>()?;
    let scalars = serde_json::to_string(&state.scalars)?;
    let metadata = HashMap::from([(SCALARS.to_owned(), scalars)]);
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

/// What [`pack`] wrote.
///
/// # Errors
/// It is something else.
pub fn unpack(bytes: &[u8]) -> Result<OptimizerState, Problem> {
    let file = SafeTensors::deserialize(bytes)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let scalars = metadata
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(SCALARS))
        .ok_or_else(|| Problem::Optimizer("it has no scalars".into()))?;
    let scalars: BTreeMap<String, Scalar> =
        serde_json::from_str(scalars).map_err(|error| Problem::Optimizer(error.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(Problem::Optimizer(format!("`{name}` is not f32")));
        }
        let data =
            TensorData::from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), DType::F32);
        tensors.insert(name.to_owned(), data);
    }
    Ok(OptimizerState { tensors, scalars })
}
