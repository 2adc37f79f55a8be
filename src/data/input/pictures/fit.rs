//! How images become examples: what is recorded of it in a config and in `input.json`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The conversion of images to examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The size that all images are brought to; without it, they must all have one size.
    ///
    /// Flattened: the keys are `resize` and `crop`, and `crop` alone, which earlier versions wrote, means nothing.
    #[serde(flatten)]
    pub resize: Option<Resize>,
    /// True if colours become greys.
    pub grayscale: bool,
    /// True if black and white are exchanged.
    pub invert: bool,
    /// The colour behind transparent pixels. Runs of earlier versions have none: they ignored transparency, and reduced all
    /// samples to 8 bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
    /// How much each colour counts in a grey; nothing where colours stay, and in runs of earlier versions, which used those of
    /// Rec. 709.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grey_weights: Option<GreyWeights>,
    /// The samples that become 0 and 1, in the units of the training files; without, black and white of their type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

/// A size that images are brought to, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// Height and width.
    #[serde(rename = "resize")]
    pub size: (usize, usize),
    /// Whether what goes beyond the shape of `size` is cut off on both sides; else images are stretched.
    pub crop: bool,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            resize: None,
            grayscale: true,
            invert: false,
            background: Some(Background::WHITE),
            grey_weights: Some(GreyWeights::Rec601),
            range: None,
        }
    }
}

impl Fit {
    /// Returns whether images are read as versions did that knew neither transparency nor 16 bits.
    pub fn is_of_earlier_version(&self) -> bool {
        self.background.is_none()
    }
}

/// The colour behind transparent pixels, in sRGB. Written as `"white"`, `"black"`, a grey or `[red, green, blue]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Background(pub [u8; 3]);

impl Background {
    /// The colour behind an image in viewers and browsers.
    pub const WHITE: Self = Self([255; 3]);
    /// The opposite.
    pub const BLACK: Self = Self([0; 3]);
}

/// The ways in which a background can be written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenBackground {
    Name(BackgroundName),
    Grey(u8),
    Colour([u8; 3]),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BackgroundName {
    White,
    Black,
}

impl Serialize for Background {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match *self {
            Self::WHITE => WrittenBackground::Name(BackgroundName::White),
            Self::BLACK => WrittenBackground::Name(BackgroundName::Black),
            Self(colour) => WrittenBackground::Colour(colour),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Background {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match WrittenBackground::deserialize(deserializer)? {
            WrittenBackground::Name(BackgroundName::White) => Self::WHITE,
            WrittenBackground::Name(BackgroundName::Black) => Self::BLACK,
            WrittenBackground::Grey(grey) => Self([grey; 3]),
            WrittenBackground::Colour(colour) => Self(colour),
        })
    }
}

/// The weights of red, green and blue in a grey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GreyWeights {
    /// 0.299, 0.587 and 0.114, rounded to the nearest, as in Pillow, OpenCV and torchvision.
    ///
    /// ```text
    /// (19595 · red + 38470 · green + 7471 · blue + 32768) / 65536
    /// ```
    ///
    /// # Source
    /// ITU-R BT.601; Pillow's `Convert.c`, `L24` with `0x8000`.
    Rec601,
    /// 0.2126, 0.7152 and 0.0722, rounded to the nearest, as earlier versions of this program and, nearly, scikit-image weigh
    /// them.
    ///
    /// # Source
    /// ITU-R BT.709.
    Rec709,
}

impl GreyWeights {
    /// Their names in configs.
    pub const NAMES: [(&str, Self); 2] = [("rec601", Self::Rec601), ("rec709", Self::Rec709)];

    /// The weights of red, green and blue, their sum, and what is added before the division.
    pub(super) const fn integers(self) -> ([u64; 3], u64, u64) {
        match self {
            Self::Rec601 => ([19_595, 38_470, 7_471], 1 << 16, 1 << 15),
            Self::Rec709 => ([2126, 7152, 722], 10_000, 5_000),
        }
    }
}

/// The type of the samples of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Depth {
    /// 8 bits and fewer, from 0 to 255.
    #[serde(rename = "uint8")]
    Eight,
    /// 16 bits, from 0 to 65535.
    #[serde(rename = "uint16")]
    Sixteen,
    /// Floating-point or signed numbers, which have no black and white of their own.
    #[serde(rename = "numbers")]
    Numbers,
}

impl Depth {
    /// The sample that white is.
    pub const fn white(self) -> f64 {
        match self {
            Self::Eight => 255.0,
            Self::Sixteen => 65_535.0,
            Self::Numbers => 1.0,
        }
    }
}

/// Which numbers samples become.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Samples {
    /// Those of the files. Where some have 16 bits, those of 8 bits are brought to their scale.
    #[default]
    OfFiles,
    /// Bytes, whatever the files hold, as earlier versions of this program did.
    Bytes,
    /// Numbers as a network was trained on.
    Like(Like),
}

/// The scale of the numbers that a network was trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Like {
    /// The samples of the files that it was trained on.
    pub depth: Depth,
    /// The number of black and that of white.
    pub black: f64,
    pub white: f64,
    /// Whether images of 8 bits are given as bytes.
    pub bytes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `input.json` of a run that was made before there was a background.
    #[test]
    fn a_note_of_an_earlier_version_keeps_its_conversion() {
        let fit: Fit =
            serde_json::from_str(r#"{"crop": true, "grayscale": true, "invert": false}"#).unwrap();
        assert!(fit.is_of_earlier_version());
        assert_eq!(fit.grey_weights, None);
        assert!(!Fit::default().is_of_earlier_version());
    }

    #[test]
    fn backgrounds_read_back_as_they_were_written() {
        for (written, colour) in [
            (r#""white""#, [255; 3]),
            (r#""black""#, [0; 3]),
            ("[1,2,3]", [1, 2, 3]),
            ("7", [7; 3]),
        ] {
            let background: Background = serde_json::from_str(written).unwrap();
            assert_eq!(background, Background(colour), "{written}");
            let again = serde_json::to_string(&background).unwrap();
            assert_eq!(
                serde_json::from_str::<Background>(&again).unwrap(),
                background
            );
        }
        for wrong in [r#""red""#, "256", "-1", "[1,2]", "[1,2,3,4]", "0.5"] {
            assert!(
                serde_json::from_str::<Background>(wrong).is_err(),
                "{wrong}"
            );
        }
    }
}
