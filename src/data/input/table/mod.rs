//! Text in columns: CSV, and what spreadsheets and programs write like it.

mod cell;
mod columns;
mod dialect;
mod encoding;
mod header;
mod lines;
mod records;
mod rows;
mod sample;

use std::path::{Path, PathBuf};

use super::{InputError, Notes, Options, Origin, check_size};
use crate::data::Shape;
use columns::{Head, Places};
use encoding::Text;
use lines::Lines;
use records::Records;
use sample::Sample;

pub use columns::{Columns, Dropped, NAME_COLUMN};
pub use dialect::{Decimal, Dialect, Separator};
pub use encoding::{named as encoding_named, utf_16};

/// Text in columns, a line an example.
#[derive(Debug)]
pub struct Table {
    origin: Origin,
    path: PathBuf,
    text: Text,
    separator: u8,
    decimal: Decimal,
    /// Above the first record.
    skipped_lines: u64,
    skipped_bytes: u64,
    /// True if the first record holds names.
    begins_with_names: bool,
    /// The names of all columns.
    header: Option<Vec<String>>,
    /// Fields of a line.
    width: usize,
    /// True if each line ends with a separator without a field after it.
    ends_with_separator: bool,
    places: Places,
    /// The names of the columns of numbers.
    names: Option<Vec<String>>,
    dropped: Vec<Dropped>,
    notes: Notes,
}

/// Greatest number of fields of a line of a table.
const MOST_FIELDS: usize = 1 << 20;

impl Table {
    pub(super) fn open(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let columns = &options.columns;
        let mut notes = Notes::default();
        let (text, remark) = Text::find(&origin, path, columns.dialect.encoding.as_deref())?;
        notes.warnings.extend(remark);
        let io = InputError::io(path);
        let sample = Sample::read(text.open(&origin).map_err(&io)?).map_err(&io)?;
        let numbers = options
            .shape
            .map(Shape::size)
            .filter(|_| columns.of_another);
        let dialect = dialect::find(path, &sample, &columns.dialect, columns.of_another, numbers)?;
        let records = sample.records(dialect.separator);
        let first = match records.first() {
            Some(first) if first.len() == 1 || !first.is_blank() => first,
            Some(first) => {
                let problem = format!("line {} holds nothing but separators", first.line);
                return Err(InputError::new(path, problem, "remove it"));
            }
            None => {
                return Err(InputError::new(
                    path,
                    "holds no lines",
                    "give a CSV with a line for each example",
                ));
            }
        };
        let lines = Lines::of(path, &records, &sample, dialect.separator, columns.header)?;
        if lines.width > MOST_FIELDS {
            return Err(InputError::new(
                path,
                "has too many columns",
                "no network has that many inputs",
            ));
        }
        let heading = lines.heading(columns, dialect.decimal);
        let what = if heading.is_names { "names" } else { "data" };
        let line = match lines.remark {
            true => sample.skipped_lines,
            false => first.line,
        };
        let decision = format!("line {line} is read as {what}, because {}", heading.reason);
        if !heading.is_obvious {
            let warning = format!("{decision}; data.header = true or false decides");
            notes.warnings.push(warning);
        }
        notes.decisions.push(decision);
        if sample.skipped_lines > 0 {
            notes.decisions.push(format!(
                "the first {} lines are above the table: `sep=`, or comments that begin with #",
                sample.skipped_lines
            ));
        }
        notes.decisions.push(described(&dialect, text, lines.width));
        let header = heading.is_names.then(|| lines.names());
        let head = Head {
            path,
            names: header.as_deref(),
            width: lines.width,
        };
        let places = head.places(options)?;
        if !columns.of_another {
            head.warn(
                &places,
                &lines.below(heading.is_names, dialect.decimal),
                &mut notes,
            );
        }
        let names = header.as_ref().map(|names| {
            let names = places.numbers.iter().map(|&column| names[column].clone());
            names.collect()
        });
        let dropped = head.record(&places);
        check_size(path, Shape::row(places.numbers.len()))?;
        Ok(Self {
            text,
            separator: dialect.separator,
            decimal: dialect.decimal,
            skipped_lines: sample.skipped_lines,
            skipped_bytes: sample.skipped_bytes,
            begins_with_names: heading.is_names && !lines.remark,
            header,
            width: lines.width,
            ends_with_separator: lines.ends_with_separator,
            places,
            names,
            dropped,
            notes,
            origin,
            path: path.to_owned(),
        })
    }

    /// The number of columns of numbers.
    pub fn columns(&self) -> usize {
        self.places.numbers.len()
    }

    /// The names of the columns of numbers.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The columns that are not read.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// Returns whether there is a column of classes.
    pub fn has_classes(&self) -> bool {
        self.places.label.is_some()
    }

    /// How the table was understood.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    fn records(&self) -> Result<Records<Box<dyn std::io::Read + Send>>, InputError> {
        let io = InputError::io(&self.path);
        let mut stream = self.text.open(&self.origin).map_err(&io)?;
        let preamble = &mut std::io::Read::take(&mut stream, self.skipped_bytes);
        std::io::copy(preamble, &mut std::io::sink()).map_err(&io)?;
        Ok(Records::new(stream, self.separator, 1 + self.skipped_lines))
    }
}

/// Describes the dialect of a table.
fn described(dialect: &dialect::Found, text: Text, width: usize) -> String {
    let separator = match dialect.separator {
        b'\t' => "tabs".into(),
        b' ' => "spaces".into(),
        byte => format!("`{}`", char::from(byte)),
    };
    let fields = match width {
        1 => "one field per line".into(),
        _ => format!("{width} fields per line, separated by {separator}"),
    };
    let decimal = match (dialect.decimal, &dialect.example) {
        (Decimal::Point, _) => "decimal points".into(),
        (Decimal::Comma, None) => "decimal commas".into(),
        (Decimal::Comma, Some(example)) => format!("decimal commas, such as `{example}`"),
    };
    format!("{fields}, {decimal}, {}", text.encoding.name())
}
