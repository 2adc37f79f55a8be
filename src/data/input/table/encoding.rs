//! The bytes of a table to UTF-8.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::data::input::{InputError, Origin};

/// The decoding of the bytes of a file.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    pub encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    mark: u64,
}

/// Bytes that are looked at for zeros.
const BEGINNING: u64 = 1 << 16;
const HINT: &str =
    "save it as UTF-8, or name its encoding with data.encoding, such as \"windows-1252\"";

/// Returns the encoding of a name: those of the WHATWG's list, and `latin-1`.
pub fn named(name: &str) -> Option<&'static Encoding> {
    let name = name.trim().to_ascii_lowercase();
    let known = match name.strip_prefix("latin-") {
        Some(number) => format!("latin{number}"),
        None => name,
    };
    Encoding::for_label_no_replacement(known.as_bytes())
}

impl Text {
    /// Finds the encoding of a file: by its byte order mark, by `given`, by the zeros of UTF-16, as UTF-8 where it is valid, else
    /// as Windows-1252. A remark is returned where that is not certain.
    ///
    /// # Errors
    /// The file cannot be read, or is in none of these.
    pub fn find(
        origin: &Origin,
        path: &Path,
        given: Option<&str>,
    ) -> Result<(Self, Option<String>), InputError> {
        let io = InputError::io(path);
        let refuse = |problem: &str| Err(InputError::new(path, problem, HINT));
        let mut stream = origin.open().map_err(&io)?;
        let mut beginning = Vec::new();
        let read = stream.by_ref().take(BEGINNING).read_to_end(&mut beginning);
        read.map_err(&io)?;
        let of = |encoding, mark| Ok((Self { encoding, mark }, None));
        if beginning.starts_with(&[0xff, 0xfe, 0, 0]) || beginning.starts_with(&[0, 0, 0xfe, 0xff])
        {
            return refuse("is UTF-32, which is not read");
        }
        if let Some((encoding, mark)) = Encoding::for_bom(&beginning) {
            return of(encoding, mark as u64);
        }
        let by_zeros = utf_16(&beginning);
        match given.and_then(named) {
            Some(given) if given == UTF_16LE || given == UTF_16BE => {
                return of(by_zeros.unwrap_or(given), 0);
            }
            Some(given) => return of(given, 0),
            None => {}
        }
        if let Some(encoding) = by_zeros {
            return of(encoding, 0);
        }
        stream.seek(SeekFrom::Start(0)).map_err(&io)?;
        let scan = Scan::of(stream).map_err(&io)?;
        match scan {
            Scan { foreign: None, .. } => of(UTF_8, 0),
            // Damaged, rather than in another encoding: the lines that are not UTF-8 cannot be read.
            Scan {
                has_utf_8: true, ..
            } => of(UTF_8, 0),
            Scan {
                is_windows_1252: false,
                ..
            } => refuse("is neither UTF-8 nor Windows-1252 (Latin-1)"),
            Scan {
                foreign: Some(foreign),
                ..
            } => {
                let (word, _) = WINDOWS_1252.decode_without_bom_handling(&foreign);
                let remark = format!(
                    "is not UTF-8; it is read as Windows-1252, where it holds `{word}`; data.encoding = \"windows-1252\" or another encoding settles it",
                );
                let text = Self {
                    encoding: WINDOWS_1252,
                    mark: 0,
                };
                Ok((text, Some(remark)))
            }
        }
    }

    /// The text of a file as UTF-8.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self, origin: &Origin) -> io::Result<Box<dyn Read + Send>> {
        let mut stream = origin.open()?;
        stream.seek(SeekFrom::Start(self.mark))?;
        Ok(match self.encoding == UTF_8 {
            true => Box::new(stream),
            false => Box::new(BufReader::new(Transcoder {
                stream,
                decoder: self.encoding.new_decoder_without_bom_handling(),
                bytes: vec![0; BEGINNING as usize],
                from: 0,
                to: 0,
                is_over: false,
                is_finished: false,
            })),
        })
    }
}

/// Returns the byte order of UTF-16 without a mark: of text in the Latin alphabet every second byte is zero, and none between.
pub fn utf_16(beginning: &[u8]) -> Option<&'static Encoding> {
    let pairs = beginning.len() / 2;
    let zeros = |parity: usize| {
        let bytes = beginning.iter().skip(parity).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    // Digits and separators are most of a table in any language.
    let are_most = |zeros: usize| 4 * zeros >= 3 * pairs;
    match (zeros(0), zeros(1)) {
        _ if pairs < 2 => None,
        (0, odd) if are_most(odd) => Some(UTF_16LE),
        (even, 0) if are_most(even) => Some(UTF_16BE),
        _ => None,
    }
}

/// The evidence about the encoding in the bytes of a whole file.
#[derive(Debug, Default)]
struct Scan {
    /// True if it holds UTF-8 characters of several bytes.
    has_utf_8: bool,
    /// The first word that is not UTF-8.
    foreign: Option<Vec<u8>>,
    is_windows_1252: bool,
}

/// Bytes that no character of Windows-1252 has.
const NOT_WINDOWS_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];
/// Bytes of a word that a remark shows.
const MOST_SHOWN: usize = 20;

