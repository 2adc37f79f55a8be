//! The classes of examples, and files that hold nothing else.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::gzip::GZIP_MAGIC;
use super::{InputError, Origin, array};
use crate::data::idx;

/// The class of each of some examples, by name: integers and text, each name kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// In the order of their first appearance.
    names: Vec<String>,
    places: HashMap<String, u32>,
    /// Of each example the place of its class among `names`.
    each: Vec<u32>,
}

impl Labels {
    /// Adds the class of the next example.
    pub fn push(&mut self, name: &str) {
        let place = match self.places.get(name) {
            Some(&place) => place,
            None => {
                let place = self.names.len() as u32;
                self.names.push(name.to_owned());
                self.places.insert(name.to_owned(), place);
                place
            }
        };
        self.each.push(place);
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.each.len()
    }

    /// Returns whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// The classes that occur, in the order of their first appearance.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Of each example the place of its class among the names.
    pub fn places(&self) -> &[u32] {
        &self.each
    }
}

impl Extend<String> for Labels {
    fn extend<T: IntoIterator<Item = String>>(&mut self, names: T) {
        names.into_iter().for_each(|name| self.push(&name));
    }
}

/// The longest line of a text file of classes, in bytes.
const MOST_OF_A_LINE: u64 = 1 << 16;
const HINT: &str = "give an .npy or .npz of integers or text, an IDX file of bytes, or a text file with one class per line";

/// Reads a file of classes: `.npy`, an array of an `.npz`, IDX, or text with a class in each line; gzipped or not.
///
/// # Errors
/// It cannot be read, or holds something else than a class for each example.
pub fn read_labels(path: &Path, array: Option<&str>) -> Result<Labels, InputError> {
    let stored = Origin::of(path)?;
    let mut origin = stored.clone();
    let mut beginning = origin.beginning().map_err(InputError::io(path))?;
    if beginning.starts_with(&GZIP_MAGIC) {
        origin = Origin::Gzip(Arc::new(origin));
        beginning = origin.beginning().map_err(InputError::io(path))?;
    }
    let is_archive = beginning.starts_with(b"PK");
    if is_archive && !origin.is_seekable() {
        let hint = "decompress it with `gunzip` first";
        return Err(InputError::new(path, "is a gzipped archive", hint));
    }
    if is_archive || beginning.starts_with(array::MAGIC) {
        return array::read_labels(origin, path, array, is_archive);
    }
    if beginning.starts_with(&[0, 0]) {
        return of_idx(&stored, path);
    }
    match beginning.iter().any(|&byte| byte < 9 || byte == 127) {
        true => Err(InputError::new(path, "holds no classes", HINT)),
        false => of_text(&origin, path),
    }
}

fn of_idx(origin: &Origin, path: &Path) -> Result<Labels, InputError> {
    const AT_A_TIME: usize = 1 << 16;
    let stream = origin.open().map_err(InputError::io(path))?;
    let mut labels = Labels::default();
    let read = idx::stream(stream, 1, "labels", AT_A_TIME, &mut |bytes: Vec<u8>| {
        labels.extend(bytes.iter().map(ToString::to_string));
        Ok::<ControlFlow<()>, InputError>(ControlFlow::Continue(()))
    });
    read.map_err(|error| match error {
        idx::StreamError::Problem(problem) => InputError::new(path, problem.to_string(), HINT),
        idx::StreamError::Taker(error) => error,
    })?;
    Ok(labels)
}

/// Reads a class from each line.
fn of_text(origin: &Origin, path: &Path) -> Result<Labels, InputError> {
    let stream = origin.open().map_err(InputError::io(path))?;
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = (&mut stream)
            .take(MOST_OF_A_LINE)
            .read_until(b'\n', &mut line);
        if read.map_err(InputError::io(path))? == 0 {
            break;
        }
        if line.len() as u64 == MOST_OF_A_LINE {
            return Err(InputError::new(
                path,
                "has a line that is too long for a class",
                HINT,
            ));
        }
        let text = match String::from_utf8(line) {
            Ok(text) => text,
            // Latin-1, whose bytes are the first characters of Unicode.
            Err(other) => other.into_bytes().into_iter().map(char::from).collect(),
        };
        let class = text.trim_start_matches('\u{feff}').trim().trim_matches('"');
        if class.contains([',', ';', '\t']) {
            let problem = format!("has several columns in line {}", lines.len() + 1);
            return Err(InputError::new(path, problem, HINT));
        }
        lines.push(class.to_owned());
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let is_number = |line: &String| line.parse::<f64>().is_ok();
    // A heading above numbers.
    let has_heading = lines.len() > 1 && !is_number(&lines[0]) && lines[1..].iter().all(is_number);
    let mut labels = Labels::default();
    labels.extend(lines.into_iter().skip(usize::from(has_heading)));
    match labels.is_empty() {
        true => Err(InputError::new(path, "holds no classes", HINT)),
        false => Ok(labels),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn text_files_have_a_class_in_each_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("labels.txt");
        let read = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            let labels = read_labels(&path, None)?;
            let names = labels
                .places()
                .iter()
                .map(|&place| labels.names()[place as usize].clone());
            Ok::<_, InputError>(names.collect::<Vec<_>>())
        };
        assert_eq!(
            read(b"cat\r\n\"dog\"\r\ncat\r\n\r\n").unwrap(),
            ["cat", "dog", "cat"]
        );
        assert_eq!(
            read("\u{feff}label\n3\n10\n1.0".as_bytes()).unwrap(),
            ["3", "10", "1.0"]
        );
        assert_eq!(read(b"b\xe4r\nl\xf6we\n").unwrap(), ["bär", "löwe"]);
        assert!(read(b"a,b\n1,2\n").unwrap_err().problem.contains("line 1"));
        assert!(read(b"\n\n").is_err());
        assert!(read(b"\x00\x00\x08\x03").is_err());
        assert_eq!(
            read(b"\x00\x00\x08\x01\0\0\0\x02\x07\xff").unwrap(),
            ["7", "255"]
        );
    }
}
