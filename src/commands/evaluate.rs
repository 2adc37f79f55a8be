//! `evaluate`: every metric of a trained network on the test examples.

use serde_json::{Map, Value, json};

use super::prepare::{Prepared, prepare};
use super::{answer, open_run};
use crate::cli;
use crate::error::Error;
use crate::evaluate::{Figures, Scope};
use crate::model::weights::Network;
use crate::report::text::{figure, table};
use crate::run_directory::RunDirectory;
use crate::task::{Subset, Task};

pub fn run(arguments: &cli::Evaluate) -> Result<(), Error> {
    let (run, config, opened) = open_run(&arguments.run)?;
    let figures = match prepare(&config, &opened)? {
        Prepared::Autoencoder(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Tied(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Variational(network, task) => trained_figures(&run, network, &task)?,
        Prepared::Classifier(network, task) => trained_figures(&run, network, &task)?,
    };
    let named = figures.prefixed("test").into_iter();
    if arguments.json {
        let metrics: Map<String, Value> = named.map(|(name, value)| (name, json!(value))).collect();
        let document = json!({
            "name": config.name,
            "backend": opened.backend.name(),
            "metrics": metrics,
        });
        answer(&format!("{document:#}\n"))
    } else {
        let rows: Vec<_> = named.map(|(name, value)| [name, figure(value)]).collect();
        answer(&table(&rows))
    }
}

fn trained_figures<M: Network>(
    run: &RunDirectory,
    network: M,
    task: &impl Task<M>,
) -> Result<Figures, Error> {
    test_figures(&run.load_weights(network)?, task)
}

/// Everything that can be measured of a network on the test examples.
pub fn test_figures<M: Network>(network: &M, task: &impl Task<M>) -> Result<Figures, Error> {
    let figures = task.figures(network, Subset::Test, Scope::Full)?;
    Ok(figures.unwrap_or_default())
}
