//! The IDX format of the MNIST files, read strictly.
//!
//! # Source
//! LeCun, Cortes, Burges, *The MNIST database*: a magic number `00 00 TT DD` (element type,
//! number of dimensions), one big-endian `u32` per dimension, then the elements.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{files, memory};

/// The only element type read here: unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Memory reserved on the word of a header; beyond it the buffer grows with what really arrives.
const TRUSTED_CAPACITY_BYTES: usize = 64 << 20;

/// The content of an IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxArray {
    /// The size of each dimension, the slowest first: `[images, rows, columns]` or `[labels]`.
    pub dimensions: Vec<usize>,
    /// The elements, row-major; as many as the dimensions say.
    pub elements: Vec<u8>,
    /// SHA-256 of the decompressed file, header included, in lower-case hexadecimal.
    pub sha256: String,
}

/// Why a file is not a readable IDX file of unsigned bytes.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct IdxError {
    pub path: PathBuf,
    pub problem: IdxProblem,
}

/// What is wrong with an IDX file.
#[derive(Debug, Error)]
pub enum IdxProblem {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("corrupt or truncated gzip data ({0})")]
    Gzip(io::Error),
    #[error("ends within its header")]
    Header,
    #[error(
        "not an IDX file: its magic number is {0:#010x}, which should begin with two zero bytes"
    )]
    Magic(u32),
    #[error("holds elements of IDX type {0:#04x}; only unsigned bytes (type 0x08) are read")]
    ElementType(u8),
    #[error("has {found} dimensions where {expected} are expected ({what})")]
    Dimensions {
        found: usize,
        expected: usize,
        what: &'static str,
    },
    #[error("its header claims {0:?} elements, more than half of this machine's memory")]
    TooLarge(Vec<usize>),
    #[error(
        "is truncated: {stored} bytes of gzip cannot hold the {expected} bytes of elements that its header declares"
    )]
    CannotHold { stored: u64, expected: usize },
    #[error("is truncated: {found} bytes of elements, its header says {expected}")]
    Truncated { found: usize, expected: usize },
    #[error("is too long: more than the {expected} bytes of elements that its header declares")]
    TooLong { expected: usize },
}

/// Reads an IDX file of unsigned bytes with the given number of dimensions, gzipped or plain.
///
/// `what` says in an error message what those dimensions are. Memory grows with the bytes that
/// the file really holds, never with what its header claims, and ends at half of the machine's: a
/// few kilobytes of gzip can hold terabytes.
///
/// # Errors
/// The file cannot be read, is not IDX, has another element type or number of dimensions, ends
/// early, holds more than its header says, or is damaged gzip.
pub fn read(path: &Path, dimensions: usize, what: &'static str) -> Result<IdxArray, IdxError> {
    read_watched(path, dimensions, what, &mut |_, _| {})
}

/// [`read`], and `watch` receives, every few megabytes, how many of the first dimension were read, and of how many.
///
/// # Errors
/// As [`read`].
pub fn read_watched(
    path: &Path,
    dimensions: usize,
    what: &'static str,
    watch: &mut dyn FnMut(usize, usize),
) -> Result<IdxArray, IdxError> {
    read_file(path, dimensions, what, watch).map_err(|problem| IdxError {
        path: path.to_owned(),
        problem,
    })
}

fn read_file(
    path: &Path,
    dimensions: usize,
    what: &'static str,
    watch: &mut dyn FnMut(usize, usize),
) -> Result<IdxArray, IdxProblem> {
    let mut elements = Vec::new();
    let mut collect = |bytes: Vec<u8>| -> Result<ControlFlow<Infallible>, Infallible> {
        match elements.is_empty() {
            true => elements = bytes,
            false => elements.extend_from_slice(&bytes),
        }
        Ok(ControlFlow::Continue(()))
    };
    let most = Most {
        bytes: memory::most_bytes(),
        at_a_time: TRUSTED_CAPACITY_BYTES,
    };
    // Opening a pipe could block forever, so only regular files are read.
    let mut file = files::open_regular(path)?;
    let stored = Stored::of(&mut file)?;
    let read = unzipped(file, &mut |stream| {
        elements_of(
            stream,
            (dimensions, what),
            stored,
            most,
            watch,
            &mut collect,
        )
    });
    match read {
        Ok(ControlFlow::Continue((dimensions, sha256))) => Ok(IdxArray {
            dimensions,
            elements,
            sha256,
        }),
        Ok(ControlFlow::Break(never)) => match never {},
        Err(StreamError::Problem(problem)) => Err(problem),
        Err(StreamError::Taker(never)) => match never {},
    }
}

