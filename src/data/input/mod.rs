//! Examples that users bring: pictures, arrays, tables and IDX files, read a block at a time and in order.

mod array;
mod gzip;
mod labels;
mod pictures;
mod room;
mod table;
mod unreadable;

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;
use thiserror::Error;

pub use array::{Array, LABELS, names_of_arrays};
pub use labels::{Labels, read_labels};
pub use pictures::{
    Background, Depth, Fit, GreyWeights, Like, Pictures, Resize, Samples, has_a_pictures_name,
    is_hidden,
};
pub use table::{
    Columns, Decimal, Dialect, Dropped, NAME_COLUMN, Separator, Table, encoding_named,
};
pub use unreadable::{Unreadable, UnreadableExamples};

use super::idx;
use super::idx_files;
use super::pixels;
use super::shape::Shape;
use super::warnings::Warnings;
use crate::files;
use gzip::{GZIP_MAGIC, Unzipped};

/// Where examples come from: opened, looked at, and not read yet.
#[derive(Debug)]
pub enum Input {
    /// Files that hold a picture each.
    Pictures(Pictures),
    /// `.npy`, or an array of an `.npz`.
    Array(Array),
    /// Text in columns.
    Table(Table),
    /// An IDX file of images.
    Idx(Idx),
}

/// The numbers of some examples, one example after another, as a file holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum RawValues {
    /// From 0 to 255; of an image from black to white.
    Bytes(Vec<u8>),
    /// Not scaled yet, therefore in double precision.
    Numbers(Vec<f64>),
}

impl RawValues {
    /// The number of numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Returns whether there are no numbers.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Some examples in a row.
#[derive(Clone, Debug)]
pub struct Block {
    pub values: RawValues,
    /// Of each example, where the input has names for them: file names, or those of a column.
    pub names: Option<Vec<String>>,
    /// Of each example, where the input has classes: folders, or a column.
    pub classes: Option<Vec<String>>,
}

/// The interpretation of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Decisions and their reasons.
    pub decisions: Vec<String>,
    /// Decisions that may contradict the user's intention.
    pub warnings: Vec<String>,
}

impl Notes {
    /// The same with the path of the input before each.
    pub fn at(self, path: &Path) -> Self {
        let at = |notes: Vec<String>| {
            let at = |note| format!("{}: {note}", path.display());
            notes.into_iter().map(at).collect()
        };
        Self {
            decisions: at(self.decisions),
            warnings: at(self.warnings),
        }
    }
}

/// Told after each block: examples read so far, and of how many, if that is known.
pub type Watch<'a> = &'a mut dyn FnMut(usize, Option<usize>);

/// Why an input cannot be read.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct InputError {
    pub path: PathBuf,
    pub problem: String,
    /// What the user can do about it.
    pub hint: String,
}

impl InputError {
    fn new(path: &Path, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |error| {
            let hint = match error.kind() {
                io::ErrorKind::NotFound => "check the path",
                io::ErrorKind::StorageFull => {
                    "free some space in the user's cache directory, where piped input is stored"
                }
                _ => "check that it can be read and is whole",
            };
            Self::new(&path, error.to_string(), hint)
        }
    }
}

/// How inputs are to be understood where they leave it open.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What one example looks like, where it is known.
    pub shape: Option<Shape>,
    pub fit: Fit,
    /// Which numbers the samples of images become.
    pub samples: Samples,
    /// Whether IDX files hold rows and columns of images the other way round.
    pub transpose: bool,
    /// Which array of an `.npz`.
    pub array: Option<String>,
    /// Arrays of an `.npz` that hold classes, not examples.
    pub label_arrays: Vec<String>,
    pub columns: Columns,
    pub words: Words,
    /// Warnings that readers add.
    pub warnings: Warnings,
}

/// How users say what is left open, for what an error tells them to do.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    pub array: &'static str,
    /// With `SIZE` where a size is to be written.
    pub resize: &'static str,
    pub label: &'static str,
}

impl Default for Words {
    /// In a config.
    fn default() -> Self {
        Self {
            array: "name one with data.array, or give a file with one",
            resize: "data.resize = SIZE",
            label: "data.labels",
        }
    }
}

impl Words {
    /// On a command line.
    pub const OF_OPTIONS: Self = Self {
        array: "name one with --array, or give a file with one",
        resize: "--resize",
        label: "--label",
    };
}

