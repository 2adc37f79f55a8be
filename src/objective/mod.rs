//! What training minimises.

mod cross_entropy;
mod divergence;
mod reconstruction;
mod sparsity;

pub use cross_entropy::cross_entropy_nats;
pub use divergence::kl_nats_per_image;
pub use reconstruction::Reconstruction;
pub(crate) use sparsity::LEAST_ACTIVATION;
pub use sparsity::{Reduction, Sparsity};

/// The name of a variational network's error as a metric, with its unit and reduction.
pub const NEGATIVE_ELBO: &str = "negative_elbo_nats_per_image";
/// The name of a classifier's error as a metric, with its unit and reduction.
pub const CROSS_ENTROPY: &str = "cross_entropy_nats_per_example";
