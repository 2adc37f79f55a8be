//! Operations with backward passes of their own, for the backend whose stock operations are the
//! bottleneck. What training computes is the same; [`model`](crate::model) and
//! [`objective`](crate::objective) ask for a kernel where there is one, and `gradcheck` checks them with
//! everything else.

#[cfg(feature = "flex")]
mod adam;
#[cfg(feature = "flex")]
mod dense;
#[cfg(feature = "flex")]
mod errors;
#[cfg(feature = "flex")]
mod gelu;
#[cfg(feature = "flex")]
mod host;
#[cfg_attr(not(feature = "flex"), allow(dead_code))]
pub(crate) mod math;
#[cfg(feature = "flex")]
mod matrix;
#[cfg(feature = "flex")]
mod products;

use burn::tensor::{DType, Device, Tensor};

#[cfg(feature = "flex")]
pub use products::peak_gflops;

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

/// A step of Adam.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    pub learning_rate: f32,
    /// The number of the step, counted from 1.
    pub time: usize,
}

/// Whether there are kernels for a tensor: it is one of `flex`, in single precision.
pub fn serve<const D: usize>(tensor: &Tensor<D>) -> bool {
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

/// `x Φ(x)`, with the normal distribution's `Φ(x) = ½ (1 + erf(x / √2))`
///
/// # Panics
/// Where kernels do not [`serve`].
pub fn gelu(x: Tensor<2>) -> Tensor<2> {
    #[cfg(feature = "flex")]
    return gelu::gelu(x);
    #[cfg(not(feature = "flex"))]
    unreachable!("no kernels for {x}")
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

/// Steps weights along their gradient, and the running means of the gradient and its square with them.
///
/// ```text
/// m ← β₁ m + (1 − β₁) g    v ← β₂ v + (1 − β₂) g²
/// w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε √(1 − β₂ᵗ))
/// ```
///
/// # Source
/// Kingma and Ba 2015, algorithm 1, with the corrections of bias taken out of the loop.
///
/// # Panics
/// Where kernels do not [`serve`].
pub fn adam_step<const D: usize>(
    step: AdamStep,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
) -> (Tensor<D>, [Tensor<D>; 2]) {
    #[cfg(feature = "flex")]
    return adam::adam_step(step, weights, gradient, moments);
    #[cfg(not(feature = "flex"))]
    unreachable!("no kernels for {step:?} of {weights}, {gradient}, {moments:?}")
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
