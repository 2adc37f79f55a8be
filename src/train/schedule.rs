//! The learning rate over time.

use serde::Serialize;

/// How the learning rate changes; a factor on that of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// Stays.
    Constant,
    /// Is multiplied by `factor` after every so many epochs.
    Step { every_epochs: usize, factor: f64 },
    /// Falls along half a cosine from 1 to `last` at the end of the run.
    ///
    /// # Source
    /// Loshchilov and Hutter 2017, *SGDR: Stochastic Gradient Descent with Warm Restarts*,
    /// equation 5, without restarts.
    Cosine { last: f64 },
}

/// A schedule with a warm-up in front.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningRate {
    /// The optimizer's.
    pub base: f64,
    pub schedule: Schedule,
    /// Steps over which the rate rises linearly to what the schedule says; the first is not zero.
    pub warmup_steps: usize,
    pub steps_per_epoch: usize,
    pub epochs: usize,
}

impl LearningRate {
    /// The rate of a step, counted from 0 over the whole run.
    pub fn at(&self, step: usize) -> f64 {
        let factor = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Step {
                every_epochs,
                factor,
            } => factor.powi((step / self.steps_per_epoch / every_epochs) as i32),
            Schedule::Cosine { last } => {
                let total = (self.steps_per_epoch * self.epochs) as f64;
                let progress = (step as f64 / total).min(1.0);
                let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
                last + (1.0 - last) * cosine
            }
        };
        let warmup = match self.warmup_steps {
            0 => 1.0,
            steps => ((step + 1) as f64 / steps as f64).min(1.0),
        };
        self.base * factor * warmup
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, warmup_steps: usize) -> Vec<f64> {
        let rate = LearningRate {
            base: 2.0,
            schedule,
            warmup_steps,
            steps_per_epoch: 2,
            epochs: 4,
        };
        (0..8).map(|step| rate.at(step)).collect()
    }

    #[test]
    fn schedules_follow_their_formulas() {
        assert_eq!(rates(Schedule::Constant, 0), [2.0; 8]);
        assert_eq!(
            rates(Schedule::Constant, 4),
            [0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0]
        );
        let step = Schedule::Step {
            every_epochs: 2,
            factor: 0.5,
        };
        assert_eq!(rates(step, 0), [2.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]);
        let cosine = rates(Schedule::Cosine { last: 0.1 }, 0);
        assert_eq!(cosine[0], 2.0);
        assert!(
            (cosine[4] - 1.1).abs() < 1e-12,
            "half-way between 2 and 0.2"
        );
        assert!(cosine.windows(2).all(|pair| pair[1] < pair[0]) && cosine[7] > 0.2);
    }
}
