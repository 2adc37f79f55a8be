//! `train`: an experiment to a run directory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::evaluate::test_figures;
use super::pictures::Pictures;
use super::prepare::{Examples, Prepared, prepare};
use super::{answer, fit_settings, set_threads};
use crate::cli;
use crate::config::Config;
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::model::weights::{self, Network};
use crate::report::text::{figure, table, thousands};
use crate::report::{self, CurvesPicture, MetricsLog, Progress, Receipt};
use crate::run_directory::RunDirectory;
use crate::task::Subset;
use crate::train::{Event, Fitted, fit};

pub fn run(arguments: cli::Train, quiet: bool) -> Result<(), Error> {
    let begun = Instant::now();
    // Everything that can be wrong is found out before the first slow step and the first file.
    let mut config = Config::load(arguments.config.as_deref(), &arguments.overrides)?;
    config.backend = arguments.backend.unwrap_or(config.backend);
    let out = arguments.out.unwrap_or_else(|| default_directory(&config));
    RunDirectory::check_free(&out, arguments.force)?;
    set_threads(arguments.threads);
    let opened = device::open(config.backend)?;
    let prepared = prepare(&config, &opened, Examples::All)?;
    let session = Session {
        begun,
        config,
        opened,
        out,
        force: arguments.force,
        quiet,
        json: arguments.json,
    };
    match prepared {
        Prepared::Autoencoder(network, task) => session.train(network, &task),
        Prepared::Tied(network, task) => session.train(network, &task),
        Prepared::Variational(network, task) => session.train(network, &task),
        Prepared::Classifier(network, task) => session.train(network, &task),
    }
}

/// What one training needs besides its network and task.
struct Session {
    begun: Instant,
    config: Config,
    opened: OpenDevice,
    out: PathBuf,
    force: bool,
    quiet: bool,
    json: bool,
}

impl Session {
    fn train<M: Network, T: Pictures<M>>(&self, network: M, task: &T) -> Result<(), Error> {
        let (config, opened) = (&self.config, &self.opened);
        let initial_weights_sha256 = weights::fingerprint(&network);
        let parameters = network.num_params();
        let examples = task.examples(Subset::Training);
        if !self.quiet {
            let text = introduction(config, opened, parameters, examples);
            let _ = writeln!(std::io::stderr(), "{text}");
        }

        let error_metric = task.error_metric();
        let run = RunDirectory::create(&self.out, config, self.force)?;
        let mut log = MetricsLog::create(&run.metrics(), error_metric)?;
        let mut progress = Progress::new(error_metric, config.train.epochs, examples, self.quiet);
        let fitted = fit(&fit_settings(config), task, network, &mut |event| {
            progress.on(&event);
            match event {
                Event::EpochEnds(epoch) => log.append(epoch),
                _ => Ok(()),
            }
        })?;
        drop(progress);

        let Fitted {
            network,
            history,
            epoch,
        } = fitted;
        run.write_weights(&network, &config.experiment.shape())?;
        let figures = test_figures(&network, task)?;
        let receipt = Receipt::new(
            config,
            opened,
            task.checksums().to_vec(),
            parameters,
            initial_weights_sha256,
            weights::fingerprint(&network),
        );
        let summary = report::summary(config, error_metric, &history, epoch, &figures, &receipt);
        run.write_summary(&summary)?;

        let title = config.title();
        let mut pictures = task.draw(&network, &run, &title)?;
        let curves = CurvesPicture {
            title: &title,
            metric: error_metric,
            curves: &report::curves_of(&history, error_metric),
            floor: task.floor(),
        };
        report::curves(&run.curves(), &curves)?;
        pictures.push(run.curves());
        match self.json {
            true => answer(&format!("{summary:#}\n")),
            false => answer(&result(&summary, &pictures, self.begun.elapsed())),
        }
    }
}

fn default_directory(config: &Config) -> PathBuf {
    Path::new("artifacts").join(&config.name)
}

fn introduction(
    config: &Config,
    opened: &OpenDevice,
    parameters: usize,
    examples: usize,
) -> String {
    format!(
        "{}, {} parameters, {} training examples, {} on {}",
        config.title(),
        thousands(parameters as u64),
        thousands(examples as u64),
        opened.backend.name(),
        opened.description,
    )
}

fn result(summary: &Value, pictures: &[PathBuf], time: Duration) -> String {
    let mut rows = Vec::new();
    if let Some(metrics) = summary["metrics"].as_object() {
        for (name, value) in metrics {
            rows.push([name.clone(), value.as_f64().map_or(String::new(), figure)]);
        }
    }
    let mut text = table(&rows);
    let _ = writeln!(text, "\ndone in {:.1} s; look at", time.as_secs_f64());
    for path in pictures {
        let _ = writeln!(text, "  {}", path.display());
    }
    text
}
