//! Weights that other programs wrote, as safetensors: PyTorch's and Keras' layouts, under their names or others.

use std::collections::HashMap;

use burn::module::Module;
use half::{bf16, f16};
use ndarray::Array2;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use super::parameters::{self, Tensors};

/// A network with weights from elsewhere.
#[derive(Debug)]
pub struct Imported<M> {
    pub network: M,
    /// Where each of its parameters was found, in its own order.
    pub taken: Vec<Taken>,
}

/// A parameter and the tensor that it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    pub parameter: String,
    pub tensor: String,
    /// As it is in the file.
    pub shape: Vec<usize>,
    /// Whether rows and columns changed places.
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
    #[error("{}", .0.join("\n  "))]
    Values(Vec<String>),
}

/// What a tensor is to a layer, by the last part of its name.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// PyTorch's weight, `[outputs, inputs]`.
    Weight,
    /// Keras' weight, `[inputs, outputs]`.
    Kernel,
    Bias,
}

impl Role {
    fn of(name: &str) -> Option<Self> {
        match name
            .rsplit(['.', '/', ':'])
            .find(|part| part.parse::<u32>().is_err())?
        {
            "weight" => Some(Self::Weight),
            "kernel" => Some(Self::Kernel),
            "bias" => Some(Self::Bias),
            _ => None,
        }
    }
}

/// A tensor of a file.
struct Found<'a> {
    name: &'a str,
    role: Option<Role>,
    view: TensorView<'a>,
}

/// A dense layer of a network: its two parameters, and the shape of its weight, `[inputs, outputs]`.
struct Layer {
    weight: String,
    bias: String,
    shape: [usize; 2],
}

/// `network` with the weights of a safetensors file: under PyTorch's names as hourglass writes them; or else under any
/// names that end in `weight` or `kernel` and `bias`, layers being known by their shapes, and those of one shape by the
/// numbers in their names.
///
/// # Errors
/// The file is none; tensors are missing, unused, of other shapes or not to be told apart; or they hold what is not finite.
/// All is told.
pub fn import<M: Module>(network: M, bytes: &[u8]) -> Result<Imported<M>, ImportError> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| ImportError::Format(error.to_string()))?;
    let found: Vec<Found<'_>> = file
        .iter()
        .map(|(name, view)| Found {
            name,
            role: Role::of(name),
            view,
        })
        .collect();
    let shapes = parameters::shapes(&network);
    let pairs = by_name(&shapes, &found).or_else(|problems| {
        // Where some have the names that they should have, what is wrong is told in these names.
        let are_named = shapes
            .iter()
            .any(|(parameter, _)| named(&found, parameter).is_some());
        by_layer(&shapes, &found).map_err(|others| if are_named { problems } else { others })
    });
    let pairs = pairs.map_err(ImportError::Tensors)?;
    let (mut tensors, mut taken, mut problems) = (Tensors::default(), Vec::new(), Vec::new());
    for ((parameter, shape), index) in shapes.into_iter().zip(pairs) {
        let Found { name, role, view } = &found[index];
        let is_transposed = *role == Some(Role::Weight);
        match values(view) {
            Ok(values) => tensors.push(&parameter, arranged(values, &shape, is_transposed)),
            Err(problem) => problems.push(format!("`{name}` {problem}")),
        }
        taken.push(Taken {
            parameter,
            tensor: (*name).to_owned(),
            shape: view.shape().to_vec(),
            is_transposed,
        });
    }
    match problems.is_empty() {
        true => Ok(Imported {
            network: parameters::with_parameters(network, &tensors),
            taken,
        }),
        false => Err(ImportError::Values(problems)),
    }
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

