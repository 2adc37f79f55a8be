//! The records of a table, each with the number of its line.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::ReadRecordResult;

/// Bytes of a record: what the most fields that are read take, and more. A quote that is not closed takes in all that follows.
const MOST_BYTES: usize = 32 << 20;
/// Bytes that are read at a time.
const BUFFER: usize = 1 << 16;

/// The fields of a record.
#[derive(Clone, Debug, Default)]
pub struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    /// The line that it begins at, from 1, as an editor counts them.
    pub line: u64,
    is_text: bool,
}

impl Record {
    /// The number of fields.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether it is UTF-8.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// A field without the spaces around it; empty in a record that is not UTF-8.
    pub fn get(&self, field: usize) -> &str {
        let from = field.checked_sub(1).map_or(0, |before| self.ends[before]);
        let bytes = &self.bytes[from..self.ends[field]];
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let trimmed = text.trim();
        // A quote after a space begins no quoted field for csv; people write it all the same: `1, "2"`.
        let quoted = trimmed
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        quoted.filter(|_| text.starts_with(' ')).unwrap_or(trimmed)
    }

    /// All fields.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        (0..self.count).map(|field| self.get(field))
    }

    /// Returns whether no field says anything.
    pub fn is_blank(&self) -> bool {
        self.is_text && self.iter().all(str::is_empty)
    }

    /// Takes the last field off.
    pub fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// Takes empty fields out, which two spaces in a row make where fields are separated by spaces.
    fn collapse(&mut self) {
        let mut from = 0;
        let mut kept = Vec::with_capacity(self.count);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for &end in &self.ends[..self.count] {
            if end > from {
                bytes.extend_from_slice(&self.bytes[from..end]);
                kept.push(bytes.len());
            }
            from = end;
        }
        self.count = kept.len();
        (self.bytes, self.ends) = (bytes, kept);
    }
}

/// Reads records one after another.
pub struct Records<R> {
    stream: BufReader<R>,
    core: csv_core::Reader,
    /// Runs of the separator count as one.
    collapses: bool,
    /// The line that the next byte is in.
    line: u64,
    /// Whether the byte before was a carriage return, whose line feed ends no line of its own.
    after_return: bool,
}

impl<R: Read> Records<R> {
    /// Reads from a stream whose first byte is in line `line`.
    pub fn new(stream: R, separator: u8, line: u64) -> Self {
        Self {
            stream: BufReader::with_capacity(BUFFER, stream),
            core: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            collapses: separator == b' ',
            line,
            after_return: false,
        }
    }

    /// Reads the next record that is not a blank line; returns false at the end.
    ///
    /// # Errors
    /// The stream fails, or a quoted field does not end.
    pub fn read(&mut self, record: &mut Record) -> io::Result<bool> {
        loop {
            if !self.read_any(record)? {
                return Ok(false);
            }
            if self.collapses && record.is_text {
                record.collapse();
            }
            // Csv itself skips lines without a byte; lines of spaces are as blank, and `""` is a missing value.
            let are_spaces = record.count == 1 && record.ends[0] > 0 && record.is_blank();
            let is_blank = record.count == 0 || are_spaces;
            if !is_blank {
                return Ok(true);
            }
        }
    }

    fn read_any(&mut self, record: &mut Record) -> io::Result<bool> {
        let (mut bytes, mut ends) = (0, 0);
        let mut has_begun = false;
        let mut quotes = 0_usize;
        let is_there = loop {
            let input = self.stream.fill_buf()?;
            let is_at_end = input.is_empty();
            let (result, read, written, fields) =
                self.core
                    .read_record(input, &mut record.bytes[bytes..], &mut record.ends[ends..]);
            for &byte in &input[..read] {
                quotes += usize::from(byte == b'"');
                match byte {
                    b'\n' if self.after_return => {}
                    b'\n' | b'\r' => self.line += 1,
                    _ if !has_begun => {
                        has_begun = true;
                        record.line = self.line;
                    }
                    _ => {}
                }
                self.after_return = byte == b'\r';
            }
            self.stream.consume(read);
            bytes += written;
            ends += fields;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if record.bytes.len() >= MOST_BYTES => {
                    let problem = format!(
                        "what begins at line {} is longer than {} MiB; close the quote that is open there, or break the line",
                        record.line,
                        MOST_BYTES >> 20
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                ReadRecordResult::OutputFull => {
                    record.bytes.resize((2 * record.bytes.len()).max(1024), 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    record.ends.resize((2 * record.ends.len()).max(64), 0);
                }
                // Only quotes hold lines together, so the last one is still open.
                ReadRecordResult::Record
                    if is_at_end && self.line > record.line && !quotes.is_multiple_of(2) =>
                {
                    let problem = format!(
                        "what begins at line {} never ends; close the quote that is open there",
                        record.line
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
                }
                ReadRecordResult::Record => break true,
                ReadRecordResult::End => break false,
            }
        };
        record.count = ends;
        let end = ends.checked_sub(1).map_or(0, |last| record.ends[last]);
        record.is_text = std::str::from_utf8(&record.bytes[..end]).is_ok();
        Ok(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, separator: u8) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(text.as_bytes(), separator, 1);
        let mut record = Record::default();
        let mut found = Vec::new();
        while records.read(&mut record).unwrap() {
            found.push((record.line, record.iter().map(str::to_owned).collect()));
        }
        found
    }

    #[test]
    fn lines_are_counted_as_editors_do_whatever_ends_them() {
        let text = "a,b\n\n1,\"x\ny\"\n  \n2,z\n\n\n3,w";
        let expected = [1, 3, 6, 9];
        for end in ["\n", "\r\n", "\r"] {
            let found: Vec<u64> = lines(&text.replace('\n', end), b',')
                .iter()
                .map(|(line, _)| *line)
                .collect();
            assert_eq!(found, expected, "{end:?}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_nothing_in_silently() {
        let mut record = Record::default();
        for (text, readable) in [
            ("1,2\n5,\"7,8\n7,8\n", 1),
            ("1,2\n5,\"7\n8\"\n6,7\n", 3),
            // A quote within a field opens nothing, and neither does one in a last line without an end.
            ("1,2\n5 \" pipe,3\n", 2),
            ("1,2\n5 \" pipe,3", 2),
        ] {
            let mut records = Records::new(text.as_bytes(), b',', 1);
            let mut read = 0;
            let end = loop {
                match records.read(&mut record) {
                    Ok(true) => read += 1,
                    end => break end,
                }
            };
            assert_eq!((read, end.is_err()), (readable, readable == 1), "{text}");
        }
    }

    #[test]
    fn long_records_and_runs_of_spaces_are_read() {
        let long = "7,".repeat(100_000) + "7";
        let found = lines(&format!("{long}\r\n1\r\n"), b',');
        assert_eq!(found[0].1.len(), 100_001);
        assert_eq!(found[1].0, 2);
        let found = lines("1, \"2\" , \"\"\"a\"\"\",\"\"\"b\"\"\"", b',');
        assert_eq!(found[0].1, ["1", "2", "\"\"a\"\"", "\"b\""]);
        let found = lines("1\n\"\"\n  \n3", b',');
        let numbers: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(numbers, [1, 2, 4]);
        let found = lines("  1.5   2\n\"a b\" 3 \n", b' ');
        assert_eq!(found[0].1, ["1.5", "2"]);
        assert_eq!(found[1].1, ["a b", "3"]);
    }
}
