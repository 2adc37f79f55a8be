//! What a run leaves when its network is as it will be.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::evaluate::final_figures;
use super::pictures::Pictures;
use super::warn;
use crate::config::{Config, Experiment};
use crate::data::Checksum;
use crate::device::OpenDevice;
use crate::environment::Environment;
use crate::error::Error;
use crate::evaluate::Figures;
use crate::model::weights::{self, Network};
use crate::report::text::{figure, table};
use crate::report::{self, CurvesPicture, Receipt};
use crate::run_directory::RunDirectory;
use crate::signals::Interruption;
use crate::task::Measured;
use crate::train::Fitted;
use crate::train::checkpoint::Origin;
use crate::workers;

/// What is known of a run besides its network.
pub struct Conclusion<'a> {
    pub config: &'a Config,
    pub run: &'a RunDirectory,
    pub origin: Origin,
    pub parameters: usize,
    /// The file that the weights come from, if they were not trained here.
    pub imported: Option<Checksum>,
    pub interruption: Interruption,
}

impl Conclusion<'_> {
    /// Writes weights, pictures and the summary; gives the summary and where the pictures are.
    ///
    /// # Errors
    /// A file cannot be written, the device fails, or it was interrupted.
    pub fn write<M: Network, T: Pictures<M>>(
        self,
        task: &T,
        fitted: Fitted<M>,
    ) -> Result<(Value, Vec<PathBuf>), Error> {
        let Self {
            config,
            run,
            origin,
            parameters,
            imported,
            interruption,
        } = self;
        let Fitted {
            network,
            history,
            epoch,
        } = fitted;
        // Until here the figures of a finished run that is trained on are those of its weights.
        run.remove_summary()?;
        run.write_weights(&network, &config.experiment.shape())?;
        let title = config.title();
        let error_metric = task.error_metric();
        let mut pictures = task.draw(&network, run, &title)?;
        // What has a closed form, or comes from elsewhere, has no course to be drawn.
        if history.len() > 1 || (config.train.is_some() && !history.is_empty()) {
            let curves = CurvesPicture {
                title: &title,
                metric: error_metric,
                curves: &report::curves_of(&history, error_metric),
                floor: task.floor(),
            };
            report::curves(&run.curves(), &curves)?;
            pictures.push(run.curves());
        }
        if interruption.is_requested() {
            return Err(Error::Interrupted {
                place: "the last epoch".into(),
                run: run.path().to_owned(),
            });
        }

        if let Some(preparation) = task.preparation() {
            run.write_preparation(preparation)?;
        }
        let figures = final_figures(&network, task)?;
        if let Some(warning) = constant_code(config, &figures) {
            warn(&warning);
        }
        if let Some(errors) = task.training_errors(&network)? {
            run.write_training_errors(&errors)?;
        }
        let receipt = Receipt {
            environment: origin.environment,
            threads: workers::threads(),
            seed: config.seed,
            config_sha256: run.config_sha256()?,
            data: origin.data,
            parameters,
            initial_weights_sha256: origin.initial_weights_sha256,
            weights_sha256: weights::fingerprint(&network)?,
            files: run.checksums()?,
            resumed: origin.resumed,
            imported,
            started_from: origin.started_from,
        };
        let summary = report::summary(config, error_metric, &history, epoch, &figures, &receipt);
        run.write_summary(&summary)?;
        Ok((summary, pictures))
    }
}

/// Returns the warning about code units that say nothing about the example, if there are some.
fn constant_code(config: &Config, figures: &Figures) -> Option<String> {
    let code_size = config.experiment.code_size()?;
    let constant = figures.get("test_code_constant_units").unwrap_or(0.0) as usize;
    let remedy = match &config.experiment {
        Experiment::Autoencoder { .. } => {
            "model.code_activation = \"leaky_relu\" or \"linear\", or a lower train.optimizer.learning_rate, keeps units alive"
        }
        Experiment::Variational { .. } => {
            "a lower objective.kl_weight or train.optimizer.learning_rate keeps units alive"
        }
        _ => "look at the data with `hourglass data check`",
    };
    match constant {
        0 => None,
        _ if constant < code_size => Some(format!(
            "{constant} of {code_size} code units are the same for all test examples, so they carry no information"
        )),
        _ => Some(format!(
            "the code is the same for all test examples, so reconstructions do not depend on the input; {remedy}"
        )),
    }
}

/// What is known of a run that begins now.
///
/// # Errors
/// The device fails.
pub fn origin<M: Network, T: Measured<M>>(
    opened: &OpenDevice,
    task: &T,
    network: &M,
) -> Result<Origin, Error> {
    Ok(Origin {
        environment: Environment::new(opened),
        data: task.checksums().to_vec(),
        initial_weights_sha256: weights::fingerprint(network)?,
        resumed: Vec::new(),
        started_from: None,
    })
}

/// The outcome of a run for users: its metrics, its directory and the files to open.
pub fn result(summary: &Value, pictures: &[PathBuf], time: Duration) -> String {
    let mut rows = Vec::new();
    if let Some(metrics) = summary["metrics"].as_object() {
        for (name, value) in metrics {
            rows.push([name.clone(), value.as_f64().map_or(String::new(), figure)]);
        }
    }
    let mut text = table(&rows);
    if let Some(steps) = summary["skipped_steps"].as_u64().filter(|&steps| steps > 0) {
        let _ = writeln!(
            text,
            "\n{steps} steps were left out because something in them was not finite"
        );
    }
    let run = summary["run"].as_str().unwrap_or_default();
    let _ = writeln!(text, "\ndone in {:.1} s: {run}", time.as_secs_f64());
    for path in pictures {
        let _ = writeln!(text, "  {}", path.display());
    }
    text
}
