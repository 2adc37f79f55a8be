//! The header of a NumPy array, parsed strictly and in one pass.
//!
//! ```text
//! header  = { entry (, entry)* ,? }        exactly the keys 'descr', 'fortran_order' and 'shape', in any order
//! descr   = a string such as '<f4'
//! order   = True | False
//! shape   = ( ) | ( size , ) | ( size , size … ,? )
//! ```
//!
//! Nothing in it nests, so no input takes more than linear time or any stack.
//!
//! # Source
//! NumPy Enhancement Proposal 1, *A Simple File Format for NumPy Arrays*, versions 1 to 3.

use std::io::{self, Read};

use thiserror::Error;

/// What every array begins with.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Far more than a header needs, and far less than its length field can claim.
const MOST_BYTES: usize = 1 << 20;
/// NumPy's own limit.
const MOST_AXES: usize = 64;

/// What the header of an array says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of an element, as NumPy writes it: `<f4`, `|u1`, `<U10`.
    pub descr: String,
    /// Whether the first index changes fastest, rather than the last.
    pub fortran_order: bool,
    /// The size of each axis.
    pub shape: Vec<u64>,
}

/// Why a header cannot be read.
#[derive(Debug, Error)]
pub enum HeaderError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("does not begin as an array of NumPy's does")]
    Magic,
    #[error("is written in version {0} of NumPy's format; versions 1 to 3 are read")]
    Version(u8),
    #[error("its header of {0} bytes is too long")]
    TooLong(usize),
    /// Fields with names, each of a type of its own.
    #[error("holds structured elements, which are not read")]
    Structured,
    #[error("its header is damaged: {problem} at byte {place}")]
    Syntax { problem: String, place: usize },
}

impl HeaderError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Structured => {
                "write one array of plain numbers, such as numpy.lib.recfunctions.structured_to_unstructured(array)"
            }
            _ => "write it again with numpy.save or numpy.savez",
        }
    }
}

impl Header {
    /// Reads a header; the stream is then at the elements.
    ///
    /// # Errors
    /// The stream cannot be read, or does not hold a header of plain elements.
    pub fn read(stream: &mut dyn Read) -> Result<Self, HeaderError> {
        let mut beginning = [0; 8];
        read_exact(stream, &mut beginning)?;
        if !beginning.starts_with(MAGIC) {
            return Err(HeaderError::Magic);
        }
        let length = match beginning[6] {
            1 => {
                let mut length = [0; 2];
                read_exact(stream, &mut length)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                read_exact(stream, &mut length)?;
                u32::from_le_bytes(length) as usize
            }
            version => return Err(HeaderError::Version(version)),
        };
        if length > MOST_BYTES {
            return Err(HeaderError::TooLong(length));
        }
        let mut text = vec![0; length];
        read_exact(stream, &mut text)?;
        Self::parse(&text)
    }

    /// Parses the dictionary of a header.
    fn parse(text: &[u8]) -> Result<Self, HeaderError> {
        let mut parser = Parser { text, place: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        parser.expect(b'{')?;
        while !parser.skip(b'}') {
            let place = parser.place;
            let key = parser.string()?;
            parser.expect(b':')?;
            let is_new = match key {
                "descr" => descr.replace(parser.descr()?.to_owned()).is_none(),
                "fortran_order" => fortran_order.replace(parser.truth()?).is_none(),
                "shape" => shape.replace(parser.shape()?).is_none(),
                other => {
                    let problem = format!("the unknown key {other:?}");
                    return Err(HeaderError::Syntax { problem, place });
                }
            };
            if !is_new {
                let problem = format!("the key {key:?} a second time");
                return Err(HeaderError::Syntax { problem, place });
            }
            if !parser.skip(b',') {
                parser.expect(b'}')?;
                break;
            }
        }
        parser.space();
        if parser.place < text.len() {
            return Err(parser.error("something follows the dictionary"));
        }
        let (Some(descr), Some(fortran_order), Some(shape)) = (descr, fortran_order, shape) else {
            return Err(parser.error("'descr', 'fortran_order' or 'shape' is missing"));
        };
        Ok(Self {
            descr,
            fortran_order,
            shape,
        })
    }

    /// The number of elements; none where it is beyond 64 bits.
    pub fn elements(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(1u64, |product, &size| product.checked_mul(size))
    }
}

/// Reads as many bytes as the header must have.
fn read_exact(stream: &mut dyn Read, bytes: &mut [u8]) -> Result<(), HeaderError> {
    stream.read_exact(bytes).map_err(|error| {
        HeaderError::Io(match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "ends within its header"),
            _ => error,
        })
    })
}

