//! The names, classes and splits of rows.

use std::path::{Path, PathBuf};

use crate::files::{self, FileError};

/// The name of the column of classes.
pub const CLASS_COLUMN: &str = "class";
/// The name of the column of splits.
pub const SPLIT_COLUMN: &str = "split";

/// Names, classes and splits of some rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    pub names: Option<&'a [String]>,
    pub classes: Option<&'a [String]>,
    /// The split that all of them are of.
    pub split: Option<&'a str>,
}

impl<'a> Beside<'a> {
    /// The names of the columns between the name and the numbers.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        let class = self.classes.map(|_| CLASS_COLUMN);
        class.into_iter().chain(self.split.map(|_| SPLIT_COLUMN))
    }

    /// Their values in a row.
    pub fn fields(self, row: usize) -> impl Iterator<Item = &'a str> {
        let class = self.classes.map(|classes| classes[row].as_str());
        class.into_iter().chain(self.split)
    }
}

/// Contents of the files that are written beside an array.
#[derive(Debug, Default)]
pub struct Kept {
    names: Vec<String>,
    classes: Vec<String>,
    splits: Vec<String>,
}

impl Kept {
    /// Adds what stands beside some rows, of which there were `first` before.
    pub fn add(&mut self, beside: Beside<'_>, first: usize, rows: usize) {
        // Inputs without names beside others are counted.
        if beside.names.is_some() && self.names.is_empty() {
            self.names.extend((0..first).map(|row| row.to_string()));
        }
        match beside.names {
            Some(names) => self.names.extend_from_slice(names),
            None if self.names.is_empty() => {}
            None => self
                .names
                .extend((first..first + rows).map(|row| row.to_string())),
        }
        self.classes
            .extend_from_slice(beside.classes.unwrap_or_default());
        self.splits.extend(
            beside
                .split
                .iter()
                .flat_map(|split| vec![(*split).to_owned(); rows]),
        );
    }

    /// All files that there may be beside an array at `path`.
    pub fn files(path: &Path) -> Vec<PathBuf> {
        ENDINGS
            .iter()
            .map(|ending| path.with_extension(ending))
            .collect()
    }

    /// Writes a file for each of names, classes and splits that there are, and returns where they are.
    ///
    /// # Errors
    /// There is no room.
    pub fn write(self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        let columns = [self.names, self.classes, self.splits];
        let mut written = Vec::new();
        for (beside, lines) in Self::files(path).into_iter().zip(columns) {
            if lines.is_empty() {
                continue;
            }
            let text: String = lines
                .iter()
                .map(|line| line.replace(['\n', '\r'], " ") + "\n")
                .collect();
            files::write(&beside, text.as_bytes())?;
            written.push(beside);
        }
        Ok(written)
    }
}

const ENDINGS: [&str; 3] = ["names.txt", "classes.txt", "splits.txt"];
