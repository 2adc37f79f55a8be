//! `verify`: a run again, from its receipt.

use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::evaluate::final_figures;
use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, fit_settings, refuse_imported, say, set_threads, training};
use crate::baselines::Baseline;
use crate::cli;
use crate::config::Config;
use crate::data::Checksum;
use crate::device::{self, Backend};
use crate::environment::Environment;
use crate::error::Error;
use crate::model::weights::{self, Network};
use crate::report::text::figure;
use crate::report::{self, Progress, Receipt, TIMES};
use crate::run_directory::{RunDirectory, RunError};
use crate::task::{BaselineTask, Measured, Subset, Task};
use crate::train::{Fitted, fit, fit_baseline};

/// How far the error on the test examples may be from the run's where roundings differ. Between backends it is
/// below 2 % for every experiment under `configs/`, and the seeds of an experiment lie about as far apart.
const RELATIVE_TOLERANCE: f64 = 0.05;

/// How a repetition compares.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Identical,
    WithinTolerance,
    Different,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::WithinTolerance => "within tolerance",
            Self::Different => "different",
        }
    }

    fn exit_code(self) -> u8 {
        match self {
            Self::Identical => 0,
            Self::WithinTolerance => 3,
            Self::Different => 4,
        }
    }
}

/// What was found.
struct Findings {
    verdict: Verdict,
    /// Why it is not identical.
    reasons: Vec<String>,
}

pub fn run(arguments: &cli::Verify, quiet: bool) -> Result<u8, Error> {
    let run = RunDirectory::open(&arguments.run.run.resolve()?)?;
    let summary = run.summary()?;
    let receipt = Receipt::of(&summary).map_err(|error| RunError::Summary {
        path: run.summary_path(),
        error,
    })?;
    refuse_imported(&run)?;
    let history = run.history()?;
    let changed = changed_files(&run, &receipt)?;
    let findings = match changed.is_empty() {
        false => Findings {
            verdict: Verdict::Different,
            reasons: changed,
        },
        true => repeat(
            arguments,
            &run,
            &Recorded {
                summary,
                history,
                receipt,
            },
            quiet,
        )?,
    };
    let Findings { verdict, reasons } = findings;
    if arguments.json {
        let document = json!({ "verdict": verdict.words(), "reasons": reasons });
        answer_json(&document)?;
    } else {
        answer(&format!("{}\n", verdict.words()))?;
        for reason in reasons {
            answer(&format!("  {reason}\n"))?;
        }
    }
    Ok(verdict.exit_code())
}

/// What is no longer as the run left it, which makes repeating it idle.
fn changed_files(run: &RunDirectory, receipt: &Receipt) -> Result<Vec<String>, Error> {
    let mut changed = Vec::new();
    if run.config_sha256()? != receipt.config_sha256 {
        changed.push("config.toml was changed since the run".into());
    }
    if let Some(started) = &receipt.started_from
        && !run.has_initial(started)?
    {
        changed.push(format!("{} was changed since the run", started.copy.file));
    }
    let files = run.changed_files(&receipt.files)?.into_iter();
    changed.extend(files.map(|file| format!("{file} was changed since the run")));
    match run.preparation() {
        // Reported above.
        Ok(_) | Err(RunError::Changed(_)) => Ok(changed),
        Err(error) => Err(error.into()),
    }
}

/// What the run left.
struct Recorded {
    summary: Value,
    history: Vec<Map<String, Value>>,
    receipt: Receipt,
}

/// A run that was trained again.
struct Repetition {
    data_agree: bool,
    initial_weights_sha256: String,
    weights_sha256: String,
    /// Of the file of the training examples' errors.
    training_errors: Option<Checksum>,
    error_metric: &'static str,
    epochs: Vec<Map<String, Value>>,
    summary: Value,
}

fn repeat(
    arguments: &cli::Verify,
    run: &RunDirectory,
    recorded: &Recorded,
    quiet: bool,
) -> Result<Findings, Error> {
    let receipt = &recorded.receipt;
    let mut config = run.config(&arguments.run.overrides)?;
    let backend = Backend::LOCAL
        .iter()
        .find(|(name, _)| *name == receipt.environment.backend)
        .map_or(config.backend, |(_, backend)| *backend);
    config.backend = arguments.run.backend.unwrap_or(backend);
    set_threads(arguments.threads);
    let opened = device::open(config.backend)?;
    let here = Environment::new(&opened);
    let mut differences = here.differences(&receipt.environment);
    for resumption in &receipt.resumed {
        let step = resumption.after_step;
        let each = resumption.differences.iter();
        differences.extend(each.map(|each| format!("resumed after step {step}: {each}")));
    }
    if !quiet {
        let how_long = match &config.train {
            Some(train) => format!("{} epochs of ", train.epochs),
            None => String::new(),
        };
        say(&format!(
            "repeating {how_long}{} on {}, {}",
            config.title(),
            opened.backend.name(),
            opened.description
        ));
    }
    let repetition = match prepare(&config, &opened, Examples::All)? {
        Prepared::Autoencoder(network, task) => {
            train(&config, run, receipt, network, &task, quiet)?
        }
        Prepared::Tied(network, task) => train(&config, run, receipt, network, &task, quiet)?,
        Prepared::Variational(network, task) => {
            train(&config, run, receipt, network, &task, quiet)?
        }
        Prepared::Classifier(network, task) => train(&config, run, receipt, network, &task, quiet)?,
        Prepared::Baseline(network, task) => fit_again(&config, receipt, &network, &task)?,
    };
    Ok(compare(recorded, &repetition, differences))
}

