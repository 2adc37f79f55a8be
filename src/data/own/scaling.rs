//! What numbers of examples become, found by a look at all training examples.

use std::path::Path;

use super::parts::{Part, Parts, shape, unsuitable};
use super::{pictures, test_rows};
use crate::data::error::DataError;
use crate::data::input::{Block, Input, RawValues, Watch};
use crate::data::preparation::{Preparation, Scaling, Unsuitable};
use crate::data::selection::{Numbers, Own, Scale};
use crate::data::shape::Shape;
use crate::data::unsuitable::{column_name, written};

/// Numbers beyond it are an accident, such as a code for what is missing.
const ABSURD: f64 = 1e6;
/// A maximum above which numbers from 0 to 255 were bytes once.
const LEAST_GREATEST_BYTE: f64 = 127.0;

/// How examples are prepared, and by how many of them that was decided.
pub(super) struct Found {
    pub(super) preparation: Preparation,
    /// Absent where no example was looked at.
    pub(super) rows: Option<usize>,
}

/// What numbers of the training split become, found by a look at all of them. Examples that are set aside for testing are
/// only checked: they change nothing.
pub(super) fn preparation(
    parts: &Parts,
    own: &Own,
    in_unit_range: bool,
    watch: Watch<'_>,
) -> Result<Found, DataError> {
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
        depth: None,
        transpose: false,
        columns: input.column_names().map(<[String]>::to_vec),
        dropped: input.dropped().to_vec(),
        classes: None,
    };
    let decided = |preparation| {
        Ok(Found {
            preparation,
            rows: None,
        })
    };
    if let Input::Pictures(images) = input {
        let known = own.known.as_deref().filter(|known| known.shape == shape);
        return decided(pictures::prepared(images, path, known, preparation)?);
    }
    if let Some(known) = own.known.as_ref().filter(|known| known.shape == shape) {
        preparation.scaling = known.scaling.clone();
        preparation.in_unit_range = known.in_unit_range;
        preparation.is_bounded = known.is_bounded;
        preparation.are_bytes = known.are_bytes;
        return decided(preparation);
    }
    if let Some((low, high)) = given.range {
        // Who says a range wants to know of what is beyond it.
        preparation.is_bounded = true;
        preparation.scaling = Some(Scaling::of_range(low, high));
        return decided(preparation);
    }
    if input.are_bytes() && given.scale.is_none() {
        return decided(preparation);
    }
    let test_rows = match &parts.test {
        Some(_) => Vec::new(),
        None => {
            let count = readable(input, watch)?;
            let mut is_test = vec![false; count];
            for row in test_rows(count, own.test.share(), path)? {
                is_test[row] = true;
            }
            is_test
        }
    };
    let statistics = Statistics::of(&parts.train, &preparation, own, &test_rows, watch)?;
    preparation.scaling = statistics.scaling(path, &given, in_unit_range, &preparation)?;
    preparation.in_unit_range = match (&preparation.scaling, given.scale) {
        (None, _) => statistics.are_in_unit_range(),
        (Some(_), scale) => scale != Some(Scale::Standard),
    };
    Ok(Found {
        preparation,
        rows: Some(statistics.count as usize),
    })
}

/// The number of examples that can be read.
fn readable(input: &Input, watch: Watch<'_>) -> Result<usize, DataError> {
    if let Input::Array(array) = input {
        return Ok(array.count());
    }
    let size = input.shape().size();
    let mut count = 0;
    input.read(input.at_a_time(), watch, &mut |block: Block| {
        count += block.values.len() / size;
        Ok::<_, DataError>(())
    })?;
    Ok(count)
}

fn sizes(shape: Shape) -> Vec<usize> {
    match shape.channels {
        1 => vec![shape.height, shape.width],
        channels => vec![shape.height, shape.width, channels],
    }
}

/// What is known of the numbers of the training examples, by column.
struct Statistics {
    least: Vec<f64>,
    greatest: Vec<f64>,
    count: f64,
    mean: Vec<f64>,
    /// Sums of squared differences from the mean.
    squares: Vec<f64>,
    /// The least and the greatest number of all examples, those for testing included.
    everywhere: (f64, f64),
}

