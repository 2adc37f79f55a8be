//! Data sets: files to images in memory, and images to batches. Knows no device.

mod corruption;
mod error;
pub mod idx;
mod idx_files;
mod images;
mod input;
mod inspection;
pub mod npy;
mod own;
mod pixels;
mod points;
mod preparation;
mod seen;
mod selection;
mod shape;
mod source;
mod spirals;
mod unsuitable;
mod warnings;

pub use corruption::{Corruption, Noise};
pub use error::DataError;
pub use images::{Image, ImageSet, to_unit};
pub use input::{
    Background, Block, Columns, Decimal, Depth, Dialect, Dropped, Fit, GreyWeights, Input,
    InputError, NAME_COLUMN, Options, RawValues, Resize, STANDARD_INPUT, Samples, Separator,
    Unreadable, UnreadableExamples, Watch, Words, encoding_named, has_a_pictures_name,
};
pub use inspection::constant_columns;
pub use own::{MOST_UNREADABLE, check_unreadable};
pub use pixels::{Collector, Pixels, Values, Width};
pub use points::PointSet;
pub use preparation::{Preparation, Scaling, Unsuitable};
pub use seen::Seen;
pub use selection::{ColumnName, Images, Numbers, Own, Scale, Source, TestSplit};
pub use shape::Shape;
pub use source::{
    Checksum, ExampleNames, Split, Splits, find_directory, load, load_named, load_test, read_split,
};
pub use spirals::Spirals;
pub use unsuitable::{Stage, describe};
pub use warnings::Warnings;

use std::fmt::Write;

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
