//! Input that claims more than it holds, or more than can be done.

use std::fs;
use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use hourglass::data::{Input, Options, idx};
use image::{GrayImage, ImageFormat};

use crate::allocations;
use crate::support::{hourglass, succeed, train_squares, write_squares};

/// Some kilobytes of gzip that hold what its header says, 16 MB and no more; the same with a header that claims 10²⁸
/// pixels, and a PNG that claims 50,000 × 50,000.
#[test]
fn claims_are_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bomb.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[0, 0, 8, 3]).unwrap();
    encoder.write_all(&[0xff; 12]).unwrap();
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let error = idx::read(&path, 3, "images").unwrap_err().to_string();
    assert!(
        error.contains("more than half of this machine's memory"),
        "{error}"
    );

    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[0, 0, 8, 3]).unwrap();
    for size in [1024u32, 128, 64] {
        encoder.write_all(&size.to_be_bytes()).unwrap();
    }
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    allocations::reset();
    let error = idx::read(&path, 3, "images").unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
    assert!(allocations::most() < 12 << 20, "{}", allocations::most());

    let png = directory.path().join("large.png");
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::new(1, 1)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let mut bytes = bytes.into_inner();
    for place in [16, 20] {
        bytes[place..place + 4].copy_from_slice(&50_000u32.to_be_bytes());
    }
    mend_checksums(&mut bytes);
    fs::write(&png, bytes).unwrap();
    allocations::reset();
    let error = Input::open(&png, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
    assert!(allocations::most() < 1 << 20, "{}", allocations::most());
}

/// Gives each chunk of a PNG the checksum that its content should have.
pub fn mend_checksums(png: &mut [u8]) {
    const SIGNATURE_BYTES: usize = 8;
    let mut place = SIGNATURE_BYTES;
    while let Some(length) = png.get(place..place + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(end) = place
            .checked_add(8 + length)
            .filter(|end| end + 4 <= png.len())
        else {
            return;
        };
        let crc = crc32(&png[place + 4..end]);
        png[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        place = end + 4;
    }
}

/// As in the PNG specification, annex D.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

#[test]
fn figures_too_large_to_draw_are_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 100, 20);
    let run = directory.path().join("run");
    succeed(&train_squares(&data, &run, &[]));
    let metrics = run.join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let (before, after) = text.split_once("\"test_bce_nats_per_pixel\":").unwrap();
    let after = after.split_once(',').unwrap().1;
    fs::write(
        &metrics,
        format!("{before}\"test_bce_nats_per_pixel\":1.7e308,{after}"),
    )
    .unwrap();
    let out = directory.path().join("curves.png");
    let output = hourglass(&[
        "curves",
        run.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("too large to draw") && !out.exists(),
        "{message}"
    );
}
