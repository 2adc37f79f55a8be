//! `train`: an experiment to a run directory, from the first step or from where it was interrupted.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use burn::module::Module;
use serde_json::Value;

use super::board::Board;
use super::conclusion::{Conclusion, origin, result};
use super::pictures::Pictures;
use super::prepare::{Examples, Prepared, prepare};
use super::report::{self as page, of_new_run};
use super::resume::{self, Resumable};
use super::start::{Start, Started};
use super::{
    answer, answer_json, create_run, fit_settings, is_quiet, new_run, record_latest, say,
    set_threads, training, with_run,
};
use crate::baselines::{Baseline, BaselineError};
use crate::cli;
use crate::config::Config;
use crate::device::{self, Backend, DeviceError, OpenDevice, Place};
use crate::error::Error;
use crate::model::weights::Network;
use crate::report::text::thousands;
use crate::report::{MetricsLog, Progress};
use crate::run_directory::{Destination, RunDirectory, RunPath};
use crate::signals::Interruption;
use crate::task::{BaselineTask, Measured, Subset, Task};
use crate::train::checkpoint::Checkpoints;
use crate::train::{Event, StartedFrom, Training, fit_baseline};
use crate::workers;

pub fn run(arguments: &cli::Train, quiet: bool) -> Result<(), Error> {
    let begun = Instant::now();
    // Everything that can be wrong is found out before the first slow step and the first file.
    let (config, beginning) = match &arguments.resume {
        Some(path) => {
            let path = &path.resolve()?;
            let (config, resumable) = resume::find(path, &arguments.new.overrides)?;
            if let Some(summary) = resumable.finished(&config) {
                let more = match &config.train {
                    None => String::new(),
                    Some(_) if resumable.has_stopped_early(&config) => "; it stopped early".into(),
                    Some(train) => format!(
                        "; --set train.epochs=N with more than {} epochs trains on",
                        train.epochs
                    ),
                };
                say(&format!("{} is finished{more}", path.display()));
                return match arguments.json {
                    true => answer_json(&with_run(summary, path)),
                    false => Ok(()),
                };
            }
            (config, Beginning::Resumed(resumable))
        }
        None => {
            let backend = arguments.new.backend.filter(|it| *it != Backend::Remote);
            let from = arguments.from.as_ref().map(RunPath::resolve).transpose()?;
            let start = from.as_deref().map(Start::find).transpose()?;
            let run = start.as_ref().and_then(Start::run);
            let (config, destination) = new_run(&arguments.new, backend, run)?;
            if let Some(start) = &start {
                start.check(&config)?;
            }
            let beginning = Beginning::New {
                destination,
                is_recorded: !arguments.part_of_study,
                start: start.map(Box::new),
            };
            (config, beginning)
        }
    };
    set_threads(arguments.threads);
    #[cfg(feature = "remote")]
    let _connection = device::remote::Connection;
    let opened = open(&config, arguments)?;
    let prepared = prepare(&config, &opened, Examples::All)?;
    let session = Session {
        config,
        opened,
        beginning,
        quiet,
        tensorboard: arguments.tensorboard,
    };
    let backend = session.opened.backend;
    let done = match prepared {
        Prepared::Autoencoder(network, task) => session.train(network, &task),
        Prepared::Tied(network, task) => session.train(network, &task),
        Prepared::Variational(network, task) => session.train(network, &task),
        Prepared::Classifier(network, task) => session.train(network, &task),
        Prepared::Baseline(empty, task) => session.fit(&empty, &task),
    }?;
    let mut files = done.files;
    let page = match arguments.report {
        true => page::write(&of_new_run(&done.run, backend)).map(|page| files.push(page)),
        false => Ok(()),
    };
    // The run is finished, whatever became of its page.
    let summary = with_run(done.summary, &done.run);
    match arguments.json {
        true => answer_json(&summary)?,
        false => answer(&result(&summary, &files, begun.elapsed()))?,
    }
    page
}

