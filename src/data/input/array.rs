//! NumPy's arrays: `.npy`, and those of an `.npz`.
//!
//! # Source
//! NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*. Objects, which are pickled, are not read.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use half::f16;
use npyz::{
    DType, Endianness, NpyHeader, Order, TypeChar,
    npz::{NpzArchive, file_name_from_array_name},
};

use super::{Block, Each, InputError, MOST_NUMBERS, Options, Origin, Unreadable, check_size};
use crate::data::{Shape, Values};

/// An array of examples, the first axis being theirs.
#[derive(Debug)]
pub struct Array {
    origin: Origin,
    path: PathBuf,
    /// Of an `.npz`, the name of the array.
    member: Option<String>,
    element: Element,
    count: usize,
    shape: Shape,
    /// Whether channels come before rows and columns, as in PyTorch.
    channels_first: bool,
}

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Element {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl Array {
    pub(super) fn npy(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let stream = origin.open().map_err(InputError::io(path))?;
        let header = header_of(&mut BufReader::new(stream));
        let header = header.map_err(|error| damaged(path, &error))?;
        Self::new(origin, path, None, &header, options)
    }

    pub(super) fn npz(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let stream = origin.open().map_err(InputError::io(path))?;
        let mut archive =
            NpzArchive::new(BufReader::new(stream)).map_err(|error| damaged(path, &error))?;
        let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
        let known = |name: &str| names.iter().any(|known| known == name);
        let name = match &options.array {
            Some(name) if known(name) => name.clone(),
            Some(name) => {
                let problem = format!("has no array `{name}`; it has {}", list(&names));
                return Err(InputError::new(path, problem, "name one of these"));
            }
            None => match &names[..] {
                [only] => only.clone(),
                [] => {
                    return Err(InputError::new(
                        path,
                        "holds no arrays",
                        "write it with numpy.savez",
                    ));
                }
                _ if known("x") => "x".to_owned(),
                _ => {
                    let problem = format!("holds several arrays: {}", list(&names));
                    return Err(InputError::new(path, problem, options.words.array));
                }
            },
        };
        let header = {
            let file = archive
                .zip_archive()
                .by_name(&file_name_from_array_name(&name));
            let mut file = file.map_err(|error| damaged(path, &error.into()))?;
            header_of(&mut file).map_err(|error| damaged(path, &error))?
        };
        Self::new(origin, path, Some(name), &header, options)
    }

    fn new(
        origin: Origin,
        path: &Path,
        member: Option<String>,
        header: &NpyHeader,
        options: &Options,
    ) -> Result<Self, InputError> {
        let element = Element::of(&header.dtype()).ok_or_else(|| {
            let kind = header.dtype().descr();
            let hint =
                "write bytes or numbers: `array.astype(\"uint8\")` or `.astype(\"float32\")`";
            InputError::new(
                path,
                format!("holds elements of type {kind}, which are not read"),
                hint,
            )
        })?;
        let is_fortran = header.order() == Order::Fortran && header.shape().len() > 1;
        if is_fortran {
            let problem = "holds its elements in Fortran's order";
            return Err(InputError::new(
                path,
                problem,
                "write numpy.ascontiguousarray(array)",
            ));
        }
        let layout = layout(header.shape(), element.is_byte(), options.shape);
        let (count, shape, channels_first) = layout.map_err(|(problem, hint)| {
            let problem = format!("has the shape {:?}: {problem}", header.shape());
            InputError::new(path, problem, hint)
        })?;
        check_size(path, shape)?;
        if count == 0 {
            return Err(InputError::new(
                path,
                "holds no examples",
                "write an array of at least one",
            ));
        }
        Ok(Self {
            origin,
            path: path.to_owned(),
            member,
            element,
            count,
            shape,
            channels_first,
        })
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn are_bytes(&self) -> bool {
        self.element.is_byte()
    }

    pub(super) fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<Vec<Unreadable>, E> {
        let damaged = |error: std::io::Error| damaged(&self.path, &error);
        let stream = self.origin.open().map_err(damaged)?;
        let mut stream = BufReader::with_capacity(1 << 18, stream);
        match &self.member {
            None => {
                header_of(&mut stream).map_err(damaged)?;
                self.read_elements(&mut stream, most, each)?;
            }
            Some(name) => {
                let mut archive = NpzArchive::new(stream).map_err(damaged)?;
                let file = archive
                    .zip_archive()
                    .by_name(&file_name_from_array_name(name));
                let mut file = file.map_err(|error| damaged(error.into()))?;
                header_of(&mut file).map_err(damaged)?;
                self.read_elements(&mut file, most, each)?;
            }
        }
        Ok(Vec::new())
    }

    fn read_elements<E: From<InputError>>(
        &self,
        stream: &mut dyn Read,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<(), E> {
        let size = self.shape.size();
        let mut left = self.count;
        while left > 0 {
            let now = most.clamp(1, left);
            let mut bytes = vec![0; now * size * self.element.bytes];
            stream.read_exact(&mut bytes).map_err(|error| {
                let done = self.count - left;
                let problem = format!("ends within example {done} of {} ({error})", self.count);
                InputError::new(&self.path, problem, "write it again")
            })?;
            let mut values = self.element.values(bytes);
            if self.channels_first {
                values = match values {
                    Values::Bytes(all) => Values::Bytes(self.channels_last(&all)),
                    Values::Numbers(all) => Values::Numbers(self.channels_last(&all)),
                };
            }
            let block = Block {
                values,
                names: None,
                classes: None,
            };
            each(block, now)?;
            left -= now;
        }
        Ok(())
    }

    fn channels_last<T: Copy>(&self, all: &[T]) -> Vec<T> {
        let Shape { channels, .. } = self.shape;
        let plane = self.shape.size() / channels;
        let examples = all.chunks_exact(self.shape.size());
        let pixels = |example: &[T]| {
            let places = (0..plane)
                .flat_map(|place| (0..channels).map(move |channel| channel * plane + place));
            places.map(|place| example[place]).collect::<Vec<T>>()
        };
        examples.flat_map(pixels).collect()
    }
}

/// Far more than a header needs, and far less than its own word for its length can claim.
const MOST_OF_A_HEADER: u32 = 1 << 20;

/// The header of an array; the stream is then at its elements.
fn header_of(stream: &mut dyn Read) -> io::Result<NpyHeader> {
    // Magic number, version, and the length in two or four bytes.
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning)?;
    let [.., a, b, c, d] = beginning;
    if beginning[6] >= 2 && u32::from_le_bytes([a, b, c, d]) > MOST_OF_A_HEADER {
        return Err(io::Error::other("its header is too long"));
    }
    NpyHeader::from_reader(beginning.chain(stream))
}

/// The labels in a one-dimensional array of whole numbers, as text.
///
/// # Errors
/// It cannot be read, or is something else.
pub fn read_labels(path: &Path, array: Option<&str>) -> Result<Vec<String>, InputError> {
    let options = Options {
        array: array.map(str::to_owned),
        // An example is then a number.
        shape: Some(Shape::row(1)),
        ..Options::default()
    };
    let input = super::Input::open(path, &options)?;
    let mut labels = Vec::new();
    input.read(
        1 << 16,
        &mut |_, _| {},
        &mut |block| -> Result<(), InputError> {
            match block.values {
                Values::Bytes(bytes) => labels.extend(bytes.iter().map(ToString::to_string)),
                Values::Numbers(numbers) => labels.extend(numbers.iter().map(ToString::to_string)),
            }
            Ok(())
        },
    )?;
    Ok(labels)
}

fn damaged(path: &Path, error: &std::io::Error) -> InputError {
    InputError::new(
        path,
        format!("cannot be read as NumPy's ({error})"),
        "write it with numpy.save or numpy.savez",
    )
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// How many examples an array of these dimensions holds, what one looks like, and whether channels come first; or what is
/// wrong and what to do.
fn layout(
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

impl Element {
    fn of(kind: &DType) -> Option<Self> {
        let DType::Plain(kind) = kind else {
            return None;
        };
        let bytes = kind.num_bytes()?;
        let kind_and_sizes: (Kind, &[usize]) = match kind.type_char() {
            TypeChar::Bool => (Kind::Bool, &[1]),
            TypeChar::Int => (Kind::Signed, &[1, 2, 4, 8]),
            TypeChar::Uint => (Kind::Unsigned, &[1, 2, 4, 8]),
            TypeChar::Float => (Kind::Float, &[2, 4, 8]),
            _ => return None,
        };
        kind_and_sizes.1.contains(&bytes).then_some(Self {
            kind: kind_and_sizes.0,
            bytes,
            big_endian: kind.endianness() == Endianness::Big,
        })
    }

    /// Whether elements are bytes from 0 to 255.
    fn is_byte(self) -> bool {
        self.kind == Kind::Unsigned && self.bytes == 1
    }

    fn values(self, mut bytes: Vec<u8>) -> Values {
        if self.is_byte() {
            return Values::Bytes(bytes);
        }
        if self.big_endian {
            bytes.chunks_exact_mut(self.bytes).for_each(<[u8]>::reverse);
        }
        fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Values {
            let (numbers, _) = bytes.as_chunks::<N>();
            Values::Numbers(numbers.iter().map(|&bytes| number(bytes)).collect())
        }
        match (self.kind, self.bytes) {
            (Kind::Bool, _) => each(&bytes, |[byte]| f32::from(byte != 0)),
            (Kind::Signed, 1) => each(&bytes, |b| i8::from_le_bytes(b).into()),
            (Kind::Signed, 2) => each(&bytes, |b| i16::from_le_bytes(b).into()),
            (Kind::Signed, 4) => each(&bytes, |b| i32::from_le_bytes(b) as f32),
            (Kind::Signed, _) => each(&bytes, |b| i64::from_le_bytes(b) as f32),
            (Kind::Unsigned, 2) => each(&bytes, |b| u16::from_le_bytes(b).into()),
            (Kind::Unsigned, 4) => each(&bytes, |b| u32::from_le_bytes(b) as f32),
            (Kind::Unsigned, _) => each(&bytes, |b| u64::from_le_bytes(b) as f32),
            (Kind::Float, 2) => each(&bytes, |b| f16::from_le_bytes(b).into()),
            (Kind::Float, 4) => each(&bytes, f32::from_le_bytes),
            (Kind::Float, _) => each(&bytes, |b| f64::from_le_bytes(b) as f32),
        }
    }
}

const _: () = assert!(MOST_NUMBERS < usize::MAX / 8);

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

    /// Version 3 has four bytes for the length, which no reader should believe.
    #[test]
    fn a_header_that_claims_gigabytes_is_refused() {
        let mut bytes = b"\x93NUMPY\x03\x00".to_vec();
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
        let error = header_of(&mut &bytes[..]).err().unwrap();
        assert!(error.to_string().contains("too long"), "{error}");
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
