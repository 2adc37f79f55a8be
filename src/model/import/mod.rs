//! Weights that other programs wrote, as safetensors: PyTorch's and Keras' layouts, under their names or others.

mod names;
mod posterior;
mod values;

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use super::parameters::{self, Tensors};
use super::weights::Network;
use names::Role;

/// A network with weights from elsewhere.
#[derive(Debug)]
pub struct Imported<M> {
    pub network: M,
    /// The source of each of its parameters, in its own order.
    pub taken: Vec<Taken>,
    /// Tensors that are not of the network: counters, and what an optimizer keeps.
    pub ignored: Vec<String>,
}

/// A parameter and the tensor that it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub parameter: String,
    /// Both names where two were joined.
    pub tensor: String,
    /// As it is in the file, or as two of the file are together.
    pub shape: Vec<usize>,
    /// True if rows and columns are exchanged.
    pub is_transposed: bool,
}

/// Why weights are not those of a network.
#[derive(Debug, Error, PartialEq)]
pub enum ImportError {
    #[error("{0}")]
    Unreadable(String),
    #[error("it is no safetensors file: {0}")]
    Format(String),
    /// All that is wrong, a line each.
    #[error("its tensors are not those of the network:\n  {}", .0.join("\n  "))]
    Tensors(Vec<String>),
    /// Which is the mean of a variational network's codes and which their variance is not told.
    #[error("its tensors are not those of the network:\n  {}", .0.join("\n  "))]
    Posterior(Vec<String>),
    #[error("it has layers that are not dense:\n  {}", .0.join("\n  "))]
    OtherLayers(Vec<String>),
    #[error("{}", .0.join("\n  "))]
    Values(Vec<String>),
}

/// A tensor of a file, or two that are one to the network.
struct Found<'a> {
    name: String,
    role: Option<Role>,
    /// The name of its layer.
    stem: String,
    shape: Vec<usize>,
    /// Side by side along the outputs.
    views: Vec<TensorView<'a>>,
}

impl<'a> Found<'a> {
    fn new(name: &str, view: TensorView<'a>) -> Self {
        Self {
            role: Role::of(name),
            stem: names::stem(name).to_owned(),
            shape: view.shape().to_vec(),
            name: name.to_owned(),
            views: vec![view],
        }
    }

    /// Whether it is beside the network rather than of it.
    fn is_beside(&self) -> bool {
        let is_integer = !matches!(
            self.views[0].dtype(),
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16
        );
        let is_one_number = self.shape.iter().product::<usize>() == 1;
        let is_of_no_layer = self.role.is_none() || self.shape.is_empty();
        let is_known = is_integer || self.role.is_some() || names::is_counter(&self.name);
        names::is_beside_layers(&self.name) || (is_one_number && is_of_no_layer && is_known)
    }

    fn is_joined(&self) -> bool {
        self.views.len() > 1
    }
}

/// A dense layer of a network: its two parameters, and the shape of its weight, `[inputs, outputs]`.
struct Layer {
    weight: String,
    bias: String,
    shape: [usize; 2],
}

/// `network` with the weights of a safetensors file: under PyTorch's names as hourglass writes them, perhaps behind a prefix
/// that all have; or else under any names that end in `weight` or `kernel` and `bias`, or in Keras' `vars/0` and `vars/1`,
/// layers being known by their shapes, and those of one shape by the numbers in their names. Two layers that give the mean
/// and the log-variance of a variational network's codes are joined.
///
/// # Errors
/// The file is not safetensors; tensors are missing, unused, of other shapes or ambiguous; or they hold NaN or infinities.
/// All problems are listed.
pub fn import<M: Network>(network: M, bytes: &[u8]) -> Result<Imported<M>, ImportError> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| ImportError::Format(error.to_string()))?;
    let mut all: Vec<(&str, TensorView<'_>)> = file.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    let all = all.into_iter().map(|(name, view)| Found::new(name, view));
    let (beside, mut found): (Vec<_>, Vec<_>) = all.partition(Found::is_beside);
    let others: Vec<String> = found
        .iter()
        .filter_map(|tensor| {
            let what = names::other_layer(&tensor.name, tensor.role, tensor.shape.len())?;
            Some(format!("`{}` {:?} {what}", tensor.name, tensor.shape))
        })
        .collect();
    if !others.is_empty() {
        return Err(ImportError::OtherLayers(others));
    }
    let shapes = parameters::shapes(&network);
    let head = network.posterior_layer();
    if let Some(head) = &head {
        posterior::join(&mut found, &shapes, head)?;
    }
    let pairs = pairs(&shapes, &found, head.as_deref()).map_err(ImportError::Tensors)?;
    let (mut tensors, mut taken, mut problems) = (Tensors::default(), Vec::new(), Vec::new());
    for ((parameter, shape), index) in shapes.into_iter().zip(pairs) {
        let tensor = &found[index];
        let is_transposed = tensor.role == Some(Role::Weight);
        match values::of(tensor, &shape, is_transposed) {
            Ok(values) => tensors.push(&parameter, values),
            Err(problem) => problems.push(format!("`{}` {problem}", tensor.name)),
        }
        taken.push(Taken {
            parameter,
            tensor: tensor.name.clone(),
            shape: tensor.shape.clone(),
            is_transposed,
        });
    }
    match problems.is_empty() {
        true => Ok(Imported {
            network: parameters::with_parameters(network, &tensors),
            taken,
            ignored: beside.into_iter().map(|tensor| tensor.name).collect(),
        }),
        false => Err(ImportError::Values(problems)),
    }
}

