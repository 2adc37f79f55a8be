//! Networks as Burn modules. Constructors take plain values and know no config.

mod activation;
mod autoencoder;
mod dense;
pub mod weights;

pub use activation::Activation;
pub use autoencoder::{Architecture, Autoencoder, Reconstructed};
pub use dense::DenseStack;
