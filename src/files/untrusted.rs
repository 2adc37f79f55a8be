//! Files in an untrusted directory: nothing is read or written through a link, and nothing
//! but a regular file is opened, since a FIFO would block and a device may be anything.
//!
//! Each function speaks of the last part of a path alone; what leads there is the caller's to check.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::{FileError, at, read_at_most, text};

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, is larger, or is a link or another thing than a file.
pub fn read_regular(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let file = open_regular(path, OpenOptions::new().read(true));
    file.and_then(|file| read_at_most(file, most))
        .map_err(at(path))
}

/// Reads a regular file of text.
///
/// # Errors
/// As [`read_regular`], and when it is not UTF-8.
pub fn read_regular_text(path: &Path, most: u64) -> Result<String, FileError> {
    text(path, read_regular(path, most)?)
}

/// Opens a regular file to write at its end.
///
/// # Errors
/// It cannot be opened, or is a link or another thing than a file.
pub fn append_regular(path: &Path) -> Result<File, FileError> {
    open_regular(path, OpenOptions::new().append(true)).map_err(at(path))
}

/// Opens the file that a lock is taken on, which is created if it is missing.
///
/// # Errors
/// It cannot be opened, or is a link or another thing than a file.
pub fn lock_file(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    open_regular(path, &mut options).map_err(at(path))
}

/// Refuses a FIFO, a socket or a device.
///
/// # Errors
/// One is at `path`.
pub fn refuse_special(path: &Path) -> Result<(), FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) if is_special(&found) => Err(at(path)(not_regular())),
        _ => Ok(()),
    }
}

/// Removes a link, so that what is written to `path` next goes there and not where the link leads. Other files stay.
///
/// # Errors
/// The link cannot be removed, or a FIFO, a socket or a device is in its place.
pub fn unlink(path: &Path) -> Result<(), FileError> {
    refuse_special(path)?;
    match path.is_symlink() {
        true => fs::remove_file(path).map_err(at(path)),
        false => Ok(()),
    }
}

fn is_special(found: &fs::Metadata) -> bool {
    !(found.is_file() || found.is_dir() || found.is_symlink())
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")
}

fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // For the sake of the message; and where the flags below do not exist, it is all there is.
    if let Ok(found) = fs::symlink_metadata(path) {
        if found.is_symlink() {
            return Err(is_link());
        }
        if !found.is_file() {
            return Err(not_regular());
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(not_regular()),
    }
}

fn is_link() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "is a link, which is not followed",
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn neither_links_nor_fifos_are_opened() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("victim"), "as it was").unwrap();
        symlink(at("victim"), at("link")).unwrap();
        let fifo = std::process::Command::new("mkfifo")
            .arg(at("fifo"))
            .status();
        assert!(fifo.unwrap().success());
        for (name, problem) in [("link", "is a link"), ("fifo", "not a regular file")] {
            let errors = [
                read_regular(&at(name), 99).map(|_| ()),
                append_regular(&at(name)).map(|_| ()),
                lock_file(&at(name)).map(|_| ()),
            ];
            for error in errors {
                let message = error.unwrap_err().to_string();
                assert!(message.contains(problem), "{message}");
            }
        }
        assert!(refuse_special(&at("fifo")).is_err());
        assert!(unlink(&at("fifo")).is_err());
        unlink(&at("link")).unwrap();
        assert!(!at("link").is_symlink());
        unlink(&at("victim")).unwrap();
        assert_eq!(read_regular(&at("victim"), 99).unwrap(), b"as it was");
        lock_file(&at("lock")).unwrap();
        assert!(at("lock").is_file());
    }
}
