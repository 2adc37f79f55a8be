//! The numbers of examples: in memory as they came, or in a file that stands in for memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::images::to_unit;

/// The numbers of examples of one size, one example after another.
#[derive(Clone, Debug)]
pub enum Pixels {
    /// 0 stands for 0 and 255 for 1.
    Bytes(Vec<u8>),
    Numbers(Vec<f32>),
    /// In a file, since memory is not to hold as many.
    Stored(Stored),
}

/// Whether numbers take one byte or four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Byte,
    Single,
}

impl Width {
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Single => 4,
        }
    }
}

/// Examples in a file without a name, which goes when nothing uses it any more.
#[derive(Clone, Debug)]
pub struct Stored {
    file: Arc<File>,
    width: Width,
    /// Where in the file each example is, counted in examples.
    places: Vec<u64>,
}

impl Pixels {
    /// The number of examples, of `size` numbers each.
    pub fn count(&self, size: usize) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len() / size,
            Self::Numbers(numbers) => numbers.len() / size,
            Self::Stored(stored) => stored.places.len(),
        }
    }

    /// The example at `index` as numbers, where bytes are scaled to [0, 1]. One that cannot be read any more from a file is
    /// not a number, which training and figures never take for one.
    #[inline(always)]
    pub fn read(&self, index: usize, into: &mut [f32]) {
        let size = into.len();
        match self {
            Self::Bytes(bytes) => scale(&bytes[index * size..][..size], into),
            Self::Numbers(numbers) => into.copy_from_slice(&numbers[index * size..][..size]),
            Self::Stored(stored) => {
                let mut bytes = vec![0; size * stored.width.bytes()];
                let place = stored.places[index] * bytes.len() as u64;
                match (read_exact_at(&stored.file, &mut bytes, place), stored.width) {
                    (Err(_), _) => into.fill(f32::NAN),
                    (Ok(()), Width::Byte) => scale(&bytes, into),
                    (Ok(()), Width::Single) => {
                        let each = bytes.chunks_exact(4).zip(into);
                        each.for_each(|(bytes, number)| {
                            *number = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                        });
                    }
                }
            }
        }
    }

    /// The examples at `indices`, in that order. Those of a file stay there.
    pub fn select(&self, indices: &[usize], size: usize) -> Self {
        fn each<T: Copy>(all: &[T], indices: &[usize], size: usize) -> Vec<T> {
            let mut selected = Vec::with_capacity(indices.len() * size);
            for &index in indices {
                selected.extend_from_slice(&all[index * size..][..size]);
            }
            selected
        }
        match self {
            Self::Bytes(bytes) => Self::Bytes(each(bytes, indices, size)),
            Self::Numbers(numbers) => Self::Numbers(each(numbers, indices, size)),
            Self::Stored(stored) => Self::Stored(Stored {
                places: indices.iter().map(|&index| stored.places[index]).collect(),
                ..stored.clone()
            }),
        }
    }

    /// Keeps the first `count` examples.
    pub fn truncate(&mut self, count: usize, size: usize) {
        match self {
            Self::Bytes(bytes) => bytes.truncate(count * size),
            Self::Numbers(numbers) => numbers.truncate(count * size),
            Self::Stored(stored) => stored.places.truncate(count),
        }
    }
}

impl Stored {
    /// Whether pixels were bytes.
    pub fn are_bytes(&self) -> bool {
        self.width == Width::Byte
    }
}

#[inline(always)]
fn scale(bytes: &[u8], into: &mut [f32]) {
    for (value, &pixel) in into.iter_mut().zip(bytes) {
        *value = to_unit(pixel);
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

/// Some examples, as they came.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Bytes(Vec<u8>),
    Numbers(Vec<f32>),
}

impl Values {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// As numbers, where bytes are scaled to [0, 1].
    pub fn into_numbers(self) -> Vec<f32> {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Bytes(bytes) => bytes.into_iter().map(to_unit).collect(),
        }
    }
}

/// Takes examples one after another: in memory as long as they fit the budget, in a file from then on.
pub struct Collector {
    size: usize,
    budget_bytes: u64,
    digest: Sha256,
    collected: Collected,
}

enum Collected {
    Bytes(Vec<u8>),
    Numbers(Vec<f32>),
    File(BufWriter<File>, Width, u64),
}

impl Collector {
    /// For examples of `size` numbers each, of which no more than `budget_bytes` are kept in memory.
    pub fn new(size: usize, width: Width, budget_bytes: u64) -> Self {
        Self {
            size,
            budget_bytes,
            digest: Sha256::new(),
            collected: match width {
                Width::Byte => Collected::Bytes(Vec::new()),
                Width::Single => Collected::Numbers(Vec::new()),
            },
        }
    }

