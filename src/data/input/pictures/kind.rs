//! Detects by its first bytes whether a file is a supported image, an unsupported one, or not an image.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::ImageFormat;
use tiff::ColorType;
use tiff::decoder::Decoder;
use tiff::tags::{SampleFormat, Tag};

use super::fit::Depth;
use super::whole;
use crate::files;

/// Bytes at the beginning of a file that tell what it is.
const BEGINNING: u64 = 512;
/// Bytes of an animation in which its frames are counted.
const MOST_OF_ANIMATION: u64 = 64 << 20;
/// Names of files that are expected to be images; others are looked at too.
const EXTENSIONS: [&str; 18] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "tif", "tiff", "gif", "pnm",
    "pbm", "pgm", "ppm", "pam", "qoi",
];
/// Images of formats that are not read, by the names of their files, which can begin as others do.
const UNSUPPORTED_EXTENSIONS: [(&str, &str); 29] = [
    ("heic", "HEIC"),
    ("heif", "HEIF"),
    ("avif", "AVIF"),
    ("jxl", "JPEG XL"),
    ("jp2", "JPEG 2000"),
    ("j2k", "JPEG 2000"),
    ("jpx", "JPEG 2000"),
    ("psd", "Photoshop"),
    ("xcf", "GIMP"),
    ("svg", "SVG"),
    ("svgz", "SVG"),
    ("eps", "EPS"),
    ("ico", "ICO"),
    ("tga", "TGA"),
    ("exr", "OpenEXR"),
    ("hdr", "Radiance HDR"),
    ("dds", "DDS"),
    ("dcm", "DICOM"),
    ("fits", "FITS"),
    ("dng", "raw DNG"),
    ("cr2", "raw Canon"),
    ("cr3", "raw Canon"),
    ("nef", "raw Nikon"),
    ("arw", "raw Sony"),
    ("orf", "raw Olympus"),
    ("rw2", "raw Panasonic"),
    ("raf", "raw Fujifilm"),
    ("pef", "raw Pentax"),
    ("pfm", "PFM"),
];

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An image of a format that is read, whole or not.
    Image {
        /// Of its samples, where its header can be read.
        depth: Option<Depth>,
        /// True if it has more than one page or frame.
        has_more: bool,
    },
    /// An image of a format that is not read, by its name.
    Unsupported(&'static str),
    /// Something else.
    Other,
}

/// Returns whether a file is called as images are.
pub fn has_a_pictures_name(path: &Path) -> bool {
    let extension = extension(path);
    EXTENSIONS.contains(&&*extension)
}

/// A file's extension in small letters.
pub(in crate::data::input) fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// The format of a file that begins so, if that is read.
pub(super) fn format_of(beginning: &[u8]) -> Option<ImageFormat> {
    let is_big_tiff = [&b"II\x2b\x00"[..], b"MM\x00\x2b"];
    if is_big_tiff.iter().any(|magic| beginning.starts_with(magic)) {
        return Some(ImageFormat::Tiff);
    }
    let format = image::guess_format(beginning).ok()?;
    let is_one = match format {
        ImageFormat::Png
        | ImageFormat::Jpeg
        | ImageFormat::WebP
        | ImageFormat::Tiff
        | ImageFormat::Gif
        | ImageFormat::Qoi => true,
        // Two letters could begin any text.
        ImageFormat::Bmp => matches!(beginning.get(14..18), Some(&[12..=124, 0, 0, 0])),
        ImageFormat::Pnm => {
            matches!(beginning.get(2), Some(byte) if byte.is_ascii_whitespace() || *byte == b'#')
        }
        _ => false,
    };
    is_one.then_some(format)
}

/// Returns whether bytes begin as those of an image of a format that is read.
pub(in crate::data::input) fn are_a_pictures(beginning: &[u8]) -> bool {
    format_of(beginning).is_some()
}

