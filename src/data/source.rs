//! The splits that a run uses; MNIST's files and others like them.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use super::error::DataError;
use super::idx::{self, IdxError};
use super::idx_files::{Content, IdxFiles, transposed};
use super::images::ImageSet;
use super::input::{InputError, UnreadableExamples, Watch};
use super::preparation::Preparation;
use super::selection::{Images, Source};
use super::shape::Shape;
use crate::random::{self, Purpose};

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
    /// How examples were made of what the files hold.
    pub preparation: Preparation,
    /// What could not be read and was left out.
    pub unreadable: UnreadableExamples,
    /// Warnings about the data.
    pub warnings: Vec<String>,
    /// How files were understood that leave it open, and why.
    pub decisions: Vec<String>,
    /// The number of training examples that say how numbers are scaled; absent where none was asked.
    pub scaled_by: Option<usize>,
    /// Empty unless they are asked for.
    pub names: ExampleNames,
}

/// The names of the examples of each split: file names, those of a column, or numbers within their file.
#[derive(Clone, Debug, Default)]
pub struct ExampleNames {
    pub train: Vec<String>,
    pub validation: Vec<String>,
    pub test: Vec<String>,
}

/// The names at these places, if there are some.
pub(super) fn names_at(names: &[String], places: &[usize]) -> Vec<String> {
    match names.is_empty() {
        true => Vec::new(),
        false => places.iter().map(|&place| names[place].clone()).collect(),
    }
}

impl Splits<ImageSet> {
    /// Of examples that are in memory already, between 0 and 1.
    pub fn of(train: ImageSet, test: ImageSet) -> Self {
        Self {
            preparation: Preparation::of_images(train.shape()),
            train,
            validation: None,
            test,
            checksums: Vec::new(),
            unreadable: UnreadableExamples::new(),
            warnings: Vec::new(),
            decisions: Vec::new(),
            scaled_by: None,
            names: ExampleNames::default(),
        }
    }

    /// The number of examples, those that could not be read included.
    pub fn examples(&self) -> usize {
        let validation = self.validation.as_ref().map_or(0, ImageSet::count);
        self.train.count() + validation + self.test.count() + self.unreadable.len()
    }
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
    let files = IdxFiles::find(source, directory)?;
    read_files(source, &files, split, (false, true), &mut |_, _| {})
}

/// Tells how many images were read, and of how many.
type WatchImages<'a> = &'a mut dyn FnMut(usize, usize);

/// Reads one split; `is_given` says that the user named its directory.
fn read_files(
    source: Source,
    files: &IdxFiles,
    split: Split,
    (transpose, is_given): (bool, bool),
    watch: WatchImages<'_>,
) -> Result<(ImageSet, Vec<Checksum>), DataError> {
    let mut checksums = Vec::new();
    let mut read = |path: &Path, dimensions, what| -> Result<_, DataError> {
        let array = idx::read_watched(path, dimensions, what, watch)
            .map_err(|error| damaged(error, is_given))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = name.trim_end_matches(".gz").to_owned();
        if source == Source::Mnist {
            check_mnist(path, &file.replace(".idx", "-idx"), &array.sha256, is_given)?;
        }
        checksums.push(Checksum {
            file,
            sha256: array.sha256,
        });
        Ok((array.dimensions, array.elements))
    };

    let path = files.file(split, Content::Images)?;
    let (dimensions, mut pixels) = read(path, 3, "images, rows, columns")?;
    let [count, mut height, mut width] = dimensions[..] else {
        unreachable!("the reader has checked that there are three dimensions")
    };
    if pixels.is_empty() {
        return Err(DataError::Empty {
            path: path.to_owned(),
            dimensions,
        });
    }
    if transpose {
        (height, width) = (width, height);
        pixels = transposed(&pixels, Shape::grey(height, width));
    }
    let labels = match files.file(split, Content::Labels) {
        Err(_) if source == Source::Idx => None,
        found => {
            let path = found?;
            let (_, labels) = read(path, 1, "labels")?;
            if labels.len() != count {
                return Err(DataError::LabelCount {
                    path: path.to_owned(),
                    labels: labels.len(),
                    images: count,
                });
            }
            Some(labels.into_iter().map(u32::from).collect())
        }
    };
    Ok((ImageSet::new(height, width, pixels, labels), checksums))
}

