//! Principal component analysis.

use burn::module::{Module, Param};
use burn::tensor::{Device, ExecutionError, Tensor};

use super::{PrincipalAxes, affine, rows};
use crate::model::{Activation, Codec, DropoutMasks, PortableCodec, numbers};

/// The best linear code: `z = V (x − μ)`, `x̂ = μ + Vᵀ z`, with the first principal axes as rows of V.
///
/// # Source
/// Pearson 1901, *On Lines and Planes of Closest Fit to Systems of Points in Space*.
#[derive(Module, Debug)]
pub struct Pca {
    /// V, `[code size, pixels]`; rows are orthonormal.
    components: Param<Tensor<2>>,
    /// μ, `[1, pixels]`
    mean: Param<Tensor<2>>,
}

impl Pca {
    /// The first `code_size` of `axes` as a code.
    pub fn new(axes: &PrincipalAxes, code_size: usize, device: &Device) -> Self {
        Self {
            components: Param::from_tensor(rows(axes.first(code_size), code_size, device)),
            mean: Param::from_tensor(rows(axes.mean.iter().copied(), 1, device)),
        }
    }

    pub(super) fn empty(pixels: usize, code_size: usize, device: &Device) -> Self {
        Self {
            components: Param::from_tensor(Tensor::zeros([code_size, pixels], device)),
            mean: Param::from_tensor(Tensor::zeros([1, pixels], device)),
        }
    }
}

impl Codec for Pca {
    fn encode_masked(&self, x: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        (x - self.mean.val()).matmul(self.components.val().transpose())
    }

    fn logits_masked(&self, code: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        code.matmul(self.components.val()) + self.mean.val()
    }

    fn output_activation(&self) -> Activation {
        Activation::Linear
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        let components = self.components.val();
        let encode = numbers(components.clone().transpose())?;
        Ok(affine(
            encode,
            numbers(components)?,
            numbers(self.mean.val())?,
        ))
    }
}
