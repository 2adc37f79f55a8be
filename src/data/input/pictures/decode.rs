//! Files to samples, with limits on what a file can claim.

use std::error::Error;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgba};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::fit::Depth;
use super::kind::{depth_of_tiff, format_of};
use super::raster::{Plane, Raster, turned};
use super::whole;
use crate::data::input::room::room_for;
use crate::data::input::{Origin, ReadSeek};

/// The largest side of an image worth decoding: far above any network's input, far below what fills the memory.
const MOST_PIXELS_A_SIDE: u32 = 16_384;
/// While an image is decoded: what any camera's takes.
const MOST_BYTES: u64 = 512 << 20;
/// While one of a few bytes is decoded: many formats say in some of them that an image is as large as can be.
const MOST_BYTES_OF_SMALL: u64 = 64 << 20;
/// By how much images are compressed at most.
const MOST_COMPRESSION: u64 = 2000;

type Failure = Box<dyn Error>;

/// Returns the samples of an image the right way up, or why it cannot be read.
pub(super) fn decode(origin: &Origin) -> Result<Raster, String> {
    guarded(|| match decoded(origin)? {
        Decoded::Image(image) => {
            Raster::of(image).ok_or_else(|| "has samples of an unsupported type".into())
        }
        Decoded::Greys(greys) => Ok(Raster::Numbers(greys)),
    })
}

/// The image as the decoder gives it, for runs of earlier versions.
pub(super) fn decode_as_before(origin: &Origin) -> Result<DynamicImage, String> {
    guarded(|| match decoded(origin)? {
        Decoded::Image(image) => Ok(image),
        Decoded::Greys(_) => Err("has floating-point greys".into()),
    })
}

/// A panic in a decoder must not lose the other images.
fn guarded<T>(
    read: impl FnOnce() -> Result<T, Failure> + std::panic::UnwindSafe,
) -> Result<T, String> {
    let read = std::panic::catch_unwind(read).map_err(|_| "its decoder failed".to_owned())?;
    read.map_err(|error| error.to_string())
}

enum Decoded {
    Image(DynamicImage),
    /// Floating-point or signed, which `image` has no type for.
    Greys(Plane<f32>),
}

fn decoded(origin: &Origin) -> Result<Decoded, Failure> {
    let mut stream: Box<dyn ReadSeek> = origin.open()?;
    let length = stream.seek(SeekFrom::End(0))?;
    stream.rewind()?;
    let mut beginning = Vec::new();
    stream.by_ref().take(32).read_to_end(&mut beginning)?;
    stream.rewind()?;
    let Some(format) = format_of(&beginning) else {
        return Err("is not an image in a known format".into());
    };
    let most = length
        .saturating_mul(MOST_COMPRESSION)
        .clamp(MOST_BYTES_OF_SMALL, MOST_BYTES);
    if format == ImageFormat::Tiff {
        // A stack of many pages may be larger than memory.
        return tiff(BufReader::new(stream), length, most);
    }
    if length > MOST_BYTES {
        return Err("is larger than the limit for images".into());
    }
    let mut file = Vec::with_capacity(length as usize);
    stream.take(MOST_BYTES).read_to_end(&mut file)?;
    whole::check(format, &file)?;
    let stream = Cursor::new(&file);
    let image = match format {
        ImageFormat::WebP => {
            let mut decoder = WebPDecoder::new(stream)?;
            if decoder.has_animation() {
                // As in browsers, the background colour that an animation declares is ignored.
                decoder.set_background_color(Rgba([0; 4]))?;
            }
            finished(decoder, most)?
        }
        _ => image(ImageReader::with_format(stream, format), most)?,
    };
    Ok(Decoded::Image(image))
}

fn limits(most: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_PIXELS_A_SIDE);
    limits.max_image_height = Some(MOST_PIXELS_A_SIDE);
    limits.max_alloc = Some(most);
    limits
}

fn image<R: BufRead + Seek>(
    mut reader: ImageReader<R>,
    most: u64,
) -> Result<DynamicImage, ImageError> {
    // The metadata before the pixels, such as colour profiles, is never large.
    reader.limits(limits(MOST_BYTES_OF_SMALL));
    finished(reader.into_decoder()?, most)
}

