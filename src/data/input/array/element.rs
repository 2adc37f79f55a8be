//! How the elements of an array are written.

use half::f16;
use npyz::{DType, Endianness, TypeChar};

use crate::data::RawValues;

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    kind: Kind,
    pub bytes: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl Element {
    pub fn of(kind: &DType) -> Option<Self> {
        let DType::Plain(kind) = kind else {
            return None;
        };
        let bytes = kind.num_bytes()?;
        let kind_and_sizes: (Kind, &[usize]) = match kind.type_char() {
            TypeChar::Bool => (Kind::Bool, &[1]),
            TypeChar::Int => (Kind::Signed, &[1, 2, 4, 8]),
            TypeChar::Uint => (Kind::Unsigned, &[1, 2, 4, 8]),
            TypeChar::Float => (Kind::Float, &[2, 4, 8]),
            _ => return None,
        };
        kind_and_sizes.1.contains(&bytes).then_some(Self {
            kind: kind_and_sizes.0,
            bytes,
            big_endian: kind.endianness() == Endianness::Big,
        })
    }

    /// Whether elements are bytes from 0 to 255.
    pub fn is_byte(self) -> bool {
        self.kind == Kind::Unsigned && self.bytes == 1
    }

    pub fn values(self, mut bytes: Vec<u8>) -> RawValues {
        if self.is_byte() {
            return RawValues::Bytes(bytes);
        }
        if self.big_endian {
            bytes.chunks_exact_mut(self.bytes).for_each(<[u8]>::reverse);
        }
        fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> RawValues {
            let (numbers, _) = bytes.as_chunks::<N>();
            RawValues::Numbers(numbers.iter().map(|&bytes| number(bytes)).collect())
        }
        match (self.kind, self.bytes) {
            (Kind::Bool, _) => each(&bytes, |[byte]| f64::from(u8::from(byte != 0))),
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
        }
    }
}
