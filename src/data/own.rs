//! The splits of data that a user brings: pictures, arrays and tables.

use std::path::{Path, PathBuf};

use super::images::ImageSet;
use super::input::{
    Block, Columns, Input, InputError, Options, Unreadable, Watch, Words, read_labels,
};
use super::pixels::{Collector, Values, Width};
use super::preparation::{Preparation, Scaling, Unsuitable};
use super::selection::{Images, Numbers, Own, Scale, Source};
use super::shape::Shape;
use super::source::{Checksum, DataError, Splits};
use crate::memory;
use crate::random::{self, Purpose};

/// Numbers that are read at a time.
const NUMBERS_AT_A_TIME: usize = 1 << 21;
/// The least and the most pictures that are decoded at a time.
const EXAMPLES_AT_A_TIME: (usize, usize) = (16, 4096);
/// Numbers beyond it are an accident, such as a code for what is missing.
const ABSURD: f32 = 1e6;
/// Classes are told apart by a byte.
const MOST_CLASSES: usize = 256;
/// A maximum above which numbers from 0 to 255 were bytes once.
const LEAST_GREATEST_BYTE: f32 = 127.0;

/// Reads both splits.
///
/// # Errors
/// As [`super::load`].
pub fn load(
    wanted: &Images,
    own: &Own,
    in_unit_range: bool,
    watch: Watch<'_>,
) -> Result<Splits<ImageSet>, DataError> {
    let path = wanted.path.clone().unwrap_or_default();
    let parts = Parts::find(wanted.source, &path, own)?;
    let preparation = preparation(&parts, own, in_unit_range, watch)?;
    if let Some(test) = &parts.test
        && test.input.column_names() != parts.train.input.column_names()
    {
        return Err(DataError::Unsuitable {
            path: test.path.clone(),
            problem: "has other columns than the training examples, or in another order".into(),
            hint: format!(
                "give {}",
                parts
                    .train
                    .input
                    .column_names()
                    .unwrap_or_default()
                    .join(", ")
            ),
        });
    }
    let budget = match own.memory_budget_mb {
        Some(megabytes) => megabytes as u64 * 1_000_000,
        None => memory::most_bytes(),
    };
    let mut unreadable = Vec::new();
    let mut read = |part: &Part, what: &str| {
        let read = part.read(&preparation, budget, watch)?;
        unreadable.extend(read.unreadable);
        if own.strict && !unreadable.is_empty() {
            return Err(DataError::Unreadable {
                unreadable: std::mem::take(&mut unreadable),
                examples: read.seen,
            });
        }
        let checksum = Checksum {
            file: what.to_owned(),
            sha256: read.sha256,
        };
        Ok((read.examples, read.classes, checksum))
    };
    let (train, classes, checksum) = read(&parts.train, "examples")?;
    let mut checksums = vec![checksum];
    let test = match &parts.test {
        None => None,
        Some(test) => {
            let (examples, classes, checksum) = read(test, "test examples")?;
            checksums.push(checksum);
            Some((examples, classes))
        }
    };
    let test_classes = test.as_ref().and_then(|(_, classes)| classes.as_ref());
    let names = class_names(&path, [classes.as_ref(), test_classes])?;
    let labelled = |examples: ImageSet, classes: Option<Vec<String>>| {
        let labels = classes
            .zip(names.as_ref())
            .map(|(classes, names)| names.labels(&classes));
        examples.with_labels(labels)
    };
    let train = labelled(train, classes);
    let (train, test) = match test {
        Some((test, classes)) => (train, labelled(test, classes)),
        None => split(&train, own.test_fraction, &path)?,
    };
    Ok(Splits {
        train,
        validation: None,
        test,
        checksums,
        preparation: Preparation {
            classes: names.and_then(|names| names.names),
            ..preparation
        },
        unreadable,
    })
}

/// Where the splits come from.
struct Parts {
    train: Part,
    test: Option<Part>,
}

