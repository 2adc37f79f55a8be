//! Rows of numbers on their way out: `.npy`, CSV, or pictures in a folder, as they come.

mod npy;
mod pictures;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::{NAME_COLUMN, STANDARD_INPUT, Scaling, Shape};
use crate::files::{self, FileError, Pending};
use npy::header;
use pictures::{DIGITS, picture_path};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// NumPy's: single precision, or double where numbers get the units of the training data back
    Npy,
    /// Text, a line a row
    Csv,
    /// PNG files in a folder
    Png,
}

/// Why rows cannot be written.
#[derive(Debug, Error)]
pub enum OutputError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: {problem}", path.display())]
    Unwritable {
        path: PathBuf,
        problem: String,
        hint: &'static str,
    },
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    pub rows: usize,
    /// The files, or the folder of many.
    pub files: Vec<PathBuf>,
}

/// Rows of numbers on their way to a file, a folder or standard output.
pub struct Output {
    path: PathBuf,
    /// What gives numbers that are no pictures their units.
    scaling: Option<Scaling>,
    /// What must not be written over.
    inputs: Vec<PathBuf>,
    /// What a row looks like.
    shape: Vec<usize>,
    rows: usize,
    sink: Sink,
}

enum Sink {
    Npy {
        file: BufWriter<Pending>,
        /// Of the rows, for a file beside it.
        names: Vec<String>,
    },
    Csv(Box<csv::Writer<BufWriter<Pending>>>),
    Png {
        shape: Shape,
        written: HashSet<PathBuf>,
    },
    /// Text for standard output, which is written at once.
    Text(Box<csv::Writer<io::Stdout>>),
}

impl Output {
    /// Begins to write rows of numbers to `path`: in the format given, or that of its name, or CSV on standard output (`-`), or
    /// pictures where it has no ending. `columns` names the numbers, `shape` is that of a row's array, and `picture` that of a
    /// picture of it.
    ///
    /// # Errors
    /// Something is in the way, or cannot be written.
    pub fn begin(
        path: &Path,
        format: Option<Format>,
        columns: &[String],
        shape: &[usize],
        picture: Option<Shape>,
        force: bool,
    ) -> Result<Self, OutputError> {
        let is_standard = path == Path::new(STANDARD_INPUT);
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        let by_name = match extension
            .as_deref()
            .and_then(|extension| extension.to_str())
        {
            Some("npy") => Some(Format::Npy),
            Some("csv") => Some(Format::Csv),
            _ if is_standard => Some(Format::Csv),
            Some("png" | "jpg" | "npz" | "txt" | "json" | "tsv") => None,
            _ => Some(Format::Png),
        };
        let refuse = |problem: &str, hint| {
            Err(OutputError::Unwritable {
                path: path.to_owned(),
                problem: problem.to_owned(),
                hint,
            })
        };
        let Some(format) = format.or(by_name) else {
            return refuse(
                "is of no format that rows are written in",
                "end its name with .npy or .csv, or name a folder",
            );
        };
        let sink = match format {
            Format::Npy => {
                let mut file = BufWriter::with_capacity(1 << 18, pending(path)?);
                file.write_all(&header(0, shape, false))
                    .map_err(files::at(path))?;
                Sink::Npy {
                    file,
                    names: Vec::new(),
                }
            }
            Format::Csv => {
                let heading =
                    std::iter::once(NAME_COLUMN).chain(columns.iter().map(String::as_str));
                let mut sink = match is_standard {
                    true => Sink::Text(Box::new(csv::Writer::from_writer(io::stdout()))),
                    false => Sink::Csv(Box::new(csv::Writer::from_writer(BufWriter::new(
                        pending(path)?,
                    )))),
                };
                sink.record(heading).map_err(files::at(path))?;
                sink
            }
            Format::Png => {
                let Some(shape) = picture else {
                    return refuse(
                        "would be a folder of pictures, and rows of numbers are none",
                        "end its name with .npy or .csv",
                    );
                };
                if is_standard {
                    return refuse("takes one file", "name a folder, or choose npy or csv");
                }
                if path.is_file() {
                    return refuse(
                        "is a file, not a folder",
                        "name a folder, or end the name with .npy or .csv",
                    );
                }
                let is_empty =
                    std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
                if !is_empty && !force {
                    return refuse(
                        "is a folder that holds files already",
                        "name another folder, or add --force to replace those of the same names",
                    );
                }
                std::fs::create_dir_all(path).map_err(files::at(path))?;
                Sink::Png {
                    shape,
                    written: HashSet::new(),
                }
            }
        };
        Ok(Self {
            path: path.to_owned(),
            scaling: None,
            inputs: Vec::new(),
            shape: shape.to_vec(),
            rows: 0,
            sink,
        })
    }

    /// The same for numbers as a network gives them, which get their units back unless they are drawn.
    #[must_use]
    pub fn with_scaling(self, scaling: Option<Scaling>) -> Self {
        Self { scaling, ..self }
    }

    /// The same, which never writes over any of these files, nor what is in these folders.
    #[must_use]
    pub fn sparing(self, inputs: &[PathBuf]) -> Self {
        let inputs = inputs.iter().filter_map(|input| input.canonicalize().ok());
        Self {
            inputs: inputs.collect(),
            ..self
        }
    }