/// The name of the format of an image that is not read, for a file that begins so.
pub(in crate::data::input) fn unsupported(
    beginning: &[u8],
    extension: &str,
) -> Option<&'static str> {
    let starts = |magic: &[u8]| beginning.starts_with(magic);
    if beginning.get(4..8) == Some(b"ftyp") {
        return match beginning.get(8..12)? {
            b"avif" | b"avis" => Some("AVIF"),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
                Some("HEIC")
            }
            b"crx " => Some("raw Canon"),
            // A film.
            _ => None,
        };
    }
    let by_content: [(&[u8], &str); 12] = [
        (b"\xff\x0a", "JPEG XL"),
        (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
        (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"8BPS", "Photoshop"),
        (b"gimp xcf", "GIMP"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"#?RADIANCE", "Radiance HDR"),
        (b"DDS ", "DDS"),
        (b"\x00\x00\x01\x00", "ICO"),
        (b"farbfeld", "farbfeld"),
        (b"SIMPLE  =", "FITS"),
    ];
    let found = by_content.iter().find(|(magic, _)| starts(magic));
    let found = found.map(|(_, name)| *name);
    let is_svg = || {
        beginning
            .windows(4)
            .any(|four| four == b"<svg")
            .then_some("SVG")
    };
    let is_dicom = || (beginning.get(128..132) == Some(b"DICM")).then_some("DICOM");
    let by_name = || {
        let known = UNSUPPORTED_EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension);
        known.map(|(_, name)| *name)
    };
    found.or_else(is_svg).or_else(is_dicom).or_else(by_name)
}

/// The kind of a file. It is a regular one: a pipe would wait for someone to write into it.
///
/// # Errors
/// It cannot be opened or read.
pub(super) fn kind_of(path: &Path) -> io::Result<Kind> {
    let mut file = files::open_regular(path)?;
    let mut beginning = Vec::new();
    file.by_ref().take(BEGINNING).read_to_end(&mut beginning)?;
    let extension = extension(path);
    // The raw files of cameras are TIFF of a kind, with a thumbnail as first page.
    if let Some(name) = unsupported(&beginning, &extension) {
        let is_misnamed = format_of(&beginning).is_some_and(|format| format != ImageFormat::Tiff);
        if !is_misnamed {
            return Ok(Kind::Unsupported(name));
        }
    }
    let Some(format) = format_of(&beginning) else {
        return Ok(match EXTENSIONS.contains(&&*extension) {
            true => Kind::Image {
                depth: None,
                has_more: false,
            },
            false => Kind::Other,
        });
    };
    let look = || look(format, &beginning, &mut file);
    // Other problems are reported when the file is read.
    let looked = catch_unwind(AssertUnwindSafe(look)).ok().flatten();
    let (depth, has_more) = match looked {
        Some((depth, has_more)) => (Some(depth), has_more),
        None => (None, false),
    };
    Ok(Kind::Image { depth, has_more })
}

