//! Decoded samples to those of an example: background, size, greys.

use std::fmt::Debug;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, Luma, LumaA, Pixel, Primitive, Rgb, Rgba};

use super::fit::{Background, Fit, GreyWeights, Resize};
use crate::data::Shape;

/// A decoded image.
#[derive(Debug)]
pub(super) enum Raster {
    Bytes(Plane<u8>),
    Words(Plane<u16>),
    Numbers(Plane<f32>),
}

/// Samples of one type, `[height, width, channels]`: grey, grey and opacity, colour, or colour and opacity.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plane<S> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: usize,
    pub(super) samples: Vec<S>,
}

impl Raster {
    /// The samples of a decoded image; nothing of a type that this program does not know.
    pub(super) fn of(image: DynamicImage) -> Option<Self> {
        let (width, height) = (image.width(), image.height());
        fn plane<S>((width, height): (u32, u32), channels: usize, samples: Vec<S>) -> Plane<S> {
            Plane {
                width,
                height,
                channels,
                samples,
            }
        }
        let size = (width, height);
        Some(match image {
            DynamicImage::ImageLuma8(it) => Self::Bytes(plane(size, 1, it.into_raw())),
            DynamicImage::ImageLumaA8(it) => Self::Bytes(plane(size, 2, it.into_raw())),
            DynamicImage::ImageRgb8(it) => Self::Bytes(plane(size, 3, it.into_raw())),
            DynamicImage::ImageRgba8(it) => Self::Bytes(plane(size, 4, it.into_raw())),
            DynamicImage::ImageLuma16(it) => Self::Words(plane(size, 1, it.into_raw())),
            DynamicImage::ImageLumaA16(it) => Self::Words(plane(size, 2, it.into_raw())),
            DynamicImage::ImageRgb16(it) => Self::Words(plane(size, 3, it.into_raw())),
            DynamicImage::ImageRgba16(it) => Self::Words(plane(size, 4, it.into_raw())),
            DynamicImage::ImageRgb32F(it) => Self::Numbers(plane(size, 3, it.into_raw())),
            DynamicImage::ImageRgba32F(it) => Self::Numbers(plane(size, 4, it.into_raw())),
            _ => return None,
        })
    }
}

/// The arithmetic of a type of samples.
pub(super) trait Sample: Primitive + Debug + 'static {
    /// A colour of so much opacity over a background, rounded to the nearest.
    fn over(self, opacity: Self, background: Self) -> Self;

    /// The grey of a colour.
    fn grey(colour: [Self; 3], weights: GreyWeights) -> Self;

    /// Prepares samples for a filter that keeps within the range of their type; gives what undoes it.
    fn into_range(samples: &mut [Self]) -> (Self, Self);

    /// Undoes [`Self::into_range`].
    fn out_of_range(samples: &mut [Self], range: (Self, Self));
}

macro_rules! integers {
    ($sample:ty, $largest:expr) => {
        impl Sample for $sample {
            fn over(self, opacity: Self, background: Self) -> Self {
                let [colour, opacity, background] = [self, opacity, background].map(u64::from);
                let sum = colour * opacity + background * ($largest - opacity);
                ((sum + $largest / 2) / $largest) as Self
            }

            fn grey(colour: [Self; 3], weights: GreyWeights) -> Self {
                let (weights, sum, added) = weights.integers();
                let weighted: u64 = (0..3).map(|i| weights[i] * u64::from(colour[i])).sum();
                ((weighted + added) / sum) as Self
            }

            fn into_range(_: &mut [Self]) -> (Self, Self) {
                (0, 0)
            }

            fn out_of_range(_: &mut [Self], _: (Self, Self)) {}
        }
    };
}

integers!(u8, 255);
integers!(u16, 65_535);

impl Sample for f32 {
    fn over(self, opacity: Self, background: Self) -> Self {
        self * opacity + background * (1.0 - opacity)
    }

    fn grey(colour: [Self; 3], weights: GreyWeights) -> Self {
        let [red, green, blue] = colour;
        // Exactly the same grey, which rounding would change.
        if red == green && green == blue {
            return red;
        }
        let (weights, sum, _) = weights.integers();
        let weighted = (0..3).map(|i| weights[i] as f64 * f64::from(colour[i]));
        (weighted.sum::<f64>() / sum as f64) as Self
    }

    /// The filter clips floating-point samples to 0 and 1.
    fn into_range(samples: &mut [Self]) -> (Self, Self) {
        let least = samples.iter().copied().fold(Self::INFINITY, Self::min);
        let greatest = samples.iter().copied().fold(Self::NEG_INFINITY, Self::max);
        let width = match greatest - least {
            width if width > 0.0 && width.is_finite() => width,
            _ => 1.0,
        };
        samples.iter_mut().for_each(|x| *x = (*x - least) / width);
        (least, width)
    }

    fn out_of_range(samples: &mut [Self], (least, width): (Self, Self)) {
        samples.iter_mut().for_each(|x| *x = *x * width + least);
    }
}

