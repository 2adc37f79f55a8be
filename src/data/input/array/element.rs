//! How the elements of an array are written.

use half::f16;

use crate::data::RawValues;

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub kind: Kind,
    /// Of one element.
    pub bytes: usize,
    pub big_endian: bool,
}

/// The kind of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// Characters of four bytes, zeros after them.
    Text,
    /// Bytes, zeros after them.
    Bytes,
}

impl Element {
    /// Reads a type as NumPy writes it, or gives what is wrong with it and what to do.
    ///
    /// # Errors
    /// Its elements are not read.
    pub fn of(descr: &str) -> Result<Self, (String, &'static str)> {
        let (big_endian, letter, digits) = parts(descr);
        let size: Option<usize> = digits.parse().ok();
        let known = match (letter, size) {
            ('?', None) | ('b', Some(1)) => Some((Kind::Bool, 1)),
            ('i', Some(bytes @ (1 | 2 | 4 | 8))) => Some((Kind::Signed, bytes)),
            ('u', Some(bytes @ (1 | 2 | 4 | 8))) => Some((Kind::Unsigned, bytes)),
            ('f', Some(bytes @ (2 | 4 | 8))) => Some((Kind::Float, bytes)),
            ('U', Some(characters)) => characters.checked_mul(4).map(|bytes| (Kind::Text, bytes)),
            ('S' | 'a', Some(bytes)) => Some((Kind::Bytes, bytes)),
            _ => None,
        };
        match known {
            Some((kind, bytes)) => Ok(Self {
                kind,
                bytes,
                big_endian,
            }),
            None => Err(unread(descr)),
        }
    }

    /// Returns whether elements are numbers, or true and false.
    pub fn is_number(self) -> bool {
        !matches!(self.kind, Kind::Text | Kind::Bytes)
    }

    /// Whether elements are bytes from 0 to 255.
    pub fn is_byte(self) -> bool {
        self.kind == Kind::Unsigned && self.bytes == 1
    }

    /// Turns the bytes of numbers that have the greatest first into those of numbers that have the least first.
    pub fn make_little_endian(self, bytes: &mut [u8]) {
        if self.big_endian {
            bytes.chunks_exact_mut(self.bytes).for_each(<[u8]>::reverse);
        }
    }

    /// The numbers that bytes stand for.
    pub fn values(self, mut bytes: Vec<u8>) -> RawValues {
        if self.is_byte() {
            return RawValues::Bytes(bytes);
        }
        self.make_little_endian(&mut bytes);
        fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> RawValues {
            let (numbers, _) = bytes.as_chunks::<N>();
            RawValues::Numbers(numbers.iter().map(|&bytes| number(bytes)).collect())
        }
        match (self.kind, self.bytes) {
            (Kind::Signed, 1) => each(&bytes, |b| i8::from_le_bytes(b).into()),
            (Kind::Signed, 2) => each(&bytes, |b| i16::from_le_bytes(b).into()),
            (Kind::Signed, 4) => each(&bytes, |b| i32::from_le_bytes(b).into()),
            (Kind::Signed, _) => each(&bytes, |b| i64::from_le_bytes(b) as f64),
            (Kind::Unsigned, 2) => each(&bytes, |b| u16::from_le_bytes(b).into()),
            (Kind::Unsigned, 4) => each(&bytes, |b| u32::from_le_bytes(b).into()),
            (Kind::Unsigned, _) => each(&bytes, |b| u64::from_le_bytes(b) as f64),
            (Kind::Float, 2) => each(&bytes, |b| f16::from_le_bytes(b).into()),
            (Kind::Float, 4) => each(&bytes, |b| f32::from_le_bytes(b).into()),
            (Kind::Float, _) => each(&bytes, f64::from_le_bytes),
            // Text is handled before.
            _ => each(&bytes, |[byte]| f64::from(u8::from(byte != 0))),
        }
    }
}

/// The order of bytes, the letter and the digits of a type.
fn parts(descr: &str) -> (bool, char, &str) {
    let rest = descr.trim_start_matches(['<', '>', '|', '=']);
    let letter = rest.chars().next().unwrap_or(' ');
    let digits = rest.get(letter.len_utf8()..).unwrap_or_default();
    (descr.starts_with('>'), letter, digits)
}

/// The problem with an unsupported type, and its hint.
fn unread(descr: &str) -> (String, &'static str) {
    let (_, letter, _) = parts(descr);
    let (what, hint) = match letter {
        'O' => (
            "pickled Python objects",
            "write numbers: `array.astype(\"float32\")`, or text for classes: `array.astype(str)`",
        ),
        'c' => (
            "complex numbers",
            "write `numpy.stack([array.real, array.imag], axis=-1)`",
        ),
        'M' | 'm' => ("dates or times", "write `array.astype(\"int64\")`"),
        'f' => (
            "numbers of more than 64 bits",
            "write `array.astype(\"float64\")`",
        ),
        _ => {
            let hint =
                "write bytes or numbers: `array.astype(\"uint8\")` or `.astype(\"float32\")`";
            return (
                format!("holds elements of type {descr}, which are not read"),
                hint,
            );
        }
    };
    (format!("holds {what} ({descr}), which are not read"), hint)
}

/// A type in the words of NumPy's users: `float32` for `<f4`.
pub fn name(descr: &str) -> String {
    let (_, letter, digits) = parts(descr);
    let bits = digits.parse::<u64>().map(|bytes| bytes.saturating_mul(8));
    match (letter, bits) {
        ('b', Ok(8)) | ('?', _) => "bool".into(),
        ('i', Ok(bits)) => format!("int{bits}"),
        ('u', Ok(bits)) => format!("uint{bits}"),
        ('f', Ok(bits)) => format!("float{bits}"),
        ('c', Ok(bits)) => format!("complex{bits}"),
        ('U', _) => "str".into(),
        ('S' | 'a', _) => "bytes".into(),
        ('O', _) => "object".into(),
        _ => descr.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_numpy_writes_them() {
        let of = |descr| {
            let element = Element::of(descr).unwrap();
            (element.kind, element.bytes, element.big_endian)
        };
        assert_eq!(of("<f4"), (Kind::Float, 4, false));
        assert_eq!(of(">i8"), (Kind::Signed, 8, true));
        assert_eq!(of("|b1"), (Kind::Bool, 1, false));
        assert_eq!(of("?"), (Kind::Bool, 1, false));
        assert_eq!(of("u2"), (Kind::Unsigned, 2, false));
        assert_eq!(of(">U12"), (Kind::Text, 48, true));
        assert_eq!(of("|S3"), (Kind::Bytes, 3, false));
        for (unread, part) in [
            ("|O", "pickled"),
            ("<c16", "complex"),
            ("<M8[ns]", "dates"),
            ("<f16", "more than 64 bits"),
            ("|V8", "type |V8"),
            ("<i3", "type <i3"),
            ("", "type"),
            ("é", "type é"),
            ("<U99999999999999999999", "type"),
        ] {
            let (problem, hint) = Element::of(unread).unwrap_err();
            assert!(problem.contains(part), "{problem}");
            assert!(hint.contains("write"), "{hint}");
        }
        assert_eq!(
            (name("<f4"), name("|u1"), name("<U3")),
            ("float32".into(), "uint8".into(), "str".into())
        );
    }
}
