//! Settings as written: TOML text and `--set` overrides, flattened to dotted keys.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use super::{Entry, Settings};
use crate::config::problem::{Origin, Problem};

impl Settings {
    /// Reads TOML text; `file` names it in messages.
    ///
    /// # Errors
    /// Every syntax error in the text.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let (spans, errors) = DeTable::parse_recoverable(text);
        let mut errors: Vec<_> = errors
            .iter()
            .map(|error| (error.message().to_owned(), error.span()))
            .collect();
        let values = match toml::from_str::<toml::Table>(text) {
            Ok(values) => values,
            Err(error) => {
                if errors.is_empty() {
                    errors.push((error.message().to_owned(), error.span()));
                }
                errors.sort_by_key(|(_, span)| span.as_ref().map(|span| span.start));
                return Err(errors
                    .into_iter()
                    .map(|(message, span)| Problem {
                        origin: Some(place(file, text, &span.unwrap_or(0..0))),
                        message: format!("not valid TOML: {message}"),
                        hint: None,
                    })
                    .collect());
            }
        };
        let mut settings = Self::default();
        settings.flatten("", &values, spans.get_ref(), &|span| {
            place(file, text, span)
        });
        Ok(settings)
    }

    /// Applies one `--set key=value`. The value is TOML, or a bare word for a string.
    pub fn set(&mut self, argument: &str) {
        let origin = Origin::Override(argument.to_owned());
        let mut refuse = |message: String| {
            self.problems.push(Problem {
                origin: Some(origin.clone()),
                message,
                hint: Some("write --set train.epochs=10 or --set data.path=DIR".into()),
            });
        };
        let Some((key, raw)) = argument.split_once('=') else {
            return refuse("has no `=`".into());
        };
        let (key, raw) = (key.trim(), raw.trim());
        let bare = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        };
        if !key.split('.').all(bare) {
            return refuse(format!("`{key}` is not a key"));
        }
        let text = format!("value = {raw}");
        let value = match toml::from_str::<toml::Table>(&text) {
            Ok(mut table) if table.len() == 1 => {
                table.remove("value").unwrap_or(Value::Boolean(false))
            }
            _ if raw.starts_with(['"', '\'', '[', '{']) => {
                return refuse(format!("`{raw}` is not a TOML value"));
            }
            _ => Value::String(raw.to_owned()),
        };
        // A table given here replaces the whole table of the file.
        let inside = format!("{key}.");
        self.entries
            .retain(|known, _| known != key && !known.starts_with(&inside));
        self.insert_value(key, value, &origin);
    }

    /// Puts a value at a key, that of a table at the keys inside.
    pub(super) fn insert_value(&mut self, key: &str, value: Value, origin: &Origin) {
        match value {
            Value::Table(table) if !table.is_empty() => {
                for (inner, value) in table {
                    self.insert_value(&format!("{key}.{inner}"), value, origin);
                }
            }
            value => {
                // What is said in a word replaces what was said in a table, and the other way round.
                let inside = format!("{key}.");
                self.entries.retain(|known, _| !known.starts_with(&inside));
                if let Some(parent) = key.strip_suffix(".kind") {
                    self.entries.remove(parent);
                }
                let origin = origin.clone();
                self.entries.insert(key.to_owned(), Entry { value, origin });
            }
        }
    }

    fn flatten(
        &mut self,
        prefix: &str,
        values: &toml::Table,
        spans: &DeTable<'_>,
        place: &dyn Fn(&Range<usize>) -> Origin,
    ) {
        for (name, value) in values {
            let key = match prefix {
                "" => name.clone(),
                _ => format!("{prefix}.{name}"),
            };
            let spanned = spans.get_key_value(name.as_str());
            match (value, spanned.map(|(_, inner)| Spanned::get_ref(inner))) {
                (Value::Table(inner), Some(DeValue::Table(inner_spans))) if !inner.is_empty() => {
                    self.flatten(&key, inner, inner_spans, place);
                }
                _ => {
                    let span = spanned.map_or(0..0, |(key, _)| key.span());
                    let (value, origin) = (value.clone(), place(&span));
                    self.entries.insert(key, Entry { value, origin });
                }
            }
        }
    }
}

fn place(file: &str, text: &str, span: &Range<usize>) -> Origin {
    let before = &text[..span.start.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Origin::File {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
