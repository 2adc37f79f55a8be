//! What `train --tensorboard` tells TensorBoard, and when.

use std::path::PathBuf;

use burn::module::Module;

use super::pictures::Pictures;
use crate::config::Config;
use crate::error::Error;
use crate::report::TensorBoard;
use crate::run_directory::RunDirectory;
use crate::train::Event;

/// Pictures of a course of training: TensorBoard shows ten, and a picture takes some milliseconds.
const MOST_PICTURES: usize = 50;

/// The event file of a run that is being trained.
pub struct Board {
    events: TensorBoard,
    title: String,
    /// Epochs from one picture to the next.
    between_pictures: usize,
    /// After it there are pictures of the finished run.
    last_epoch: usize,
    /// Steps before the epoch that is going on.
    steps_before: usize,
}

impl Board {
    /// A board for a run that goes on after `step` steps.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn new(
        run: &RunDirectory,
        config: &Config,
        error_metric: &'static str,
        step: usize,
    ) -> Result<Self, Error> {
        let epochs = config.train.as_ref().map_or(1, |train| train.epochs);
        Ok(Self {
            events: TensorBoard::create(&run.new_event_file()?, error_metric, step)?,
            title: config.title(),
            between_pictures: epochs.div_ceil(MOST_PICTURES).max(1),
            last_epoch: epochs,
            steps_before: step,
        })
    }

    /// Takes note of a moment of training; says whether a picture is due.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn on(&mut self, event: &Event<'_>) -> Result<bool, Error> {
        match event {
            Event::EpochBegins { epoch, steps, .. } => self.steps_before = (epoch - 1) * steps,
            Event::Step {
                step,
                mean_loss: Some(loss),
                ..
            } => self.events.loss(self.steps_before + step, *loss)?,
            Event::Step { .. } => {}
            Event::EpochEnds(epoch) => {
                self.events.epoch(epoch)?;
                let is_last = epoch.epoch == self.last_epoch;
                return Ok(!is_last && epoch.epoch.is_multiple_of(self.between_pictures));
            }
        }
        Ok(false)
    }

    /// Draws what the network makes of the test examples now.
    ///
    /// # Errors
    /// The device fails, or a file cannot be written.
    pub fn draw<M: Module>(
        &mut self,
        network: &M,
        task: &impl Pictures<M>,
        run: &RunDirectory,
        step: usize,
    ) -> Result<(), Error> {
        let pictures = task.glance(network, run, &self.title)?;
        self.keep(&pictures, step)
    }

    /// Adds pictures that were drawn.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&mut self, pictures: &[PathBuf], step: usize) -> Result<(), Error> {
        Ok(self.events.pictures(step, pictures)?)
    }
}
