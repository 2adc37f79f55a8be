//! `data check`: reads a data set whole and says what is there.

use std::fmt::Write as _;

use serde::Serialize;

use super::{answer, answer_json, is_quiet, tell_warnings, with_strict};
use crate::cli;
use crate::config::{Config, Experiment, Points};
use crate::data::{
    self, Background, Checksum, Depth, GreyWeights, ImageSet, Images, Preparation, Scaling, Shape,
    Source, Unreadable, UnreadableExamples,
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
    /// Numbers of an example that are the same in all examples.
    constant_columns: usize,
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
    let mut warnings = splits.warnings.clone();
    if let Err(error) = splits.check_variety(images) {
        // Looking at such data is possible, training on them is not.
        warnings.push(format!("{error}; {}", error.hint()));
    }
    warnings.extend(splits.inspect(images, config.experiment.output_range())?);
    tell_warnings(&warnings);
    let split_of = |file: &Checksum| {
        let words = ["t10k-", "test-images", "test-labels", "test examples"];
        match &file.file {
            name if words.iter().any(|word| name.contains(word)) => "test",
            name if name == "validation examples" => "validation",
            _ => "train",
        }
    };
    let preparation = &splits.preparation;
    let mut sets = vec![("train", &splits.train), ("test", &splits.test)];
    sets.extend(splits.validation.as_ref().map(|set| ("validation", set)));
    let findings: Vec<Findings> = sets
        .into_iter()
        .map(|(name, set)| {
            let files = splits
                .checksums
                .iter()
                .filter(|file| split_of(file) == name);
            findings(name, set, preparation, files.cloned().collect())
        })
        .collect();
    let place = match &images.path {
        Some(path) => path.clone(),
        None => data::find_directory(None)?,
    };
    if json {
        let document = serde_json::json!({
            "directory": place,
            "splits": findings,
            "preparation": preparation,
            "unreadable": splits.unreadable,
            "unreadable_examples": splits.unreadable.len(),
            "scaled_by": splits.scaled_by,
            "decisions": splits.decisions,
            "warnings": warnings,
        });
        return answer_json(&document);
    }
    let mut text = format!("{}\n", place.display());
    for split in &findings {
        describe(&mut text, split, preparation);
    }
    if !splits.decisions.is_empty() {
        let _ = writeln!(text, "\n{}", splits.decisions.join("\n"));
    }
    text.push_str(&prepared(preparation, splits.scaled_by, &splits.unreadable));
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
fn prepared(
    preparation: &Preparation,
    scaled_by: Option<usize>,
    unreadable: &UnreadableExamples,
) -> String {
    let mut text = String::new();
    if preparation.depth.is_some() {
        text.push_str(&conversion(preparation));
    }
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
            let rows = scaled_by.map_or_else(String::new, |rows| thousands(rows as u64) + " ");
            let _ = writeln!(
                text,
                "\neach column is scaled by the {rows}training rows; rows set aside for testing have no influence"
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

/// The end of a truncated list of classes.
fn more(classes: usize) -> String {
    match classes.saturating_sub(MOST_CLASSES) {
        0 => String::new(),
        more => format!(" and {} more; --json lists all", thousands(more as u64)),
    }
}

/// Describes how images are converted.
fn conversion(preparation: &Preparation) -> String {
    let fit = &preparation.fit;
    let mut text = String::new();
    let samples = match preparation.depth {
        Some(Depth::Sixteen) => "16-bit samples",
        Some(Depth::Numbers) => "floating-point or signed samples",
        _ => "8-bit samples",
    };
    let colours = match fit.grey_weights {
        Some(GreyWeights::Rec601) => "greys by Rec. 601: 0.299 red + 0.587 green + 0.114 blue",
        Some(GreyWeights::Rec709) => "greys by Rec. 709: 0.2126 red + 0.7152 green + 0.0722 blue",
        None => "colours",
    };
    let background = match fit.background {
        Some(Background::WHITE) => "white".to_owned(),
        Some(Background::BLACK) => "black".to_owned(),
        Some(Background(colour)) => format!("{colour:?}"),
        None => "ignored".to_owned(),
    };
    let _ = writeln!(
        text,
        "\n{samples}; {colours}; transparent pixels show {background}"
    );
    text
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
        constant_columns: data::constant_columns(images),
        // Test examples may be beyond the range of the training examples.
        entropy_nats_per_pixel: (preparation.in_unit_range && least >= 0.0 && greatest <= 1.0)
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
    if split.constant_columns > 0 {
        let _ = writeln!(
            text,
            "  constant         {} of {} numbers are the same in all examples",
            thousands(split.constant_columns as u64),
            thousands(split.shape.size() as u64)
        );
    }
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
