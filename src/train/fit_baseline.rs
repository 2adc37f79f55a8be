//! Fitting a baseline, told like a training.

use std::ops::ControlFlow;
use std::time::Instant;

use super::{EpochRecord, Fitted};
use crate::baselines::{Baseline, BaselineError};
use crate::evaluate::{Figures, Scope};
use crate::task::{BaselineTask, Measured, Subset};

/// Fits a baseline to the training images. What is known after each look at its objective is told to `listener`; a look
/// counts as an epoch, a pass over the images as a step.
///
/// # Errors
/// The images do not allow it, the listener breaks it off, or the device fails.
pub fn fit_baseline(
    task: &BaselineTask,
    listener: &mut dyn FnMut(&EpochRecord) -> ControlFlow<()>,
) -> Result<Fitted<Baseline>, BaselineError> {
    let images = &task.images;
    let count = images.count(Subset::Training) as f64;
    let mut history: Vec<EpochRecord> = Vec::new();
    let mut begun = Instant::now();
    let mut steps = 0;
    let network = Baseline::fit(
        &task.model,
        &images.splits.train,
        &images.batches[0],
        images.seed,
        &images.devices[0],
        &mut |look| {
            let train_seconds = begun.elapsed().as_secs_f64();
            let record = EpochRecord {
                epoch: history.len() + 1,
                step: look.passes,
                learning_rate: None,
                train_loss: look.objective,
                skipped_steps: 0,
                training: None,
                validation: None,
                test: Figures::default(),
                train_seconds,
                evaluate_seconds: 0.0,
                samples_per_second: (look.passes - steps) as f64 * count / train_seconds,
            };
            let answer = listener(&record);
            history.push(record);
            steps = look.passes;
            begun = Instant::now();
            answer
        },
    )?;
    // Held-out images take a fit of their own to each code, so they are looked at once.
    if let Some(last) = history.last_mut() {
        let begun = Instant::now();
        last.validation = task.figures(&network, Subset::Validation, Scope::Quick)?;
        let test = task.figures(&network, Subset::Test, Scope::Quick)?;
        last.test = test.unwrap_or_default();
        last.evaluate_seconds = begun.elapsed().as_secs_f64();
    }
    Ok(Fitted {
        network,
        epoch: history.len(),
        history,
    })
}
