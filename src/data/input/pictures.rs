//! Pictures in files: PNG, JPEG, WebP, BMP and TIFF.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use rayon::prelude::*;

use super::{Block, Each, InputError, Options, Origin, RawValues, Unreadable, Words};
use crate::data::Shape;

/// The largest side of a picture worth decoding: far above any network's input, far below what fills the memory.
const MOST_PIXELS_A_SIDE: u32 = 16_384;
/// While a picture is decoded: what any camera's takes.
const MOST_BYTES: u64 = 512 << 20;
/// While one of a few bytes is decoded: many formats say in some of them that a picture is as large as can be.
const MOST_BYTES_OF_SMALL: u64 = 64 << 20;
/// By how much pictures are compressed at most.
const MOST_COMPRESSION: u64 = 2000;
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff"];
/// Files of which the first is read to learn the pictures' size.
const TRIED: usize = 1000;

/// How pictures are made into examples.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fit {
    /// Height and width that all pictures are brought to; without, they must all have one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<(usize, usize)>,
    /// Whether what goes beyond the shape of `resize` is cut off on both sides; else pictures are stretched.
    pub crop: bool,
    /// Whether colours become greys.
    pub grayscale: bool,
    /// Whether black becomes white and white black.
    pub invert: bool,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            resize: None,
            crop: true,
            grayscale: true,
            invert: false,
        }
    }
}

/// Files that hold a picture each.
#[derive(Debug)]
pub struct Pictures {
    files: Vec<PictureFile>,
    fit: Fit,
    words: Words,
    shape: Shape,
    /// Where they are.
    root: PathBuf,
}

#[derive(Debug)]
struct PictureFile {
    origin: Origin,
    /// Within the directory.
    name: String,
    class: Option<String>,
}

/// Whether a file is called as pictures are.
pub fn has_a_pictures_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.iter().any(|known| extension == *known)
}

impl Pictures {
    /// All pictures of a directory and those within it, in the order of their names. Where each is in a sub-directory, that is
    /// its class.
    pub fn in_directory(root: &Path, options: &Options) -> Result<Self, InputError> {
        let mut paths = Vec::new();
        walk(root, &mut paths)?;
        paths.sort();
        let files: Vec<PictureFile> = paths
            .into_iter()
            .map(|path| {
                let within = path.strip_prefix(root).unwrap_or(&path);
                let mut parts = within.components();
                let first = parts
                    .next()
                    .map(|first| first.as_os_str().to_string_lossy().into_owned());
                PictureFile {
                    name: within.display().to_string(),
                    class: parts.next().and(first),
                    origin: Origin::File(path),
                }
            })
            .collect();
        if files.is_empty() {
            let problem = "holds no pictures, neither directly nor in its folders";
            return Err(InputError::new(root, problem, super::HINT));
        }
        Self::new(files, root, options)
    }

