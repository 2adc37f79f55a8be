//! Images in files: PNG, JPEG, WebP, BMP, TIFF, GIF, PNM and QOI.

mod decode;
mod example;
mod fit;
mod kind;
mod raster;
mod walk;
mod whole;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::{
    Block, Each, InputError, Options, Origin, RawValues, Unreadable, UnreadableExamples, Warnings,
    Words,
};
use crate::data::Shape;
use example::{Example, example};
pub use fit::{Background, Depth, Fit, GreyWeights, Like, Resize, Samples};
pub use kind::has_a_pictures_name;
use kind::{Kind, kind_of};
pub(super) use kind::{are_a_pictures, extension, unsupported};
pub use walk::is_hidden;

/// Files of which the first is read to learn the images' size.
const TRIED: usize = 1000;
/// Data that use less of the range of 16 bits than this share are those of a sensor with fewer.
const LEAST_SHARE_USED: f64 = 1.0 / 16.0;

/// Files that hold an image each.
#[derive(Debug)]
pub struct Pictures {
    files: Vec<PictureFile>,
    fit: Fit,
    samples: Samples,
    /// The scale of the numbers; nothing for runs of earlier versions.
    like: Option<Like>,
    words: Words,
    shape: Shape,
    /// Where they are.
    root: PathBuf,
    /// Every folder that was looked at, by its real path.
    folders: BTreeSet<PathBuf>,
    warnings: Warnings,
    /// The least and the greatest sample of those that were read.
    extremes: Mutex<Option<(f64, f64)>>,
}

#[derive(Debug)]
struct PictureFile {
    origin: Origin,
    /// Within the directory.
    name: String,
    class: Option<String>,
    kind: Kind,
}

impl PictureFile {
    fn depth(&self) -> Option<Depth> {
        match self.kind {
            Kind::Image { depth, .. } => depth,
            _ => None,
        }
    }

    fn read(&self, fit: &Fit, like: Option<Like>) -> Result<Example, String> {
        match self.kind {
            Kind::Unsupported(format) => Err(reason_for(format)),
            _ => example(&self.origin, fit, like),
        }
    }
}

/// The reason why an image of an unsupported format is skipped.
pub(super) fn reason_for(format: &str) -> String {
    format!("is an image in the {format} format, which is not read; convert it to PNG")
}

impl Pictures {
    /// All images of a directory and those within it, in the order of their names. Where each is in a sub-directory, that is
    /// its class.
    pub fn in_directory(root: &Path, options: &Options) -> Result<Self, InputError> {
        let mut found = walk::walk(root)?;
        let skipped = found.skipped();
        let files: Vec<PictureFile> = std::mem::take(&mut found.images)
            .into_iter()
            .map(|(path, kind)| {
                let within = path.strip_prefix(root).unwrap_or(&path);
                let mut parts = within.components();
                let first = parts
                    .next()
                    .map(|first| first.as_os_str().to_string_lossy().into_owned());
                PictureFile {
                    name: within.display().to_string(),
                    class: parts.next().and(first),
                    origin: Origin::File(path),
                    kind,
                }
            })
            .collect();
        if files.is_empty() {
            let mut problem = "holds no images, neither directly nor in its folders".to_owned();
            if let Some(skipped) = skipped {
                problem += &format!("; {skipped}");
            }
            return Err(InputError::new(root, problem, super::HINT));
        }
        if let Some(skipped) = skipped {
            options
                .warnings
                .add(format!("{}: {skipped}", root.display()));
        }
        Self::new(files, root, found.folders, options)
    }

    /// Images in the order given.
    pub fn of(paths: Vec<PathBuf>, options: &Options) -> Result<Self, InputError> {
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<String> = paths.iter().map(|path| name(path)).collect();
        names.sort_unstable();
        let are_alone = names.windows(2).all(|pair| pair[0] != pair[1]);
        let files = paths.into_par_iter().map(|path| PictureFile {
            // Where one name is that of several, the folders tell them apart.
            name: match are_alone {
                true => name(&path),
                false => path.display().to_string(),
            },
            class: None,
            kind: kind_or_unknown(&path),
            origin: Origin::File(path),
        });
        let root = Path::new("the pictures");
        Self::new(files.collect(), root, BTreeSet::new(), options)
    }

    /// One image.
    pub(super) fn single(
        origin: Origin,
        path: &Path,
        options: &Options,
    ) -> Result<Self, InputError> {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        let file = PictureFile {
            kind: kind_or_unknown(origin.path()),
            origin,
            name: name.into_owned(),
            class: None,
        };
        Self::new(vec![file], path, BTreeSet::new(), options)
    }

