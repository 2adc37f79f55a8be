//! `sweep`: an experiment for every combination of some settings.

mod output;
mod results;

use super::runs::{Runner, open_study};
use super::{answer, answer_json, warn};
use crate::cli;
use crate::config::Config;
use crate::error::Error;
use crate::files;
use crate::signals::Interruption;
use results::Results;

/// A command line as a shell takes it.
fn quoted(command: &[String]) -> String {
    let arguments = command.iter().map(String::as_str);
    // What cannot be quoted, a NUL, is in no path.
    shlex::try_join(arguments).unwrap_or_else(|_| command.join(" "))
}

pub fn run(arguments: &cli::Sweep, quiet: bool) -> Result<(), Error> {
    if !(arguments.tolerance >= 0.0 && arguments.tolerance.is_finite()) {
        return Err(Error::Tolerance(arguments.tolerance));
    }
    let (study, directory) = open_study(Some(&arguments.config), &arguments.study)?;
    let configs: Vec<&Config> = study.configs().collect();
    let runner = Runner {
        directory: directory.clone(),
        jobs: arguments.jobs.map(usize::from),
        devices: arguments.devices.clone(),
        key: arguments.key.clone(),
        force: arguments.study.force,
        quiet,
    };
    if arguments.list {
        let commands = runner.commands(&configs)?;
        return match arguments.json {
            true => answer_json(&serde_json::json!(commands)),
            false => answer(
                &commands
                    .iter()
                    .map(|command| quoted(command) + "\n")
                    .collect::<String>(),
            ),
        };
    }
    let outcomes = runner.run(&configs, &Interruption::watch()?)?;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let results = Results::of(&study, outcomes, arguments);
    let document = results.document();
    let json = directory.join("sweep.json");
    files::unlink(&json)?;
    files::write(&json, format!("{document:#}\n").as_bytes())?;
    let mut left = vec![json];
    // The table is the answer, with or without a picture.
    match results.draw(&directory) {
        Ok(picture) => left.extend(picture),
        Err(error) => warn(&error.to_string()),
    }
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
