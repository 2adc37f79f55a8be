//! Files that are either whole or not there.

mod untrusted;

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

pub use untrusted::{
    append_regular, lock_file, read_regular, read_regular_text, refuse_special, unlink,
};

/// How the name of a file begins that is being written. A process that is killed leaves it behind.
const TEMPORARY: &str = ".hourglass-";

/// A file or directory, and why it cannot be used.
#[derive(Debug, Error)]
#[error("{}: {}", path.display(), cause(error))]
pub struct FileError {
    pub path: PathBuf,
    pub error: io::Error,
}

/// What happened, in words rather than a number where it is one of those that users meet.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "no space is left on the device".into(),
        io::ErrorKind::FileTooLarge => "the file would be larger than is allowed here".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        _ => error.to_string(),
    }
}

/// For `map_err`: the error of a path.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |error| FileError { path, error }
}

/// Writes a file as a whole: whatever happens, at `path` there is what was there before or all of `bytes`,
/// once this returns also after a loss of power.
///
/// # Errors
/// The file cannot be written; what was at `path` is still there, unless only making the new name durable failed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // What is not a plain file, such as /dev/stdout or a pipe, cannot be replaced.
    if is_special(path) {
        return fs::write(path, bytes).map_err(at(path));
    }
    let mut pending = Pending::begin(path)?;
    pending.file.write_all(bytes).map_err(at(path))?;
    pending.commit()
}

fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file())
}

/// A file that is being written, in as many pieces as it takes. Until it is committed there is at its path what was there
/// before; one that is dropped leaves nothing.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    /// Where a link leads to.
    target: PathBuf,
    file: NamedTempFile,
}

impl Pending {
    /// Begins to write what will be at `path`.
    ///
    /// # Errors
    /// Its directory is not there, or cannot be written.
    pub fn begin(path: &Path) -> Result<Self, FileError> {
        // A link stays one: what it leads to is replaced, or made.
        let target = fs::canonicalize(path).or_else(|_| {
            let link = fs::read_link(path)?;
            io::Result::Ok(parent(path).join(link))
        });
        let target = target.unwrap_or_else(|_| path.to_owned());
        let begin = || -> io::Result<NamedTempFile> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(TEMPORARY);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(USUAL_MODE));
            let directory = match is_special(path) {
                true => std::env::temp_dir(),
                false => parent(&target).to_owned(),
            };
            let file = builder.tempfile_in(directory)?;
            if let Ok(there) = fs::metadata(&target)
                && there.is_file()
            {
                file.as_file().set_permissions(there.permissions())?;
            }
            Ok(file)
        };
        let file = begin().map_err(at(path))?;
        Ok(Self {
            path: path.to_owned(),
            target,
            file,
        })
    }

    /// The file so far.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Puts it in its place, durably.
    ///
    /// # Errors
    /// It cannot be written; what was there before is still there, unless only making the new name durable failed.
    pub fn commit(self) -> Result<(), FileError> {
        let Self {
            path,
            target,
            mut file,
        } = self;
        let commit = move || -> io::Result<()> {
            if is_special(&target) {
                let to = &mut OpenOptions::new().write(true).open(&target)?;
                file.as_file_mut().rewind()?;
                return io::copy(file.as_file_mut(), to).map(|_| ());
            }
            file.as_file().sync_all()?;
            let (file, temporary) = file.keep()?;
            drop(file);
            fs::rename(&temporary, &target).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
            sync_directory(parent(&target))
        };
        commit().map_err(at(&path))
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What new files may be, before the process's mask is taken off.
#[cfg(unix)]
const USUAL_MODE: u32 = 0o666;

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Endings by which a name is surely one of a file.
const ENDINGS: [&str; 42] = [
    "bmp",
    "bpk",
    "bz2",
    "csv",
    "gif",
    "gz",
    "h5",
    "htm",
    "html",
    "idx",
    "jpeg",
    "jpg",
    "json",
    "jsonl",
    "keras",
    "log",
    "md",
    "npy",
    "npz",
    "onnx",
    "parquet",
    "pdf",
    "pickle",
    "pkl",
    "png",
    "pt",
    "pth",
    "py",
    "safetensors",
    "svg",
    "tar",
    "tif",
    "tiff",
    "toml",
    "tsv",
    "txt",
    "webp",
    "xls",
    "xlsx",
    "yaml",
    "yml",
    "zip",
];

/// Returns whether a path, which may not exist yet, names a file by its ending rather than a directory: `codes.png` does,
/// `codes.png/` and `rate-0.01` do not.
pub fn is_named_as_a_file(path: &Path) -> bool {
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    let is_known = ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    is_known && !ends_as_a_directory(path) && !path.is_dir()
}

/// Returns whether a path says by its last character that it is that of a directory.
pub fn ends_as_a_directory(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

/// Returns the name, beside `path`, of what this process is about to rename to `path`.
pub fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMPORARY}{name}-{}", std::process::id()))
}

