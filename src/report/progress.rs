//! Progress on the standard error stream: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::text::thousands;
use crate::objective::Reconstruction;
use crate::train::{EpochRecord, Event};

/// A line on standard error. One that nobody reads, or that finds no room, is no reason to stop.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

/// Without a terminal, a long epoch still says that it lives, this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Shows how training goes.
pub struct Progress {
    /// What is minimised.
    reconstruction: Reconstruction,
    epochs: usize,
    /// Images in an epoch.
    images: usize,
    display: Display,
    epoch: usize,
    steps: usize,
    seen: usize,
    loss: Option<f64>,
    epoch_began: Instant,
}

enum Display {
    Bar(ProgressBar),
    Lines { last: Instant },
    Quiet,
}

impl Progress {
    /// Progress over `epochs` epochs of `images` images; shows nothing when `quiet`.
    pub fn new(reconstruction: Reconstruction, epochs: usize, images: usize, quiet: bool) -> Self {
        let now = Instant::now();
        let display = if quiet {
            Display::Quiet
        } else if std::io::stderr().is_terminal() {
            Display::Bar(ProgressBar::no_length())
        } else {
            Display::Lines { last: now }
        };
        Self {
            reconstruction,
            epochs,
            images,
            display,
            epoch: 0,
            steps: 0,
            seen: 0,
            loss: None,
            epoch_began: now,
        }
    }

    /// Takes note of a moment of training.
    pub fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::EpochBegins { epoch, steps } => self.begin(*epoch, *steps),
            Event::Step {
                step,
                images,
                mean_loss,
            } => {
                self.seen += images;
                self.loss = mean_loss.or(self.loss);
                self.step(*step);
            }
            Event::EpochEnds(record) => self.end(record),
        }
    }

    fn begin(&mut self, epoch: usize, steps: usize) {
        self.epoch = epoch;
        self.steps = steps;
        self.seen = 0;
        self.loss = None;
        self.epoch_began = Instant::now();
        if let Display::Bar(bar) = &mut self.display {
            let style = ProgressStyle::with_template(
                "epoch {prefix}  {bar:28.cyan/dim} {pos}/{len} steps  {msg}",
            );
            *bar = ProgressBar::new(steps as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_prefix(format!("{epoch}/{}", self.epochs));
        }
    }

    fn step(&mut self, step: usize) {
        let now = Instant::now();
        match &self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                bar.set_position(step as u64);
                if self.loss.is_some() {
                    bar.set_message(self.state());
                }
            }
            Display::Lines { last } => {
                if now.duration_since(*last) >= SIGN_OF_LIFE {
                    say!(
                        "epoch {}/{}  step {step}/{}  {}",
                        self.epoch,
                        self.epochs,
                        self.steps,
                        self.state()
                    );
                    self.display = Display::Lines { last: now };
                }
            }
        }
    }

    /// Loss, speed and the time that the rest of the run will take at that speed.
    fn state(&self) -> String {
        let seconds = self.epoch_began.elapsed().as_secs_f64();
        let speed = self.seen as f64 / seconds.max(1e-9);
        let left = (self.epochs - self.epoch) * self.images + (self.images - self.seen);
        let left = Duration::from_secs_f64(left as f64 / speed.max(1e-9));
        let loss = self.loss.map_or(String::new(), |loss| {
            format!("{} {loss:.4}  ", self.reconstruction.metric())
        });
        format!(
            "{loss}{} images/s  {} left",
            thousands(speed.round() as u64),
            HumanDuration(Duration::from_secs(left.as_secs()))
        )
    }

    fn end(&mut self, record: &EpochRecord) {
        let line = format!(
            "epoch {}/{}  {}: train {:.4}{}  test {:.4}  in {:.1} s, {} images/s",
            record.epoch,
            self.epochs,
            self.reconstruction.metric(),
            record.train_loss,
            record
                .validation
                .as_ref()
                .map(|figures| format!("  validation {:.4}", figures.error(self.reconstruction)))
                .unwrap_or_default(),
            record.test.error(self.reconstruction),
            record.train_seconds,
            thousands(record.samples_per_second.round() as u64),
        );
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                bar.finish_and_clear();
                say!("{line}");
            }
            Display::Lines { last } => {
                say!("{line}");
                *last = Instant::now();
            }
        }
    }
}
