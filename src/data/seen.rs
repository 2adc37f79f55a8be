//! What was seen of raw numbers while they were read, and what is odd about it.

use std::collections::HashSet;

use super::input::RawValues;
use super::preparation::Preparation;
use super::unsuitable::{column_name, column_range, rounded, written};

/// Single precision has 24 bits: less than 16 steps are left for numbers that spread over so little of their size.
const LEAST_SPREAD: f64 = 1.0 / (1 << 20) as f64;
/// The span of a range of which numbers up to 1 are a sixteenth.
const WIDE_RANGE: f64 = 16.0;
/// Standard deviations from the mean beyond which not all examples of most columns are.
const FAR: f64 = 4.0;
/// Numbers that were standardised are within so much of 0, whatever their column.
const STANDARDISED: f64 = 10.0;
/// Bytes up to here are not followed: they are what bytes are.
const SMALL_BYTE: u8 = 1;
/// Different numbers that are counted.
const MOST_COUNTED: usize = 1 << 20;

/// The least and greatest raw numbers of an input, by column.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    preparation: &'a Preparation,
    least: Vec<f64>,
    greatest: Vec<f64>,
    /// Of bytes that are divided by 255.
    greatest_byte: Option<u8>,
    /// Numbers beyond the range that their column had in training, of networks that are bound to it.
    clamped: usize,
}

/// A column that single precision does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coarse {
    pub column: usize,
    /// Other columns that are like it.
    pub others: usize,
}

impl<'a> Seen<'a> {
    pub fn new(preparation: &'a Preparation) -> Self {
        let size = preparation.shape.size();
        Self {
            preparation,
            least: vec![f64::INFINITY; size],
            greatest: vec![f64::NEG_INFINITY; size],
            greatest_byte: None,
            clamped: 0,
        }
    }

    /// Takes whole examples; those of images are bytes whatever the numbers of training were.
    pub fn look(&mut self, values: &RawValues, are_images: bool) {
        // As `Preparation::prepare` tells them apart.
        let are_divided = match &self.preparation.scaling {
            None => self.preparation.are_bytes || self.preparation.in_unit_range,
            Some(scaling) => are_images && !scaling.by_column,
        };
        match values {
            RawValues::Numbers(numbers) => self.look_at(numbers.iter().copied()),
            RawValues::Bytes(bytes) if are_divided => {
                if self.greatest_byte <= Some(SMALL_BYTE) {
                    self.greatest_byte = bytes.iter().copied().max().max(self.greatest_byte);
                }
            }
            RawValues::Bytes(bytes) => self.look_at(bytes.iter().copied().map(f64::from)),
        }
    }

    fn look_at(&mut self, numbers: impl Iterator<Item = f64>) {
        let size = self.least.len();
        let bounded = match &self.preparation.scaling {
            Some(scaling) if scaling.by_column && self.preparation.is_bounded => Some(scaling),
            _ => None,
        };
        for (place, x) in numbers.enumerate() {
            let column = place % size;
            self.least[column] = self.least[column].min(x);
            self.greatest[column] = self.greatest[column].max(x);
            if let Some(scaling) = bounded
                && !super::preparation::is_in_unit_range(scaling.of_column(x, column) as f32)
            {
                self.clamped += 1;
            }
        }
    }

    fn range(&self) -> (f64, f64) {
        let least = self.least.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self.greatest.iter().copied();
        (least, greatest.fold(f64::NEG_INFINITY, f64::max))
    }

