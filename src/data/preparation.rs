//! How examples are made of what files hold, the same for training and for whatever is shown to the network later.

use serde::{Deserialize, Serialize};

use super::images::{ImageSet, to_unit};
use super::input::{Depth, Dropped, Fit, Like, RawValues, Samples};
use super::pixels::{Pixels, Values};
use super::shape::Shape;

/// What a network takes, and how its examples come to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    pub shape: Shape,
    pub fit: Fit,
    /// Of numbers that are not taken as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// Whether the examples of training are between 0 and 1.
    pub in_unit_range: bool,
    /// Whether the network takes nothing else.
    pub is_bounded: bool,
    /// Whether they were bytes.
    pub are_bytes: bool,
    /// The samples of the images that it was trained on; nothing of other data, and of runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<Depth>,
    /// Whether IDX files hold rows and columns of images the other way round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transpose: bool,
    /// Names of the numbers of a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Columns of a table that are not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// Names of the classes, in the order of their numbers, where these are not the names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
}

/// Of a side of a picture.
const MOST_PIXELS: usize = 8192;

/// `(x − offset) / scale`, by one number for all or one for each column.
///
/// Computed in double precision and rounded to single precision last: Unix times or coordinates that differ by less than
/// 2⁻²⁴ of their size are equal in single precision before the offset is subtracted, and not after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    pub offset: Vec<f64>,
    pub scale: Vec<f64>,
    /// Whether there is a number for each column, rather than one for all.
    pub by_column: bool,
}

impl Scaling {
    /// From what becomes 0 and what becomes 1.
    pub fn of_range(low: f64, high: f64) -> Self {
        Self {
            offset: vec![low],
            scale: vec![high - low],
            by_column: false,
        }
    }

    /// Scales rows of numbers.
    pub fn apply(&self, numbers: &[f64]) -> Vec<f32> {
        let columns = self.offset.iter().zip(&self.scale).cycle();
        let scaled = numbers.iter().zip(columns);
        scaled
            .map(|(x, (offset, scale))| ((x - offset) / scale) as f32)
            .collect()
    }

    /// Scales one number of a column.
    pub fn of_column(&self, x: f64, column: usize) -> f64 {
        let column = if self.by_column { column } else { 0 };
        (x - self.offset[column]) / self.scale[column]
    }

    /// Returns rows of numbers in their units again: in double precision, as single precision would round Unix times to
    /// 128 seconds.
    pub fn undo(&self, numbers: &[f32]) -> Vec<f64> {
        let columns = self.offset.iter().zip(&self.scale).cycle();
        let scaled = numbers.iter().zip(columns);
        scaled
            .map(|(&x, (offset, scale))| f64::from(x) * scale + offset)
            .collect()
    }
}

/// Why numbers cannot be what a network takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsuitable {
    /// Its place among the numbers of the examples.
    pub place: usize,
    pub number: f64,
}

impl Preparation {
    /// That of grey images that were bytes.
    pub fn of_images(shape: Shape) -> Self {
        Self {
            shape,
            fit: Fit::default(),
            scaling: None,
            in_unit_range: true,
            is_bounded: true,
            are_bytes: true,
            depth: None,
            transpose: false,
            columns: None,
            dropped: Vec::new(),
            classes: None,
        }
    }

    /// Whether its parts fit each other, as those of a file that was changed need not.
    pub fn is_sound(&self) -> bool {
        let size = self.shape.checked_size().unwrap_or(0);
        let channels = matches!(self.shape.channels, 1 | 3);
        let scaling = self.scaling.as_ref().is_none_or(|scaling| {
            let columns = scaling.offset.len() == if scaling.by_column { size } else { 1 };
            let finite = scaling
                .offset
                .iter()
                .chain(&scaling.scale)
                .all(|x| x.is_finite());
            columns
                && scaling.scale.len() == scaling.offset.len()
                && finite
                && scaling.scale.iter().all(|&x| x != 0.0)
        });
        let side = 1..=MOST_PIXELS;
        let resize = self
            .fit
            .resize
            .is_none_or(|resize| side.contains(&resize.size.0) && side.contains(&resize.size.1));
        let range = self
            .fit
            .range
            .is_none_or(|(low, high)| low.is_finite() && high.is_finite() && low < high);
        size > 0
            && resize
            && range
            && channels
            && scaling
            && self
                .columns
                .as_ref()
                .is_none_or(|columns| columns.len() == size)
    }