    fn new(
        mut files: Vec<PictureFile>,
        root: &Path,
        folders: BTreeSet<PathBuf>,
        options: &Options,
    ) -> Result<Self, InputError> {
        drop_partial_classes(&mut files, root, &options.warnings);
        warn_of_more(&files, &options.warnings);
        let depth = depth_of_all(&files, root)?;
        let like = options.samples.scale(depth, options.fit.range);
        let mut reason = String::new();
        let is_read = |file: &&PictureFile| matches!(file.kind, Kind::Image { .. });
        let are_read = files.iter().filter(is_read).take(TRIED);
        let are_not = files.iter().filter(|file| !is_read(file)).take(1);
        let first = are_read
            .chain(are_not)
            .find_map(|file| match file.read(&options.fit, like) {
                Ok(example) => Some(example.shape),
                Err(error) => {
                    if reason.is_empty() {
                        reason = format!("{}: {error}", file.name);
                    }
                    None
                }
            });
        match first {
            Some(shape) => Ok(Self {
                files,
                fit: options.fit.clone(),
                samples: options.samples,
                like,
                words: options.words,
                shape,
                root: root.to_owned(),
                folders,
                warnings: options.warnings.clone(),
                extremes: Mutex::default(),
            }),
            None if files.len() == 1 => {
                let problem = reason
                    .split_once(": ")
                    .map_or(reason.as_str(), |(_, reason)| reason);
                Err(InputError::new(root, problem, super::HINT))
            }
            None => {
                let problem = format!(
                    "none of the first {} pictures can be read; {reason}",
                    files.len().min(TRIED)
                );
                Err(InputError::new(root, problem, super::HINT))
            }
        }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// Returns whether all examples are given as bytes.
    pub fn are_bytes(&self) -> bool {
        let is_deeper = |file: &PictureFile| file.depth() > Some(Depth::Eight);
        match self.like {
            None => true,
            Some(like) => like.bytes && !self.files.iter().any(is_deeper),
        }
    }

    /// The samples that the numbers are on the scale of; nothing for runs of earlier versions.
    pub fn depth(&self) -> Option<Depth> {
        self.like.map(|like| like.depth)
    }

    /// Brings the samples of training files to the scale of others, which belong to the same network.
    pub fn bring_to(&mut self, depth: Depth) {
        self.like = self.samples.scale(depth, self.fit.range);
    }

    /// Every folder that was looked at, by its real path.
    pub fn folders(&self) -> &BTreeSet<PathBuf> {
        &self.folders
    }

    /// The classes of all files in order, each once.
    pub fn classes(&self) -> Vec<&str> {
        let mut classes: Vec<&str> = self
            .files
            .iter()
            .filter_map(|file| file.class.as_deref())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    pub(super) fn read<E: From<InputError>>(
        &self,
        most: usize,
        each: Each<'_, E>,
    ) -> Result<UnreadableExamples, E> {
        let mut unreadable = UnreadableExamples::new();
        let are_bytes = self.are_bytes();
        for files in self.files.chunks(most.max(1)) {
            let examples: Vec<_> = files
                .par_iter()
                .map(|file| file.read(&self.fit, self.like))
                .collect();
            let mut all = Vec::with_capacity(files.len());
            let (mut names, mut classes) = (Vec::new(), Vec::new());
            for (file, example) in files.iter().zip(examples) {
                match example {
                    Ok(example) if are_bytes && !matches!(example.values, RawValues::Bytes(_)) => {
                        unreadable.push(Unreadable {
                            name: file.name.clone(),
                            reason: "has samples of more bits than its header declares".into(),
                        });
                    }
                    Ok(example) if example.shape == self.shape => {
                        self.note(example.extremes);
                        all.push(example.values);
                        names.push(file.name.clone());
                        classes.extend(file.class.clone());
                    }
                    Ok(example) => return Err(self.other_size(&file.name, example.shape).into()),
                    Err(reason) => unreadable.push(Unreadable {
                        name: file.name.clone(),
                        reason,
                    }),
                }
            }
            let has_classes = classes.len() == names.len();
            let block = Block {
                values: self.joined(all),
                names: Some(names),
                classes: has_classes.then_some(classes),
            };
            if each(block, files.len())?.is_break() {
                break;
            }
        }
        Ok(unreadable)
    }

    /// The numbers of all examples of a block: bytes if all are.
    fn joined(&self, all: Vec<RawValues>) -> RawValues {
        let count = all.iter().map(RawValues::len).sum();
        if all
            .iter()
            .all(|values| matches!(values, RawValues::Bytes(_)))
        {
            let mut joined = Vec::with_capacity(count);
            for values in all {
                if let RawValues::Bytes(bytes) = values {
                    joined.extend(bytes);
                }
            }
            return RawValues::Bytes(joined);
        }
        let (black, white) = self
            .like
            .map_or((0.0, 255.0), |like| (like.black, like.white));
        let mut joined = Vec::with_capacity(count);
        for values in all {
            match values {
                RawValues::Numbers(numbers) => joined.extend(numbers),
                RawValues::Bytes(bytes) => joined.extend(
                    bytes
                        .into_iter()
                        .map(|byte| black + f64::from(byte) * (white - black) / 255.0),
                ),
            }
        }
        RawValues::Numbers(joined)
    }

    fn note(&self, found: Option<(f64, f64)>) {
        let Some((least, greatest)) = found else {
            return;
        };
        let mut extremes = self.extremes.lock().unwrap_or_else(PoisonError::into_inner);
        let (a, b) = extremes.unwrap_or((least, greatest));
        *extremes = Some((a.min(least), b.max(greatest)));
    }

    /// Warns where the samples that were read use little of the range of 16 bits, as those of a camera of 12 bits do.
    pub fn warn_of_range(&self) {
        let extremes = *self.extremes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_whole = self.samples == Samples::OfFiles
            && self.fit.range.is_none()
            && self.depth() == Some(Depth::Sixteen);
        let Some((least, greatest)) = extremes.filter(|_| is_whole) else {
            return;
        };
        if (greatest - least) / Depth::Sixteen.white() >= LEAST_SHARE_USED {
            return;
        }
        // Sensors have whole numbers of bits.
        let bits = (greatest + 1.0).log2().ceil().max(1.0);
        let white = 2f64.powf(bits) - 1.0;
        let remedy = match (greatest - least) / white >= LEAST_SHARE_USED {
            true => format!("data.range = [0, {white}] for data of {bits} bits"),
            false => format!("data.range = [{least}, {greatest}] for these numbers alone"),
        };
        self.warnings.add(format!(
            "{}: the 16-bit samples go from {least} to {greatest}, less than a sixteenth of 0 to 65535; set {remedy}",
            self.root.display()
        ));
    }

    /// The least and the greatest sample of all files that can be read.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let fit = Fit {
            invert: false,
            ..self.fit.clone()
        };
        let found = self.files.par_iter().filter_map(|file| {
            let example = file.read(&fit, self.like).ok()?;
            example.extremes
        });
        found.reduce_with(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn other_size(&self, name: &str, shape: Shape) -> InputError {
        let problem = format!(
            "images have different sizes: {name} is {shape}, those before it are {}",
            self.shape
        );
        let size = format!("[{}, {}]", self.shape.height, self.shape.width);
        let hint = format!(
            "resize all images with {}",
            self.words.resize.replace("SIZE", &size)
        );
        InputError::new(&self.root, problem, hint)
    }
}

/// The kind of a file, if it can be opened; other problems are reported when it is read.
fn kind_or_unknown(path: &Path) -> Kind {
    match kind_of(path) {
        Ok(kind @ (Kind::Image { .. } | Kind::Unsupported(_))) => kind,
        _ => Kind::Image {
            depth: None,
            has_more: false,
        },
    }
}

/// A few images beside the folders would be a class without a name, so that none has one.
fn drop_partial_classes(files: &mut [PictureFile], root: &Path, warnings: &Warnings) {
    let is_read = |file: &&PictureFile| matches!(file.kind, Kind::Image { .. });
    let mut beside = files
        .iter()
        .filter(is_read)
        .filter(|file| file.class.is_none());
    let Some(first) = beside.next() else {
        return;
    };
    if files
        .iter()
        .filter(is_read)
        .any(|file| file.class.is_some())
    {
        warnings.add(format!(
            "{}: {} images lie beside the folders ({}), so the folders are not used as classes; move them into a folder for classes",
            root.display(),
            beside.count() + 1,
            first.name,
        ));
    }
    files.iter_mut().for_each(|file| file.class = None);
}

/// Warns of files with several images, of which one is used.
fn warn_of_more(files: &[PictureFile], warnings: &Warnings) {
    let has_more = |file: &&PictureFile| matches!(file.kind, Kind::Image { has_more: true, .. });
    let mut with_more = files.iter().filter(has_more);
    if let Some(first) = with_more.next() {
        let count = with_more.count() + 1;
        let (are, the) = match count {
            1 => ("1 file has".to_owned(), "its first"),
            _ => (format!("{count} files have"), "the first of each"),
        };
        warnings.add(format!(
            "{are} several pages or frames ({}); {the} is used",
            first.name
        ));
    }
}

/// The depth that the samples of all files can be brought to.
fn depth_of_all(files: &[PictureFile], root: &Path) -> Result<Depth, InputError> {
    let depths = files.iter().filter_map(PictureFile::depth);
    let depth = depths.max().unwrap_or(Depth::Eight);
    let is_other = |file: &&PictureFile| file.depth().is_some_and(|other| other != depth);
    match files.iter().find(is_other) {
        Some(other) if depth == Depth::Numbers => {
            let of_numbers = files.iter().find(|file| file.depth() == Some(depth));
            let of_numbers = of_numbers.map_or("", |file| &file.name);
            let problem = format!(
                "mixes images of floating-point or signed samples ({of_numbers}) with those of 8 or 16 bits ({})",
                other.name
            );
            let hint = "give images of one kind: samples of the two have no common scale";
            Err(InputError::new(root, problem, hint))
        }
        _ => Ok(depth),
    }
}