/// Bytes at the beginning of an input that tell what it is.
const BEGINNING: u64 = 512;
/// What stands for standard input.
pub const STANDARD_INPUT: &str = "-";
/// Numbers that are read at a time.
const NUMBERS_AT_A_TIME: usize = 1 << 21;
/// Numbers that are read at a time where even a few examples have more.
const MOST_NUMBERS_AT_A_TIME: usize = 1 << 24;
/// The least and the most examples that are.
const EXAMPLES_AT_A_TIME: (usize, usize) = (16, 4096);
/// The largest example that is read: numbers.
const MOST_NUMBERS: usize = 1 << 24;

impl Input {
    /// Opens a file of any kind that is known, by what it begins with; a directory of pictures; or `-`, standard input.
    ///
    /// # Errors
    /// There is none, it is of no kind that is known, or it holds something else than examples.
    pub fn open(path: &Path, options: &Options) -> Result<Self, InputError> {
        if path == Path::new(STANDARD_INPUT) {
            let kept = Origin::keep(&mut io::stdin().lock()).map_err(InputError::io(path))?;
            return Self::of(kept, path, options);
        }
        if path.is_dir() {
            return Ok(Self::Pictures(Pictures::in_directory(path, options)?));
        }
        Self::of(Origin::of(path)?, path, options)
    }

    /// Pictures in several files, in the order given.
    ///
    /// # Errors
    /// None of them can be read.
    pub fn pictures(files: Vec<PathBuf>, options: &Options) -> Result<Self, InputError> {
        Ok(Self::Pictures(Pictures::of(files, options)?))
    }

    fn of(origin: Origin, path: &Path, options: &Options) -> Result<Self, InputError> {
        let mut beginning = origin.beginning().map_err(InputError::io(path))?;
        let stored = origin.clone();
        let mut origin = origin;
        let mut named = path.to_owned();
        let is_gzip = beginning.starts_with(&GZIP_MAGIC);
        if is_gzip {
            origin = Origin::Gzip(Arc::new(origin));
            beginning = origin.beginning().map_err(|error| {
                let problem = format!("is damaged gzip ({error})");
                InputError::new(path, problem, "copy or compress it again")
            })?;
            // `table.csv` of `table.csv.gz`.
            if path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
            {
                named.set_extension("");
            }
        }
        let extension = named.extension().unwrap_or_default().to_ascii_lowercase();
        let is = |names: &[&str]| names.iter().any(|name| extension == *name);
        if beginning.starts_with(array::MAGIC) {
            return Ok(Self::Array(Array::npy(origin, path, options)?));
        }
        // What is called a table may begin with anything.
        let is_table = is(&["csv", "tsv", "txt"]);
        let is_zip = beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06");
        let is_spreadsheet = is(&["xlsx", "xlsm", "ods"]);
        let is_picture = pictures::are_a_pictures(&beginning) || has_a_pictures_name(&named);
        if is_gzip && !is_table && (is_zip || is_picture || beginning.starts_with(&GZIP_MAGIC)) {
            let problem = "is gzipped, and holds neither .npy, IDX nor text";
            let hint = "decompress it with `gunzip` first";
            return Err(InputError::new(path, problem, hint));
        }
        if !is_table && !is_spreadsheet && (is_zip || is(&["npz"])) {
            return Ok(Self::Array(Array::npz(origin, path, options)?));
        }
        if !is_table && is_picture {
            return Ok(Self::Pictures(Pictures::single(origin, path, options)?));
        }
        let format = pictures::unsupported(&beginning, &pictures::extension(&named));
        if let Some(format) = format.filter(|_| !is_table) {
            let problem = pictures::reason_for(format);
            return Err(InputError::new(path, problem, HINT));
        }
        let is_idx = beginning.starts_with(&[0, 0]) || is(&["idx"]);
        if is_idx || named.to_string_lossy().ends_with("-ubyte") {
            // Gzipped or not: its reader compares what the header claims with what is stored.
            return Ok(Self::Idx(Idx::open(stored, path, options.transpose)?));
        }
        if is(&["npy"]) {
            return Err(InputError::new(
                path,
                "is no .npy file: it does not begin as one",
                "write it with numpy.save",
            ));
        }
        let is_workbook = is(&["xlsx", "xlsm", "xls", "ods"]) || (is_table && is_zip);
        if is_workbook {
            return Err(InputError::new(
                path,
                "is a spreadsheet, not a CSV",
                "save it as CSV, in a spreadsheet's menu as \"CSV UTF-8\"",
            ));
        }
        let is_utf_16 = beginning.starts_with(&[0xff, 0xfe])
            || beginning.starts_with(&[0xfe, 0xff])
            || table::utf_16(&beginning).is_some();
        let is_binary = beginning.iter().any(|&byte| byte < 9 || byte == 127);
        if beginning.is_empty() || (is_binary && !is_utf_16) {
            let problem = match beginning.is_empty() {
                true => "is empty",
                false => "is neither a picture, nor .npy, .npz, IDX or CSV",
            };
            return Err(InputError::new(path, problem, HINT));
        }
        Ok(Self::Table(Table::open(origin, path, options)?))
    }

