//! Backpropagation derived by hand, as the lecture writes it, in `f64`.
//!
//! [`Formulas`] are the slides; `layers.rs` applies them layer by layer; each kind of
//! network has a [`Derivation`] that puts its loss together and runs it backwards. Nothing here is
//! used for training: it is what `gradcheck` compares Burn's autodiff with, so it knows nothing of
//! Burn's operations.
//!
//! The slides write one example as a column and `f = W h + b`. Here a batch of `n` examples is `n`
//! rows, so a layer is `f = h W + b` with `W` of `[inputs, outputs]`, and each formula is the slide's
//! transposed: `∂L/∂W = ∂L/∂f hᵀ` there is `hᵀ ∂L/∂f` here.

mod autoencoder;
mod classifier;
mod formulas;
mod layers;
mod variational;

use ndarray::Array2;

pub use autoencoder::Autoencoder;
pub use classifier::Classifier;
pub use formulas::Formulas;
pub use variational::Variational;

use crate::model::parameters::Tensors;

/// Numbers in rows, one row an example.
pub type Matrix = Array2<f64>;

/// A loss on one batch as a function of the parameters, with its gradients.
pub trait Derivation: Sync {
    /// The value of the loss.
    fn loss(&self, parameters: &Tensors) -> Loss;

    /// Its gradients, from the last layer to the first, as backpropagation finds them.
    fn gradients(&self, parameters: &Tensors, formulas: &Formulas) -> Vec<Gradient>;
}

/// The value of a loss, and where it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    pub value: f64,
    /// On which side of each kink the network was: of each ReLU's zero, of each maxout's pieces, of
    /// each zero of an absolute value. Where two points differ in it, the loss between them bends.
    pub sides: Vec<bool>,
}

/// The gradient with respect to one parameter tensor.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// Of the tensor, as the network's module names it.
    pub name: String,
    /// How it was found, in plain text.
    pub formula: String,
    pub values: Matrix,
}
