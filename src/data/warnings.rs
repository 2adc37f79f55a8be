//! Warnings about the user's data.

use std::sync::{Arc, Mutex, PoisonError};

/// A list of warnings that everything that reads data adds to; clones share it.
///
/// A warning is one line without a full stop: what is odd, where, and after a semicolon the key or command that remedies it.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning, unless it is in the list already: inputs may be read more than once.
    pub fn add(&self, warning: impl Into<String>) {
        let warning = warning.into();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&warning) {
            all.push(warning);
        }
    }

    /// Returns all warnings so far, in the order in which they were added.
    pub fn list(&self) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_a_list_in_which_each_warning_is_once() {
        let warnings = Warnings::default();
        let reader = warnings.clone();
        for warning in ["b", "a", "b"] {
            reader.add(warning);
        }
        assert_eq!(warnings.list(), ["b", "a"]);
    }
}
