//! Training: steps and epochs. It emits events and prints nothing.

mod adam;
mod events;
mod fit;

pub use adam::Adam;
pub use events::{EpochRecord, Event};
pub use fit::{Fit, TrainError, Trainer, fit};
