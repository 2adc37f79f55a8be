//! The beginning of a table, from which its dialect and its heading are found out.

use std::io::{self, Read};

use super::records::{Record, Records};

/// The least bytes of text, and the least lines, from which the dialect is detected.
const LEAST_BYTES: usize = 1 << 16;
const LEAST_LINES: usize = 20;
/// Bytes beyond which a table of very long lines is not looked at.
const MOST_BYTES: usize = 32 << 20;

/// The beginning of a table, and what stands above its first record.
pub struct Sample {
    /// What follows the preamble, up to the end of a line.
    pub text: Vec<u8>,
    /// The separator that a first line `sep=;` names, as Excel writes and reads it.
    pub separator: Option<u8>,
    /// Lines above the first record: `sep=` and those that begin with `#`.
    pub skipped_lines: u64,
    /// Their bytes.
    pub skipped_bytes: u64,
    /// The last of the lines that begin with `#`, without that; it may hold the names of the columns, as `numpy.savetxt` writes them.
    pub remark: Option<String>,
}

impl Sample {
    /// Reads the beginning of a text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(mut stream: impl Read) -> io::Result<Self> {
        let mut text = Vec::new();
        let mut is_whole = false;
        let mut wanted = LEAST_BYTES;
        while !is_whole {
            let missing = wanted.saturating_sub(text.len()) as u64;
            let read = stream.by_ref().take(missing).read_to_end(&mut text)?;
            is_whole = (read as u64) < missing;
            let lines = text.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
            if lines.count() >= LEAST_LINES || wanted >= MOST_BYTES {
                break;
            }
            wanted *= 2;
        }
        if !is_whole && !text.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            let problem = format!("its first line is longer than {} MiB", MOST_BYTES >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        let mut sample = Self {
            text,
            separator: None,
            skipped_lines: 0,
            skipped_bytes: 0,
            remark: None,
        };
        sample.skip_preamble();
        if !is_whole {
            // A line that is cut off says nothing.
            let end = sample
                .text
                .iter()
                .rposition(|byte| matches!(byte, b'\n' | b'\r'));
            if let Some(end) = end {
                sample.text.truncate(end + 1);
            }
        }
        Ok(sample)
    }

    fn skip_preamble(&mut self) {
        let (mut place, mut lines) = (0, 0);
        let mut remark = None;
        let mut separator = None;
        while let Some((line, length)) = first_line(&self.text[place..]) {
            let text = String::from_utf8_lossy(line);
            let text = text.trim();
            let excel = text.trim_matches('"').to_ascii_lowercase();
            match excel.strip_prefix("sep=").map(str::as_bytes) {
                Some(&[named]) if lines == 0 => separator = Some(named),
                // A tabulator is trimmed off the line.
                Some(&[]) if lines == 0 && line.contains(&b'\t') => separator = Some(b'\t'),
                _ if text.starts_with('#') => remark = Some(text[1..].trim_start().to_owned()),
                _ if text.is_empty() && lines > 0 => {}
                _ => break,
            }
            place += length;
            lines += 1;
        }
        // Names of examples may begin with a `#` too.
        let has_more = self.text[place..]
            .iter()
            .any(|byte| !byte.is_ascii_whitespace());
        if has_more {
            self.text.drain(..place);
            (self.skipped_bytes, self.skipped_lines) = (place as u64, lines);
            (self.separator, self.remark) = (separator, remark);
        }
    }

    /// The records of the sample.
    pub fn records(&self, separator: u8) -> Vec<Record> {
        let mut records = Records::new(&self.text[..], separator, 1 + self.skipped_lines);
        let mut all = Vec::new();
        let mut record = Record::default();
        while records.read(&mut record).is_ok_and(|is_there| is_there) {
            all.push(record.clone());
        }
        all
    }
}

/// The first line and its bytes with what ends it; none at the end.
fn first_line(text: &[u8]) -> Option<(&[u8], usize)> {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    match end {
        None if text.is_empty() => None,
        None => Some((text, text.len())),
        Some(end) => {
            let is_pair = text[end..].starts_with(b"\r\n");
            Some((&text[..end], end + 1 + usize::from(is_pair)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_above_the_table_is_skipped_and_counted() {
        let of = |text: &str| Sample::read(text.as_bytes()).unwrap();
        let sample = of("sep=;\r\n# made by\r\n# a;b\r\n1;2\r\n");
        assert_eq!(sample.separator, Some(b';'));
        assert_eq!(sample.remark.as_deref(), Some("a;b"));
        assert_eq!(sample.records(b';')[0].line, 4);
        assert_eq!(of("sep=\t\n1\t2\n").separator, Some(b'\t'));
        assert_eq!(of("\"sep=|\"\n1|2\n").separator, Some(b'|'));
        let names = of("#1,2\n#2,3\n");
        assert_eq!((names.skipped_lines, names.records(b',').len()), (0, 2));
    }

    #[test]
    fn a_line_that_is_cut_off_is_left_out() {
        let text = "1,2\n".repeat(LEAST_BYTES / 4) + "3";
        let sample = Sample::read(text.as_bytes()).unwrap();
        assert!(sample.records(b',').iter().all(|record| record.len() == 2));
    }
}