/// A file that is damaged: one that the user named is not this program's to mend.
fn damaged(error: IdxError, is_given: bool) -> DataError {
    match is_given {
        false => error.into(),
        true => DataError::Input(InputError {
            path: error.path,
            problem: error.problem.to_string(),
            hint: "replace the file with a fresh copy; `hourglass data check` tests all of them"
                .into(),
        }),
    }
}

/// Reads the splits of an experiment: leaves out the training examples of excluded classes, keeps the first `limit` training
/// and `test_limit` test examples, and holds `validation` of the training examples out, chosen by `seed`.
///
/// `in_unit_range` says that numbers have to be between 0 and 1.
///
/// # Errors
/// A file is missing, damaged, does not belong to the others, or (for MNIST) is not the original; numbers are not what the
/// network takes; the splits differ in size; or nothing is left to train on.
pub fn load(
    wanted: &Images,
    in_unit_range: bool,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    load_with(wanted, in_unit_range, seed, false, watch)
}

/// The same with the names of the examples.
///
/// # Errors
/// As [`load`].
pub fn load_named(
    wanted: &Images,
    in_unit_range: bool,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    load_with(wanted, in_unit_range, seed, true, watch)
}

fn load_with(
    wanted: &Images,
    in_unit_range: bool,
    seed: u64,
    keep_names: bool,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    let Splits {
        mut train,
        mut test,
        checksums,
        preparation,
        unreadable,
        warnings,
        decisions,
        scaled_by,
        mut names,
        validation: folder,
    } = match &wanted.own {
        None => load_idx(wanted, keep_names, watch)?,
        Some(own) => super::own::load(wanted, own, in_unit_range, keep_names, watch)?,
    };
    if train.shape() != test.shape() {
        return Err(DataError::SplitsDiffer {
            train: train.shape(),
            test: test.shape(),
        });
    }
    let mut folder = folder;
    if !wanted.exclude_classes.is_empty() {
        let excluded = numbers_of_classes(&wanted.exclude_classes, &train, &preparation)?;
        let without =
            |examples: &ImageSet, names: &mut Vec<String>| -> Result<ImageSet, DataError> {
                let labels = examples.labels().ok_or(DataError::NoClassesToExclude)?;
                let kept: Vec<usize> = (0..labels.len())
                    .filter(|&index| !excluded.contains(&labels[index]))
                    .collect();
                *names = names_at(names, &kept);
                match kept.is_empty() {
                    true => Err(DataError::AllExcluded),
                    false => Ok(examples.select(&kept)),
                }
            };
        train = without(&train, &mut names.train)?;
        // Those that are held out of training have none of them either.
        if let Some(examples) = &folder {
            folder = Some(without(examples, &mut names.validation)?);
        }
    }
    train.truncate(wanted.limit.unwrap_or(usize::MAX).min(train.count()));
    test.truncate(wanted.test_limit.unwrap_or(usize::MAX).min(test.count()));
    names.train.truncate(train.count());
    names.test.truncate(test.count());
    let validation = wanted.validation;
    if validation > 0 && folder.is_some() {
        return Err(DataError::TwoValidations { validation });
    }
    if validation >= train.count() {
        return Err(DataError::NothingToTrainOn {
            validation,
            available: train.count(),
        });
    }
    let validation = (validation > 0).then(|| {
        let (held_out, kept) = hold_out(train.count(), validation, seed);
        names.validation = names_at(&names.train, &held_out);
        names.train = names_at(&names.train, &kept);
        let held_out = train.select(&held_out);
        train = train.select(&kept);
        held_out
    });
    Ok(Splits {
        train,
        validation: validation.or(folder),
        test,
        checksums,
        preparation,
        unreadable,
        warnings,
        decisions,
        scaled_by,
        names,
    })
}

/// The numbers of classes of training examples, which are given by number or name.
///
/// # Errors
/// There is no such class.
fn numbers_of_classes(
    classes: &[String],
    train: &ImageSet,
    preparation: &Preparation,
) -> Result<Vec<u32>, DataError> {
    let labels = train.labels().ok_or(DataError::NoClassesToExclude)?;
    let number = |class: &String| {
        let found = preparation.number_of_class(class);
        found
            .filter(|number| labels.contains(number))
            .ok_or_else(|| DataError::NoSuchClass {
                class: class.clone(),
                known: preparation.classes.clone(),
            })
    };
    classes.iter().map(number).collect()
}

