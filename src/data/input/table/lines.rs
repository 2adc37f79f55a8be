//! The lines that a table begins with, the first of which may hold names.

use std::path::Path;

use super::cell;
use super::columns::Columns;
use super::dialect::{self, Decimal};
use super::header::{self, Below, Heading};
use super::records::{Record, Records};
use super::sample::Sample;
use crate::data::input::InputError;

/// The lines of a sample, the first of which may hold names.
pub struct Lines<'a> {
    first: Vec<String>,
    /// Whether that is a remark above the table.
    pub remark: bool,
    records: &'a [Record],
    pub width: usize,
    pub ends_with_separator: bool,
}

impl<'a> Lines<'a> {
    pub fn of(
        path: &Path,
        records: &'a [Record],
        sample: &Sample,
        separator: u8,
        header: Option<bool>,
    ) -> Result<Self, InputError> {
        let rows = dialect::rows(records);
        let usual = dialect::usual_width(rows);
        let ends_empty =
            |record: &Record| record.len() == usual && record.get(usual - 1).is_empty();
        let mut first: Vec<String> = records[0].iter().map(str::to_owned).collect();
        let is_short = first.len() + 1 == usual;
        let ends_with_separator = usual > 1
            && rows
                .iter()
                .all(|row| ends_empty(row) || row.len() + 1 == usual)
            && rows.iter().any(ends_empty)
            && (is_short || ends_empty(&records[0]));
        let width = usual - usize::from(ends_with_separator);
        while first.len() > width && first.last().is_some_and(String::is_empty) {
            first.pop();
        }
        let mut lines = Self {
            first,
            remark: false,
            records,
            width,
            ends_with_separator,
        };
        lines.take_remark(sample, separator, header);
        let is_text = |field: &String| cell::kind(field) == cell::Kind::Text;
        let fits = lines.first.len() == width || lines.first.len() + 1 == width;
        if !fits && header != Some(false) && lines.first.iter().any(is_text) {
            let (line, count) = (records[0].line, lines.first.len());
            let hint = match count > 1 && width == 2 * count {
                true => {
                    "decimal commas are ambiguous where commas separate fields: use decimal points or another separator"
                }
                false => "give every column one name; titles above the names begin with #",
            };
            return Err(InputError::new(
                path,
                format!(
                    "line {line} has {} where those below have {width}",
                    super::rows::fields(count)
                ),
                hint,
            ));
        }
        Ok(lines)
    }

    /// Takes the names from a remark above the table, if there are as many as columns and the first line is no better.
    fn take_remark(&mut self, sample: &Sample, separator: u8, header: Option<bool>) {
        let Some(remark) = sample.remark.as_ref().filter(|_| header != Some(false)) else {
            return;
        };
        let is_text = |field: &&String| cell::kind(field) == cell::Kind::Text;
        let mut records = Records::new(remark.as_bytes(), separator, 1);
        let mut names = Record::default();
        let is_there = records.read(&mut names).is_ok_and(|is_there| is_there);
        let fits = is_there && self.width > 1 && names.len() == self.width;
        let is_better = self.first.iter().find(is_text).is_none() || header == Some(true);
        if fits && is_better {
            self.first = names.iter().map(str::to_owned).collect();
            if self.first[0].is_empty() {
                self.first[0] = "#".into();
            }
            self.remark = true;
        }
    }

    fn rows(&self, has_names: bool) -> &'a [Record] {
        match has_names && !self.remark {
            true => &self.records[1..],
            false => self.records,
        }
    }

    pub fn below(&self, has_names: bool, decimal: Decimal) -> Below<'a> {
        Below::new(
            self.rows(has_names),
            self.width,
            self.ends_with_separator,
            decimal,
        )
    }

    pub fn heading(&self, columns: &Columns, decimal: Decimal) -> Heading {
        let obvious = |is_names, reason: String| Heading {
            is_names,
            reason,
            is_obvious: true,
        };
        if self.remark {
            return obvious(
                true,
                "it begins with # and has a field for each column".into(),
            );
        }
        if let Some(header) = columns.header {
            return obvious(header, format!("data.header = {header}"));
        }
        if let Some(known) = &columns.known
            && known.iter().all(|name| self.first.contains(name))
        {
            return obvious(true, "it holds the names of the columns of training".into());
        }
        let named = [
            ("data.labels", &columns.label),
            ("the column of names", &columns.name),
        ];
        let named = named
            .into_iter()
            .filter_map(|(what, name)| Some((what, name.as_ref()?)));
        let dropped = columns
            .drop
            .iter()
            .filter_map(|dropped| dropped.name.as_ref());
        let dropped = dropped.map(|name| ("data.drop_columns", name));
        let is_there = |(_, name): &(&str, &String)| !name.is_empty() && self.first.contains(name);
        let is_name = |(_, name): &(&str, &String)| name.parse::<f64>().is_err();
        if let Some((what, name)) = named.chain(dropped).filter(is_name).find(is_there) {
            return obvious(true, format!("it holds `{name}`, which {what} names"));
        }
        let numbered = [&columns.label, &columns.name].into_iter().flatten();
        let numbered: Vec<usize> = numbered
            .filter_map(|number| number.parse::<usize>().ok()?.checked_sub(1))
            .collect();
        let first: Vec<&str> = self.first.iter().map(String::as_str).collect();
        let below = self.below(true, decimal);
        header::decide(&first, &below, &numbered)
    }

    /// The names of all columns, the first of which may have none.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.first.clone();
        if names.len() + 1 == self.width {
            names.insert(0, String::new());
        }
        names.resize(self.width, String::new());
        names
    }
}