    /// Adds rows, and their names if they have some.
    ///
    /// # Errors
    /// There is no room, or a name leads out of the folder or to an input.
    pub fn add(&mut self, names: Option<&[String]>, numbers: &[f32]) -> Result<(), OutputError> {
        let scaling = self.scaling.as_ref();
        let in_units = scaling
            .filter(|_| !matches!(self.sink, Sink::Png { .. }))
            .map(|scaling| scaling.undo(numbers));
        let width: usize = self.shape.iter().product();
        let first = self.rows;
        let rows = numbers.len() / width;
        let name = |row: usize| match names {
            Some(names) => names[row].clone(),
            None => (first + row).to_string(),
        };
        let at = |error: io::Error| files::at(&self.path)(error);
        match &mut self.sink {
            Sink::Npy { file, names: known } => {
                let bytes: Vec<u8> = match &in_units {
                    Some(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                    None => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                };
                file.write_all(&bytes).map_err(at)?;
                // Inputs without names beside others are counted.
                if names.is_some() && known.is_empty() {
                    known.extend((0..first).map(|row| row.to_string()));
                }
                if names.is_some() || !known.is_empty() {
                    known.extend((0..rows).map(name));
                }
            }
            Sink::Png { shape, written } => {
                for (row, pixels) in numbers.chunks_exact(width).enumerate() {
                    let name = names.map(|names| names[row].as_str());
                    let mut path = picture_path(&self.path, name, first + row)?;
                    if written.contains(&path) {
                        // Two folders may hold files of one name.
                        let number = first + row;
                        path.set_extension(format!("{number:0DIGITS$}.png"));
                    }
                    let there = path.canonicalize().ok();
                    if there.is_some_and(|there| {
                        self.inputs.iter().any(|input| there.starts_with(input))
                    }) {
                        return Err(OutputError::Unwritable {
                            path,
                            problem: "is an input too, which would be lost".into(),
                            hint: "name another folder",
                        });
                    }
                    if let Some(parent) = path.parent() {
                        std::fs::create_dir_all(parent).map_err(files::at(parent))?;
                    }
                    let mut png = io::Cursor::new(Vec::new());
                    let drawn = shape
                        .picture(pixels)
                        .write_to(&mut png, image::ImageFormat::Png);
                    drawn.map_err(|error| at(io::Error::other(error)))?;
                    files::write(&path, png.get_ref())?;
                    written.insert(path);
                }
            }
            sink => {
                let fields: Vec<String> = match &in_units {
                    Some(numbers) => numbers.iter().map(ToString::to_string).collect(),
                    None => numbers.iter().map(ToString::to_string).collect(),
                };
                for (row, fields) in fields.chunks_exact(width).enumerate() {
                    let name = name(row);
                    let record =
                        std::iter::once(name.as_str()).chain(fields.iter().map(String::as_str));
                    sink.record(record).map_err(at)?;
                }
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// Puts everything in its place.
    ///
    /// # Errors
    /// There is no room.
    pub fn finish(self) -> Result<Written, OutputError> {
        let Self {
            path,
            shape,
            rows,
            sink,
            scaling,
            ..
        } = self;
        let at = |error: io::Error| files::at(&path)(error);
        let mut files = vec![path.clone()];
        match sink {
            Sink::Npy { file, names } => {
                let mut pending = file.into_inner().map_err(|error| at(error.into_error()))?;
                // Only now the number of rows is known; the header has room for it.
                pending.file().rewind().map_err(at)?;
                pending
                    .file()
                    .write_all(&header(rows, &shape, scaling.is_some()))
                    .map_err(at)?;
                commit(pending, &path)?;
                if !names.is_empty() && path != Path::new(STANDARD_INPUT) {
                    let beside = path.with_extension("names.txt");
                    let text = names.iter().fold(String::new(), |text, name| {
                        text + &name.replace('\n', " ") + "\n"
                    });
                    files::write(&beside, text.as_bytes())?;
                    files.push(beside);
                }
            }
            Sink::Csv(writer) => {
                let buffered = writer
                    .into_inner()
                    .map_err(|error| at(io::Error::other(error.to_string())))?;
                let pending = buffered
                    .into_inner()
                    .map_err(|error| at(error.into_error()))?;
                commit(pending, &path)?;
            }
            Sink::Text(mut writer) => match writer.flush() {
                // A reader that has seen enough is no error.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    return Err(at(error).into());
                }
                _ => {}
            },
            Sink::Png { .. } => {}
        }
        Ok(Written { rows, files })
    }
}

impl Sink {
    fn record<'a>(&mut self, fields: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let written = match self {
            Self::Csv(writer) => writer.write_record(fields),
            Self::Text(writer) => writer.write_record(fields),
            Self::Npy { .. } | Self::Png { .. } => Ok(()),
        };
        written.or_else(|error| match error.into_kind() {
            // A reader that has seen enough is no error.
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            csv::ErrorKind::Io(error) => Err(error),
            other => Err(io::Error::other(format!("{other:?}"))),
        })
    }
}

/// A file in the making; for standard output one that is copied there at the end, since the beginning of an array says how
/// long it is.
fn pending(path: &Path) -> Result<Pending, FileError> {
    match path == Path::new(STANDARD_INPUT) {
        true => {
            Pending::begin(&std::env::temp_dir().join(format!("hourglass-{}", std::process::id())))
        }
        false => Pending::begin(path),
    }
}

fn commit(mut pending: Pending, path: &Path) -> Result<(), FileError> {
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
