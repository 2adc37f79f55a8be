//! `sweep`: an experiment for every combination of some settings.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::compare::{Spread, spreads};
use super::runs::{Outcome, Runner};
use super::{answer, answer_json};
use crate::cli;
use crate::config::{Config, Method, Point, Study};
use crate::error::Error;
use crate::evaluate::{Direction, Figures};
use crate::files;
use crate::report::text::{figure, table};
use crate::report::{self, EVALUATED_TRAINING, Tradeoff, TradeoffPicture};
use crate::signals::Interruption;
use crate::workers;

/// What is shown where every run has it, since a squared error means the same to all methods.
const USUAL_METRIC: &str = "mse_per_pixel";

pub fn run(arguments: &cli::Sweep, quiet: bool) -> Result<(), Error> {
    if !(arguments.tolerance >= 0.0 && arguments.tolerance.is_finite()) {
        return Err(Error::Tolerance(arguments.tolerance));
    }
    let mut overrides = arguments.overrides.clone();
    let backend = arguments
        .backend
        .map(|backend| format!("backend={}", backend.name()));
    overrides.extend(backend);
    let study = Study::load(arguments.config.as_deref(), &overrides)?;
    let directory = match &arguments.out {
        Some(out) => out.clone(),
        None => Path::new("artifacts").join(&study.name),
    };
    std::fs::create_dir_all(&directory).map_err(files::at(&directory))?;
    let configs: Vec<&Config> = study.configs().collect();
    let (jobs, threads) = shares(&configs, arguments.jobs.map(usize::from));
    let runner = Runner {
        directory: directory.clone(),
        jobs,
        threads,
        force: arguments.force,
        quiet,
    };
    let outcomes = runner.run(&configs, &Interruption::watch()?)?;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let results = Results::of(&study, outcomes, arguments)?;
    let document = results.document();
    let json = directory.join("sweep.json");
    files::write(&json, format!("{document:#}\n").as_bytes())?;
    let mut left = vec![json];
    left.extend(results.draw(&directory)?);
    match arguments.json {
        true => answer_json(&document)?,
        false => answer(&results.text(&left))?,
    }
    match failed {
        0 => Ok(()),
        failed => Err(Error::RunsFailed {
            failed,
            all: configs.len(),
        }),
    }
}

/// Runs at a time and threads of each: a small network gains less from a second thread than from a second network
/// beside it, and an accelerator does one thing at a time.
fn shares(configs: &[&Config], jobs: Option<usize>) -> (usize, usize) {
    let threads = workers::threads();
    let accelerated = configs.iter().any(|config| config.backend.is_accelerator());
    let usual = if accelerated { 1 } else { threads };
    let jobs = jobs.unwrap_or(usual).clamp(1, configs.len().max(1));
    (jobs, (threads / jobs).max(1))
}

/// What the runs of a study came to.
struct Results<'a> {
    study: &'a Study,
    /// What is shown, without its split.
    metric: String,
    tolerance: f64,
    methods: Vec<MethodResults<'a>>,
}

struct MethodResults<'a> {
    method: &'a Method,
    points: Vec<PointResults<'a>>,
    /// The place among the points of the value that is suggested, if there is one to suggest.
    suggested: Option<Suggestion>,
}

struct PointResults<'a> {
    point: &'a Point,
    /// Over the seeds whose runs did not fail.
    figures: Vec<Spread>,
    /// Names and messages of those that did.
    failures: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Suggestion {
    point: usize,
    /// Whether the error is still falling at the greatest value, so that what lies beyond may be better.
    is_last: bool,
}

impl PointResults<'_> {
    fn get(&self, name: &str) -> Option<&Spread> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

