//! Data sets: files to images in memory, and images to batches. Knows no device.

mod corruption;
pub mod idx;
mod images;
mod input;
mod own;
mod pixels;
mod points;
mod preparation;
mod selection;
mod shape;
mod source;
mod spirals;

pub use corruption::{Corruption, Noise};
pub use images::{Image, ImageSet, to_unit};
pub use input::{
    Block, Columns, Decimal, Dialect, Dropped, Fit, Input, InputError, NAME_COLUMN, Notes, Options,
    RawValues, STANDARD_INPUT, Separator, Unreadable, Watch, Words, encoding_named,
    has_a_pictures_name,
};
pub use own::{MOST_UNREADABLE, by_cause, check_unreadable, describe};
pub use pixels::{Collector, Pixels, Values, Width};
pub use points::PointSet;
pub use preparation::{Preparation, Scaling, Unsuitable};
pub use selection::{ColumnName, Images, Numbers, Own, Scale, Source};
pub use shape::Shape;
pub use source::{
    Checksum, DataError, ExampleNames, Split, Splits, find_directory, load, load_named, load_test,
    read_split,
};
pub use spirals::Spirals;

use std::fmt::Write;

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
