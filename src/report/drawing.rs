//! Drawing on an RGB picture with plotters, and one embedded font for every text.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use image::{ImageFormat, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

/// A picture being drawn.
pub type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
/// What plotters says when it cannot draw.
pub type DrawError<'a> = DrawingAreaErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>;

/// Why there is no picture.
#[derive(Debug, Error)]
#[error("{}: {message}", path.display())]
pub struct PictureError {
    pub path: PathBuf,
    pub message: String,
}

/// Colours that people who see few colours can tell apart.
///
/// # Source
/// Okabe and Ito 2008, *Color Universal Design*.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// For series that have no colour of their own.
pub const SERIES_COLOURS: [RGBColor; 9] = [
    BLUE,
    VERMILION,
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(38, 38, 38),
    RGBColor(215, 200, 40),
    RGBColor(140, 90, 60),
];
pub const INK: RGBColor = RGBColor(38, 38, 38);
pub const FAINT: RGBColor = RGBColor(120, 120, 120);

const FONT: &str = "Inter";
/// A part of the font, so that pictures look alike on every machine and need no font of it.
const FONT_FILE: &[u8] = include_bytes!("../../assets/fonts/Inter-subset.otf");

/// The font at a height in pixels.
pub fn font(pixels: u32, colour: RGBColor) -> TextStyle<'static> {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let _ = register_font(FONT, FontStyle::Normal, FONT_FILE);
    });
    TextStyle {
        color: colour.to_backend_color(),
        ..TextStyle::from((FONT, pixels).into_font())
    }
}

/// Draws a white picture with `draw` and writes it as PNG.
///
/// # Errors
/// Drawing or writing fails.
pub fn save(
    path: &Path,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), String>,
) -> Result<(), PictureError> {
    let failed = |message: String| PictureError {
        path: path.to_owned(),
        message,
    };
    let mut pixels = vec![255; 3 * width as usize * height as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        draw(&area).map_err(failed)?;
        area.present().map_err(|error| failed(error.to_string()))?;
    }
    RgbImage::from_raw(width, height, pixels)
        .expect("the buffer has the picture's size")
        .save_with_format(path, ImageFormat::Png)
        .map_err(|error| failed(error.to_string()))
}

/// Draws pixels in [0, 1], rows of `width`, each as a square of `scale` pixels.
pub fn draw_image<'a>(
    area: &Area<'a>,
    pixels: &[f32],
    width: usize,
    scale: usize,
    (left, top): (usize, usize),
) -> Result<(), DrawError<'a>> {
    for (index, &pixel) in pixels.iter().enumerate() {
        let grey = (pixel * 255.0).round() as u8;
        let x = (left + index % width * scale) as i32;
        let y = (top + index / width * scale) as i32;
        let side = scale as i32; // a filled rectangle ends before its lower right corner
        let square = [(x, y), (x + side, y + side)];
        area.draw(&Rectangle::new(square, RGBColor(grey, grey, grey).filled()))?;
    }
    Ok(())
}
