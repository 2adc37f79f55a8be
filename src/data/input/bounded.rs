//! Streams that end in an error rather than fill memory or keep a reader busy for ever.

use std::cell::Cell;
use std::io::{self, Read};

/// A text whose reader says where a record ends: one that is longer than `most` bytes is an error, so that no quote that is
/// left open takes in gigabytes.
pub(super) struct Records<R> {
    stream: R,
    most: u64,
    left: Cell<u64>,
}

impl<R> Records<R> {
    pub(super) fn new(stream: R, most: u64) -> Self {
        Self {
            stream,
            most,
            left: Cell::new(most),
        }
    }

    /// A record was read.
    pub(super) fn next(&self) {
        self.left.set(self.most);
    }

    /// Returns whether a record was too long.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }
}

impl<R: Read> Read for Records<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX);
        if most == 0 && !buffer.is_empty() {
            return Err(io::Error::other("a record is too long"));
        }
        let most = most.min(buffer.len());
        let read = self.stream.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}