/// For each parameter a tensor, all tensors being used; or all that is wrong.
fn pairs(
    shapes: &[(String, Vec<usize>)],
    found: &[Found<'_>],
    head: Option<&str>,
) -> Result<Vec<usize>, Vec<String>> {
    let of_layers = found.iter().filter(|tensor| tensor.role.is_some());
    let prefixes = names::common_prefixes(of_layers.map(|tensor| tensor.name.as_str()));
    let mut in_own_names = None;
    for prefix in [""].into_iter().chain(prefixes) {
        match by_name(shapes, found, prefix) {
            Ok(pairs) => return Ok(pairs),
            Err(problems) => {
                let mut parameters = shapes.iter().map(|(parameter, _)| parameter);
                if parameters.any(|parameter| named(found, prefix, parameter).is_some()) {
                    in_own_names.get_or_insert(problems);
                }
            }
        }
    }
    // If some tensors have the expected names, the problems are reported in these names.
    by_layer(shapes, found, head).map_err(|others| in_own_names.unwrap_or(others))
}

/// The name that a parameter has in the files that hourglass writes: layer `i` of a stack is `2i` of an `nn.Sequential`.
fn pytorch_name(parameter: &str) -> String {
    let mut parts: Vec<String> = parameter.split('.').map(str::to_owned).collect();
    if let Some(at) = parts.iter().position(|part| part == "layers")
        && let Some(layer) = parts
            .get(at + 1)
            .and_then(|layer| layer.parse::<usize>().ok())
    {
        parts[at + 1] = (2 * layer).to_string();
        parts.remove(at);
    }
    if parts[0] == "stack" {
        parts.remove(0);
    }
    parts.join(".")
}

/// The tensor that has the name of a parameter behind a prefix.
fn named(found: &[Found<'_>], prefix: &str, parameter: &str) -> Option<usize> {
    let name = pytorch_name(parameter);
    found
        .iter()
        .position(|tensor| tensor.name.strip_prefix(prefix) == Some(&name))
}

/// For each parameter the tensor of its name, all tensors being used; or all that is wrong.
fn by_name(
    shapes: &[(String, Vec<usize>)],
    found: &[Found<'_>],
    prefix: &str,
) -> Result<Vec<usize>, Vec<String>> {
    let (mut pairs, mut problems) = (Vec::new(), Vec::new());
    for (parameter, shape) in shapes {
        let name = pytorch_name(parameter);
        let expected: Vec<usize> = shape.iter().rev().copied().collect();
        match named(found, prefix, parameter) {
            None => problems.push(format!("`{prefix}{name}` {expected:?} is missing")),
            Some(index) => {
                pairs.push(index);
                let shape = &found[index].shape;
                if *shape != expected {
                    problems.push(format!("`{prefix}{name}` is {shape:?}, not {expected:?}"));
                }
            }
        }
    }
    problems.extend(unused(found, &pairs));
    match problems.is_empty() {
        true => Ok(pairs),
        false => Err(problems),
    }
}

/// Tensors that are listed one by one.
const MOST_LISTED: usize = 50;

fn unused(found: &[Found<'_>], pairs: &[usize]) -> Vec<String> {
    let each = found.iter().enumerate();
    let others = each.filter(|(index, _)| !pairs.contains(index));
    let mut all =
        others.map(|(_, tensor)| format!("`{}` {:?} is not used", tensor.name, tensor.shape));
    let mut listed: Vec<String> = all.by_ref().take(MOST_LISTED).collect();
    let more = all.count();
    listed.extend((more > 0).then(|| format!("{more} more are not used")));
    listed
}

/// For each parameter a tensor, by the shapes of whole layers; or all that is wrong.
fn by_layer(
    shapes: &[(String, Vec<usize>)],
    found: &[Found<'_>],
    head: Option<&str>,
) -> Result<Vec<usize>, Vec<String>> {
    let layers: Vec<Layer> = shapes
        .iter()
        .filter_map(|(parameter, shape)| {
            let stem = parameter.strip_suffix(".weight")?;
            Some(Layer {
                weight: parameter.clone(),
                bias: format!("{stem}.bias"),
                shape: shape[..].try_into().ok()?,
            })
        })
        .collect();
    // Of two layers that were joined it is known what they are.
    let are_joined = found.iter().any(Found::is_joined);
    let is_joined_head = |layer: &Layer| {
        are_joined && head.is_some_and(|head| layer.weight.strip_suffix(".weight") == Some(head))
    };
    let mut pairs: HashMap<&str, usize> = HashMap::new();
    let mut problems = Vec::new();
    for layer in &layers {
        let is_joined = is_joined_head(layer);
        let alike: Vec<&Layer> = layers
            .iter()
            .filter(|other| other.shape == layer.shape && is_joined_head(other) == is_joined)
            .collect();
        let mut candidates = layers_of(found, layer.shape);
        candidates.retain(|&(weight, _)| found[weight].is_joined() == is_joined);
        let [inputs, outputs] = layer.shape;
        let what = format!("layer {inputs} → {outputs}");
        if candidates.len() != alike.len() {
            let (wanted, there) = (alike.len(), candidates.len());
            problems.push(format!("the network has {wanted} {what}, the file {there}"));
            continue;
        }
        candidates.sort_by_key(|&(weight, _)| names::order(&found[weight].stem));
        let mut skeletons = candidates
            .iter()
            .map(|&(weight, _)| names::skeleton(&found[weight].stem));
        let first = skeletons.next();
        if skeletons.any(|other| Some(other) != first) {
            let names: Vec<&str> = candidates
                .iter()
                .take(MOST_LISTED)
                .map(|&(weight, _)| found[weight].name.as_str())
                .collect();
            problems.push(format!(
                "which {what} comes first is not clear from their names: {}",
                names.join(", ")
            ));
            continue;
        }
        let place = alike.iter().position(|other| other.weight == layer.weight);
        let (weight, bias) = candidates[place.expect("it is like itself")];
        pairs.insert(&layer.weight, weight);
        pairs.insert(&layer.bias, bias);
    }
    problems.dedup();
    let used: Vec<usize> = shapes
        .iter()
        .filter_map(|(parameter, _)| pairs.get(parameter.as_str()).copied())
        .collect();
    problems.extend(unused(found, &used));
    match problems.is_empty() && used.len() == shapes.len() {
        true => Ok(used),
        false => Err(problems),
    }
}

/// Weights of a shape `[inputs, outputs]` with the bias of the same layer, which has the same name up to its end.
fn layers_of(found: &[Found<'_>], [inputs, outputs]: [usize; 2]) -> Vec<(usize, usize)> {
    let is_weight = |tensor: &Found<'_>| match tensor.role {
        Some(Role::Weight) => tensor.shape == [outputs, inputs],
        Some(Role::Kernel) => tensor.shape == [inputs, outputs],
        _ => false,
    };
    // Found by their names: a file may hold tens of thousands.
    let mut biases: HashMap<(&str, bool), usize> = HashMap::new();
    for (index, tensor) in found.iter().enumerate() {
        if tensor.role == Some(Role::Bias) && tensor.shape == [outputs] {
            let key = (tensor.stem.as_str(), tensor.is_joined());
            biases.entry(key).or_insert(index);
        }
    }
    let bias_of = |weight: &Found<'_>| {
        let key = (weight.stem.as_str(), weight.is_joined());
        biases.get(&key).copied()
    };
    let weights = found
        .iter()
        .enumerate()
        .filter(|(_, tensor)| is_weight(tensor));
    weights
        .filter_map(|(index, tensor)| Some((index, bias_of(tensor)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_names_that_are_written() {
        assert_eq!(pytorch_name("encoder.layers.1.weight"), "encoder.2.weight");
        assert_eq!(pytorch_name("stack.layers.0.bias"), "0.bias");
    }
}
