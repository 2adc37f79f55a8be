//! The softmax classifier.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor};
use serde::Serialize;

use super::{Activation, DenseStack, DropoutMasks, PortableLayer, hidden_units, shape};

/// The sizes and activation of a [`Classifier`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "classifier")]
pub struct Architecture {
    /// Layer sizes from the input to the classes.
    pub layers: Vec<usize>,
    /// After every hidden layer.
    pub activation: Activation,
    /// Probability with which a hidden unit is left out of a step of training.
    pub dropout: f64,
}

impl Architecture {
    /// Hidden units, which dropout may leave out.
    pub fn hidden_units(&self) -> usize {
        hidden_units(&self.layers)
    }

    /// All layer sizes, as one writes them: `2-100-3`.
    pub fn shape(&self) -> String {
        shape(self.layers.iter())
    }
}

/// A multilayer perceptron with a softmax.
///
/// ```text
/// f = W₂ h(W₁ x + b₁) + b₂    P(y = k | x) = exp f_k / Σⱼ exp f_j
/// ```
///
/// # Source
/// The lecture's recall of the softmax network on three spirals.
#[derive(Module, Debug)]
pub struct Classifier {
    stack: DenseStack,
}

impl Classifier {
    /// A network with the initial weights that `seed` gives.
    pub fn new(architecture: &Architecture, seed: u64, device: &Device) -> Self {
        let (activation, last) = (architecture.activation, Activation::Linear);
        Self {
            stack: DenseStack::new(&architecture.layers, activation, last, seed, 0, device),
        }
    }

    /// The logarithm of each class's probability but for a constant: `f`.
    ///
    /// # Shapes
    /// `[batch, inputs] → [batch, classes]`
    pub fn logits(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.stack.logits(x, masks)
    }

    /// Its layers as numbers on the host; the last gives `f`.
    ///
    /// # Errors
    /// The device fails.
    pub fn portable(&self) -> Result<Vec<PortableLayer>, ExecutionError> {
        self.stack.portable()
    }
}
