//! Rows of numbers on their way out: `.npy`, CSV, or pictures in a folder, as they come.

mod beside;
mod folder;
mod npy;
mod pictures;
mod sink;

use std::ffi::OsStr;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::{NAME_COLUMN, STANDARD_INPUT, Scaling, Shape, has_a_pictures_name};
use crate::files::{self, FileError};
use beside::Kept;
use folder::Folder;
use npy::header;
use pictures::{DIGITS, picture_path};
use sink::{Sink, commit, pending};

pub use beside::{Beside, CLASS_COLUMN, SPLIT_COLUMN};

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
    /// The names of its numbers.
    columns: Vec<String>,
    rows: usize,
    /// True once the heading is written.
    has_begun: bool,
    sink: Sink,
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
        let is_a_file = files::is_named_as_a_file(path);
        let by_name = match extension
            .as_deref()
            .and_then(|extension| extension.to_str())
        {
            _ if is_standard => Some(Format::Csv),
            Some("npy") if is_a_file => Some(Format::Npy),
            Some("csv") if is_a_file => Some(Format::Csv),
            _ if is_a_file => None,
            _ => Some(Format::Png),
        };
        let refuse = |problem: &str, hint| {
            Err(OutputError::Unwritable {
                path: path.to_owned(),
                problem: problem.to_owned(),
                hint,
            })
        };
        let is_other = |by_name| format.is_some_and(|format| format != by_name);
        if !is_standard && is_a_file && by_name.is_some_and(is_other) {
            return refuse(
                "has an extension that contradicts --format",
                "omit --format, or use the extension of that format",
            );
        }
        if is_a_file && format == Some(Format::Png) {
            return refuse(
                "would be a folder of images, but its name has a file extension",
                "remove the extension, or end the name with / to create a folder of that name",
            );
        }
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
                    kept: Kept::default(),
                }
            }
            Format::Csv => match is_standard {
                true => Sink::Text(Box::new(csv::Writer::from_writer(io::stdout()))),
                false => {
                    let file = BufWriter::new(pending(path)?);
                    Sink::Csv(Box::new(csv::Writer::from_writer(file)))
                }
            },
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
                Sink::Png {
                    shape,
                    folder: Folder::new(path),
                }
            }
        };
        Ok(Self {
            path: path.to_owned(),
            scaling: None,
            inputs: Vec::new(),
            shape: shape.to_vec(),
            columns: columns.to_vec(),
            rows: 0,
            has_begun: false,
            sink,
        })
    }

    /// The same for numbers as a network gives them, which get their units back unless they are drawn.
    #[must_use]
    pub fn with_scaling(self, scaling: Option<Scaling>) -> Self {
        Self { scaling, ..self }
    }

    /// The same, which never writes over any of these files, nor over pictures in these folders.
    ///
    /// # Errors
    /// A file that will be written is an input.
    pub fn sparing(self, inputs: &[PathBuf]) -> Result<Self, OutputError> {
        let inputs = inputs.iter().filter_map(|input| input.canonicalize().ok());
        let output = Self {
            inputs: inputs.collect(),
            ..self
        };
        let beside = match output.sink {
            Sink::Npy { .. } => Kept::files(&output.path),
            _ => Vec::new(),
        };
        let is_folder = matches!(output.sink, Sink::Png { .. });
        let files = std::iter::once(output.path.clone()).filter(|_| !is_folder);
        files
            .chain(beside)
            .try_for_each(|file| output.check_spared(&file))?;
        Ok(output)
    }

    /// Demands that writing to `path` loses no input.
    fn check_spared(&self, path: &Path) -> Result<(), OutputError> {
        let Ok(place) = path.canonicalize() else {
            return Ok(());
        };
        let is_within = |input: &PathBuf| {
            place == *input || (place.starts_with(input) && has_a_pictures_name(&place))
        };
        match self.inputs.iter().any(is_within) {
            false => Ok(()),
            true => Err(OutputError::Unwritable {
                path: path.to_owned(),
                problem: "is an input too, which would be lost".into(),
                hint: "choose another --out",
            }),
        }
    }

    /// Adds rows with what stands beside them.
    ///
    /// # Errors
    /// There is no room, or a name leads out of the folder or to an input.
    pub fn add(&mut self, beside: Beside<'_>, numbers: &[f32]) -> Result<(), OutputError> {
        let scaling = self.scaling.as_ref();
        let in_units = scaling
            .filter(|_| !matches!(self.sink, Sink::Png { .. }))
            .map(|scaling| scaling.undo(numbers));
        let width: usize = self.shape.iter().product();
        let first = self.rows;
        let rows = numbers.len() / width;
        let name = |row: usize| match beside.names {
            Some(names) => names[row].clone(),
            None => (first + row).to_string(),
        };
        if !self.has_begun {
            // Not before there is a row: what fails earlier leaves nothing.
            let heading = [NAME_COLUMN]
                .into_iter()
                .chain(beside.columns())
                .map(str::to_owned);
            let heading: Vec<String> = heading.chain(self.columns.iter().cloned()).collect();
            let heading = heading.iter().map(String::as_str);
            self.sink.record(heading).map_err(files::at(&self.path))?;
            self.has_begun = true;
        }
        let mut sink = std::mem::replace(&mut self.sink, Sink::Nothing);
        let at = |error: io::Error| files::at(&self.path)(error);
        match &mut sink {
            Sink::Npy { file, kept } => {
                let bytes: Vec<u8> = match &in_units {
                    Some(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                    None => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                };
                file.write_all(&bytes).map_err(at)?;
                kept.add(beside, first, rows);
            }
            Sink::Png { shape, folder } => {
                for (row, pixels) in numbers.chunks_exact(width).enumerate() {
                    let name = beside.names.map(|names| names[row].as_str());
                    let mut path = picture_path(&self.path, name, first + row)?;
                    if folder.holds(&path) {
                        // Two folders may hold files of one name.
                        let number = first + row;
                        path.set_extension(format!("{number:0DIGITS$}.png"));
                    }
                    self.check_spared(&path)?;
                    let mut png = io::Cursor::new(Vec::new());
                    let drawn = shape
                        .picture(pixels)
                        .write_to(&mut png, image::ImageFormat::Png);
                    drawn.map_err(|error| at(io::Error::other(error)))?;
                    folder.add(path, png.get_ref())?;
                }
            }
            sink => {
                let fields: Vec<String> = match &in_units {
                    Some(numbers) => numbers.iter().map(ToString::to_string).collect(),
                    None => numbers.iter().map(ToString::to_string).collect(),
                };
                for (row, fields) in fields.chunks_exact(width).enumerate() {
                    let name = name(row);
                    let fields = fields.iter().map(String::as_str);
                    let record = std::iter::once(name.as_str())
                        .chain(beside.fields(row))
                        .chain(fields);
                    sink.record(record).map_err(at)?;
                }
            }
        }
        self.sink = sink;
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
            Sink::Npy { file, kept } => {
                let mut pending = file.into_inner().map_err(|error| at(error.into_error()))?;
                // Only now the number of rows is known; the header has room for it.
                pending.file().rewind().map_err(at)?;
                pending
                    .file()
                    .write_all(&header(rows, &shape, scaling.is_some()))
                    .map_err(at)?;
                commit(pending, &path)?;
                if path != Path::new(STANDARD_INPUT) {
                    files.extend(kept.write(&path)?);
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
            Sink::Png { folder, .. } => folder.finish()?,
            Sink::Nothing => {}
        }
        Ok(Written { rows, files })
    }
}
