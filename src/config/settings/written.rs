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
    /// Every syntax error in the text, nesting deeper than the parser goes included; or it has more keys than any config.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let lines = Lines::new(text);
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
                        origin: Some(lines.place(file, &span.unwrap_or(0..0))),
                        message: format!("not valid TOML: {message}"),
                        hint: None,
                    })
                    .collect());
            }
        };
        let mut settings = Self::default();
        settings.flatten("", &values, spans.get_ref(), &|span| {
            lines.place(file, span)
        });
        match settings.entries.len() {
            0..=MOST_KEYS => Ok(settings),
            found => Err(vec![Problem {
                origin: Some(lines.place(file, &(0..0))),
                message: format!("has {found} keys, more than {MOST_KEYS}"),
                hint: Some("no config has that many keys; check the file".into()),
            }]),
        }
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

/// Greatest number of keys of a config: the largest studies have some hundred.
const MOST_KEYS: usize = 5000;

/// The lines of a text, such that the line and the column of any place in it are found without going through the text.
struct Lines<'a> {
    bytes: &'a [u8],
    /// The start of each line.
    starts: Vec<usize>,
    /// Characters that begin before each multiple of [`Self::STRIDE`].
    characters: Vec<usize>,
}

impl<'a> Lines<'a> {
    const STRIDE: usize = 1024;

    fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let newlines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let mut before = 0;
        let pieces = bytes.chunks(Self::STRIDE).map(|piece| {
            before += characters(piece);
            before
        });
        Self {
            bytes,
            starts: std::iter::once(0)
                .chain(newlines.map(|(at, _)| at + 1))
                .collect(),
            characters: std::iter::once(0).chain(pieces).collect(),
        }
    }

    fn place(&self, file: &str, span: &Range<usize>) -> Origin {
        let at = span.start.min(self.bytes.len());
        let line = self.starts.partition_point(|&start| start <= at);
        Origin::File {
            file: file.to_owned(),
            line,
            column: self.characters_before(at) - self.characters_before(self.starts[line - 1]) + 1,
        }
    }

    fn characters_before(&self, at: usize) -> usize {
        let piece = at / Self::STRIDE;
        self.characters[piece] + characters(&self.bytes[piece * Self::STRIDE..at])
    }
}

/// The number of characters that begin in a piece of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    proptest! {
        #[test]
        fn places_are_those_that_counting_from_the_beginning_gives(
            text in "(\\PC|\n){0,3000}", at in 0.0..1.0f64,
        ) {
            let mut at = (text.len() as f64 * at) as usize;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let before = &text[..at];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let expected = Origin::File {
                file: "x".into(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
            };
            prop_assert_eq!(Lines::new(&text).place("x", &(at..at)), expected);
        }
    }

    /// The parser, and what becomes of its values, call themselves for each level: an overflow of the stack would end the
    /// process.
    #[test]
    fn what_nests_deeply_is_an_error_and_soon() {
        let begun = Instant::now();
        for deep in [
            "a = ".to_owned() + &"[".repeat(200_000),
            "a = ".to_owned() + &"{a=".repeat(100_000),
            "a.".repeat(100_000) + "a = 1",
            "[".to_owned() + &"a.".repeat(100_000) + "a]",
            "[".repeat(200_000),
            "a = ".to_owned() + &"[".repeat(100_000) + &"]".repeat(100_000),
            "a = ".to_owned() + &"\"".repeat(100_000),
        ] {
            let problems = Settings::parse("x", &deep).err();
            assert!(
                problems.is_some_and(|problems| !problems.is_empty()),
                "{}",
                &deep[..40]
            );
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }

    /// 92 seconds, when the place of each key was counted from the beginning.
    #[test]
    fn as_many_keys_as_a_file_can_hold_are_refused_soon() {
        let begun = Instant::now();
        let lines: String = (0..80_000).map(|number| format!("k{number}=1\n")).collect();
        let within: String = (0..80_000).map(|number| format!("k{number}=1,")).collect();
        for text in [lines, format!("a={{{within}z=1}}")] {
            let problems = Settings::parse("x", &text).unwrap_err();
            assert!(
                problems[0].message.contains("more than 5000"),
                "{problems:?}"
            );
        }
        // As many as are taken, all unknown, on a line and on many.
        let keys: String = (0..4000)
            .map(|number| format!("model.key{number}=1\n"))
            .collect();
        let mut settings = Settings::parse("x", &keys).unwrap();
        settings.text("model.kind");
        assert_eq!(settings.finish().unwrap_err().len(), 4000);
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }

    const SOON: Duration = Duration::from_secs(10);
}
