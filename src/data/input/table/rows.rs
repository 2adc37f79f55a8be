//! Reads the rows of a table.

use super::Table;
use super::cell;
use super::records::Record;
use crate::data::input::{
    Block, Each, HINT, InputError, RawValues, Unreadable, UnreadableExamples,
};

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

/// Formats a number of fields, such as `1 field`.
pub(super) fn fields(count: usize) -> String {
    match count {
        1 => "1 field".to_owned(),
        _ => format!("{count} fields"),
    }
}

impl Table {
    pub(in crate::data::input) fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<UnreadableExamples, E> {
        let failed = |error: std::io::Error| {
            InputError::new(&self.path, format!("cannot be read as CSV ({error})"), HINT)
        };
        let mut unreadable = UnreadableExamples::new();
        let mut records = self.records()?;
        let mut record = Record::default();
        if self.begins_with_names {
            records.read(&mut record).map_err(failed)?;
        }
        let columns = self.columns();
        let mut block = Building::default();
        let mut seen = 0;
        let mut rows = 0;
        let mut readable = 0;
        loop {
            let is_there = records.read(&mut record).map_err(failed)?;
            if is_there {
                seen += 1;
                let row = rows;
                rows += 1;
                let before = block.numbers.len();
                match self.numbers(&mut record, &mut block.numbers) {
                    Ok(()) => {
                        readable += 1;
                        let text = |column: usize| record.get(column).to_owned();
                        block.classes.extend(self.places.label.map(text));
                        // Counted as in the file, whatever cannot be read.
                        block
                            .names
                            .push(self.places.name.map_or_else(|| row.to_string(), text));
                    }
                    Err(reason) => {
                        block.numbers.truncate(before);
                        unreadable.push(Unreadable {
                            name: format!("line {}", record.line),
                            reason,
                        });
                    }
                }
            }
            // Where little can be read, progress is shown too.
            if block.numbers.len() >= most.max(1) * columns || seen >= most.max(1) || !is_there {
                let full = std::mem::take(&mut block);
                if each(full.finish(self.has_classes()), seen)?.is_break() {
                    return Ok(unreadable);
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
                Err(InputError::new(&self.path, problem, self.hint(reason)).into())
            }
            (0, None) => {
                Err(InputError::new(&self.path, "holds no examples", "give a line for each").into())
            }
            _ => Ok(unreadable),
        }
    }

    /// Returns the hint for a table without a readable line.
    fn hint(&self, reason: &str) -> String {
        let text = "text is only accepted in the columns of data.labels and `name`";
        let first = reason.strip_prefix("column ");
        let column = first.and_then(|reason| reason.split([' ', ':']).next());
        match column {
            Some(column) => {
                format!("{text}; data.drop_columns = [{column}] drops column {column}")
            }
            None => text.into(),
        }
    }

    /// Adds the numbers of a row to `numbers`, or returns why it cannot be read.
    fn numbers(&self, record: &mut Record, numbers: &mut Vec<f64>) -> Result<(), String> {
        if !record.is_text() {
            return Err("is not UTF-8; set data.encoding".into());
        }
        if self.ends_with_separator
            && record.len() == self.width + 1
            && record.get(self.width).is_empty()
        {
            record.pop();
        }
        if self.width > 1 && record.is_blank() {
            return Err("all its fields are empty".into());
        }
        if record.len() != self.width {
            return Err(format!(
                "has {} where others have {}",
                fields(record.len()),
                self.width
            ));
        }
        let is_decoded = self.text.encoding != encoding_rs::UTF_8;
        if is_decoded
            && record
                .iter()
                .any(|field| field.contains(char::REPLACEMENT_CHARACTER))
        {
            let encoding = self.text.encoding.name();
            return Err(format!("is not {encoding}; set data.encoding"));
        }
        for &column in &self.places.numbers {
            let field = record.get(column);
            match cell::number(field, self.decimal) {
                Some(number) => numbers.push(number),
                None => return Err(self.reason(column, field)),
            }
        }
        Ok(())
    }

    fn reason(&self, column: usize, field: &str) -> String {
        let name = self.header.as_ref().map(|names| &names[column]);
        let name = name.filter(|name| !name.is_empty());
        let name = name.map(|name| format!(" (`{name}`)")).unwrap_or_default();
        let column = format!("column {}{name}", column + 1);
        let shown = field.escape_debug();
        if field.is_empty() {
            return format!("{column} is empty: its value is missing");
        }
        if cell::is_missing(field) {
            return format!("{column} is missing: `{shown}`");
        }
        match cell::remark(field, self.decimal) {
            None => format!("{column} is not a number: `{shown}`"),
            Some(remark) => format!("{column} is not a number: `{shown}` ({remark})"),
        }
    }
}