    /// Returns the column that single precision tells apart least, if there is one that it tells apart too little.
    pub fn coarsest(&self) -> Option<Coarse> {
        let spread = |column: usize| {
            let (mut low, mut high) = (self.least[column], self.greatest[column]);
            if let Some(scaling) = &self.preparation.scaling {
                low = scaling.of_column(low, column);
                high = scaling.of_column(high, column);
            }
            let spread = (high - low) / low.abs().max(high.abs());
            (spread > 0.0 && spread < LEAST_SPREAD).then_some((spread, column))
        };
        let coarse: Vec<(f64, usize)> = (0..self.least.len()).filter_map(spread).collect();
        let least = coarse.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Coarse {
            column: least.1,
            others: coarse.len() - 1,
        })
    }

    /// Returns the warning for a column that single precision does not tell apart.
    pub fn coarse_warning(&self, coarse: Coarse, kept: &Kept) -> String {
        let Coarse { column, others } = coarse;
        let (least, greatest) = (self.least[column], self.greatest[column]);
        let others = match others {
            0 => String::new(),
            1 => " (as does 1 other column)".into(),
            _ => format!(" (as do {others} other columns)"),
        };
        let remedy = match &self.preparation.scaling {
            Some(_) => "scale it with data.scale = \"min_max\" instead of data.range",
            None => "scale it with data.scale = \"min_max\"",
        };
        format!(
            "{} spans {} around {}{others}, single precision keeps {}; {remedy}",
            column_name(self.preparation, column),
            rounded(greatest - least),
            rounded(least),
            kept.count(),
        )
    }

    /// Returns the warning about numbers of `which` examples that were clamped.
    pub fn clamped_warning(&self, which: &str) -> Option<String> {
        let numbers = match self.clamped {
            0 => return None,
            1 => "1 number".to_owned(),
            count => format!("{count} numbers"),
        };
        Some(format!(
            "{numbers} of {which} are outside of the range that their column had in training, and are clamped to it, since this \
             network's numbers are between 0 and 1; model.output = \"linear\" with objective.reconstruction = \"mse\" takes any"
        ))
    }

    /// Returns what tells that an input was not prepared as the training data were. To be asked after all of it was seen.
    pub fn application_warnings(&self) -> Vec<String> {
        let clamped = self.clamped_warning("the input");
        let prepared = self.not_prepared();
        prepared.into_iter().chain(clamped).collect()
    }

    fn not_prepared(&self) -> Option<String> {
        if self.greatest_byte == Some(SMALL_BYTE) {
            return Some(
                "no byte of the input is above 1, and bytes from 0 to 255 are expected, which are divided by 255; multiply them \
                 by 255, or give floats from 0 to 1"
                    .into(),
            );
        }
        let (least, greatest) = self.range();
        if !(least.is_finite() && greatest > 0.0) {
            return None;
        }
        match &self.preparation.scaling {
            None => None,
            Some(scaling) if !scaling.by_column => {
                let (low, span) = (scaling.offset[0], scaling.scale[0]);
                let are_small = least >= low.max(-1.0) && greatest <= 1.0;
                if !(are_small && span >= WIDE_RANGE && low <= 0.0) {
                    return None;
                }
                let high = written(low + span);
                let remedy = match low == 0.0 {
                    true if span == 255.0 => {
                        "if they were divided by 255, multiply them by 255, or give bytes".into()
                    }
                    true => format!("if they were divided by {high}, multiply them by {high}"),
                    false => "give them in the units of the training data".to_owned(),
                };
                Some(format!(
                    "no number of the input is above 1, and this network was trained on numbers from {} to {high}; {remedy}",
                    written(low)
                ))
            }
            Some(scaling) => {
                let is_min_max = self.preparation.in_unit_range;
                let look_scaled = match is_min_max {
                    true => least >= 0.0 && greatest <= 1.0,
                    false => least >= -STANDARDISED && greatest <= STANDARDISED,
                };
                let is_elsewhere = |column: &usize| {
                    let (offset, scale) = (scaling.offset[*column], scaling.scale[*column]);
                    let (low, high) = match is_min_max {
                        true => (offset, offset + scale),
                        false => (offset - FAR * scale, offset + FAR * scale),
                    };
                    // Columns whose own units are small look as if they were standardised.
                    let is_large = is_min_max || offset.abs() > STANDARDISED;
                    is_large && (self.greatest[*column] < low || self.least[*column] > high)
                };
                let columns = 0..self.least.len();
                let elsewhere: Vec<usize> = columns.filter(is_elsewhere).collect();
                if !look_scaled || 2 * elsewhere.len() <= self.least.len() {
                    return None;
                }
                Some(format!(
                    "the numbers of the input go from {} to {} as if they were scaled already, and this network scales columns \
                     itself ({}); give them in the units of the training data",
                    written(least),
                    written(greatest),
                    column_range(self.preparation, elsewhere[0])?,
                ))
            }
        }
    }
}

/// The different numbers of a column, before and after they become what a network takes.
#[derive(Debug, Default)]
pub struct Kept {
    double: HashSet<u64>,
    single: HashSet<u32>,
}

impl Kept {
    /// Takes the numbers of a column.
    pub fn add(&mut self, column: usize, numbers: &[f64], preparation: &Preparation) {
        let size = preparation.shape.size();
        for &x in numbers.iter().skip(column).step_by(size) {
            if self.double.len() >= MOST_COUNTED {
                return;
            }
            let scaled = match &preparation.scaling {
                Some(scaling) => scaling.of_column(x, column),
                None => x,
            };
            self.double.insert(x.to_bits());
            self.single.insert((scaled as f32).to_bits());
        }
    }

