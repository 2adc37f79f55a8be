//! A mistake in a config, and the place where it was made.

use std::fmt::{self, Display};

/// One mistake in a config: where, what, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub origin: Option<Origin>,
    pub message: String,
    pub hint: Option<String>,
}

impl Problem {
    /// Sorts mistakes, and what is written, by place: the file, then overrides, then what is missing.
    pub fn order(origin: Option<&Origin>) -> (u8, usize, usize) {
        match origin {
            Some(Origin::File { line, column, .. }) => (0, *line, *column),
            Some(Origin::Override(_)) => (1, 0, 0),
            None => (2, 0, 0),
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file, both counted from 1.
    File {
        file: String,
        line: usize,
        column: usize,
    },
    /// In a `--set` argument, quoted whole.
    Override(String),
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line, column } => write!(f, "{file}:{line}:{column}"),
            Self::Override(argument) => write!(f, "--set {argument}"),
        }
    }
}
