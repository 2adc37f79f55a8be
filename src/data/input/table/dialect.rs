//! The dialect of a table: its separator and its decimal mark.

use std::path::Path;

use serde::Serialize;

use super::cell::{self, Kind};
use super::records::Record;
use super::sample::Sample;
use crate::data::input::InputError;

/// The mark between the whole part of a number and its fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Decimal {
    #[default]
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    pub const NAMES: [(&str, Self); 2] = [(".", Self::Point), (",", Self::Comma)];
}

/// The separator of fields: one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Separator(u8);

impl Separator {
    /// The separator that is written so: itself, `tab` or `space`.
    pub fn named(name: &str) -> Option<Self> {
        match *name.as_bytes() {
            _ if name == "tab" => Some(Self(b'\t')),
            _ if name == "space" => Some(Self(b' ')),
            [byte @ (b'\t' | b' ')] => Some(Self(byte)),
            [b'"' | b'.' | b'+' | b'-' | b'_'] => None,
            [byte] if byte.is_ascii_punctuation() => Some(Self(byte)),
            _ => None,
        }
    }
}

impl From<Separator> for String {
    fn from(Separator(byte): Separator) -> Self {
        match byte {
            b'\t' => "tab".into(),
            b' ' => "space".into(),
            byte => char::from(byte).into(),
        }
    }
}

/// The dialect of a table, as far as it is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Dialect {
    /// The encoding's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
}

/// The dialect of a table, as detected.
pub struct Found {
    pub separator: u8,
    pub decimal: Decimal,
    /// A number with a decimal comma, where there is one.
    pub example: Option<String>,
}

/// Separators that tables are looked at with, the most usual first.
const SEPARATORS: [u8; 5] = *b",;\t| ";
/// Shares of readable fields that differ by less are equal.
const EQUAL: f64 = 0.02;
/// A dialect that others only suggest is taken where its share of readable fields is at least this part of the best.
const GOOD_ENOUGH: f64 = 0.9;
/// Share of the lines that have a single field, from which a comma may be a decimal mark.
const SINGLE: f64 = 0.05;

/// A table as it looks with one separator.
struct View {
    separator: u8,
    records: Vec<Record>,
    /// The number of fields of most lines.
    width: usize,
    /// The share of the fields that are numbers or missing, in lines of that width; of lines of another width 0.
    readable: f64,
}

impl View {
    fn of(sample: &Sample, separator: u8) -> Self {
        let records = sample.records(separator);
        let rows = rows(&records);
        let width = usual_width(rows);
        let mut readable = 0.0;
        for row in rows.iter().filter(|row| row.len() == width) {
            let looks_right = |field: &&str| {
                let is_text = cell::kind(field) == Kind::Text;
                !is_text || cell::remark(field, Decimal::Point).is_some()
            };
            let good = row.iter().filter(looks_right).count();
            readable += good as f64 / width as f64;
        }
        Self {
            separator,
            width,
            readable: readable / rows.len().max(1) as f64,
            records,
        }
    }

    fn rows(&self) -> &[Record] {
        rows(&self.records)
    }
}

/// All records but the first, which may hold names; the first where there is no other.
pub fn rows(records: &[Record]) -> &[Record] {
    match records.len() {
        0 | 1 => records,
        _ => &records[1..],
    }
}

/// The number of fields of most records; of the wider ones where two are as many.
pub fn usual_width(records: &[Record]) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for record in records {
        *counts.entry(record.len()).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or(0, |(width, _)| width)
}

/// Finds out how a table is written. What is `given` decides, or, as `suggested` by a run that was trained on another file, decides
/// only where this one can be read so. `numbers` is the number of columns that a network takes.
///
/// # Errors
/// The file can be read in two ways.
pub fn find(
    path: &Path,
    sample: &Sample,
    given: &Dialect,
    suggested: bool,
    numbers: Option<usize>,
) -> Result<Found, InputError> {
    let binding = match suggested {
        true => Dialect::default(),
        false => given.clone(),
    };
    let by_first_line = sample.separator.map(Separator);
    let view = match binding.separator.or(by_first_line) {
        Some(Separator(separator)) => View::of(sample, separator),
        None => {
            let views = SEPARATORS.map(|separator| View::of(sample, separator));
            let suggestion = given.separator.filter(|_| suggested);
            // Commas are not expected to be both, unless nothing else separates.
            let has_commas = binding.decimal == Some(Decimal::Comma);
            best(views.into(), suggestion, has_commas)
        }
    };
    let is_open = binding.separator.is_none() && by_first_line.is_none();
    if is_open && binding.decimal.is_none() && view.separator == b',' && may_be_one_column(&view) {
        match numbers {
            Some(1) => return Ok(one_column(sample)),
            Some(2) => {}
            _ => {
                let row = view.rows().iter().find(|row| row.len() == 2);
                let row = row.unwrap_or(&view.records[0]);
                let (line, first, second) = (row.line, row.get(0), row.get(row.len() - 1));
                return Err(InputError::new(
                    path,
                    format!(
                        "can be read as one column with decimal commas or as two columns (line {line}: `{first},{second}`)"
                    ),
                    "choose one: data.decimal = \",\" reads one column, data.separator = \",\" reads two",
                ));
            }
        }
    }
    let (decimal, example) = match binding.decimal {
        Some(decimal) => (decimal, None),
        None => decimal_of(path, &view, given.decimal)?,
    };
    Ok(Found {
        separator: view.separator,
        decimal,
        example,
    })
}

