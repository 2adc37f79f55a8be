//! Why a data set cannot be used, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

use super::idx::IdxError;
use super::input::{InputError, UnreadableExamples};
use super::shape::Shape;

/// Why a data set cannot be used.
#[derive(Debug, Error)]
pub enum DataError {
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error("found no MNIST files; looked in {}", list(.0))]
    NotFound(Vec<PathBuf>),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("`train.early_stopping` needs validation examples, and the data have none")]
    NoValidation,
    #[error(
        "data.validation = {validation} contradicts the folder of validation images, which is the validation split"
    )]
    TwoValidations { validation: usize },
    #[error("{} holds neither {name} nor {name}.gz", directory.display())]
    MissingFile { directory: PathBuf, name: String },
    #[error("{}: SHA-256 of the decompressed file is {found}, MNIST's is {expected}", path.display())]
    WrongChecksum {
        path: PathBuf,
        found: String,
        expected: &'static str,
        /// True if the user named the directory.
        is_given: bool,
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
    #[error("training examples are {train}, test examples {test}")]
    SplitsDiffer { train: Shape, test: Shape },
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("{} of {examples} examples cannot be read{}", unreadable.len(), unreadable.first().map(|first| format!(", the first is {}: {}", first.name, first.reason)).unwrap_or_default())]
    Unreadable {
        unreadable: UnreadableExamples,
        examples: usize,
    },
    #[error("{}: {count} of {examples} examples cannot be read, more than the fraction {most}{}", path.display(), listed(causes))]
    MostlyUnreadable {
        path: PathBuf,
        count: usize,
        examples: usize,
        /// The share that may be.
        most: f64,
        causes: Vec<String>,
    },
    #[error("{}: {problem}", path.display())]
    Unsuitable {
        path: PathBuf,
        problem: String,
        hint: String,
    },
    #[error("data.exclude_classes leaves no training example")]
    AllExcluded,
    #[error("the data have no classes, so none can be excluded")]
    NoClassesToExclude,
    #[error("no training example is of class `{class}`{}", known.as_ref().map(|names| format!("; the classes are {}", names.join(", "))).unwrap_or_default())]
    NoSuchClass {
        class: String,
        known: Option<Vec<String>>,
    },
    #[error("examples that memory has no room for could not be put into a file: {0}")]
    Spill(std::io::Error),
    #[error(
        "data.validation = {validation} leaves none of {available} training images to train on"
    )]
    NothingToTrainOn { validation: usize, available: usize },
}

impl DataError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound(_) => {
                "run from the repository, whose data/mnist holds the files, or name their directory with --set data.path=DIR"
            }
            Self::NotADirectory(_) => {
                "name the directory of the IDX files with data.path; where it holds those of several data sets, DIR/PREFIX or one of the files"
            }
            Self::MissingFile { .. } => {
                "data.path needs train-images-idx3-ubyte and t10k-images-idx3-ubyte, or names such as letters-train-images.idx3-ubyte.gz and letters-test-images.idx3-ubyte.gz"
            }
            Self::TwoValidations { .. } => {
                "leave data.validation out, or name the training images alone with data.path=DIR/train and data.test_path=DIR/test"
            }
            Self::NoValidation => {
                "set data.validation, for example to 500, or put images into a folder `val` beside `train`"
            }
            Self::WrongChecksum { is_given: true, .. } => {
                "set data.dataset = \"idx\" for other data than it names, or replace the file with a fresh copy"
            }
            Self::Idx(_) | Self::WrongChecksum { .. } => {
                "replace the file with a fresh copy (MNIST's: `git checkout -- data/mnist` in the repository); `hourglass data check` tests all of them"
            }
            Self::LabelCount { .. } | Self::Empty { .. } | Self::SplitsDiffer { .. } => {
                "the files do not belong together; check data.path and, where they are given, data.labels and data.test_labels"
            }
            Self::NothingToTrainOn { .. } => "lower data.validation or raise data.limit",
            Self::Input(error) => &error.hint,
            Self::Unreadable { .. } => "mend or remove it, or leave --strict out to go on without; `hourglass data check` lists all",
            Self::MostlyUnreadable { .. } => "fix the data, or allow more with data.max_unreadable_fraction; with 1, `hourglass data check` lists all of them",
            Self::Unsuitable { hint, .. } => hint,
            Self::NoClassesToExclude => "leave data.exclude_classes out, or give data with labels",
            Self::NoSuchClass { .. } => "check data.exclude_classes",
            Self::AllExcluded => "exclude fewer classes",
            Self::Spill(_) => "make room in the user's cache directory, or raise data.memory_budget_mb",
        }
        .into()
    }
}

/// One cause a line, below a message.
fn listed(causes: &[String]) -> String {
    let lines = causes.iter().map(|cause| format!("\n  {cause}"));
    lines.collect()
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(" and ")
}
