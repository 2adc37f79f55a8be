//! What the axes of an array say of its examples.

use crate::data::Shape;

/// How many examples an array of these dimensions holds, what one looks like, and whether channels come first; or what is
/// wrong and what to do.
pub fn layout(
    dimensions: &[u64],
    are_bytes: bool,
    known: Option<Shape>,
) -> Result<(usize, Shape, bool), (&'static str, String)> {
    let dimensions: Option<Vec<usize>> = dimensions
        .iter()
        .map(|&size| size.try_into().ok())
        .collect();
    let too_large = || ("it is too large", "check the file".to_owned());
    let dimensions = dimensions.ok_or_else(too_large)?;
    let product = |sizes: &[usize]| {
        sizes
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
    };
    let (shape, channels_first) = match dimensions[..] {
        [_, height, width, channels @ (1 | 3)] => (
            Shape {
                height,
                width,
                channels,
            },
            false,
        ),
        [_, channels @ (1 | 3), height, width] => (
            Shape {
                height,
                width,
                channels,
            },
            channels > 1,
        ),
        [_, height, width] => (Shape::grey(height, width), false),
        [_, numbers] => {
            let side = numbers.isqrt();
            // Rows of bytes are nearly always images that were laid flat.
            match are_bytes && side >= 4 && side * side == numbers {
                true => (Shape::grey(side, side), false),
                false => (Shape::row(numbers), false),
            }
        }
        [_] => (Shape::row(1), false),
        [_, _, _, _] => {
            let hint = "leave the fourth channel out: `array[..., :3]`";
            return Err(("the channels are neither 1 nor 3", hint.to_owned()));
        }
        _ => {
            let hint = "write [examples, numbers], [images, rows, columns] or [images, rows, columns, channels]";
            return Err(("an array of examples has two to four axes", hint.to_owned()));
        }
    };
    let Some(known) = known else {
        return match dimensions.len() {
            1 => {
                let hint = "write [examples, numbers]: `array[None]` for one example, `array[:, None]` for examples of one number";
                Err(("it has one axis", hint.to_owned()))
            }
            _ => Ok((dimensions[0], shape, channels_first)),
        };
    };
    let count = dimensions[0];
    if product(&dimensions[1..]) == known.checked_size() {
        return Ok((count, known, channels_first && shape == known));
    }
    // One example alone.
    let is_planes = known.channels == 3 && dimensions == [3, known.height, known.width];
    if is_planes && dimensions != [known.height, known.width, 3] {
        return Ok((1, known, true));
    }
    if product(&dimensions) == known.checked_size() {
        return Ok((1, known, false));
    }
    let hint = format!("an example has {known}, {} numbers", known.size());
    Err(("its examples are of another size", hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(height: usize, width: usize, channels: usize) -> Shape {
        Shape {
            height,
            width,
            channels,
        }
    }

    #[test]
    fn dimensions_say_what_an_example_looks_like() {
        let of = |dimensions: &[u64], are_bytes| layout(dimensions, are_bytes, None);
        assert_eq!(of(&[5, 28, 28], true), Ok((5, shape(28, 28, 1), false)));
        assert_eq!(of(&[5, 8, 9, 3], true), Ok((5, shape(8, 9, 3), false)));
        assert_eq!(of(&[5, 3, 8, 9], true), Ok((5, shape(8, 9, 3), true)));
        assert_eq!(of(&[5, 1, 8, 9], true), Ok((5, shape(8, 9, 1), false)));
        assert_eq!(of(&[5, 784], true), Ok((5, shape(28, 28, 1), false)));
        assert_eq!(of(&[5, 784], false), Ok((5, Shape::row(784), false)));
        assert_eq!(of(&[5, 30], true), Ok((5, Shape::row(30), false)));
        for wrong in [
            &[][..],
            &[5],
            &[5, 8, 9, 4],
            &[1, 2, 3, 4, 5],
            &[u64::MAX, 2, 2, 2, 2],
        ] {
            assert!(of(wrong, true).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_known_shape_takes_what_has_as_many_numbers() {
        let of = |dimensions: &[u64]| layout(dimensions, true, Some(shape(8, 9, 3)));
        assert_eq!(of(&[5, 216]), Ok((5, shape(8, 9, 3), false)));
        assert_eq!(of(&[5, 3, 8, 9]), Ok((5, shape(8, 9, 3), true)));
        assert_eq!(of(&[8, 9, 3]), Ok((1, shape(8, 9, 3), false)));
        assert_eq!(of(&[3, 8, 9]), Ok((1, shape(8, 9, 3), true)));
        assert_eq!(of(&[216]), Ok((1, shape(8, 9, 3), false)));
        let (_, hint) = of(&[5, 215]).unwrap_err();
        assert!(hint.contains("8×9×3, 216 numbers"), "{hint}");
    }
}
