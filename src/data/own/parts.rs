//! Where the splits come from, and reading them.

use std::path::{Path, PathBuf};

use super::classes::are_classes;
use super::describe;
use super::unreadable::{MOST_UNREADABLE, check_unreadable};
use crate::data::images::ImageSet;
use crate::data::input::{
    Block, Columns, Input, InputError, Options, Unreadable, Watch, Words, read_labels,
};
use crate::data::pixels::{Collector, Width};
use crate::data::preparation::{Preparation, Unsuitable};
use crate::data::selection::{Own, Source};
use crate::data::shape::Shape;
use crate::data::source::DataError;

/// Where the splits come from.
pub(super) struct Parts {
    pub(super) train: Part,
    pub(super) test: Option<Part>,
}

/// An input, and where its classes are if not in it.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) input: Input,
    labels: Option<Labels>,
}

/// Where classes are that are not in the input.
struct Labels {
    path: PathBuf,
    /// Of an `.npz`.
    array: Option<String>,
    /// Whether they were not asked for but found beside the examples, where they may be something else, such as numbers to be
    /// predicted.
    found: bool,
}

impl Parts {
    pub(super) fn find(source: Source, path: &Path, own: &Own) -> Result<Self, DataError> {
        let fit = own.fit.clone().unwrap_or_default();
        let given = own.numbers.clone().unwrap_or_default();
        let is_table = source == Source::Csv;
        let options = Options {
            shape: shape(&given.shape),
            fit,
            array: given.array.clone(),
            columns: Columns {
                header: given.header,
                label: given.labels.clone().filter(|_| is_table),
                drop: given.drop_columns.iter().cloned().map(Into::into).collect(),
                dialect: given.dialect.clone(),
                ..Columns::default()
            },
            words: Words::default(),
        };
        let part = |path: &Path, options: &Options, labels| -> Result<Part, InputError> {
            Ok(Part {
                path: path.to_owned(),
                input: Input::open(path, options)?,
                labels,
            })
        };
        if source == Source::Images {
            // As many data sets are laid out.
            let folders = [path.join("train"), path.join("test")];
            let (train, test) = match (&own.test_path, folders.iter().all(|folder| folder.is_dir()))
            {
                (None, true) => (folders[0].clone(), Some(folders[1].clone())),
                (test, _) => (path.to_owned(), test.clone()),
            };
            return Ok(Self {
                train: part(&train, &options, None)?,
                test: test.map(|test| part(&test, &options, None)).transpose()?,
            });
        }
        let given_labels = |file: &Option<String>| {
            let file = file.as_ref().filter(|_| !is_table);
            file.map(|file| Labels {
                path: PathBuf::from(file),
                array: None,
                found: false,
            })
        };
        let found_labels = |path: &Path, name: &str| {
            has_arrays(path, &[name]).then(|| Labels {
                path: path.to_owned(),
                array: Some(name.to_owned()),
                found: true,
            })
        };
        // Keras names the arrays of its data sets so.
        let is_split = own.test_path.is_none()
            && given.array.is_none()
            && has_arrays(path, &["x_train", "x_test"]);
        if is_split {
            let named = |name: &str, shape: Option<Shape>| Options {
                array: Some(name.to_owned()),
                shape,
                ..options.clone()
            };
            let labels = given_labels(&given.labels).or_else(|| found_labels(path, "y_train"));
            let train = part(path, &named("x_train", options.shape), labels)?;
            let labels = given_labels(&given.test_labels).or_else(|| found_labels(path, "y_test"));
            let test = part(path, &named("x_test", Some(train.input.shape())), labels)?;
            return Ok(Self {
                train,
                test: Some(test),
            });
        }
        let labels_of = |path: &Path, file: &Option<String>| {
            let beside = || match !is_table && given.array.is_none() && has_arrays(path, &["x"]) {
                true => found_labels(path, "y"),
                false => None,
            };
            given_labels(file).or_else(beside)
        };
        let train = part(path, &options, labels_of(path, &given.labels))?;
        check_kind(source, path, &train.input)?;
        let test = own
            .test_path
            .as_ref()
            .map(|test| -> Result<Part, DataError> {
                let options = Options {
                    shape: Some(train.input.shape()),
                    columns: Columns {
                        drop: train.input.dropped().to_vec(),
                        known: train.input.column_names().map(<[String]>::to_vec),
                        of_another: true,
                        ..options.columns.clone()
                    },
                    ..options.clone()
                };
                let test_part = part(test, &options, labels_of(test, &given.test_labels))?;
                check_kind(source, test, &test_part.input)?;
                Ok(test_part)
            });
        let test = test.transpose()?;
        if let (None, Some(labels)) = (&test, &given.test_labels) {
            return Err(DataError::Unsuitable {
                path: PathBuf::from(labels),
                problem: "are the classes of test examples, and there are none of their own".into(),
                hint: "add data.test_path, or leave data.test_labels out: a share of the examples keeps its classes".into(),
            });
        }
        Ok(Self { train, test })
    }
}

