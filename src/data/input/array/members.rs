//! The arrays of an `.npz`: an archive in ZIP with an `.npy` for each.

use std::io::{self, BufReader};
use std::path::Path;

use zip::ZipArchive;
use zip::read::ZipFile;

use super::archive;
use super::element::{self, Element};
use super::header::{Header, HeaderError};
use super::layout::layout;
use crate::data::input::{InputError, Options, Origin, ReadSeek};

/// The extension that NumPy adds to the name of an array.
const SUFFIX: &str = ".npy";
/// Names of arrays that hold examples, the most likely first.
const EXAMPLES: [&str; 4] = ["x", "X", "data", "images"];
/// Names of arrays that hold the classes of examples, the most likely first.
pub const LABELS: [&str; 6] = ["y", "Y", "labels", "label", "target", "targets"];
/// Names of classes of a split.
const LABELS_OF_SPLITS: [&str; 8] = [
    "y_train",
    "y_test",
    "y_val",
    "Y_train",
    "Y_test",
    "train_labels",
    "test_labels",
    "val_labels",
];
/// Arrays that an error lists.
const MOST_LISTED: usize = 30;

/// An `.npz` that is open.
pub struct Members {
    zip: ZipArchive<BufReader<Box<dyn ReadSeek>>>,
    /// Of its arrays, in the order of the file, and the places of their files.
    names: Vec<(String, usize)>,
}

impl Members {
    /// Opens an archive and reads which arrays it has.
    ///
    /// # Errors
    /// It cannot be read, or is not an archive.
    pub fn open(origin: &Origin) -> io::Result<Self> {
        let mut zip = archive::open(BufReader::new(origin.open()?))?;
        let mut names = Vec::new();
        for place in 0..zip.len() {
            // An entry that is damaged concerns only who wants it.
            let Ok(file) = zip.by_index_raw(place) else {
                continue;
            };
            if let Some(name) = file.name().strip_suffix(SUFFIX) {
                names.push((name.to_owned(), place));
            }
        }
        Ok(Self { zip, names })
    }

    /// The names of the arrays, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Returns whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The file of an array, at its beginning.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn file(&mut self, name: &str) -> io::Result<ZipFile<'_>> {
        let place = self.names.iter().find(|(known, _)| known == name);
        let place = place.map(|(_, place)| *place);
        let place = place.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(self.zip.by_index(place)?)
    }

    /// The header of an array.
    fn header(&mut self, name: &str) -> Result<Header, HeaderError> {
        Header::read(&mut self.file(name)?)
    }

    /// The arrays with their shapes and types, in the order of the file.
    pub fn list(&mut self) -> String {
        let names: Vec<String> = self.names().take(MOST_LISTED).map(str::to_owned).collect();
        let describe = |name: &String| match self.header(name) {
            Ok(header) => {
                let sizes: Vec<String> = header.shape.iter().map(ToString::to_string).collect();
                let comma = if sizes.len() == 1 { "," } else { "" };
                let kind = element::name(&header.descr);
                format!("`{name}` ({}{comma}) {kind}", sizes.join(", "))
            }
            Err(HeaderError::Structured) => format!("`{name}` structured"),
            Err(_) => format!("`{name}` unreadable"),
        };
        let listed: Vec<String> = names.iter().map(describe).collect();
        match self.names.len().saturating_sub(MOST_LISTED) {
            0 => listed.join(", "),
            more => format!("{} and {more} more", listed.join(", ")),
        }
    }

    /// The name of the array of the examples: that which is asked for, the only one, one with a usual name, or the only one that
    /// can be examples.
    ///
    /// # Errors
    /// There is none, or several could be.
    pub fn examples(&mut self, path: &Path, options: &Options) -> Result<String, InputError> {
        if let Some(name) = &options.array {
            return match self.has(name) {
                true => Ok(name.clone()),
                false => {
                    let problem = format!("has no array `{name}`; it has {}", self.list());
                    Err(InputError::new(path, problem, options.words.array))
                }
            };
        }
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        if names.is_empty() {
            let hint = "save it with numpy.savez";
            return Err(InputError::new(path, "holds no arrays", hint));
        }
        if ["indptr", "indices", "format"]
            .iter()
            .all(|name| self.has(name))
        {
            let hint = "save `matrix.toarray()` with numpy.save";
            let problem = "holds a SciPy sparse matrix, which is not supported";
            return Err(InputError::new(path, problem, hint));
        }
        if let [only] = &names[..] {
            return Ok(only.clone());
        }
        let are_labels = |name: &str| options.label_arrays.iter().any(|known| known == name);
        let usual = EXAMPLES
            .iter()
            .find(|name| self.has(name) && !are_labels(name));
        if let Some(usual) = usual {
            return Ok((*usual).to_owned());
        }
        let mut possible = names.iter().filter(|name| {
            let is_label = LABELS
                .iter()
                .chain(&LABELS_OF_SPLITS)
                .any(|known| known == name);
            !is_label
                && !are_labels(name)
                && self.header(name).is_ok_and(|header| {
                    let element = Element::of(&header.descr);
                    element.is_ok_and(|element| {
                        let fits = layout(&header.shape, element.is_byte(), options.shape).is_ok();
                        element.is_number() && header.shape.len() > 1 && fits
                    })
                })
        });
        match (possible.next(), possible.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => {
                let problem = format!("holds several arrays: {}", self.list());
                Err(InputError::new(path, problem, options.words.array))
            }
        }
    }
}
