//! Text in columns, separated by commas, semicolons or tabulators.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::bounded::Records;
use super::{
    Block, Each, InputError, Options, Origin, RawValues, Unreadable, UnreadableExamples, check_size,
};
use crate::data::Shape;

/// What the columns of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Whether the first line names them; if not said, it does if it holds other than numbers.
    pub header: Option<bool>,
    /// The column of the classes: its name, or its number from 1.
    pub label: Option<String>,
    /// The column of the examples' names, alike.
    pub name: Option<String>,
    /// Whether the column of the classes may be missing.
    pub optional: bool,
}

/// Text in columns, a line an example.
#[derive(Debug)]
pub struct Table {
    origin: Origin,
    path: PathBuf,
    separator: u8,
    /// The names of all columns.
    header: Option<Vec<String>>,
    /// Those that hold numbers.
    numbers: Vec<usize>,
    /// Their names.
    names: Option<Vec<String>>,
    label: Option<usize>,
    name: Option<usize>,
}

/// Records as they come from the file.
type Lines = csv::Reader<Records<Box<dyn super::ReadSeek>>>;

/// Fields of a line beyond which it is no table.
const MOST_FIELDS: usize = 1 << 20;
/// Bytes of a record: what the most fields that are read take, and more. A quote that is not closed takes in all that follows.
const MOST_OF_A_RECORD: u64 = 32 << 20;
/// What a column is called that this program has written names of examples to.
pub const NAME_COLUMN: &str = "name";

impl Table {
    pub(super) fn open(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let stream = origin.open().map_err(InputError::io(path))?;
        let mut line = Vec::new();
        let mut beginning = BufReader::new(stream.take(MOST_OF_A_RECORD));
        beginning
            .read_until(b'\n', &mut line)
            .map_err(InputError::io(path))?;
        let separator = [b',', b';', b'\t'].into_iter();
        let separator =
            separator.max_by_key(|separator| line.iter().filter(|byte| *byte == separator).count());
        let mut table = Self {
            origin,
            path: path.to_owned(),
            separator: separator.unwrap_or(b','),
            header: None,
            numbers: Vec::new(),
            names: None,
            label: None,
            name: None,
        };
        let mut lines = table.lines()?;
        let mut first = StringRecord::new();
        let read = lines.read_record(&mut first);
        let is_there = read.map_err(|error| table.failure(&lines, &first, &error))?;
        if !is_there || first.iter().all(str::is_empty) {
            return Err(InputError::new(
                path,
                "holds no line",
                "give a CSV with a line for each example",
            ));
        }
        if first.len() > MOST_FIELDS {
            return Err(InputError::new(
                path,
                "has too many columns",
                "no network takes as many",
            ));
        }
        let columns = &options.columns;
        let special = |wanted: &Option<String>| {
            let number = wanted
                .as_ref()
                .and_then(|wanted| wanted.parse::<usize>().ok());
            number.and_then(|number| number.checked_sub(1))
        };
        let numbered = [special(&columns.label), special(&columns.name)];
        // What is missing, or no finite number, is a name as little as a number is.
        let is_text = |(index, field): (usize, &str)| {
            !field.is_empty() && field.parse::<f64>().is_err() && !numbered.contains(&Some(index))
        };
        if columns
            .header
            .unwrap_or_else(|| first.iter().enumerate().any(is_text))
        {
            table.header = Some(first.iter().map(str::to_owned).collect());
        }
        // A column that is given by its number is not there where there are no more than the numbers.
        let is_bare = options
            .shape
            .is_some_and(|shape| shape.size() == first.len());
        let is_numbered = columns
            .label
            .as_ref()
            .is_some_and(|label| label.parse::<usize>().is_ok());
        let label = columns
            .label
            .as_deref()
            .filter(|_| !(columns.optional && is_numbered && is_bare));
        table.label = table.find(label, options.words.label, first.len(), columns.optional)?;
        table.name = table.find(
            columns.name.as_deref(),
            "the column of names",
            first.len(),
            false,
        )?;
        if table.name.is_none() {
            // As this program writes them.
            let names = table
                .header
                .as_ref()
                .and_then(|names| names.iter().position(|name| name == NAME_COLUMN));
            table.name = names.filter(|&column| Some(column) != table.label);
        }
        let is_number =
            |column: &usize| Some(*column) != table.label && Some(*column) != table.name;
        table.numbers = (0..first.len()).filter(is_number).collect();
        table.names = table.header.as_ref().map(|names| {
            let names = table.numbers.iter().map(|&column| names[column].clone());
            names.collect()
        });
        if table.numbers.is_empty() {
            return Err(InputError::new(
                path,
                "has no column of numbers",
                "give a CSV of numbers",
            ));
        }
        check_size(path, Shape::row(table.numbers.len()))?;
        Ok(table)
    }

    /// The number of columns of numbers.
    pub fn columns(&self) -> usize {
        self.numbers.len()
    }

    /// The names of the columns of numbers.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The place of a column given by its name, or its number from 1.
    fn find(
        &self,
        wanted: Option<&str>,
        what: &str,
        columns: usize,
        is_optional: bool,
    ) -> Result<Option<usize>, InputError> {
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let by_name = self
            .header
            .as_ref()
            .and_then(|names| names.iter().position(|name| name == wanted));
        let by_number = wanted
            .parse::<usize>()
            .ok()
            .filter(|number| (1..=columns).contains(number));
        match by_name.or(by_number.map(|number| number - 1)) {
            Some(column) => Ok(Some(column)),
            None if is_optional => Ok(None),
            None => {
                let problem = format!("has no column `{wanted}` ({what})");
                let hint = match &self.header {
                    Some(names) if names.len() <= 30 => {
                        format!("its columns are {}", names.join(", "))
                    }
                    _ => format!("it has {columns} columns; name one, or give its number from 1"),
                };
                Err(InputError::new(&self.path, problem, hint))
            }
        }
    }