/// An input, and where its classes are if not in it.
struct Part {
    path: PathBuf,
    input: Input,
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
    fn find(source: Source, path: &Path, own: &Own) -> Result<Self, DataError> {
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
                name: None,
                optional: false,
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
                    shape: (!is_table).then(|| train.input.shape()),
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

fn shape(sizes: &[usize]) -> Option<Shape> {
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
struct ReadPart {
    examples: ImageSet,
    classes: Option<Vec<String>>,
    sha256: String,
    unreadable: Vec<Unreadable>,
    /// Examples, readable or not.
    seen: usize,
}

impl Part {
    fn at_a_time(&self) -> usize {
        let (least, most) = EXAMPLES_AT_A_TIME;
        (NUMBERS_AT_A_TIME / self.input.shape().size()).clamp(least, most)
    }

    fn read(
        &self,
        preparation: &Preparation,
        budget: u64,
        watch: Watch<'_>,
    ) -> Result<ReadPart, DataError> {
        let size = preparation.shape.size();
        let width = match self.input.are_bytes() && preparation.scaling.is_none() {
            true => Width::Byte,
            false => Width::Single,
        };
        let mut collector = Collector::new(size, width, budget);
        let mut classes = Vec::new();
        let mut count = 0;
        let each = &mut |block: Block| -> Result<(), DataError> {
            let examples = block.values.len() / size;
            let are_pictures = matches!(self.input, Input::Pictures(_) | Input::Idx(_));
            let values = preparation.prepare(block.values, are_pictures);
            let values = values
                .map_err(|found| unsuitable(&self.path, &found, count, preparation, &self.input))?;
            count += examples;
            classes.extend(block.classes.into_iter().flatten());
            collector.add(values).map_err(DataError::Spill)
        };
        let unreadable = self.input.read(self.at_a_time(), watch, each)?;
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
            classes: (classes.len() == count).then_some(classes),
            sha256,
            seen: count + unreadable.len(),
            unreadable,
        })
    }
}

/// Whether numbers that nobody called so are classes: few whole numbers.
fn are_classes(found: &[String]) -> bool {
    found.iter().all(|class| class.parse::<u8>().is_ok())
}

/// What numbers of the training split become, found by a look at all of them.
fn preparation(
    parts: &Parts,
    own: &Own,
    in_unit_range: bool,
    watch: Watch<'_>,
) -> Result<Preparation, DataError> {
    let Part { path, input, .. } = &parts.train;
    let given = own.numbers.clone().unwrap_or_default();
    let shape = match (shape(&given.shape), input.shape()) {
        (Some(given), found) if given.size() != found.size() => {
            return Err(DataError::Unsuitable {
                path: path.clone(),
                problem: format!(
                    "has {} numbers an example, data.shape = {:?} has {}",
                    found.size(),
                    sizes(given),
                    given.size()
                ),
                hint: "their product must be the numbers of an example".into(),
            });
        }
        (given, found) => given.unwrap_or(found),
    };
    let mut preparation = Preparation {
        shape,
        fit: own.fit.clone().unwrap_or_default(),
        scaling: None,
        in_unit_range: true,
        is_bounded: in_unit_range,
        are_bytes: input.are_bytes() && given.scale.is_none() && given.range.is_none(),
        columns: input.column_names().map(<[String]>::to_vec),
        classes: None,
    };
    if let Some((low, high)) = given.range {
        // Who says a range wants to know of what is beyond it.
        preparation.is_bounded = true;
        preparation.scaling = Some(Scaling::of_range(low as f32, high as f32));
        return Ok(preparation);
    }
    if input.are_bytes() && given.scale.is_none() {
        return Ok(preparation);
    }
    let statistics = Statistics::of(&parts.train, &preparation, watch)?;
    preparation.scaling = statistics.scaling(path, &given, in_unit_range)?;
    preparation.in_unit_range = match (&preparation.scaling, given.scale) {
        (None, _) => statistics.are_in_unit_range(),
        (Some(_), scale) => scale != Some(Scale::Standard),
    };
    Ok(preparation)
}

fn sizes(shape: Shape) -> Vec<usize> {
    match shape.channels {
        1 => vec![shape.height, shape.width],
        channels => vec![shape.height, shape.width, channels],
    }
}

/// What is known of the numbers of a split, by column.
struct Statistics {
    least: Vec<f32>,
    greatest: Vec<f32>,
    count: f64,
    mean: Vec<f64>,
    /// Sums of squared differences from the mean.
    squares: Vec<f64>,
}

impl Statistics {
    /// # Source
    /// Welford 1962, *Note on a Method for Calculating Corrected Sums of Squares and Products*.
    fn of(part: &Part, preparation: &Preparation, watch: Watch<'_>) -> Result<Self, DataError> {
        let size = preparation.shape.size();
        let mut found = Self {
            least: vec![f32::INFINITY; size],
            greatest: vec![f32::NEG_INFINITY; size],
            count: 0.0,
            mean: vec![0.0; size],
            squares: vec![0.0; size],
        };
        let each = &mut |block: Block| -> Result<(), DataError> {
            let numbers = match block.values {
                Values::Bytes(bytes) => bytes.into_iter().map(f32::from).collect(),
                Values::Numbers(numbers) => numbers,
            };
            if let Some(place) = numbers.iter().position(|x| !x.is_finite()) {
                let number = numbers[place];
                let unsuited = Unsuitable { place, number };
                return Err(unsuitable(
                    &part.path,
                    &unsuited,
                    found.count as usize,
                    preparation,
                    &part.input,
                ));
            }
            for row in numbers.chunks_exact(size) {
                found.count += 1.0;
                for (column, &x) in row.iter().enumerate() {
                    found.least[column] = found.least[column].min(x);
                    found.greatest[column] = found.greatest[column].max(x);
                    let x = f64::from(x);
                    let difference = x - found.mean[column];
                    found.mean[column] += difference / found.count;
                    found.squares[column] += difference * (x - found.mean[column]);
                }
            }
            Ok(())
        };
        part.input.read(part.at_a_time(), watch, each)?;
        Ok(found)
    }