fn train<M: Network, T: Task<M>>(
    config: &Config,
    run: &RunDirectory,
    receipt: &Receipt,
    network: M,
    task: &T,
    quiet: bool,
) -> Result<Repetition, Error> {
    let error_metric = task.error_metric();
    let network = match &receipt.started_from {
        Some(started) => run.load_initial(network, started)?,
        None => network,
    };
    let initial_weights_sha256 = weights::fingerprint(&network)?;
    let examples = task.examples(Subset::Training);
    let train = training(config)?;
    let mut progress = Progress::new(error_metric, train.epochs, examples, quiet);
    let settings = fit_settings(config.seed, train);
    let fitted = fit(&settings, task, network, &mut |event| progress.on(&event))?;
    repetition(config, receipt, task, initial_weights_sha256, &fitted)
}

/// Fits a baseline again.
fn fit_again(
    config: &Config,
    receipt: &Receipt,
    empty: &Baseline,
    task: &BaselineTask,
) -> Result<Repetition, Error> {
    let initial_weights_sha256 = weights::fingerprint(empty)?;
    let fitted = fit_baseline(task, &mut |_| ControlFlow::Continue(()))?;
    repetition(config, receipt, task, initial_weights_sha256, &fitted)
}

fn repetition<M: Network, T: Measured<M>>(
    config: &Config,
    receipt: &Receipt,
    task: &T,
    initial_weights_sha256: String,
    fitted: &Fitted<M>,
) -> Result<Repetition, Error> {
    let error_metric = task.error_metric();
    let figures = final_figures(&fitted.network, task)?;
    let history = &fitted.history;
    let epoch = fitted.epoch;
    Ok(Repetition {
        data_agree: task.checksums() == receipt.data,
        initial_weights_sha256,
        weights_sha256: weights::fingerprint(&fitted.network)?,
        training_errors: task
            .training_errors(&fitted.network)?
            .map(|errors| RunDirectory::training_errors_sha256(&errors)),
        error_metric,
        epochs: history
            .iter()
            .map(|epoch| report::entry(epoch, error_metric))
            .collect(),
        summary: report::summary(config, error_metric, history, epoch, &figures, receipt),
    })
}

fn compare(recorded: &Recorded, repetition: &Repetition, differences: Vec<String>) -> Findings {
    let Recorded {
        summary,
        history,
        receipt,
    } = recorded;
    // What is made must agree exactly even between environments.
    let mut made = Vec::new();
    if !repetition.data_agree {
        made.push("the data are not those that the run was trained on".to_owned());
    }
    if repetition.initial_weights_sha256 != receipt.initial_weights_sha256 {
        made.push("the weights before the first step are not those of the run".into());
    }
    let mut reasons = Vec::new();
    if repetition.weights_sha256 != receipt.weights_sha256 {
        reasons.push("the trained weights are not those of the run".to_owned());
    }
    // Runs of earlier versions have no errors that could be compared.
    if let Some(errors) = &repetition.training_errors
        && let Some(known) = receipt.files.iter().find(|known| known.file == errors.file)
        && known != errors
    {
        reasons.push("the errors of the training examples differ from those of the run".into());
    }
    let epochs = &repetition.epochs;
    if history.len() != epochs.len() {
        let (there, here) = (history.len(), epochs.len());
        reasons.push(format!("{there} epochs there, {here} here"));
    }
    for (index, (there, here)) in history.iter().zip(epochs).enumerate() {
        if let Some(name) = first_difference(there, here) {
            reasons.push(format!("metrics.jsonl: {name} of epoch {}", index + 1));
            break;
        }
    }
    let metrics = |summary: &Value| summary["metrics"].as_object().cloned().unwrap_or_default();
    let (there, here) = (metrics(summary), metrics(&repetition.summary));
    if let Some(name) = first_difference(&there, &here) {
        reasons.push(format!("summary.json: {name}"));
    }
    if made.is_empty() && reasons.is_empty() {
        return Findings {
            verdict: Verdict::Identical,
            reasons,
        };
    }
    let name = format!("test_{}", repetition.error_metric);
    let error = |metrics: &Map<String, Value>| metrics.get(&name).and_then(Value::as_f64);
    let mut is_close = false;
    if let (Some(there), Some(here)) = (error(&there), error(&here)) {
        is_close = (here - there).abs() <= RELATIVE_TOLERANCE * there.abs();
        let change = match there == here {
            true => 0.0,
            false => 100.0 * (here / there - 1.0),
        };
        reasons.push(format!(
            "{name}: {} there, {} here, {change:+.2} %",
            figure(there),
            figure(here),
        ));
    }
    let verdict = match made.is_empty() && is_close && !differences.is_empty() {
        true => Verdict::WithinTolerance,
        false => Verdict::Different,
    };
    Findings {
        verdict,
        reasons: [made, reasons, differences].concat(),
    }
}

/// The name of the first entry that only one has, or both with another value, times aside.
fn first_difference(there: &Map<String, Value>, here: &Map<String, Value>) -> Option<String> {
    let names = there.keys().chain(here.keys());
    names
        .filter(|name| !TIMES.contains(&name.as_str()))
        .find(|name| there.get(*name) != here.get(*name))
        .cloned()
}