impl<S: Sample> Plane<S>
where
    Rgb<S>: Pixel<Subpixel = S>,
    Rgba<S>: Pixel<Subpixel = S>,
{
    /// The image without transparency, of the wanted size and as grey or as red, green and blue; `shade` is the sample of a
    /// byte of the background.
    pub(super) fn fitted(mut self, fit: &Fit, shade: impl Fn(u8) -> S) -> (Shape, Vec<S>) {
        if let Some(Background(colour)) = fit.background {
            self = self.over(colour, shade);
        }
        if let Some(Resize { size, crop }) = fit.resize {
            let (height, width) = (size.0 as u32, size.1 as u32);
            if crop {
                self = self.cropped_to_shape(height, width);
            }
            if (self.height, self.width) != (height, width) {
                self = self.resized(height, width);
            }
        }
        let channels = if fit.grayscale { 1 } else { 3 };
        let shape = Shape {
            height: self.height as usize,
            width: self.width as usize,
            channels,
        };
        let weights = fit.grey_weights.unwrap_or(GreyWeights::Rec709);
        let samples = match (channels, self.channels) {
            (1, 1) | (3, 3) => self.samples,
            (1, 2) => self.samples.chunks_exact(2).map(|pixel| pixel[0]).collect(),
            (1, given) => {
                let pixels = self.samples.chunks_exact(given);
                pixels
                    .map(|pixel| S::grey([pixel[0], pixel[1], pixel[2]], weights))
                    .collect()
            }
            (_, given @ (1 | 2)) => {
                let pixels = self.samples.chunks_exact(given);
                pixels.flat_map(|pixel| [pixel[0]; 3]).collect()
            }
            (_, given) => {
                let pixels = self.samples.chunks_exact(given);
                pixels
                    .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
                    .collect()
            }
        };
        (shape, samples)
    }

    /// The image over a colour, before anything else is done to it: the filter would mix the hidden colours of transparent
    /// pixels into those beside them.
    fn over(self, colour: [u8; 3], shade: impl Fn(u8) -> S) -> Self {
        let background = colour.map(shade);
        let is_grey = background[0] == background[1] && background[1] == background[2];
        let (channels, samples) = match (self.channels, is_grey) {
            (1 | 3, _) => return self,
            (2, true) => {
                let pixels = self.samples.chunks_exact(2);
                let grey = |pixel: &[S]| pixel[0].over(pixel[1], background[0]);
                (1, pixels.map(grey).collect())
            }
            (given, _) => {
                let opacity = given - 1;
                let colour = |pixel: &[S]| -> [S; 3] {
                    std::array::from_fn(|i| pixel[i % opacity].over(pixel[opacity], background[i]))
                };
                let pixels = self.samples.chunks_exact(given);
                (3, pixels.flat_map(colour).collect())
            }
        };
        Self {
            channels,
            samples,
            ..self
        }
    }

    /// The middle, of the shape that `height` and `width` have: as wide as can be, or as high.
    fn cropped_to_shape(self, height: u32, width: u32) -> Self {
        let (given_height, given_width) = (u64::from(self.height), u64::from(self.width));
        let (height, width) = (u64::from(height), u64::from(width));
        let (cut_height, cut_width) = match given_width * height > given_height * width {
            true => (given_height, (given_height * width / height).max(1)),
            false => ((given_width * height / width).max(1), given_width),
        };
        if (cut_height, cut_width) == (given_height, given_width) {
            return self;
        }
        let left = ((given_width - cut_width) / 2) as usize * self.channels;
        let top = ((given_height - cut_height) / 2) as usize;
        let rows = self
            .samples
            .chunks_exact(self.width as usize * self.channels);
        let row = cut_width as usize * self.channels;
        let kept = rows.skip(top).take(cut_height as usize);
        Self {
            samples: kept
                .flat_map(|samples| &samples[left..][..row])
                .copied()
                .collect(),
            width: cut_width as u32,
            height: cut_height as u32,
            ..self
        }
    }

    fn resized(mut self, height: u32, width: u32) -> Self {
        let range = S::into_range(&mut self.samples);
        let mut resized = match self.channels {
            1 => self.resized_as::<Luma<S>>(height, width),
            2 => self.resized_as::<LumaA<S>>(height, width),
            3 => self.resized_as::<Rgb<S>>(height, width),
            _ => self.resized_as::<Rgba<S>>(height, width),
        };
        S::out_of_range(&mut resized.samples, range);
        resized
    }

    fn resized_as<P: Pixel<Subpixel = S> + 'static>(self, height: u32, width: u32) -> Self {
        let buffer = self.buffer::<P>();
        let resized = imageops::resize(&buffer, width, height, FilterType::Triangle);
        Self {
            width,
            height,
            channels: usize::from(P::CHANNEL_COUNT),
            samples: resized.into_raw(),
        }
    }

    fn buffer<P: Pixel<Subpixel = S>>(self) -> ImageBuffer<P, Vec<S>> {
        ImageBuffer::from_raw(self.width, self.height, self.samples).expect("as many as the size")
    }
}

