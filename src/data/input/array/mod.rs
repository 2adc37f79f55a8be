//! NumPy's arrays: `.npy`, and those of an `.npz`.
//!
//! # Source
//! NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*. Objects, which are pickled, are not read.

mod archive;
mod element;
mod fortran;
mod header;
mod labels;
mod layout;
mod members;

use std::io::{self, BufReader, Read, SeekFrom};
use std::path::{Path, PathBuf};

use super::{
    Block, Each, InputError, Labels, Options, Origin, RawValues, ReadSeek, UnreadableExamples,
    check_size,
};
use crate::data::Shape;
use archive::{Counted, check_ends};
use element::Element;
use fortran::Fortran;
use header::{Header, HeaderError};
use layout::layout;
use members::Members;

pub use header::MAGIC;
/// Names of arrays with classes, the most likely first.
pub use members::LABELS;

/// An array of examples, the first axis being theirs.
#[derive(Debug)]
pub struct Array {
    place: Place,
    header: Header,
    element: Element,
    count: usize,
    shape: Shape,
    /// Whether channels come before rows and columns, as in PyTorch.
    channels_first: bool,
}

/// Where an array is.
#[derive(Debug)]
struct Place {
    origin: Origin,
    path: PathBuf,
    /// Of an `.npz`, the name of the array.
    member: Option<String>,
}

impl Place {
    /// Reads the header and gives it to `each`, with a stream that is at the elements.
    fn open<T>(&self, each: impl FnOnce(Header, &mut dyn Read) -> T) -> Result<T, InputError> {
        let header_of =
            |stream: &mut dyn Read| Header::read(stream).map_err(|error| self.error(&error));
        match &self.member {
            None => {
                let stream = self.origin.open().map_err(InputError::io(&self.path))?;
                let mut stream = BufReader::with_capacity(1 << 18, stream);
                let header = header_of(&mut stream)?;
                Ok(each(header, &mut stream))
            }
            Some(name) => {
                let damaged = |error| damaged(&self.path, &error);
                let mut archive = Members::open(&self.origin).map_err(damaged)?;
                let mut file = Counted::new(archive.file(name).map_err(damaged)?);
                let header = header_of(&mut file)?;
                if let Some(elements) = bytes_of_elements(&header) {
                    archive::check_size(&file.stream, file.bytes, elements).map_err(damaged)?;
                }
                Ok(each(header, &mut file.stream))
            }
        }
    }

    fn error(&self, error: &HeaderError) -> InputError {
        self.wrong(&error.to_string(), error.hint())
    }

    /// An error that names the array, where a file has several.
    fn wrong(&self, problem: &str, hint: &str) -> InputError {
        let problem = match &self.member {
            Some(name) => format!("array `{name}`: {problem}"),
            None => problem.to_owned(),
        };
        InputError::new(&self.path, problem, hint)
    }
}

impl Array {
    pub(super) fn npy(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        Self::new(origin, path, None, options)
    }

    pub(super) fn npz(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let archive = Members::open(&origin);
        let mut archive = archive.map_err(|error| damaged(path, &error))?;
        let name = archive.examples(path, options)?;
        Self::new(origin, path, Some(name), options)
    }