/// What keeps an IDX file from being read to its end: the file, or what takes its elements.
#[derive(Debug)]
pub enum StreamError<E> {
    Problem(IdxProblem),
    Taker(E),
}

impl<E> From<IdxProblem> for StreamError<E> {
    fn from(problem: IdxProblem) -> Self {
        Self::Problem(problem)
    }
}

impl<E> From<io::Error> for StreamError<E> {
    fn from(error: io::Error) -> Self {
        Self::Problem(error.into())
    }
}

/// The dimensions of an IDX file of unsigned bytes, gzipped or plain.
///
/// # Errors
/// As [`read`], but for what comes after the header; that the file is too short for what its header says is found, though.
pub fn header(
    mut stream: impl Read + Seek,
    expected: usize,
    what: &'static str,
) -> Result<Vec<usize>, IdxProblem> {
    let stored = Stored::of(&mut stream)?;
    let read = unzipped::<_, _, Infallible>(stream, &mut |stream| {
        let mut digest = Sha256::new();
        let dimensions = dimensions_of(stream, expected, what, &mut digest)?;
        stored.check(&dimensions, u64::MAX)?;
        Ok(ControlFlow::<_, Infallible>::Break(dimensions))
    });
    match read {
        Ok(ControlFlow::Break(dimensions)) => Ok(dimensions),
        Ok(ControlFlow::Continue(never)) => match never {},
        Err(StreamError::Taker(never)) => match never {},
        Err(StreamError::Problem(problem)) => Err(problem),
    }
}

/// Gives the elements of an IDX file of unsigned bytes, gzipped or plain, to `each`, up to `at_a_time` of them at once, until
/// it breaks off; the file is never in memory as a whole.
///
/// # Errors
/// As [`read`], and when `each` fails.
pub fn stream<E>(
    mut stream: impl Read + Seek,
    dimensions: usize,
    what: &'static str,
    at_a_time: usize,
    each: &mut dyn FnMut(Vec<u8>) -> Result<ControlFlow<()>, E>,
) -> Result<(), StreamError<E>> {
    let most = Most {
        bytes: u64::MAX,
        at_a_time,
    };
    let stored = Stored::of(&mut stream)?;
    unzipped(stream, &mut |stream| {
        let watch = &mut |_, _| {};
        elements_of(stream, (dimensions, what), stored, most, watch, each)
    })
    .map(drop)
}

/// Reads what it wants of a stream, and continues to its end or breaks off before.
type ReadFrom<'a, B, C, E> =
    &'a mut dyn FnMut(&mut dyn Read) -> Result<ControlFlow<B, C>, StreamError<E>>;

/// Reads what `read` wants of a stream that may be gzipped, and then finds it at its end, unless `read` breaks off.
fn unzipped<B, C, E>(
    stream: impl Read,
    read: ReadFrom<'_, B, C, E>,
) -> Result<ControlFlow<B, C>, StreamError<E>> {
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    if !stream.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return read(&mut stream);
    }
    let mut decoder = GzDecoder::new(stream);
    let done = read(&mut decoder).map_err(|error| match error {
        StreamError::Problem(IdxProblem::Io(error)) => IdxProblem::Gzip(error).into(),
        other => other,
    })?;
    if done.is_break() {
        return Ok(done);
    }
    // The decoder checks its CRC only once the end was read, which `read` has done.
    match decoder.into_inner().fill_buf()? {
        [] => Ok(done),
        _ => Err(IdxProblem::Gzip(io::Error::other("bytes follow the end of the stream")).into()),
    }
}

fn dimensions_of(
    stream: &mut dyn Read,
    expected: usize,
    what: &'static str,
    digest: &mut Sha256,
) -> Result<Vec<usize>, IdxProblem> {
    let mut word = || -> Result<u32, IdxProblem> {
        let mut bytes = [0; 4];
        stream
            .read_exact(&mut bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => IdxProblem::Header,
                _ => IdxProblem::Io(error),
            })?;
        digest.update(bytes);
        Ok(u32::from_be_bytes(bytes))
    };
    let magic = word()?;
    let [zero_a, zero_b, element_type, found] = magic.to_be_bytes();
    if [zero_a, zero_b] != [0, 0] {
        return Err(IdxProblem::Magic(magic));
    }
    if element_type != UNSIGNED_BYTE {
        return Err(IdxProblem::ElementType(element_type));
    }
    if usize::from(found) != expected {
        return Err(IdxProblem::Dimensions {
            found: found.into(),
            expected,
            what,
        });
    }
    (0..expected).map(|_| Ok(word()? as usize)).collect()
}

