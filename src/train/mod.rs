//! Training: steps and epochs, stopped and resumed. It emits events and prints nothing.

mod adam;
pub mod checkpoint;
mod clipping;
mod error;
mod events;
mod fit;
mod fit_baseline;
mod network_optimizer;
mod optimizer;
mod progress;
mod schedule;
mod shards;
mod started_from;
mod trainer;
mod training;

pub use clipping::clip_global_norm;
pub use error::{RestoreError, TrainError};
pub use events::{EpochRecord, Event};
pub use fit::{EarlyStopping, Fit, Fitted, NonFinite, fit};
pub use fit_baseline::fit_baseline;
pub use network_optimizer::{NetworkOptimizer, OptimizerState, OptimizerStateError};
pub use optimizer::{Adam, Kind as OptimizerKind, Optimizer};
pub use progress::{PartialEpoch, Progress, ProgressError, best_epoch};
pub use schedule::{LearningRate, Schedule};
pub use shards::StepExamples;
pub use started_from::StartedFrom;
pub use trainer::{Culprit, StepLoss, Trainer};
pub use training::{Saved, Training};
