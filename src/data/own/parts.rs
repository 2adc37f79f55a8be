//! Where the splits come from, and reading them.

use std::path::{Path, PathBuf};

use super::labels::{
    Classes, LABELS_KEY, LabelPlace, SPLITS, TEST_LABELS_KEY, given_labels, labels_beside,
};
use super::unreadable::{MOST_UNREADABLE, check_unreadable};
use super::{folders, pictures};
use crate::data::error::DataError;
use crate::data::images::ImageSet;
use crate::data::input::{
    Block, Columns, Fit, Input, InputError, Labels, Options, RawValues, Samples,
    UnreadableExamples, Watch, Words, names_of_arrays,
};
use crate::data::pixels::{Collector, Width};
use crate::data::preparation::{Preparation, Unsuitable};
use crate::data::seen::{Kept, Seen};
use crate::data::selection::{Own, Source};
use crate::data::shape::Shape;
use crate::data::unsuitable::{Stage, describe};
use crate::data::warnings::Warnings;

/// Where the splits come from.
pub(super) struct Parts {
    pub(super) train: Part,
    /// Only images have one.
    pub(super) validation: Option<Part>,
    pub(super) test: Option<Part>,
}

/// An input, and where its classes are if not in it.
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) input: Input,
    labels: Option<LabelPlace>,
    /// Whether its numbers are those of a run that is trained now, or was.
    stage: Stage,
}

