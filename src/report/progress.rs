//! Progress on the standard error stream: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::text::thousands;
use crate::train::{EpochRecord, Event};

/// A line on standard error. One that nobody reads, or that finds no room, is no reason to stop.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

/// Without a terminal, a long epoch still says that it lives, this often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// A run of more epochs than this does not tell of each.
const EPOCHS_TOLD: usize = 50;
/// It tells of one this often.
const BETWEEN_EPOCHS_TOLD: Duration = Duration::from_secs(1);

/// Shows how training goes.
pub struct Progress {
    /// What training reports.
    error_metric: &'static str,
    epochs: usize,
    /// Examples in an epoch.
    examples: usize,
    display: Display,
    epoch: usize,
    steps: usize,
    /// Examples of the epoch seen so far.
    seen: usize,
    /// Of them those that were seen before an interruption.
    seen_before: usize,
    /// Examples of all epochs that were.
    all_seen_before: Option<usize>,
    loss: Option<f64>,
    began: Instant,
    epoch_began: Instant,
    /// When something was last written.
    last_line: Instant,
}

enum Display {
    Bar(ProgressBar),
    Lines,
    Quiet,
}

impl Progress {
    /// Progress over `epochs` epochs of `examples` examples; shows nothing when `quiet`.
    pub fn new(error_metric: &'static str, epochs: usize, examples: usize, quiet: bool) -> Self {
        let display = if quiet {
            Display::Quiet
        } else if std::io::stderr().is_terminal() {
            let template = "epoch {prefix}  {bar:28.cyan/dim} {percent:>3} %  {msg}";
            let style = ProgressStyle::with_template(template);
            let bar = ProgressBar::new((epochs * examples) as u64);
            Display::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        } else {
            Display::Lines
        };
        let now = Instant::now();
        Self {
            error_metric,
            epochs,
            examples,
            display,
            epoch: 0,
            steps: 0,
            seen: 0,
            seen_before: 0,
            all_seen_before: None,
            loss: None,
            began: now,
            epoch_began: now,
            last_line: now,
        }
    }

    /// Takes note of a moment of training.
    pub fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::EpochBegins {
                epoch,
                steps,
                examples_done,
                ..
            } => self.begin(*epoch, *steps, *examples_done),
            Event::Step {
                step,
                examples,
                mean_loss,
            } => {
                self.seen += examples;
                self.loss = mean_loss.or(self.loss);
                self.step(*step);
            }
            Event::EpochEnds(record) => self.end(record),
        }
    }

    fn begin(&mut self, epoch: usize, steps: usize, examples_done: usize) {
        self.epoch = epoch;
        self.steps = steps;
        self.seen = examples_done;
        self.seen_before = examples_done;
        let all = self.seen_in_all();
        self.all_seen_before.get_or_insert(all);
        self.loss = None;
        self.epoch_began = Instant::now();
        if let Display::Bar(bar) = &self.display {
            bar.set_prefix(format!("{epoch}/{}", self.epochs));
        }
    }

    fn step(&mut self, step: usize) {
        match &self.display {
            Display::Quiet => {}
            Display::Bar(bar) => {
                bar.set_position(self.seen_in_all() as u64);
                if self.loss.is_some() {
                    bar.set_message(self.state());
                }
            }
            Display::Lines => {
                if self.last_line.elapsed() >= SIGN_OF_LIFE {
                    let (epoch, epochs, steps) = (self.epoch, self.epochs, self.steps);
                    say!(
                        "epoch {epoch}/{epochs}  step {step}/{steps}  {}",
                        self.state()
                    );
                    self.last_line = Instant::now();
                }
            }
        }
    }

    fn seen_in_all(&self) -> usize {
        (self.epoch - 1) * self.examples + self.seen
    }

    /// Loss, speed and the time that the rest of the run will take if it goes on as so far.
    fn state(&self) -> String {
        let now = self.seen - self.seen_before;
        let speed = now as f64 / self.epoch_began.elapsed().as_secs_f64().max(1e-9);
        let seen = self.seen_in_all();
        let now = seen - self.all_seen_before.unwrap_or(0);
        let left = (self.epochs * self.examples - seen) as f64 / now.max(1) as f64;
        let left = left * self.began.elapsed().as_secs_f64();
        let loss = self.loss.map_or(String::new(), |loss| {
            format!("{} {loss:.4}  ", self.error_metric)
        });
        format!(
            "{loss}{} examples/s  {} left",
            thousands(speed.round() as u64),
            HumanDuration(Duration::from_secs(left as u64))
        )
    }

    fn end(&mut self, record: &EpochRecord) {
        let is_last = record.epoch == self.epochs;
        let now_and_then = self.last_line.elapsed() >= BETWEEN_EPOCHS_TOLD;
        let is_usual = record.skipped_steps == 0 && !is_last;
        if self.epochs > EPOCHS_TOLD && is_usual && !now_and_then {
            return;
        }
        self.last_line = Instant::now();
        let error =
            |figures: &crate::evaluate::Figures| figures.get(self.error_metric).unwrap_or(f64::NAN);
        let line = format!(
            "epoch {}/{}  {}: train {:.4}{}  test {:.4}  in {:.1} s, {} examples/s{}",
            record.epoch,
            self.epochs,
            self.error_metric,
            record.train_loss,
            record
                .validation
                .as_ref()
                .map(|figures| format!("  validation {:.4}", error(figures)))
                .unwrap_or_default(),
            error(&record.test),
            record.train_seconds,
            thousands(record.samples_per_second.round() as u64),
            match record.skipped_steps {
                0 => String::new(),
                steps => format!(", {steps} steps left out that were not finite"),
            },
        );
        match &self.display {
            Display::Quiet => {}
            Display::Bar(bar) => bar.suspend(|| say!("{line}")),
            Display::Lines => say!("{line}"),
        }
    }
}

/// However training ends, the bar does not stay.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}
