//! A folder of images that appear together or not at all.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::files::{self, FileError};

/// Pictures on their way to a folder. Until they are finished they wait in a hidden folder within it; dropped before, they leave
/// nothing.
pub struct Folder {
    path: PathBuf,
    /// Temporary folder, from the first image on.
    waiting: Option<TempDir>,
    /// True if this command created the folder.
    is_new: bool,
    /// Their places, and the numbers under which they wait.
    pictures: HashMap<PathBuf, usize>,
}

/// As other files that are being written are called.
const WAITING: &str = ".hourglass-";

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            waiting: None,
            is_new: false,
            pictures: HashMap::new(),
        }
    }

    /// Returns whether an image will be at `path`.
    pub fn holds(&self, path: &Path) -> bool {
        self.pictures.contains_key(path)
    }

    /// Adds an image, which will be at `path` within the folder.
    ///
    /// # Errors
    /// There is no room.
    pub fn add(&mut self, path: PathBuf, png: &[u8]) -> Result<(), FileError> {
        if self.waiting.is_none() {
            self.is_new = !self.path.exists();
            fs::create_dir_all(&self.path).map_err(files::at(&self.path))?;
            let waiting = tempfile::Builder::new()
                .prefix(WAITING)
                .tempdir_in(&self.path);
            self.waiting = Some(waiting.map_err(files::at(&self.path))?);
        }
        let number = self.pictures.len();
        if let Some(waiting) = &self.waiting {
            files::write_new(&waiting.path().join(number.to_string()), png)?;
        }
        self.pictures.insert(path, number);
        Ok(())
    }

    /// Moves all images to their final places.
    ///
    /// # Errors
    /// A folder or a file cannot be written.
    pub fn finish(mut self) -> Result<(), FileError> {
        if let Some(waiting) = &self.waiting {
            for (path, number) in &self.pictures {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(files::at(parent))?;
                }
                let from = waiting.path().join(number.to_string());
                fs::rename(from, path).map_err(files::at(path))?;
            }
        }
        self.is_new = false;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.waiting.take());
        if self.is_new {
            // Refused where something else was put into it.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_put_there_together_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut folder = Folder::new(&path);
        folder.add(path.join("a/1.png"), b"first").unwrap();
        drop(folder);
        assert!(!path.exists());
        let mut folder = Folder::new(&path);
        folder.add(path.join("a/1.png"), b"first").unwrap();
        folder.add(path.join("2.png"), b"second").unwrap();
        assert!(folder.holds(&path.join("2.png")) && !folder.holds(&path.join("3.png")));
        folder.finish().unwrap();
        assert_eq!(fs::read(path.join("a/1.png")).unwrap(), b"first");
        assert_eq!(
            fs::read_dir(&path).unwrap().count(),
            2,
            "nothing hidden stays"
        );
        let mut folder = Folder::new(&path);
        folder.add(path.join("2.png"), b"other").unwrap();
        drop(folder);
        assert_eq!(fs::read(path.join("2.png")).unwrap(), b"second");
    }
}
