//! Operations with backward passes of their own, for the backend whose stock operations are the
//! bottleneck. What training computes is the same; [`model`](crate::model) and
//! [`objective`](crate::objective) ask for a kernel where there is one, and `gradcheck` checks them with
//! everything else.

mod adam;
#[cfg(feature = "flex")]
mod dense;
#[cfg(feature = "flex")]
mod errors;
#[cfg(feature = "flex")]
mod host;
#[cfg(feature = "flex")]
mod math;
mod matrix;
#[cfg(feature = "flex")]
mod products;

use burn::tensor::{DType, Device, Tensor, TensorData};

pub use adam::AdamStep;

/// What a dense layer does to its sums in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// Nothing.
    Identity,
    /// `max(0, h)`
    Relu,
}

/// The error of one output `z` as a reconstruction of `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointwise {
    /// Binary cross-entropy of `sigmoid(z)`, in nats.
    CrossEntropyOfLogits,
    /// `(z − x)²`
    Squared,
    /// `(max(0, z) − x)²`
    SquaredOfRelu,
}

/// Whether there are kernels for a tensor: it is one of `flex`, in single precision.
pub fn serve(tensor: &Tensor<2>) -> bool {
    is_flex(&tensor.device()) && tensor.dtype() == DType::F32
}

/// `epilogue(x w + b)`
///
/// # Shapes
/// `[batch, inputs], [inputs, outputs], [outputs] → [batch, outputs]`
///
/// # Panics
/// Where kernels do not [`serve`].
pub fn dense(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>, epilogue: Epilogue) -> Tensor<2> {
    #[cfg(feature = "flex")]
    return dense::dense(x, w, b, epilogue);
    #[cfg(not(feature = "flex"))]
    unreachable!("no kernels for {epilogue:?} of {x}, {w}, {b}")
}

/// The sum of the errors of all outputs `z` against `x`, which gets no gradient, over `divisor`.
///
/// # Shapes
/// `[batch, pixels], [batch, pixels] → [1]`
///
/// # Panics
/// Where kernels do not [`serve`].
pub fn pointwise_error(kind: Pointwise, z: Tensor<2>, x: Tensor<2>, divisor: f64) -> Tensor<1> {
    #[cfg(feature = "flex")]
    return errors::pointwise_error(kind, z, x, divisor);
    #[cfg(not(feature = "flex"))]
    unreachable!("no kernels for {kind:?} of {z}, {x}, {divisor}")
}

/// Whether a device is the CPU by way of `flex`, where a tensor's numbers can be had and changed in
/// place.
pub fn is_flex(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if let burn::backend::DispatchDevice::Flex(_) = device.clone().inner().as_dispatch() {
        return true;
    }
    let _ = device;
    false
}

/// Hands the memory of data that nobody needs any more to the kernels.
pub fn recycle(data: TensorData) {
    #[cfg(feature = "flex")]
    host::recycle_data(data);
    #[cfg(not(feature = "flex"))]
    drop(data);
}
