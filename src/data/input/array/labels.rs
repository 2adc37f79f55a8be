//! The classes of examples in an array: integers or text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

use half::f16;

use super::element::{Element, Kind};
use super::header::Header;
use crate::data::input::Labels;

/// Bytes that are read at a time.
const BYTES_AT_A_TIME: usize = 1 << 20;
/// The longest name of a class, in bytes of the array.
const MOST_NAME_BYTES: usize = 1 << 16;

/// A problem with an array of labels, and its hint.
pub type Problem = (String, String);

/// Reads the labels of an array whose header was read.
///
/// # Errors
/// It cannot be read, or holds something else than a class for each example.
pub fn read(header: &Header, stream: &mut dyn Read) -> Result<Labels, Problem> {
    let element =
        Element::of(&header.descr).map_err(|(problem, hint)| (problem, hint.to_owned()))?;
    let count = count(&header.shape)?;
    if element.bytes > MOST_NAME_BYTES {
        let hint = "class names are short, such as \"cat\": use shorter names or numbers";
        return Err((
            format!("holds text of {} bytes", element.bytes),
            hint.to_owned(),
        ));
    }
    if element.bytes == 0 {
        let hint = "write one class for each example";
        return Err(("holds empty text".into(), hint.to_owned()));
    }
    let mut labels = Labels::default();
    let mut name = Names::default();
    let mut left = count;
    while left > 0 {
        let now = left.min((BYTES_AT_A_TIME / element.bytes) as u64);
        let mut bytes = vec![0; now as usize * element.bytes];
        stream.read_exact(&mut bytes).map_err(|error| {
            let problem = format!("ends within label {} of {count} ({error})", labels.len());
            (problem, "save it again".to_owned())
        })?;
        for label in bytes.chunks_exact_mut(element.bytes) {
            let found = name.of(element, label);
            let found = found.map_err(|problem| wrong(&problem, labels.len()))?;
            labels.push(found);
        }
        left -= now;
    }
    super::check_ends(stream).map_err(|error| (error.to_string(), "save it again".to_owned()))?;
    Ok(labels)
}

/// How many labels an array of this shape holds. The order of elements does not matter: one axis at most is longer than 1.
fn count(shape: &[u64]) -> Result<u64, Problem> {
    let problem = |problem: &str| format!("has the shape {shape:?}: {problem}");
    match *shape {
        [0] | [0, _] => Err((
            problem("it holds no labels"),
            "write one for each example".into(),
        )),
        [count] | [count, 1] => Ok(count),
        [_, _] => Err((
            problem("a class for each example has one number"),
            "write the class of each row, of one-hot rows `y.argmax(axis=1)`".into(),
        )),
        _ => Err((
            problem("a class for each example has one axis"),
            "write one class for each example: `y.reshape(-1)`".into(),
        )),
    }
}

fn wrong(problem: &str, index: usize) -> Problem {
    (
        format!("label {index} is {problem}"),
        "classes are whole numbers or text: write `y.astype(int)` or `numpy.digitize(y, bins)`, or omit the labels".into(),
    )
}

/// Names of the numbers that occur: most labels were seen before.
#[derive(Default)]
struct Names {
    of_numbers: HashMap<i128, String>,
    text: String,
}

impl Names {
    fn of(&mut self, element: Element, label: &mut [u8]) -> Result<&str, String> {
        match element.kind {
            Kind::Text => self.text = text(label, element.big_endian)?,
            Kind::Bytes => self.text = bytes(label),
            _ => {
                element.make_little_endian(label);
                let number = match element.kind {
                    Kind::Float => whole(label)?,
                    Kind::Bool => i128::from(label[0] != 0),
                    kind => integer(kind, label),
                };
                return Ok(match self.of_numbers.entry(number) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(number.to_string()),
                });
            }
        }
        Ok(&self.text)
    }
}

/// A little-endian integer of up to 64 bits, exactly.
fn integer(kind: Kind, label: &[u8]) -> i128 {
    let is_negative = kind == Kind::Signed && label.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut extended = [if is_negative { 0xff } else { 0 }; 16];
    extended[..label.len()].copy_from_slice(label);
    i128::from_le_bytes(extended)
}

/// A little-endian floating-point number that is an integer, and was one before it was written so.
fn whole(label: &[u8]) -> Result<i128, String> {
    // Integers beyond are rounded to even ones: classes that differ may have become one.
    let (number, most) = match *label {
        [a, b] => (f16::from_le_bytes([a, b]).to_f64(), 2f64.powi(11)),
        [a, b, c, d] => (f32::from_le_bytes([a, b, c, d]).into(), 2f64.powi(24)),
        _ => {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(label);
            (f64::from_le_bytes(bytes), 2f64.powi(53))
        }
    };
    match number.fract() == 0.0 {
        true if number.abs() <= most => Ok(number as i128),
        true => Err(format!(
            "{number}, beyond the integers that its type represents exactly"
        )),
        false => Err(number.to_string()),
    }
}