    /// What one example looks like.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Pictures(pictures) => pictures.shape(),
            Self::Array(array) => array.shape(),
            Self::Table(table) => Shape::row(table.columns()),
            Self::Idx(idx) => idx.shape,
        }
    }

    /// How many examples there are at most, where that is known before they are read.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Pictures(pictures) => Some(pictures.count()),
            Self::Array(array) => Some(array.count()),
            Self::Table(_) => None,
            Self::Idx(idx) => Some(idx.count),
        }
    }

    /// How many examples are well read at a time: enough to keep all cores busy, few enough for any memory.
    pub fn at_a_time(&self) -> usize {
        let (least, most) = EXAMPLES_AT_A_TIME;
        let size = self.shape().size();
        // However large an example is, those of a block are no more than memory has room for.
        let room = (MOST_NUMBERS_AT_A_TIME / size).max(1);
        (NUMBERS_AT_A_TIME / size).clamp(least, most).min(room)
    }

    /// Whether examples are bytes, and so between 0 and 1.
    pub fn are_bytes(&self) -> bool {
        match self {
            Self::Pictures(pictures) => pictures.are_bytes(),
            Self::Idx(_) => true,
            Self::Array(array) => array.are_bytes(),
            Self::Table(_) => false,
        }
    }

    /// How it was understood, where that is not plain.
    pub fn notes(&self) -> Notes {
        match self {
            Self::Table(table) => table.notes().clone(),
            _ => Notes::default(),
        }
    }

    /// The columns that are not read.
    pub fn dropped(&self) -> &[Dropped] {
        match self {
            Self::Table(table) => table.dropped(),
            _ => &[],
        }
    }

    /// Returns whether the examples have classes.
    pub fn has_classes(&self) -> bool {
        match self {
            Self::Pictures(pictures) => !pictures.classes().is_empty(),
            Self::Table(table) => table.has_classes(),
            Self::Array(_) | Self::Idx(_) => false,
        }
    }

    /// Names of the columns, where there are some.
    pub fn column_names(&self) -> Option<&[String]> {
        match self {
            Self::Table(table) => table.names(),
            _ => None,
        }
    }

    /// Reads all examples in order, about `most` at a time, and gives each block to `each`. What cannot be read and leaves the
    /// others alone is left out and returned at the end.
    ///
    /// # Errors
    /// The input ends early or cannot be read any more, or `each` fails.
    pub fn read<E: From<InputError>>(
        &self,
        most: usize,
        watch: Watch<'_>,
        each: &mut dyn FnMut(Block) -> Result<(), E>,
    ) -> Result<UnreadableExamples, E> {
        self.read_until(most, watch, &mut |block| {
            each(block).map(ControlFlow::Continue)
        })
    }

    /// The same until `each` breaks off. What could not be read in the blocks until then is returned all the same.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_until<E: From<InputError>>(
        &self,
        most: usize,
        watch: Watch<'_>,
        each: &mut dyn FnMut(Block) -> Result<ControlFlow<()>, E>,
    ) -> Result<UnreadableExamples, E> {
        let total = self.count();
        let mut done = 0;
        let mut each = |block: Block, seen: usize| -> Result<ControlFlow<()>, E> {
            done += seen;
            let answer = match block.values.is_empty() {
                true => ControlFlow::Continue(()),
                false => each(block)?,
            };
            watch(done, total);
            Ok(answer)
        };
        match self {
            Self::Pictures(pictures) => pictures.read(most, &mut each),
            Self::Array(array) => array.read(most, &mut each),
            Self::Table(table) => table.read(most, &mut each),
            Self::Idx(idx) => idx.read(most, &mut each),
        }
    }
}

/// Takes a block and how many examples were looked at for it, and says whether to go on.
type Each<'a, E> = &'a mut dyn FnMut(Block, usize) -> Result<ControlFlow<()>, E>;

const HINT: &str = "give PNG, JPEG, WebP, BMP, TIFF, GIF, PNM or QOI images or a folder of them, a .npy or .npz of numbers, an IDX file, or a CSV";

/// Bytes that can be read again from the beginning.
#[derive(Clone, Debug)]
enum Origin {
    File(PathBuf),
    /// What came through a pipe, in a file that goes with it.
    Kept(Arc<NamedTempFile>),
    /// What another one holds gzipped.
    Gzip(Arc<Origin>),
}

/// What bytes are read from.
trait ReadSeek: Read + io::Seek + Send {}
impl<T: Read + io::Seek + Send> ReadSeek for T {}

