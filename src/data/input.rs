//! Images that a user brings.

use std::path::Path;

use image::ImageReader;

use super::idx;
use super::images::ImageSet;

/// The largest side of a picture worth decoding: far above any network's input, far below what
/// fills the memory.
const MOST_PIXELS_A_SIDE: u32 = 8192;
/// While a picture is decoded: enough for one of the largest size in colour.
const MOST_BYTES: u64 = 256 << 20;

/// Reads a PNG as one grey image, or an IDX file (gzipped or plain) as its images.
///
/// # Errors
/// The file cannot be read, or is neither; as text, without the path.
pub fn read_images(path: &Path) -> Result<ImageSet, String> {
    let is_png = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    match is_png {
        true => read_png(path),
        false => read_idx(path),
    }
}

fn read_png(path: &Path) -> Result<ImageSet, String> {
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| error.to_string())?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_PIXELS_A_SIDE);
    limits.max_image_height = Some(MOST_PIXELS_A_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let grey = reader
        .decode()
        .map_err(|error| error.to_string())?
        .into_luma8();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    match width * height {
        0 => Err("the picture is empty".into()),
        _ => Ok(ImageSet::new(height, width, grey.into_raw(), None)),
    }
}

fn read_idx(path: &Path) -> Result<ImageSet, String> {
    let array =
        idx::read(path, 3, "images, rows, columns").map_err(|error| error.problem.to_string())?;
    let [_, height, width] = array.dimensions[..] else {
        unreachable!("the reader has checked that there are three dimensions")
    };
    match array.elements.is_empty() {
        true => Err("the file holds no pixels".into()),
        false => Ok(ImageSet::new(height, width, array.elements, None)),
    }
}