impl Parts {
    pub(super) fn find(
        source: Source,
        path: &Path,
        own: &Own,
        warnings: &Warnings,
    ) -> Result<Self, DataError> {
        let fit = own.fit.clone().unwrap_or_default();
        let given = own.numbers.clone().unwrap_or_default();
        let is_table = source == Source::Csv;
        let options = Options {
            shape: shape(&given.shape),
            fit,
            array: given.array.clone(),
            // Names of arrays, or of files, which no array has.
            label_arrays: match is_table {
                true => Vec::new(),
                false => [&given.labels, &given.test_labels]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
            },
            columns: Columns {
                header: given.header,
                label: given.labels.clone().filter(|_| is_table),
                drop: given.drop_columns.iter().cloned().map(Into::into).collect(),
                dialect: given.dialect.clone(),
                ..Columns::default()
            },
            words: Words::default(),
            warnings: warnings.clone(),
            // As the network takes them, whatever the files hold.
            samples: match &own.known {
                Some(known) => known.samples(),
                None if own.fit.as_ref().is_some_and(Fit::is_of_earlier_version) => Samples::Bytes,
                None => Samples::OfFiles,
            },
            transpose: false,
        };
        let stage = match &own.known {
            Some(_) => Stage::Application,
            None => Stage::Training,
        };
        let part = |path: &Path, options: &Options, labels| -> Result<Part, InputError> {
            Ok(Part {
                path: path.to_owned(),
                input: Input::open(path, options)?,
                labels,
                stage,
            })
        };
        if source == Source::Images {
            let folders = folders::find(path, own, warnings)?;
            let inputs = pictures::open(&folders, &options)?;
            let part = |path: PathBuf, input| Part {
                path,
                input,
                labels: None,
                stage,
            };
            return Ok(Self {
                train: part(folders.train, inputs.train),
                validation: folders
                    .validation
                    .zip(inputs.validation)
                    .map(|(path, input)| part(path, input)),
                test: folders
                    .test
                    .zip(inputs.test)
                    .map(|(path, input)| part(path, input)),
            });
        }
        if let Some(test) = own.test.path() {
            folders::check_apart(path, "data.test_path", test)?;
        }
        let arrays = |path: &Path| match is_table {
            true => Vec::new(),
            false => names_of_arrays(path),
        };
        // Keras names the arrays of its data sets so.
        let in_file = arrays(path);
        let has = |name: &&str| in_file.iter().any(|known| known == *name);
        let split = SPLITS
            .iter()
            .find(|[train, test, ..]| [train, test].into_iter().all(has));
        let split = split.filter(|_| own.test.path().is_none() && given.array.is_none());
        if let Some([train, test, train_labels, test_labels]) = split {
            let named = |name: &str, shape: Option<Shape>| Options {
                array: Some(name.to_owned()),
                shape,
                ..options.clone()
            };
            let labels = |wanted: &Option<String>, key, usual: &str| -> Result<_, DataError> {
                let found = has(&usual).then(|| LabelPlace::found(path, usual));
                let given = given_labels(path, &in_file, wanted.as_ref(), key)?;
                Ok(given.or(found))
            };
            let labels_of_train = labels(&given.labels, LABELS_KEY, train_labels)?;
            let labels_of_test = labels(&given.test_labels, TEST_LABELS_KEY, test_labels)?;
            let train = part(path, &named(train, options.shape), labels_of_train)?;
            let shape = Some(train.input.shape());
            let test = part(path, &named(test, shape), labels_of_test)?;
            return Ok(Self {
                train,
                validation: None,
                test: Some(test),
            });
        }
        let opened = |path: &Path, options: &Options, wanted, key| -> Result<Part, DataError> {
            let in_file = arrays(path);
            let given_labels = match is_table {
                true => None,
                false => given_labels(path, &in_file, wanted, key)?,
            };
            let mut part = part(path, options, given_labels)?;
            check_kind(source, path, &part.input)?;
            if part.labels.is_none() && given.array.is_none() {
                part.labels = labels_beside(&part, &in_file);
            }
            Ok(part)
        };
        let train = opened(path, &options, given.labels.as_ref(), LABELS_KEY)?;
        let test = own.test.path().map(|test| -> Result<Part, DataError> {
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
            // The name of an array in the file of the training examples names one in this file too.
            let array = train.labels.as_ref().filter(|labels| labels.key.is_some());
            let array = array.and_then(|labels| labels.array.as_ref());
            let same = array.filter(|array| arrays(test).contains(array));
            let wanted = given.test_labels.as_ref().or(same);
            opened(test, &options, wanted, TEST_LABELS_KEY)
        });
        let test = test.transpose()?;
        if let (None, Some(labels)) = (&test, &given.test_labels) {
            return Err(DataError::Unsuitable {
                path: PathBuf::from(labels),
                problem: "are the classes of test examples, and there are none of their own".into(),
                hint: "add data.test_path, or leave data.test_labels out: a share of the examples keeps its classes".into(),
            });
        }
        Ok(Self {
            train,
            validation: None,
            test,
        })
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

/// What was read of a part.
pub(super) struct ReadPart {
    pub(super) examples: ImageSet,
    /// Empty unless they are asked for.
    pub(super) names: Vec<String>,
    pub(super) classes: Option<Classes>,
    pub(super) sha256: String,
    pub(super) unreadable: UnreadableExamples,
    /// Examples, readable or not.
    pub(super) seen: usize,
}

impl Part {
    /// Demands that enough of the examples that were seen are readable.
    pub(super) fn check_unreadable(
        &self,
        own: &Own,
        unreadable: &UnreadableExamples,
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
        warnings: &Warnings,
        keep_names: bool,
        watch: Watch<'_>,
    ) -> Result<ReadPart, DataError> {
        let size = preparation.shape.size();
        let stay_bytes = self.input.are_bytes() && preparation.are_bytes;
        let width = match stay_bytes && preparation.scaling.is_none() {
            true => Width::Byte,
            false => Width::Single,
        };
        let mut collector = Collector::new(size, width, budget);
        let mut of_input = Labels::default();
        let mut names = Vec::new();
        let mut count = 0;
        let mut seen = Seen::new(preparation);
        let each = &mut |block: Block| -> Result<(), DataError> {
            let examples = block.values.len() / size;
            let are_pictures = matches!(self.input, Input::Pictures(_) | Input::Idx(_));
            if width != Width::Byte {
                seen.look(&block.values, are_pictures);
            }
            let values = preparation.prepare(block.values, are_pictures);
            let values = values.map_err(|found| unsuitable(self, &found, count, preparation))?;
            if keep_names {
                let numbers = || (count..count + examples).map(|number| number.to_string());
                names.extend(block.names.unwrap_or_else(|| numbers().collect()));
            }
            count += examples;
            of_input.extend(block.classes.into_iter().flatten());
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
        self.warn(&seen, preparation, warnings, watch)?;
        let classes = match &self.labels {
            None => (of_input.len() == count).then_some(Classes {
                labels: of_input,
                found: None,
            }),
            Some(place) => match place.read(count) {
                Ok(labels) => Some(Classes {
                    labels,
                    found: place.array.clone().filter(|_| place.key.is_none()),
                }),
                Err(DataError::Input(error)) if place.key.is_none() => {
                    warnings.add(format!("{error}; it is not used as classes"));
                    None
                }
                Err(error) => return Err(error),
            },
        };
        let (pixels, sha256) = collector.finish().map_err(DataError::Spill)?;
        Ok(ReadPart {
            examples: preparation.examples(pixels),
            names,
            classes,
            sha256,
            seen: count + unreadable.len(),
            unreadable,
        })
    }
}

impl Part {
    /// Warns about what preparing the examples has lost.
    fn warn(
        &self,
        seen: &Seen<'_>,
        preparation: &Preparation,
        warnings: &Warnings,
        watch: Watch<'_>,
    ) -> Result<(), DataError> {
        if let Some(coarse) = seen.coarsest() {
            let mut kept = Kept::default();
            let each = &mut |block: Block| -> Result<(), DataError> {
                if let RawValues::Numbers(numbers) = block.values {
                    kept.add(coarse.column, &numbers, preparation);
                }
                Ok(())
            };
            self.input.read(self.input.at_a_time(), watch, each)?;
            warnings.add(seen.coarse_warning(coarse, &kept));
        }
        if let Some(clamped) = seen.clamped_warning("the test examples") {
            warnings.add(clamped);
        }
        Ok(())
    }
}

/// The error for a number that a network cannot take, at a place within a block that begins with example `first`.
pub(super) fn unsuitable(
    part: &Part,
    found: &Unsuitable,
    first: usize,
    preparation: &Preparation,
) -> DataError {
    let shape = part.input.shape();
    let (problem, hint) = describe(found, first, preparation, shape, part.stage);
    DataError::Unsuitable {
        path: part.path.clone(),
        problem,
        hint,
    }
}
