//! Drawing on an RGB picture with plotters, and one embedded font for every text.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, ImageFormat, Luma, Pixel, Rgb, RgbImage};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

use crate::data::Shape;
use crate::files::{self, FileError};

/// A picture being drawn.
pub type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
/// What plotters says when it cannot draw.
pub type DrawError<'a> = DrawingAreaErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>;

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PictureError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: {message}", path.display())]
    Failed { path: PathBuf, message: String },
    #[error("{} would be {width}×{height} pixels, more than {MOST_PIXELS}", path.display())]
    TooLarge {
        path: PathBuf,
        width: u32,
        height: u32,
    },
}

/// Of a picture, which takes 300 MB while it is drawn.
const MOST_PIXELS: u64 = 100_000_000;

/// Colours that people who see few colours can tell apart.
///
/// # Source
/// Okabe and Ito 2008, *Color Universal Design*.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// For series that have no colour of their own.
pub const SERIES_COLOURS: [RGBColor; 10] = [
    BLUE,
    VERMILION,
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(38, 38, 38),
    RGBColor(215, 200, 40),
    RGBColor(140, 90, 60),
    RGBColor(95, 60, 150),
];
/// The colour of a class.
pub fn class_colour(class: usize) -> RGBColor {
    match SERIES_COLOURS.get(class) {
        Some(colour) => *colour,
        // Further classes take hues around the circle, a golden section apart.
        None => {
            let (r, g, b) = HSLColor((class as f64 * 0.618).fract(), 0.6, 0.45).rgb();
            RGBColor(r, g, b)
        }
    }
}
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

/// The font of a title: of the height given, or less where the text would be wider than `width`.
pub fn title(text: &str, pixels: u32, width: usize) -> TextStyle<'static> {
    const LEAST: u32 = 11;
    let fits = |pixels: &u32| self::width(text, *pixels) <= width;
    let pixels = (LEAST..=pixels).rev().find(fits).unwrap_or(LEAST);
    font(pixels, INK)
}

/// How wide a text is at a height, in pixels.
pub fn width(text: &str, pixels: u32) -> usize {
    let size = font(pixels, INK).font.box_size(text);
    size.map_or(0, |(width, _)| width as usize)
}

/// Draws a white picture with `draw` and writes it as PNG; a picture that was there stays until then.
///
/// # Errors
/// Drawing or writing fails.
pub fn save(
    path: &Path,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), String>,
) -> Result<(), PictureError> {
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooLarge {
            path: path.to_owned(),
            width,
            height,
        });
    }
    let failed = |message: String| PictureError::Failed {
        path: path.to_owned(),
        message,
    };
    let mut pixels = vec![255; 3 * width as usize * height as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        draw(&area).map_err(failed)?;
        area.present().map_err(|error| failed(error.to_string()))?;
    }
    let mut png = Cursor::new(Vec::new());
    RgbImage::from_raw(width, height, pixels)
        .expect("the buffer has the picture's size")
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| failed(error.to_string()))?;
    Ok(files::write(path, &png.into_inner())?)
}

/// How images of one size are shown: small ones enlarged by a whole factor, so that their pixels stay
/// square and sharp, large ones shrunk.
#[derive(Clone, Copy, Debug)]
pub struct Thumbnail {
    image: Shape,
    /// Height and width after shrinking.
    shrunk: (usize, usize),
    scale: usize,
}

impl Thumbnail {
    /// For images whose longer side becomes `side` at most.
    pub fn new(image: Shape, side: usize) -> Self {
        let (height, width) = (image.height, image.width);
        let longest = height.max(width);
        let shrink = |length: usize| match longest > side {
            true => (length * side / longest).max(1),
            false => length,
        };
        Self {
            image,
            shrunk: (shrink(height), shrink(width)),
            scale: (side / longest).max(1),
        }
    }

    /// Height and width on the picture.
    pub fn size(&self) -> (usize, usize) {
        (self.shrunk.0 * self.scale, self.shrunk.1 * self.scale)
    }

    /// Draws an image: pixels in [0, 1], `[height, width, channels]`; what is below or above is drawn as 0 or 1.
    pub fn draw<'a>(
        &self,
        area: &Area<'a>,
        pixels: &[f32],
        (left, top): (usize, usize),
    ) -> Result<(), DrawError<'a>> {
        let pixels = self.shrink(pixels);
        for (index, pixel) in pixels.chunks_exact(self.image.channels).enumerate() {
            let byte = |channel: usize| (pixel[channel.min(pixel.len() - 1)] * 255.0).round() as u8;
            let colour = RGBColor(byte(0), byte(1), byte(2));
            let x = (left + index % self.shrunk.1 * self.scale) as i32;
            let y = (top + index / self.shrunk.1 * self.scale) as i32;
            let side = self.scale as i32; // a filled rectangle ends before its lower right corner
            let square = [(x, y), (x + side, y + side)];
            area.draw(&Rectangle::new(square, colour.filled()))?;
        }
        Ok(())
    }

    fn shrink(&self, pixels: &[f32]) -> Vec<f32> {
        fn shrunk<P: Pixel<Subpixel = f32> + 'static>(
            pixels: &[f32],
            image: Shape,
            (height, width): (usize, usize),
        ) -> Option<Vec<f32>> {
            let whole = (image.width as u32, image.height as u32);
            let image = ImageBuffer::<P, _>::from_raw(whole.0, whole.1, pixels)?;
            let small = resize(&image, width as u32, height as u32, FilterType::Triangle);
            Some(small.into_raw())
        }
        let shrunk = match (self.image.height, self.image.width) == self.shrunk {
            true => None,
            false if self.image.channels == 1 => {
                shrunk::<Luma<f32>>(pixels, self.image, self.shrunk)
            }
            false => shrunk::<Rgb<f32>>(pixels, self.image, self.shrunk),
        };
        shrunk.unwrap_or_else(|| pixels.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_images_are_enlarged_by_whole_factors_and_large_ones_shrunk() {
        assert_eq!(Thumbnail::new(Shape::grey(28, 28), 64).size(), (56, 56));
        assert_eq!(Thumbnail::new(Shape::grey(2, 3), 10).size(), (6, 9));
        assert_eq!(Thumbnail::new(Shape::grey(1, 200), 50).size(), (1, 50));
        let half = Thumbnail::new(Shape::grey(100, 200), 50);
        assert_eq!(half.size(), (25, 50));
        // The left half is white, and stays so.
        let white_left: Vec<f32> = (0..20_000).map(|i| f32::from(i % 200 < 100)).collect();
        let shrunk = half.shrink(&white_left);
        assert_eq!(shrunk.len(), 25 * 50);
        assert!((shrunk[5] - 1.0).abs() < 1e-6 && shrunk[45].abs() < 1e-6);
    }

    #[test]
    fn long_titles_are_set_smaller_until_they_fit() {
        let text = "a title that says more than there is room for";
        let height = |width| title(text, 26, width).font.get_size();
        assert_eq!(height(2000), 26.0);
        assert!(height(300) < 20.0);
        assert_eq!(height(1), 11.0);
    }

    #[test]
    fn pictures_too_large_for_memory_are_refused() {
        let error = save(Path::new("x.png"), (40_000, 40_000), |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("40000×40000"), "{error}");
    }
}
