//! Which folders of images are the splits: by their usual names, or by the paths that the user names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::input::{has_a_pictures_name, is_hidden};
use crate::data::selection::Own;
use crate::data::warnings::Warnings;

/// The folders of the images of each split.
#[derive(Debug, PartialEq)]
pub(super) struct Folders {
    pub(super) train: PathBuf,
    pub(super) validation: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
}

/// The use of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Train,
    Validation,
    Test,
}

/// The names, in small letters, by which a folder is known to be a split.
const NAMES: [(&str, Role); 9] = [
    ("train", Role::Train),
    ("training", Role::Train),
    ("val", Role::Validation),
    ("valid", Role::Validation),
    ("validation", Role::Validation),
    ("dev", Role::Validation),
    ("test", Role::Test),
    ("testing", Role::Test),
    ("eval", Role::Test),
];

fn role(name: &str) -> Option<Role> {
    let name = name.to_lowercase();
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, role)| *role)
}

/// Finds the folders of the splits.
///
/// # Errors
/// A folder would be in two splits, or it is unclear which is which.
pub(super) fn find(path: &Path, own: &Own, warnings: &Warnings) -> Result<Folders, DataError> {
    let given = [
        ("data.test_path", own.test.path()),
        ("data.validation_path", own.validation_path.as_ref()),
    ];
    for (key, other) in given {
        if let Some(other) = other {
            check_apart(path, key, other)?;
        }
    }
    let entries = entries(path);
    let mut found = Folders {
        train: path.to_owned(),
        validation: own.validation_path.clone(),
        test: own.test.path().cloned(),
    };
    let (splits, others): (Vec<_>, Vec<_>) = entries
        .folders
        .iter()
        .partition(|name| role(name).is_some());
    let of_role = |wanted: Role| -> Vec<&str> {
        let names = splits.iter().filter(|name| role(name) == Some(wanted));
        names.map(|name| name.as_str()).collect()
    };
    let roles = [Role::Train, Role::Validation, Role::Test].map(of_role);
    let is_split = |names: &Vec<&str>| !names.is_empty();
    match roles.iter().filter(|names| is_split(names)).count() {
        0 => return Ok(found),
        1 if !others.is_empty() => {
            warnings.add(format!(
                "{}: the folder `{}` is one of the classes, as there are others beside it ({}); if it holds a split, name it with data.path",
                path.display(),
                splits[0],
                list(&others),
            ));
            return Ok(found);
        }
        // A folder for tests or validation alone is trained on when it is named.
        1 if roles[0].is_empty() => return Ok(found),
        _ => {}
    }
    let error = |problem: String, hint: &str| {
        Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem,
            hint: hint.to_owned(),
        })
    };
    const NAME_THEM: &str =
        "name the folders with data.path, data.test_path and data.validation_path";
    if !others.is_empty() {
        let problem = format!(
            "holds the splits {} beside {}, which would be neither split nor class",
            list(&splits),
            list(&others)
        );
        return error(
            problem,
            "move the others elsewhere, or name the training images alone with data.path=DIR/train and those for tests with data.test_path=DIR/test",
        );
    }
    if let Some(twice) = roles.iter().find(|names| names.len() > 1) {
        let problem = format!("holds one split under several names: {}", twice.join(", "));
        return error(problem, NAME_THEM);
    }
    let [train, validation, test] = roles.map(|names| names.first().map(|name| path.join(name)));
    let Some(train) = train else {
        let problem = format!("holds {}, and no folder `train`", list(&splits));
        return error(problem, NAME_THEM);
    };
    found.train = train;
    for (key, given, recognised) in [
        ("data.test_path", &mut found.test, test),
        ("data.validation_path", &mut found.validation, validation),
    ] {
        match (&given, recognised) {
            (Some(_), Some(recognised)) => {
                let problem = format!(
                    "holds {}, beside which {key} names another folder",
                    recognised.display()
                );
                return error(
                    problem,
                    "remove that key, or name the training images alone with data.path=DIR/train",
                );
            }
            (None, Some(recognised)) => *given = Some(recognised),
            _ => {}
        }
    }
    if entries.images > 0 {
        warnings.add(format!(
            "{}: {} images beside the folders {} belong to no split and are not used",
            path.display(),
            entries.images,
            list(&splits),
        ));
    }
    Ok(found)
}

/// Checks that the examples of a split are not among those to train on.
///
/// # Errors
/// One path is within the other, or both are the same.
pub(super) fn check_apart(path: &Path, key: &str, other: &Path) -> Result<(), DataError> {
    let (Ok(real), Ok(real_other)) = (path.canonicalize(), other.canonicalize()) else {
        // A missing folder is reported when it is opened.
        return Ok(());
    };
    let problem = match () {
        () if real == real_other => "is data.path itself",
        () if real_other.starts_with(&real) => "is inside of data.path",
        () if real.starts_with(&real_other) => "holds data.path",
        () => return Ok(()),
    };
    Err(DataError::Unsuitable {
        path: other.to_owned(),
        problem: format!(
            "is {key} and {problem}, {}: its examples would be trained on too",
            path.display()
        ),
        hint: format!(
            "name the training examples alone with data.path, or remove {key}: folders called train, val and test in data.path are recognised"
        ),
    })
}

/// The entries of a folder that are not hidden.
#[derive(Default)]
struct Entries {
    /// Names in order.
    folders: Vec<String>,
    /// How many files are called as images are.
    images: usize,
}

fn entries(path: &Path) -> Entries {
    let mut found = Entries::default();
    // A folder that cannot be listed is reported when it is opened.
    let Ok(entries) = fs::read_dir(path) else {
        return found;
    };
    for entry in entries.flatten() {
        if is_hidden(&entry.file_name()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        // Of what a link leads to.
        match fs::metadata(entry.path()) {
            Ok(there) if there.is_dir() => found.folders.push(name),
            Ok(there) if there.is_file() && has_a_pictures_name(&entry.path()) => found.images += 1,
            _ => {}
        }
    }
    found.folders.sort();
    found
}

/// Some names in one line.
fn list(names: &[&String]) -> String {
    const MOST: usize = 5;
    let mut shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    shown.join(", ")
}