    fn new(
        origin: Origin,
        path: &Path,
        member: Option<String>,
        options: &Options,
    ) -> Result<Self, InputError> {
        let place = Place {
            origin,
            path: path.to_owned(),
            member,
        };
        let header = place.open(|header, _| header)?;
        let element = Element::of(&header.descr);
        let element = element.map_err(|(problem, hint)| place.wrong(&problem, hint))?;
        if !element.is_number() {
            let hint = format!(
                "examples are numbers: `array.astype(\"float32\")`; classes are named by {}",
                options.words.label
            );
            return Err(place.wrong("holds text, not numbers", &hint));
        }
        let layout = layout(&header.shape, element.is_byte(), options.shape);
        let (count, shape, channels_first) = layout.map_err(|(problem, hint)| {
            place.wrong(
                &format!("has the shape {:?}: {problem}", header.shape),
                &hint,
            )
        })?;
        check_size(path, shape)?;
        if count == 0 {
            return Err(place.wrong(
                "holds no examples",
                "save an array with at least one example",
            ));
        }
        if bytes_of_elements(&header).is_none() {
            return Err(place.wrong("declares more bytes than a file can hold", "check the file"));
        }
        Ok(Self {
            place,
            header,
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

    /// Of an `.npz`, the name of the array.
    pub fn member(&self) -> Option<&str> {
        self.place.member.as_deref()
    }

    pub(super) fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<UnreadableExamples, E> {
        let changed = || {
            self.place
                .wrong("changed while it was read", "read it again")
        };
        match self.fortran() {
            None => self
                .place
                .open(|header, stream| match header == self.header {
                    true => self.read_elements(stream, most, each),
                    false => Err(changed().into()),
                })??,
            Some(fortran) if self.place.member.is_none() && self.place.origin.is_seekable() => {
                let opened = self.place.origin.open();
                let mut stream = opened.map_err(InputError::io(&self.place.path))?;
                let header = Header::read(&mut stream).map_err(|error| self.place.error(&error))?;
                if header != self.header {
                    return Err(changed().into());
                }
                self.read_fortran(&fortran, &mut *stream, most, each)?;
            }
            // What cannot be gone back in is kept first.
            Some(fortran) => {
                let total = fortran.total().unwrap_or(u64::MAX);
                let mut kept =
                    self.place
                        .open(|header, stream| match header == self.header {
                            true => fortran::keep(stream, total).map_err(|error| self.ends(&error)),
                            false => Err(changed()),
                        })??;
                self.read_fortran(&fortran, &mut *kept, most, each)?;
            }
        }
        Ok(UnreadableExamples::new())
    }

    /// How elements are ordered, where it is not one example after another.
    fn fortran(&self) -> Option<Fortran> {
        let axes: Vec<usize> = self
            .header
            .shape
            .iter()
            .map(|&size| size as usize)
            .collect();
        let long = axes.iter().filter(|&&size| size > 1);
        // With one axis, or others of one element, both orders are the same.
        if !self.header.fortran_order || long.count() < 2 {
            return None;
        }
        // An array that is one example has no axis of examples.
        let of_example = match axes[0] == self.count {
            true if axes[1..].iter().product::<usize>() == self.shape.size() => axes[1..].to_vec(),
            _ => axes,
        };
        Some(Fortran {
            count: self.count,
            axes: of_example,
            bytes: self.element.bytes,
        })
    }

    fn read_fortran<E: From<InputError>>(
        &self,
        fortran: &Fortran,
        stream: &mut dyn ReadSeek,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<(), E> {
        let failed = |error: io::Error| E::from(self.ends(&error));
        let start = stream.stream_position().map_err(failed)?;
        let end = stream.seek(SeekFrom::End(0)).map_err(failed)?;
        stream.seek(SeekFrom::Start(start)).map_err(failed)?;
        let (found, total) = (end - start, fortran.total().unwrap_or(u64::MAX));
        if found < total {
            let problem =
                format!("is truncated: {found} bytes of elements, its header declares {total}");
            return Err(self.place.wrong(&problem, "save it again").into());
        }
        if found > total {
            return Err(self.place.wrong(archive::GOES_ON, GOES_ON_HINT).into());
        }
        fortran.read(stream, most, &failed, &mut |bytes, count| {
            each(self.block(bytes), count)
        })
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
                self.place.wrong(&problem, "save it again")
            })?;
            if each(self.block(bytes), now)?.is_break() {
                return Ok(());
            }
            left -= now;
        }
        // What follows would be lost silently, and the checksum of an archive is only compared at its end.
        check_ends(stream)
            .map_err(|error| self.place.wrong(&error.to_string(), GOES_ON_HINT).into())
    }

    fn block(&self, bytes: Vec<u8>) -> Block {
        let mut values = self.element.values(bytes);
        if self.channels_first {
            values = match values {
                RawValues::Bytes(all) => RawValues::Bytes(self.channels_last(&all)),
                RawValues::Numbers(all) => RawValues::Numbers(self.channels_last(&all)),
            };
        }
        Block {
            values,
            names: None,
            classes: None,
        }
    }

    fn ends(&self, error: &io::Error) -> InputError {
        let problem = format!("cannot be read to its end ({error})");
        self.place.wrong(&problem, "save it again")
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

/// The hint for an array that is longer than its header declares.
const GOES_ON_HINT: &str =
    "save it again, one array a file; numpy.savez stores several in one file";

/// The bytes of all elements; none where they are of a type that is not read, or more than can be.
fn bytes_of_elements(header: &Header) -> Option<u64> {
    let element = Element::of(&header.descr).ok()?;
    header.elements()?.checked_mul(element.bytes as u64)
}

/// The names of the arrays of an `.npz`, in the order of the file; none of any other file.
pub fn names_of_arrays(path: &Path) -> Vec<String> {
    // To look into a pipe would empty it.
    let archive = match path.is_file() {
        true => Members::open(&Origin::File(path.to_owned())).ok(),
        false => None,
    };
    let names = archive.iter().flat_map(Members::names);
    names.map(str::to_owned).collect()
}

/// Reads the classes in an array, `.npy` or of an `.npz`.
///
/// # Errors
/// It cannot be read, or holds something else than a class for each example.
pub(super) fn read_labels(
    origin: Origin,
    path: &Path,
    array: Option<&str>,
    is_archive: bool,
) -> Result<Labels, InputError> {
    let member = match is_archive {
        false => None,
        true => {
            let archive = Members::open(&origin);
            let mut archive = archive.map_err(|error| damaged(path, &error))?;
            let names: Vec<&str> = archive.names().collect();
            let usual = || LABELS.into_iter().find(|name| names.contains(name));
            let chosen = match &names[..] {
                [only] => Some(*only),
                _ => usual(),
            };
            let Some(name) = array.or(chosen).map(str::to_owned) else {
                let problem = format!("holds several arrays: {}", archive.list());
                let hint = "give the classes in a file with one array, or in one called `y`";
                return Err(InputError::new(path, problem, hint));
            };
            Some(name)
        }
    };
    let place = Place {
        origin,
        path: path.to_owned(),
        member,
    };
    let labels = place.open(|header, stream| labels::read(&header, stream))?;
    labels.map_err(|(problem, hint)| place.wrong(&problem, &hint))
}

fn damaged(path: &Path, error: &io::Error) -> InputError {
    InputError::new(
        path,
        format!("cannot be read as NumPy's ({error})"),
        "write it with numpy.save or numpy.savez",
    )
}
