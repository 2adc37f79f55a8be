//! How far a training has come: all of its state but tensors.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{EarlyStopping, EpochRecord};

/// How far a training has come. Every random number of a run has a name that holds its epoch and its place in
/// it, so nothing else needs to be known to go on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The epochs that are over and evaluated.
    pub history: Vec<EpochRecord>,
    /// The epoch after them.
    pub partial: PartialEpoch,
}

/// An epoch that is going on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialEpoch {
    /// Steps done, those left out among them.
    pub steps: usize,
    pub skipped_steps: usize,
    /// Over the examples of the steps that were not left out, each step's mean loss times its examples.
    pub loss_sum: f64,
    /// The examples of those steps.
    pub examples: usize,
    /// Training alone.
    pub seconds: f64,
}

/// Why a progress is none of the training it is said to be of.
#[derive(Debug, Error, PartialEq)]
pub enum ProgressError {
    #[error("epoch {found} stands where epoch {expected} should")]
    Epoch { found: usize, expected: usize },
    #[error("{found} epochs of {epochs} are begun")]
    TooManyEpochs { found: usize, epochs: usize },
    #[error("{found} steps of {steps} are done in an epoch")]
    TooManySteps { found: usize, steps: usize },
}

impl Progress {
    /// The epoch that is going on, counted from 1.
    pub fn epoch(&self) -> usize {
        self.history.len() + 1
    }

    /// Steps since the run began.
    pub fn step(&self, steps_per_epoch: usize) -> usize {
        self.history.len() * steps_per_epoch + self.partial.steps
    }

    /// Whether it can be that of a training of so many epochs of so many steps.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self, epochs: usize, steps_per_epoch: usize) -> Result<(), ProgressError> {
        for (index, record) in self.history.iter().enumerate() {
            let (found, expected) = (record.epoch, index + 1);
            if found != expected {
                return Err(ProgressError::Epoch { found, expected });
            }
        }
        let found = self.history.len() + usize::from(self.partial.steps > 0);
        if found > epochs {
            return Err(ProgressError::TooManyEpochs { found, epochs });
        }
        let skipped = self.history.iter().map(|record| record.skipped_steps);
        let counts = skipped.chain([self.partial.steps, self.partial.skipped_steps]);
        let steps = steps_per_epoch;
        match counts.max().filter(|&most| most > steps) {
            Some(found) => Err(ProgressError::TooManySteps { found, steps }),
            None => Ok(()),
        }
    }
}

/// The epoch, counted from 1, with the lowest validation error in `metric`, an epoch counting only if it improves
/// on the last that did by more than `least_improvement`. None where nothing was validated.
pub fn best_epoch(history: &[EpochRecord], metric: &str, least_improvement: f64) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for record in history {
        let Some(error) = record
            .validation
            .as_ref()
            .and_then(|figures| figures.get(metric))
        else {
            continue;
        };
        if best.is_none_or(|(_, least)| error < least - least_improvement) {
            best = Some((record.epoch, error));
        }
    }
    best.map(|(epoch, _)| epoch)
}

impl EarlyStopping {
    /// Whether so long a history without improvement is the end.
    pub fn is_over(&self, history: &[EpochRecord], metric: &str) -> bool {
        best_epoch(history, metric, self.least_improvement)
            .is_some_and(|best| history.len() - best >= self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Figures;

    fn history(validation: &[f64]) -> Vec<EpochRecord> {
        let record = |(index, error): (usize, &f64)| EpochRecord {
            epoch: index + 1,
            step: index + 1,
            learning_rate: Some(0.1),
            train_loss: 0.1,
            skipped_steps: 0,
            training: None,
            validation: Some(Figures::from_iter([("error", *error)])),
            test: Figures::from_iter([("psnr_db", f64::INFINITY), ("error", -0.0)]),
            train_seconds: 0.1,
            evaluate_seconds: 0.1,
            samples_per_second: 1.0 / 3.0,
        };
        validation.iter().enumerate().map(record).collect()
    }

    #[test]
    fn an_epoch_is_better_only_if_it_improves_enough() {
        let errors = history(&[5.0, 4.0, 3.9, 3.4, 3.4]);
        assert_eq!(best_epoch(&errors, "error", 0.0), Some(4));
        assert_eq!(best_epoch(&errors, "error", 0.5), Some(4));
        assert_eq!(best_epoch(&errors, "error", 0.6), Some(2));
        assert_eq!(best_epoch(&errors, "other", 0.0), None);
        let stopping = |patience, least_improvement| EarlyStopping {
            patience,
            least_improvement,
        };
        assert!(stopping(1, 0.0).is_over(&errors, "error"));
        assert!(!stopping(2, 0.0).is_over(&errors, "error"));
        assert!(stopping(3, 0.6).is_over(&errors, "error"));
    }

    #[test]
    fn a_progress_survives_its_text_to_the_last_bit() {
        let progress = Progress {
            history: history(&[0.1 + 0.2, f64::NAN]),
            partial: PartialEpoch {
                loss_sum: 1e300 / 3.0,
                ..PartialEpoch::default()
            },
        };
        let text = serde_json::to_string(&progress).unwrap();
        let read: Progress = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.partial, progress.partial);
        let test = &read.history[0].test;
        assert_eq!(test.get("psnr_db"), Some(f64::INFINITY));
        assert!(test.get("error").unwrap().is_sign_negative());
        let validation = read.history[1].validation.as_ref().unwrap();
        assert!(validation.get("error").unwrap().is_nan());
    }

    #[test]
    fn a_progress_of_another_training_is_refused() {
        let mut progress = Progress {
            history: history(&[1.0, 1.0]),
            ..Progress::default()
        };
        progress.partial.steps = 7;
        assert_eq!(progress.check(3, 7), Ok(()));
        assert!(progress.check(2, 7).is_err(), "a third epoch is begun");
        assert!(progress.check(3, 6).is_err());
        progress.history[1].epoch = 1;
        assert!(progress.check(3, 7).is_err());
    }
}