type ReadSplit = Result<(ImageSet, Vec<Checksum>), DataError>;

/// Reads both splits at once, and tells `watch` how many images were read of both.
fn read_both(wanted: &Images, files: &IdxFiles, watch: Watch<'_>) -> (ReadSplit, ReadSplit) {
    let (send, progress) = mpsc::channel();
    thread::scope(|scope| {
        let read = |split, send: mpsc::Sender<(usize, usize, usize)>| {
            scope.spawn(move || {
                read_wanted(wanted, files, split, &mut |done, all| {
                    let _ = send.send((split as usize, done, all));
                })
            })
        };
        let test = read(Split::Test, send.clone());
        let train = read(Split::Train, send);
        let mut known = [(0, 0); 2];
        for (split, done, all) in progress {
            // Labels come after the images, as many.
            known[split] = known[split].max((done, all));
            let [(train, all_train), (test, all_test)] = known;
            watch(train + test, Some(all_train + all_test));
        }
        let joined = |thread: thread::ScopedJoinHandle<'_, ReadSplit>| match thread.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (joined(train), joined(test))
    })
}

/// Both splits of MNIST, or of files like its.
fn load_idx(
    wanted: &Images,
    keep_names: bool,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    let files = idx_files(wanted)?;
    let (train, test) = read_both(wanted, &files, watch);
    let (train, mut checksums) = train?;
    let (test, test_checksums) = test?;
    checksums.extend(test_checksums);
    let numbers = |images: &ImageSet| match keep_names {
        true => (0..images.count())
            .map(|number| number.to_string())
            .collect(),
        false => Vec::new(),
    };
    let names = ExampleNames {
        train: numbers(&train),
        validation: Vec::new(),
        test: numbers(&test),
    };
    Ok(Splits {
        preparation: preparation(wanted, &train),
        train,
        validation: None,
        test,
        checksums,
        unreadable: UnreadableExamples::new(),
        warnings: Vec::new(),
        decisions: Vec::new(),
        scaled_by: None,
        names,
    })
}

fn idx_files(wanted: &Images) -> Result<IdxFiles, DataError> {
    match &wanted.path {
        Some(path) => IdxFiles::find(wanted.source, path),
        None => IdxFiles::find(wanted.source, &find_directory(None)?),
    }
}

fn read_wanted(
    wanted: &Images,
    files: &IdxFiles,
    split: Split,
    watch: WatchImages<'_>,
) -> Result<(ImageSet, Vec<Checksum>), DataError> {
    let is_given = wanted.path.is_some();
    read_files(
        wanted.source,
        files,
        split,
        (wanted.transpose, is_given),
        watch,
    )
}

/// How images of IDX files are made into examples.
fn preparation(wanted: &Images, examples: &ImageSet) -> Preparation {
    Preparation {
        transpose: wanted.transpose,
        ..Preparation::of_images(examples.shape())
    }
}

/// The test split of an experiment, and how its examples were made.
///
/// # Errors
/// As [`load`].
pub fn load_test(
    wanted: &Images,
    in_unit_range: bool,
    watch: Watch<'_>,
) -> Result<(ImageSet, Preparation), DataError> {
    let (mut test, preparation) = match &wanted.own {
        None => {
            let (test, _) = read_wanted(wanted, &idx_files(wanted)?, Split::Test, &mut |_, _| {})?;
            let preparation = preparation(wanted, &test);
            (test, preparation)
        }
        // How numbers are scaled, and which examples are for tests, is known from the others.
        Some(own) => {
            let splits = super::own::load(wanted, own, in_unit_range, false, watch)?;
            (splits.test, splits.preparation)
        }
    };
    test.truncate(wanted.test_limit.unwrap_or(usize::MAX).min(test.count()));
    Ok((test, preparation))
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

fn check_mnist(path: &Path, name: &str, found: &str, is_given: bool) -> Result<(), DataError> {
    let known = MNIST_SHA256.iter().find(|(file, _)| *file == name);
    match known {
        Some((_, expected)) if *expected != found => Err(DataError::WrongChecksum {
            path: path.to_owned(),
            found: found.to_owned(),
            expected,
            is_given,
        }),
        _ => Ok(()),
    }
}
