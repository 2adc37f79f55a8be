//! What `encode`, `decode`, `denoise` and `reconstruct` share: rows in, rows out, and what was done.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::{answer, answer_json, check_readable, is_quiet, tell_warnings};
use crate::apply::{Beside, Fitting, Output, Piece, Trained, Written};
use crate::cli;
use crate::data::{
    MOST_UNREADABLE, Preparation, STANDARD_INPUT, Shape, UnreadableExamples, Warnings,
    check_unreadable,
};
use crate::error::Error;
use crate::report::Reading;
use crate::report::text::thousands;
use crate::signals::Interruption;

/// What is done with each piece of the examples.
pub type Work<'a> = &'a mut dyn FnMut(Piece) -> Result<(), Error>;

impl From<&cli::Fitting> for Fitting {
    fn from(given: &cli::Fitting) -> Self {
        Self {
            resize: given.resize,
            invert: given.invert,
            array: given.array.clone(),
            label: given.label.clone(),
            warnings: Warnings::default(),
        }
    }
}

/// Names and classes of examples, beside their results.
pub struct Remarks {
    pub unreadable: UnreadableExamples,
    pub warnings: Vec<String>,
}

/// Gives all examples that the user brings to `work`, with progress; says which could not be read.
///
/// # Errors
/// An input cannot be read, `work` fails, or the user breaks it off.
pub fn each_piece(
    trained: &Trained,
    brought: &cli::Brought,
    what: &'static str,
    work: Work<'_>,
) -> Result<Remarks, Error> {
    let interruption = Interruption::watch()?;
    let mut reading = Reading::new(what, is_quiet());
    let mut examples = 0;
    let fitting = Fitting::from(&brought.fitting);
    let unreadable = trained.each_block(
        &brought.input,
        &fitting,
        &mut |done, total| reading.on(done, total),
        &mut |piece| {
            examples += piece.examples.count();
            match interruption.is_requested() {
                true => Err(Error::Stopped),
                false => work(piece),
            }
        },
    )?;
    drop(reading);
    let all = examples + unreadable.len();
    if !brought.strict {
        let first = brought
            .input
            .first()
            .map_or(Path::new(""), PathBuf::as_path);
        check_unreadable(first, &unreadable, all, most_unreadable(trained))?;
    }
    let unreadable = check_readable(unreadable, all, brought.strict)?;
    let warnings = fitting.warnings.list();
    tell_warnings(&warnings);
    Ok(Remarks {
        unreadable,
        warnings,
    })
}

/// The share of examples that may be unreadable: as in training.
pub fn most_unreadable(trained: &Trained) -> f64 {
    let own = trained
        .config
        .experiment
        .images()
        .and_then(|data| data.own.as_ref());
    own.and_then(|own| own.max_unreadable_fraction)
        .unwrap_or(MOST_UNREADABLE)
}

/// Writes to `output` what `transform` makes of each piece of the examples, and says what was done.
///
/// # Errors
/// As [`each_piece`], and when rows cannot be written.
pub fn transform(
    trained: &Trained,
    brought: &cli::Brought,
    what: &'static str,
    mut output: Output,
    has_classes: bool,
    json: bool,
    mut transform: impl FnMut(&Piece) -> Result<Vec<f32>, Error>,
) -> Result<(), Error> {
    let begun = Instant::now();
    let remarks = each_piece(trained, brought, what, &mut |piece| {
        let rows = transform(&piece)?;
        let beside = Beside {
            names: piece.names.as_deref(),
            classes: piece.classes.as_deref().filter(|_| has_classes),
            split: None,
        };
        Ok(output.add(beside, &rows)?)
    })?;
    let written = output.finish()?;
    tell(&written, &remarks, begun, json)
}

/// Says what was written, and how fast.
///
/// # Errors
/// Standard output cannot be written.
pub fn tell(written: &Written, remarks: &Remarks, begun: Instant, json: bool) -> Result<(), Error> {
    let seconds = begun.elapsed().as_secs_f64();
    let per_second = written.rows as f64 / seconds;
    let is_standard = written.files == [Path::new(STANDARD_INPUT)];
    if json {
        return answer_json(&json!({
            "examples": written.rows,
            "unreadable": remarks.unreadable,
            "unreadable_examples": remarks.unreadable.len(),
            "warnings": remarks.warnings,
            "seconds": seconds,
            "examples_per_second": per_second,
            "files": written.files,
        }));
    }
    let files: Vec<String> = written
        .files
        .iter()
        .map(|file| format!("{}\n", file.display()))
        .collect();
    let summary = format!(
        "{} examples in {seconds:.2} s, {} a second\n",
        thousands(written.rows as u64),
        thousands(per_second.round() as u64)
    );
    match is_standard {
        // The rows are there.
        true if is_quiet() => Ok(()),
        true => {
            super::say(summary.trim_end());
            Ok(())
        }
        false => answer(&format!("{}{summary}", files.concat())),
    }
}

/// Rows and what was done cannot both be on standard output.
///
/// # Errors
/// They would be.
pub fn check_standard_output(out: &Path, json: bool) -> Result<(), Error> {
    match json && out == Path::new(STANDARD_INPUT) {
        true => Err(Error::TwoAnswers),
        false => Ok(()),
    }
}

/// Where examples as the network gives them go.
///
/// # Errors
/// They cannot be written there.
pub fn examples_output(
    rows: &cli::Rows,
    preparation: &Preparation,
    inputs: &[PathBuf],
) -> Result<Output, Error> {
    let shape = preparation.shape;
    let Shape {
        height,
        width,
        channels,
    } = shape;
    let array = match (shape.is_row(), channels) {
        (true, _) => vec![width],
        (false, 1) => vec![height, width],
        _ => vec![height, width, channels],
    };
    let columns = match &preparation.columns {
        Some(names) => names.clone(),
        None => (0..shape.size())
            .map(|number| format!("pixel_{number}"))
            .collect(),
    };
    let by_column = preparation
        .scaling
        .as_ref()
        .is_some_and(|scaling| scaling.by_column);
    let picture = (preparation.in_unit_range && !by_column).then_some(shape);
    let output = Output::begin(
        &rows.out,
        rows.format,
        &columns,
        &array,
        picture,
        rows.force,
    )?;
    Ok(output
        .with_scaling(preparation.scaling.clone())
        .sparing(inputs)?)
}

/// An input that is written to would be lost.
///
/// # Errors
/// The output is an input.
pub fn check_not_an_input(out: &Path, inputs: &[PathBuf]) -> Result<(), Error> {
    let place = |path: &Path| path.canonicalize().ok();
    let Some(place_of_out) = place(out) else {
        return Ok(());
    };
    match inputs
        .iter()
        .filter_map(|input| place(input))
        .any(|input| input == place_of_out)
    {
        true => Err(Error::Out {
            path: out.to_owned(),
            problem: "is an input too, which would be lost",
        }),
        false => Ok(()),
    }
}
