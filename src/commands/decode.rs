//! `decode`: codes to what they stand for.

use std::time::Instant;

use super::applied::{Remarks, check_standard_output, examples_output, most_unreadable, tell};
use super::{is_quiet, open_trained, tell_unreadable, tell_warnings};
use crate::apply::{Beside, CLASS_COLUMN, SPLIT_COLUMN};
use crate::cli;
use crate::data::{
    Block, Columns, Dropped, Input, InputError, Options, RawValues, Shape, check_unreadable,
};
use crate::error::Error;
use crate::report::Reading;
use crate::signals::Interruption;

/// Codes that are read at a time.
const CODES_AT_A_TIME: usize = 4096;

pub fn run(arguments: &cli::Decode) -> Result<(), Error> {
    let begun = Instant::now();
    check_standard_output(&arguments.rows.out, arguments.json)?;
    let trained = open_trained(&arguments.run)?;
    let preparation = trained.preparation()?;
    let code_size = trained.code_size;
    let wrong = |problem: String| {
        Error::Input(InputError {
            path: arguments.input.clone(),
            problem,
            hint: format!(
                "give codes as `hourglass encode` writes them: .npy or CSV, {code_size} numbers a row"
            ),
        })
    };
    let options = Options {
        shape: Some(Shape::row(code_size)),
        array: arguments.array.clone(),
        columns: Columns {
            // `encode` writes these beside codes.
            drop: vec![named(CLASS_COLUMN), named(SPLIT_COLUMN)],
            of_another: true,
            ..Columns::default()
        },
        ..Options::default()
    };
    let warnings = options.warnings.clone();
    let input = Input::open(&arguments.input, &options)?;
    for warning in input.notes().at(&arguments.input).warnings {
        warnings.add(warning);
    }
    if !matches!(input, Input::Array(_) | Input::Table(_)) {
        return Err(wrong("holds no codes".into()));
    }
    let found = input.shape().size();
    if found != code_size {
        return Err(wrong(format!(
            "has {found} numbers a row, a code of this network {code_size}"
        )));
    }
    let mut output = examples_output(
        &arguments.rows,
        &preparation,
        std::slice::from_ref(&arguments.input),
    )?;
    let interruption = Interruption::watch()?;
    let mut reading = Reading::new("decoding", is_quiet());
    let mut watch = |done, total| reading.on(done, total);
    let mut rows = 0;
    let unreadable = input.read(
        CODES_AT_A_TIME,
        &mut watch,
        &mut |block: Block| -> Result<(), Error> {
            let numbers: Vec<f64> = match block.values {
                RawValues::Bytes(bytes) => bytes.into_iter().map(f64::from).collect(),
                RawValues::Numbers(numbers) => numbers,
            };
            let codes: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
            if let Some(place) = codes.iter().position(|element| !element.is_finite()) {
                let number = numbers[place];
                return Err(wrong(match number.is_finite() {
                    false => format!("has a code element that is not finite ({number})"),
                    true => {
                        format!("has a code element that is beyond single precision ({number:e})")
                    }
                }));
            }
            if interruption.is_requested() {
                return Err(Error::Stopped);
            }
            rows += codes.len() / code_size;
            let examples = trained.decode(&codes)?;
            let beside = Beside {
                names: block.names.as_deref(),
                ..Beside::default()
            };
            Ok(output.add(beside, &examples)?)
        },
    )?;
    drop(reading);
    let seen = rows + unreadable.len();
    check_unreadable(
        &arguments.input,
        &unreadable,
        seen,
        most_unreadable(&trained),
    )?;
    let written = output.finish()?;
    tell_unreadable(&unreadable, written.rows + unreadable.len());
    let remarks = Remarks {
        unreadable,
        warnings: warnings.list(),
    };
    tell_warnings(&remarks.warnings);
    tell(&written, &remarks, begun, arguments.json)
}

fn named(column: &str) -> Dropped {
    Dropped {
        name: Some(column.to_owned()),
        number: None,
    }
}
