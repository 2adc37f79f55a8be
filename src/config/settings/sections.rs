//! Sections of settings as settings of their own, and settings on top of others.

use std::collections::HashSet;

use toml::Value;

use super::Settings;
use crate::config::problem::{Origin, Problem};

impl Settings {
    /// Takes everything inside `section` out, under keys without its name. Something else than a section in its place is
    /// a mistake.
    pub fn take(&mut self, section: &str) -> Self {
        let inside = format!("{section}.");
        let itself = self.entries.get(section).map(|entry| &entry.value);
        if itself.is_some_and(|value| !value.is_table()) {
            let hint = format!("write [{section}] and keys below it, or --set {section}.KEY=VALUE");
            self.problem(section, "must be a section", Some(hint));
        }
        let mut taken = Self::default();
        self.entries.retain(|key, entry| {
            let is_inside = key.strip_prefix(&inside);
            if let Some(key) = is_inside {
                taken.entries.insert(key.to_owned(), entry.clone());
            }
            is_inside.is_none() && key != section
        });
        taken
    }

    /// All keys in the order in which they were written.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.entries.iter().collect();
        keys.sort_by_key(|(_, entry)| Problem::order(Some(&entry.origin)));
        keys.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// The first parts of the keys inside `section` in the order in which they were written.
    pub fn names_in(&self, section: &str) -> Vec<String> {
        let inside = format!("{section}.");
        let mut known = HashSet::new();
        let mut names: Vec<String> = Vec::new();
        for key in self.keys() {
            let rest = key.strip_prefix(&inside);
            let name = rest.and_then(|rest| rest.split('.').next());
            if let Some(name) = name.filter(|&name| known.insert(name.to_owned())) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Puts other settings on top of these.
    pub fn overlay(&mut self, other: &Self) {
        for (key, entry) in &other.entries {
            self.insert_value(key, entry.value.clone(), &entry.origin);
        }
    }

    /// Puts a value at a key, as if it had been written where `origin` says.
    pub fn put(&mut self, key: &str, value: Value, origin: &Origin) {
        let inside = format!("{key}.");
        self.entries
            .retain(|known, _| known != key && !known.starts_with(&inside));
        self.insert_value(key, value, origin);
    }

    /// Where a key was written.
    pub fn place(&self, key: &str) -> Option<&Origin> {
        self.entries.get(key).map(|entry| &entry.origin)
    }

    /// The mistakes found so far, which are then forgotten.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}
