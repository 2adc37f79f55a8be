//! One file to the numbers of an example.

use image::DynamicImage;
use image::imageops::FilterType;

use super::decode::{decode, decode_as_before};
use super::fit::{Depth, Fit, Like, Resize, Samples};
use super::raster::{Plane, Raster};
use crate::data::Shape;
use crate::data::input::{MOST_NUMBERS, Origin, RawValues};

/// The numbers of an image.
#[derive(Debug)]
pub(super) struct Example {
    pub(super) shape: Shape,
    pub(super) values: RawValues,
    /// The least and the greatest sample, where the range of the type need not be that of the data.
    pub(super) extremes: Option<(f64, f64)>,
}

/// Reads an image as an example; or says why it cannot be one.
pub(super) fn example(origin: &Origin, fit: &Fit, like: Option<Like>) -> Result<Example, String> {
    let Some(like) = like else {
        return as_before(origin, fit);
    };
    let raster = decode(origin)?;
    let is_empty = match &raster {
        Raster::Bytes(plane) => plane.samples.is_empty(),
        Raster::Words(plane) => plane.samples.is_empty(),
        Raster::Numbers(plane) => plane.samples.is_empty(),
    };
    if is_empty {
        return Err("the image is empty".into());
    }
    if fit.resize.is_none() {
        check_size(&raster)?;
    }
    match raster {
        Raster::Bytes(plane) if like.bytes && like.depth != Depth::Sixteen => {
            let (shape, mut bytes) = plane.fitted(fit, |byte| byte);
            if fit.invert {
                bytes.iter_mut().for_each(|byte| *byte = 255 - *byte);
            }
            Ok(Example {
                shape,
                values: RawValues::Bytes(bytes),
                extremes: None,
            })
        }
        Raster::Bytes(plane) if like.depth == Depth::Sixteen => words(widened(plane), fit, like),
        Raster::Bytes(plane) => {
            let shade = shade(fit, like, Depth::Eight);
            let (shape, bytes) = plane.fitted(fit, |byte| shade(byte) as u8);
            let samples = bytes.into_iter().map(f64::from);
            numbers(shape, of_white(samples, Depth::Eight, like), fit, like)
        }
        Raster::Words(plane) => words(plane, fit, like),
        Raster::Numbers(plane) if like.depth == Depth::Numbers => {
            let extremes = extremes(&plane);
            let (low, high) = fit.range.unwrap_or((like.black, like.white));
            let shade = |byte| (low + f64::from(byte) / 255.0 * (high - low)) as f32;
            let (shape, samples) = plane.fitted(fit, shade);
            let samples = samples.into_iter().map(f64::from).collect();
            let mut example = numbers(shape, samples, fit, like)?;
            example.extremes = Some(extremes);
            Ok(example)
        }
        Raster::Numbers(_) => Err(
            "has floating-point or signed samples, whose black and white are unknown; the others have 8 or 16 bits".into(),
        ),
    }
}

/// Bounds an image that is not brought to a size: its numbers take many times the memory of its samples.
fn check_size(raster: &Raster) -> Result<(), String> {
    let (width, height) = match raster {
        // These stay bytes.
        Raster::Bytes(_) => return Ok(()),
        Raster::Words(plane) => (plane.width, plane.height),
        Raster::Numbers(plane) => (plane.width, plane.height),
    };
    match width as usize * height as usize <= MOST_NUMBERS {
        true => Ok(()),
        false => Err(format!(
            "is {height}×{width}, larger than any network's input; resize images with data.resize"
        )),
    }
}

/// An image of 8 bits on the scale of 16.
fn widened(plane: Plane<u8>) -> Plane<u16> {
    let words = plane.samples.into_iter().map(|byte| u16::from(byte) * 257);
    Plane {
        width: plane.width,
        height: plane.height,
        channels: plane.channels,
        samples: words.collect(),
    }
}

fn words(plane: Plane<u16>, fit: &Fit, like: Like) -> Result<Example, String> {
    let extremes = extremes(&plane);
    let shade = shade(fit, like, Depth::Sixteen);
    let (shape, samples) = plane.fitted(fit, |byte| shade(byte) as u16);
    let samples = samples.into_iter().map(f64::from);
    let mut example = numbers(shape, of_white(samples, Depth::Sixteen, like), fit, like)?;
    example.extremes = Some(extremes);
    Ok(example)
}

/// The sample of a byte of the background: white is the greatest of the range.
fn shade(fit: &Fit, like: Like, depth: Depth) -> impl Fn(u8) -> f64 {
    let of_type = depth.white() / like.depth.white();
    let (low, high) = match (fit.range, like.depth) {
        (Some((low, high)), Depth::Eight | Depth::Sixteen) => (low * of_type, high * of_type),
        _ => (0.0, depth.white()),
    };
    move |byte| {
        let sample = low + f64::from(byte) * (high - low) / 255.0;
        sample.round().clamp(0.0, depth.white())
    }
}

