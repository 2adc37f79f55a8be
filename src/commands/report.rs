//! `report`: one HTML file of a run, with its network inside.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::prepare::{Examples, Prepared, load_trained_on, prepare};
use super::{answer, answer_json, open_run};
use crate::apply::Trained;
use crate::baselines::BaselineError;
use crate::cli;
use crate::config::{Config, Experiment};
use crate::data::{ImageSet, Noise};
use crate::device::Backend;
use crate::error::Error;
use crate::evaluate::{
    Evaluator, ImageError, NEIGHBOURS, Neighbours, class_probabilities, code_plane, confusion,
    entropy_nats_per_pixel, mean_image_errors,
};
use crate::files;
use crate::model::{Activation, Codec};
use crate::report::page::{Exhibit, ImageSubject, LookAlikes, Page, PointSubject, Subject};
use crate::report::text::thousands;
use crate::task::{ClassificationTask, Measured, Subset};

/// Test images in the page to play with, and the most bytes that they take.
const DIGITS: usize = 300;
const MOST_DIGIT_BYTES: usize = 300_000;
/// Of them, those whose codes and reconstructions the page must find.
const VECTORS: usize = 16;
/// Images in each exhibit.
const EXHIBITED: usize = 12;
/// Training images whose codes are asked for the class of a test image: all of MNIST's would take a second.
const MOST_ASKED: usize = 20_000;
/// Classes of a table of confusions that can still be read.
const MOST_CONFUSED: usize = 20;
/// Points along each side of the plane whose probabilities the page must find.
const VECTORS_ALONG: usize = 8;

pub fn run(arguments: &cli::Report) -> Result<(), Error> {
    let begun = Instant::now();
    let path = write(arguments)?;
    let bytes = std::fs::metadata(&path).map_err(files::at(&path))?.len();
    let seconds = begun.elapsed().as_secs_f64();
    match arguments.json {
        true => {
            answer_json(&serde_json::json!({ "page": path, "bytes": bytes, "seconds": seconds }))
        }
        false => answer(&format!(
            "{}\n{} kB in {seconds:.1} s; open it in a browser\n",
            path.display(),
            thousands(bytes.div_ceil(1000)),
        )),
    }
}

/// Writes the page of a finished run and gives its place.
///
/// # Errors
/// The run is not finished, its data are not there, or the file cannot be written.
pub fn write(arguments: &cli::Report) -> Result<PathBuf, Error> {
    let (run, config, opened) = open_run(&arguments.run)?;
    let summary = run.summary()?;
    let history = run.history()?;
    let (out, _lock) = match &arguments.out {
        Some(out) => (out.clone(), None),
        None => (run.report(), Some(run.lock_for_writing()?)),
    };
    super::check_out(&out)?;
    let page =
        |config: &Config, subject: Subject<'_>, training_examples| -> Result<String, Error> {
            let precision = arguments
                .weights
                .unwrap_or_else(|| subject.suiting_precision());
            subject.check_rounding(precision)?;
            let page = Page {
                config,
                summary: &summary,
                training_examples,
                history: &history,
                precision,
                subject,
            };
            Ok(page.render())
        };
    let text = match config.experiment.images().cloned() {
        None => {
            let Prepared::Classifier(network, task) = prepare(&config, &opened, Examples::All)?
            else {
                unreachable!("what has no images is a classifier");
            };
            let network = run.load_weights(network)?;
            let examples = task.examples(Subset::Training);
            page(&config, Subject::Points(points(&network, &task)?), examples)?
        }
        Some(data) => {
            let loaded = Trained::of(run, config, opened)?;
            let splits = load_trained_on(&loaded.run, &loaded.config, &data, loaded.input_size)?;
            if !splits.test.in_unit_range() {
                return Err(Error::NoPage(loaded.run.path().to_owned()));
            }
            let subject = images(&loaded, &splits.train, &splits.test)?;
            page(
                &loaded.config,
                Subject::Images(Box::new(subject)),
                splits.train.count(),
            )?
        }
    };
    files::write(&out, text.as_bytes())?;
    Ok(out)
}

fn points<'a>(
    network: &crate::model::Classifier,
    task: &'a ClassificationTask,
) -> Result<PointSubject<'a>, Error> {
    let along = |index: usize| 2.0 * index as f32 / (VECTORS_ALONG - 1) as f32 - 1.0;
    let places = (0..VECTORS_ALONG * VECTORS_ALONG)
        .map(|i| [along(i % VECTORS_ALONG), along(i / VECTORS_ALONG)]);
    let vectors: Vec<f32> = places.flatten().collect();
    let probabilities = class_probabilities(network, &vectors, 2, &task.devices[0])?;
    Ok(PointSubject {
        layers: network.portable()?,
        train: &task.points.train,
        test: &task.points.test,
        classes: probabilities.len() / (vectors.len() / 2),
        vectors,
        probabilities,
    })
}

