//! Finds files that end before their format says, which decoders fill up with grey or black instead of failing.

use image::ImageFormat;

/// Why a file is not whole.
pub(super) const CUT_OFF: &str =
    "ends too early: it was cut off, for instance by an interrupted copy or download";

/// Checks that a file reaches the end that its format has.
///
/// # Errors
/// It does not.
pub(super) fn check(format: ImageFormat, file: &[u8]) -> Result<(), &'static str> {
    let whole = match format {
        ImageFormat::Jpeg => is_whole_jpeg(file),
        ImageFormat::Png => is_whole_png(file),
        ImageFormat::WebP => is_whole_webp(file),
        ImageFormat::Gif => gif(file).is_some(),
        ImageFormat::Qoi => file.ends_with(&[0, 0, 0, 0, 0, 0, 0, 1]),
        // Of these, samples are counted by their decoder.
        _ => true,
    };
    match whole {
        true => Ok(()),
        false => Err(CUT_OFF),
    }
}

/// Returns whether a JPEG has its end marker after a scan. That of a thumbnail within its metadata does not count, and cameras
/// write more behind it.
///
/// # Source
/// ITU-T T.81, annex B.
fn is_whole_jpeg(file: &[u8]) -> bool {
    walk_jpeg(file).is_some()
}

/// A JPEG's markers up to the end of the image.
fn walk_jpeg(file: &[u8]) -> Option<()> {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    const RESTART_INTERVAL: u8 = 0xdd;
    let mut frame = Frame::default();
    let mut interval = 0;
    let mut has_scan = false;
    let mut at = 2;
    loop {
        // Between segments, decoders skip bytes that are not a marker.
        at += file.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        at += file[at..].iter().position(|&byte| byte != 0xff)?;
        let marker = file[at];
        at += 1;
        match marker {
            END => return has_scan.then_some(()),
            // Stuffed, or without a length.
            0 | 0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([*file.get(at)?, *file.get(at + 1)?]));
        let segment = file.get(at..at + length.max(2))?;
        at += length.max(2);
        match marker {
            0xc0 | 0xc1 => frame = Frame::of(segment).unwrap_or_default(),
            RESTART_INTERVAL => {
                interval = match segment {
                    [_, _, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])),
                    _ => 0,
                };
            }
            SCAN => {
                has_scan = true;
                let restarts;
                (at, restarts) = end_of_scan(file, at)?;
                let scanned = usize::from(segment.get(2).copied().unwrap_or(0));
                if frame.lacks_rows(scanned, interval, restarts) {
                    return None;
                }
            }
            _ => {}
        }
    }
}

/// The place of the first marker after the coded data of a scan, and the restart markers in it.
fn end_of_scan(file: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut restarts = 0;
    loop {
        at += file.get(at..)?.iter().position(|&byte| byte == 0xff)?;
        match *file.get(at + 1)? {
            0 => at += 2,
            0xd0..=0xd7 => {
                restarts += 1;
                at += 2;
            }
            0xff => at += 1,
            _ => return Some((at, restarts)),
        }
    }
}

/// What says how many restart markers a sequential image has, where it has some.
#[derive(Default)]
struct Frame {
    components: usize,
    /// Blocks that are coded together.
    units: usize,
}

impl Frame {
    fn of(segment: &[u8]) -> Option<Self> {
        let size = |at: usize| {
            let bytes = [*segment.get(at)?, *segment.get(at + 1)?];
            Some(usize::from(u16::from_be_bytes(bytes)))
        };
        let (height, width) = (size(3)?, size(5)?);
        let components = usize::from(*segment.get(7)?);
        let mut most = (1, 1);
        for component in 0..components {
            let sampling = *segment.get(9 + 3 * component)?;
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            most = (most.0.max(across), most.1.max(down));
        }
        // A component alone is not interleaved: its blocks are coded one by one.
        let (across, down) = if components == 1 {
            (8, 8)
        } else {
            (8 * most.0, 8 * most.1)
        };
        Some(Self {
            components,
            units: width.div_ceil(across) * height.div_ceil(down),
        })
    }

    /// Returns whether a scan of all components has fewer restart markers than its blocks need, one after each `interval`.
    fn lacks_rows(&self, scanned: usize, interval: usize, restarts: usize) -> bool {
        let is_known = interval > 0 && self.units > 0 && scanned == self.components;
        is_known && restarts + 1 < self.units.div_ceil(interval)
    }
}

