//! The files of an IDX data set: which of a directory belong together, by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::selection::Source;
use super::shape::Shape;
use super::source::Split;

/// The content of an IDX file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    Images,
    Labels,
}

/// What the name of a file says of it: `[PREFIX-](train|t10k|test)-(images|labels)(-|.)idx(3|1)-ubyte[.gz]`.
struct Name {
    /// That of the data set, such as `emnist-letters`; empty of MNIST's own files.
    prefix: String,
    split: Split,
    content: Content,
}

impl Name {
    fn of(file_name: &str) -> Option<Self> {
        let plain = file_name.strip_suffix(".gz").unwrap_or(file_name);
        let (rest, content) = [
            ("images-idx3-ubyte", Content::Images),
            ("images.idx3-ubyte", Content::Images),
            ("labels-idx1-ubyte", Content::Labels),
            ("labels.idx1-ubyte", Content::Labels),
        ]
        .into_iter()
        .find_map(|(ending, content)| Some((plain.strip_suffix(ending)?, content)))?;
        let rest = rest.strip_suffix(['-', '.', '_'])?;
        let (prefix, split) = [
            ("train", Split::Train),
            ("t10k", Split::Test),
            ("test", Split::Test),
        ]
        .into_iter()
        .find_map(|(word, split)| Some((rest.strip_suffix(word)?, split)))?;
        let prefix = match prefix {
            "" => "",
            prefix => prefix.strip_suffix(['-', '.', '_'])?,
        };
        Some(Self {
            prefix: prefix.to_owned(),
            split,
            content,
        })
    }
}

/// The files of one data set.
#[derive(Debug)]
pub struct IdxFiles {
    directory: PathBuf,
    files: BTreeMap<(bool, Content), PathBuf>,
}

impl IdxFiles {
    /// Finds the files of a directory; of several data sets in it those whose names begin with the last part of `path`, or to
    /// which the file at `path` belongs.
    ///
    /// # Errors
    /// There are none, or those of several data sets.
    pub fn find(source: Source, path: &Path) -> Result<Self, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let (directory, wanted) = match path.is_dir() {
            true => (path, None),
            false if !parent.is_dir() => return Err(DataError::NotADirectory(path.to_owned())),
            false => {
                let of_file = Name::of(&name).filter(|_| path.is_file());
                let prefix = of_file.map_or(name.to_string(), |name| name.prefix);
                (parent, Some(prefix))
            }
        };
        let mut sets: BTreeMap<String, BTreeMap<(bool, Content), PathBuf>> = BTreeMap::new();
        let entries =
            fs::read_dir(directory).map_err(|_| DataError::NotADirectory(path.to_owned()))?;
        let names: BTreeSet<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        for name in &names {
            let file = directory.join(name);
            let Some(Name {
                prefix,
                split,
                content,
            }) = Name::of(name).filter(|_| !file.is_dir())
            else {
                continue;
            };
            let place = sets.entry(prefix).or_default();
            // A file may be there twice. MNIST's own ending comes first in order, and what is compressed is preferred.
            let key = (split == Split::Test, content);
            let is_better = |there: &PathBuf| {
                let plain = |path: &Path| path.to_string_lossy().trim_end_matches(".gz").to_owned();
                plain(there) == plain(&file)
            };
            if place.get(&key).is_none_or(is_better) {
                place.insert(key, file);
            }
        }
        let files = match wanted {
            Some(prefix) => match sets.remove(&prefix) {
                Some(files) => files,
                None => return Err(DataError::NotADirectory(path.to_owned())),
            },
            // MNIST's own files are those without a prefix, whatever lies beside them.
            None if source == Source::Mnist => sets.remove("").unwrap_or_default(),
            None if sets.len() > 1 => return Err(several(directory, &sets)),
            None => sets.into_values().next().unwrap_or_default(),
        };
        Ok(Self {
            directory: directory.to_owned(),
            files,
        })
    }

    /// The file of a split.
    ///
    /// # Errors
    /// It is missing.
    pub fn file(&self, split: Split, content: Content) -> Result<&Path, DataError> {
        let found = self.files.get(&(split == Split::Test, content));
        found.map(PathBuf::as_path).ok_or_else(|| {
            let prefix = match split {
                Split::Train => "train",
                Split::Test => "t10k",
            };
            DataError::MissingFile {
                directory: self.directory.clone(),
                name: match content {
                    Content::Images => format!("{prefix}-images-idx3-ubyte"),
                    Content::Labels => format!("{prefix}-labels-idx1-ubyte"),
                },
            }
        })
    }
}

fn several(
    directory: &Path,
    sets: &BTreeMap<String, BTreeMap<(bool, Content), PathBuf>>,
) -> DataError {
    let name = |prefix: &String| match prefix.as_str() {
        "" => "files without a prefix".to_owned(),
        prefix => prefix.to_owned(),
    };
    let names: Vec<String> = sets.keys().map(name).collect();
    let hints: Vec<String> = sets
        .iter()
        .filter_map(|(prefix, files)| match prefix.as_str() {
            "" => files.values().next().cloned(),
            prefix => Some(directory.join(prefix)),
        })
        .map(|path| format!("data.path = \"{}\"", path.display()))
        .collect();
    DataError::Unsuitable {
        path: directory.to_owned(),
        problem: format!("holds the files of several data sets: {}", names.join(", ")),
        hint: format!("choose one with {}", hints.join(" or ")),
    }
}

/// Images whose rows are columns in the file, `shape` being that of the images that come out.
pub fn transposed(pixels: &[u8], shape: Shape) -> Vec<u8> {
    let Shape { height, width, .. } = shape;
    let mut out = Vec::with_capacity(pixels.len());
    for image in pixels.chunks_exact(shape.size()) {
        for row in 0..height {
            out.extend((0..width).map(|column| image[column * height + row]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_files_belong_together() {
        let of = |name: &str| Name::of(name).map(|name| (name.prefix, name.split, name.content));
        let expected = |prefix: &str, split, content| Some((prefix.to_owned(), split, content));
        for (name, found) in [
            (
                "train-images-idx3-ubyte",
                expected("", Split::Train, Content::Images),
            ),
            (
                "train-images.idx3-ubyte.gz",
                expected("", Split::Train, Content::Images),
            ),
            (
                "t10k-labels.idx1-ubyte",
                expected("", Split::Test, Content::Labels),
            ),
            (
                "emnist-letters-train-images-idx3-ubyte.gz",
                expected("emnist-letters", Split::Train, Content::Images),
            ),
            (
                "emnist-byclass-test-labels-idx1-ubyte",
                expected("emnist-byclass", Split::Test, Content::Labels),
            ),
            ("train-images-idx1-ubyte", None),
            ("constrain-images-idx3-ubyte", None),
            ("images-idx3-ubyte", None),
            ("train-images-idx3-ubyte.zip", None),
        ] {
            assert_eq!(of(name), found, "{name}");
        }
    }

    #[test]
    fn rows_become_columns() {
        let shape = Shape::grey(2, 3);
        // Two images, each written column by column.
        let file = [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12];
        assert_eq!(
            transposed(&file, shape),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        );
    }
}
