//! Why training fails, and why it cannot go on.

use burn::tensor::ExecutionError;
use thiserror::Error;

use super::{OptimizerStateError, ProgressError};

/// Why training failed.
#[derive(Debug, Error)]
pub enum TrainError {
    #[error(
        "{what} became {value} in epoch {epoch}, step {step} of the run, at learning rate {learning_rate:e}"
    )]
    NotFinite {
        what: String,
        value: f64,
        epoch: usize,
        /// Counted from 1 over the whole run.
        step: usize,
        learning_rate: f64,
    },
    /// Looked at when an epoch ends and when it is saved.
    #[error("the optimizer's `{name}` became {value} in step {step} of the run or before")]
    Optimizer {
        name: String,
        value: f64,
        step: usize,
    },
    #[error("every step of epoch {epoch} was left out")]
    EverythingSkipped { epoch: usize },
    #[error("the device failed: {}", crate::device::cause(.0))]
    Device(#[from] ExecutionError),
}

impl TrainError {
    /// What to do where a device failed.
    pub const OF_DEVICE: &str = "the work so far is in the run's checkpoints: `hourglass train --resume RUN` goes on from there";

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } | Self::Optimizer { .. } | Self::EverythingSkipped { .. } => {
                "lower train.optimizer.learning_rate, or set train.clip_gradient_norm or \
                 train.non_finite = \"skip_step\"; the checkpoints so far are finite and stay"
            }
            Self::Device(_) => Self::OF_DEVICE,
        }
    }
}

/// Why a saved state is none of the training it is said to be of.
#[derive(Debug, Error, PartialEq)]
pub enum RestoreError {
    #[error(transparent)]
    Progress(#[from] ProgressError),
    #[error("it has no weights of a best epoch, which early stopping needs")]
    NoBest,
    #[error(transparent)]
    Optimizer(#[from] OptimizerStateError),
}
