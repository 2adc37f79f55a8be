//! Where images come from, and the splits a run uses.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::idx::{self, IdxError};
use super::images::ImageSet;
use crate::random::{self, Purpose};

/// A kind of data set on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The MNIST digits, in their four IDX files, whose checksums are known and checked.
    Mnist,
    /// Any data in four IDX files named as MNIST's are; labels may be missing.
    Idx,
}

impl Source {
    pub const NAMES: [(&str, Self); 2] = [("mnist", Self::Mnist), ("idx", Self::Idx)];
}

/// A part of a data set on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

/// The examples of a run: images or points.
#[derive(Debug)]
pub struct Splits<T> {
    pub train: T,
    /// Examples held out of the training split, if any were asked for.
    pub validation: Option<T>,
    pub test: T,
    pub checksums: Vec<Checksum>,
}

/// Which of `count` training examples are held out for validation, chosen by `seed`, and which are
/// kept.
pub(super) fn hold_out(count: usize, validation: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut held_out = random::permutation(count, random::stream(seed, Purpose::Split, 0, 0));
    let kept = held_out.split_off(validation);
    (held_out, kept)
}

/// What was read from one file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checksum {
    /// The file's name, without directory and `.gz`.
    pub file: String,
    /// SHA-256 of the decompressed file, in hexadecimal.
    pub sha256: String,
}

/// Why a data set cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error("found no MNIST files; looked in {}", list(.0))]
    NotFound(Vec<PathBuf>),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("{} holds neither {name} nor {name}.gz", directory.display())]
    MissingFile { directory: PathBuf, name: String },
    #[error("{}: SHA-256 of the decompressed file is {found}, MNIST's is {expected}", path.display())]
    WrongChecksum {
        path: PathBuf,
        found: String,
        expected: &'static str,
    },
    #[error("{}: {labels} labels for {images} images", path.display())]
    LabelCount {
        path: PathBuf,
        labels: usize,
        images: usize,
    },
    #[error("{}: holds no pixels ({dimensions:?})", path.display())]
    Empty {
        path: PathBuf,
        dimensions: Vec<usize>,
    },
    #[error(
        "training images are {}×{}, test images {}×{}",
        train.0, train.1, test.0, test.1
    )]
    SplitsDiffer {
        train: (usize, usize),
        test: (usize, usize),
    },
    #[error(
        "data.validation = {validation} leaves none of {available} training images to train on"
    )]
    NothingToTrainOn { validation: usize, available: usize },
}

impl DataError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound(_) | Self::NotADirectory(_) | Self::MissingFile { .. } => {
                "run from the repository, whose data/mnist holds the files, or name their directory with --set data.path=DIR"
            }
            Self::Idx(_) | Self::WrongChecksum { .. } => {
                "replace the file with a fresh copy (MNIST's: `git checkout -- data/mnist` in the repository); `hourglass data check` tests all of them"
            }
            Self::LabelCount { .. } | Self::Empty { .. } | Self::SplitsDiffer { .. } => {
                "the files do not belong together; check data.path"
            }
            Self::NothingToTrainOn { .. } => "lower data.validation or raise data.limit",
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(" and ")
}

/// The directory of a source: `path` if given, or the first of the usual places that exists:
/// `data/mnist` here, then `hourglass/mnist` in the user's cache directory.
///
/// # Errors
/// No such directory.
pub fn find_directory(path: Option<&Path>) -> Result<PathBuf, DataError> {
    if let Some(path) = path {
        return match path.is_dir() {
            true => Ok(path.to_owned()),
            false => Err(DataError::NotADirectory(path.to_owned())),
        };
    }
    let places: Vec<PathBuf> = std::iter::once(PathBuf::from("data/mnist"))
        .chain(dirs::cache_dir().map(|cache| cache.join("hourglass/mnist")))
        .collect();
    match places.iter().find(|place| place.is_dir()) {
        Some(place) => Ok(place.clone()),
        None => Err(DataError::NotFound(places)),
    }
}