impl Statistics {
    /// Statistics of the rows of `part` that `is_test` does not mark.
    ///
    /// # Source
    /// Welford 1962, *Note on a Method for Calculating Corrected Sums of Squares and Products*.
    fn of(
        part: &Part,
        preparation: &Preparation,
        own: &Own,
        is_test: &[bool],
        watch: Watch<'_>,
    ) -> Result<Self, DataError> {
        let size = preparation.shape.size();
        let mut found = Self {
            least: vec![f64::INFINITY; size],
            greatest: vec![f64::NEG_INFINITY; size],
            count: 0.0,
            mean: vec![0.0; size],
            squares: vec![0.0; size],
            everywhere: (f64::INFINITY, f64::NEG_INFINITY),
        };
        let mut seen = 0;
        let each = &mut |block: Block| -> Result<(), DataError> {
            let numbers = match block.values {
                RawValues::Bytes(bytes) => bytes.into_iter().map(f64::from).collect(),
                RawValues::Numbers(numbers) => numbers,
            };
            if let Some(place) = numbers.iter().position(|x| !x.is_finite()) {
                let number = numbers[place];
                let unsuited = Unsuitable { place, number };
                return Err(unsuitable(part, &unsuited, seen, preparation));
            }
            for row in numbers.chunks_exact(size) {
                for &x in row {
                    found.everywhere.0 = found.everywhere.0.min(x);
                    found.everywhere.1 = found.everywhere.1.max(x);
                }
                if !is_test.get(seen).is_some_and(|&is_test| is_test) {
                    found.add(row);
                }
                seen += 1;
            }
            Ok(())
        };
        let unreadable = part.input.read(part.input.at_a_time(), watch, each)?;
        let seen = seen + unreadable.len();
        part.check_unreadable(own, &unreadable, seen)?;
        Ok(found)
    }

    fn add(&mut self, row: &[f64]) {
        self.count += 1.0;
        for (column, &x) in row.iter().enumerate() {
            self.least[column] = self.least[column].min(x);
            self.greatest[column] = self.greatest[column].max(x);
            let difference = x - self.mean[column];
            self.mean[column] += difference / self.count;
            self.squares[column] += difference * (x - self.mean[column]);
        }
    }

    /// The least and the greatest of all numbers.
    fn range(&self) -> (f64, f64) {
        let least = self.least.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self
            .greatest
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
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
        preparation: &Preparation,
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
                format!("all its numbers are {}", written(least)),
                "there is nothing to learn; check the file",
            );
        }
        // A column that never changes stays at 0.
        let or_one = |scale: f64| if scale > 0.0 { scale } else { 1.0 };
        let by_column = |offset: &[f64], scale: Vec<f64>| {
            let is_finite =
                |column: &usize| offset[*column].is_finite() && scale[*column].is_finite();
            match (0..offset.len()).find(|column| !is_finite(column)) {
                Some(column) => refuse(
                    format!(
                        "{} goes from {} to {}, which is too far apart for double precision",
                        column_name(preparation, column),
                        written(self.least[column]),
                        written(self.greatest[column])
                    ),
                    "check how missing numbers are encoded",
                ),
                None => Ok(Some(Scaling {
                    offset: offset.to_vec(),
                    scale: scale.into_iter().map(or_one).collect(),
                    by_column: true,
                })),
            }
        };
        match given.scale {
            Some(Scale::MinMax) => {
                let both = self.least.iter().zip(&self.greatest);
                by_column(
                    &self.least,
                    both.map(|(least, greatest)| greatest - least).collect(),
                )
            }
            Some(Scale::Standard) if in_unit_range => refuse(
                "standardised numbers are not between 0 and 1".into(),
                "set objective.reconstruction = \"mse\" and model.output = \"linear\", or data.scale = \"min_max\"",
            ),
            Some(Scale::Standard) => {
                let squares = self.squares.iter();
                by_column(
                    &self.mean,
                    squares
                        .map(|squares| (squares / self.count).sqrt())
                        .collect(),
                )
            }
            None if least >= 0.0 && greatest <= 1.0 => Ok(None),
            None if least >= 0.0 && greatest <= 255.0 && greatest > LEAST_GREATEST_BYTE => {
                Ok(Some(Scaling::of_range(0.0, 255.0)))
            }
            None if in_unit_range && least >= -1.0 && greatest <= 1.0 => {
                Ok(Some(Scaling::of_range(-1.0, 1.0)))
            }
            None if in_unit_range => refuse(
                format!(
                    "its numbers go from {} to {}; this network's are between 0 and 1",
                    written(least),
                    written(greatest)
                ),
                "say which numbers become 0 and 1 with data.range = [LOW, HIGH], or let each column have its own with data.scale = \"min_max\"",
            ),
            None if self.everywhere.0 < -ABSURD || self.everywhere.1 > ABSURD => refuse(
                format!(
                    "its numbers go from {} to {}",
                    written(self.everywhere.0),
                    written(self.everywhere.1)
                ),
                "check how missing numbers are encoded, or scale columns with data.scale = \"standard\"",
            ),
            None => Ok(None),
        }
    }
}
