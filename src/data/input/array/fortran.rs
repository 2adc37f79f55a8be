//! Arrays whose first index changes fastest: brought into the order of examples.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::data::input::ReadSeek;
use crate::data::pixels;

/// Bytes of an array that are in memory at a time.
const WINDOW_BYTES: u64 = 1 << 27;
/// Examples that are written side by side, so that memory is read in runs.
const TILE: usize = 32;

/// An array in Fortran's order: for each place within an example the elements of all examples, one after another.
#[derive(Clone, Debug)]
pub struct Fortran {
    pub count: usize,
    /// The axes of one example, the slowest first, without that of the examples.
    pub axes: Vec<usize>,
    /// Of an element.
    pub bytes: usize,
}

impl Fortran {
    fn elements(&self) -> usize {
        self.axes.iter().product()
    }

    /// The bytes of all elements; none where they are beyond 64 bits.
    pub fn total(&self) -> Option<u64> {
        let each = self
            .axes
            .iter()
            .try_fold(1u64, |product, &size| product.checked_mul(size as u64))?;
        each.checked_mul(self.count as u64)?
            .checked_mul(self.bytes as u64)
    }

    /// Reads `stream` from where it is and gives the bytes of up to `most` examples at a time to `each`, in the order of C.
    ///
    /// `stream` holds `total` bytes from there. Beyond [`WINDOW_BYTES`] it is read in pieces of each column.
    pub fn read<E>(
        &self,
        stream: &mut dyn ReadSeek,
        most: usize,
        failed: &dyn Fn(io::Error) -> E,
        each: &mut dyn FnMut(Vec<u8>, usize) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.read_by(WINDOW_BYTES, stream, most, failed, each)
    }

