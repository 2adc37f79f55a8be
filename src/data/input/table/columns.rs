//! The roles of the columns of a table.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::header::Below;
use crate::data::Shape;
use crate::data::input::{InputError, Notes, Options};

/// The roles of the columns of a table, as far as they are given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Whether the first line names them; if not said, the lines below decide.
    pub header: Option<bool>,
    /// The column of the classes: its name, or its number from 1.
    pub label: Option<String>,
    /// The column of the examples' names, alike.
    pub name: Option<String>,
    /// Columns that are not read.
    pub drop: Vec<Dropped>,
    pub dialect: Dialect,
    /// The names of the columns of numbers in another table, which this one may have too.
    pub known: Option<Vec<String>>,
    /// True if the column of classes may be missing.
    pub optional: bool,
    /// Whether these say how another table was: columns that are not read may be missing, and the dialect may be another.
    pub of_another: bool,
}

/// A column that is not read: by its name, or by its number from 1 where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
}

/// What a column is called that this program has written names of examples to.
pub const NAME_COLUMN: &str = "name";
/// The names of columns that count, in lower case.
const COUNTERS: [&str; 9] = [
    "id",
    "index",
    "idx",
    "row",
    "row_id",
    "rowid",
    "row_number",
    "nr",
    "#",
];
/// Rows from which a column that counts does not do so by chance, where it has no name to say so.
const CERTAINLY_COUNTING: usize = 10;
/// The same where its name, or the lack of one, says so too.
const COUNTING: usize = 3;
/// Names that an error lists.
const MOST_NAMES: usize = 30;

/// The columns of a table, by place.
#[derive(Debug, Default)]
pub struct Places {
    pub label: Option<usize>,
    pub name: Option<usize>,
    pub dropped: Vec<usize>,
    /// The others, which hold numbers.
    pub numbers: Vec<usize>,
}

/// The names of a table's columns, if it has some, and their number.
pub struct Head<'a> {
    pub path: &'a Path,
    pub names: Option<&'a [String]>,
    pub width: usize,
}

impl Dropped {
    fn describe(&self) -> String {
        match (&self.name, self.number) {
            (Some(name), _) => format!("`{name}`"),
            (None, number) => number.unwrap_or_default().to_string(),
        }
    }
}

/// Returns whether a column has no name, as it is or as pandas reads it.
fn is_unnamed(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed: ")
}