fn finished(mut decoder: impl ImageDecoder, most: u64) -> Result<DynamicImage, ImageError> {
    // Cameras say which side is up rather than turning the pixels.
    let orientation = decoder.orientation();
    if decoder.total_bytes() > most {
        return Err(too_large(decoder.dimensions()));
    }
    decoder.set_limits(limits(most))?;
    let _room = room_for(decoder.total_bytes());
    let mut image = DynamicImage::from_decoder(decoder)?;
    if let Ok(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

fn too_large((width, height): (u32, u32)) -> ImageError {
    let problem =
        format!("claims {width}×{height} pixels, more than the limit for a file of its size");
    ImageError::IoError(std::io::Error::other(problem))
}

/// The first page of a TIFF.
fn tiff<R: BufRead + Seek>(mut stream: R, length: u64, most: u64) -> Result<Decoded, Failure> {
    let mut decoder = Decoder::new(&mut stream)?.with_limits(tiff_limits(most));
    check_strips(&mut decoder, length)?;
    if let ColorType::Gray(_) = decoder.colortype()?
        && depth_of_tiff(&mut decoder) == Some(Depth::Numbers)
    {
        return Ok(Decoded::Greys(greys(&mut decoder)?));
    }
    drop(decoder);
    stream.rewind()?;
    let image = image(ImageReader::with_format(stream, ImageFormat::Tiff), most)?;
    Ok(Decoded::Image(image))
}

fn tiff_limits(most: u64) -> tiff::decoder::Limits {
    let mut limits = tiff::decoder::Limits::default();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    limits.decoding_buffer_size = most;
    limits.intermediate_buffer_size = most;
    limits.ifd_value_size = most;
    limits
}

/// Checks that the coded data of a page are within the file: decoders of compressed ones may be content with less.
fn check_strips<R: Read + Seek>(decoder: &mut Decoder<R>, length: u64) -> Result<(), Failure> {
    for (offsets, counts) in [
        (Tag::StripOffsets, Tag::StripByteCounts),
        (Tag::TileOffsets, Tag::TileByteCounts),
    ] {
        let offsets = decoder
            .find_tag_unsigned_vec::<u64>(offsets)?
            .unwrap_or_default();
        let counts = decoder
            .find_tag_unsigned_vec::<u64>(counts)?
            .unwrap_or_default();
        let ends = offsets.iter().zip(&counts);
        if ends
            .map(|(offset, count)| offset.saturating_add(*count))
            .any(|end| end > length)
        {
            return Err(whole::CUT_OFF.into());
        }
    }
    Ok(())
}

/// The samples of a grey page that are not unsigned bytes or words.
fn greys<R: Read + Seek>(decoder: &mut Decoder<R>) -> Result<Plane<f32>, Failure> {
    let (width, height) = decoder.dimensions()?;
    if width > MOST_PIXELS_A_SIDE || height > MOST_PIXELS_A_SIDE {
        return Err(too_large((width, height)).into());
    }
    let orientation = decoder.find_tag(Tag::Orientation)?;
    let orientation = orientation
        .and_then(|value| Orientation::from_exif(value.into_u16().ok()?.try_into().ok()?))
        .unwrap_or(Orientation::NoTransforms);
    let samples: Vec<f32> = match decoder.read_image()? {
        DecodingResult::F32(numbers) => numbers,
        DecodingResult::F64(numbers) => numbers.into_iter().map(|x| x as f32).collect(),
        DecodingResult::F16(numbers) => numbers.into_iter().map(f32::from).collect(),
        DecodingResult::I8(numbers) => numbers.into_iter().map(f32::from).collect(),
        DecodingResult::I16(numbers) => numbers.into_iter().map(f32::from).collect(),
        DecodingResult::I32(numbers) => numbers.into_iter().map(|x| x as f32).collect(),
        DecodingResult::U32(numbers) => numbers.into_iter().map(|x| x as f32).collect(),
        _ => return Err("has samples of an unsupported type".into()),
    };
    if samples.len() != width as usize * height as usize {
        return Err("has a number of samples that contradicts its size".into());
    }
    if samples.iter().any(|sample| !sample.is_finite()) {
        return Err("has samples that are not finite (NaN)".into());
    }
    let plane = Plane {
        width,
        height,
        channels: 1,
        samples,
    };
    Ok(turned(plane, orientation))
}
