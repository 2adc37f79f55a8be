//! Data sets: files to images in memory, and images to batches. Knows no device.

mod corruption;
pub mod idx;
mod images;
mod input;
mod points;
mod source;
mod spirals;

pub use corruption::{Corruption, Noise};
pub use images::{Image, ImageSet, to_unit};
pub use input::read_images;
pub use points::PointSet;
pub use source::{Checksum, DataError, Source, Split, Splits, find_directory, load, read_split};
pub use spirals::Spirals;

use std::fmt::Write;

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