/// How much of a file is read.
#[derive(Clone, Copy)]
struct Most {
    bytes: u64,
    at_a_time: usize,
}

/// A file as it is on the disk, which says how much it can hold before any of that is read.
#[derive(Clone, Copy)]
struct Stored {
    bytes: u64,
    is_gzip: bool,
}

/// Bytes that one byte of DEFLATE becomes at most: 258 from two bits.
const MOST_EXPANSION: u64 = 1032;
/// Bytes of the magic number and of each dimension.
const WORD_BYTES: u64 = 4;

impl Stored {
    fn of(stream: &mut (impl Read + Seek)) -> io::Result<Self> {
        let bytes = stream.seek(SeekFrom::End(0))?;
        stream.rewind()?;
        let mut magic = Vec::new();
        stream
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut magic)?;
        stream.rewind()?;
        let is_gzip = magic == GZIP_MAGIC;
        Ok(Self { bytes, is_gzip })
    }

    /// The number of elements of an array of these dimensions, if it is no larger than `most` and the file can hold it.
    fn check(self, dimensions: &[usize], most: u64) -> Result<usize, IdxProblem> {
        let product = dimensions
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size));
        let Some(expected) = product.filter(|&length| length as u64 <= most) else {
            return Err(IdxProblem::TooLarge(dimensions.to_owned()));
        };
        let stored = self.bytes;
        if self.is_gzip {
            return match expected as u64 <= stored.saturating_mul(MOST_EXPANSION) {
                true => Ok(expected),
                false => Err(IdxProblem::CannotHold { stored, expected }),
            };
        }
        let header = WORD_BYTES * (1 + dimensions.len() as u64);
        let found = stored.saturating_sub(header);
        match found.cmp(&(expected as u64)) {
            Ordering::Less => {
                let found = usize::try_from(found).unwrap_or(usize::MAX);
                Err(IdxProblem::Truncated { found, expected })
            }
            Ordering::Equal => Ok(expected),
            Ordering::Greater => Err(IdxProblem::TooLong { expected }),
        }
    }
}

/// The dimensions and the SHA-256 of a file that was read to its end.
type Whole = (Vec<usize>, String);