/// The depth of an image, and whether it has more than one page or frame.
fn look(format: ImageFormat, beginning: &[u8], file: &mut File) -> Option<(Depth, bool)> {
    let whole = |file: &mut File| {
        let mut bytes = beginning.to_vec();
        file.take(MOST_OF_ANIMATION).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    Some(match format {
        ImageFormat::Png => {
            let depth = match beginning.get(24)? {
                16 => Depth::Sixteen,
                _ => Depth::Eight,
            };
            (depth, is_animated_png(beginning, file))
        }
        ImageFormat::Pnm => {
            let depth = match largest_of_pnm(beginning)? {
                0..=255 => Depth::Eight,
                _ => Depth::Sixteen,
            };
            (depth, false)
        }
        ImageFormat::Gif => (
            Depth::Eight,
            whole(file).and_then(|file| whole::gif(&file)) > Some(1),
        ),
        ImageFormat::WebP => {
            let is_animated = beginning.get(12..16) == Some(b"VP8X") && beginning.get(20)? & 2 != 0;
            (Depth::Eight, is_animated)
        }
        ImageFormat::Tiff => {
            file.seek(SeekFrom::Start(0)).ok()?;
            let mut decoder = Decoder::new(BufReader::new(file)).ok()?;
            (depth_of_tiff(&mut decoder)?, decoder.more_images())
        }
        _ => (Depth::Eight, false),
    })
}

/// The type of the samples of the first page of a TIFF.
pub(super) fn depth_of_tiff<R: Read + Seek>(decoder: &mut Decoder<R>) -> Option<Depth> {
    let bits = match decoder.colortype().ok()? {
        ColorType::Gray(bits)
        | ColorType::GrayA(bits)
        | ColorType::RGB(bits)
        | ColorType::RGBA(bits)
        | ColorType::CMYK(bits) => bits,
        _ => 8,
    };
    let formats = decoder
        .find_tag_unsigned_vec::<u16>(Tag::SampleFormat)
        .ok()?;
    let unsigned = SampleFormat::Uint.to_u16();
    let are_unsigned = formats.is_none_or(|formats| formats.iter().all(|&it| it == unsigned));
    Some(match bits {
        _ if !are_unsigned => Depth::Numbers,
        0..=8 => Depth::Eight,
        9..=16 => Depth::Sixteen,
        _ => Depth::Numbers,
    })
}

/// Returns whether an animation is announced before the image, as the format demands.
fn is_animated_png(beginning: &[u8], file: &mut File) -> bool {
    let announced = |bytes: &[u8]| {
        let mut names = whole::png_chunks(bytes).map(|(name, _)| name);
        names.find_map(|name| match &name {
            b"acTL" => Some(true),
            b"IDAT" => Some(false),
            _ => None,
        })
    };
    announced(beginning).unwrap_or_else(|| {
        // Profiles and texts come before.
        const MOST: u64 = 4 << 20;
        let mut bytes = beginning.to_vec();
        let read = file.take(MOST).read_to_end(&mut bytes);
        read.is_ok() && announced(&bytes).unwrap_or(false)
    })
}

/// The number that white is in a PNM, as its header says.
fn largest_of_pnm(beginning: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(beginning);
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let mut words = lines.flat_map(str::split_ascii_whitespace);
    match words.next()? {
        "P1" | "P4" => Some(1),
        "P7" => {
            words.find(|word| *word == "MAXVAL")?;
            words.next()?.parse().ok()
        }
        _ => words.nth(2)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, bytes: &[u8]) -> Kind {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        kind_of(&path).unwrap()
    }

    #[test]
    fn files_are_known_by_their_content() {
        let image = |depth, has_more| Kind::Image { depth, has_more };
        let eight = image(Some(Depth::Eight), false);
        assert_eq!(kind("photo.txt", b"\xff\xd8\xff\xe0...."), eight);
        assert_eq!(
            kind("a.pgm", b"P5 # comment 9 9 65535\n2 1\n255\n.."),
            eight
        );
        let sixteen = image(Some(Depth::Sixteen), false);
        assert_eq!(
            kind("a.pgm", b"P5\n# made by hand\n2 1 4095\n...."),
            sixteen
        );
        let pam = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 65535\nENDHDR\n..";
        assert_eq!(kind("a", pam), sixteen);
        assert_eq!(kind("broken.jpg", b"nothing"), image(None, false));
        assert_eq!(kind("empty.png", b""), image(None, false));
        assert_eq!(
            kind("a.bin", b"\0\0\0\x18ftypheic\0\0\0\0"),
            Kind::Unsupported("HEIC")
        );
        assert_eq!(
            kind("a.jpg", b"\0\0\0\x18ftypavif\0\0\0\0"),
            Kind::Unsupported("AVIF")
        );
        assert_eq!(
            kind("a.heic", b"\xff\xd8\xff\xe0...."),
            eight,
            "only misnamed"
        );
        assert_eq!(
            kind("a.dng", b"II*\0\x08\0\0\0"),
            Kind::Unsupported("raw DNG")
        );
        assert_eq!(kind("a.svg", b"<svg/>"), Kind::Unsupported("SVG"));
        assert_eq!(kind("film.mp4", b"\0\0\0\x18ftypisom\0\0\0\0"), Kind::Other);
        // Text that begins with the letters of a format.
        assert_eq!(kind("bmi", b"BMI,age,height,weight,1,2,3"), Kind::Other);
        assert_eq!(kind("p", b"P1,P2,P3"), Kind::Other);
        assert_eq!(kind("labels.csv", b"name,class\n"), Kind::Other);
    }
}
