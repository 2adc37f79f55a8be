//! What training minimises.

mod reconstruction;
mod sparsity;

pub use reconstruction::Reconstruction;
pub use sparsity::{Reduction, Sparsity};
