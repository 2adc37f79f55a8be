//! The splits of data that a user brings: pictures, arrays and tables.

mod classes;
mod folders;
mod labels;
mod parts;
mod pictures;
mod scaling;
mod unreadable;

use std::path::Path;

use crate::data::error::DataError;
use crate::data::images::ImageSet;
use crate::data::input::{Input, UnreadableExamples, Watch};
use crate::data::preparation::Preparation;
use crate::data::selection::{Images, Own};
use crate::data::source::{Checksum, ExampleNames, Splits, names_at};
use crate::data::warnings::Warnings;
use crate::memory;
use crate::random::{self, Purpose};
use classes::{are_classes, class_names};
use labels::Classes;
use parts::{Part, Parts};
use scaling::{Found, preparation};

pub use unreadable::{MOST_UNREADABLE, check_unreadable};

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
    let warnings = Warnings::default();
    let parts = Parts::find(wanted.source, &path, own, &warnings)?;
    let Found { preparation, rows } = preparation(&parts, own, in_unit_range, watch)?;
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
    let mut unreadable = UnreadableExamples::new();
    let mut read = |part: &Part, what: &str| {
        let read = part.read(&preparation, budget, &warnings, keep_names, watch)?;
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
    let (train, mut classes, train_names, checksum) = read(&parts.train, "examples")?;
    let mut checksums = vec![checksum];
    if let Input::Pictures(pictures) = &parts.train.input {
        pictures.warn_of_range();
    }
    let mut other = |part: &Option<Part>, what: &str| -> Result<_, DataError> {
        let Some(part) = part else { return Ok(None) };
        let (examples, classes, names, checksum) = read(part, what)?;
        checksums.push(checksum);
        Ok(Some((examples, classes, names)))
    };
    let validation = other(&parts.validation, "validation examples")?;
    let mut test = other(&parts.test, "test examples")?;
    let decisions = understood(&parts, &warnings);
    if let Some((validation, ..)) = &validation
        && validation.shape() != train.shape()
    {
        return Err(DataError::Unsuitable {
            path: parts.validation.map_or(path, |part| part.path),
            problem: format!(
                "holds images of {}, but the training images are {}",
                validation.shape(),
                train.shape()
            ),
            hint: "resize all images with data.resize".into(),
        });
    }
    let are_others = |classes: &mut Classes| !are_classes(&classes.labels);
    if let Some(Classes {
        found: Some(array),
        labels,
    }) = classes.take_if(|classes| classes.found.is_some() && are_others(classes))
    {
        let number = labels.names().len();
        warnings.add(format!(
            "{}: array `{array}` has {number} values in {} examples and is not used as classes; data.labels = \"{array}\" uses it",
            path.display(),
            labels.len()
        ));
        // Those of the test examples are the same.
        if let Some((_, classes, _)) = &mut test {
            classes.take_if(|classes| classes.found.is_some());
        }
    }
    let names = {
        let of = |split: &'_ Option<(ImageSet, Option<Classes>, Vec<String>)>| {
            let (_, classes, _) = split.as_ref()?;
            classes.as_ref().map(|classes| classes.labels.clone())
        };
        let (validation, test) = (of(&validation), of(&test));
        let train = classes.as_ref().map(|classes| &classes.labels);
        class_names([train, validation.as_ref(), test.as_ref()])
    };
    let labelled = |examples: ImageSet, classes: Option<Classes>| {
        let numbers = classes
            .zip(names.as_ref())
            .map(|(classes, names)| names.numbers(&classes.labels));
        examples.with_labels(numbers)
    };
    let train = labelled(train, classes);
    let (validation, validation_names) = match validation {
        Some((examples, classes, names)) => (Some(labelled(examples, classes)), names),
        None => (None, Vec::new()),
    };
    let (train, test, train_names, test_names) = match test {
        Some((test, classes, names)) => (train, labelled(test, classes), train_names, names),
        None => {
            let (kept, test) = split(train.count(), own.test.share(), &path)?;
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
        validation,
        test,
        checksums,
        preparation: Preparation {
            classes: names.and_then(|names| names.names),
            ..preparation
        },
        unreadable,
        warnings: warnings.list(),
        decisions,
        scaled_by: rows,
        names: ExampleNames {
            train: train_names,
            validation: validation_names,
            test: test_names,
        },
    })
}

/// Adds what may not be as the user means it to `warnings`, and returns how the inputs were understood, each under its path.
fn understood(parts: &Parts, warnings: &Warnings) -> Vec<String> {
    let all = std::iter::once(&parts.train)
        .chain(&parts.validation)
        .chain(&parts.test);
    let mut decisions = Vec::new();
    for part in all {
        let notes = part.input.notes().at(&part.path);
        notes
            .warnings
            .into_iter()
            .for_each(|note| warnings.add(note));
        decisions.extend(notes.decisions);
    }
    decisions
}

/// Takes a share of `count` examples for tests, always the same ones: the places of those for training, and of those for
/// tests.
fn split(count: usize, fraction: f64, path: &Path) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let test = test_rows(count, fraction, path)?;
    let mut is_test = vec![false; count];
    test.iter().for_each(|&row| is_test[row] = true);
    let train = (0..count).filter(|&row| !is_test[row]).collect();
    Ok((train, test))
}

/// Returns which of `count` examples are set aside for testing, in ascending order: always the same ones, whatever the run's
/// seed, since runs are compared on the same examples.
fn test_rows(count: usize, fraction: f64, path: &Path) -> Result<Vec<usize>, DataError> {
    if count < 2 {
        return Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem: "holds one example".into(),
            hint: "training and testing need one each; give more, or data.test_path".into(),
        });
    }
    let test = ((count as f64 * fraction).round() as usize).clamp(1, count - 1);
    let mut rows = random::permutation(count, random::stream(0, Purpose::Split, 1, 0));
    rows.truncate(test);
    rows.sort_unstable();
    Ok(rows)
}