struct Parser<'a> {
    text: &'a [u8],
    place: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, problem: &str) -> HeaderError {
        HeaderError::Syntax {
            problem: problem.to_owned(),
            place: self.place,
        }
    }

    fn space(&mut self) {
        while self
            .text
            .get(self.place)
            .is_some_and(u8::is_ascii_whitespace)
        {
            self.place += 1;
        }
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        self.space();
        self.text.get(self.place).copied()
    }

    /// Returns whether `byte` comes next, and goes beyond it.
    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.next() == Some(byte);
        self.place += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), HeaderError> {
        match self.skip(byte) {
            true => Ok(()),
            false => Err(self.error(&format!("no `{}`", char::from(byte)))),
        }
    }

    /// The bytes from here on that `belongs` holds for.
    fn run(&mut self, belongs: fn(&u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.place..];
        let length = rest.iter().position(|byte| !belongs(byte));
        let run = &rest[..length.unwrap_or(rest.len())];
        self.place += run.len();
        run
    }

    /// A string in single or double quotes. Types and keys have no characters that would need an escape.
    fn string(&mut self) -> Result<&'a str, HeaderError> {
        // Python 2 marks strings of Unicode.
        if matches!(self.next(), Some(b'u' | b'b')) {
            self.place += 1;
        }
        let Some(quote @ (b'\'' | b'"')) = self.text.get(self.place).copied() else {
            return Err(self.error("no string"));
        };
        self.place += 1;
        let content =
            self.run(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'"' | b'\\'));
        if self.text.get(self.place) != Some(&quote) {
            return Err(self.error("a string that does not end, or a character that no type has"));
        }
        self.place += 1;
        Ok(std::str::from_utf8(content).expect("printable characters of ASCII"))
    }

    /// The type of an element. A list has the fields of a structure, a tuple a type with a shape of its own.
    fn descr(&mut self) -> Result<&'a str, HeaderError> {
        match self.next() {
            Some(b'[' | b'(') => Err(HeaderError::Structured),
            _ => self.string(),
        }
    }

    fn truth(&mut self) -> Result<bool, HeaderError> {
        self.space();
        let place = self.place;
        match self.run(u8::is_ascii_alphabetic) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => {
                self.place = place;
                Err(self.error("neither True nor False"))
            }
        }
    }

    fn shape(&mut self) -> Result<Vec<u64>, HeaderError> {
        self.expect(b'(')?;
        let mut sizes = Vec::new();
        let mut ends_in_comma = true;
        while !self.skip(b')') {
            if !ends_in_comma {
                return Err(self.error("no `,` or `)`"));
            }
            if sizes.len() == MOST_AXES {
                return Err(self.error("more than 64 axes"));
            }
            sizes.push(self.size()?);
            ends_in_comma = self.skip(b',');
        }
        // In Python `(3)` is a number.
        match sizes.len() == 1 && !ends_in_comma {
            true => Err(self.error("a shape that is not a tuple")),
            false => Ok(sizes),
        }
    }

    /// A size, with the mark that Python 2 gives to long ones.
    fn size(&mut self) -> Result<u64, HeaderError> {
        self.space();
        let digits = self.run(u8::is_ascii_digit);
        let is_plain = digits.len() == 1 || digits.first().is_some_and(|&digit| digit != b'0');
        let text = std::str::from_utf8(digits).expect("digits");
        let size = text.parse().ok().filter(|_| is_plain);
        let size =
            size.ok_or_else(|| self.error("a size that is not a whole number of 64 bits"))?;
        self.place += usize::from(self.text.get(self.place) == Some(&b'L'));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
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
}
