//! The names and numbers of classes.

use std::path::Path;

use crate::data::source::DataError;

/// Classes are told apart by a byte.
const MOST_CLASSES: usize = 256;

/// Whether numbers that nobody called so are classes: few whole numbers.
pub(super) fn are_classes(found: &[String]) -> bool {
    found.iter().all(|class| class.parse::<u8>().is_ok())
}

/// The classes of both splits, by number.
pub(super) struct ClassNames {
    /// None where the names are numbers from 0 to 255 already.
    pub(super) names: Option<Vec<String>>,
}

impl ClassNames {
    pub(super) fn labels(&self, classes: &[String]) -> Vec<u8> {
        let label = |class: &String| match &self.names {
            None => class.parse().ok(),
            Some(names) => names
                .binary_search(class)
                .ok()
                .and_then(|label| label.try_into().ok()),
        };
        classes
            .iter()
            .map(|class| label(class).expect("a class of the list"))
            .collect()
    }
}

pub(super) fn class_names(
    path: &Path,
    splits: [Option<&Vec<String>>; 3],
) -> Result<Option<ClassNames>, DataError> {
    let mut names: Vec<String> = splits.into_iter().flatten().flatten().cloned().collect();
    if names.is_empty() {
        return Ok(None);
    }
    names.sort_unstable();
    names.dedup();
    let are_numbers = names.iter().all(|name| {
        name.parse::<u8>()
            .is_ok_and(|number| number.to_string() == *name)
    });
    if are_numbers {
        return Ok(Some(ClassNames { names: None }));
    }
    match names.len() {
        0..=MOST_CLASSES => Ok(Some(ClassNames { names: Some(names) })),
        found => Err(DataError::TooManyClasses {
            path: path.to_owned(),
            found,
        }),
    }
}