/// Reads one split of a source from its directory.
///
/// # Errors
/// A file is missing, damaged, does not belong to the others, or (for MNIST) is not the original.
pub fn read_split(
    source: Source,
    directory: &Path,
    split: Split,
) -> Result<(ImageSet, Vec<Checksum>), DataError> {
    let prefix = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images_name = format!("{prefix}-images-idx3-ubyte");
    let labels_name = format!("{prefix}-labels-idx1-ubyte");
    let mut checksums = Vec::new();
    let mut read = |path: &Path, name: String, dimensions, what| -> Result<_, DataError> {
        let array = idx::read(path, dimensions, what)?;
        if source == Source::Mnist {
            check_mnist(path, &name, &array.sha256)?;
        }
        checksums.push(Checksum {
            file: name,
            sha256: array.sha256,
        });
        Ok((array.dimensions, array.elements))
    };

    let path = find_file(directory, &images_name)?;
    let (dimensions, pixels) = read(&path, images_name, 3, "images, rows, columns")?;
    let [count, height, width] = dimensions[..] else {
        unreachable!("the reader has checked that there are three dimensions")
    };
    if pixels.is_empty() {
        return Err(DataError::Empty { path, dimensions });
    }
    let labels = match find_file(directory, &labels_name) {
        Err(_) if source == Source::Idx => None,
        found => {
            let path = found?;
            let (_, labels) = read(&path, labels_name, 1, "labels")?;
            if labels.len() != count {
                return Err(DataError::LabelCount {
                    path,
                    labels: labels.len(),
                    images: count,
                });
            }
            Some(labels)
        }
    };
    Ok((ImageSet::new(height, width, pixels, labels), checksums))
}

/// Reads both splits at once, keeps the first `limit` training and `test_limit` test images, and
/// holds `validation` of the training images out, chosen by `seed`.
///
/// # Errors
/// As [`read_split`], and when the splits differ in size or nothing is left to train on.
pub fn load(
    source: Source,
    directory: &Path,
    limit: Option<usize>,
    test_limit: Option<usize>,
    validation: usize,
    seed: u64,
) -> Result<Splits<ImageSet>, DataError> {
    let (train, test) = rayon::join(
        || read_split(source, directory, Split::Train),
        || read_split(source, directory, Split::Test),
    );
    let (mut train, mut checksums) = train?;
    let (mut test, test_checksums) = test?;
    checksums.extend(test_checksums);

    let (train_size, test_size) = (
        (train.height(), train.width()),
        (test.height(), test.width()),
    );
    if train_size != test_size {
        return Err(DataError::SplitsDiffer {
            train: train_size,
            test: test_size,
        });
    }
    train.truncate(limit.unwrap_or(usize::MAX).min(train.count()));
    test.truncate(test_limit.unwrap_or(usize::MAX).min(test.count()));
    if validation >= train.count() {
        return Err(DataError::NothingToTrainOn {
            validation,
            available: train.count(),
        });
    }
    let validation = (validation > 0).then(|| {
        let (held_out, kept) = hold_out(train.count(), validation, seed);
        let held_out = train.select(&held_out);
        train = train.select(&kept);
        held_out
    });
    Ok(Splits {
        train,
        validation,
        test,
        checksums,
    })
}

fn find_file(directory: &Path, name: &str) -> Result<PathBuf, DataError> {
    let plain = directory.join(name);
    let zipped = directory.join(format!("{name}.gz"));
    [zipped, plain]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| DataError::MissingFile {
            directory: directory.to_owned(),
            name: name.to_owned(),
        })
}

/// SHA-256 of the four decompressed files of MNIST.
const MNIST_SHA256: [(&str, &str); 4] = [
    (
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    (
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    (
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    (
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
];

fn check_mnist(path: &Path, name: &str, found: &str) -> Result<(), DataError> {
    let known = MNIST_SHA256.iter().find(|(file, _)| *file == name);
    match known {
        Some((_, expected)) if *expected != found => Err(DataError::WrongChecksum {
            path: path.to_owned(),
            found: found.to_owned(),
            expected,
        }),
        _ => Ok(()),
    }
}
