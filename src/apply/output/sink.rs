//! Files, folders and standard output, as rows are written to them.

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use super::beside::Kept;
use super::folder::Folder;
use crate::data::{STANDARD_INPUT, Shape};
use crate::files::{self, FileError, Pending};

/// A destination of rows.
pub enum Sink {
    Npy {
        file: BufWriter<Pending>,
        /// Of the rows, for files beside it.
        kept: Kept,
    },
    Csv(Box<csv::Writer<BufWriter<Pending>>>),
    Png {
        shape: Shape,
        folder: Folder,
    },
    /// Text for standard output, which is written at once.
    Text(Box<csv::Writer<io::Stdout>>),
    /// After an error.
    Nothing,
}

impl Sink {
    /// Writes a line of text; nothing where rows are not text.
    ///
    /// # Errors
    /// There is no room.
    pub fn record<'a>(&mut self, fields: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let written = match self {
            Self::Csv(writer) => writer.write_record(fields),
            Self::Text(writer) => writer.write_record(fields),
            Self::Npy { .. } | Self::Png { .. } | Self::Nothing => Ok(()),
        };
        written.or_else(|error| match error.into_kind() {
            // A reader that closes the pipe early is not an error.
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            csv::ErrorKind::Io(error) => Err(error),
            other => Err(io::Error::other(format!("{other:?}"))),
        })
    }
}

/// A file in the making; for standard output one that is copied there at the end, since the beginning of an array says how
/// long it is.
pub fn pending(path: &Path) -> Result<Pending, FileError> {
    match path == Path::new(STANDARD_INPUT) {
        true => {
            Pending::begin(&std::env::temp_dir().join(format!("hourglass-{}", std::process::id())))
        }
        false => Pending::begin(path),
    }
}

/// Puts a file where it belongs, or copies it to standard output.
pub fn commit(mut pending: Pending, path: &Path) -> Result<(), FileError> {
    if path != Path::new(STANDARD_INPUT) {
        return pending.commit();
    }
    let mut copy = || -> io::Result<()> {
        pending.file().rewind()?;
        io::copy(pending.file(), &mut io::stdout().lock())?;
        io::stdout().flush()
    };
    copy().or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(files::at(path)(error)),
    })
}
