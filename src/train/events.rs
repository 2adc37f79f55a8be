//! What training tells those who watch it.

use serde::{Deserialize, Serialize};

use crate::evaluate::Figures;

/// A moment of training.
#[derive(Debug)]
pub enum Event<'a> {
    /// An epoch, counted from 1, begins, or goes on after so many of its steps and examples.
    EpochBegins {
        epoch: usize,
        steps: usize,
        steps_done: usize,
        examples_done: usize,
    },
    /// A step was handed to the device, which may still be working on it.
    Step {
        /// Steps of this epoch so far.
        step: usize,
        /// Examples in the step.
        examples: usize,
        /// The mean loss of this epoch, when it has just been read from the device.
        mean_loss: Option<f64>,
    },
    /// An epoch is over and evaluated.
    EpochEnds(&'a EpochRecord),
}

/// What is known of an epoch at its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Steps since the run began.
    pub step: usize,
    /// None where nothing is learned by gradients.
    pub learning_rate: Option<f64>,
    /// The mean error over the epoch's examples (penalties not included), each example's taken just
    /// before the step it was part of.
    pub train_loss: f64,
    /// Steps left out because something in them was not finite.
    pub skipped_steps: usize,
    /// On the training examples after the epoch, neither corrupted nor with units left out, if asked
    /// for.
    pub training: Option<Figures>,
    /// On the examples held out for validation, if any are.
    pub validation: Option<Figures>,
    pub test: Figures,
    /// Training alone, without evaluation.
    pub train_seconds: f64,
    pub evaluate_seconds: f64,
    /// Examples trained on per second of training alone.
    pub samples_per_second: f64,
}
