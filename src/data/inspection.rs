//! What keeps a network from learning anything of its training examples, or makes it learn something else than was meant.

use std::path::PathBuf;

use super::error::DataError;
use super::images::ImageSet;
use super::selection::{Images, Source};
use super::source::Splits;
use super::unsuitable::written;

/// Examples that are looked at at a time.
const EXAMPLES_AT_A_TIME: usize = 1000;
/// Of the 256 values of a byte.
const A_SIXTEENTH: f32 = 16.0;
const BYTE: f32 = 255.0;
/// Outputs come so near to the ends of their range.
const TOLERANCE: f32 = 1e-6;

impl Splits<ImageSet> {
    /// Checks that the training examples do not all consist of one number.
    ///
    /// # Errors
    /// They do: there is nothing to learn.
    pub fn check_variety(&self, wanted: &Images) -> Result<(), DataError> {
        match self.only_number() {
            None => Ok(()),
            Some(number) => Err(unlearnable(
                wanted,
                format!("all its numbers are {}", written(number)),
                "there is nothing to learn; check the files",
            )),
        }
    }

    /// Returns what users should know of the training examples before a network with outputs from `output.0` to `output.1`
    /// learns them.
    ///
    /// # Errors
    /// The network's outputs cannot reach the examples.
    pub fn inspect(&self, wanted: &Images, output: (f32, f32)) -> Result<Vec<String>, DataError> {
        let mut warnings = Vec::new();
        if are_alike(&self.train) {
            warnings.push(format!(
                "all {} training examples are the same, so there is nothing else to learn; check the files",
                self.train.count()
            ));
        }
        warnings.extend(self.small_bytes(wanted));
        warnings.extend(self.beyond_output(wanted, output)?);
        Ok(warnings)
    }

    /// The number that all training examples consist of, in its unit. Columns that are scaled by themselves are all 0 where
    /// examples are alike, which has a warning of its own.
    fn only_number(&self) -> Option<f64> {
        let scaling = self.preparation.scaling.as_ref();
        if scaling.is_some_and(|scaling| scaling.by_column) || self.train.count() == 0 {
            return None;
        }
        let first = self.train.image(0)[0];
        let is_only = |chunk: Vec<f32>| chunk.iter().all(|&x| x == first);
        let number = match scaling {
            Some(scaling) => scaling.undo(&[first])[0],
            None if self.train.are_bytes() => f64::from((first * BYTE).round()),
            None => first.into(),
        };
        let mut chunks = self.train.chunks(EXAMPLES_AT_A_TIME);
        chunks.all(is_only).then_some(number)
    }

    /// Bytes that are divided by 255 and far below.
    fn small_bytes(&self, wanted: &Images) -> Option<String> {
        if !self.train.are_bytes() {
            return None;
        }
        let mut greatest = 0.0f32;
        for chunk in self.train.chunks(EXAMPLES_AT_A_TIME) {
            greatest = chunk.into_iter().fold(greatest, f32::max);
            if greatest * BYTE > A_SIXTEENTH + 0.5 {
                return None;
            }
        }
        let most = (greatest * BYTE).round();
        if most == 0.0 {
            return None;
        }
        let remedy = match wanted.source {
            Source::Mnist | Source::Idx => format!(
                "multiply them by {}, or save them as .npy for data.dataset = \"array\" with data.range = [0, {most}]",
                (BYTE / most).floor()
            ),
            _ => format!("set data.range = [0, {most}]"),
        };
        Some(format!(
            "no byte of the training examples is above {most}, and bytes are divided by 255: the network sees numbers from 0 to \
             {greatest:.4}; {remedy}"
        ))
    }

    /// Training examples that the network's output cannot reach.
    fn beyond_output(
        &self,
        wanted: &Images,
        (low, high): (f32, f32),
    ) -> Result<Option<String>, DataError> {
        let is_unit = self.train.are_bytes() || self.preparation.in_unit_range;
        let is_unbounded = low == f32::NEG_INFINITY && high == f32::INFINITY;
        if is_unbounded || (is_unit && low <= 0.0 && high >= 1.0) {
            return Ok(None);
        }
        let (mut least, mut greatest) = (f32::INFINITY, f32::NEG_INFINITY);
        for x in self.train.chunks(EXAMPLES_AT_A_TIME).flatten() {
            (least, greatest) = (least.min(x), greatest.max(x));
        }
        if least >= low - TOLERANCE && greatest <= high + TOLERANCE {
            return Ok(None);
        }
        // With a mean of 0, every column that changes at all has negative numbers.
        let is_standardised = self
            .preparation
            .scaling
            .as_ref()
            .is_some_and(|scaling| scaling.by_column)
            && !self.preparation.in_unit_range;
        let goes = match (low.is_finite(), high.is_finite()) {
            (true, false) => format!("are never below {low}"),
            (false, _) => format!("are never above {high}"),
            (true, true) => format!("are between {low} and {high}"),
        };
        let scaled = match self.preparation.scaling {
            Some(_) => " after scaling",
            None => "",
        };
        let problem = format!(
            "the training examples go from {least} to {greatest}{scaled}, and this network's outputs {goes}"
        );
        let hint = "set model.output = \"linear\", or data.scale = \"min_max\"";
        if greatest <= low || least >= high || (is_standardised && low >= 0.0) {
            return Err(unlearnable(wanted, problem, hint));
        }
        Ok(Some(format!("{problem}; {hint}")))
    }
}

fn unlearnable(wanted: &Images, problem: String, hint: &str) -> DataError {
    DataError::Unsuitable {
        path: wanted
            .path
            .clone()
            .unwrap_or_else(|| PathBuf::from("data/mnist")),
        problem,
        hint: hint.into(),
    }
}

/// Whether there are several examples and all are the same.
fn are_alike(examples: &ImageSet) -> bool {
    if examples.count() < 2 {
        return false;
    }
    let first = examples.image(0);
    let mut chunks = examples.chunks(EXAMPLES_AT_A_TIME);
    chunks.all(|chunk| {
        chunk
            .chunks_exact(first.len())
            .all(|example| example == first)
    })
}

/// Returns how many numbers of an example never change.
pub fn constant_columns(examples: &ImageSet) -> usize {
    if examples.count() == 0 {
        return 0;
    }
    let first = examples.image(0);
    let mut changes = vec![false; first.len()];
    for chunk in examples.chunks(EXAMPLES_AT_A_TIME) {
        for example in chunk.chunks_exact(first.len()) {
            for ((changes, x), first) in changes.iter_mut().zip(example).zip(&first) {
                *changes |= x != first;
            }
        }
    }
    changes.iter().filter(|changes| !**changes).count()
}