/// A grey image the right way up, which cameras and scanners say rather than turning the pixels.
pub(super) fn turned(plane: Plane<f32>, orientation: Orientation) -> Plane<f32> {
    use Orientation::*;
    let channels = plane.channels;
    assert_eq!(channels, 1, "a grey image");
    let buffer = plane.buffer::<Luma<f32>>();
    let turned = match orientation {
        NoTransforms => buffer,
        Rotate90 => imageops::rotate90(&buffer),
        Rotate180 => imageops::rotate180(&buffer),
        Rotate270 => imageops::rotate270(&buffer),
        FlipHorizontal => imageops::flip_horizontal(&buffer),
        FlipVertical => imageops::flip_vertical(&buffer),
        Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&buffer)),
        Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&buffer)),
    };
    Plane {
        width: turned.width(),
        height: turned.height(),
        channels,
        samples: turned.into_raw(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane<S>(width: u32, channels: usize, samples: Vec<S>) -> Plane<S> {
        Plane {
            width,
            height: (samples.len() / channels) as u32 / width,
            channels,
            samples,
        }
    }

    fn coloured() -> Fit {
        Fit {
            grayscale: false,
            grey_weights: None,
            ..Fit::default()
        }
    }

    /// Pillow 11: `Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))`.
    #[test]
    fn greys_are_those_of_pillow() {
        for (colour, grey) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([1, 1, 1], 1),
            ([100, 150, 200], 141),
            ([12, 200, 7], 122),
        ] {
            let (shape, greys) = plane(1, 3, colour.to_vec()).fitted(&Fit::default(), |byte| byte);
            assert_eq!((greys[0], shape.channels), (grey, 1), "{colour:?}");
            let [r, g, b] = colour.map(u32::from);
            let formula = (r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16;
            assert_eq!(u32::from(greys[0]), formula);
        }
        let words = plane(1, 3, vec![65_535u16, 0, 0]).fitted(&Fit::default(), u16::from);
        assert_eq!(words.1, [((65_535u64 * 19_595 + 0x8000) >> 16) as u16]);
        let older = Fit {
            grey_weights: Some(GreyWeights::Rec709),
            ..Fit::default()
        };
        let greys = plane(1, 3, vec![255, 0, 0]).fitted(&older, |byte| byte).1;
        assert_eq!(greys, [54]);
    }

    /// Browsers: `colour · opacity + background · (1 − opacity)` in sRGB.
    #[test]
    fn transparent_pixels_show_the_background() {
        let ink = vec![10u8, 20, 30, 0, 10, 20, 30, 255, 10, 20, 30, 51];
        let (_, white) = plane(3, 4, ink.clone()).fitted(&coloured(), |byte| byte);
        assert_eq!(white, [255, 255, 255, 10, 20, 30, 206, 208, 210]);
        let blue = Fit {
            background: Some(Background([0, 0, 200])),
            ..coloured()
        };
        let (_, over) = plane(3, 4, ink).fitted(&blue, |byte| byte);
        assert_eq!(over, [0, 0, 200, 10, 20, 30, 2, 4, 166]);
        // A grey image over a colour is coloured.
        let (shape, over) = plane(1, 2, vec![100u8, 0]).fitted(&blue, |byte| byte);
        assert_eq!((over, shape.channels), (vec![0, 0, 200], 3));
        let words = plane(1, 2, vec![1000u16, 0]).fitted(&Fit::default(), |b| u16::from(b) * 257);
        assert_eq!(words.1, [65_535]);
    }

    #[test]
    fn sixteen_bits_and_numbers_keep_their_precision_when_they_are_resized() {
        let half = Fit {
            resize: Some(Resize {
                size: (1, 2),
                crop: false,
            }),
            ..Fit::default()
        };
        let words: Vec<u16> = vec![1000, 1000, 1001, 1001];
        assert_eq!(plane(4, 1, words).fitted(&half, u16::from).1, [1000, 1001]);
        let numbers = vec![-500.25f32, -500.25, 70.5, 70.5];
        let resized = plane(4, 1, numbers).fitted(&half, f32::from).1;
        for (found, expected) in resized.iter().zip([-500.25, 70.5]) {
            assert!((found - expected).abs() < 120.0, "{found} {expected}");
        }
        assert!(
            resized[0] < -300.0 && resized[1] > -100.0,
            "not clipped to 0 and 1"
        );
    }

    #[test]
    fn the_middle_is_kept() {
        let square = Fit {
            resize: Some(Resize {
                size: (1, 1),
                crop: true,
            }),
            ..Fit::default()
        };
        assert_eq!(
            plane(3, 1, vec![1u8, 2, 3]).fitted(&square, |byte| byte).1,
            [2]
        );
        assert_eq!(
            plane(1, 1, vec![1u8, 2, 3]).fitted(&square, |byte| byte).1,
            [2]
        );
    }
}
