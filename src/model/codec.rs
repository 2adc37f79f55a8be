//! What all networks share that turn images into codes and codes into images.

use burn::tensor::{ExecutionError, Tensor};

use super::{Activation, DropoutMasks, PortableCodec};

/// A network with an encoder and a decoder.
pub trait Codec {
    /// Codes of images, with hidden units left out.
    ///
    /// # Shapes
    /// `[batch, pixels] → [batch, code size]`
    fn encode_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2>;

    /// Images of codes before the output activation, with hidden units left out.
    ///
    /// # Shapes
    /// `[batch, code size] → [batch, pixels]`
    fn logits_masked(&self, code: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2>;

    /// What turns logits into pixels.
    fn output_activation(&self) -> Activation;

    /// The same network as numbers on the host.
    ///
    /// # Errors
    /// The device fails.
    fn portable(&self) -> Result<PortableCodec, ExecutionError>;

    /// # Shapes
    /// `[batch, pixels] → [batch, code size]`
    fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        self.encode_masked(x, &mut DropoutMasks::none())
    }

    /// # Shapes
    /// `[batch, code size] → [batch, pixels]`
    fn decode(&self, code: Tensor<2>) -> Tensor<2> {
        let logits = self.logits_masked(code, &mut DropoutMasks::none());
        self.output_activation().apply(logits)
    }

    /// Encodes and decodes, with hidden units left out.
    ///
    /// # Shapes
    /// `[batch, pixels] → [batch, code size], [batch, pixels]`
    fn forward_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Reconstructed {
        let code = self.encode_masked(x, masks);
        let logits = self.logits_masked(code.clone(), masks);
        Reconstructed { code, logits }
    }

    /// Encodes and decodes.
    ///
    /// # Shapes
    /// `[batch, pixels] → [batch, code size], [batch, pixels]`
    fn forward(&self, x: Tensor<2>) -> Reconstructed {
        self.forward_masked(x, &mut DropoutMasks::none())
    }
}

/// What the forward pass of a [`Codec`] gives.
#[derive(Debug)]
pub struct Reconstructed {
    /// `[batch, code size]`
    pub code: Tensor<2>,
    /// `[batch, pixels]`, before the output activation.
    pub logits: Tensor<2>,
}
