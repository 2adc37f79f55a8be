//! Which examples an experiment uses.

use std::path::PathBuf;

use serde::Serialize;

use super::input::Fit;
use super::preparation::Preparation;

/// A kind of data set on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The MNIST digits, in their four IDX files, whose checksums are known and checked.
    Mnist,
    /// Any data in four IDX files named as MNIST's are; labels may be missing.
    Idx,
    /// A directory of pictures.
    Images,
    /// Arrays of NumPy's: `.npy` or `.npz`.
    Array,
    /// Text in columns.
    Csv,
}

impl Source {
    pub const NAMES: [(&str, Self); 5] = [
        ("mnist", Self::Mnist),
        ("idx", Self::Idx),
        ("images", Self::Images),
        ("array", Self::Array),
        ("csv", Self::Csv),
    ];

    /// Whether it has a test split of its own and pixels that are bytes.
    pub fn is_idx(self) -> bool {
        matches!(self, Self::Mnist | Self::Idx)
    }
}

/// How columns of numbers are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The least number of a column in the training examples becomes 0, the greatest 1. Examples set aside for testing have no
    /// influence; those of validation have.
    MinMax,
    /// A column's mean in the training examples becomes 0, its standard deviation 1.
    Standard,
}

impl Scale {
    pub const NAMES: [(&str, Self); 2] = [("min_max", Self::MinMax), ("standard", Self::Standard)];
}

/// Which examples to train on and to test with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Images {
    #[serde(rename = "dataset")]
    pub source: Source,
    /// The directory or file; the usual places of MNIST when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Whether IDX files hold rows and columns of images the other way round, as EMNIST's do.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub transpose: bool,
    /// What belongs to the kinds of data that users bring.
    #[serde(flatten)]
    pub own: Option<Own>,
    /// Classes that no training example has: an anomaly is then an example of one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_classes: Vec<String>,
    /// Use only the first so many training examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Use only the first so many test examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_limit: Option<usize>,
    /// Training examples held out for validation.
    pub validation: usize,
}

/// How data that a user brings are read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Own {
    /// Where the test examples come from.
    #[serde(flatten)]
    pub test: TestSplit,
    /// Where the validation examples are, if they have a folder of their own that is not recognised by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_path: Option<PathBuf>,
    /// Whether an example that cannot be read ends it all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Memory for the numbers of a split; what is more stays in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_budget_mb: Option<usize>,
    /// Of pictures.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// Of arrays and tables.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
    /// How the run that these data are read for was trained: what is scaled alike is compared with what it has learned, also
    /// where the data are others, or an earlier version scaled them in another way. Not a setting.
    #[serde(skip)]
    pub known: Option<Box<Preparation>>,
}

/// Where the test examples of user data come from. One or the other, so that a resolved config never
/// contains a key that means nothing beside the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum TestSplit {
    /// A file or directory of their own.
    #[serde(rename = "test_path")]
    Path(PathBuf),
    /// A share of the examples, unless the data have a test split of their own.
    #[serde(rename = "test_fraction")]
    Fraction(f64),
}

impl TestSplit {
    /// The share where none is named.
    pub const DEFAULT_SHARE: f64 = 0.1;

    /// The share of the examples that becomes the test split where the data have no other.
    pub fn share(&self) -> f64 {
        match self {
            Self::Path(_) => Self::DEFAULT_SHARE,
            Self::Fraction(share) => *share,
        }
    }

    /// The file or directory of the test examples, if they have one.
    pub fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Path(path) => Some(path),
            Self::Fraction(_) => None,
        }
    }
}

/// How arrays and tables are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Numbers {
    /// Which array of an `.npz` has the training examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// Of arrays the file of the classes, of a table the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// The file of the test examples' classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<String>,
    /// Whether a table's first line has the names of its columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Height, width and perhaps channels of the image that a row of numbers is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<usize>,
    /// The numbers that become 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}
