//! Explains numbers that a network cannot take, by the transformation of its own training data.

use super::preparation::{Preparation, Scaling, Unsuitable};
use super::shape::Shape;

/// Where a number was found: it decides what the user can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In the data of a config.
    Training,
    /// In the input of a trained network.
    Application,
}

/// The greatest byte.
const BYTE: f64 = 255.0;
const SAME_FORMULA: &str = "with the same formula that made the training data, not with this batch's own minimum and maximum";

/// Returns what is wrong with a number in a block that begins with example `first`, and a hint.
pub fn describe(
    found: &Unsuitable,
    first: usize,
    preparation: &Preparation,
    shape: Shape,
    stage: Stage,
) -> (String, String) {
    let Unsuitable { place, number } = *found;
    let example = first + place / shape.size();
    let column = place % shape.size();
    let of = format!("{} of example {example}", column_name(preparation, column));
    if !number.is_finite() {
        return (
            format!("{of} is not finite ({number})"),
            "replace missing numbers, or drop such examples".into(),
        );
    }
    let is_scaled = preparation.scaling.is_some();
    let scaled = match &preparation.scaling {
        Some(scaling) => scaling.of_column(number, column),
        None => number,
    };
    let number = written(number);
    if !(scaled as f32).is_finite() {
        let after = if is_scaled { " after scaling" } else { "" };
        return (
            format!("{of} is {number}, which is beyond single precision (3.4e38){after}"),
            match (&preparation.scaling, stage) {
                (Some(_), _) => format!(
                    "correct it; {}",
                    column_range(preparation, column).unwrap_or_default()
                ),
                (None, Stage::Training) => {
                    "correct it, or scale columns with data.scale = \"min_max\"".into()
                }
                (None, Stage::Application) => {
                    format!("bring it to the training data's scale {SAME_FORMULA}")
                }
            },
        );
    }
    let (low, high) = range(preparation);
    let or_images = if shape.is_row() { "" } else { ", or images" };
    let problem = format!(
        "{of} is {number}; this network takes numbers from {} to {}{or_images}",
        written(low),
        written(high)
    );
    (problem, hint(found.number, preparation, stage))
}

fn hint(number: f64, preparation: &Preparation, stage: Stage) -> String {
    if stage == Stage::Training {
        return "name the numbers that become 0 and 1 with data.range = [LOW, HIGH], or correct the number".into();
    }
    let (low, high) = range(preparation);
    let were_bytes = (0.0..=BYTE).contains(&number) && number.fract() == 0.0;
    let otherwise = format!(
        "bring yours to {} to {}, as its training data were, {SAME_FORMULA}",
        written(low),
        written(high)
    );
    match (&preparation.scaling, preparation.are_bytes) {
        (None, true) if (0.0..=BYTE).contains(&number) => {
            "its training data were bytes divided by 255: divide these numbers by 255 too, or give bytes (uint8)".into()
        }
        (None, true) => format!("its training data were bytes divided by 255: {otherwise}"),
        (None, false) if were_bytes => {
            format!("if its training data were bytes divided by 255, divide by 255 too; else {otherwise}")
        }
        (Some(_), _) if were_bytes && (low, high) == (-1.0, 1.0) => {
            format!("if its training data were bytes, as x / 127.5 - 1, do the same; else {otherwise}")
        }
        _ => otherwise,
    }
}

/// The numbers that become 0 and 1.
fn range(preparation: &Preparation) -> (f64, f64) {
    match &preparation.scaling {
        Some(Scaling {
            offset,
            scale,
            by_column: false,
        }) => (offset[0], offset[0] + scale[0]),
        _ => (0.0, 1.0),
    }
}

