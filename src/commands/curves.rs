//! `curves`: the errors of several runs in one picture.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{answer, answer_json, check_out, refuse_imported};
use crate::cli;
use crate::error::Error;
use crate::evaluate::Direction;
use crate::report::text::{figure, table};
use crate::report::{self, Curve, CurvesPicture, EVALUATED_TRAINING, SERIES_COLOURS};
use crate::run_directory::RunDirectory;

/// What is known of one run, by epoch.
struct RunCurves {
    name: String,
    path: PathBuf,
    /// A mean over each epoch, while the weights changed; only of the error that was minimised.
    during: Option<Vec<f64>>,
    /// Of the training examples after each epoch, where that was measured.
    after: Option<Vec<f64>>,
    test: Vec<f64>,
}

pub fn run(arguments: &cli::Curves) -> Result<(), Error> {
    check_out(&arguments.out)?;
    let mut metric = arguments.metric.clone();
    let mut runs = Vec::new();
    for path in &arguments.runs {
        runs.push(read(&path.resolve()?, &mut metric)?);
    }
    let metric = metric.unwrap_or_default();
    let labels = labels(&runs);
    let mut curves = Vec::new();
    for ((run, label), colour) in runs.iter().zip(&labels).zip(SERIES_COLOURS.iter().cycle()) {
        let curve = |part: &str, is_dashed, values: &Vec<f64>| Curve {
            name: format!("{label}, {part}"),
            colour: *colour,
            is_dashed,
            values: values.clone(),
        };
        if arguments.test_only {
            curves.push(curve("test", false, &run.test));
            continue;
        }
        let test = match run.finals(&metric).gap {
            Some(gap) if gap < 0.0 => format!("test, {} better than training", figure(-gap)),
            Some(gap) => format!("test, {} worse than training", figure(gap)),
            None => "test".into(),
        };
        curves.push(curve(&test, false, &run.test));
        if let Some(values) = &run.after {
            curves.push(curve("training, after each epoch", true, values));
        } else if let Some(values) = &run.during {
            curves.push(curve("training, during each epoch", true, values));
        }
    }
    let picture = CurvesPicture {
        title: &labels.join(", "),
        metric: &metric,
        curves: &curves,
        floor: None,
    };
    report::curves(&arguments.out, &picture)?;
    match arguments.json {
        true => answer_json(&document(&metric, &runs)),
        false => answer(&format!(
            "{}\n{}\n",
            text(&metric, &runs, &labels),
            arguments.out.display()
        )),
    }
}

/// Reads the curves of a run; `metric` becomes its error metric where none is chosen yet.
fn read(path: &Path, metric: &mut Option<String>) -> Result<RunCurves, Error> {
    let run = RunDirectory::open(path)?;
    let config = run.config(&[])?;
    let metric = metric.get_or_insert_with(|| config.experiment.error_metric().into());
    let history = run.history()?;
    if history.is_empty() {
        refuse_imported(&run)?;
        return Err(Error::NoEpoch(path.to_owned()));
    }
    let curve = |prefix: &str| -> Option<Vec<f64>> {
        let name = format!("{prefix}_{metric}");
        let values = history.iter().map(|epoch| epoch.get(&name)?.as_f64());
        values.collect()
    };
    Ok(RunCurves {
        during: curve("train"),
        after: curve(EVALUATED_TRAINING),
        test: curve("test").ok_or_else(|| Error::NoMetric {
            path: path.to_owned(),
            metric: metric.clone(),
        })?,
        name: config.name,
        path: path.to_owned(),
    })
}

/// What each run is called: by its name, or by its directory where another has the same name.
fn labels(runs: &[RunCurves]) -> Vec<String> {
    let of_that_name = |run: &RunCurves| runs.iter().filter(|other| other.name == run.name).count();
    runs.iter()
        .map(|run| match of_that_name(run) {
            1 => run.name.clone(),
            _ => run.path.display().to_string(),
        })
        .collect()
}

