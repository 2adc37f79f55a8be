//! Checks the claims of an `.npz` about its members before any of them is read.
//!
//! # Source
//! PKWARE, *APPNOTE.TXT*, 4.3: an archive ends with the record of its directory, before which the 64-bit form has another that
//! a locator points to.

use std::io::{self, Read, Seek, SeekFrom};

use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const END_64: &[u8] = b"PK\x06\x06";
/// Bytes of a comment after the directory: what two bytes can say.
const MOST_OF_A_COMMENT: u64 = 0xffff;
/// No byte of DEFLATE becomes more than these: 258 from two bits.
const MOST_EXPANSION: u64 = 1032;
/// Bytes that an expansion is not counted for.
const SLACK: u64 = 1 << 12;

/// Opens an archive.
///
/// # Errors
/// It cannot be read, its directory is not where its end record says, or two members have one name.
pub fn open<R: Read + Seek>(mut stream: R) -> io::Result<ZipArchive<R>> {
    check_end(&mut stream)?;
    let archive = ZipArchive::new(stream)?;
    let (members, names) = (archive.len(), archive.file_names().count());
    match members == names {
        true => Ok(archive),
        false => Err(io::Error::other("two of its members have the same name")),
    }
}

/// Checks that the record that a locator points to is there. The reader of archives would look for it byte by byte from there
/// on, which takes hours in a large file.
fn check_end<R: Read + Seek>(stream: &mut R) -> io::Result<()> {
    let length = stream.seek(SeekFrom::End(0))?;
    let most = MOST_OF_A_COMMENT + (END_BYTES + LOCATOR_BYTES) as u64;
    stream.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut end = Vec::new();
    stream.take(most).read_to_end(&mut end)?;
    let last = end.len().checked_sub(END_BYTES);
    let place = last.and_then(|last| (0..=last).rev().find(|&at| end[at..].starts_with(END)));
    let place = place.ok_or_else(|| io::Error::other("it has no directory at its end"))?;
    let locator = place.checked_sub(LOCATOR_BYTES).map(|at| &end[at..place]);
    if let Some(locator) = locator.filter(|locator| locator.starts_with(LOCATOR)) {
        let offset = locator[8..16]
            .try_into()
            .map_or(u64::MAX, u64::from_le_bytes);
        let mut signature = [0; 4];
        if offset.checked_add(4).is_some_and(|end| end <= length) {
            stream.seek(SeekFrom::Start(offset))?;
            stream.read_exact(&mut signature)?;
        }
        if signature != END_64 {
            return Err(io::Error::other(
                "its directory is not where its end record says",
            ));
        }
    }
    stream.rewind()
}

/// Checks that a member is as long as its array, whose header and elements have these numbers of bytes, and that its
/// compressed form can hold as much.
///
/// # Errors
/// Its sizes contradict each other.
pub fn check_size(file: &ZipFile<'_>, header: u64, elements: u64) -> io::Result<()> {
    let claimed = file.size();
    let array = header.checked_add(elements);
    if array != Some(claimed) {
        let array = array.map_or_else(|| "an impossible number".into(), |array| array.to_string());
        let problem = format!("its member has {claimed} bytes, the array in it {array}");
        return Err(io::Error::other(problem));
    }
    let compressed = file.compressed_size();
    let is_possible = match file.compression() {
        CompressionMethod::Stored => compressed == claimed,
        CompressionMethod::Deflated => {
            claimed
                <= compressed
                    .saturating_mul(MOST_EXPANSION)
                    .saturating_add(SLACK)
        }
        // Others expand without bounds, and NumPy does not use them.
        other => {
            let problem = format!("its member is compressed by {other}, not by NumPy");
            return Err(io::Error::other(problem));
        }
    };
    match is_possible {
        true => Ok(()),
        false => {
            let problem = format!("{compressed} bytes cannot hold the {claimed} that it claims");
            Err(io::Error::other(problem))
        }
    }
}

/// The problem of an array that is longer than its header declares.
pub const GOES_ON: &str = "more follows than its header declares";

/// Checks that a stream ends here; that of an archive's member compares its checksum now.
///
/// # Errors
/// Something follows, or the checksum is another.
pub fn check_ends(stream: &mut dyn Read) -> io::Result<()> {
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other(GOES_ON)),
    }
}

/// Counts what is read of a stream.
pub struct Counted<R> {
    pub stream: R,
    pub bytes: u64,
}

impl<R> Counted<R> {
    pub fn new(stream: R) -> Self {
        Self { stream, bytes: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