impl Origin {
    /// A file, or what comes through a pipe.
    fn of(path: &Path) -> Result<Self, InputError> {
        let is_pipe = std::fs::metadata(path).is_ok_and(|there| !there.is_file());
        if !is_pipe {
            return Ok(Self::File(path.to_owned()));
        }
        let mut pipe = File::open(path).map_err(InputError::io(path))?;
        Self::keep(&mut pipe).map_err(InputError::io(path))
    }

    /// The first bytes, by which kinds of files are told apart.
    fn beginning(&self) -> io::Result<Vec<u8>> {
        let mut beginning = Vec::new();
        self.open()?.take(BEGINNING).read_to_end(&mut beginning)?;
        Ok(beginning)
    }

    /// Returns whether going back costs nothing.
    fn is_seekable(&self) -> bool {
        !matches!(self, Self::Gzip(_))
    }

    fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(Box::new(match self {
            // A pipe among files would be waited for without end.
            Self::File(path) => files::open_regular(path)?,
            Self::Kept(file) => file.reopen()?,
            Self::Gzip(zipped) => return Ok(Box::new(Unzipped::open(zipped)?)),
        }))
    }

    /// The file.
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Kept(file) => file.path(),
            Self::Gzip(zipped) => zipped.path(),
        }
    }

    /// Keeps what can be read once.
    fn keep(once: &mut dyn Read) -> io::Result<Self> {
        let mut file = pixels::temporary(|directory| NamedTempFile::new_in(directory))?;
        // An endless stream must not fill a shared disk.
        let most = files::free_bytes(file.as_file())? / 2;
        let kept = io::copy(&mut once.take(most), file.as_file_mut())?;
        if kept == most && once.read(&mut [0])? > 0 {
            let problem = format!("more than {} MB, half of the free space", most / 1_000_000);
            return Err(io::Error::new(io::ErrorKind::StorageFull, problem));
        }
        Ok(Self::Kept(Arc::new(file)))
    }
}

/// An IDX file of images.
#[derive(Debug)]
pub struct Idx {
    origin: Origin,
    path: PathBuf,
    shape: Shape,
    count: usize,
    /// Whether rows and columns are the other way round in the file.
    is_transposed: bool,
}

impl Idx {
    fn open(origin: Origin, path: &Path, is_transposed: bool) -> Result<Self, InputError> {
        let stream = origin.open().map_err(InputError::io(path))?;
        let mut idx = Self {
            origin,
            path: path.to_owned(),
            shape: Shape::row(0),
            count: 0,
            is_transposed,
        };
        let dimensions =
            idx::header(stream, 3, IDX_DIMENSIONS).map_err(|error| idx.error(&error))?;
        idx.count = dimensions[0];
        idx.shape = match is_transposed {
            true => Shape::grey(dimensions[2], dimensions[1]),
            false => Shape::grey(dimensions[1], dimensions[2]),
        };
        check_size(path, idx.shape)?;
        match idx.count {
            0 => Err(InputError::new(path, "holds no images", HINT)),
            _ => Ok(idx),
        }
    }

    fn error(&self, problem: &idx::IdxProblem) -> InputError {
        InputError::new(
            &self.path,
            problem.to_string(),
            "give an IDX file of images as MNIST's are, gzipped or not",
        )
    }

    fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<UnreadableExamples, E> {
        let stream = self.origin.open().map_err(InputError::io(&self.path))?;
        let size = self.shape.size();
        idx::stream(stream, 3, IDX_DIMENSIONS, most * size, &mut |bytes| {
            let seen = bytes.len() / size;
            let bytes = match self.is_transposed {
                true => idx_files::transposed(&bytes, self.shape),
                false => bytes,
            };
            let block = Block {
                values: RawValues::Bytes(bytes),
                names: None,
                classes: None,
            };
            each(block, seen)
        })
        .map_err(|error| match error {
            idx::StreamError::Problem(problem) => self.error(&problem).into(),
            idx::StreamError::Taker(error) => error,
        })?;
        Ok(UnreadableExamples::new())
    }
}

const IDX_DIMENSIONS: &str = "images, rows, columns";

fn check_size(path: &Path, shape: Shape) -> Result<(), InputError> {
    match shape.checked_size() {
        Some(1..=MOST_NUMBERS) => Ok(()),
        Some(0) => Err(InputError::new(
            path,
            format!("holds examples of no numbers ({shape})"),
            HINT,
        )),
        _ => {
            let problem = format!("claims {shape} numbers an example");
            Err(InputError::new(
                path,
                problem,
                "no network takes as many; check the file",
            ))
        }
    }
}