/// Opens what a command line names to train on, or what the config does.
fn open(config: &Config, arguments: &cli::Train) -> Result<OpenDevice, Error> {
    let placement = &arguments.placement;
    let places = match (
        &placement.devices[..],
        &placement.remote,
        arguments.new.backend,
    ) {
        ([], None, Some(Backend::Remote)) => return Err(DeviceError::NoServer.into()),
        ([], Some(server), None | Some(Backend::Remote)) => vec![Place::Remote(server.clone())],
        ([], Some(_), Some(backend)) => return Err(Error::TwoPlaces(backend)),
        ([], None, backend) => vec![Place::of(backend.unwrap_or(config.backend))],
        (devices, ..) => devices.to_vec(),
    };
    let is_remote = |place: &&Place| place.backend() == Backend::Remote;
    if placement.key.is_some() && !places.iter().any(|place| is_remote(&place)) {
        return Err(Error::IdleKey);
    }
    let shards = config.train.as_ref().map_or(1, |train| train.shards);
    if places.len() > shards {
        return Err(Error::IdleDevices {
            devices: places.len(),
            shards,
            // Neither a baseline nor a run that is begun can have more.
            is_open: config.train.is_some() && arguments.resume.is_none(),
        });
    }
    for place in places.iter().filter(is_remote) {
        if !is_quiet() {
            say(&format!("connecting to {place}"));
        }
    }
    let opened = device::open_all(&places, placement.key.as_deref())?;
    Ok(match &placement.devices[..] {
        [] => opened.with_workers(shards.min(workers::threads())),
        _ => opened,
    })
}

/// A run that is finished and no longer locked.
struct Done {
    summary: Value,
    /// To look at.
    files: Vec<PathBuf>,
    run: PathBuf,
}

/// Where a run begins.
enum Beginning {
    New {
        destination: Destination,
        /// True if `artifacts/latest` then leads there.
        is_recorded: bool,
        /// The weights that it begins with, where they are not drawn.
        start: Option<Box<Start>>,
    },
    Resumed(Resumable),
}

/// What one training needs besides its network and task.
struct Session {
    config: Config,
    opened: OpenDevice,
    beginning: Beginning,
    quiet: bool,
    tensorboard: bool,
}

impl Session {
    fn train<M: Network, T: Task<M> + Pictures<M>>(
        self,
        network: M,
        task: &T,
    ) -> Result<Done, Error> {
        let Self {
            config,
            opened,
            beginning,
            quiet,
            tensorboard,
        } = self;
        let (config, opened) = (&config, &opened);
        let parameters = network.num_params();
        let examples = task.examples(Subset::Training);
        let error_metric = task.error_metric();
        let train = training(config)?;
        let settings = fit_settings(config.seed, train);
        let (network, started_from, copy) = first_weights(&beginning, network, task)?;
        let mut origin = origin(opened, task, &network)?;
        origin.started_from = started_from;
        if !quiet {
            say(&introduction(config, opened, parameters, examples));
            if let Some(started) = &origin.started_from {
                say(&format!("starting from the weights of {}", started.from));
            }
        }
        let (run, mut training) = match beginning {
            Beginning::New {
                destination,
                is_recorded,
                ..
            } => {
                let run = create_run(&destination, config)?;
                if let Some(started) = &origin.started_from {
                    run.write_initial(started, &copy)?;
                    // Its config says that it is not all that repeats the run.
                    run.write_config(config)?;
                }
                if is_recorded {
                    record_latest(&run);
                }
                (run, Training::new(&settings, task, network))
            }
            Beginning::Resumed(mut resumable) => {
                let training =
                    resumable.training(&settings, task, network, &opened.device, &mut origin)?;
                resumable.begin(config)?;
                if !quiet {
                    say(&format!("resumed after {}", place(&training)));
                }
                (resumable.run, training)
            }
        };
        let history = &training.progress().history;
        let mut log = MetricsLog::create(&run.metrics(), error_metric, history)?;
        let mut progress = Progress::new(error_metric, train.epochs, examples, quiet);
        let mut checkpoints = Checkpoints::new(
            &run.checkpoints(),
            train.checkpoints,
            config.to_toml(),
            origin.clone(),
            training.progress(),
        );
        let mut board = match tensorboard {
            false => None,
            true => Some(Board::new(&run, config, error_metric, training.step())?),
        };
        let interruption = Interruption::watch()?;
        while let Some(event) = training.advance()? {
            progress.on(&event);
            if let Event::EpochEnds(epoch) = event {
                log.append(epoch)?;
            }
            if let Some(board) = &mut board {
                let is_due = board.on(&event)?;
                if is_due {
                    board.draw(&training.network_now(), task, &run, training.step())?;
                }
            }
            checkpoints.keep_up(&mut training)?;
            // After the last epoch too: figures and pictures can take long, and --resume makes them.
            if interruption.is_requested() && training.is_at_rest() {
                checkpoints.save(&mut training)?;
                return Err(Error::Interrupted {
                    place: place(&training),
                    run: run.path().to_owned(),
                });
            }
        }
        drop(progress);
        let conclusion = Conclusion {
            config,
            run: &run,
            origin,
            parameters,
            imported: None,
            interruption,
        };
        let step = training.step();
        let concluded = conclusion.write(task, training.finish())?;
        done(&run, board, step, concluded)
    }

