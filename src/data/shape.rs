//! What one example looks like.

use std::fmt;

use image::{DynamicImage, GrayImage, RgbImage};

/// Height, width and channels of an example. Numbers that are no picture are one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// 1 of a grey image, 3 of a coloured one; those of a pixel follow each other.
    #[serde(default = "one")]
    pub channels: usize,
}

fn one() -> usize {
    1
}

impl Shape {
    /// A grey image.
    pub const fn grey(height: usize, width: usize) -> Self {
        Self {
            height,
            width,
            channels: 1,
        }
    }

    /// A row of numbers.
    pub const fn row(numbers: usize) -> Self {
        Self::grey(1, numbers)
    }

    /// The numbers that an example consists of.
    pub const fn size(self) -> usize {
        self.height * self.width * self.channels
    }

    /// The same, where a file may claim any.
    pub fn checked_size(self) -> Option<usize> {
        self.height
            .checked_mul(self.width)?
            .checked_mul(self.channels)
    }

    /// Numbers of an example in [0, 1] as a picture; what is below or above is drawn as 0 or 1.
    ///
    /// # Panics
    /// There are not as many numbers, or other than 1 or 3 channels.
    pub fn picture(self, numbers: &[f32]) -> DynamicImage {
        let bytes = numbers.iter().map(|x| (255.0 * x).round() as u8).collect();
        let (width, height) = (self.width as u32, self.height as u32);
        let picture = match self.channels {
            3 => RgbImage::from_raw(width, height, bytes).map(DynamicImage::from),
            _ => GrayImage::from_raw(width, height, bytes).map(DynamicImage::from),
        };
        picture.expect("as many numbers as that")
    }

    /// Whether it is one row of grey pixels or other numbers.
    pub const fn is_row(self) -> bool {
        self.height == 1 && self.channels == 1
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            height,
            width,
            channels,
        } = self;
        match channels {
            1 => write!(f, "{height}×{width}"),
            _ => write!(f, "{height}×{width}×{channels}"),
        }
    }
}