    fn count(&self) -> String {
        format!("{} of its {} values", self.single.len(), self.double.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scaling, Shape};

    fn preparation(scaling: Option<Scaling>, size: usize) -> Preparation {
        Preparation {
            scaling,
            ..Preparation::of_images(Shape::row(size))
        }
    }

    fn warnings(preparation: &Preparation, values: &RawValues) -> Vec<String> {
        let mut seen = Seen::new(preparation);
        seen.look(values, false);
        seen.application_warnings()
    }

    #[test]
    fn numbers_up_to_1_are_odd_where_255_becomes_1() {
        let wide = preparation(Some(Scaling::of_range(0.0, 255.0)), 2);
        let found = warnings(&wide, &RawValues::Numbers(vec![0.0, 0.5, 1.0, 0.25]));
        assert!(found[0].contains("multiply them by 255"), "{found:?}");
        for numbers in [vec![0.0, 0.5, 1.5, 0.25], vec![0.0; 4]] {
            assert!(warnings(&wide, &RawValues::Numbers(numbers)).is_empty());
        }
        // Pixels of training that went from 0 to 1 do so here.
        let unit = preparation(None, 2);
        assert!(warnings(&unit, &RawValues::Numbers(vec![0.0, 0.5])).is_empty());
        let narrow = preparation(Some(Scaling::of_range(-1.0, 1.0)), 2);
        assert!(warnings(&narrow, &RawValues::Numbers(vec![0.0, 0.5])).is_empty());
    }

    #[test]
    fn bytes_up_to_1_are_odd_where_they_are_divided() {
        let bytes = preparation(None, 2);
        assert_eq!(
            warnings(&bytes, &RawValues::Bytes(vec![0, 1, 1, 0])).len(),
            1
        );
        for others in [vec![0, 2, 1, 0], vec![0; 4]] {
            assert!(warnings(&bytes, &RawValues::Bytes(others)).is_empty());
        }
        let masks = preparation(Some(Scaling::of_range(0.0, 1.0)), 2);
        assert!(warnings(&masks, &RawValues::Bytes(vec![0, 1, 1, 0])).is_empty());
    }

    #[test]
    fn columns_that_were_scaled_already_are_noticed() {
        let scaling = Scaling {
            offset: vec![150.0, 40.0],
            scale: vec![50.0, 80.0],
            by_column: true,
        };
        let columns = preparation(Some(scaling), 2);
        let found = warnings(&columns, &RawValues::Numbers(vec![0.2, 0.5, 1.0, 0.0]));
        assert!(found[0].contains("scaled already"), "{found:?}");
        assert!(
            found[0].contains("number 0 went from 150 to 200"),
            "{found:?}"
        );
        assert!(found[1].starts_with("4 numbers of the input"), "{found:?}");
        assert!(warnings(&columns, &RawValues::Numbers(vec![160.0, 50.0])).is_empty());
        let far = warnings(&columns, &RawValues::Numbers(vec![160.0, 500.0]));
        assert_eq!(far.len(), 1, "{far:?}");
        assert!(far[0].starts_with("1 number of the input"), "{far:?}");
    }

    #[test]
    fn the_coarsest_column_is_told_with_what_is_kept() {
        let plain = preparation(None, 2);
        let numbers: Vec<f64> = (0..100)
            .flat_map(|i| [500_000.0 + f64::from(i) * 1e-3, f64::from(i)])
            .collect();
        let mut seen = Seen::new(&plain);
        seen.look(&RawValues::Numbers(numbers.clone()), false);
        let coarse = seen.coarsest().unwrap();
        assert_eq!(
            coarse,
            Coarse {
                column: 0,
                others: 0
            }
        );
        let mut kept = Kept::default();
        kept.add(0, &numbers, &plain);
        // Single precision has steps of 1/32 there.
        let warning = seen.coarse_warning(coarse, &kept);
        assert!(
            warning.contains("single precision keeps 4 of its 100 values"),
            "{warning}"
        );
        let scaled = preparation(
            Some(Scaling {
                offset: vec![500_000.0, 0.0],
                scale: vec![0.1, 99.0],
                by_column: true,
            }),
            2,
        );
        let mut seen = Seen::new(&scaled);
        seen.look(&RawValues::Numbers(numbers), false);
        assert_eq!(seen.coarsest(), None);
    }
}
