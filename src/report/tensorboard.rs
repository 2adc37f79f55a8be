//! Event files that TensorBoard reads.
//!
//! # Source
//! TensorFlow's `event.proto`, `summary.proto` and `record_writer.h`: records of a length and an `Event`, each with a
//! masked CRC-32C.

use std::fs::{File, OpenOptions};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use image::ImageReader;
use prost::{Message, Oneof};

use super::log;
use crate::files::{self, FileError};
use crate::train::EpochRecord;

/// Far above any picture of a run.
const MOST_PICTURE_BYTES: u64 = 1 << 28;

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Content", tags = "2, 4")]
    content: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Content {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "4")]
    Image(Picture),
}

#[derive(Clone, PartialEq, Message)]
struct Picture {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// Channels.
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes, tag = "4")]
    encoded_image_string: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `SessionLog.SessionStatus.START`: what other files say of later steps is void.
const START: i32 = 1;

/// The event file of one session of a run.
#[derive(Debug)]
pub struct TensorBoard {
    file: File,
    path: PathBuf,
    /// What training reports.
    error_metric: &'static str,
}

impl TensorBoard {
    /// Makes the file at `path` for a session that begins after `step` steps.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, error_metric: &'static str, step: usize) -> Result<Self, FileError> {
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        let mut board = Self {
            file: file.map_err(files::at(path))?,
            path: path.to_owned(),
            error_metric,
        };
        board.write(0, What::FileVersion("brain.Event:2".into()))?;
        // From the next step on; what was told of this one stays.
        board.write(step + 1, What::SessionLog(SessionLog { status: START }))?;
        Ok(board)
    }

    /// Adds the mean loss of an epoch so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn loss(&mut self, step: usize, mean_loss: f64) -> Result<(), FileError> {
        let tag = format!("{}/train_so_far", self.error_metric);
        self.summary(step, vec![scalar(tag, mean_loss)])
    }

    /// Adds all figures of an epoch: those of one metric on all splits have one chart, as `metric/split`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn epoch(&mut self, epoch: &EpochRecord) -> Result<(), FileError> {
        let splits = [log::EVALUATED_TRAINING, "train", "validation", "test"];
        let figures = log::figures(epoch, self.error_metric);
        let mut values: Vec<Value> = figures
            .iter()
            .filter_map(|(name, value)| {
                let mut split = splits.iter();
                let (split, metric) = split.find_map(|split| {
                    let metric = name.strip_prefix(split)?.strip_prefix('_')?;
                    Some((split, metric))
                })?;
                // JSON has no number for what is not finite, but TensorBoard has.
                let value = value.as_f64().unwrap_or(f64::NAN);
                Some(scalar(format!("{metric}/{split}"), value))
            })
            .collect();
        let settings = [
            ("course/learning_rate", epoch.learning_rate),
            ("course/samples_per_second", Some(epoch.samples_per_second)),
        ];
        for (tag, value) in settings {
            values.extend(value.map(|value| scalar(tag.into(), value)));
        }
        self.summary(epoch.step, values)
    }

    /// Adds PNG files, each under its name.
    ///
    /// # Errors
    /// One cannot be read, or the file cannot be written.
    pub fn pictures(&mut self, step: usize, paths: &[PathBuf]) -> Result<(), FileError> {
        for path in paths {
            let bytes = files::read(path, MOST_PICTURE_BYTES)?;
            let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format();
            let size = reader.map_err(files::at(path))?.into_dimensions();
            // What is no picture has no place there.
            let (Ok((width, height)), Some(name)) = (size, path.file_stem()) else {
                continue;
            };
            let picture = Picture {
                height: height as i32,
                width: width as i32,
                colorspace: 3,
                encoded_image_string: bytes,
            };
            let value = Value {
                tag: name.to_string_lossy().into_owned(),
                content: Some(Content::Image(picture)),
            };
            self.summary(step, vec![value])?;
        }
        Ok(())
    }

    fn summary(&mut self, step: usize, values: Vec<Value>) -> Result<(), FileError> {
        self.write(step, What::Summary(Summary { values }))
    }

    fn write(&mut self, step: usize, what: What) -> Result<(), FileError> {
        let event = Event {
            wall_time: now(),
            step: step as i64,
            what: Some(what),
        };
        let record = record(&event.encode_to_vec());
        self.file.write_all(&record).map_err(files::at(&self.path))
    }
}

fn scalar(tag: String, value: f64) -> Value {
    Value {
        tag,
        content: Some(Content::SimpleValue(value as f32)),
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// A record of TensorFlow's: length, its checksum, data, their checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(crc32c::crc32c(&length)).to_le_bytes());
    record.extend(data);
    record.extend(masked(crc32c::crc32c(data)).to_le_bytes());
    record
}

/// A checksum of data that may hold checksums themselves.
fn masked(crc: u32) -> u32 {
    const DELTA: u32 = 0xa282_ead8;
    crc.rotate_right(15).wrapping_add(DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TensorBoard's own writer makes of an event with file version `brain.Event:2` and nothing else:
    /// `tensorboard.summary.writer.record_writer`, 2.21.
    #[test]
    fn a_record_has_the_bytes_that_tensorboards_writer_gives() {
        let event = Event {
            what: Some(What::FileVersion("brain.Event:2".into())),
            ..Event::default()
        };
        let hexadecimal = crate::data::hexadecimal(&record(&event.encode_to_vec()));
        assert_eq!(hexadecimal, GOLDEN);
    }

    const GOLDEN: &str = "0f000000000000006d532b091a0d627261696e2e4576656e743a32fc985129";
}