impl Scan {
    fn of(mut stream: impl Read) -> io::Result<Self> {
        let mut found = Self {
            is_windows_1252: true,
            ..Self::default()
        };
        let mut buffer = vec![0; 1 << 20];
        let mut kept = 0;
        loop {
            let read = stream.read(&mut buffer[kept..])?;
            let end = kept + read;
            let is_over = read == 0;
            let mut rest = &buffer[..end];
            let mut before = 0;
            loop {
                match std::str::from_utf8(rest) {
                    Ok(text) => {
                        found.has_utf_8 |= !text.is_ascii();
                        rest = &[];
                    }
                    Err(error) => {
                        let valid = error.valid_up_to();
                        found.has_utf_8 |= !rest[..valid].is_ascii();
                        match error.error_len() {
                            // The end of the buffer is within a character.
                            None if !is_over => rest = &rest[valid..],
                            length => {
                                let length = length.unwrap_or(rest.len() - valid);
                                let foreign = &rest[valid..valid + length];
                                found.is_windows_1252 &=
                                    !foreign.iter().any(|byte| NOT_WINDOWS_1252.contains(byte));
                                if found.foreign.is_none() {
                                    found.foreign = Some(word(&buffer[..end], before + valid));
                                }
                                rest = &rest[valid + length..];
                                before += valid + length;
                                continue;
                            }
                        }
                    }
                }
                break;
            }
            kept = rest.len();
            if is_over {
                return Ok(found);
            }
            buffer.copy_within(end - kept..end, 0);
        }
    }
}

/// The word around a byte.
fn word(text: &[u8], place: usize) -> Vec<u8> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    let before = text[..place].iter().rev().take(MOST_SHOWN);
    let from = place - before.take_while(|byte| is_part(byte)).count();
    let after = text[place..].iter().take(MOST_SHOWN);
    let to = place + after.take_while(|byte| is_part(byte)).count();
    text[from..to].to_vec()
}

/// Reads text of another encoding as UTF-8. It is read through a buffer, which has room for any character.
struct Transcoder<R> {
    stream: R,
    decoder: Decoder,
    bytes: Vec<u8>,
    from: usize,
    to: usize,
    is_over: bool,
    /// Whether the decoder has seen the end, after which it must not be used.
    is_finished: bool,
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, text: &mut [u8]) -> io::Result<usize> {
        while !self.is_finished {
            if self.from == self.to && !self.is_over {
                (self.from, self.to) = (0, self.stream.read(&mut self.bytes)?);
                self.is_over = self.to == 0;
            }
            let given = &self.bytes[self.from..self.to];
            let (result, read, written, _) = self.decoder.decode_to_utf8(given, text, self.is_over);
            self.from += read;
            self.is_finished = self.is_over && result == CoderResult::InputEmpty;
            if written > 0 || text.is_empty() {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_their_usual_names() {
        for name in ["latin-1", "Latin1", "iso-8859-1", "windows-1252", "cp1252"] {
            assert_eq!(named(name), Some(WINDOWS_1252), "{name}");
        }
        assert_eq!(named("utf-8"), Some(UTF_8));
        assert_eq!(named("UTF-16"), Some(UTF_16LE));
        assert_eq!(named("klingon"), None);
    }

    #[test]
    fn zeros_say_utf_16_and_nothing_else_does() {
        let bytes = |text: &str, is_big: bool| -> Vec<u8> {
            let unit = |unit: u16| match is_big {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            };
            text.encode_utf16().flat_map(unit).collect()
        };
        assert_eq!(utf_16(&bytes("größe,b\n1,2\n", false)), Some(UTF_16LE));
        assert_eq!(utf_16(&bytes("größe,b\n1,2\n", true)), Some(UTF_16BE));
        for other in [&b"a,b\n1,2\n"[..], &[0, 0, 8, 3, 0, 0, 0, 5], b"", b"a"] {
            assert_eq!(utf_16(other), None, "{other:?}");
        }
    }

    #[test]
    fn text_of_any_encoding_ends_once() {
        for (encoding, bytes) in [
            (UTF_16LE, &b"a\0\xf6\0,\0"[..]),
            (UTF_16BE, b"\0a\0\xf6\0,"),
            (WINDOWS_1252, b"a\xf6,"),
        ] {
            let mut stream = BufReader::new(Transcoder {
                stream: bytes,
                decoder: encoding.new_decoder_without_bom_handling(),
                bytes: vec![0; 3],
                from: 0,
                to: 0,
                is_over: false,
                is_finished: false,
            });
            let mut text = String::new();
            for _ in 0..3 {
                stream.read_to_string(&mut text).unwrap();
                assert_eq!(text, "aö,", "{}", encoding.name());
            }
        }
    }

    #[test]
    fn a_character_across_two_reads_is_one() {
        let text = "x".repeat((1 << 20) - 1) + "ö";
        let scan = Scan::of(text.as_bytes()).unwrap();
        assert!(scan.has_utf_8 && scan.foreign.is_none());
        let scan = Scan::of(&b"Gr\xf6\xdfe;b\n"[..]).unwrap();
        assert!(!scan.has_utf_8 && scan.is_windows_1252);
        assert_eq!(scan.foreign.unwrap(), b"Gr\xf6\xdfe");
        assert!(!Scan::of(&b"a\x81b"[..]).unwrap().is_windows_1252);
    }
}