    /// Examples as the network takes them. Those of pictures, whose bytes go from black to white whatever the numbers of training
    /// did, are told apart from arrays of bytes.
    ///
    /// # Errors
    /// A number is not finite, or not in the range that it has to be in.
    pub fn prepare(&self, values: RawValues, are_pictures: bool) -> Result<Values, Unsuitable> {
        let by_column = self
            .scaling
            .as_ref()
            .is_some_and(|scaling| scaling.by_column);
        let per_byte = self
            .depth
            .filter(|depth| *depth != Depth::Numbers)
            .map(|depth| depth.white() / 255.0);
        let given: Vec<f64> = match (values, &self.scaling) {
            (RawValues::Bytes(bytes), None) if self.are_bytes => return Ok(Values::Bytes(bytes)),
            (RawValues::Bytes(bytes), None) if self.in_unit_range => {
                return Ok(Values::Numbers(bytes.into_iter().map(to_unit).collect()));
            }
            // The range is in the units of the samples that it was trained on.
            (RawValues::Bytes(bytes), Some(_)) if are_pictures && per_byte.is_some() => {
                let per_byte = per_byte.unwrap_or(1.0);
                bytes
                    .into_iter()
                    .map(|byte| f64::from(byte) * per_byte)
                    .collect()
            }
            (RawValues::Bytes(bytes), Some(_)) if are_pictures && !by_column => {
                return Ok(Values::Numbers(bytes.into_iter().map(to_unit).collect()));
            }
            // Bytes are numbers like others.
            (RawValues::Bytes(bytes), _) => bytes.into_iter().map(f64::from).collect(),
            (RawValues::Numbers(numbers), _) => numbers,
        };
        let mut numbers = match &self.scaling {
            Some(scaling) => scaling.apply(&given),
            None => given.iter().map(|&x| x as f32).collect(),
        };
        let unsuitable = |suits: fn(f32) -> bool| {
            let place = numbers.iter().position(|&x| !suits(x))?;
            let number = given[place];
            Some(Unsuitable { place, number })
        };
        if let Some(unsuitable) = unsuitable(f32::is_finite) {
            return Err(unsuitable);
        }
        if self.is_bounded || self.are_bytes {
            if let Some(unsuitable) = unsuitable(is_in_unit_range).filter(|_| !by_column) {
                return Err(unsuitable);
            }
            // Rounding, or a number beyond those that its column had in training, is the nearest that can be.
            numbers.iter_mut().for_each(|x| *x = x.clamp(0.0, 1.0));
        }
        Ok(Values::Numbers(numbers))
    }

    /// Which numbers the samples of images become, to be prepared like those of training.
    ///
    /// Those of 8 and of 16 bits are shares of their own range. An image of 8 bits for a network of 16 is thus brought to the scale
    /// of 16, whether or not a range was given.
    pub fn samples(&self) -> Samples {
        if self.fit.is_of_earlier_version() {
            return Samples::Bytes;
        }
        let depth = self.depth.unwrap_or(Depth::Eight);
        let (black, white) = match (&self.scaling, self.depth) {
            // Prepared by nothing, or as bytes are.
            (None, _) if self.are_bytes || self.in_unit_range => (0.0, 1.0),
            (Some(scaling), None | Some(Depth::Numbers)) if !scaling.by_column => {
                (scaling.offset[0], scaling.offset[0] + scaling.scale[0])
            }
            (Some(_), Some(depth @ (Depth::Eight | Depth::Sixteen))) => (0.0, depth.white()),
            // Bytes are numbers like others.
            _ => (0.0, Depth::Eight.white()),
        };
        Samples::Like(Like {
            depth,
            black,
            white,
            bytes: self.scaling.is_none() || self.depth.is_none(),
        })
    }

    /// The number of a class that is given by its name, or by its number where numbers are the names.
    pub fn number_of_class(&self, class: &str) -> Option<u32> {
        match &self.classes {
            Some(names) => names.iter().position(|name| name == class)?.try_into().ok(),
            None => class.parse().ok(),
        }
    }

    /// Examples that were prepared.
    pub fn examples(&self, pixels: Pixels) -> ImageSet {
        let examples = ImageSet::with(self.shape, pixels, None);
        match self.in_unit_range {
            true => examples,
            false => examples.beyond_unit_range(),
        }
    }
}

/// Whether a number is a pixel, but for rounding.
pub fn is_in_unit_range(x: f32) -> bool {
    (-1e-6..=1.0 + 1e-6).contains(&x)
}
