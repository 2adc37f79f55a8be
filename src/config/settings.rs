//! Settings under dotted keys, each with the place it came from, read with every mistake collected.

mod sections;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Bound;

use toml::Value;

use super::problem::{Origin, Problem};
use super::spelling::{closest, nearest};

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    origin: Origin,
}

/// All settings of a config under their dotted keys, and the mistakes found so far.
///
/// Reading a key marks it as known; [`Settings::finish`] reports those that nobody asked for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    entries: BTreeMap<String, Entry>,
    asked: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Settings {
    /// The place of a key, or of the first that is written inside a section.
    fn origin(&self, key: &str) -> Option<Origin> {
        let inside = format!("{key}.");
        let entry = self.entries.get(key);
        let entry = entry.or_else(|| self.inside(&inside).next().map(|(_, entry)| entry));
        entry.map(|entry| entry.origin.clone())
    }

    /// The entries whose keys begin with `prefix`. Keys are in order, so these are together: nothing else is looked at.
    fn inside<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let entries = self.entries.range::<str, _>(from);
        entries.take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Reports a mistake at `key`: at its place if it was written, else by its name alone.
    pub fn problem(&mut self, key: &str, message: impl Display, hint: Option<String>) {
        self.problems.push(Problem {
            origin: self.origin(key),
            message: format!("`{key}` {message}"),
            hint,
        });
    }

    /// The value at `key` as `convert` reads it; `None` when absent, or (reported) when wrong.
    ///
    /// `expected` completes the sentence "… must be".
    pub fn read<T>(
        &mut self,
        key: &str,
        expected: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        self.asked.insert(key.to_owned());
        let value = self.entries.get(key)?.value.clone();
        let converted = convert(&value);
        if converted.is_none() {
            self.problem(
                key,
                format!("must be {expected}, found {}", show(&value)),
                None,
            );
        }
        converted
    }

    /// Reports everything that is written at or inside `section`, which has no meaning in this
    /// config; `why` completes the sentence "`section` …".
    pub fn refuse(&mut self, section: &str, why: &str) {
        let inside = format!("{section}.");
        let itself = self.entries.get_key_value(section);
        let written = itself.into_iter().chain(self.inside(&inside));
        let written: Vec<String> = written.map(|(key, _)| key.clone()).collect();
        let says_something = |key: &String| {
            let value = &self.entries[key].value;
            !matches!(value, Value::Table(table) if table.is_empty())
        };
        if written.iter().any(says_something) {
            self.problem(section, why, Some("leave it out".into()));
        }
        self.asked.extend(written);
    }

    /// The value that is written at `key`.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Accepts whatever is written at `key`.
    pub fn ignore(&mut self, key: &str) {
        self.asked.insert(key.to_owned());
    }

    /// The keys that were read or refused so far.
    #[cfg(test)]
    pub fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    /// Takes out everything that is written inside `section`, so that nothing is said of it.
    pub fn forget(&mut self, section: &str) {
        let inside = format!("{section}.");
        self.entries
            .retain(|key, _| key != section && !key.starts_with(&inside));
    }

    /// Changes the values of the keys that `is_meant` names.
    pub fn change_values(&mut self, is_meant: impl Fn(&str) -> bool, change: impl Fn(&mut Value)) {
        for (key, entry) in &mut self.entries {
            if is_meant(key) {
                change(&mut entry.value);
            }
        }
    }

    /// Yes or no.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.read(key, "true or false", Value::as_bool)
    }

    /// A number of things, at least `least`.
    pub fn count(&mut self, key: &str, least: u32) -> Option<usize> {
        let expected = format!("a whole number of at least {least}");
        self.read(key, &expected, |value| {
            let number = u32::try_from(value.as_integer()?).ok()?;
            (number >= least).then_some(number as usize)
        })
    }

    /// A seed: any whole number that TOML can write, from 0.
    pub fn seed(&mut self, key: &str) -> Option<u64> {
        self.read(key, "a whole number of at least 0", |value| {
            u64::try_from(value.as_integer()?).ok()
        })
    }

    /// A finite number that `accept` takes.
    pub fn number(
        &mut self,
        key: &str,
        expected: &str,
        accept: impl FnOnce(f64) -> bool,
    ) -> Option<f64> {
        self.read(key, expected, |value| {
            let number = match value {
                Value::Integer(integer) => *integer as f64,
                Value::Float(float) => *float,
                _ => return None,
            };
            (number.is_finite() && accept(number)).then_some(number)
        })
    }

    /// A string.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.read(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// One of the named choices.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        let expected = match names.len() {
            1 => names[0].clone(),
            _ => format!("one of {}", names.join(", ")),
        };
        let chosen = self.read(key, &expected, |value| {
            let given = value.as_str()?;
            choices
                .iter()
                .find(|(name, _)| *name == given)
                .map(|(_, choice)| *choice)
        });
        let written = self.entries.get(key).and_then(|entry| entry.value.as_str());
        if let (None, Some(given), Some(problem)) = (&chosen, written, self.problems.last_mut()) {
            let names = choices.iter().map(|(name, _)| *name);
            problem.hint = closest(given, names).map(|name| format!("did you mean \"{name}\"?"));
        }
        chosen
    }

    /// Whether anything is written at `key`.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether anything is written inside `section`.
    pub fn has_section(&self, section: &str) -> bool {
        let inside = format!("{section}.");
        self.entries.contains_key(section) || self.inside(&inside).next().is_some()
    }

    /// The kind of an optional section, such as `objective.corruption`: `None` when nothing of it
    /// is written.
    pub fn kind<T: Copy>(&mut self, section: &str, kinds: &[(&str, T)]) -> Option<T> {
        let key = format!("{section}.kind");
        if self.has_section(section) && !self.has(&key) {
            let names: Vec<_> = kinds
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            let hint = format!("add kind, one of {}", names.join(", "));
            self.problem(section, "needs a kind", Some(hint));
        }
        self.choice(&key, kinds)
    }

    /// A list of layer sizes: at least two whole numbers of at least 1.
    pub fn sizes(&mut self, key: &str) -> Option<Vec<usize>> {
        self.read(
            key,
            "a list of two or more layer sizes of at least 1",
            |value| {
                let sizes = value
                    .as_array()?
                    .iter()
                    .map(|item| {
                        usize::try_from(item.as_integer()?)
                            .ok()
                            .filter(|&size| size > 0)
                    })
                    .collect::<Option<Vec<_>>>()?;
                (sizes.len() >= 2).then_some(sizes)
            },
        )
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All mistakes at once, the keys that nothing asked for among them, in order of place.
    pub fn finish(mut self) -> Result<(), Vec<Problem>> {
        let is_a_known_section = |key: &str| {
            let inside = format!("{key}.");
            let from = (Bound::Included(inside.as_str()), Bound::Unbounded);
            let next = self.asked.range::<str, _>(from).next();
            next.is_some_and(|known| known.starts_with(&inside))
        };
        let unknown: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, entry)| {
                let is_empty = matches!(&entry.value, Value::Table(table) if table.is_empty());
                !(self.asked.contains(*key) || is_empty && is_a_known_section(key))
            })
            .enumerate()
            .map(|(number, (key, entry))| Problem {
                origin: Some(entry.origin.clone()),
                message: format!("unknown key `{}`", shortened(key)),
                // Each is compared with all that are known, which takes long where there are thousands.
                hint: (number < MOST_SUGGESTIONS && key.len() <= MOST_OF_A_KEY)
                    .then(|| nearest(key, &self.asked))
                    .flatten()
                    .map(|known| format!("did you mean `{known}`?")),
            })
            .collect();
        self.problems.extend(unknown);
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems
            .sort_by_key(|problem| Problem::order(problem.origin.as_ref()));
        Err(self.problems)
    }
}