/// Returns whether a PNG has its last chunk.
fn is_whole_png(file: &[u8]) -> bool {
    png_chunks(file).any(|(name, is_whole)| name == *b"IEND" && is_whole)
}

/// The names of a PNG's chunks, and whether all of each is in the file.
pub(super) fn png_chunks(file: &[u8]) -> impl Iterator<Item = ([u8; 4], bool)> {
    let mut at = 8;
    std::iter::from_fn(move || {
        let header = file.get(at..)?.first_chunk::<8>()?;
        let [a, b, c, d, name @ ..] = *header;
        // Its length, its name and its checksum.
        at = at
            .checked_add(12)?
            .checked_add(u32::from_be_bytes([a, b, c, d]) as usize)?;
        Some((name, at <= file.len()))
    })
}

/// Returns whether a WebP has all bytes that it says. A last byte that only makes the number even may be missing.
fn is_whole_webp(file: &[u8]) -> bool {
    let size = |at: usize| {
        let bytes = file.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    };
    let Some(riff) = size(4) else { return false };
    if file.len() + 1 < riff + 8 {
        return false;
    }
    let mut at = 12;
    while at < riff + 8 {
        let Some(length) = size(at + 4) else {
            return at >= file.len();
        };
        if at + 8 + length > file.len() {
            return false;
        }
        at += 8 + length + length % 2;
    }
    true
}

/// The number of frames of a whole GIF.
///
/// # Source
/// CompuServe 1990, *Graphics Interchange Format, version 89a*.
pub(super) fn gif(file: &[u8]) -> Option<usize> {
    let table = |flags: u8| match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    };
    let sub_blocks = |mut at: usize| loop {
        match *file.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    };
    let mut at = 13 + table(*file.get(10)?);
    let mut frames = 0;
    loop {
        match *file.get(at)? {
            0x3b => return (frames > 0).then_some(frames),
            0x21 => at = sub_blocks(at + 2)?,
            0x2c => {
                // Its place, its size, its own colours, and a byte before the coded data.
                at = sub_blocks(at + 10 + table(*file.get(at + 9)?) + 1)?;
                frames += 1;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;

    fn noise() -> DynamicImage {
        let mut state = 1u32;
        DynamicImage::from(RgbImage::from_fn(61, 47, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgb([a, b, c])
        }))
    }

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut stream = Cursor::new(&mut bytes);
        noise().write_to(&mut stream, format).unwrap();
        bytes
    }

    #[test]
    fn a_file_is_whole_only_at_its_full_length() {
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::WebP,
            ImageFormat::Gif,
            ImageFormat::Qoi,
        ] {
            let file = encoded(format);
            assert_eq!(check(format, &file), Ok(()), "{format:?}");
            for length in 0..file.len() - 1 {
                assert!(
                    check(format, &file[..length]).is_err(),
                    "{format:?} {length}"
                );
            }
            if format != ImageFormat::WebP {
                assert!(check(format, &file[..file.len() - 1]).is_err());
            }
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_that_of_the_image_and_more_may_follow_it() {
        let file = encoded(ImageFormat::Jpeg);
        let mut thumbnail = vec![0xff, 0xe1];
        thumbnail.extend((file.len() as u16 + 2).to_be_bytes());
        thumbnail.extend(&file);
        let mut with_one = file[..2].to_vec();
        with_one.extend(&thumbnail);
        let header = with_one.len();
        with_one.extend(&file[2..]);
        assert!(is_whole_jpeg(&with_one));
        assert!(!is_whole_jpeg(&with_one[..header]));
        assert!(!is_whole_jpeg(&with_one[..with_one.len() - 40]));
        with_one.extend(b"what a camera writes behind");
        assert!(is_whole_jpeg(&with_one));
    }

    /// A restart marker after every second of 24 units of 16 by 16 pixels; the last rows are missing, the end is not.
    #[test]
    fn a_scan_that_lacks_restart_markers_lacks_rows() {
        let scan = |restarts: u8| {
            let mut file = vec![0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 2];
            file.splice(
                2..2,
                [
                    0xff, 0xc0, 0, 17, 8, 0, 64, 0, 96, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0,
                ],
            );
            file.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
            for restart in 0..restarts {
                file.extend([1, 2, 3, 0xff, 0xd0 + restart % 8]);
            }
            file.extend([1, 2, 0xff, 0xd9]);
            file
        };
        assert!(is_whole_jpeg(&scan(11)));
        assert!(!is_whole_jpeg(&scan(7)));
    }
}
