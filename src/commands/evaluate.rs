//! `evaluate`: every metric of a trained network on the test examples.

use serde_json::{Map, Value, json};

use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, open_run};
use crate::cli;
use crate::error::Error;
use crate::evaluate::{Figures, Scope};
use crate::model::weights::Network;
use crate::report::text::{figure, table};
use crate::run_directory::RunDirectory;
use crate::task::{Measured, Subset};

pub fn run(arguments: &cli::Evaluate) -> Result<(), Error> {
    let (run, config, opened) = open_run(&arguments.run)?;
    let (examples, figures) = match prepare(&config, &opened, Examples::Test)? {
        Prepared::Autoencoder(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Tied(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Variational(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Classifier(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Baseline(network, task) => trained_figures(&run, network, &task)?,
    };
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

/// The number of test examples, and what the trained network is worth on them.
fn trained_figures<M: Network>(
    run: &RunDirectory,
    network: M,
    task: &impl Measured<M>,
) -> Result<(usize, Figures), Error> {
    let figures = test_figures(&run.load_weights(network)?, task)?;
    Ok((task.examples(Subset::Test), figures))
}

/// Everything that can be measured of a network on the test examples.
pub fn test_figures<M: Network>(network: &M, task: &impl Measured<M>) -> Result<Figures, Error> {
    let figures = task.figures(network, Subset::Test, Scope::Full)?;
    Ok(figures.unwrap_or_default())
}
