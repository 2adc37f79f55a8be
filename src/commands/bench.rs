//! `bench`: how fast training is on this machine.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use burn::module::Module;
use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, Median};

use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json, fit_settings, set_threads, training};
use crate::cli;
use crate::config::{Config, Train};
use crate::device::{self, Backend};
use crate::error::Error;
use crate::report::text::{figure, table, thousands};
use crate::task::{Subset, Task};
use crate::train::{Event, fit};
use crate::workers;

pub fn run(arguments: &cli::Bench, quiet: bool) -> Result<(), Error> {
    let config = Config::load(arguments.config.as_deref(), &arguments.overrides)?;
    if !arguments.images.is_empty() && config.experiment.images().is_none() {
        return Err(Error::NoImages);
    }
    let combinations = combinations(arguments, &config, training(&config)?);
    for combination in &combinations {
        combination.check(arguments)?;
    }
    let measurements = match combinations[..] {
        [combination] => vec![measure(config, combination, arguments.epochs)?],
        _ => {
            let mut measurements = Vec::new();
            for combination in combinations {
                if !quiet {
                    let _ = writeln!(io::stderr(), "{}", combination.described());
                }
                measurements.extend(in_a_process_of_its_own(arguments, combination)?);
            }
            measurements
        }
    };
    if arguments.json {
        let document = serde_json::json!(measurements);
        return answer_json(&document);
    }
    answer(&text(&measurements))
}

/// What one measurement is of.
#[derive(Clone, Copy, Debug)]
struct Combination {
    backend: Backend,
    batch_size: usize,
    shards: usize,
    threads: Option<u16>,
    width: u16,
    /// Made up, instead of the config's.
    images: Option<u32>,
}

/// What one measurement found.
#[derive(Debug, Deserialize, Serialize)]
struct Measurement {
    backend: String,
    batch_size: usize,
    shards: usize,
    threads: usize,
    width: u16,
    images: usize,
    parameters: usize,
    first_epoch_seconds: f64,
    /// Of the epochs that count.
    epoch_seconds: Vec<f64>,
    /// In the median epoch.
    images_per_second: f64,
    /// Floating-point operations of the matrix products alone, in billions a second.
    gflops: f64,
    /// Of large matrix products on the same threads, where it can be measured.
    peak_gflops: Option<f64>,
    fraction_of_peak: Option<f64>,
    /// After all epochs.
    test_bce_nats_per_pixel: Option<f64>,
}

fn combinations(arguments: &cli::Bench, config: &Config, train: &Train) -> Vec<Combination> {
    fn options<T: Copy, U>(given: &[T], default: U, option: impl Fn(T) -> U) -> Vec<U> {
        match given {
            [] => vec![default],
            _ => given.iter().map(|&each| option(each)).collect(),
        }
    }
    let mut combinations = Vec::new();
    for &backend in &options(&arguments.backend, config.backend, |backend| backend) {
        for &threads in &options(&arguments.threads, None, Some) {
            for &width in &options(&arguments.width, 1, |width| width) {
                for &images in &options(&arguments.images, None, Some) {
                    for &batch_size in &options(&arguments.batch_size, train.batch_size, |size| {
                        size as usize
                    }) {
                        let shards = options(&arguments.shards, train.shards, usize::from);
                        combinations.extend(shards.into_iter().map(|shards| Combination {
                            backend,
                            batch_size,
                            shards,
                            threads,
                            width,
                            images,
                        }));
                    }
                }
            }
        }
    }
    combinations
}

impl Combination {
    /// Whether it is an experiment, as if the config said so.
    fn check(&self, arguments: &cli::Bench) -> Result<(), Error> {
        let mut overrides = arguments.overrides.clone();
        overrides.push(format!("train.batch_size={}", self.batch_size));
        overrides.push(format!("train.shards={}", self.shards));
        Config::load(arguments.config.as_deref(), &overrides)?;
        Ok(())
    }

    fn described(&self) -> String {
        let mut text = format!("{}, batch {}", self.backend.name(), self.batch_size);
        if self.shards != 1 {
            text += &format!(", {} shards", self.shards);
        }
        if let Some(threads) = self.threads {
            text += &format!(", threads {threads}");
        }
        if self.width != 1 {
            text += &format!(", {} times as wide", self.width);
        }
        if let Some(images) = self.images {
            text += &format!(", {} made-up images", thousands(images.into()));
        }
        text
    }
}

/// The number of threads is set once in a process, and what one measurement leaves in memory must not
/// help or hinder the next.
fn in_a_process_of_its_own(
    arguments: &cli::Bench,
    combination: Combination,
) -> Result<Vec<Measurement>, Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--json", "--quiet"]);
    command.args(["--backend", combination.backend.name()]);
    command.args(["--batch-size", &combination.batch_size.to_string()]);
    command.args(["--shards", &combination.shards.to_string()]);
    command.args(["--width", &combination.width.to_string()]);
    command.args(["--epochs", &arguments.epochs.to_string()]);
    if let Some(threads) = combination.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    if let Some(images) = combination.images {
        command.args(["--images", &images.to_string()]);
    }
    if let Some(config) = &arguments.config {
        command.arg("--config").arg(config);
    }
    for setting in &arguments.overrides {
        command.args(["--set", setting]);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).map_err(io::Error::from)?),
        false => Err(Error::Measurement(combination.described())),
    }
}