fn best(views: Vec<View>, suggestion: Option<Separator>, has_commas: bool) -> View {
    let most = views.iter().map(|view| view.readable).fold(0.0, f64::max);
    let suggested = views.iter().position(|view| {
        Some(Separator(view.separator)) == suggestion
            && view.readable >= GOOD_ENOUGH * most
            && view.width > 1
    });
    let better = |a: &View, b: &View| {
        let rank = |view: &View| {
            // Where nothing is a number, the most regular table is the best.
            let readable = (view.readable / EQUAL).round() as u64;
            let is_comma_twice = has_commas && view.separator == b',';
            (!is_comma_twice, readable, view.width)
        };
        rank(a) >= rank(b)
    };
    let place = suggested.unwrap_or_else(|| {
        (1..views.len()).fold(0, |best, next| {
            if better(&views[best], &views[next]) {
                best
            } else {
                next
            }
        })
    });
    views.into_iter().nth(place).expect("there are separators")
}

/// Returns whether a comma between two whole numbers may as well be the decimal mark of a single column: where the heading names
/// one column, or some lines hold a single number.
fn may_be_one_column(view: &View) -> bool {
    let rows = view.rows();
    let are_whole = |row: &Record| {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        row.iter().enumerate().all(|(place, field)| {
            digits(if place == 0 {
                field.trim_start_matches(['+', '-'])
            } else {
                field
            })
        })
    };
    if view.width != 2 || !rows.iter().all(|row| row.len() <= 2 && are_whole(row)) {
        return false;
    }
    let single = rows.iter().filter(|row| row.len() == 1).count() as f64;
    let first = &view.records[0];
    let is_one_name = first.len() == 1 && cell::kind(first.get(0)) == Kind::Text;
    // As R writes a table of one column, with the numbers of its rows.
    let are_numbered = rows.len() > 1
        && rows.iter().enumerate().all(|(place, row)| {
            let number = row.get(0).parse::<usize>();
            number.is_ok_and(|number| number == place || number == place + 1)
        });
    (is_one_name && !are_numbered) || single > SINGLE * rows.len() as f64
}

fn one_column(sample: &Sample) -> Found {
    // No line holds it.
    let separator = SEPARATORS.into_iter().skip(1);
    let is_absent = |separator: &u8| !sample.text.contains(separator);
    Found {
        separator: separator.into_iter().find(is_absent).unwrap_or(b';'),
        decimal: Decimal::Comma,
        example: None,
    }
}

/// The decimal mark of the numbers in columns that hold numbers.
fn decimal_of(
    path: &Path,
    view: &View,
    suggestion: Option<Decimal>,
) -> Result<(Decimal, Option<String>), InputError> {
    let rows: Vec<&Record> = view
        .rows()
        .iter()
        .filter(|row| row.len() == view.width)
        .collect();
    let (mut points, mut commas) = (Vec::new(), Vec::new());
    let mut grouped = None;
    for column in 0..view.width {
        let fields = || rows.iter().map(|row| (row.line, row.get(column)));
        let of = |wanted: Kind| fields().filter(move |(_, field)| cell::kind(field) == wanted);
        let numbers = fields().filter(|(_, field)| cell::kind(field).is_number());
        let numbers = numbers.count();
        if numbers < of(Kind::Text).count() {
            continue;
        }
        points.extend(of(Kind::Point));
        commas.extend(of(Kind::Comma));
        if let Some((line, field)) = of(Kind::Grouped).next()
            && 2 * of(Kind::Grouped).count() >= numbers
        {
            grouped.get_or_insert((line, column + 1, field));
        }
    }
    let example = commas.first().map(|(_, field)| (*field).to_owned());
    // What is rare is a mistake in a line, which is reported as such.
    let are_rare = |few: usize, many: usize| 10 * few <= many;
    match (points.len(), commas.len(), grouped) {
        (0, 0, Some((line, column, field))) => match suggestion {
            Some(decimal) => Ok((decimal, None)),
            None => Err(InputError::new(
                path,
                format!(
                    "line {line}: column {column} holds `{field}`, which is {} or {}",
                    field.replace(',', "."),
                    field.replace(',', "")
                ),
                "data.decimal = \",\" reads the first; for the second, remove the thousands separators",
            )),
        },
        (0, 0, _) => Ok((suggestion.unwrap_or_default(), None)),
        (points, commas, _) if are_rare(commas, points) => Ok((Decimal::Point, None)),
        (points, commas, _) if are_rare(points, commas) => Ok((Decimal::Comma, example)),
        _ => {
            let ((line, point), (other, comma)) = (points[0], commas[0]);
            Err(InputError::new(
                path,
                format!(
                    "mixes decimal points and decimal commas: line {line} holds `{point}`, line {other} `{comma}`"
                ),
                "use one decimal mark in the whole file, or set data.decimal = \".\" or \",\"",
            ))
        }
    }
}
