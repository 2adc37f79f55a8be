//! Small grey pictures within the page.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{GrayImage, ImageFormat};

/// A picture of pixels in [0, 1], `[height, width]` row-major, as the address of an `<img>`.
pub fn data_address(pixels: &[f32], (height, width): (usize, usize)) -> String {
    let bytes = pixels
        .iter()
        .map(|&pixel| (255.0 * pixel.clamp(0.0, 1.0)).round() as u8);
    let image = GrayImage::from_raw(width as u32, height as u32, bytes.collect());
    let mut png = Cursor::new(Vec::new());
    image
        .expect("as many pixels as that")
        .write_to(&mut png, ImageFormat::Png)
        .expect("memory takes what is written to it");
    format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png.into_inner())
    )
}