fn measure(
    mut config: Config,
    combination: Combination,
    epochs: u16,
) -> Result<Measurement, Error> {
    config.backend = combination.backend;
    let train = config.train.as_mut().ok_or(Error::NotTrained)?;
    train.batch_size = combination.batch_size;
    train.shards = combination.shards;
    train.epochs = usize::from(epochs) + 1;
    train.early_stopping = None;
    config.experiment.widen(combination.width.into());
    set_threads(combination.threads);
    let opened =
        device::open(config.backend)?.with_workers(combination.shards.min(workers::threads()));
    let examples = match combination.images {
        None => Examples::All,
        Some(images) => Examples::MadeUp(images as usize),
    };
    let peak_gflops = peak_gflops(config.backend);
    let made = match prepare(&config, &opened, examples)? {
        Prepared::Autoencoder(network, task) => time(&config, network, &task),
        Prepared::Tied(network, task) => time(&config, network, &task),
        Prepared::Variational(network, task) => time(&config, network, &task),
        Prepared::Classifier(network, task) => time(&config, network, &task),
        Prepared::Baseline(..) => return Err(Error::NotTrained),
    }?;
    let images_per_second = made.examples as f64 / median(&made.epoch_seconds);
    let operations = config.experiment.operations_per_example() as f64;
    let gflops = images_per_second * operations / 1e9;
    Ok(Measurement {
        backend: config.backend.name().into(),
        batch_size: combination.batch_size,
        shards: combination.shards,
        threads: workers::threads(),
        width: combination.width,
        images: made.examples,
        parameters: made.parameters,
        first_epoch_seconds: made.first_epoch_seconds,
        epoch_seconds: made.epoch_seconds,
        images_per_second,
        gflops,
        peak_gflops,
        fraction_of_peak: peak_gflops.map(|peak| gflops / peak),
        test_bce_nats_per_pixel: made.test_bce.filter(|_| combination.images.is_none()),
    })
}

/// Of the processor; that of a graphics card is not measured.
fn peak_gflops(backend: Backend) -> Option<f64> {
    #[cfg(feature = "flex")]
    if !backend.is_accelerator() {
        return Some(crate::kernels::peak_gflops());
    }
    let _ = backend;
    None
}

struct Timed {
    examples: usize,
    parameters: usize,
    first_epoch_seconds: f64,
    epoch_seconds: Vec<f64>,
    test_bce: Option<f64>,
}

fn time<M: Module, T: Task<M>>(config: &Config, network: M, task: &T) -> Result<Timed, Error> {
    let parameters = network.num_params();
    let mut seconds = Vec::new();
    let mut test_bce = None;
    let settings = fit_settings(config.seed, training(config)?);
    fit(&settings, task, network, &mut |event| {
        if let Event::EpochEnds(epoch) = event {
            seconds.push(epoch.train_seconds);
            test_bce = epoch.test.get("bce_nats_per_pixel");
        }
    })?;
    Ok(Timed {
        examples: task.examples(Subset::Training),
        parameters,
        first_epoch_seconds: seconds.remove(0),
        epoch_seconds: seconds,
        test_bce,
    })
}

fn median(values: &[f64]) -> f64 {
    Data::new(values.to_vec()).median()
}

fn text(measurements: &[Measurement]) -> String {
    let mut rows = vec![
        [
            "backend", "threads", "batch", "shards", "width", "images", "seconds", "images/s",
            "GFLOP/s", "of peak",
        ]
        .map(String::from),
    ];
    rows.extend(measurements.iter().map(|each| {
        [
            each.backend.clone(),
            each.threads.to_string(),
            each.batch_size.to_string(),
            each.shards.to_string(),
            each.width.to_string(),
            thousands(each.images as u64),
            figure(median(&each.epoch_seconds)),
            thousands(each.images_per_second as u64),
            figure(each.gflops),
            match each.fraction_of_peak {
                None => String::new(),
                Some(fraction) => format!("{:.0} %", 100.0 * fraction),
            },
        ]
    }));
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    /// 208,896 weights, of which the first 100,352 need no gradient of their input.
    #[test]
    fn the_lectures_network_takes_a_megaflop_an_image() {
        let mut experiment = Config::load(None, &[]).unwrap().experiment;
        assert_eq!(
            experiment.operations_per_example(),
            6 * 208_896 - 2 * 100_352
        );
        experiment.widen(2);
        let weights = 2 * (784 * 256 + 256 * 64);
        assert_eq!(
            experiment.operations_per_example(),
            6 * weights - 2 * 784 * 256
        );
        assert_eq!(experiment.shape(), "784-256-64-256-784");
    }
}