impl Head<'_> {
    /// Finds the columns that `options` name.
    ///
    /// # Errors
    /// One is missing, or no column of numbers is left.
    pub fn places(&self, options: &Options) -> Result<Places, InputError> {
        let columns = &options.columns;
        let dropped_by_name = self.dropped(columns, None)?;
        // A column that is given by its number is not there where there are no more than the numbers.
        let numbers = options.shape.map(Shape::size);
        let is_bare = numbers == Some(self.width - dropped_by_name.len());
        let is_numbered = columns
            .label
            .as_ref()
            .is_some_and(|label| label.parse::<usize>().is_ok());
        let label = columns.label.as_deref();
        let label = label.filter(|_| !(columns.optional && is_numbered && is_bare));
        let label = self.find(label, options.words.label, columns.optional)?;
        let mut name = self.find(columns.name.as_deref(), "the column of names", false)?;
        let special = usize::from(label.is_some()) + usize::from(name.is_some());
        let spare = numbers.map(|numbers| self.width.saturating_sub(special + numbers));
        let dropped = match columns.of_another {
            true => self.dropped(columns, spare)?,
            false => dropped_by_name,
        };
        if let Some(label) = label.filter(|label| dropped.contains(label)) {
            return Err(InputError::new(
                self.path,
                format!(
                    "column {} has the classes, and data.drop_columns drops it",
                    label + 1
                ),
                "remove it from data.drop_columns",
            ));
        }
        if name.is_none() {
            // As this program writes them.
            let names = self
                .names
                .and_then(|names| names.iter().position(|name| name == NAME_COLUMN));
            name = names.filter(|column| Some(*column) != label && !dropped.contains(column));
        }
        let is_number = |column: &usize| {
            Some(*column) != label && Some(*column) != name && !dropped.contains(column)
        };
        let numbers: Vec<usize> = (0..self.width).filter(is_number).collect();
        match numbers.is_empty() {
            true => Err(InputError::new(
                self.path,
                "has no column of numbers",
                "give a CSV of numbers",
            )),
            false => Ok(Places {
                label,
                name,
                dropped,
                numbers,
            }),
        }
    }

    /// The columns that are not read. Those of another table are found by their name, or by their number if this one has as many
    /// columns to `spare`.
    fn dropped(&self, columns: &Columns, spare: Option<usize>) -> Result<Vec<usize>, InputError> {
        let mut places = Vec::new();
        for dropped in &columns.drop {
            let by_number = dropped
                .number
                .and_then(|number| number.checked_sub(1))
                .filter(|&place| place < self.width);
            let named = |wanted: &str| self.names?.iter().position(|name| name == wanted);
            let place = match (&dropped.name, self.names) {
                (Some(name), _) if !(is_unnamed(name) && columns.of_another) => named(name),
                (_, Some(names)) if columns.of_another => {
                    by_number.filter(|&place| is_unnamed(&names[place]))
                }
                (_, None) if columns.of_another => {
                    by_number.filter(|_| spare.is_some_and(|spare| spare >= columns.drop.len()))
                }
                _ => by_number,
            };
            match place {
                Some(place) => places.push(place),
                None if columns.of_another => {}
                None => {
                    return Err(self.missing(&dropped.describe(), "data.drop_columns"));
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// The place of a column given by its name, or its number from 1.
    fn find(
        &self,
        wanted: Option<&str>,
        what: &str,
        is_optional: bool,
    ) -> Result<Option<usize>, InputError> {
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let by_name = self
            .names
            .and_then(|names| names.iter().position(|name| name == wanted));
        let number = wanted.parse::<usize>().ok();
        let by_number = number.filter(|number| (1..=self.width).contains(number));
        match by_name.or(by_number.map(|number| number - 1)) {
            Some(column) => Ok(Some(column)),
            None if is_optional => Ok(None),
            None => Err(self.missing(&format!("`{wanted}`"), what)),
        }
    }

    fn missing(&self, wanted: &str, what: &str) -> InputError {
        let hint = match self.names {
            Some(names) if names.len() <= MOST_NAMES => {
                format!("its columns are {}", names.join(", "))
            }
            _ => format!(
                "it has {} columns; name one, or give its number from 1",
                self.width
            ),
        };
        InputError::new(self.path, format!("has no column {wanted} ({what})"), hint)
    }

    /// The columns that are not read, for tables that are read later.
    pub fn record(&self, places: &Places) -> Vec<Dropped> {
        let dropped = |&place: &usize| Dropped {
            name: self.names.map(|names| names[place].clone()),
            number: Some(place + 1),
        };
        places.dropped.iter().map(dropped).collect()
    }

    /// Warns about names that occur twice, and about columns that number the rows and are used as features.
    pub fn warn(&self, places: &Places, below: &Below<'_>, notes: &mut Notes) {
        let name = |place: usize| self.names.map(|names| names[place].as_str());
        let mut seen = HashMap::new();
        let mut twins = Vec::new();
        for &place in &places.numbers {
            if let Some(name) = name(place).filter(|name| !is_unnamed(name))
                && let Some(twin) = seen.insert(name, place)
            {
                twins.push((twin, place, name));
            }
            let has_no_name = name(place).is_none_or(is_unnamed);
            let least = match name(place) {
                None if place == 0 => CERTAINLY_COUNTING,
                Some(name) if is_unnamed(name) => COUNTING,
                Some(name) if COUNTERS.contains(&name.to_lowercase().as_str()) => COUNTING,
                _ => continue,
            };
            let what = match below.counts_from(place, least) {
                Some(from) => format!("counts {from}, {}, {}, …", from + 1, from + 2),
                None if self.names.is_some() && has_no_name && below.are_all_different(place) => {
                    "holds a different whole number in each line".into()
                }
                None => continue,
            };
            let (column, key) = match (has_no_name, name(place)) {
                (false, Some(name)) => (format!("the column `{name}`"), format!("{name:?}")),
                _ if place == 0 => ("the first column has no name and".into(), "1".into()),
                _ => (
                    format!("column {} has no name and", place + 1),
                    (place + 1).to_string(),
                ),
            };
            notes.warnings.push(format!(
                "{column} {what}; it is used as a feature; data.drop_columns = [{key}] drops it"
            ));
        }
        if let Some((twin, place, name)) = twins.first() {
            let more = match twins.len() {
                1 => String::new(),
                count => format!(", and {} more repeat an earlier name", count - 1),
            };
            notes.warnings.push(format!(
                "the columns {} and {} are both called `{name}`{more}",
                twin + 1,
                place + 1
            ));
        }
    }
}
