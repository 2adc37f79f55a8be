//! One file per command.

mod data;
mod devices;
mod evaluate;
mod reconstruct;
mod train;

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;

use crate::cli::{self, Cli, Command};
use crate::config::Config;
use crate::data::{DataError, Splits};
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::evaluate::{Evaluator, Scope};
use crate::model::Autoencoder;
use crate::run_directory::RunDirectory;

/// Runs a command.
///
/// # Errors
/// Whatever keeps the command from doing its work.
pub fn run(arguments: Cli) -> Result<(), Error> {
    match arguments.command {
        Command::Train(command) => train::run(command, arguments.quiet),
        Command::Evaluate(command) => evaluate::run(&command),
        Command::Reconstruct(command) => reconstruct::run(command),
        Command::Devices(command) => devices::run(&command),
        Command::Data(cli::Data::Check(command)) => data::check(&command),
        Command::Completions(command) => {
            let mut script = Vec::new();
            let mut parser = Cli::command();
            clap_complete::generate(command.shell, &mut parser, "hourglass", &mut script);
            answer(&String::from_utf8_lossy(&script))
        }
    }
}

/// Prints the answer of a command. A reader that has seen enough (`| head`) is no error.
fn answer(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The images of an experiment.
fn load_data(config: &Config) -> Result<Splits, DataError> {
    let data = &config.data;
    let directory = crate::data::find_directory(data.path.as_deref())?;
    crate::data::load(
        data.source,
        &directory,
        data.limit,
        data.test_limit,
        data.validation,
        config.seed,
    )
}

/// Whether images of a size fit the network of an experiment.
fn check_width(config: &Config, (height, width): (usize, usize)) -> Result<(), Error> {
    let network = config.model.input_size();
    match network == height * width {
        true => Ok(()),
        false => Err(Error::Width {
            network,
            height,
            width,
        }),
    }
}

/// Images a CPU evaluates at a time: enough to fill its cores, few enough to stay in its caches.
const CPU_EVALUATION_BATCH: usize = 500;

/// Images to evaluate at a time. An accelerator keeps to the size of training batches, for which
/// its kernels are compiled already.
fn evaluation_batch(config: &Config, opened: &OpenDevice) -> usize {
    match opened.backend.is_accelerator() {
        true => config.train.batch_size,
        false => CPU_EVALUATION_BATCH,
    }
}

/// A finished run, loaded for use.
struct Loaded {
    run: RunDirectory,
    config: Config,
    opened: OpenDevice,
    model: Autoencoder,
}

impl Loaded {
    fn open(arguments: &cli::Run) -> Result<Self, Error> {
        let run = RunDirectory::open(&arguments.run)?;
        let mut config = run.config(&arguments.overrides)?;
        config.backend = arguments.backend.unwrap_or(config.backend);
        let opened = device::open(config.backend)?;
        let model = run.load_model(&config, &opened.device)?;
        Ok(Self {
            run,
            config,
            opened,
            model,
        })
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            device: &self.opened.device,
            batch_size: evaluation_batch(&self.config, &self.opened),
            scope: Scope::Full,
        }
    }
}

/// The error for input that cannot be used.
fn input_error(path: &Path, problem: String) -> Error {
    Error::Input {
        path: path.to_owned(),
        problem,
    }
}
