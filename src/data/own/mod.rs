//! The splits of data that a user brings: pictures, arrays and tables.

mod classes;
mod parts;
mod scaling;
mod unreadable;

use std::path::Path;

use crate::data::images::ImageSet;
use crate::data::input::{Notes, Watch};
use crate::data::preparation::{Preparation, Unsuitable};
use crate::data::selection::{Images, Own};
use crate::data::shape::Shape;
use crate::data::source::{Checksum, DataError, ExampleNames, Splits, names_at};
use crate::memory;
use crate::random::{self, Purpose};
use classes::class_names;
use parts::{Part, Parts};
use scaling::preparation;

pub use unreadable::{MOST_UNREADABLE, by_cause, check_unreadable};

/// Reads both splits.
///
/// # Errors
/// As [`super::load`].
pub fn load(
    wanted: &Images,
    own: &Own,
    in_unit_range: bool,
    keep_names: bool,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    let path = wanted.path.clone().unwrap_or_default();
    let parts = Parts::find(wanted.source, &path, own)?;
    let preparation = preparation(&parts, own, in_unit_range, watch)?;
    if let Some(test) = &parts.test
        && test.input.column_names() != parts.train.input.column_names()
    {
        return Err(DataError::Unsuitable {
            path: test.path.clone(),
            problem: "has other columns than the training examples, or in another order".into(),
            hint: format!(
                "give {}",
                parts
                    .train
                    .input
                    .column_names()
                    .unwrap_or_default()
                    .join(", ")
            ),
        });
    }
    let budget = match own.memory_budget_mb {
        Some(megabytes) => megabytes as u64 * 1_000_000,
        None => memory::most_bytes(),
    };
    let mut unreadable = Vec::new();
    let mut read = |part: &Part, what: &str| {
        let read = part.read(&preparation, budget, keep_names, watch)?;
        part.check_unreadable(own, &read.unreadable, read.seen)?;
        unreadable.extend(read.unreadable);
        if own.strict && !unreadable.is_empty() {
            return Err(DataError::Unreadable {
                unreadable: std::mem::take(&mut unreadable),
                examples: read.seen,
            });
        }
        let checksum = Checksum {
            file: what.to_owned(),
            sha256: read.sha256,
        };
        Ok((read.examples, read.classes, read.names, checksum))
    };
    let (train, classes, train_names, checksum) = read(&parts.train, "examples")?;
    let mut checksums = vec![checksum];
    let test = match &parts.test {
        None => None,
        Some(test) => {
            let (examples, classes, names, checksum) = read(test, "test examples")?;
            checksums.push(checksum);
            Some((examples, classes, names))
        }
    };
    let test_classes = test.as_ref().and_then(|(_, classes, _)| classes.as_ref());
    let names = class_names(&path, [classes.as_ref(), test_classes])?;
    let labelled = |examples: ImageSet, classes: Option<Vec<String>>| {
        let labels = classes
            .zip(names.as_ref())
            .map(|(classes, names)| names.labels(&classes));
        examples.with_labels(labels)
    };
    let train = labelled(train, classes);
    let (train, test, train_names, test_names) = match test {
        Some((test, classes, names)) => (train, labelled(test, classes), train_names, names),
        None => {
            let (kept, test) = split(train.count(), own.test_fraction, &path)?;
            let names = |places: &[usize]| names_at(&train_names, places);
            (
                train.select(&kept),
                train.select(&test),
                names(&kept),
                names(&test),
            )
        }
    };
    Ok(Splits {
        train,
        validation: None,
        test,
        checksums,
        preparation: Preparation {
            classes: names.and_then(|names| names.names),
            ..preparation
        },
        unreadable,
        notes: notes(&parts),
        names: ExampleNames {
            train: train_names,
            validation: Vec::new(),
            test: test_names,
        },
    })
}

/// How the inputs were understood, each under its path.
fn notes(parts: &Parts) -> Notes {
    let mut notes = Notes::default();
    for part in std::iter::once(&parts.train).chain(&parts.test) {
        let Notes {
            decisions,
            warnings,
        } = part.input.notes().at(&part.path);
        notes.decisions.extend(decisions);
        notes.warnings.extend(warnings);
    }
    notes
}

/// What is wrong with a number, and what to do.
pub fn describe(
    found: &Unsuitable,
    first: usize,
    preparation: &Preparation,
    shape: Shape,
) -> (String, String) {
    let Unsuitable { place, number } = *found;
    let example = first + place / shape.size();
    let place = place % shape.size();
    let of = match preparation
        .columns
        .as_ref()
        .and_then(|names| names.get(place))
    {
        Some(name) => format!("column `{name}`"),
        None => format!("number {place}"),
    };
    let range = match &preparation.scaling {
        Some(scaling) if !scaling.by_column => {
            (scaling.offset[0], scaling.offset[0] + scaling.scale[0])
        }
        _ => (0.0, 1.0),
    };
    let (low, high) = range;
    match number.is_finite() {
        false => (
            format!("{of} of example {example} is not finite ({number})"),
            "replace what is missing, or leave such examples out".into(),
        ),
        true => (
            format!(
                "{of} of example {example} is {number}; this network takes numbers from {low} to {high}, or pictures"
            ),
            format!(
                "scale them: `(x - x.min()) / (x.max() - x.min())` goes from 0 to 1; training data from {low} to {high} were expected"
            ),
        ),
    }
}

/// Takes a share of the examples for tests, always the same ones: the places of those for training, and of those for tests.
fn split(count: usize, fraction: f64, path: &Path) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    if count < 2 {
        return Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem: "holds one example".into(),
            hint: "training and testing need one each; give more, or data.test_path".into(),
        });
    }
    let test = ((count as f64 * fraction).round() as usize).clamp(1, count - 1);
    // Whatever the run's seed: runs are compared on the same examples.
    let mut order = random::permutation(count, random::stream(0, Purpose::Split, 1, 0));
    let mut train = order.split_off(test);
    train.sort_unstable();
    order.sort_unstable();
    Ok((train, order))
}
