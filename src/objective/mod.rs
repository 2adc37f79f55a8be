//! What training minimises.

mod reconstruction;

pub use reconstruction::Reconstruction;
