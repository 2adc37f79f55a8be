//! `encode`: examples to codes.

use super::applied::{check_not_an_input, check_standard_output, transform};
use super::open_trained;
use crate::apply::Output;
use crate::cli;
use crate::error::Error;

pub fn run(arguments: &cli::Encode) -> Result<(), Error> {
    check_standard_output(&arguments.rows.out, arguments.json)?;
    let trained = open_trained(&arguments.run)?;
    let rows = &arguments.rows;
    check_not_an_input(&rows.out, &arguments.brought.input)?;
    let columns: Vec<String> = (0..trained.code_size)
        .map(|unit| format!("code_{unit}"))
        .collect();
    let output = Output::begin(
        &rows.out,
        rows.format,
        &columns,
        &[trained.code_size],
        None,
        rows.force,
    )?;
    transform(
        &trained,
        &arguments.brought,
        "encoding",
        output,
        arguments.json,
        |piece| trained.encode(&piece.examples),
    )
}