/// Characters of four bytes, up to the zeros behind them.
fn text(label: &[u8], big_endian: bool) -> Result<String, String> {
    let (characters, _) = label.as_chunks::<4>();
    let codes = characters.iter().map(|&bytes| match big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    });
    let codes: Vec<u32> = codes.collect();
    let length = codes
        .iter()
        .rposition(|&code| code != 0)
        .map_or(0, |last| last + 1);
    let character = |&code: &u32| {
        char::from_u32(code).ok_or_else(|| {
            format!("text with the code {code:#x}, which is not a Unicode character")
        })
    };
    codes[..length].iter().map(character).collect()
}

/// Bytes up to the zeros behind them: UTF-8, or else Latin-1.
fn bytes(label: &[u8]) -> String {
    let length = label
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let label = &label[..length];
    match std::str::from_utf8(label) {
        Ok(text) => text.to_owned(),
        Err(_) => label.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(descr: &str, shape: &[u64], elements: &[u8]) -> Result<Vec<String>, Problem> {
        let header = Header {
            descr: descr.to_owned(),
            fortran_order: false,
            shape: shape.to_vec(),
        };
        let labels = read(&header, &mut &elements[..])?;
        let names = labels.names();
        Ok(labels
            .places()
            .iter()
            .map(|&place| names[place as usize].clone())
            .collect())
    }

    #[test]
    fn integers_of_any_size_are_kept_exactly() {
        let little = [(1u64 << 53) + 1, u64::MAX].map(u64::to_le_bytes).concat();
        assert_eq!(
            labels("<u8", &[2], &little).unwrap(),
            ["9007199254740993", "18446744073709551615"]
        );
        assert_eq!(
            labels("<i8", &[2, 1], &little).unwrap(),
            ["9007199254740993", "-1"]
        );
        let big = [16_777_216i32, 16_777_217, -2]
            .map(i32::to_be_bytes)
            .concat();
        assert_eq!(
            labels(">i4", &[3], &big).unwrap(),
            ["16777216", "16777217", "-2"]
        );
        assert_eq!(labels("|i1", &[2], &[0xff, 0x7f]).unwrap(), ["-1", "127"]);
        assert_eq!(labels("|b1", &[3], &[0, 1, 1]).unwrap(), ["0", "1", "1"]);
    }

    #[test]
    fn text_is_what_was_written() {
        let wide = |text: &str| -> Vec<u8> {
            let mut codes: Vec<u32> = text.chars().map(u32::from).collect();
            codes.resize(4, 0);
            codes.iter().flat_map(|code| code.to_be_bytes()).collect()
        };
        let elements = [wide("cat"), wide("Bär"), wide("🐈"), wide("")].concat();
        assert_eq!(
            labels(">U4", &[4], &elements).unwrap(),
            ["cat", "Bär", "🐈", ""]
        );
        assert_eq!(
            labels("|S3", &[3], b"ab\0\xe4\0\0\xc3\xa4\0").unwrap(),
            ["ab", "ä", "ä"]
        );
        let (problem, _) = labels("<U1", &[1], &0xd800u32.to_le_bytes()).unwrap_err();
        assert!(problem.contains("0xd800"), "{problem}");
    }

    #[test]
    fn floats_are_labels_only_where_they_are_whole() {
        let floats =
            |numbers: &[f32]| -> Vec<u8> { numbers.iter().flat_map(|x| x.to_le_bytes()).collect() };
        assert_eq!(
            labels("<f4", &[3], &floats(&[2.0, -0.0, -3.0])).unwrap(),
            ["2", "0", "-3"]
        );
        for (number, part) in [
            (0.5, "label 1 is 0.5"),
            (f32::NAN, "label 1 is NaN"),
            (f32::INFINITY, "label 1 is inf"),
            (33_554_432.0, "beyond the integers"),
        ] {
            let (problem, hint) = labels("<f4", &[2], &floats(&[1.0, number])).unwrap_err();
            assert!(problem.contains(part), "{problem}");
            assert!(hint.contains("astype(int)"), "{hint}");
        }
        assert!(labels("<f2", &[1], &f16::from_f32(4096.0).to_le_bytes()).is_err());
    }

    #[test]
    fn shapes_that_are_not_a_class_an_example_are_refused() {
        let (_, hint) = labels("|u1", &[2, 3], &[0; 6]).unwrap_err();
        assert!(hint.contains("argmax"), "{hint}");
        for shape in [&[][..], &[0], &[2, 1, 1], &[0, 1]] {
            assert!(labels("|u1", shape, &[0; 6]).is_err(), "{shape:?}");
        }
        let (problem, _) = labels("|u1", &[7], &[0; 6]).unwrap_err();
        assert!(problem.contains("ends within label"), "{problem}");
        let (problem, _) = labels("|u1", &[5], &[0; 6]).unwrap_err();
        assert!(problem.contains("more follows"), "{problem}");
        assert!(labels("<U70000", &[5], &[0; 6]).is_err());
        assert!(labels("<U0", &[5], &[]).is_err());
    }
}
