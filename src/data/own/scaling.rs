//! What numbers of examples become, found by a look at all of them.

use std::path::Path;

use super::parts::{Part, Parts, shape, unsuitable};
use crate::data::input::{Block, RawValues, Watch};
use crate::data::preparation::{Preparation, Scaling, Unsuitable};
use crate::data::selection::{Numbers, Own, Scale};
use crate::data::shape::Shape;
use crate::data::source::DataError;

/// Numbers beyond it are an accident, such as a code for what is missing.
const ABSURD: f64 = 1e6;
/// A maximum above which numbers from 0 to 255 were bytes once.
const LEAST_GREATEST_BYTE: f64 = 127.0;

/// What numbers of the training split become, found by a look at all of them.
pub(super) fn preparation(
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
        dropped: input.dropped().to_vec(),
        classes: None,
    };
    if let Some((low, high)) = given.range {
        // Who says a range wants to know of what is beyond it.
        preparation.is_bounded = true;
        preparation.scaling = Some(Scaling::of_range(low, high));
        return Ok(preparation);
    }
    if input.are_bytes() && given.scale.is_none() {
        return Ok(preparation);
    }
    let statistics = Statistics::of(&parts.train, &preparation, own, watch)?;
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
    least: Vec<f64>,
    greatest: Vec<f64>,
    count: f64,
    mean: Vec<f64>,
    /// Sums of squared differences from the mean.
    squares: Vec<f64>,
}

impl Statistics {
    /// # Source
    /// Welford 1962, *Note on a Method for Calculating Corrected Sums of Squares and Products*.
    fn of(
        part: &Part,
        preparation: &Preparation,
        own: &Own,
        watch: Watch<'_>,
    ) -> Result<Self, DataError> {
        let size = preparation.shape.size();
        let mut found = Self {
            least: vec![f64::INFINITY; size],
            greatest: vec![f64::NEG_INFINITY; size],
            count: 0.0,
            mean: vec![0.0; size],
            squares: vec![0.0; size],
        };
        let each = &mut |block: Block| -> Result<(), DataError> {
            let numbers = match block.values {
                RawValues::Bytes(bytes) => bytes.into_iter().map(f64::from).collect(),
                RawValues::Numbers(numbers) => numbers,
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
                    let difference = x - found.mean[column];
                    found.mean[column] += difference / found.count;
                    found.squares[column] += difference * (x - found.mean[column]);
                }
            }
            Ok(())
        };
        let unreadable = part.input.read(part.input.at_a_time(), watch, each)?;
        let seen = found.count as usize + unreadable.len();
        part.check_unreadable(own, &unreadable, seen)?;
        Ok(found)
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
        let or_one = |scale: f64| {
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
                offset: self.mean.clone(),
                scale: self
                    .squares
                    .iter()
                    .map(|squares| or_one((squares / self.count).sqrt()))
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