/// The tensor that has the name of a parameter.
fn named(found: &[Found<'_>], parameter: &str) -> Option<usize> {
    let name = pytorch_name(parameter);
    found.iter().position(|tensor| tensor.name == name)
}

/// For each parameter the tensor of its name, all tensors being used; or all that is wrong.
fn by_name(
    shapes: &[(String, Vec<usize>)],
    found: &[Found<'_>],
) -> Result<Vec<usize>, Vec<String>> {
    let (mut pairs, mut problems) = (Vec::new(), Vec::new());
    for (parameter, shape) in shapes {
        let name = pytorch_name(parameter);
        let expected: Vec<usize> = shape.iter().rev().copied().collect();
        match named(found, parameter) {
            None => problems.push(format!("`{name}` {expected:?} is missing")),
            Some(index) => {
                pairs.push(index);
                let shape = found[index].view.shape();
                if shape != expected {
                    problems.push(format!("`{name}` is {shape:?}, not {expected:?}"));
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
    let mut all = others
        .map(|(_, tensor)| format!("`{}` {:?} is not used", tensor.name, tensor.view.shape()));
    let mut listed: Vec<String> = all.by_ref().take(MOST_LISTED).collect();
    let more = all.count();
    listed.extend((more > 0).then(|| format!("{more} more are not used")));
    listed
}

/// For each parameter a tensor, by the shapes of whole layers; or all that is wrong.
fn by_layer(
    shapes: &[(String, Vec<usize>)],
    found: &[Found<'_>],
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
    let mut pairs: HashMap<&str, usize> = HashMap::new();
    let mut problems = Vec::new();
    for layer in &layers {
        let alike: Vec<&Layer> = layers
            .iter()
            .filter(|other| other.shape == layer.shape)
            .collect();
        let mut candidates = layers_of(found, layer.shape);
        let [inputs, outputs] = layer.shape;
        let what = format!("layer {inputs} → {outputs}");
        if candidates.len() != alike.len() {
            let (wanted, there) = (alike.len(), candidates.len());
            problems.push(format!("the network has {wanted} {what}, the file {there}"));
            continue;
        }
        candidates.sort_by_key(|&(weight, _)| order(found[weight].name));
        let mut skeletons = candidates
            .iter()
            .map(|&(weight, _)| skeleton(found[weight].name));
        let first = skeletons.next();
        if skeletons.any(|other| Some(other) != first) {
            let names: Vec<&str> = candidates
                .iter()
                .take(MOST_LISTED)
                .map(|&(weight, _)| found[weight].name)
                .collect();
            problems.push(format!(
                "which {what} comes first is not told by the names {}",
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
        Some(Role::Weight) => tensor.view.shape() == [outputs, inputs],
        Some(Role::Kernel) => tensor.view.shape() == [inputs, outputs],
        _ => false,
    };
    // Found by their names: a file may hold tens of thousands.
    let mut biases: HashMap<&str, usize> = HashMap::new();
    for (index, tensor) in found.iter().enumerate() {
        if tensor.role == Some(Role::Bias) && tensor.view.shape() == [outputs] {
            biases.entry(stem(tensor.name)).or_insert(index);
        }
    }
    let bias_of = |weight: &Found<'_>| biases.get(stem(weight.name)).copied();
    let weights = found
        .iter()
        .enumerate()
        .filter(|(_, tensor)| is_weight(tensor));
    weights
        .filter_map(|(index, tensor)| Some((index, bias_of(tensor)?)))
        .collect()
}

/// The name of a tensor's layer: all parts before the one that says what it is to it.
fn stem(name: &str) -> &str {
    let at = ["weight", "kernel", "bias"]
        .iter()
        .filter_map(|role| name.rfind(role))
        .max();
    at.map_or(name, |at| name[..at].trim_end_matches(['.', '/']))
}

/// Whether it is of a decoder, and then its numbers, none before any: `dense` comes before `dense_1`, and that before
/// `dense_10`.
fn order(name: &str) -> (bool, Vec<Option<u64>>) {
    let stem = stem(name);
    let is_decoder = stem.split(['.', '/']).any(|part| part == "decoder");
    let numbers = stem.split(['.', '/']).map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    (is_decoder, numbers.collect())
}

/// A name without what [`order`] looks at: of names that are alike but for that, it is known which comes first.
fn skeleton(name: &str) -> String {
    let parts = stem(name).split(['.', '/']).map(|part| match part {
        "encoder" | "decoder" => "",
        other => other
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('_'),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The elements of a tensor.
fn values(view: &TensorView<'_>) -> Result<Vec<f64>, String> {
    let bytes = view.data();
    let values: Vec<f64> = match view.dtype() {
        Dtype::F64 => each(bytes, f64::from_le_bytes),
        Dtype::F32 => each(bytes, |bytes| f32::from_le_bytes(bytes).into()),
        Dtype::F16 => each(bytes, |bytes| f16::from_le_bytes(bytes).into()),
        Dtype::BF16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).into()),
        other => return Err(format!("holds {other:?}, not floating-point numbers")),
    };
    // As a parameter is kept: what is too large for single precision is infinite there.
    match values.iter().find(|value| !(**value as f32).is_finite()) {
        Some(value) => Err(format!(
            "holds {value}, which is not finite in single precision"
        )),
        None => Ok(values),
    }
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let pieces = bytes.chunks_exact(N);
    pieces
        .map(|bytes| number(bytes.try_into().expect("as many bytes")))
        .collect()
}

/// Elements as a parameter of that shape has them: weights `[inputs, outputs]`, biases `[1, outputs]`.
fn arranged(values: Vec<f64>, shape: &[usize], is_transposed: bool) -> Array2<f64> {
    let columns = shape[shape.len() - 1];
    let rows = values.len() / columns.max(1);
    match is_transposed {
        true => Array2::from_shape_vec((columns, rows), values)
            .expect("a tensor that fits")
            .reversed_axes(),
        false => Array2::from_shape_vec((rows, columns), values).expect("a tensor that fits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_are_alike_are_told_by_their_numbers_alone() {
        let in_order = |names: &[&str]| {
            assert!(
                names.windows(2).all(|pair| order(pair[0]) < order(pair[1])),
                "{names:?}"
            );
            let known = names
                .iter()
                .all(|name| skeleton(name) == skeleton(names[0]));
            assert!(known, "{names:?}");
        };
        in_order(&[
            "dense/kernel",
            "dense_1/kernel",
            "dense_2/kernel",
            "dense_10/kernel",
        ]);
        in_order(&["fc.weight", "fc2.weight", "fc10.weight"]);
        in_order(&[
            "encoder.2.weight",
            "encoder.4.weight",
            "decoder.0.weight",
            "decoder.2.weight",
        ]);
        in_order(&[
            "autoencoder.encoder.0.weight",
            "autoencoder.decoder.0.weight",
        ]);
        for (a, b) in [
            ("enc1.weight", "dec1.weight"),
            ("a.0.weight", "b.0.weight"),
            ("x1y.weight", "x2z.weight"),
        ] {
            assert_ne!(skeleton(a), skeleton(b));
        }
    }

    #[test]
    fn parameters_have_the_names_that_are_written() {
        assert_eq!(pytorch_name("encoder.layers.1.weight"), "encoder.2.weight");
        assert_eq!(pytorch_name("stack.layers.0.bias"), "0.bias");
    }

    #[test]
    fn roles_are_told_by_the_end_of_a_name() {
        let role = |name| Role::of(name).map(|role| role as u8);
        assert_eq!(role("encoder.0.weight"), Some(Role::Weight as u8));
        assert_eq!(role("dense_1/kernel:0"), Some(Role::Kernel as u8));
        assert_eq!(role("a.bias"), Some(Role::Bias as u8));
        assert_eq!(role("running_mean"), None);
    }
}