    /// Adds whole examples.
    ///
    /// # Errors
    /// The file that stands in for memory cannot be written.
    ///
    /// # Panics
    /// Numbers come where bytes were announced.
    pub fn add(&mut self, values: Values) -> io::Result<()> {
        let is_bytes = match &self.collected {
            Collected::Bytes(_) => true,
            Collected::Numbers(_) => false,
            Collected::File(_, width, _) => *width == Width::Byte,
        };
        let values = match (is_bytes, values) {
            (false, Values::Bytes(bytes)) => {
                Values::Numbers(bytes.into_iter().map(to_unit).collect())
            }
            (true, Values::Numbers(_)) => panic!("bytes were announced"),
            (_, values) => values,
        };
        self.make_room(values.len() as u64)?;
        match (&mut self.collected, values) {
            (Collected::Bytes(all), Values::Bytes(more)) => {
                self.digest.update(&more);
                all.extend_from_slice(&more);
            }
            (Collected::Numbers(all), Values::Numbers(more)) => {
                for piece in more.chunks(PIECE) {
                    self.digest.update(little_endian(piece));
                }
                all.extend_from_slice(&more);
            }
            (Collected::File(file, _, length), Values::Bytes(more)) => {
                self.digest.update(&more);
                file.write_all(&more)?;
                *length += more.len() as u64;
            }
            (Collected::File(file, _, length), Values::Numbers(more)) => {
                for piece in more.chunks(PIECE) {
                    let raw = little_endian(piece);
                    self.digest.update(&raw);
                    file.write_all(&raw)?;
                    *length += raw.len() as u64;
                }
            }
            _ => unreachable!("made alike above"),
        }
        Ok(())
    }

    /// Moves to a file what memory is not to hold together with so many numbers more.
    fn make_room(&mut self, more: u64) -> io::Result<()> {
        let (length, width) = match &self.collected {
            Collected::Bytes(bytes) => (bytes.len() as u64, Width::Byte),
            Collected::Numbers(numbers) => (numbers.len() as u64, Width::Single),
            Collected::File(..) => return Ok(()),
        };
        let bytes = width.bytes() as u64;
        if (length + more) * bytes <= self.budget_bytes {
            return Ok(());
        }
        let file = temporary(|directory| tempfile::tempfile_in(directory))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        match &self.collected {
            Collected::Bytes(all) => file.write_all(all)?,
            Collected::Numbers(all) => {
                for piece in all.chunks(PIECE) {
                    file.write_all(&little_endian(piece))?;
                }
            }
            Collected::File(..) => {}
        }
        self.collected = Collected::File(file, width, length * bytes);
        Ok(())
    }

    /// All that came, and the SHA-256 of it: bytes, or little-endian numbers of four bytes.
    ///
    /// # Errors
    /// The file that stands in for memory cannot be written.
    pub fn finish(self) -> io::Result<(Pixels, String)> {
        let pixels = match self.collected {
            Collected::Bytes(bytes) => Pixels::Bytes(bytes),
            Collected::Numbers(numbers) => Pixels::Numbers(numbers),
            Collected::File(file, width, bytes) => Pixels::Stored(Stored {
                file: Arc::new(file.into_inner().map_err(io::IntoInnerError::into_error)?),
                width,
                places: (0..bytes / (self.size * width.bytes()) as u64).collect(),
            }),
        };
        Ok((pixels, super::hexadecimal(&self.digest.finalize())))
    }
}

/// Numbers that are turned into bytes at a time.
const PIECE: usize = 1 << 16;

fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A file for what memory is not to hold, made where there is room on a disk: the place for temporary files is memory itself on
/// many systems.
pub(super) fn temporary<T>(make: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    let cache = dirs::cache_dir().map(|cache| cache.join("hourglass"));
    let made = cache.filter(|cache| std::fs::create_dir_all(cache).is_ok());
    match made.map(|cache| make(&cache)) {
        Some(Ok(file)) => Ok(file),
        _ => make(&std::env::temp_dir()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(width: Width, budget_bytes: u64, blocks: &[Values]) -> (Pixels, String) {
        let mut collector = Collector::new(2, width, budget_bytes);
        for block in blocks {
            collector.add(block.clone()).unwrap();
        }
        collector.finish().unwrap()
    }

    fn all(pixels: &Pixels) -> Vec<f32> {
        let mut all = vec![0.0; 2 * pixels.count(2)];
        for (index, example) in all.chunks_exact_mut(2).enumerate() {
            pixels.read(index, example);
        }
        all
    }

    #[test]
    fn what_goes_to_a_file_comes_back_as_from_memory() {
        let bytes = [
            Values::Bytes(vec![0, 51, 255, 7]),
            Values::Bytes(vec![9, 8, 3, 2]),
        ];
        let numbers = [
            Values::Numbers(vec![0.5, -3.0]),
            Values::Bytes(vec![51, 255]),
        ];
        for (width, blocks) in [(Width::Byte, &bytes), (Width::Single, &numbers)] {
            let (memory, known) = collected(width, 1 << 20, blocks);
            for budget in [0, 3, 4, 6, 8] {
                let (mut pixels, digest) = collected(width, budget, blocks);
                assert_eq!(digest, known);
                assert_eq!(all(&pixels), all(&memory));
                let last = pixels.count(2) - 1;
                let turned = [last, 0, last];
                assert_eq!(
                    all(&pixels.select(&turned, 2)),
                    all(&memory.select(&turned, 2))
                );
                pixels.truncate(1, 2);
                assert_eq!(all(&pixels), all(&memory)[..2]);
            }
            assert!(matches!(collected(width, 3, blocks).0, Pixels::Stored(_)));
            assert!(!matches!(memory, Pixels::Stored(_)));
        }
    }
}
