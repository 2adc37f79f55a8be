//! Training: steps and epochs. It emits events and prints nothing.

mod adam;
mod clipping;
mod events;
mod fit;
mod optimizer;
mod schedule;

pub use clipping::clip_global_norm;
pub use events::{EpochRecord, Event};
pub use fit::{EarlyStopping, Fit, Fitted, TrainError, Trainer, fit};
pub use optimizer::{Adam, Kind as OptimizerKind, Optimizer};
pub use schedule::{LearningRate, Schedule};
