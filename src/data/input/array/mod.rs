//! NumPy's arrays: `.npy`, and those of an `.npz`.
//!
//! # Source
//! NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*. Objects, which are pickled, are not read.

mod element;
mod layout;

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use npyz::npz::{NpzArchive, file_name_from_array_name};
use npyz::{NpyHeader, Order};

use super::{Block, Each, InputError, Options, Origin, RawValues, Unreadable, check_size};
use crate::data::Shape;
use element::Element;
use layout::layout;

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
                    RawValues::Bytes(all) => RawValues::Bytes(self.channels_last(&all)),
                    RawValues::Numbers(all) => RawValues::Numbers(self.channels_last(&all)),
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
                RawValues::Bytes(bytes) => labels.extend(bytes.iter().map(ToString::to_string)),
                RawValues::Numbers(numbers) => {
                    labels.extend(numbers.iter().map(ToString::to_string));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 3 has four bytes for the length, which no reader should believe.
    #[test]
    fn a_header_that_claims_gigabytes_is_refused() {
        let mut bytes = b"\x93NUMPY\x03\x00".to_vec();
        bytes.extend(u32::MAX.to_le_bytes());
        bytes.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
        let error = header_of(&mut &bytes[..]).err().unwrap();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
