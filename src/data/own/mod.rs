//! The splits of data that a user brings: pictures, arrays and tables.

mod classes;
mod labels;
mod parts;
mod scaling;

use std::path::Path;

use crate::data::images::ImageSet;
use crate::data::input::{UnreadableExamples, Watch};
use crate::data::preparation::{Preparation, Unsuitable};
use crate::data::selection::{Images, Own};
use crate::data::shape::Shape;
use crate::data::source::{Checksum, DataError, Splits};
use crate::data::warnings::Warnings;
use crate::memory;
use crate::random::{self, Purpose};
use classes::{are_classes, class_names};
use labels::Classes;
use parts::{Part, Parts};
use scaling::preparation;

/// Reads both splits.
///
/// # Errors
/// As [`super::load`].
pub fn load(
    wanted: &Images,
    own: &Own,
    in_unit_range: bool,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    let path = wanted.path.clone().unwrap_or_default();
    let warnings = Warnings::default();
    let parts = Parts::find(wanted.source, &path, own, &warnings)?;
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
    let mut unreadable = UnreadableExamples::new();
    let mut read = |part: &Part, what: &str| {
        let read = part.read(&preparation, budget, &warnings, watch)?;
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
        Ok((read.examples, read.classes, checksum))
    };
    let (train, mut classes, checksum) = read(&parts.train, "examples")?;
    let mut checksums = vec![checksum];
    let mut test = match &parts.test {
        None => None,
        Some(test) => {
            let (examples, classes, checksum) = read(test, "test examples")?;
            checksums.push(checksum);
            Some((examples, classes))
        }
    };
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
        if let Some((_, classes)) = &mut test {
            classes.take_if(|classes| classes.found.is_some());
        }
    }
    let test_classes = test.as_ref().and_then(|(_, classes)| classes.as_ref());
    let both = [classes.as_ref(), test_classes];
    let names = class_names(both.map(|classes| classes.map(|classes| &classes.labels)));
    let labelled = |examples: ImageSet, classes: Option<Classes>| {
        let numbers = classes
            .zip(names.as_ref())
            .map(|(classes, names)| names.numbers(&classes.labels));
        examples.with_labels(numbers)
    };
    let train = labelled(train, classes);
    let (train, test) = match test {
        Some((test, classes)) => (train, labelled(test, classes)),
        None => split(&train, own.test.share(), &path)?,
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
        warnings: warnings.list(),
    })
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

/// Takes a share of the examples for tests, always the same ones.
fn split(all: &ImageSet, fraction: f64, path: &Path) -> Result<(ImageSet, ImageSet), DataError> {
    let count = all.count();
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
    Ok((all.select(&train), all.select(&order)))
}