/// Whether a file is one that was being written when its process was killed, or still is.
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Removes what processes that were killed have left in a directory in which no other writes now.
///
/// # Errors
/// The directory cannot be read, or a file not removed.
pub fn remove_temporary(directory: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let entry = entry.map_err(at(directory))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_temporary(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Makes the names in a directory as durable as the files.
///
/// # Errors
/// The directory is not there, or its device fails.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened, and names are durable once a call returns.
    #[cfg(unix)]
    if let Err(error) = File::open(path)?.sync_all() {
        // Some network file systems have no such thing.
        let is_unknown = [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];
        if !is_unknown.contains(&error.kind()) {
            return Err(error);
        }
    }
    let _ = path;
    Ok(())
}

/// Writes a new file to the device, for a directory that is not in use yet.
///
/// # Errors
/// It exists already or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(at(path))
}

/// Opens a plain file for reading. A pipe, a socket or a device, which may never end or never begin, is an error.
///
/// # Errors
/// It cannot be opened, or is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait already.
    let kind = fs::metadata(path)?.file_type();
    match kind.is_file() || kind.is_dir() {
        true => File::open(path),
        false => {
            let problem = "is a pipe, a socket or a device, not a file";
            Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
        }
    }
}

/// Returns how many bytes can still be written to the file system of a file; without bounds where the system does not say.
///
/// # Errors
/// The file system does not answer.
pub fn free_bytes(file: &File) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let there = rustix::fs::fstatvfs(file)?;
        Ok(there.f_bavail.saturating_mul(there.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(u64::MAX)
    }
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// It cannot be read, or is larger; no more than `most` bytes are kept in memory.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let read = || read_at_most(File::open(path)?, most);
    read().map_err(at(path))
}

fn read_at_most(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let problem = format!("is larger than the limit of {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(bytes)
}

/// Reads a text of at most so many bytes.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String, FileError> {
    text(path, read(path, most)?)
}

/// The text that a file holds.
///
/// # Errors
/// It is not UTF-8.
pub fn text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8 text");
    String::from_utf8(bytes).map_err(not_text).map_err(at(path))
}

/// Removes a file or a directory with all that is in it, if it is there.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<(), FileError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let nowhere = directory.path().join("none/a");
        let error = write(&nowhere, b"").unwrap_err();
        assert!(error.to_string().starts_with(nowhere.to_str().unwrap()));
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let link = directory.path().join("link");
        write(&path, b"first").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let usual = directory.path().join("usual");
        fs::write(&usual, "").unwrap();
        assert_eq!(mode(&path), mode(&usual), "as any other new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(mode(&path), 0o664);
        let dangling = directory.path().join("dangling");
        std::os::unix::fs::symlink("new", &dangling).unwrap();
        write(&dangling, b"third").unwrap();
        assert_eq!(fs::read(directory.path().join("new")).unwrap(), b"third");
        for link in [link, dangling] {
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
    }

    #[test]
    fn a_file_is_known_by_its_ending() {
        for name in ["a.png", "b/a.JSON", "../a.b.onnx"] {
            assert!(is_named_as_a_file(Path::new(name)), "{name}");
        }
        for name in [
            "a",
            "a.png/",
            "rate-0.01",
            ".png",
            "runs.d",
            "png",
            "..",
            "",
        ] {
            assert!(!is_named_as_a_file(Path::new(name)), "{name}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.png");
        fs::create_dir(&path).unwrap();
        assert!(!is_named_as_a_file(&path));
    }

    #[test]
    fn reading_stops_at_the_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().to_string().contains("4 bytes"));
        fs::write(&path, [0xff]).unwrap();
        assert!(
            read_text(&path, 5)
                .unwrap_err()
                .to_string()
                .contains("UTF-8")
        );
    }
}
