//! `curves`: the errors of several runs in one picture.

use serde_json::{Value, json};

use super::answer;
use crate::cli;
use crate::config::Config;
use crate::error::Error;
use crate::report::text::{figure, table};
use crate::report::{self, Curve, CurvesPicture, EVALUATED_TRAINING, SERIES_COLOURS};
use crate::run_directory::RunDirectory;

/// What is drawn of one run.
struct RunCurves {
    config: Config,
    /// After each epoch where it was measured, else during it.
    training: Vec<f64>,
    test: Vec<f64>,
}

pub fn run(arguments: &cli::Curves) -> Result<(), Error> {
    let mut metric = arguments.metric.clone();
    let mut runs = Vec::new();
    for path in &arguments.runs {
        let run = RunDirectory::open(path)?;
        let config = run.config(&[])?;
        let metric = metric.get_or_insert_with(|| config.experiment.error_metric().into());
        let history = run.history()?;
        let curve = |prefix: &str| -> Vec<f64> {
            let name = format!("{prefix}_{metric}");
            let values = history.iter().map(|epoch| epoch.get(&name)?.as_f64());
            values.collect::<Option<_>>().unwrap_or_default()
        };
        let after = curve(EVALUATED_TRAINING);
        let (during, test) = (curve("train"), curve("test"));
        if test.is_empty() {
            return Err(Error::NoMetric {
                path: path.clone(),
                metric: metric.clone(),
            });
        }
        runs.push(RunCurves {
            training: if after.is_empty() { during } else { after },
            test,
            config,
        });
    }
    let metric = metric.unwrap_or_default();
    let mut curves = Vec::new();
    for (run, colour) in runs.iter().zip(SERIES_COLOURS.iter().cycle()) {
        let curve = |part: &str, is_dashed, values: &Vec<f64>| Curve {
            name: format!("{}, {part}", run.config.name),
            colour: *colour,
            is_dashed,
            values: values.clone(),
        };
        let finals = run.finals();
        let test = match finals.gap() {
            Some(gap) => format!("test, {} above training", figure(gap)),
            None => "test".into(),
        };
        if arguments.test_only {
            curves.push(curve("test", false, &run.test));
        } else {
            curves.push(curve(&test, false, &run.test));
            curves.push(curve("training", true, &run.training));
        }
    }
    let titles: Vec<_> = runs.iter().map(|run| run.config.name.clone()).collect();
    let picture = CurvesPicture {
        title: &titles.join(", "),
        metric: &metric,
        curves: &curves,
        floor: None,
    };
    report::curves(&arguments.out, &picture)?;
    match arguments.json {
        true => answer(&format!("{:#}\n", document(&metric, &runs))),
        false => answer(&format!(
            "{}\n{}\n",
            text(&metric, &runs),
            arguments.out.display()
        )),
    }
}

/// What is said of a run's last epoch.
struct Finals {
    training: Option<f64>,
    test: f64,
    /// The least test error, and the epoch that it was reached in.
    least_test: f64,
    least_test_epoch: usize,
}

impl Finals {
    /// How much worse the network is on what it has not seen.
    fn gap(&self) -> Option<f64> {
        Some(self.test - self.training?)
    }
}

impl RunCurves {
    fn finals(&self) -> Finals {
        let mut least = 0;
        for (epoch, error) in self.test.iter().enumerate() {
            if *error < self.test[least] {
                least = epoch;
            }
        }
        Finals {
            training: self.training.last().copied(),
            test: self.test[self.test.len() - 1],
            least_test: self.test[least],
            least_test_epoch: least + 1,
        }
    }
}

fn document(metric: &str, runs: &[RunCurves]) -> Value {
    let runs: Vec<_> = runs
        .iter()
        .map(|run| {
            let finals = run.finals();
            json!({
                "name": run.config.name,
                "training": finals.training,
                "test": finals.test,
                "gap": finals.gap(),
                "least_test": finals.least_test,
                "least_test_epoch": finals.least_test_epoch,
            })
        })
        .collect();
    json!({ "metric": metric, "runs": runs })
}

fn text(metric: &str, runs: &[RunCurves]) -> String {
    let head = [metric, "training", "test", "gap", "least test", "in epoch"];
    let mut rows = vec![head.map(String::from)];
    for run in runs {
        let finals = run.finals();
        let known = |value: Option<f64>| value.map_or("?".into(), figure);
        rows.push([
            run.config.name.clone(),
            known(finals.training),
            figure(finals.test),
            known(finals.gap()),
            figure(finals.least_test),
            finals.least_test_epoch.to_string(),
        ]);
    }
    table(&rows)
}