    fn lines(&self) -> Result<Lines, InputError> {
        let stream = self.origin.open().map_err(InputError::io(&self.path))?;
        let mut builder = ReaderBuilder::new();
        builder
            .delimiter(self.separator)
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All);
        Ok(builder.from_reader(Records::new(stream, MOST_OF_A_RECORD)))
    }

    fn error(&self, error: &csv::Error) -> InputError {
        InputError::new(
            &self.path,
            format!("cannot be read as CSV ({error})"),
            super::HINT,
        )
    }

    /// The error of a stream, which may be that a record is too long.
    fn failure(&self, lines: &Lines, record: &StringRecord, error: &csv::Error) -> InputError {
        match lines.get_ref().is_exhausted() {
            false => self.error(error),
            true => {
                let line = record.position().map_or(1, csv::Position::line);
                let problem = format!(
                    "what begins at line {line} is longer than {} MiB",
                    MOST_OF_A_RECORD >> 20
                );
                let hint = "close the quote that is open there, or break the line";
                InputError::new(&self.path, problem, hint)
            }
        }
    }

    pub(super) fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<UnreadableExamples, E> {
        let mut unreadable = UnreadableExamples::new();
        let mut lines = self.lines()?;
        let mut record = StringRecord::new();
        if self.header.is_some() {
            lines
                .read_record(&mut record)
                .map_err(|error| self.failure(&lines, &StringRecord::new(), &error))?;
            lines.get_ref().next();
        }
        let columns = self.columns();
        let width = columns + usize::from(self.label.is_some()) + usize::from(self.name.is_some());
        let mut block = Building::default();
        let mut seen = 0;
        let mut rows = 0;
        let mut readable = 0;
        loop {
            let read = lines.read_record(&mut record);
            if !read.as_ref().is_err_and(csv::Error::is_io_error) {
                lines.get_ref().next();
            }
            let is_there = match read {
                Ok(is_there) => is_there,
                Err(error) if error.is_io_error() => {
                    return Err(self.failure(&lines, &record, &error).into());
                }
                Err(error) => {
                    seen += 1;
                    rows += 1;
                    unreadable.push(Unreadable {
                        name: "a row".into(),
                        reason: error.to_string(),
                    });
                    continue;
                }
            };
            if is_there {
                seen += 1;
                let row = rows;
                rows += 1;
                let line = record.position().map_or(0, csv::Position::line);
                match self.numbers(&record, width) {
                    Ok(numbers) => {
                        readable += 1;
                        block.numbers.extend(numbers);
                        block
                            .classes
                            .extend(self.label.map(|column| record[column].to_owned()));
                        block.names.push(match self.name {
                            Some(column) => record[column].to_owned(),
                            // Counted as in the file, whatever cannot be read.
                            None => row.to_string(),
                        });
                    }
                    Err(reason) => unreadable.push(Unreadable {
                        name: format!("line {line}"),
                        reason,
                    }),
                }
            }
            // Where little can be read, progress is shown too.
            if block.numbers.len() >= most.max(1) * columns || seen >= most.max(1) || !is_there {
                let full = std::mem::take(&mut block);
                if each(full.finish(self.label.is_some()), seen)?.is_break() {
                    break;
                }
                seen = 0;
            }
            if !is_there {
                break;
            }
        }
        match (readable, unreadable.first()) {
            (0, Some(Unreadable { name, reason })) => {
                let problem = format!("no line of it can be read; {name}: {reason}");
                let hint = "text is only taken in the columns of data.labels and `name`";
                Err(InputError::new(&self.path, problem, hint).into())
            }
            (0, None) => {
                Err(InputError::new(&self.path, "holds no examples", "give a line for each").into())
            }
            _ => Ok(unreadable),
        }
    }

    fn numbers(&self, record: &StringRecord, width: usize) -> Result<Vec<f64>, String> {
        if record.len() != width {
            return Err(format!(
                "has {} fields where others have {width}",
                record.len()
            ));
        }
        let read = |&column: &usize| {
            let field = &record[column];
            number(field).ok_or_else(|| {
                let name = self
                    .header
                    .as_ref()
                    .map(|names| format!(" (`{}`)", names[column]));
                let name = name.unwrap_or_default();
                let column = column + 1;
                match field {
                    "" => format!("column {column}{name} is empty"),
                    field => format!(
                        "column {column}{name} is no number: `{}`",
                        field.escape_debug()
                    ),
                }
            })
        };
        self.numbers.iter().map(read).collect()
    }
}

/// A finite number.
fn number(field: &str) -> Option<f64> {
    field
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
}

#[derive(Default)]
struct Building {
    numbers: Vec<f64>,
    classes: Vec<String>,
    names: Vec<String>,
}

impl Building {
    fn finish(self, has_classes: bool) -> Block {
        Block {
            values: RawValues::Numbers(self.numbers),
            names: Some(self.names),
            classes: has_classes.then_some(self.classes),
        }
    }
}