/// Gives the elements of a stream to `each` and returns its dimensions and its SHA-256, unless `each` breaks off.
fn elements_of<B, E>(
    stream: &mut dyn Read,
    (expected, what): (usize, &'static str),
    stored: Stored,
    most: Most,
    watch: &mut dyn FnMut(usize, usize),
    each: &mut dyn FnMut(Vec<u8>) -> Result<ControlFlow<B>, E>,
) -> Result<ControlFlow<B, Whole>, StreamError<E>> {
    let mut digest = Sha256::new();
    let dimensions = dimensions_of(stream, expected, what, &mut digest)?;
    let length = stored.check(&dimensions, most.bytes)?;
    let mut left = length;
    while left > 0 {
        let now = left.min(most.at_a_time.max(1));
        let mut elements = Vec::with_capacity(now.min(TRUSTED_CAPACITY_BYTES));
        (&mut *stream).take(now as u64).read_to_end(&mut elements)?;
        if elements.len() < now {
            let found = length - left + elements.len();
            let expected = length;
            return Err(IdxProblem::Truncated { found, expected }.into());
        }
        digest.update(&elements);
        left -= now;
        if let ControlFlow::Break(answer) = each(elements).map_err(StreamError::Taker)? {
            return Ok(ControlFlow::Break(answer));
        }
        let all = dimensions[0];
        watch((length - left) / (length / all), all);
    }
    if stream.read(&mut [0])? != 0 {
        return Err(IdxProblem::TooLong { expected: length }.into());
    }
    let sha256 = crate::data::hexadecimal(&digest.finalize());
    Ok(ControlFlow::Continue((dimensions, sha256)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn idx(element_type: u8, dimensions: &[u32], elements: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, element_type, dimensions.len() as u8];
        for size in dimensions {
            bytes.extend(size.to_be_bytes());
        }
        bytes.extend(elements);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read_bytes(bytes: &[u8], dimensions: usize) -> Result<IdxArray, IdxProblem> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read(file.path(), dimensions, "labels").map_err(|error| error.problem)
    }

    #[test]
    fn plain_and_gzipped_files_read_the_same() {
        let plain = idx(8, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let array = read_bytes(&plain, 3).unwrap();
        assert_eq!(array.dimensions, [2, 1, 3]);
        assert_eq!(array.elements, [1, 2, 3, 4, 5, 6]);
        // sha256sum of the same 22 bytes
        assert_eq!(
            array.sha256,
            crate::data::hexadecimal(&Sha256::digest(&plain))
        );
        assert_eq!(read_bytes(&gzip(&plain), 3).unwrap(), array);
    }

    #[test]
    fn every_departure_from_the_format_is_named() {
        let good = idx(8, &[4], &[1, 2, 3, 4]);
        let zipped = gzip(&good);
        let mut flipped = zipped.clone();
        let last = flipped.len() - 6; // inside the CRC
        flipped[last] ^= 1;
        let mut trailing = zipped.clone();
        trailing.push(0);

        use IdxProblem as P;
        assert!(matches!(read_bytes(&[], 1), Err(P::Header)));
        assert!(matches!(
            read_bytes(b"PK\x03\x04 something", 1),
            Err(P::Magic(_))
        ));
        assert!(matches!(
            read_bytes(&idx(0x0d, &[1], &[0; 4]), 1),
            Err(P::ElementType(0x0d))
        ));
        assert!(matches!(
            read_bytes(&good, 3),
            Err(P::Dimensions {
                found: 1,
                expected: 3,
                ..
            })
        ));
        assert!(matches!(read_bytes(&good[..7], 1), Err(P::Header)));
        assert!(matches!(
            read_bytes(&good[..10], 1),
            Err(P::Truncated {
                found: 2,
                expected: 4
            })
        ));
        assert!(matches!(
            read_bytes(&[&good[..], &[9]].concat(), 1),
            Err(P::TooLong { expected: 4 })
        ));
        assert!(matches!(
            read_bytes(&idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[1]), 3),
            Err(P::TooLarge(_))
        ));
        assert!(matches!(read_bytes(&flipped, 1), Err(P::Gzip(_))));
        assert!(matches!(
            read_bytes(&zipped[..zipped.len() - 3], 1),
            Err(P::Gzip(_))
        ));
        assert!(matches!(read_bytes(&trailing, 1), Err(P::Gzip(_))));
    }

    #[test]
    fn reading_says_how_far_it_is() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let images = vec![7; 20 * (4 << 20)];
        file.write_all(&gzip(&idx(8, &[20, 2048, 2048], &images)))
            .unwrap();
        let mut told = Vec::new();
        read_watched(file.path(), 3, "images", &mut |done, all| {
            told.push((done, all));
        })
        .unwrap();
        // 64 MB at a time.
        assert_eq!(told, [(16, 20), (20, 20)]);
    }

    #[test]
    fn gzip_is_refused_before_it_is_read_if_it_cannot_hold_what_its_header_claims() {
        let zipped = gzip(&idx(8, &[1 << 30], &[0; 8]));
        assert!(matches!(
            read_bytes(&zipped, 1),
            Err(IdxProblem::CannotHold {
                expected: 0x4000_0000,
                ..
            })
        ));
        let header = header(io::Cursor::new(zipped), 1, "labels");
        assert!(matches!(header, Err(IdxProblem::CannotHold { .. })));
        // What compresses best is still read.
        let zeros = idx(8, &[1 << 24], &vec![0; 1 << 24]);
        assert_eq!(
            read_bytes(&gzip(&zeros), 1).unwrap().elements.len(),
            1 << 24
        );
    }

    /// The claim is 1 GiB; reading it must not reserve that much.
    #[test]
    fn a_header_that_claims_much_and_holds_little_is_just_truncated() {
        let bytes = idx(8, &[1 << 30], &[0; 8]);
        assert!(matches!(
            read_bytes(&bytes, 1),
            Err(IdxProblem::Truncated { found: 8, .. })
        ));
    }

    proptest! {
        #[test]
        fn any_array_survives_and_any_other_bytes_never_panic(
            rows in 0usize..5, columns in 0usize..5, seed in any::<[u8; 16]>(),
            junk in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let elements: Vec<u8> = seed.iter().copied().cycle().take(rows * columns).collect();
            let bytes = idx(8, &[rows as u32, columns as u32], &elements);
            let array = read_bytes(&bytes, 2).unwrap();
            prop_assert_eq!(array.elements, elements);
            let _ = read_bytes(&junk, 2);
            let _ = read_bytes(&[&bytes[..4], &junk[..]].concat(), 2);
        }
    }
}
