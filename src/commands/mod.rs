//! One file per command.

mod applied;
mod bench;
mod board;
mod compare;
mod conclusion;
mod curves;
mod data;
mod decode;
mod denoise;
mod devices;
mod encode;
mod evaluate;
mod export;
mod gradcheck;
mod import;
mod interpolate;
mod man;
mod map;
mod neighbours;
mod pictures;
mod prepare;
mod reconstruct;
mod report;
mod resume;
mod runs;
mod sample;
mod score;
mod serve;
mod start;
mod sweep;
mod train;
mod verify;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::CommandFactory;
use serde_json::Value;

use crate::apply::Trained;
use crate::cli::{self, Cli, Command};
use crate::config::{Config, Train};
use crate::data::{DataError, ImageSet, Shape, Unreadable, UnreadableExamples};
use crate::device::{self, Backend, OpenDevice};
use crate::error::Error;
use crate::files;
use crate::report::Receipt;
use crate::report::text::{thousands, visible};
use crate::run_directory::{self, Destination, RunDirectory, RunError, RunLock};
use crate::train::Fit;
use prepare::load_test_images;

/// Runs a command and gives the exit code: 0, or another where `verify` finds that a run does not repeat exactly.
///
/// # Errors
/// Whatever keeps the command from doing its work.
pub fn run(arguments: Cli) -> Result<u8, Error> {
    QUIET.store(arguments.quiet, Ordering::Relaxed);
    match arguments.command {
        Command::Verify(command) => return verify::run(&command, arguments.quiet),
        Command::Train(command) => train::run(&command, arguments.quiet),
        Command::Evaluate(command) => evaluate::run(&command),
        Command::Reconstruct(command) => reconstruct::run(command),
        Command::Encode(command) => encode::run(&command),
        Command::Decode(command) => decode::run(&command),
        Command::Denoise(command) => denoise::run(&command),
        Command::Score(command) => score::run(&command),
        Command::Man(command) => man::run(&command),
        Command::Sample(command) => sample::run(command),
        Command::Interpolate(command) => interpolate::run(command),
        Command::Map(command) => map::run(command, arguments.quiet),
        Command::Neighbours(command) => neighbours::run(command),
        Command::Report(command) => report::run(&command),
        Command::Import(command) => import::run(&command, arguments.quiet),
        Command::Export(command) => export::run(&command),
        Command::Curves(command) => curves::run(&command),
        Command::Compare(command) => compare::run(&command, arguments.quiet),
        Command::Sweep(command) => sweep::run(&command, arguments.quiet),
        Command::Gradcheck(command) => gradcheck::run(&command),
        Command::Bench(command) => bench::run(&command, arguments.quiet),
        Command::Serve(command) => serve::run(&command, arguments.quiet),
        Command::Devices(command) => devices::run(&command),
        Command::Data(cli::Data::Check(command)) => data::check(&command),
        Command::Completions(command) => {
            let mut script = Vec::new();
            let mut parser = Cli::command();
            clap_complete::generate(command.shell, &mut parser, "hourglass", &mut script);
            answer(&String::from_utf8_lossy(&script))
        }
    }?;
    Ok(0)
}

/// Prints the answer of a command for people.
fn answer(text: &str) -> Result<(), Error> {
    print(&visible(text))
}

/// Says where a picture is.
fn picture_at(path: &Path, json: bool) -> Result<(), Error> {
    match json {
        true => answer_json(&serde_json::json!({ "picture": path })),
        false => answer(&format!("{}\n", path.display())),
    }
}

/// Prints the answer of a command for programs.
fn answer_json(document: &Value) -> Result<(), Error> {
    print(&format!("{document:#}\n"))
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(files::at(Path::new("standard output"))(error).into())
        }
        _ => Ok(()),
    }
}

/// Says on standard error what is not as it should be and does not stop the command.
fn warn(message: &str) {
    say(&format!("warning: {message}"));
}

/// A line on standard error, for people. Nobody need read it.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", visible(line));
}