/// Returns where the numbers of a column were in training, in words.
pub fn column_range(preparation: &Preparation, column: usize) -> Option<String> {
    let scaling = preparation.scaling.as_ref()?;
    let name = column_name(preparation, column);
    if !scaling.by_column {
        let (low, high) = range(preparation);
        let (low, high) = (written(low), written(high));
        return Some(format!("in training, numbers went from {low} to {high}"));
    }
    let (offset, scale) = (scaling.offset[column], scaling.scale[column]);
    Some(match preparation.in_unit_range {
        true => format!(
            "{name} went from {} to {} in training",
            written(offset),
            written(offset + scale)
        ),
        false => format!(
            "{name} had a mean of {} and a standard deviation of {} in training",
            written(offset),
            written(scale)
        ),
    })
}

/// Returns a column's name, or its number from 0 where columns have no names.
pub fn column_name(preparation: &Preparation, column: usize) -> String {
    let names = preparation.columns.as_ref();
    match names.and_then(|names| names.get(column)) {
        Some(name) => format!("column `{name}`"),
        None => format!("number {column}"),
    }
}

/// A number as people write it: with an exponent where there would be many zeros, and with the digits of single precision where
/// it came from there.
pub fn written(number: f64) -> String {
    let size = number.abs();
    let is_plain = size == 0.0 || (1e-5..1e15).contains(&size);
    let single = number as f32;
    match (is_plain, f64::from(single) == number) {
        (true, true) => single.to_string(),
        (true, false) => number.to_string(),
        (false, true) => format!("{single:e}"),
        (false, false) => format!("{number:e}"),
    }
}

/// A number with three digits.
pub fn rounded(number: f64) -> String {
    written(format!("{number:.2e}").parse().unwrap_or(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint_of(scaling: Option<Scaling>, are_bytes: bool, number: f64) -> (String, String) {
        let preparation = Preparation {
            scaling,
            are_bytes,
            ..Preparation::of_images(Shape::row(2))
        };
        let found = Unsuitable { place: 3, number };
        describe(&found, 10, &preparation, Shape::row(2), Stage::Application)
    }

    #[test]
    fn hints_are_those_of_the_run_at_hand() {
        let (problem, hint) = hint_of(Some(Scaling::of_range(-1.0, 1.0)), false, 3.5);
        assert_eq!(
            problem,
            "number 1 of example 11 is 3.5; this network takes numbers from -1 to 1"
        );
        assert!(hint.contains("bring yours to -1 to 1"), "{hint}");
        assert!(
            hint.contains("not with this batch's own minimum and maximum"),
            "{hint}"
        );
        let (_, hint) = hint_of(Some(Scaling::of_range(-1.0, 1.0)), false, 200.0);
        assert!(hint.contains("x / 127.5 - 1"), "{hint}");
        let (_, hint) = hint_of(None, true, 200.5);
        assert!(hint.contains("divide these numbers by 255 too"), "{hint}");
        let (_, hint) = hint_of(None, false, 200.0);
        assert!(hint.contains("divide by 255 too"), "{hint}");
        let (_, hint) = hint_of(None, false, -4.0);
        assert!(
            !hint.contains("255") && hint.contains("bring yours to 0 to 1"),
            "{hint}"
        );
    }

    #[test]
    fn numbers_are_written_shortly() {
        for (number, text) in [
            (0.0, "0"),
            (-1.0, "-1"),
            (f64::from(0.1f32), "0.1"),
            (0.1, "0.1"),
            (5_412_345.02, "5412345.02"),
            (1e300, "1e300"),
            (f64::from(1e-30f32), "1e-30"),
        ] {
            assert_eq!(written(number), text);
        }
        assert_eq!(rounded(0.398_999_999_97), "0.399");
        assert_eq!(rounded(1_700_000_123.0), "1700000000");
    }

    #[test]
    fn a_number_beyond_single_precision_is_not_called_infinite() {
        let (problem, _) = hint_of(None, false, 1e300);
        assert_eq!(
            problem,
            "number 1 of example 11 is 1e300, which is beyond single precision (3.4e38)"
        );
        let (problem, _) = hint_of(None, false, f64::NAN);
        assert_eq!(problem, "number 1 of example 11 is not finite (NaN)");
    }
}