    /// Pictures in the order given.
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
        let files = paths.into_iter().map(|path| PictureFile {
            // Where one name is that of several, the folders tell them apart.
            name: match are_alone {
                true => name(&path),
                false => path.display().to_string(),
            },
            class: None,
            origin: Origin::File(path),
        });
        Self::new(files.collect(), Path::new("the pictures"), options)
    }

    /// One picture.
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
            origin,
            name: name.into_owned(),
            class: None,
        };
        Self::new(vec![file], path, options)
    }

    fn new(
        mut files: Vec<PictureFile>,
        root: &Path,
        options: &Options,
    ) -> Result<Self, InputError> {
        // A few pictures beside the folders would be a class without a name.
        if files.iter().any(|file| file.class.is_none()) {
            files.iter_mut().for_each(|file| file.class = None);
        }
        let mut reason = String::new();
        let mut tried = files.iter().take(TRIED);
        let first = tried.find_map(|file| match decode(&file.origin, &options.fit) {
            Ok((shape, _)) => Some(shape),
            Err(error) => {
                reason = format!("{}: {error}", file.name);
                None
            }
        });
        match first {
            Some(shape) => Ok(Self {
                files,
                fit: options.fit.clone(),
                words: options.words,
                shape,
                root: root.to_owned(),
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
    ) -> Result<Vec<Unreadable>, E> {
        let mut unreadable = Vec::new();
        for files in self.files.chunks(most.max(1)) {
            let decoded: Vec<_> = files
                .par_iter()
                .map(|file| decode(&file.origin, &self.fit))
                .collect();
            let mut values = Vec::with_capacity(files.len() * self.shape.size());
            let (mut names, mut classes) = (Vec::new(), Vec::new());
            for (file, decoded) in files.iter().zip(decoded) {
                match decoded {
                    Ok((shape, pixels)) if shape == self.shape => {
                        values.extend(pixels);
                        names.push(file.name.clone());
                        classes.extend(file.class.clone());
                    }
                    Ok((shape, _)) => return Err(self.other_size(&file.name, shape).into()),
                    Err(reason) => unreadable.push(Unreadable {
                        name: file.name.clone(),
                        reason,
                    }),
                }
            }
            let has_classes = classes.len() == names.len();
            let block = Block {
                values: RawValues::Bytes(values),
                names: Some(names),
                classes: has_classes.then_some(classes),
            };
            if each(block, files.len())?.is_break() {
                break;
            }
        }
        Ok(unreadable)
    }

    fn other_size(&self, name: &str, shape: Shape) -> InputError {
        let problem = format!(
            "pictures have different sizes: {name} is {shape}, those before it are {}",
            self.shape
        );
        let size = format!("[{}, {}]", self.shape.height, self.shape.width);
        let hint = format!(
            "bring all to one size with {}",
            self.words.resize.replace("SIZE", &size)
        );
        InputError::new(&self.root, problem, hint)
    }
}

/// All pictures in a directory, without what is hidden. A link to a directory is not followed, which may lead in circles.
fn walk(directory: &Path, paths: &mut Vec<PathBuf>) -> Result<(), InputError> {
    let entries = fs::read_dir(directory).map_err(InputError::io(directory))?;
    for entry in entries {
        let entry = entry.map_err(InputError::io(directory))?;
        let path = entry.path();
        let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
        if is_hidden(&entry.file_name()) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, paths)?,
            _ if has_a_pictures_name(&path) && !path.is_dir() => paths.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// A picture as bytes, `[height, width, channels]`; or why there is none.
fn decode(origin: &Origin, fit: &Fit) -> Result<(Shape, Vec<u8>), String> {
    let read = || -> Result<DynamicImage, Box<dyn std::error::Error>> {
        let mut stream: Box<dyn super::ReadSeek> = origin.open()?;
        let length = stream.seek(SeekFrom::End(0))?;
        stream.rewind()?;
        let mut reader = ImageReader::new(BufReader::new(stream)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MOST_PIXELS_A_SIDE);
        limits.max_image_height = Some(MOST_PIXELS_A_SIDE);
        let most = length
            .saturating_mul(MOST_COMPRESSION)
            .clamp(MOST_BYTES_OF_SMALL, MOST_BYTES);
        limits.max_alloc = Some(most);
        reader.limits(limits);
        if reader.format().is_none() {
            return Err("is no picture of a known format".into());
        }
        let mut decoder = reader.into_decoder()?;
        // Cameras say which side is up rather than turning the pixels.
        let orientation = decoder.orientation();
        if decoder.total_bytes() > most {
            let (width, height) = decoder.dimensions();
            return Err(format!(
                "claims {width}×{height} pixels, more than the limit for a file of its size"
            )
            .into());
        }
        let mut picture = DynamicImage::from_decoder(decoder)?;
        if let Ok(orientation) = orientation {
            picture.apply_orientation(orientation);
        }
        Ok(picture)
    };
    // A decoder that gives up in a way that its authors did not think of is no reason to lose the other pictures.
    let picture = std::panic::catch_unwind(read).map_err(|_| "its decoder failed".to_owned())?;
    let mut picture = picture.map_err(|error| error.to_string())?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err("the picture is empty".into());
    }
    if let Some((height, width)) = fit.resize {
        let (height, width) = (height as u32, width as u32);
        if fit.crop {
            picture = crop_to_shape(&picture, height, width);
        }
        if (picture.height(), picture.width()) != (height, width) {
            picture = picture.resize_exact(width, height, FilterType::Triangle);
        }
    }
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let (channels, mut bytes) = match fit.grayscale {
        true => (1, picture.into_luma8().into_raw()),
        false => (3, picture.into_rgb8().into_raw()),
    };
    if fit.invert {
        bytes.iter_mut().for_each(|byte| *byte = 255 - *byte);
    }
    let shape = Shape {
        height,
        width,
        channels,
    };
    Ok((shape, bytes))
}

/// The middle of a picture, of the shape that `height` and `width` have.
fn crop_to_shape(picture: &DynamicImage, height: u32, width: u32) -> DynamicImage {
    let (there_height, there_width) = (u64::from(picture.height()), u64::from(picture.width()));
    let (height, width) = (u64::from(height), u64::from(width));
    // As wide as can be, or as high.
    let (cut_height, cut_width) = match there_width * height > there_height * width {
        true => (there_height, (there_height * width / height).max(1)),
        false => ((there_width * height / width).max(1), there_width),
    };
    let left = ((there_width - cut_width) / 2) as u32;
    let top = ((there_height - cut_height) / 2) as u32;
    picture.crop_imm(left, top, cut_width as u32, cut_height as u32)
}

/// Whether bytes begin as those of a picture of a known format do.
pub fn are_a_pictures(beginning: &[u8]) -> bool {
    const FORMATS: [ImageFormat; 5] = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ];
    image::guess_format(beginning).is_ok_and(|format| FORMATS.contains(&format))
}
