use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn file(version: u8, text: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((text.len() as u16).to_le_bytes()),
        _ => bytes.extend((text.len() as u32).to_le_bytes()),
    }
    bytes.extend(text);
    bytes
}

fn parse(text: &str) -> Result<Header, HeaderError> {
    Header::parse(text.as_bytes())
}

fn header(descr: &str, fortran_order: bool, shape: &[u64]) -> Header {
    Header {
        descr: descr.to_owned(),
        fortran_order,
        shape: shape.to_vec(),
    }
}

/// What `numpy.lib.format` of NumPy 1.16 (on Python 2) and 2.3 writes.
#[test]
fn headers_that_numpy_writes_are_read() {
    for (text, expected) in [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n",
            header("<f4", false, &[3, 4]),
        ),
        (
            "{'descr': '|u1', 'fortran_order': True, 'shape': (5, 28, 28), }\n",
            header("|u1", true, &[5, 28, 28]),
        ),
        (
            "{'descr': '<i8', 'fortran_order': False, 'shape': (10L, 2L), }\n",
            header("<i8", false, &[10, 2]),
        ),
        (
            "{'descr': '<U12', 'fortran_order': False, 'shape': (7,), }\n",
            header("<U12", false, &[7]),
        ),
        (
            "{'descr': '>f8', 'fortran_order': False, 'shape': (), }",
            header(">f8", false, &[]),
        ),
        // By other writers: another order, double quotes, no comma at the end.
        (
            "{\"shape\":(2,0),\"fortran_order\":False,\"descr\":\"|b1\"}",
            header("|b1", false, &[2, 0]),
        ),
        (
            "{ 'descr' : u'<f2' ,\n 'shape' : ( 1 , ) , 'fortran_order' : True }",
            header("<f2", true, &[1]),
        ),
    ] {
        for version in 1..=3 {
            let mut bytes = file(version, text.as_bytes());
            bytes.push(7);
            let mut stream = &bytes[..];
            assert_eq!(Header::read(&mut stream).unwrap(), expected, "{text}");
            assert_eq!(stream, [7], "the stream is at the elements");
        }
    }
}

#[test]
fn what_is_not_a_header_of_plain_elements_is_refused() {
    for wrong in [
        "",
        "{",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (007, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [3, 4]}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4)}",
        "{'descr': 4, 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f\\x34', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'more': True}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} {}",
        "{'descr': '<f4',, 'fortran_order': False, 'shape': (3, 4)}",
    ] {
        let error = parse(wrong).expect_err(wrong);
        assert!(
            matches!(error, HeaderError::Syntax { .. }),
            "{wrong}: {error}"
        );
    }
    for structured in [
        "{'descr': [('größe', '<f8'), ('b', '<i4')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': ('<f4', (2, 2)), 'fortran_order': False, 'shape': (3,), }",
    ] {
        let error = Header::read(&mut &file(3, structured.as_bytes())[..]).unwrap_err();
        assert!(matches!(error, HeaderError::Structured), "{error}");
        assert!(error.hint().contains("plain numbers"));
    }
    let error = Header::read(&mut &file(4, b"{}")[..]).unwrap_err();
    assert!(error.to_string().contains("version 4"), "{error}");
    assert!(Header::read(&mut &b"\x93NUMPY\x01\x00\x70"[..]).is_err());
    assert!(Header::read(&mut &b"<html>..."[..]).is_err());
}

/// Versions 2 and 3 have four bytes for the length, which no reader should believe.
#[test]
fn a_header_that_claims_gigabytes_is_refused() {
    let mut bytes = b"\x93NUMPY\x03\x00".to_vec();
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }");
    let error = Header::read(&mut &bytes[..]).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn nesting_takes_no_time_and_no_stack() {
    for depth in [60, 100_000] {
        for (open, close) in [("[", "]"), ("(", ")"), ("{", "}"), ("[(", "")] {
            let nested = format!("{}{}", open.repeat(depth), close.repeat(depth));
            for text in [
                format!("{{'descr': {nested}, 'fortran_order': False, 'shape': (1,)}}"),
                format!("{{'descr': '<f4', 'fortran_order': {nested}, 'shape': (1,)}}"),
                format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {nested}}}"),
                nested.clone(),
            ] {
                let begun = Instant::now();
                assert!(Header::read(&mut &file(2, text.as_bytes())[..]).is_err());
                assert!(begun.elapsed() < Duration::from_secs(1));
            }
        }
    }
}

proptest! {
    #[test]
    fn damaged_headers_are_read_or_refused(
        changes in prop::collection::vec((0usize..200, any::<u8>()), 0..8),
        cut in 0usize..200,
        repeated in (0usize..80, 1usize..40),
    ) {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }       \n";
        let mut bytes = file(1, text.as_bytes());
        for (place, byte) in changes {
            let length = bytes.len();
            bytes[place % length] = byte;
        }
        let (place, times) = repeated;
        let piece = bytes[place.min(bytes.len() - 1)..][..1].repeat(times);
        bytes.splice(place.min(bytes.len())..place.min(bytes.len()), piece);
        bytes.truncate(cut.max(9));
        // Any answer but a panic.
        let _ = Header::read(&mut &bytes[..]);
        let _ = Header::parse(&bytes);
    }

    #[test]
    fn every_shape_comes_back(
        shape in prop::collection::vec(any::<u64>(), 0..8),
        fortran_order: bool,
        descr in "[<>|=][a-zA-Z][0-9]{0,3}",
    ) {
        let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
        let truth = if fortran_order { "True" } else { "False" };
        let text = format!("{{'descr': '{descr}', 'fortran_order': {truth}, 'shape': ({sizes}), }}");
        prop_assert_eq!(parse(&text).unwrap(), header(&descr, fortran_order, &shape));
    }
}