impl<'a> Results<'a> {
    fn of(study: &'a Study, outcomes: Vec<Outcome>, arguments: &cli::Sweep) -> Result<Self, Error> {
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
            Some(metric) => return Err(Error::NoFigure(metric.clone())),
            None if has(USUAL_METRIC) => USUAL_METRIC.to_owned(),
            None => {
                let first = study.configs().next();
                first
                    .map_or(USUAL_METRIC, |config| config.experiment.error_metric())
                    .to_owned()
            }
        };
        let tolerance = arguments.tolerance;
        for method in &mut methods {
            let errors: Option<Vec<(f64, f64)>> = method
                .points
                .iter()
                .map(|point| Some((number(point.point)?, chosen_by(point, &metric)?.mean)))
                .collect();
            if let Some(errors) = errors.filter(|_| study.keys.len() == 1) {
                method.suggested = suggestion(&errors, tolerance);
            }
        }
        Ok(Self {
            study,
            metric,
            tolerance,
            methods,
        })
    }

    fn document(&self) -> Value {
        let methods: Vec<Value> = self
            .methods
            .iter()
            .map(|method| {
                let points: Vec<Value> = method.points.iter().map(|p| self.point(p)).collect();
                let suggested = method.suggested.map(|suggested| {
                    let results = &method.points[suggested.point];
                    json!({
                        "value": results.point.values[0],
                        "is_greatest_tried": suggested.is_last,
                        "chosen_by": chosen_by(results, &self.metric).map(|chosen| &chosen.name),
                    })
                });
                json!({ "method": method.method.name, "points": points, "suggested": suggested })
            })
            .collect();
        json!({
            "name": self.study.name,
            "metric": self.metric,
            "keys": self.study.keys,
            "methods": methods,
            "rule": self.rule(),
        })
    }

    fn point(&self, results: &PointResults<'_>) -> Value {
        let keys = self.study.keys.iter();
        let values: Map<String, Value> = keys
            .zip(&results.point.values)
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let mut means = Map::new();
        let mut deviations = Map::new();
        for figure in &results.figures {
            means.insert(figure.name.clone(), json!(figure.mean));
            if let Some(deviation) = figure.standard_deviation {
                deviations.insert(figure.name.clone(), json!(deviation));
            }
        }
        let configs = results.point.configs.iter();
        let runs: Vec<&str> = configs.map(|config| config.name.as_str()).collect();
        let failures: Vec<Value> = results
            .failures
            .iter()
            .map(|(run, message)| json!({ "run": run, "message": message }))
            .collect();
        json!({
            "values": values,
            "runs": runs,
            "metrics": means,
            "standard_deviations": deviations,
            "failures": failures,
        })
    }

    /// Draws the error of each method against the numbers of a grid of one key.
    fn draw(&self, directory: &Path) -> Result<Option<PathBuf>, Error> {
        let name = format!("test_{}", self.metric);
        let mut curves = Vec::new();
        for method in &self.methods {
            let points: Vec<(f64, f64)> = method
                .points
                .iter()
                .filter_map(|point| Some((number(point.point)?, point.get(&name)?.mean)))
                .collect();
            let suggested = method
                .suggested
                .and_then(|suggested| number(method.points[suggested.point].point));
            curves.push(Tradeoff {
                name: method.method.name.clone(),
                points,
                suggested,
            });
        }
        let most = curves.iter().map(|curve| curve.points.len()).max();
        let [key] = &self.study.keys[..] else {
            return Ok(None);
        };
        if most.unwrap_or(0) < 2 {
            return Ok(None);
        }
        let path = directory.join("sweep.png");
        let picture = TradeoffPicture {
            title: &format!("{}: test error against {key}", self.study.name),
            key,
            metric: &self.metric,
            curves: &curves,
        };
        report::tradeoff(&path, &picture)?;
        Ok(Some(path))
    }

    fn text(&self, left: &[PathBuf]) -> String {
        let mut head = vec!["method".to_owned()];
        head.extend(self.study.keys.iter().cloned());
        let remaining = [
            &format!("test_{}", self.metric),
            "fitted in s",
            "chosen by",
            "",
        ];
        head.extend(remaining.map(str::to_owned));
        let mut rows = vec![head];
        for method in &self.methods {
            for (index, results) in method.points.iter().enumerate() {
                let show = |spread: Option<&Spread>| match spread {
                    None => String::new(),
                    Some(spread) => match spread.standard_deviation {
                        None => figure(spread.mean),
                        Some(deviation) => format!("{} ± {deviation:.1e}", figure(spread.mean)),
                    },
                };
                let mut row = vec![method.method.name.clone()];
                row.extend(results.point.values.iter().cloned());
                row.push(show(results.get(&format!("test_{}", self.metric))));
                let seconds = results.get("train_seconds");
                row.push(seconds.map_or(String::new(), |s| format!("{:.1}", s.mean)));
                let chosen = chosen_by(results, &self.metric);
                let chosen = chosen.filter(|_| method.suggested.is_some());
                row.push(chosen.map_or(String::new(), |chosen| {
                    format!("{} {}", chosen.name, show(Some(chosen)))
                }));
                let remark = match (&results.failures[..], method.suggested) {
                    ([(_, message), ..], _) => format!("failed: {}", first_line(message)),
                    ([], Some(suggested)) if suggested.point == index => "suggested".to_owned(),
                    _ => String::new(),
                };
                row.push(remark);
                rows.push(row);
            }
        }
        let mut text = table(&rows);
        if let Some(rule) = self.rule() {
            text += &format!("\n{rule}\n");
            for method in &self.methods {
                if let Some(suggested) = method.suggested.filter(|suggested| suggested.is_last) {
                    let value = &method.points[suggested.point].point.values[0];
                    text += &format!(
                        "For {} that is {value}, the greatest that was tried; a greater one may be better still.\n",
                        method.method.name
                    );
                }
            }
        }
        text += "\nlook at\n";
        for path in left {
            text += &format!("  {}\n", path.display());
        }
        text
    }

    /// How a value is suggested, if any is.
    fn rule(&self) -> Option<String> {
        self.methods.iter().find_map(|method| method.suggested)?;
        Some(format!(
            "Suggested is the least value of {} whose error, as the column `chosen by` has it, is at most {} % above the \
             least of its method; test images choose nothing.",
            self.study.keys.first()?,
            figure_of_percent(100.0 * self.tolerance)
        ))
    }
}

fn figure_of_percent(percent: f64) -> String {
    format!("{}", (percent * 1e6).round() / 1e6)
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
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
fn number(point: &Point) -> Option<f64> {
    match &point.values[..] {
        [value] => value.parse().ok(),
        _ => None,
    }
}

/// The figure by which a value may be chosen: that which is shown, or what the method minimises where that was not
/// measured; never of test images.
fn chosen_by<'a>(results: &'a PointResults<'_>, metric: &str) -> Option<&'a Spread> {
    let config = results.point.configs.first()?;
    let metrics = [metric, config.experiment.error_metric()];
    let splits = ["validation", EVALUATED_TRAINING, "train"];
    let names = splits.iter().flat_map(|split| {
        metrics
            .iter()
            .map(move |metric| format!("{split}_{metric}"))
    });
    names
        .into_iter()
        .find_map(|name| results.get(&name))
        .filter(|spread| Direction::of(&spread.name) == Some(Direction::LessIsBetter))
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
