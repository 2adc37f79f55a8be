//! `evaluate`: every metric of a trained network on the test examples.

use serde_json::{Map, Value, json};

use super::prepare::{Examples, Prepared, load_trained_on, prepare};
use super::{answer, answer_json, open_run, open_trained};
use crate::cli;
use crate::error::Error;
use crate::evaluate::{Figures, Scope};
use crate::model::weights::Network;
use crate::report::text::{figure, table};
use crate::run_directory::RunDirectory;
use crate::task::{Measured, Subset};

pub fn run(arguments: &cli::Evaluate) -> Result<(), Error> {
    let (run, config, opened) = open_run(&arguments.run)?;
    let (examples, mut figures) = match prepare(&config, &opened, Examples::Test)? {
        Prepared::Autoencoder(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Tied(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Variational(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Classifier(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Baseline(network, task) => trained_figures(&run, network, &task)?,
    };
    if arguments.codes {
        figures.extend(code_figures(&arguments.run)?);
    }
    let named = figures.prefixed("test").into_iter();
    if arguments.json {
        let metrics: Map<String, Value> = named.map(|(name, value)| (name, json!(value))).collect();
        let document = json!({
            "name": config.name,
            "backend": opened.backend.name(),
            "examples": examples,
            "metrics": metrics,
        });
        answer_json(&document)
    } else {
        let rows: Vec<_> = named.map(|(name, value)| [name, figure(value)]).collect();
        answer(&table(&rows))
    }
}

/// How well the codes of a run tell classes apart.
fn code_figures(arguments: &cli::Run) -> Result<Figures, Error> {
    let loaded = open_trained(arguments)?;
    let data = loaded.config.experiment.images();
    let data = data.ok_or_else(|| loaded.no_code())?;
    let splits = load_trained_on(&loaded.run, &loaded.config, data, loaded.input_size)?;
    let evaluator = loaded.evaluator();
    let figures = evaluator.usefulness(&*loaded.network, &splits.train, &splits.test)?;
    figures.ok_or(Error::NoClasses)
}

/// The number of test examples, and what the trained network is worth on them.
fn trained_figures<M: Network>(
    run: &RunDirectory,
    network: M,
    task: &impl Measured<M>,
) -> Result<(usize, Figures), Error> {
    let network = run.load_weights(network)?;
    let figures = task.figures(&network, Subset::Test, Scope::Full)?;
    Ok((task.examples(Subset::Test), figures.unwrap_or_default()))
}

/// Everything that can be measured of a network on the examples that it was not trained on, under full names.
pub fn final_figures<M: Network>(network: &M, task: &impl Measured<M>) -> Result<Figures, Error> {
    let mut all = Figures::default();
    for (subset, prefix) in [(Subset::Validation, "validation"), (Subset::Test, "test")] {
        let figures = task.figures(network, subset, Scope::Full)?;
        all.extend(figures.unwrap_or_default().prefixed(prefix));
    }
    Ok(all)
}
