//! What training minimises.

mod cross_entropy;
mod divergence;
mod reconstruction;
mod sparsity;

pub use cross_entropy::cross_entropy_nats;
pub use divergence::kl_nats_per_image;
pub use reconstruction::Reconstruction;
pub use sparsity::{Reduction, Sparsity};