/// Whether a picture can be written to `path`, as far as can be told before the work.
fn check_out(path: &Path) -> Result<(), Error> {
    let problem = match path.parent() {
        _ if path.is_dir() => "is a directory, not a place for a picture",
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            "is in a directory that does not exist"
        }
        _ => return Ok(()),
    };
    Err(Error::Out {
        path: path.to_owned(),
        problem,
    })
}

/// Checks by its name that `path` can be a directory.
fn check_directory_name(path: &Path) -> Result<(), Error> {
    match files::is_named_as_a_file(path) {
        true => Err(Error::Place {
            path: path.to_owned(),
            problem: "would be a directory, but its name has a file extension",
            hint: "remove the extension, or end the name with / to create a directory of that name",
        }),
        false => Ok(()),
    }
}

/// Whether examples fit a network that takes `input_size` numbers.
fn check_width(input_size: usize, shape: Shape) -> Result<(), Error> {
    match input_size == shape.size() {
        true => Ok(()),
        false => Err(Error::Width {
            network: input_size,
            shape,
        }),
    }
}

/// Examples that could not be read, of which so many are named.
const NAMED: usize = 10;

/// Says which of so many examples could not be read.
fn tell_unreadable(unreadable: &UnreadableExamples, examples: usize) {
    if unreadable.is_empty() {
        return;
    }
    let all = thousands(examples as u64);
    warn(&format!(
        "{} of {all} examples cannot be read and are left out",
        unreadable.len()
    ));
    for Unreadable { name, reason } in unreadable.iter().take(NAMED) {
        say(&format!("  {name}: {reason}"));
    }
    if unreadable.len() > NAMED {
        say(&format!("  and {} more", unreadable.len() - NAMED));
    }
}

/// Prints which of `examples` examples could not be read, and returns them.
///
/// # Errors
/// With `strict`, there are some.
fn check_readable(
    unreadable: UnreadableExamples,
    examples: usize,
    strict: bool,
) -> Result<UnreadableExamples, Error> {
    if strict && !unreadable.is_empty() {
        return Err(Error::Data(DataError::Unreadable {
            unreadable,
            examples,
        }));
    }
    tell_unreadable(&unreadable, examples);
    Ok(unreadable)
}

/// Says what users should know of their data although it stops nothing.
fn tell_warnings(warnings: &[String]) {
    warnings.iter().for_each(|warning| warn(warning));
}

/// Whether progress is not to be shown: said once, for the whole process.
static QUIET: AtomicBool = AtomicBool::new(false);

fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Bounds the threads of the CPU backends: the kernels' workers are as many as rayon's pool has.
fn set_threads(threads: Option<u16>) {
    if let Some(threads) = threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        // Refused only when the pool exists already, which nothing before this makes.
        let _ = pool.build_global();
    }
}

/// What asks how a run was trained has no answer where its weights come from elsewhere.
fn refuse_imported(run: &RunDirectory) -> Result<(), Error> {
    let receipt = run
        .summary()
        .ok()
        .and_then(|summary| Receipt::of(&summary).ok());
    match receipt.and_then(|receipt| receipt.imported) {
        Some(_) => Err(Error::IsImported(run.path().to_owned())),
        None => Ok(()),
    }
}

/// The config of a run that is to be made, without --config that of the run `from`, and where it goes.
///
/// # Errors
/// The config has mistakes, or something is in the way.
fn new_run(
    arguments: &cli::NewRun,
    backend: Option<Backend>,
    from: Option<&RunDirectory>,
) -> Result<(Config, Destination), Error> {
    let overrides = with_strict(&arguments.overrides, arguments.strict);
    let mut config = match (&arguments.config, from) {
        (None, Some(run)) => run.config(&overrides)?,
        (path, _) => Config::load(path.as_deref(), &overrides)?,
    };
    config.backend = backend.unwrap_or(config.backend);
    let destination = match arguments.out.clone() {
        Some(out) => {
            check_directory_name(&out)?;
            Destination::given(out, arguments.force)
        }
        None => Destination::usual(&config.directory_name(), arguments.force),
    };
    destination.check()?;
    Ok((config, destination))
}