    /// The least and the greatest of all numbers.
    fn range(&self) -> (f32, f32) {
        let least = self.least.iter().copied().fold(f32::INFINITY, f32::min);
        let greatest = self
            .greatest
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        (least, greatest)
    }

    fn are_in_unit_range(&self) -> bool {
        let (least, greatest) = self.range();
        least >= 0.0 && greatest <= 1.0
    }

    /// What is to be done to the numbers, if anything.
    fn scaling(
        &self,
        path: &Path,
        given: &Numbers,
        in_unit_range: bool,
    ) -> Result<Option<Scaling>, DataError> {
        let (least, greatest) = self.range();
        let refuse = |problem: String, hint: &str| {
            Err(DataError::Unsuitable {
                path: path.to_owned(),
                problem,
                hint: hint.to_owned(),
            })
        };
        if least == greatest {
            return refuse(
                format!("all its numbers are {least}"),
                "there is nothing to learn; check the file",
            );
        }
        // A column that never changes stays at 0.
        let or_one = |scale: f32| {
            if scale > 0.0 && scale.is_finite() {
                scale
            } else {
                1.0
            }
        };
        match given.scale {
            Some(Scale::MinMax) => Ok(Some(Scaling {
                offset: self.least.clone(),
                scale: self
                    .least
                    .iter()
                    .zip(&self.greatest)
                    .map(|(least, greatest)| or_one(greatest - least))
                    .collect(),
                by_column: true,
            })),
            Some(Scale::Standard) if in_unit_range => refuse(
                "standardised numbers are not between 0 and 1".into(),
                "set objective.reconstruction = \"mse\" and model.output = \"linear\", or data.scale = \"min_max\"",
            ),
            Some(Scale::Standard) => Ok(Some(Scaling {
                offset: self.mean.iter().map(|&mean| mean as f32).collect(),
                scale: self
                    .squares
                    .iter()
                    .map(|squares| or_one((squares / self.count).sqrt() as f32))
                    .collect(),
                by_column: true,
            })),
            None if least >= 0.0 && greatest <= 1.0 => Ok(None),
            None if least >= 0.0 && greatest <= 255.0 && greatest > LEAST_GREATEST_BYTE => {
                Ok(Some(Scaling::of_range(0.0, 255.0)))
            }
            None if in_unit_range && least >= -1.0 && greatest <= 1.0 => {
                Ok(Some(Scaling::of_range(-1.0, 1.0)))
            }
            None if in_unit_range => refuse(
                format!(
                    "its numbers go from {least} to {greatest}; this network's are between 0 and 1"
                ),
                "say which numbers become 0 and 1 with data.range = [LOW, HIGH], or let each column have its own with data.scale = \"min_max\"",
            ),
            None if least < -ABSURD || greatest > ABSURD => refuse(
                format!("its numbers go from {least} to {greatest}"),
                "check what stands for missing numbers, or scale columns with data.scale = \"standard\"",
            ),
            None => Ok(None),
        }
    }
}

/// The error for a number that a network cannot take, at a place within a block that begins with example `first`.
fn unsuitable(
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

/// What is wrong with a number, and what to do.
pub fn describe(
    found: &Unsuitable,
    first: usize,
    preparation: &Preparation,
    shape: Shape,
) -> (String, String) {
    let Unsuitable { place, number } = *found;
    let example = first + place / shape.size();
    let place = place % shape.size();
    let of = match preparation
        .columns
        .as_ref()
        .and_then(|names| names.get(place))
    {
        Some(name) => format!("column `{name}`"),
        None => format!("number {place}"),
    };
    let range = match &preparation.scaling {
        Some(scaling) if !scaling.by_column => {
            (scaling.offset[0], scaling.offset[0] + scaling.scale[0])
        }
        _ => (0.0, 1.0),
    };
    let (low, high) = range;
    match number.is_finite() {
        false => (
            format!("{of} of example {example} is not finite ({number})"),
            "replace what is missing, or leave such examples out".into(),
        ),
        true => (
            format!(
                "{of} of example {example} is {number}; this network takes numbers from {low} to {high}, or pictures"
            ),
            format!(
                "scale them: `(x - x.min()) / (x.max() - x.min())` goes from 0 to 1; training data from {low} to {high} were expected"
            ),
        ),
    }
}

/// The classes of both splits, by number.
struct ClassNames {
    /// None where the names are numbers from 0 to 255 already.
    names: Option<Vec<String>>,
}

impl ClassNames {
    fn labels(&self, classes: &[String]) -> Vec<u8> {
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

fn class_names(
    path: &Path,
    splits: [Option<&Vec<String>>; 2],
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

/// Takes a share of the examples for tests, always the same ones.
fn split(all: &ImageSet, fraction: f64, path: &Path) -> Result<(ImageSet, ImageSet), DataError> {
    let count = all.count();
    if count < 2 {
        return Err(DataError::Unsuitable {
            path: path.to_owned(),
            problem: "holds one example".into(),
            hint: "training and testing need one each; give more, or data.test_path".into(),
        });
    }
    let test = ((count as f64 * fraction).round() as usize).clamp(1, count - 1);
    // Whatever the run's seed: runs are compared on the same examples.
    let mut order = random::permutation(count, random::stream(0, Purpose::Split, 1, 0));
    let mut train = order.split_off(test);
    train.sort_unstable();
    order.sort_unstable();
    Ok((all.select(&train), all.select(&order)))
}
