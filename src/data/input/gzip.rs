//! Bytes that are gzipped.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

use super::{Origin, ReadSeek};

/// The magic bytes of gzip.
pub const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// By how much gzip makes data smaller that are not made to fill a disk: numbers as text become a fifth, at best a
/// hundredth.
const MOST_EXPANSION: u64 = 500;
/// Bytes that any file may become.
const MOST_WITHOUT_A_LOOK: u64 = 64 << 20;

type Decoder = MultiGzDecoder<BufReader<Box<dyn ReadSeek>>>;

/// The decompressed bytes of a gzipped origin, in all of its members.
///
/// They come in order; going back means to decompress again from the beginning.
pub struct Unzipped {
    zipped: Origin,
    decoder: Decoder,
    place: u64,
}

impl Unzipped {
    /// Opens an origin that holds gzipped bytes.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(zipped: &Origin) -> io::Result<Self> {
        Ok(Self {
            zipped: zipped.clone(),
            decoder: decoder(zipped)?,
            place: 0,
        })
    }
}

fn decoder(zipped: &Origin) -> io::Result<Decoder> {
    let stream = BufReader::with_capacity(1 << 16, zipped.open()?);
    Ok(MultiGzDecoder::new(stream))
}

impl Read for Unzipped {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(bytes)?;
        self.place += read as u64;
        if self.place > MOST_WITHOUT_A_LOOK {
            let stored = self.decoder.get_mut().get_mut().stream_position()?;
            if self.place > stored.saturating_mul(MOST_EXPANSION) {
                let problem = format!("expands to more than {MOST_EXPANSION} times its size");
                return Err(io::Error::other(problem));
            }
        }
        Ok(read)
    }
}

impl Seek for Unzipped {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
        let place = place.ok_or_else(unsupported)?;
        if place < self.place {
            *self = Self::open(&self.zipped)?;
        }
        let ahead = place - self.place;
        io::copy(&mut self.by_ref().take(ahead), &mut io::sink())?;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn members_are_read_as_one_and_again_from_any_place() {
        let member = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let zipped = [member(b"one "), member(b"and two")].concat();
        let origin = Origin::keep(&mut &zipped[..]).unwrap();
        let mut unzipped = Unzipped::open(&origin).unwrap();
        let mut rest = String::new();
        unzipped.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "one and two");
        for place in [8, 2, 0, 11, 4] {
            assert_eq!(unzipped.seek(SeekFrom::Start(place)).unwrap(), place);
            rest.clear();
            unzipped.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "one and two"[place as usize..]);
        }
        assert!(unzipped.seek(SeekFrom::End(0)).is_err());
    }
}
