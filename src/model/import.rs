//! Weights that other programs wrote, as safetensors: PyTorch's and Keras' layouts, under their names or others.

use std::cmp::Ordering;

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

/// A tensor that no parameter has taken yet.
struct Candidate<'a> {
    name: &'a str,
    role: Option<Role>,
    view: TensorView<'a>,
}

/// `network` with the weights of a safetensors file: under PyTorch's names as hourglass writes them, or else under any
/// names that end in `weight` or `kernel` and `bias`, in natural order with encoders first, where shapes fit.
///
/// # Errors
/// The file is none, or tensors are missing, unused, of other shapes, or hold what is not finite; all are told.
pub fn import<M: Module>(network: M, bytes: &[u8]) -> Result<Imported<M>, ImportError> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| ImportError::Format(error.to_string()))?;
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| natural(a, b)));
    let mut candidates: Vec<Candidate<'_>> = names
        .into_iter()
        .filter_map(|name| {
            let view = file.tensor(name).ok()?;
            let role = Role::of(name);
            Some(Candidate { name, role, view })
        })
        .collect();
    let shapes = parameters::shapes(&network);
    // Where some have the names that they should have, those that have not are missing: another tensor of that shape is
    // another parameter.
    let by_name = shapes
        .iter()
        .any(|(parameter, _)| named(&candidates, parameter).is_some());
    let (mut tensors, mut taken, mut problems) = (Tensors::default(), Vec::new(), Vec::new());
    for (parameter, shape) in shapes {
        let fits = |candidate: &Candidate<'_>| fits(candidate, &parameter, &shape);
        let found = match by_name {
            true => named(&candidates, &parameter),
            false => candidates.iter().position(fits),
        };
        let Some(index) = found else {
            problems.push(missing(&parameter, &shape));
            continue;
        };
        if !fits(&candidates[index]) {
            let Candidate { name, view, .. } = candidates.remove(index);
            let (found, expected) = (view.shape(), in_file(&shape));
            problems.push(format!("`{name}` is {found:?}, not {expected:?}"));
            continue;
        }
        let Candidate { name, role, view } = candidates.remove(index);
        let is_transposed = role == Some(Role::Weight);
        match values(&view) {
            Ok(values) => tensors.push(&parameter, arranged(values, &shape, is_transposed)),
            Err(problem) => problems.push(format!("`{name}` {problem}")),
        }
        taken.push(Taken {
            parameter,
            tensor: name.to_owned(),
            shape: view.shape().to_vec(),
            is_transposed,
        });
    }
    for Candidate { name, view, .. } in &candidates {
        problems.push(format!("`{name}` {:?} is not used", view.shape()));
    }
    match problems.is_empty() {
        true => Ok(Imported {
            network: parameters::with_parameters(network, &tensors),
            taken,
        }),
        false => Err(ImportError::Tensors(problems)),
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

/// The candidate that has the name of a parameter.
fn named(candidates: &[Candidate<'_>], parameter: &str) -> Option<usize> {
    let name = pytorch_name(parameter);
    candidates
        .iter()
        .position(|candidate| candidate.name == name)
}

fn fits(candidate: &Candidate<'_>, parameter: &str, shape: &[usize]) -> bool {
    let found = candidate.view.shape();
    match (candidate.role, parameter.ends_with("bias")) {
        (Some(Role::Bias), true) | (Some(Role::Kernel), false) => found == shape,
        (Some(Role::Weight), false) => found.iter().eq(shape.iter().rev()),
        _ => false,
    }
}

/// What is said of a parameter that no tensor could be.
fn missing(parameter: &str, shape: &[usize]) -> String {
    format!(
        "`{}` {:?} is missing",
        pytorch_name(parameter),
        in_file(shape)
    )
}

/// A parameter's shape as PyTorch has it.
fn in_file(shape: &[usize]) -> Vec<usize> {
    shape.iter().rev().copied().collect()
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

/// Encoders come before what has no such name, decoders after it.
fn place(name: &str) -> u8 {
    match (name.contains("encoder"), name.contains("decoder")) {
        (true, _) => 0,
        (false, false) => 1,
        (false, true) => 2,
    }
}

/// Compares names as people do: `dense_2` comes before `dense_10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b) = (pieces(a), pieces(b));
    a.cmp(&b)
}

/// Letters and numbers in turn, numbers padded so that they compare as text.
fn pieces(name: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for character in name.chars() {
        let is_digit = character.is_ascii_digit();
        match pieces.last_mut() {
            Some(last) if last.ends_with(|c: char| c.is_ascii_digit()) == is_digit => {
                last.push(character);
            }
            _ => pieces.push(character.to_string()),
        }
    }
    for piece in &mut pieces {
        if piece.starts_with(|c: char| c.is_ascii_digit()) {
            *piece = format!("{piece:0>20}");
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_their_layers() {
        let mut names = vec![
            "decoder/dense/kernel",
            "dense_10/kernel",
            "dense_2/kernel",
            "dense/kernel",
            "encoder/dense_3/kernel",
        ];
        names.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| natural(a, b)));
        let sorted = [
            "encoder/dense_3/kernel",
            "dense/kernel",
            "dense_2/kernel",
            "dense_10/kernel",
            "decoder/dense/kernel",
        ];
        assert_eq!(names, sorted);
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
