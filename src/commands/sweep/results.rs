//! What the runs of a sweep came to, and the value that they suggest.

use toml::Value;

use crate::cli;
use crate::commands::runs::Outcome;
use crate::commands::warn;
use crate::config::{Method, Point, Study};
use crate::evaluate::{Direction, Figures, Spread, spreads};
use crate::report::EVALUATED_TRAINING;

/// What is shown where every run has it, since a squared error means the same to all methods.
const USUAL_METRIC: &str = "mse_per_pixel";

/// What the runs of a study came to.
pub struct Results<'a> {
    pub study: &'a Study,
    /// What is shown, without its split.
    pub metric: String,
    pub tolerance: f64,
    pub methods: Vec<MethodResults<'a>>,
}

pub struct MethodResults<'a> {
    pub method: &'a Method,
    pub points: Vec<PointResults<'a>>,
    /// The name of the figure by which a value is suggested.
    pub chosen_by: Option<String>,
    /// If there is a value to suggest.
    pub suggested: Option<Suggestion>,
}

pub struct PointResults<'a> {
    pub point: &'a Point,
    /// Over the seeds whose runs did not fail.
    pub figures: Vec<Spread>,
    /// Names and messages of those that did.
    pub failures: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The place of its value among the points.
    pub point: usize,
    /// Whether the error is still falling at the greatest value, so that what lies beyond may be better.
    pub is_last: bool,
}

impl PointResults<'_> {
    pub fn get(&self, name: &str) -> Option<&Spread> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

impl<'a> Results<'a> {
    /// Reads the outcomes of all runs of a study, in their order.
    pub fn of(study: &'a Study, outcomes: Vec<Outcome>, arguments: &cli::Sweep) -> Self {
        let mut outcomes = outcomes.into_iter();
        let mut methods = Vec::new();
        for method in &study.methods {
            let mut points = Vec::new();
            for point in &method.points {
                let each = outcomes.by_ref().take(point.configs.len());
                points.push(point_results(point, each));
            }
            methods.push(MethodResults {
                method,
                points,
                chosen_by: None,
                suggested: None,
            });
        }
        let has = |metric: &str| {
            let name = format!("test_{metric}");
            let points = methods.iter().flat_map(|method| &method.points);
            let mut known = points.filter(|point| !point.figures.is_empty());
            known.all(|point| point.get(&name).is_some())
        };
        let metric = match &arguments.metric {
            Some(metric) if has(metric) => metric.clone(),
            asked => {
                // The runs are made; a name that is wrong shall not keep what they came to.
                if let Some(asked) = asked {
                    warn(&format!(
                        "not every run has `test_{asked}`; their summary.json lists what they have behind `test_`"
                    ));
                }
                let first = study.configs().next();
                let minimised = first.map_or(USUAL_METRIC, |first| first.experiment.error_metric());
                let usual = if has(USUAL_METRIC) {
                    USUAL_METRIC
                } else {
                    minimised
                };
                usual.to_owned()
            }
        };
        for method in &mut methods {
            method.choose(&metric, arguments.tolerance);
        }
        Self {
            study,
            metric,
            tolerance: arguments.tolerance,
            methods,
        }
    }
}

impl MethodResults<'_> {
    /// Suggests a value of the one key of a grid of numbers, from the points that did not fail: by the figure that is
    /// shown, or by what the method minimises where that was not measured at all of them; never by test images.
    fn choose(&mut self, metric: &str, tolerance: f64) {
        let known: Vec<(usize, f64, &PointResults<'_>)> = self
            .points
            .iter()
            .enumerate()
            .filter(|(_, point)| !point.figures.is_empty())
            .filter_map(|(index, point)| Some((index, number(point.point)?, point)))
            .collect();
        let Some((_, _, first)) = known.first() else {
            return;
        };
        let minimised = first.point.configs.first();
        let minimised = minimised.map(|config| config.experiment.error_metric());
        let splits = ["validation", EVALUATED_TRAINING, "train"];
        let names = splits.into_iter().flat_map(|split| {
            let metrics = [Some(metric), minimised].into_iter().flatten();
            metrics.map(move |metric| format!("{split}_{metric}"))
        });
        let is_error = |name: &String| Direction::of(name) == Some(Direction::LessIsBetter);
        let is_known = |name: &String| known.iter().all(|(_, _, point)| point.get(name).is_some());
        let mut names = names.filter(|name| is_error(name) && is_known(name));
        let Some(name) = names.next() else {
            return;
        };
        let errors: Vec<(f64, f64)> = known
            .iter()
            .filter_map(|(_, value, point)| Some((*value, point.get(&name)?.mean)))
            .collect();
        self.suggested = suggestion(&errors, tolerance).map(|found| Suggestion {
            point: known[found.point].0,
            ..found
        });
        self.chosen_by = Some(name);
    }
}

fn point_results(point: &Point, outcomes: impl Iterator<Item = Outcome>) -> PointResults<'_> {
    let mut figures = Vec::new();
    let mut failures = Vec::new();
    for (config, outcome) in point.configs.iter().zip(outcomes) {
        match outcome {
            Err(message) => failures.push((config.name.clone(), message)),
            Ok(summary) => {
                let metrics = summary["metrics"].as_object().into_iter().flatten();
                let numbers = metrics.filter_map(|(name, value)| Some((name, value.as_f64()?)));
                figures.push(numbers.collect::<Figures>());
            }
        }
    }
    PointResults {
        point,
        figures: spreads(&figures),
        failures,
    }
}

/// The value of the one key of a grid, if it is a number.
pub fn number(point: &Point) -> Option<f64> {
    match &point.values[..] {
        [Value::Integer(integer)] => Some(*integer as f64),
        [Value::Float(float)] => Some(*float),
        _ => None,
    }
}

/// The least value whose error is within the tolerance of the least error; of values with their errors.
fn suggestion(errors: &[(f64, f64)], tolerance: f64) -> Option<Suggestion> {
    let least = errors
        .iter()
        .map(|(_, error)| *error)
        .fold(f64::INFINITY, f64::min);
    let greatest = errors
        .iter()
        .map(|(value, _)| *value)
        .fold(f64::NEG_INFINITY, f64::max);
    let good = errors
        .iter()
        .enumerate()
        .filter(|(_, (_, error))| *error <= least + tolerance * least.abs());
    let (point, (value, _)) = good.min_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b))?;
    (errors.len() > 1).then_some(Suggestion {
        point,
        is_last: *value == greatest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_size_whose_error_is_near_the_least_is_suggested() {
        let errors = [(2.0, 0.05), (8.0, 0.0109), (32.0, 0.01), (16.0, 0.0105)];
        let found = |tolerance| suggestion(&errors, tolerance).unwrap();
        assert_eq!((found(0.1).point, found(0.1).is_last), (1, false));
        assert_eq!((found(0.06).point, found(0.06).is_last), (3, false));
        assert_eq!((found(0.0).point, found(0.0).is_last), (2, true));
        assert_eq!(suggestion(&errors[..1], 0.1), None);
        // Log-likelihoods of densities are below zero.
        let found = suggestion(&[(1.0, -95.0), (2.0, -100.0)], 0.1).unwrap();
        assert_eq!(found.point, 0);
    }
}
