//! `encode`: examples to codes.

use std::path::PathBuf;
use std::time::Instant;

use super::applied::{Remarks, check_standard_output, tell, transform};
use super::open_trained;
use super::prepare::load_named_images;
use crate::apply::{Beside, Output, Trained};
use crate::cli::{self, SplitChoice};
use crate::data::{ImageSet, Images};
use crate::error::Error;
use crate::report::Receipt;
use crate::signals::Interruption;

/// Examples that are encoded at a time.
const EXAMPLES_AT_A_TIME: usize = 4096;

pub fn run(arguments: &cli::Encode) -> Result<(), Error> {
    check_standard_output(&arguments.rows.out, arguments.json)?;
    let trained = open_trained(&arguments.run)?;
    match arguments.split {
        Some(split) => encode_own(&trained, arguments, split),
        None => {
            let brought = cli::Brought {
                input: arguments.input.clone(),
                fitting: arguments.fitting.clone(),
                strict: arguments.strict,
            };
            let output = output(&trained, arguments, &brought.input)?;
            let encode = |piece: &crate::apply::Piece| trained.encode(&piece.examples);
            transform(
                &trained,
                &brought,
                "encoding",
                output,
                true,
                arguments.json,
                encode,
            )
        }
    }
}

fn output(trained: &Trained, arguments: &cli::Encode, inputs: &[PathBuf]) -> Result<Output, Error> {
    let columns: Vec<String> = (0..trained.code_size)
        .map(|unit| format!("code_{unit}"))
        .collect();
    let rows = &arguments.rows;
    let (shape, force) = ([trained.code_size], rows.force);
    let output = Output::begin(&rows.out, rows.format, &columns, &shape, None, force)?;
    Ok(output.sparing(inputs)?)
}

/// Encodes the data that the run was trained on.
fn encode_own(
    trained: &Trained,
    arguments: &cli::Encode,
    choice: SplitChoice,
) -> Result<(), Error> {
    let begun = Instant::now();
    let interruption = Interruption::watch()?;
    let config = &trained.config;
    let data = config
        .experiment
        .images()
        .ok_or_else(|| trained.no_code())?;
    let mut output = output(trained, arguments, &files(data))?;
    let splits = load_named_images(config, data, trained.input_size)?;
    let receipt = Receipt::of(&trained.run.summary()?);
    if receipt.is_ok_and(|receipt| receipt.data != splits.checksums) {
        return Err(Error::OtherData(trained.run.path().to_owned()));
    }
    let all = [
        (
            "train",
            SplitChoice::Train,
            Some(&splits.train),
            &splits.names.train,
        ),
        (
            "validation",
            SplitChoice::Validation,
            splits.validation.as_ref(),
            &splits.names.validation,
        ),
        (
            "test",
            SplitChoice::Test,
            Some(&splits.test),
            &splits.names.test,
        ),
    ];
    for (name, split, examples, names) in all {
        if choice != split && choice != SplitChoice::All {
            continue;
        }
        let examples = match examples {
            Some(examples) => examples,
            None if choice == SplitChoice::All => continue,
            None => return Err(Error::NoSplit(name)),
        };
        let classes = classes(examples, splits.preparation.classes.as_deref());
        for first in (0..examples.count()).step_by(EXAMPLES_AT_A_TIME) {
            if interruption.is_requested() {
                return Err(Error::Stopped);
            }
            let last = examples.count().min(first + EXAMPLES_AT_A_TIME);
            let these: Vec<usize> = (first..last).collect();
            let codes = trained.encode(&examples.select(&these))?;
            let beside = Beside {
                names: Some(&names[first..last]),
                classes: classes.as_ref().map(|classes| &classes[first..last]),
                split: Some(name),
            };
            output.add(beside, &codes)?;
        }
    }
    let written = output.finish()?;
    let remarks = Remarks {
        unreadable: splits.unreadable,
        warnings: splits.warnings,
    };
    tell(&written, &remarks, begun, arguments.json)
}

/// The files of the data, which must not be written over.
fn files(data: &Images) -> Vec<PathBuf> {
    let own = data.own.as_ref();
    let test = own.and_then(|own| own.test.path().cloned());
    let numbers = own.and_then(|own| own.numbers.as_ref());
    let labels = numbers.and_then(|numbers| numbers.labels.as_ref());
    let test_labels = numbers.and_then(|numbers| numbers.test_labels.as_ref());
    let labels = labels.into_iter().chain(test_labels).map(PathBuf::from);
    data.path
        .iter()
        .cloned()
        .chain(test)
        .chain(labels)
        .collect()
}

/// The name of each example's class, which is its number where classes have no names.
fn classes(examples: &ImageSet, names: Option<&[String]>) -> Option<Vec<String>> {
    let named = |&label: &u32| {
        let name = names.and_then(|names| names.get(usize::try_from(label).ok()?));
        name.cloned().unwrap_or_else(|| label.to_string())
    };
    Some(examples.labels()?.iter().map(named).collect())
}
