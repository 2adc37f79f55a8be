//! The numbers of tensors, as parameters have them.

use half::{bf16, f16};
use ndarray::{Array2, Axis, concatenate};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::Found;

/// The elements of a tensor, or of two side by side, as a parameter of that shape has them: weights `[inputs, outputs]`,
/// biases `[1, outputs]`.
pub fn of(tensor: &Found<'_>, shape: &[usize], is_transposed: bool) -> Result<Array2<f64>, String> {
    let columns = shape[shape.len() - 1] / tensor.views.len();
    let pieces: Vec<Array2<f64>> = tensor
        .views
        .iter()
        .map(|view| Ok(arranged(values(view)?, columns, is_transposed)))
        .collect::<Result<_, String>>()?;
    Ok(match &pieces[..] {
        [one] => one.clone(),
        [first, second] => concatenate![Axis(1), *first, *second],
        _ => unreachable!("at most two tensors are joined"),
    })
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

fn arranged(values: Vec<f64>, columns: usize, is_transposed: bool) -> Array2<f64> {
    let rows = values.len() / columns.max(1);
    match is_transposed {
        true => Array2::from_shape_vec((columns, rows), values)
            .expect("a tensor that fits")
            .reversed_axes(),
        false => Array2::from_shape_vec((rows, columns), values).expect("a tensor that fits"),
    }
}