/// Characters of a value that an error shows.
const MOST_SHOWN: usize = 80;
/// Unknown keys for which the key that was meant is looked for.
const MOST_SUGGESTIONS: usize = 20;
/// Bytes of an unknown key that may be a misspelt one.
const MOST_OF_A_KEY: usize = 200;

fn show(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".into(),
        other => shortened(&other.to_string()),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(settings: Settings) -> Vec<String> {
        settings
            .finish()
            .err()
            .unwrap_or_default()
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn every_mistake_is_reported_at_its_place_in_one_go() {
        let mut settings = Settings::parse(
            "a.toml",
            "[train]\nepochs = \"ten\"\nbatch = 3\n\n[modle]\n[train.optimizer]\n  learning_rate = -1\n",
        )
        .unwrap();
        settings.set("train.shuffle=yes");
        assert_eq!(settings.count("train.epochs", 1), None);
        assert_eq!(settings.count("train.batch_size", 1), None);
        assert_eq!(settings.text("model.kind"), None);
        let positive = |x| x > 0.0;
        assert_eq!(
            settings.number("train.optimizer.learning_rate", "positive", positive),
            None
        );
        assert_eq!(
            messages(settings),
            [
                "a.toml:2:1: `train.epochs` must be a whole number of at least 1, found \"ten\"",
                "a.toml:3:1: unknown key `train.batch`\n  hint: did you mean `train.batch_size`?",
                "a.toml:5:2: unknown key `modle`\n  hint: did you mean `model.kind`?",
                "a.toml:7:3: `train.optimizer.learning_rate` must be positive, found -1",
                "--set train.shuffle=yes: unknown key `train.shuffle`",
            ]
        );
    }

    #[test]
    fn overrides_take_toml_or_a_bare_word_and_replace_tables_whole() {
        let mut settings = Settings::parse(
            "a.toml",
            "train.optimizer = { kind = \"adam\", epsilon = 1 }",
        )
        .unwrap();
        settings.set("name = spirals ");
        settings.set("train.optimizer={ kind = 'sgd' }");
        settings.set("model.encoder=[4, 2]");
        assert_eq!(settings.text("name").as_deref(), Some("spirals"));
        assert_eq!(
            settings.text("train.optimizer.kind").as_deref(),
            Some("sgd")
        );
        assert_eq!(settings.sizes("model.encoder"), Some(vec![4, 2]));
        settings
            .finish()
            .expect("epsilon went with the table it was in");
    }

    #[test]
    fn malformed_overrides_are_mistakes_not_settings() {
        let mut settings = Settings::default();
        for argument in ["epochs", "=3", "a..b=1", "a=[1", "a b=1"] {
            settings.set(argument);
        }
        assert_eq!(messages(settings).len(), 5);
    }

    #[test]
    fn syntax_errors_are_all_located() {
        let problems = Settings::parse("a.toml", "a = \nb = [1,\n").unwrap_err();
        assert!(problems.len() >= 2, "{problems:?}");
        assert!(
            problems[0].to_string().starts_with("a.toml:1:"),
            "{problems:?}"
        );
        assert!(Settings::parse("a.toml", "a = 1\na = 2\n").is_err());
    }
}
