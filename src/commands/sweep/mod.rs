//! `sweep`: an experiment for every combination of some settings.

mod output;
mod results;

use std::path::Path;

use super::runs::Runner;
use super::{answer, answer_json};
use crate::cli;
use crate::config::{Config, Study};
use crate::error::Error;
use crate::files;
use crate::signals::Interruption;
use crate::workers;
use results::Results;

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