/// Creates the directory of a new run, and says where it is if that is not its usual place.
///
/// # Errors
/// Something is in the way, or it cannot be written.
fn create_run(destination: &Destination, config: &Config) -> Result<RunDirectory, Error> {
    let (run, in_the_way) = destination.create(config)?;
    if let Some(reason) = in_the_way {
        let remedy = match reason {
            RunError::Exists(_) => " (--force replaces, --resume continues)",
            _ => "",
        };
        let path = run.path().display();
        say(&format!("{reason}; writing to {path}{remedy}"));
    }
    Ok(run)
}

/// Lets `artifacts/latest` lead to a run, unless something else is there.
fn record_latest(run: &RunDirectory) {
    if let Err(error) = run_directory::record_latest(run.path()) {
        warn(&format!("{error}; `latest` does not name this run"));
    }
}

/// A summary as `--json` prints it: with the directory that the run is in.
fn with_run(mut summary: Value, run: &Path) -> Value {
    summary["run"] = run.display().to_string().into();
    summary
}

/// Overrides, and what `--strict` stands for.
fn with_strict(overrides: &[String], strict: bool) -> Vec<String> {
    let strict = strict.then(|| "data.strict=true".to_owned());
    overrides.iter().cloned().chain(strict).collect()
}

/// How an experiment is trained by gradients, if it is.
fn training(config: &Config) -> Result<&Train, Error> {
    config.train.as_ref().ok_or(Error::NotTrained)
}

/// How an experiment says that it is trained.
fn fit_settings(seed: u64, train: &Train) -> Fit {
    Fit {
        seed,
        epochs: train.epochs,
        batch_size: train.batch_size,
        shards: train.shards,
        optimizer: train.optimizer,
        schedule: train.schedule,
        warmup_steps: train.warmup_steps,
        clip_gradient_norm: train.clip_gradient_norm,
        non_finite: train.non_finite,
        early_stopping: train.early_stopping,
        evaluate_training: train.evaluate_training,
    }
}

/// A finished run, its config with overrides on top, and the device to use it on.
fn open_run(arguments: &cli::Run) -> Result<(RunDirectory, Config, OpenDevice), Error> {
    let run = RunDirectory::open(&arguments.run.resolve()?)?;
    let mut config = run.config(&arguments.overrides)?;
    // Whatever the command needs of it: a run that was changed is not as its summary says.
    run.preparation()?;
    config.backend = arguments.backend.unwrap_or(config.backend);
    // A caller that needs the note reports that it is missing or damaged.
    if let Ok(Some(preparation)) = run.preparation() {
        config.experiment.prepare_as(preparation);
    }
    let opened = device::open(config.backend)?;
    Ok((run, config, opened))
}

/// A finished run whose network encodes and decodes, as a command line names it.
fn open_trained(arguments: &cli::Run) -> Result<Trained, Error> {
    let (run, config, opened) = open_run(arguments)?;
    Trained::of(run, config, opened)
}

impl Trained {
    /// Where a picture goes: to `out`, or to its usual place in the run, which is then closed to others for as long as
    /// the lock lives.
    fn place_for_picture(
        &self,
        out: Option<PathBuf>,
        usual: impl FnOnce(&RunDirectory) -> PathBuf,
    ) -> Result<(PathBuf, Option<RunLock>), Error> {
        let (out, lock) = match out {
            Some(out) => (out, None),
            None => (usual(&self.run), Some(self.run.lock_for_writing()?)),
        };
        check_out(&out)?;
        Ok((out, lock))
    }

    fn no_code(&self) -> Error {
        Error::NoCode(self.run.path().to_owned())
    }

    /// The test images of the run's experiment.
    fn test_images(&self) -> Result<ImageSet, Error> {
        let data = self
            .config
            .experiment
            .images()
            .ok_or_else(|| self.no_code())?;
        load_test_images(&self.config, data, self.input_size)
    }

    /// The first `count` examples of the user; with `strict`, an unreadable one is an error.
    fn read_images(
        &self,
        paths: &[PathBuf],
        fitting: &cli::Fitting,
        strict: bool,
        most: usize,
    ) -> Result<ImageSet, Error> {
        let brought = self.read_first(paths, &fitting.into(), most)?;
        check_readable(brought.unreadable, brought.looked_at, strict)?;
        tell_warnings(&brought.warnings);
        Ok(brought.examples)
    }
}
