//! Networks as Burn modules. Constructors take plain values and know no config.

mod activation;
pub mod autoencoder;
pub mod classifier;
mod codec;
mod dense;
mod dropout;
mod gelu;
pub mod import;
pub mod onnx;
pub mod parameters;
mod portable;
mod tied;
pub mod variational;
pub mod weights;

pub use activation::Activation;
pub(crate) use activation::ELU_ALPHA;
pub use autoencoder::Autoencoder;
pub use classifier::Classifier;
pub use codec::{Codec, Reconstructed};
pub use dense::DenseStack;
pub use dropout::{Dropout, DropoutMasks};
pub(crate) use gelu::normal_cdf;
pub use portable::{FoldIn, PortableCodec, PortableLayer, Stage, numbers, run_stages};
pub use tied::TiedAutoencoder;
pub use variational::{Posterior, Variational};

/// Layer sizes as one writes them: `784-128-32-128-784`.
fn shape<'a>(sizes: impl Iterator<Item = &'a usize>) -> String {
    sizes.map(usize::to_string).collect::<Vec<_>>().join("-")
}

/// Units of the layers between the first and the last of `sizes`.
fn hidden_units(sizes: &[usize]) -> usize {
    sizes
        .get(1..sizes.len() - 1)
        .unwrap_or_default()
        .iter()
        .sum()
}
