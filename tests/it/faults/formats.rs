//! Small valid files of each format, written byte by byte where no crate here writes them, and texts put into the envelopes
//! that they come in.

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use image::{ImageBuffer, ImageFormat, Luma};
use zip::{CompressionMethod, ZipWriter, write::FileOptions};

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn idx() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [5u32, 4, 3] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(0..60);
    bytes
}

/// The header of 60 numbers, as NumPy writes it.
pub const NPY_HEADER: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 4, 3), }";

/// An array with such a header, whose elements are zeros.
pub fn npy(header: &[u8], element_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
    bytes.extend(((header.len() + 1) as u32).to_le_bytes());
    bytes.extend(header);
    bytes.push(b'\n');
    bytes.resize(bytes.len() + element_bytes, 0);
    bytes
}

/// An archive of members.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(CompressionMethod::Deflated, members)
}

/// An archive of members that are not compressed.
pub fn zip_stored(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(CompressionMethod::Stored, members)
}

fn zip_by(method: CompressionMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = ZipWriter::new(&mut bytes);
    let options = FileOptions::default().compression_method(method);
    for (name, content) in members {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap();
    drop(archive);
    bytes.into_inner()
}

/// A safetensors file with such a header, whose elements are zeros.
pub fn safetensors(header: &[u8], element_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.resize(bytes.len() + element_bytes, 0);
    bytes
}

/// Five labels of up to three characters.
pub fn labels() -> Vec<u8> {
    let mut bytes = npy(
        b"{'descr': '<U3', 'fortran_order': False, 'shape': (5,), }",
        0,
    );
    for label in ["cat", "dog", "cat", "ox", "dog"] {
        let padded = label.chars().chain(std::iter::repeat('\0')).take(3);
        bytes.extend(padded.flat_map(|c| (c as u32).to_le_bytes()));
    }
    bytes
}

/// Two frames of a pixel each.
pub fn gif() -> Vec<u8> {
    let frame = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0];
    let mut bytes = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff".to_vec();
    for _ in 0..2 {
        bytes.extend([0x21, 0xf9, 4, 0, 10, 0, 0, 0]);
        bytes.extend(frame);
    }
    bytes.push(0x3b);
    bytes
}

pub fn pgm() -> Vec<u8> {
    let mut bytes = b"P5\n# grey\n9 7\n255\n".to_vec();
    bytes.extend((0..63).map(|i| i * 4));
    bytes
}

/// Numbers as text.
pub fn ppm() -> Vec<u8> {
    let pixels: String = (0..3 * 6).map(|i| format!("{} ", i * 14)).collect();
    format!("P3\n3 2\n255\n{pixels}\n").into_bytes()
}

pub fn qoi() -> Vec<u8> {
    let mut bytes = b"qoif".to_vec();
    bytes.extend([0, 0, 0, 3, 0, 0, 0, 2, 3, 0]);
    bytes.extend((0..5u8).flat_map(|i| [0xfe, i * 50, i * 20, i]));
    // The last pixel is as the one before.
    bytes.extend([0xc0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes
}

pub fn png_of_16_bits() -> Vec<u8> {
    let image: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(9, 7, |x, y| Luma([(x * y * 1000) as u16]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Two pages of 3 × 2 grey pixels.
pub fn tiff_of_pages() -> Vec<u8> {
    const ENTRIES: u32 = 9;
    const PAGE_BYTES: u32 = 2 + 12 * ENTRIES + 4 + 6;
    let mut bytes = b"II*\0".to_vec();
    bytes.extend(8u32.to_le_bytes());
    for page in 0..2u32 {
        let begin = 8 + page * PAGE_BYTES;
        let pixels = begin + 2 + 12 * ENTRIES + 4;
        bytes.extend((ENTRIES as u16).to_le_bytes());
        for (tag, value) in [
            (256u16, 3u32),
            (257, 2),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, pixels),
            (277, 1),
            (278, 2),
            (279, 6),
        ] {
            bytes.extend(tag.to_le_bytes());
            // One number of 32 bits.
            bytes.extend([4, 0, 1, 0, 0, 0]);
            bytes.extend(value.to_le_bytes());
        }
        let next = if page == 0 { begin + PAGE_BYTES } else { 0 };
        bytes.extend(next.to_le_bytes());
        bytes.extend([0, 50, 100, 150, 200, 250]);
    }
    bytes
}

pub const CSV: &str = "name,a,b\nfirst,1.5,2\nsecond,-3,4e2\n\"third\",0,7\n";

pub fn csv_of_utf_16() -> Vec<u8> {
    let units = format!("\u{feff}{CSV}").encode_utf16().collect::<Vec<_>>();
    units.into_iter().flat_map(u16::to_le_bytes).collect()
}

pub fn csv_of_latin_1() -> Vec<u8> {
    let text = "name;größe;b\nfür;1,5;2\nsecond;-3;4,5\n";
    text.chars().map(|c| c as u8).collect()
}
