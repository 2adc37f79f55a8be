//! `data check`: reads a data set whole and says what is there.

use std::fmt::Write as _;

use serde::Serialize;

use super::{answer, answer_json, is_quiet, tell_warnings, with_strict};
use crate::cli;
use crate::config::{Config, Experiment, Points};
use crate::data::{
    self, Checksum, ImageSet, Images, Preparation, Scaling, Shape, Source, Unreadable,
    UnreadableExamples,
};
use crate::error::Error;
use crate::evaluate::entropy_nats_per_pixel;
use crate::report::Reading;
use crate::report::text::{figure, thousands};

/// What is known of one split.
#[derive(Serialize)]
struct Findings {
    split: &'static str,
    images: usize,
    #[serde(flatten)]
    shape: Shape,
    /// Images of each class, absent without labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<usize>>,
    /// Of pixels, or numbers after scaling.
    least: f32,
    greatest: f32,
    mean_pixel: f64,
    /// The least binary cross-entropy that any reconstruction can have; absent of numbers that are no probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    entropy_nats_per_pixel: Option<f64>,
    files: Vec<Checksum>,
}

pub fn check(arguments: &cli::DataCheck) -> Result<(), Error> {
    let overrides = with_strict(&arguments.overrides, arguments.strict);
    let config = Config::load(arguments.config.as_deref(), &overrides)?;
    match &config.experiment {
        Experiment::Classifier { data, .. } => describe_points(data, config.seed, arguments.json),
        Experiment::Autoencoder { data, .. }
        | Experiment::Variational { data, .. }
        | Experiment::Baseline { data, .. } => check_images(&config, data, arguments.json),
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

fn check_images(config: &Config, images: &Images, json: bool) -> Result<(), Error> {
    let whole = Images {
        exclude_classes: Vec::new(),
        limit: None,
        test_limit: None,
        validation: 0,
        ..images.clone()
    };
    let mut reading = Reading::new("reading examples", is_quiet());
    let in_unit_range = config.experiment.needs_unit_range();
    let splits = data::load(&whole, in_unit_range, config.seed, &mut |done, total| {
        reading.on(done, total);
    })?;
    drop(reading);
    tell_warnings(&splits.warnings);
    let of_test = |file: &Checksum| file.file.starts_with("t10k") || file.file.starts_with("test");
    let (test_files, train_files) = splits.checksums.iter().cloned().partition(of_test);
    let preparation = &splits.preparation;
    let findings = [
        findings("train", &splits.train, preparation, train_files),
        findings("test", &splits.test, preparation, test_files),
    ];
    let place = match (&images.path, &images.own) {
        (Some(path), Some(_)) => path.clone(),
        (path, _) => data::find_directory(path.as_deref())?,
    };
    if json {
        let document = serde_json::json!({
            "directory": place,
            "splits": findings,
            "preparation": preparation,
            "unreadable": splits.unreadable,
            "unreadable_examples": splits.unreadable.len(),
            "warnings": splits.warnings,
        });
        return answer_json(&document);
    }
    let mut text = format!("{}\n", place.display());
    for split in &findings {
        describe(&mut text, split, preparation);
    }
    text.push_str(&prepared(preparation, &splits.unreadable));
    let needed = preparation.shape.size();
    let network = config.experiment.layer_sizes()[0];
    match images.source {
        Source::Mnist => text.push_str("\nall files are MNIST's own, by their SHA-256\n"),
        Source::Idx => text.push_str("\nall files are whole\n"),
        _ if !splits.unreadable.is_empty() => {}
        _ => text.push_str("\nall examples can be read\n"),
    }
    if needed != network {
        let _ = writeln!(
            text,
            "\na network for them begins with {needed} units; model.encoder begins with {network}"
        );
    }
    answer(&text)
}

/// How examples are made of what the files hold, in words.
fn prepared(preparation: &Preparation, unreadable: &UnreadableExamples) -> String {
    let mut text = String::new();
    match &preparation.scaling {
        Some(Scaling {
            offset,
            scale,
            by_column: false,
        }) => {
            let _ = writeln!(
                text,
                "\nnumbers from {} to {} become 0 to 1",
                offset[0],
                offset[0] + scale[0]
            );
        }
        Some(_) => {
            text.push_str(
                "\neach column is scaled by itself, as the numbers of the training file say\n",
            );
        }
        None => {}
    }
    if let Some(classes) = &preparation.classes {
        let shown = classes[..classes.len().min(MOST_CLASSES)].join(", ");
        let _ = writeln!(text, "\nclasses: {shown}{}", more(classes.len()));
    }
    if !unreadable.is_empty() {
        let _ = writeln!(
            text,
            "\n{} examples cannot be read and are left out:",
            unreadable.len()
        );
        for Unreadable { name, reason } in unreadable {
            let _ = writeln!(text, "  {name}: {reason}");
        }
        if unreadable.not_kept() > 0 {
            let _ = writeln!(text, "  and {} more", unreadable.not_kept());
        }
    }
    text
}

/// Classes that are listed.
const MOST_CLASSES: usize = 100;

/// What follows a list of classes that is cut off.
fn more(classes: usize) -> String {
    match classes.saturating_sub(MOST_CLASSES) {
        0 => String::new(),
        more => format!(" and {} more; --json lists all", thousands(more as u64)),
    }
}

/// Images that are looked at at a time.
const IMAGES_AT_A_TIME: usize = 1000;

fn findings(
    split: &'static str,
    images: &ImageSet,
    preparation: &Preparation,
    files: Vec<Checksum>,
) -> Findings {
    let (mut least, mut greatest, mut sum) = (f32::INFINITY, f32::NEG_INFINITY, 0.0);
    for chunk in images.chunks(IMAGES_AT_A_TIME) {
        for pixel in chunk {
            least = least.min(pixel);
            greatest = greatest.max(pixel);
            sum += f64::from(pixel);
        }
    }
    Findings {
        split,
        images: images.count(),
        shape: images.shape(),
        classes: images.labels().map(class_counts),
        least,
        greatest,
        mean_pixel: sum / (images.count() * images.pixels_per_image()) as f64,
        entropy_nats_per_pixel: preparation
            .in_unit_range
            .then(|| entropy_nats_per_pixel(images)),
        files,
    }
}

/// Images of each class, up to the highest class that occurs.
fn class_counts(labels: &[u32]) -> Vec<usize> {
    let mut counts = Vec::new();
    for &label in labels {
        let class = label as usize;
        counts.resize(counts.len().max(class + 1), 0);
        counts[class] += 1;
    }
    counts
}

fn describe(text: &mut String, split: &Findings, preparation: &Preparation) {
    let count = thousands(split.images as u64);
    let name = split.split;
    let _ = match split.shape.is_row() && preparation.columns.is_some() {
        true => writeln!(
            text,
            "\n{name}: {count} rows of {} numbers",
            split.shape.width
        ),
        false => writeln!(text, "\n{name}: {count} images of {} pixels", split.shape),
    };
    match &split.classes {
        Some(counts) => {
            let shown = counts.iter().take(MOST_CLASSES);
            let shown: Vec<_> = shown.map(|&count| thousands(count as u64)).collect();
            let more = more(counts.len());
            let _ = writeln!(text, "  images by class  {}{more}", shown.join("  "));
        }
        None => text.push_str("  no labels\n"),
    }
    let range = format!(
        "{} to {}",
        figure(split.least.into()),
        figure(split.greatest.into())
    );
    let _ = writeln!(text, "  range            {range}");
    let _ = writeln!(text, "  mean pixel       {}", figure(split.mean_pixel));
    if let Some(entropy) = split.entropy_nats_per_pixel {
        let _ = writeln!(
            text,
            "  pixel entropy    {} nats, the least cross-entropy possible",
            figure(entropy)
        );
    }
    for file in &split.files {
        let _ = writeln!(text, "  {}  {}", file.sha256, file.file);
    }
}
