//! `train`: an experiment to a run directory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use serde_json::Value;

use super::{answer, check_width, evaluate, evaluation_batch, load_data, reconstruct};
use crate::cli;
use crate::config::Config;
use crate::data::ImageSet;
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::evaluate::{Evaluator, Scope, entropy_nats_per_pixel};
use crate::model::{Autoencoder, weights};
use crate::objective::Reconstruction;
use crate::report::text::{figure, table, thousands};
use crate::report::{self, MetricsLog, Progress, Receipt};
use crate::run_directory::RunDirectory;
use crate::train::{Event, Fit, Fitted, fit};

/// Test images in `reconstructions.png`: one of each digit.
const SHOWN: usize = 10;

pub fn run(arguments: cli::Train, quiet: bool) -> Result<(), Error> {
    let begun = Instant::now();
    // Everything that can be wrong is found out before the first slow step and the first file.
    let mut config = Config::load(arguments.config.as_deref(), &arguments.overrides)?;
    config.backend = arguments.backend.unwrap_or(config.backend);
    let out = arguments.out.unwrap_or_else(|| default_directory(&config));
    RunDirectory::check_free(&out, arguments.force)?;
    set_threads(arguments.threads);
    let opened = device::open(config.backend)?;
    let data = load_data(&config)?;
    check_width(&config, (data.train.height(), data.train.width()))?;

    let model = Autoencoder::new(&config.model, config.seed, &opened.device);
    let initial_weights_sha256 = weights::fingerprint(&model);
    let parameters = model.num_params();
    if !quiet {
        let text = introduction(&config, &opened, parameters, data.train.count());
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    let reconstruction = config.objective.reconstruction;
    let run = RunDirectory::create(&out, &config, arguments.force)?;
    let mut log = MetricsLog::create(&run.metrics(), reconstruction)?;
    let images = data.train.count();
    let mut progress = Progress::new(reconstruction, config.train.epochs, images, quiet);
    let settings = fit_settings(&config, &opened, data.train.pixels().len());
    let fitted = fit(&settings, model, &data, &opened.device, &mut |event| {
        progress.on(&event);
        match event {
            Event::EpochEnds(epoch) => log.append(epoch),
            _ => Ok(()),
        }
    })?;

    let Fitted {
        model,
        history,
        epoch,
    } = fitted;
    run.write_weights(&model, &config)?;
    let evaluator = Evaluator {
        device: &opened.device,
        batch_size: settings.evaluation_batch,
        scope: Scope::Full,
    };
    let figures = evaluate::figures(&config, &evaluator, &model, &data.test)?;
    let receipt = Receipt::new(
        &config,
        &opened,
        data.checksums.clone(),
        parameters,
        initial_weights_sha256,
        weights::fingerprint(&model),
    );
    let summary = report::summary(&config, &history, epoch, figures, &receipt);
    run.write_summary(&summary)?;

    let shown = data.test.select(&data.test.one_of_each_class(SHOWN));
    let title = title(&config);
    let noise = config.evaluation_noise();
    reconstruct::draw(
        &run.reconstructions(),
        &title,
        &evaluator,
        &model,
        &shown,
        noise.as_ref(),
    )?;
    let floor = (reconstruction == Reconstruction::BinaryCrossEntropy)
        .then(|| entropy_nats_per_pixel(&data.test));
    report::curves(&run.curves(), &title, reconstruction, &history, floor)?;
    draw_code(&run, &title, &config, &evaluator, &model, &data.test)?;

    match arguments.json {
        true => answer(&format!("{summary:#}\n")),
        false => answer(&result(&summary, &run, begun.elapsed().as_secs_f64())),
    }
}

fn default_directory(config: &Config) -> PathBuf {
    Path::new("artifacts").join(&config.name)
}

/// Bounds the threads of the CPU backends: Flex and the evaluation share rayon's pool.
fn set_threads(threads: Option<u16>) {
    if let Some(threads) = threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
        // Refused only when the pool exists already, which nothing before this makes.
        let _ = pool.build_global();
    }
}

fn fit_settings(config: &Config, opened: &OpenDevice, train_pixels: usize) -> Fit {
    let train_bytes = (train_pixels * size_of::<f32>()) as u64;
    Fit {
        seed: config.seed,
        epochs: config.train.epochs,
        batch_size: config.train.batch_size,
        optimizer: config.train.optimizer,
        schedule: config.train.schedule,
        warmup_steps: config.train.warmup_steps,
        clip_gradient_norm: config.train.clip_gradient_norm,
        early_stopping: config.train.early_stopping,
        reconstruction: config.objective.reconstruction,
        sparsity: config.objective.sparsity,
        corruption: config.objective.corruption,
        keep_resident: opened.keeps(train_bytes),
        evaluation_batch: evaluation_batch(config, opened),
    }
}

/// Draws what the code looks like on the test images, and what each of its units adds to the
/// decoder's drawing when it alone is on, at the root mean square of its values.
fn draw_code(
    run: &RunDirectory,
    title: &str,
    config: &Config,
    evaluator: &Evaluator<'_>,
    model: &Autoencoder,
    images: &ImageSet,
) -> Result<(), Error> {
    let units = config.model.code_size();
    let shown = units.min(report::MOST_UNITS);
    let codes = evaluator.encode(model, images)?;
    let mut squares = vec![0.0; shown];
    for code in codes.chunks_exact(units) {
        for (sum, &element) in squares.iter_mut().zip(code) {
            *sum += f64::from(element).powi(2);
        }
    }
    // One code a unit, and one with all units off to compare with.
    let mut alone = vec![0.0; (shown + 1) * units];
    for (unit, sum) in squares.iter().enumerate() {
        alone[unit * units + unit] = (sum / images.count() as f64).sqrt() as f32;
    }
    let drawings = evaluator.decode(model, &alone, units)?;
    let (on, off) = drawings.split_at(shown * images.pixels_per_image());
    let picture = report::CodePicture {
        title,
        codes: &codes,
        on,
        off,
        image_size: (images.height(), images.width()),
    };
    Ok(report::code(&run.code(), &picture)?)
}

fn title(config: &Config) -> String {
    format!("{}: {}", config.name, config.model.shape())
}

fn introduction(config: &Config, opened: &OpenDevice, parameters: usize, images: usize) -> String {
    format!(
        "{}, {} parameters, {} images, {} on {}",
        title(config),
        thousands(parameters as u64),
        thousands(images as u64),
        opened.backend.name(),
        opened.description,
    )
}

fn result(summary: &Value, run: &RunDirectory, seconds: f64) -> String {
    let mut rows = Vec::new();
    if let Some(metrics) = summary["metrics"].as_object() {
        for (name, value) in metrics {
            rows.push([name.clone(), value.as_f64().map_or(String::new(), figure)]);
        }
    }
    let mut text = table(&rows);
    let _ = writeln!(text, "\ndone in {seconds:.1} s; look at");
    for path in [run.reconstructions(), run.curves(), run.code()] {
        let _ = writeln!(text, "  {}", path.display());
    }
    text
}