/// What is said of a run's last epoch, and of its best.
struct Finals {
    /// Measured after the epoch.
    training: Option<f64>,
    test: f64,
    /// How much worse the network is on what it has not seen.
    gap: Option<f64>,
    /// The best test figure and the epoch that it was reached in.
    best: Option<(f64, usize)>,
}

impl RunCurves {
    fn finals(&self, metric: &str) -> Finals {
        // So that less is better.
        let sign = Direction::of(metric).map(|direction| match direction {
            Direction::LessIsBetter => 1.0,
            Direction::MoreIsBetter => -1.0,
        });
        let test = self.test[self.test.len() - 1];
        let training = self
            .after
            .as_ref()
            .and_then(|values| values.last().copied());
        let each = self.test.iter().zip(1..);
        let best = sign.and_then(|sign| {
            each.min_by(|(a, _), (b, _)| (sign * *a).total_cmp(&(sign * *b)))
                .map(|(value, epoch)| (*value, epoch))
        });
        Finals {
            training,
            test,
            gap: sign
                .zip(training)
                .map(|(sign, training)| sign * (test - training)),
            best,
        }
    }
}

fn document(metric: &str, runs: &[RunCurves]) -> Value {
    let runs: Vec<_> = runs
        .iter()
        .map(|run| {
            let finals = run.finals(metric);
            json!({
                "name": run.name,
                "path": run.path,
                "training": finals.training,
                "test": finals.test,
                "gap": finals.gap,
                "best_test": finals.best.map(|(value, _)| value),
                "best_test_epoch": finals.best.map(|(_, epoch)| epoch),
            })
        })
        .collect();
    json!({ "metric": metric, "runs": runs })
}

fn text(metric: &str, runs: &[RunCurves], labels: &[String]) -> String {
    let head = [metric, "training", "test", "gap", "best test", "in epoch"];
    let mut rows = vec![head.map(String::from)];
    for (run, label) in runs.iter().zip(labels) {
        let finals = run.finals(metric);
        let known = |value: Option<f64>| value.map_or("?".into(), figure);
        rows.push([
            label.clone(),
            known(finals.training),
            figure(finals.test),
            known(finals.gap),
            known(finals.best.map(|(value, _)| value)),
            finals
                .best
                .map_or("?".into(), |(_, epoch)| epoch.to_string()),
        ]);
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, path: &str, test: &[f64], after: Option<&[f64]>) -> RunCurves {
        RunCurves {
            name: name.into(),
            path: path.into(),
            during: None,
            after: after.map(<[f64]>::to_vec),
            test: test.to_vec(),
        }
    }

    #[test]
    fn the_gap_is_how_much_worse_and_the_best_is_the_best_whichever_way_is_better() {
        let finals =
            run("a", "a", &[0.5, 0.2, 0.4], Some(&[0.4, 0.2, 0.1])).finals("mse_per_pixel");
        assert_eq!(finals.best, Some((0.2, 2)));
        assert!((finals.gap.unwrap() - 0.3).abs() < 1e-12);
        let finals = run("a", "a", &[0.5, 0.9, 0.8], Some(&[0.6, 0.9, 1.0])).finals("accuracy");
        assert_eq!(finals.best, Some((0.9, 2)));
        assert!((finals.gap.unwrap() - 0.2).abs() < 1e-12);
        // A statistic has no better and no worse; what was not measured has no gap.
        let finals = run("a", "a", &[0.5], Some(&[0.4])).finals("code_mean");
        assert_eq!((finals.best, finals.gap), (None, None));
        assert_eq!(run("a", "a", &[0.5], None).finals("ssim").gap, None);
    }

    #[test]
    fn runs_of_one_name_are_told_apart_by_their_directories() {
        let runs = ["x/deep-1", "x/deep-2", "x/wide"].map(|path| {
            let name = if path.contains("deep") {
                "deep"
            } else {
                "wide"
            };
            run(name, path, &[1.0], None)
        });
        assert_eq!(labels(&runs), ["x/deep-1", "x/deep-2", "wide"]);
    }
}
