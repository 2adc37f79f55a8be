//! Data sets: files to images in memory, and images to batches. Knows no device.

mod corruption;
pub mod idx;
mod images;
mod input;
pub mod npy;
mod own;
mod pixels;
mod points;
mod preparation;
mod selection;
mod shape;
mod source;
mod spirals;
mod warnings;

pub use corruption::{Corruption, Noise};
pub use images::{Image, ImageSet, to_unit};
pub use input::{
    Block, Columns, Fit, Input, InputError, NAME_COLUMN, Options, RawValues, Resize,
    STANDARD_INPUT, Unreadable, UnreadableExamples, Watch, Words, has_a_pictures_name,
};
pub use own::describe;
pub use pixels::{Collector, Pixels, Values, Width};
pub use points::PointSet;
pub use preparation::{Preparation, Scaling, Unsuitable};
pub use selection::{Images, Numbers, Own, Scale, Source, TestSplit};
pub use shape::Shape;
pub use source::{Checksum, DataError, Split, Splits, find_directory, load, load_test, read_split};
pub use spirals::Spirals;
pub use warnings::Warnings;

use std::fmt::Write;

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
