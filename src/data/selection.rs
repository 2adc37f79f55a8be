//! Which examples an experiment uses.

use std::path::PathBuf;

use serde::Serialize;

use super::input::{Dialect, Dropped, Fit};

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
    /// The least number of a column in the file of the training examples becomes 0, the greatest 1.
    MinMax,
    /// A column's mean in the file of the training examples becomes 0, its standard deviation 1.
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
    /// Where the test examples are, if not among the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_path: Option<PathBuf>,
    /// The share of the examples that becomes the test split where there is no other.
    pub test_fraction: f64,
    /// Whether an example that cannot be read ends it all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The share of the examples that may be unreadable, if not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unreadable_fraction: Option<f64>,
    /// Memory for the numbers of a split; what is more stays in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_budget_mb: Option<usize>,
    /// Of pictures.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// Of arrays and tables.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
}

/// A column of a table: its name, or its number from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ColumnName {
    Number(usize),
    Name(String),
}

impl From<ColumnName> for Dropped {
    fn from(column: ColumnName) -> Self {
        match column {
            ColumnName::Number(number) => Self {
                name: None,
                number: Some(number),
            },
            ColumnName::Name(name) => Self {
                name: Some(name),
                number: None,
            },
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
    /// Columns of a table that are not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop_columns: Vec<ColumnName>,
    /// How a table is written, as far as that is not to be found out.
    #[serde(flatten)]
    pub dialect: Dialect,
    /// Height, width and perhaps channels of the image that a row of numbers is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<usize>,
    /// The numbers that become 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}
