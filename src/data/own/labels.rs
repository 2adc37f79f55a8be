//! Where the classes of examples are, if not in the input itself.

use std::path::{Path, PathBuf};

use super::parts::Part;
use crate::data::error::DataError;
use crate::data::input::{Input, InputError, LABELS, Labels, read_labels};

/// Arrays of an `.npz` whose names say that they are the examples of two splits and their classes, as those of Keras,
/// scikit-learn's users and MedMNIST.
pub(super) const SPLITS: [[&str; 4]; 3] = [
    ["x_train", "x_test", "y_train", "y_test"],
    ["X_train", "X_test", "y_train", "y_test"],
    ["train_images", "test_images", "train_labels", "test_labels"],
];
pub(super) const LABELS_KEY: &str = "data.labels";
pub(super) const TEST_LABELS_KEY: &str = "data.test_labels";

/// The place of classes that are not in the input.
pub(super) struct LabelPlace {
    path: PathBuf,
    /// Of an `.npz`.
    pub(super) array: Option<String>,
    /// The key that asked for them. Without, they were found beside the examples, where they may be something else, such as
    /// numbers to be predicted.
    pub(super) key: Option<&'static str>,
}

/// The classes of examples, and where they come from.
pub(super) struct Classes {
    pub(super) labels: Labels,
    /// The array in which they were found beside the examples, without being asked for.
    pub(super) found: Option<String>,
}

impl LabelPlace {
    /// An array beside the examples.
    pub(super) fn found(path: &Path, array: &str) -> Self {
        Self {
            path: path.to_owned(),
            array: Some(array.to_owned()),
            key: None,
        }
    }

    /// Reads the classes of `examples` examples.
    pub(super) fn read(&self, examples: usize) -> Result<Labels, DataError> {
        let labels = read_labels(&self.path, self.array.as_deref()).map_err(|error| {
            let hint = match self.key {
                Some(key) => format!("{}; {key} names the labels", error.hint),
                None => error.hint,
            };
            InputError { hint, ..error }
        })?;
        match labels.len() == examples {
            true => Ok(labels),
            false => Err(DataError::LabelCount {
                path: self.path.clone(),
                labels: labels.len(),
                images: examples,
            }),
        }
    }
}

/// Where the classes are that a key names: an array in the file of the examples, or else a file.
pub(super) fn given_labels(
    path: &Path,
    in_file: &[String],
    wanted: Option<&String>,
    key: &'static str,
) -> Result<Option<LabelPlace>, DataError> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let is_array = in_file.contains(wanted);
    if !is_array && !in_file.is_empty() && !Path::new(wanted).exists() {
        return Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem: format!("has no array `{wanted}`, and there is no file of that name ({key})"),
            hint: format!(
                "set {key} to a file, or to one of its arrays: {}",
                in_file.join(", ")
            ),
        });
    }
    Ok(Some(LabelPlace {
        path: if is_array {
            path.to_owned()
        } else {
            PathBuf::from(wanted)
        },
        array: is_array.then(|| wanted.clone()),
        key: Some(key),
    }))
}

/// The classes that stand under a usual name beside the examples of an `.npz`.
pub(super) fn labels_beside(part: &Part, in_file: &[String]) -> Option<LabelPlace> {
    let Input::Array(array) = &part.input else {
        return None;
    };
    let examples = array.member()?;
    // `y_train` of `x_train`, where there is no other split.
    let of_split =
        SPLITS
            .iter()
            .find_map(|[train, test, train_labels, test_labels]| match examples {
                _ if examples == *train => Some(*train_labels),
                _ if examples == *test => Some(*test_labels),
                _ => None,
            });
    let mut usual = of_split.into_iter().chain(LABELS);
    let found = usual.find(|name| *name != examples && in_file.iter().any(|known| known == name));
    found.map(|name| LabelPlace::found(&part.path, name))
}
