//! `data check`: reads a data set whole and says what is there.

use std::fmt::Write as _;

use serde::Serialize;

use super::{answer, answer_json};
use crate::cli;
use crate::config::{Config, Experiment, Images, Points};
use crate::data::{self, Checksum, ImageSet, Source, Split};
use crate::error::Error;
use crate::evaluate::entropy_nats_per_pixel;
use crate::report::text::{figure, thousands};

/// What is known of one split.
#[derive(Serialize)]
struct Findings {
    split: &'static str,
    images: usize,
    height: usize,
    width: usize,
    /// Images of each class, absent without labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<usize>>,
    mean_pixel: f64,
    /// The least binary cross-entropy that any reconstruction can have.
    entropy_nats_per_pixel: f64,
    files: Vec<Checksum>,
}

pub fn check(arguments: &cli::DataCheck) -> Result<(), Error> {
    let config = Config::load(arguments.config.as_deref(), &arguments.overrides)?;
    match &config.experiment {
        Experiment::Classifier { data, .. } => describe_points(data, config.seed, arguments.json),
        Experiment::Autoencoder { data, .. }
        | Experiment::Variational { data, .. }
        | Experiment::Baseline { data, .. } => check_images(data, arguments.json),
    }
}

/// Points are generated, so there is nothing to check.
fn describe_points(data: &Points, seed: u64, json: bool) -> Result<(), Error> {
    let splits = data.spirals.generate(data.validation, seed);
    let (train, test) = (splits.train.count(), splits.test.count());
    if json {
        let splits = serde_json::json!({
            "seed": seed,
            "train_points": train,
            "validation_points": data.validation,
            "test_points": test,
            "files": splits.checksums,
        });
        return answer_json(&splits);
    }
    let mut text = format!(
        "spirals of {} classes, generated from seed {seed}\n\n{} training points, {} held out, {} test points\n",
        data.spirals.classes,
        thousands(train as u64),
        thousands(data.validation as u64),
        thousands(test as u64),
    );
    for file in &splits.checksums {
        let _ = writeln!(text, "  {}  {}", file.sha256, file.file);
    }
    answer(&text)
}

fn check_images(images: &Images, json: bool) -> Result<(), Error> {
    let directory = data::find_directory(images.path.as_deref())?;
    let mut splits = Vec::new();
    for (name, split) in [("train", Split::Train), ("test", Split::Test)] {
        let (read, files) = data::read_split(images.source, &directory, split)?;
        splits.push(findings(name, &read, files));
    }
    if json {
        let document = serde_json::json!({ "directory": directory, "splits": splits });
        return answer_json(&document);
    }
    let mut text = format!("{}\n", directory.display());
    for split in &splits {
        describe(&mut text, split);
    }
    text.push_str(match images.source {
        Source::Mnist => "\nall files are MNIST's own, by their SHA-256\n",
        Source::Idx => "\nall files are whole\n",
    });
    answer(&text)
}

fn findings(split: &'static str, images: &ImageSet, files: Vec<Checksum>) -> Findings {
    let sum: u64 = images.pixels().iter().copied().map(u64::from).sum();
    Findings {
        split,
        images: images.count(),
        height: images.height(),
        width: images.width(),
        classes: images.labels().map(class_counts),
        mean_pixel: sum as f64 / 255.0 / images.pixels().len() as f64,
        entropy_nats_per_pixel: entropy_nats_per_pixel(images),
        files,
    }
}

/// Images of each class, up to the highest class that occurs.
fn class_counts(labels: &[u8]) -> Vec<usize> {
    let mut counts = Vec::new();
    for &label in labels {
        let class = usize::from(label);
        counts.resize(counts.len().max(class + 1), 0);
        counts[class] += 1;
    }
    counts
}

fn describe(text: &mut String, split: &Findings) {
    let _ = writeln!(
        text,
        "\n{}: {} images of {}×{} pixels",
        split.split,
        thousands(split.images as u64),
        split.height,
        split.width
    );
    match &split.classes {
        Some(counts) => {
            let counts: Vec<_> = counts
                .iter()
                .map(|&count| thousands(count as u64))
                .collect();
            let _ = writeln!(text, "  images by class  {}", counts.join("  "));
        }
        None => text.push_str("  no labels\n"),
    }
    let _ = writeln!(text, "  mean pixel       {}", figure(split.mean_pixel));
    let _ = writeln!(
        text,
        "  pixel entropy    {} nats, the least cross-entropy possible",
        figure(split.entropy_nats_per_pixel)
    );
    for file in &split.files {
        let _ = writeln!(text, "  {}  {}", file.sha256, file.file);
    }
}