/// Samples of a type as numbers on the scale of `like`.
fn of_white(samples: impl Iterator<Item = f64>, depth: Depth, like: Like) -> Vec<f64> {
    let (black, width) = (like.black, like.white - like.black);
    samples
        .map(|sample| black + sample * width / depth.white())
        .collect()
}

/// Checks the range of numbers, and inverts them.
fn numbers(shape: Shape, mut numbers: Vec<f64>, fit: &Fit, like: Like) -> Result<Example, String> {
    /// By how much rounding can exceed a range, as a part of it.
    const ROUNDING: f64 = 1e-6;
    if let Some((low, high)) = fit.range {
        let more = ROUNDING * (high - low);
        let within = low - more..=high + more;
        if let Some(number) = numbers.iter().find(|number| !within.contains(number)) {
            return Err(format!(
                "has a sample of {number}, beyond data.range = [{low}, {high}]"
            ));
        }
    }
    if fit.invert {
        let (low, high) = fit.range.unwrap_or((like.black, like.white));
        numbers.iter_mut().for_each(|x| *x = low + high - *x);
    }
    Ok(Example {
        shape,
        values: RawValues::Numbers(numbers),
        extremes: None,
    })
}

/// The least and the greatest sample of an image, but for its opacity.
fn extremes<S: Copy + Into<f64>>(plane: &Plane<S>) -> (f64, f64) {
    let colours = match plane.channels {
        2 => 1,
        4 => 3,
        channels => channels,
    };
    let pixels = plane.samples.chunks_exact(plane.channels);
    let samples = pixels.flat_map(|pixel| &pixel[..colours]);
    samples.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, greatest), &sample| {
            // Without the sign of a zero.
            let sample = sample.into() + 0.0;
            (least.min(sample), greatest.max(sample))
        },
    )
}

/// What earlier versions of this program made of an image, whose runs keep it: transparency is ignored, and 16 bits are reduced
/// to 8.
fn as_before(origin: &Origin, fit: &Fit) -> Result<Example, String> {
    let mut image = decode_as_before(origin)?;
    if image.width() == 0 || image.height() == 0 {
        return Err("the image is empty".into());
    }
    if let Some(Resize { size, crop }) = fit.resize {
        let (height, width) = (size.0 as u32, size.1 as u32);
        if crop {
            image = crop_to_shape(&image, height, width);
        }
        if (image.height(), image.width()) != (height, width) {
            image = image.resize_exact(width, height, FilterType::Triangle);
        }
    }
    let (height, width) = (image.height() as usize, image.width() as usize);
    let (channels, mut bytes) = match fit.grayscale {
        true => (1, image.into_luma8().into_raw()),
        false => (3, image.into_rgb8().into_raw()),
    };
    if fit.invert {
        bytes.iter_mut().for_each(|byte| *byte = 255 - *byte);
    }
    let shape = Shape {
        height,
        width,
        channels,
    };
    Ok(Example {
        shape,
        values: RawValues::Bytes(bytes),
        extremes: None,
    })
}

/// The middle of an image, of the shape that `height` and `width` have: as wide as can be, or as high.
fn crop_to_shape(image: &DynamicImage, height: u32, width: u32) -> DynamicImage {
    let (given_height, given_width) = (u64::from(image.height()), u64::from(image.width()));
    let (height, width) = (u64::from(height), u64::from(width));
    let (cut_height, cut_width) = match given_width * height > given_height * width {
        true => (given_height, (given_height * width / height).max(1)),
        false => ((given_width * height / width).max(1), given_width),
    };
    let left = ((given_width - cut_width) / 2) as u32;
    let top = ((given_height - cut_height) / 2) as u32;
    image.crop_imm(left, top, cut_width as u32, cut_height as u32)
}

impl Samples {
    /// Returns the scale of numbers for files of at most this depth; none for runs of earlier versions.
    pub(super) fn scale(self, depth: Depth, range: Option<(f64, f64)>) -> Option<Like> {
        match self {
            Self::Bytes => None,
            Self::Like(like) => Some(like),
            Self::OfFiles => {
                let (black, white) = match (depth, range) {
                    (Depth::Numbers, Some(range)) => range,
                    _ => (0.0, depth.white()),
                };
                Some(Like {
                    depth,
                    black,
                    white,
                    bytes: depth == Depth::Eight && range.is_none(),
                })
            }
        }
    }
}