    fn read_by<E>(
        &self,
        window_bytes: u64,
        stream: &mut dyn ReadSeek,
        most: usize,
        failed: &dyn Fn(io::Error) -> E,
        each: &mut dyn FnMut(Vec<u8>, usize) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let start = stream.stream_position().map_err(failed)?;
        let columns = self.elements();
        let row_bytes = (columns * self.bytes) as u64;
        let rows = (window_bytes / row_bytes).clamp(1, self.count as u64) as usize;
        for first in (0..self.count).step_by(rows) {
            let rows = rows.min(self.count - first);
            let mut window = vec![0; columns * rows * self.bytes];
            for (column, piece) in window.chunks_exact_mut(rows * self.bytes).enumerate() {
                let place = (column as u64 * self.count as u64 + first as u64) * self.bytes as u64;
                // Whole columns follow each other.
                if rows < self.count || column == 0 {
                    stream
                        .seek(SeekFrom::Start(start + place))
                        .map_err(failed)?;
                }
                stream.read_exact(piece).map_err(failed)?;
            }
            for begin in (0..rows).step_by(most.max(1)) {
                let now = most.max(1).min(rows - begin);
                if each(self.examples(&window, rows, begin, now), now)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The examples of a window of rows, from `begin` on.
    fn examples(&self, window: &[u8], rows: usize, begin: usize, count: usize) -> Vec<u8> {
        match self.bytes {
            1 => self.gather::<1>(window, rows, begin, count),
            2 => self.gather::<2>(window, rows, begin, count),
            4 => self.gather::<4>(window, rows, begin, count),
            _ => self.gather::<8>(window, rows, begin, count),
        }
    }

    fn gather<const N: usize>(
        &self,
        window: &[u8],
        rows: usize,
        begin: usize,
        count: usize,
    ) -> Vec<u8> {
        let elements = self.elements();
        let mut bytes = vec![0; count * elements * N];
        let (window, _) = window.as_chunks::<N>();
        let (into, _) = bytes.as_chunks_mut::<N>();
        for (tile, into) in into.chunks_mut(TILE * elements).enumerate() {
            let from = begin + tile * TILE;
            let mut columns = Columns::new(&self.axes);
            for place in 0..elements {
                let column = &window[columns.next() * rows + from..];
                for (example, element) in into.chunks_exact_mut(elements).zip(column) {
                    example[place] = *element;
                }
            }
        }
        bytes
    }
}

/// Places in the order of Fortran, of the elements of an example in the order of C.
struct Columns<'a> {
    axes: &'a [usize],
    index: Vec<usize>,
    column: usize,
}

impl<'a> Columns<'a> {
    fn new(axes: &'a [usize]) -> Self {
        Self {
            axes,
            index: vec![0; axes.len()],
            column: 0,
        }
    }

    fn next(&mut self) -> usize {
        let now = self.column;
        let mut stride: usize = self.axes.iter().product();
        // The last axis changes fastest here, and slowest there.
        for (index, &size) in self.index.iter_mut().zip(self.axes).rev() {
            stride /= size.max(1);
            *index += 1;
            self.column += stride;
            if *index < size {
                break;
            }
            self.column -= size * stride;
            *index = 0;
        }
        now
    }
}

/// Keeps `total` bytes of a stream that cannot be gone back in: few in memory, more in a file.
///
/// # Errors
/// The stream cannot be read, or the file not written.
pub fn keep(stream: &mut dyn Read, total: u64) -> io::Result<Box<dyn ReadSeek>> {
    // One more, so that too much is seen, and the end of an archive's member, where its checksum is compared, reached.
    let mut stream = stream.take(total.saturating_add(1));
    if total <= WINDOW_BYTES {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        return Ok(Box::new(Cursor::new(bytes)));
    }
    let mut file: File = pixels::temporary(|directory| tempfile::tempfile_in(directory))?;
    io::copy(&mut stream, &mut file)?;
    file.rewind()?;
    Ok(Box::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements that say where they are, in the order of Fortran, and of C.
    fn both(count: usize, axes: &[usize]) -> (Vec<u32>, Vec<u32>) {
        let all = [&[count], axes].concat();
        let elements: usize = all.iter().product();
        let mut fortran = vec![0; elements];
        let c: Vec<u32> = (0..elements as u32).collect();
        for (place, &element) in c.iter().enumerate() {
            let (mut rest, mut index) = (place, vec![0; all.len()]);
            for (index, size) in index.iter_mut().zip(&all).rev() {
                (*index, rest) = (rest % size, rest / size);
            }
            let there = index
                .iter()
                .zip(&all)
                .rev()
                .fold(0, |there, (index, size)| there * size + index);
            fortran[there] = element;
        }
        (fortran, c)
    }

    #[test]
    fn examples_come_in_the_order_of_c_whatever_fits_into_memory() {
        for (count, axes) in [
            (70, vec![5]),
            (3, vec![4, 5]),
            (41, vec![2, 3, 3]),
            (1, vec![6, 2]),
            (9, vec![]),
        ] {
            let (fortran, expected) = both(count, &axes);
            let array = Fortran {
                count,
                axes,
                bytes: 4,
            };
            let bytes: Vec<u8> = fortran.iter().flat_map(|x| x.to_le_bytes()).collect();
            for (window, most) in [(1 << 20, 100), (1 << 20, 7), (1, 1), (500, 3), (1000, 1000)] {
                // What comes before the elements is not theirs.
                let mut stream = Cursor::new([&[9; 5], &bytes[..]].concat());
                stream.set_position(5);
                let mut found = Vec::new();
                let mut examples = 0;
                let each = &mut |bytes: Vec<u8>, now: usize| -> io::Result<ControlFlow<()>> {
                    assert!(now <= most);
                    examples += now;
                    found.extend(
                        bytes
                            .as_chunks::<4>()
                            .0
                            .iter()
                            .map(|&b| u32::from_le_bytes(b)),
                    );
                    Ok(ControlFlow::Continue(()))
                };
                array
                    .read_by(window, &mut stream, most, &|error| error, each)
                    .unwrap();
                assert_eq!((&found, examples), (&expected, count));
            }
        }
    }

    #[test]
    fn elements_of_any_width_keep_their_bytes() {
        for bytes in [1, 2, 8] {
            let array = Fortran {
                count: 2,
                axes: vec![3],
                bytes,
            };
            let element = |x: u8| vec![x; bytes];
            let stream: Vec<u8> = [0, 1, 2, 3, 4, 5].into_iter().flat_map(element).collect();
            let mut found = Vec::new();
            let each = &mut |more: Vec<u8>, _| -> io::Result<ControlFlow<()>> {
                found.extend(more);
                Ok(ControlFlow::Continue(()))
            };
            array
                .read(&mut Cursor::new(stream), 9, &|error| error, each)
                .unwrap();
            let expected: Vec<u8> = [0, 2, 4, 1, 3, 5].into_iter().flat_map(element).collect();
            assert_eq!(found, expected);
        }
    }
}
