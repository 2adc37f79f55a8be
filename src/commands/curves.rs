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
        let curve = |part, is_dashed, values: &Vec<f64>| Curve {
            name: format!("{}, {part}", run.config.name),
            colour: *colour,
            is_dashed,
            values: values.clone(),
        };
        curves.push(curve("test", false, &run.test));
        curves.push(curve("training", true, &run.training));
    }
    let titles: Vec<_> = runs.iter().map(|run| run.config.name.clone()).collect();
    let picture = CurvesPicture {
        title: &titles.join(" and "),
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

impl RunCurves {
    /// Of the last epoch: the training error if it is known, the test error, and the least test error
    /// with its epoch.
    fn finals(&self) -> (Option<f64>, f64, f64, usize) {
        let mut least = 0;
        for (epoch, error) in self.test.iter().enumerate() {
            if *error < self.test[least] {
                least = epoch;
            }
        }
        let last = self.test.len() - 1;
        (
            self.training.last().copied(),
            self.test[last],
            self.test[least],
            least + 1,
        )
    }
}

fn document(metric: &str, runs: &[RunCurves]) -> Value {
    let runs: Vec<_> = runs
        .iter()
        .map(|run| {
            let (training, test, least, epoch) = run.finals();
            json!({
                "name": run.config.name,
                "training": training,
                "test": test,
                "gap": training.map(|training| test - training),
                "least_test": least,
                "least_test_epoch": epoch,
            })
        })
        .collect();
    json!({ "metric": metric, "runs": runs })
}

fn text(metric: &str, runs: &[RunCurves]) -> String {
    let head = [metric, "training", "test", "gap", "least test", "in epoch"];
    let mut rows = vec![head.map(String::from)];
    for run in runs {
        let (training, test, least, epoch) = run.finals();
        let known = |value: Option<f64>| value.map_or("?".into(), figure);
        rows.push([
            run.config.name.clone(),
            known(training),
            figure(test),
            known(training.map(|training| test - training)),
            figure(least),
            epoch.to_string(),
        ]);
    }
    table(&rows)
}