fn images<'a>(
    loaded: &Trained,
    train: &ImageSet,
    test: &'a ImageSet,
) -> Result<ImageSubject<'a>, Error> {
    let config = &loaded.config;
    let evaluator = loaded.evaluator();
    let network = &*loaded.network;
    let noise = config
        .experiment
        .corruption()
        .map(|corruption| Noise::of_evaluation(corruption, config.seed));
    let error = match config.experiment.minimises_cross_entropy() {
        true => ImageError::CrossEntropy,
        false => ImageError::Squared,
    };
    let mut by_image = evaluator.by_image(network, test, noise.as_ref(), error)?;
    if noise.is_some() {
        // Codes of clean images, whatever the errors are of.
        by_image.codes = evaluator.encode(network, test)?;
    }
    let pixels = test.pixels_per_image();
    let digits = test.one_of_each_class(DIGITS.min(MOST_DIGIT_BYTES / pixels).max(1));
    let vectors = &digits[..digits.len().min(VECTORS)];
    let answers = evaluator.answers(network, &test.gather(vectors), pixels)?;
    let ranked = by_image.ranked();
    let shown = EXHIBITED.min(ranked.len());
    let middle = (ranked.len() - shown) / 2;
    let exhibit = |title, indices: &[usize]| {
        exhibit(title, indices, &evaluator, network, test, noise.as_ref())
    };
    let mut worst = ranked[ranked.len() - shown..].to_vec();
    worst.reverse();
    Ok(ImageSubject {
        network: network.portable()?,
        code_range: code_range(config),
        images: test,
        digits,
        answers,
        exhibits: vec![
            exhibit("Best", &ranked[..shown])?,
            exhibit("Typical", &ranked[middle..middle + shown])?,
            exhibit("Worst", &worst)?,
        ],
        look_alikes: look_alikes(&evaluator, network, train, test, &by_image.codes)?,
        plane: match code_plane(&by_image.codes, loaded.code_size) {
            Ok(plane) => Some(plane),
            // Codes that are not finite, or too wide, have no plane; the rest of the page stands.
            Err(BaselineError::Eigenvalues(_) | BaselineError::TooLarge { .. }) => None,
            Err(error) => return Err(error.into()),
        },
        mean_image: mean_image_errors(train, test),
        entropy: entropy_nats_per_pixel(test),
        by_image,
    })
}

/// The least and the greatest value that a code element can have.
fn code_range(config: &Config) -> (f32, f32) {
    match &config.experiment {
        Experiment::Autoencoder { model, .. } => model.code_activation.range(),
        Experiment::Baseline { model, .. } => model.kind.code_range(),
        Experiment::Variational { .. } | Experiment::Classifier { .. } => {
            Activation::Linear.range()
        }
    }
}

fn exhibit(
    title: &'static str,
    indices: &[usize],
    evaluator: &Evaluator<'_>,
    network: &dyn Codec,
    test: &ImageSet,
    noise: Option<&Noise>,
) -> Result<Exhibit, Error> {
    let mut inputs = test.gather(indices);
    if let Some(noise) = noise {
        noise.apply(&mut inputs, indices);
    }
    let answers = evaluator.answers(network, &inputs, test.pixels_per_image())?;
    Ok(Exhibit {
        title,
        indices: indices.to_vec(),
        corrupted: noise.map(|_| inputs),
        reconstructed: answers.outputs,
    })
}

/// The classes of the training images whose codes are nearest; none without classes.
fn look_alikes(
    evaluator: &Evaluator<'_>,
    network: &dyn Codec,
    train: &ImageSet,
    test: &ImageSet,
    codes: &[f32],
) -> Result<Option<LookAlikes>, Error> {
    let (Some(known), Some(classes)) = (train.labels(), test.labels()) else {
        return Ok(None);
    };
    let asked = train.count().min(MOST_ASKED);
    let first: Vec<usize> = (0..asked).collect();
    let train_codes = evaluator.encode(network, &train.select(&first))?;
    let width = codes.len() / test.count();
    let found = Neighbours::new(&train_codes, width).classify(&known[..asked], codes, NEIGHBOURS);
    let right = found.iter().zip(classes).filter(|(a, b)| a == b).count();
    Ok(Some(LookAlikes {
        neighbours: NEIGHBOURS,
        asked,
        share_right: right as f64 / classes.len().max(1) as f64,
        confusion: confusion(&found, classes, MOST_CONFUSED),
    }))
}

/// For the page of a run that was just trained.
pub fn of_new_run(run: &Path, trained_on: Backend) -> cli::Report {
    cli::Report {
        run: cli::Run {
            run: run.to_owned().into(),
            backend: Some(trained_on),
            overrides: Vec::new(),
        },
        out: None,
        weights: None,
        json: false,
    }
}
