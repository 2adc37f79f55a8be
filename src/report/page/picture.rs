//! Small pictures within the page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;

use crate::data::Shape;

/// A picture of pixels in [0, 1], `[height, width, channels]` row-major, as the address of an `<img>`.
pub fn data_address(pixels: &[f32], shape: Shape) -> String {
    let mut png = Cursor::new(Vec::new());
    shape
        .picture(pixels)
        .write_to(&mut png, ImageFormat::Png)
        .expect("memory takes what is written to it");
    format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png.into_inner())
    )
}