/// A file of another kind than the config says would be read with settings that mean nothing to it.
fn check_kind(source: Source, path: &Path, input: &Input) -> Result<(), DataError> {
    let (found, dataset) = match input {
        Input::Pictures(_) => ("a picture", "images"),
        Input::Array(_) => ("an array", "array"),
        Input::Table(_) => ("a table", "csv"),
        Input::Idx(_) => ("an IDX file", "idx"),
    };
    let fits = match source {
        Source::Array => matches!(input, Input::Array(_)),
        Source::Csv => matches!(input, Input::Table(_)),
        _ => true,
    };
    match fits {
        true => Ok(()),
        false => Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem: format!("is {found}"),
            hint: format!(
                "set data.dataset = \"{dataset}\"{}",
                if dataset == "idx" {
                    " and data.path to the directory of the four files"
                } else {
                    ""
                }
            ),
        }),
    }
}

pub(super) fn shape(sizes: &[usize]) -> Option<Shape> {
    match *sizes {
        [height, width] => Some(Shape::grey(height, width)),
        [height, width, channels] => Some(Shape {
            height,
            width,
            channels,
        }),
        _ => None,
    }
}

/// Whether a file is an `.npz` with arrays of all these names.
fn has_arrays(path: &Path, names: &[&str]) -> bool {
    let archive = npyz::npz::NpzArchive::open(path);
    archive.is_ok_and(|archive| {
        names
            .iter()
            .all(|name| archive.array_names().any(|known| known == *name))
    })
}

/// What was read of a part.
pub(super) struct ReadPart {
    pub(super) examples: ImageSet,
    /// Empty unless they are asked for.
    pub(super) names: Vec<String>,
    pub(super) classes: Option<Vec<String>>,
    pub(super) sha256: String,
    pub(super) unreadable: Vec<Unreadable>,
    /// Examples, readable or not.
    pub(super) seen: usize,
}

impl Part {
    /// Demands that enough of the examples that were seen are readable.
    pub(super) fn check_unreadable(
        &self,
        own: &Own,
        unreadable: &[Unreadable],
        seen: usize,
    ) -> Result<(), DataError> {
        // With `strict` a single one is an error of its own.
        let most = own.max_unreadable_fraction.unwrap_or(MOST_UNREADABLE);
        match own.strict {
            true => Ok(()),
            false => check_unreadable(&self.path, unreadable, seen, most),
        }
    }

    pub(super) fn read(
        &self,
        preparation: &Preparation,
        budget: u64,
        keep_names: bool,
        watch: Watch<'_>,
    ) -> Result<ReadPart, DataError> {
        let size = preparation.shape.size();
        let width = match self.input.are_bytes() && preparation.scaling.is_none() {
            true => Width::Byte,
            false => Width::Single,
        };
        let mut collector = Collector::new(size, width, budget);
        let mut classes = Vec::new();
        let mut names = Vec::new();
        let mut count = 0;
        let each = &mut |block: Block| -> Result<(), DataError> {
            let examples = block.values.len() / size;
            let are_pictures = matches!(self.input, Input::Pictures(_) | Input::Idx(_));
            let values = preparation.prepare(block.values, are_pictures);
            let values = values
                .map_err(|found| unsuitable(&self.path, &found, count, preparation, &self.input))?;
            if keep_names {
                let numbers = || (count..count + examples).map(|number| number.to_string());
                names.extend(block.names.unwrap_or_else(|| numbers().collect()));
            }
            count += examples;
            classes.extend(block.classes.into_iter().flatten());
            collector.add(values).map_err(DataError::Spill)
        };
        let unreadable = self.input.read(self.input.at_a_time(), watch, each)?;
        if count == 0 {
            return Err(DataError::Input(InputError {
                path: self.path.clone(),
                problem: "none of its examples can be read".into(),
                hint: "check the files".into(),
            }));
        }
        if let Some(labels) = &self.labels {
            classes = read_labels(&labels.path, labels.array.as_deref())?;
            if labels.found && !are_classes(&classes) {
                classes.clear();
            } else if classes.len() != count {
                return Err(DataError::LabelCount {
                    path: labels.path.clone(),
                    labels: classes.len(),
                    images: count,
                });
            }
        }
        let (pixels, sha256) = collector.finish().map_err(DataError::Spill)?;
        Ok(ReadPart {
            examples: preparation.examples(pixels),
            names,
            classes: (classes.len() == count).then_some(classes),
            sha256,
            seen: count + unreadable.len(),
            unreadable,
        })
    }
}

/// The error for a number that a network cannot take, at a place within a block that begins with example `first`.
pub(super) fn unsuitable(
    path: &Path,
    found: &Unsuitable,
    first: usize,
    preparation: &Preparation,
    input: &Input,
) -> DataError {
    let (problem, hint) = describe(found, first, preparation, input.shape());
    DataError::Unsuitable {
        path: path.to_owned(),
        problem,
        hint,
    }
}