    /// Fits a baseline: what was begun is begun anew, since all of it takes seconds.
    fn fit(self, empty: &Baseline, task: &BaselineTask) -> Result<Done, Error> {
        let (config, opened, quiet) = (&self.config, &self.opened, self.quiet);
        let parameters = empty.num_params();
        let examples = task.examples(Subset::Training);
        if !quiet {
            say(&introduction(config, opened, parameters, examples));
        }
        let (run, is_recorded) = match self.beginning {
            Beginning::New {
                destination,
                is_recorded,
                ..
            } => (create_run(&destination, config)?, is_recorded),
            Beginning::Resumed(resumable) => {
                resumable.begin(config)?;
                (resumable.run, false)
            }
        };
        let error_metric = task.error_metric();
        let interruption = Interruption::watch()?;
        let fitted = fit_baseline(task, &mut |look| {
            if !quiet {
                let (pass, objective) = (look.step, look.train_loss);
                say(&format!(
                    "pass {pass}  {error_metric}: train {objective:.4}"
                ));
            }
            match interruption.is_requested() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let fitted = match fitted {
            // Of images that allow no fit nothing is left, nor does `latest` lead there.
            Err(error) if !matches!(error, BaselineError::Stopped) => {
                run.discard();
                return Err(error.into());
            }
            fitted => fitted,
        };
        if is_recorded {
            record_latest(&run);
        }
        let Ok(fitted) = fitted else {
            return Err(Error::FitInterrupted {
                run: run.path().to_owned(),
            });
        };
        MetricsLog::create(&run.metrics(), error_metric, &fitted.history)?;
        let mut board = match self.tensorboard {
            false => None,
            true => Some(Board::new(&run, config, error_metric, 0)?),
        };
        if let Some(board) = &mut board {
            for epoch in &fitted.history {
                board.on(&Event::EpochEnds(epoch))?;
            }
        }
        let step = fitted.history.last().map_or(0, |epoch| epoch.step);
        let conclusion = Conclusion {
            config,
            run: &run,
            origin: origin(opened, task, empty)?,
            parameters,
            imported: None,
            interruption,
        };
        let concluded = conclusion.write(task, fitted)?;
        done(&run, board, step, concluded)
    }
}

/// The network that training begins with, where its weights come from if they were not drawn, and then a copy of them.
fn first_weights<M: Network, T: Measured<M>>(
    beginning: &Beginning,
    network: M,
    task: &T,
) -> Result<(M, Option<StartedFrom>, Vec<u8>), Error> {
    match beginning {
        Beginning::New {
            start: Some(start), ..
        } => {
            let started = start.load(network)?;
            start.compare(task.preparation());
            let Started {
                network,
                from,
                burnpack,
            } = started;
            Ok((network, Some(from), burnpack))
        }
        Beginning::Resumed(resumable) if resumable.starts_over() => {
            let run = &resumable.run;
            let Some(started) = run.started_from()? else {
                return Ok((network, None, Vec::new()));
            };
            let network = run.load_initial(network, &started)?;
            Ok((network, Some(started), Vec::new()))
        }
        _ => Ok((network, None, Vec::new())),
    }
}

/// The end of a run of so many steps, whose pictures go to the board too.
fn done(
    run: &RunDirectory,
    board: Option<Board>,
    step: usize,
    (summary, files): (Value, Vec<PathBuf>),
) -> Result<Done, Error> {
    if let Some(mut board) = board {
        board.keep(&files, step)?;
    }
    Ok(Done {
        summary,
        files,
        run: run.path().to_owned(),
    })
}

/// How far a training has come, in words.
fn place<M: Network, T: Task<M>>(training: &Training<'_, M, T>) -> String {
    let progress = training.progress();
    match (progress.history.len(), progress.partial.steps) {
        (0, 0) => "no step".into(),
        (epoch, 0) => format!("epoch {epoch}"),
        (_, step) => format!(
            "step {step} of {} of epoch {}",
            training.steps_per_epoch(),
            progress.epoch()
        ),
    }
}

fn introduction(
    config: &Config,
    opened: &OpenDevice,
    parameters: usize,
    examples: usize,
) -> String {
    let mut text = format!(
        "{}, {} parameters, {} training examples, {} on {}",
        config.title(),
        thousands(parameters as u64),
        thousands(examples as u64),
        opened.backend.name(),
        opened.description,
    );
    if let Some(train) = config.train.as_ref().filter(|train| train.shards > 1) {
        let (shards, workers) = (train.shards, opened.at_once());
        text += &format!(", batches in {shards} shards, {workers} at a time");
    }
    text
}
