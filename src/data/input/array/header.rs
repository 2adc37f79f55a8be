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

/// The magic bytes of every array.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Far more than a header needs, and far less than its length field can claim.
const MOST_BYTES: usize = 1 << 20;
/// NumPy's own limit.
const MOST_AXES: usize = 64;

/// The header of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of an element, as NumPy writes it: `<f4`, `|u1`, `<U10`.
    pub descr: String,
    /// True if the first index changes fastest, rather than the last.
    pub fortran_order: bool,
    /// The size of each axis.
    pub shape: Vec<u64>,
}

/// Why a header cannot be read.
#[derive(Debug, Error)]
pub enum HeaderError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("does not start like a NumPy array")]
    Magic,
    #[error("uses version {0} of NumPy's format; versions 1 to 3 are supported")]
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
    /// Returns the hint for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Structured => {
                "write one array of plain numbers, such as numpy.lib.recfunctions.structured_to_unstructured(array)"
            }
            _ => "save it again with numpy.save or numpy.savez",
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
                let problem = format!("the duplicate key {key:?}");
                return Err(HeaderError::Syntax { problem, place });
            }
            if !parser.skip(b',') {
                parser.expect(b'}')?;
                break;
            }
        }
        parser.space();
        if parser.place < text.len() {
            return Err(parser.error("data after the dictionary"));
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

/// Reads the bytes of the header.
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
            return Err(self.error("an unterminated string, or a character that no type contains"));
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
        let size = size.ok_or_else(|| self.error("a size that is not a 64-bit integer"))?;
        self.place += usize::from(self.text.get(self.place) == Some(&b'L'));
        Ok(size)
    }
}

#[cfg(test)]
mod tests;
