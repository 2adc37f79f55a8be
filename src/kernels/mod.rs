//! Operations with backward passes of their own, for the backend whose stock operations are the
//! bottleneck. What training computes is the same; [`objective`](crate::objective) asks for a kernel
//! where there is one, and `gradcheck` checks them with everything else.

#[cfg(feature = "flex")]
mod cross_entropy;
#[cfg(feature = "flex")]
mod math;

use burn::tensor::{Device, Tensor};

/// Mean binary cross-entropy of `sigmoid(z)` against `x`, which gets no gradient; `None` where the
/// stock operations do better.
///
/// # Shapes
/// `[batch, pixels], [batch, pixels] → [1]`
pub fn cross_entropy_of_logits(z: &Tensor<2>, x: &Tensor<2>) -> Option<Tensor<1>> {
    #[cfg(feature = "flex")]
    if is_flex(&z.device()) && z.dtype() == burn::tensor::DType::F32 {
        let loss = cross_entropy::cross_entropy_of_logits(z.clone(), x.clone());
        return Some(loss);
    }
    let _ = (z, x);
    None
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
