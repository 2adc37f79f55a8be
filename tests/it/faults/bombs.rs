//! Small files that claim or become much: each is an error at once, or read in little memory.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use hourglass::data::{Block, Input, InputError, Options};
use image::{GrayImage, ImageFormat};

use super::claims::crc32;
use super::{Tally, formats};
use crate::allocations;

/// What a bomb may take.
const MOST_TIME: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 200 << 20;

/// A file, and what is to be said of it; it may be read where nothing is.
struct Bomb {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    says: Option<&'static str>,
}

fn bomb(
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    says: impl Into<Option<&'static str>>,
) -> Bomb {
    Bomb {
        what,
        name,
        bytes,
        says: says.into(),
    }
}

/// Gives each to its reader.
pub fn all() -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let mut tally = Tally::default();
    let groups: [fn() -> Vec<Bomb>; 4] = [gzipped, archives, pictures, tables];
    for bomb in groups.iter().flat_map(|group| group()) {
        let path = directory.path().join(bomb.name);
        fs::write(&path, &bomb.bytes).unwrap();
        allocations::reset();
        let begun = Instant::now();
        let outcome = read(&path);
        let (took, asked) = (begun.elapsed(), allocations::most());
        tally.faults += 1;
        tally.accepted += usize::from(outcome.is_ok());
        if took > MOST_TIME || asked > MOST_BYTES {
            tally.lost += 1;
            let complaint = format!("{}: {took:.1?}, {asked} bytes", bomb.what);
            tally.complaints.push(complaint);
        }
        let message = outcome.map_or_else(
            |error| format!("{error}; {}", error.hint),
            |()| "it is read".into(),
        );
        if bomb.says.is_some_and(|says| !message.contains(says)) {
            tally.lost += 1;
            tally.complaints.push(format!("{}: {message}", bomb.what));
        }
        fs::remove_file(path).unwrap();
    }
    tally
}

fn read(path: &Path) -> Result<(), InputError> {
    let input = Input::open(path, &Options::default())?;
    let each = &mut |_: Block| -> Result<(), InputError> { Ok(()) };
    let unreadable = input.read(input.at_a_time(), &mut |_, _| {}, each)?;
    match unreadable.first() {
        None => Ok(()),
        Some(first) => Err(InputError {
            path: path.to_owned(),
            problem: format!("{} unreadable, {}", unreadable.len(), first.reason),
            hint: String::new(),
        }),
    }
}

/// So many megabytes of zeros after `begin`, in a thousandth of that.
fn gzipped_zeros(begin: &[u8], megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(begin).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..megabytes).for_each(|_| encoder.write_all(&zeros).unwrap());
    encoder.finish().unwrap()
}

fn gzipped() -> Vec<Bomb> {
    let idx = |count: u32| {
        let mut header = vec![0, 0, 8, 3];
        for size in [count, 28, 28] {
            header.extend(size.to_be_bytes());
        }
        header
    };
    let npy = formats::npy(formats::NPY_HEADER.as_bytes(), 240);
    vec![
        bomb(
            "gzipped IDX of 10 images that goes on for 512 MB",
            "images.gz",
            gzipped_zeros(&idx(10), 512),
            "too long",
        ),
        bomb(
            "gzipped IDX that claims 3 TB",
            "images.gz",
            gzipped_zeros(&idx(u32::MAX), 8),
            "cannot hold",
        ),
        bomb(
            "gzipped .npy that goes on for 512 MB",
            "array.npy.gz",
            gzipped_zeros(&npy, 512),
            None,
        ),
        bomb(
            "gzipped CSV of one line of 512 MB",
            "table.csv.gz",
            gzipped_zeros(b"1,2\n", 512),
            None,
        ),
        bomb(
            ".npy that is followed by more",
            "array.npy",
            [&npy[..], &[0]].concat(),
            "more follows",
        ),
    ]
}

fn archives() -> Vec<Bomb> {
    let array = formats::npy(formats::NPY_HEADER.as_bytes(), 240);
    let longer = [&array[..], &vec![0; 64 << 20]].concat();
    let huge = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 28, 28), }";
    let claims_gigabytes = |bytes: &[u8]| {
        // Uncompressed sizes of the local header and of the directory.
        let mut bytes = bytes.to_vec();
        let local = bytes.windows(4).position(|at| at == b"PK\x03\x04").unwrap() + 22;
        let directory = bytes
            .windows(4)
            .rposition(|at| at == b"PK\x01\x02")
            .unwrap()
            + 24;
        let header = 12 + huge.len() + 1;
        let size = u32::try_from(header as u64 + 8 * 784 * 600_000).unwrap();
        for place in [local, directory] {
            bytes[place..place + 4].copy_from_slice(&size.to_le_bytes());
        }
        bytes
    };
    let claimed = std::str::from_utf8(huge)
        .unwrap()
        .replace("1000000", "600000");
    let claimed = formats::npy(format!("{claimed} ").as_bytes(), 1000);
    let whole = formats::zip(&[("x.npy", &array)]);
    let mut damaged = formats::zip_stored(&[("x.npy", &array)]);
    let last = array.len() - 3;
    let begin = damaged
        .windows(6)
        .position(|at| at == b"\x93NUMPY")
        .unwrap();
    damaged[begin + last] ^= 1;
    vec![
        bomb(
            ".npz whose member goes on after its array for 64 MB",
            "arrays.npz",
            formats::zip(&[("x.npy", &longer)]),
            "its member has",
        ),
        bomb(
            ".npz whose member ends before its array",
            "arrays.npz",
            formats::zip(&[("x.npy", &array[..array.len() - 1])]),
            "its member has",
        ),
        bomb(
            ".npz whose array claims 6 GB",
            "arrays.npz",
            formats::zip(&[("x.npy", &formats::npy(huge, 1000))]),
            "its member has",
        ),
        bomb(
            ".npz whose array and member claim 3.8 GB",
            "arrays.npz",
            claims_gigabytes(&formats::zip(&[("x.npy", &claimed)])),
            "cannot hold",
        ),
        bomb(
            ".npz with two members of one name",
            "arrays.npz",
            formats::zip(&[("x.npy", &array), ("x.npy", &array)]),
            "the same name",
        ),
        bomb(
            ".npz with a flipped bit in a stored member",
            "arrays.npz",
            damaged,
            "checksum",
        ),
        bomb(
            ".npz of 64 bits whose directory is said to be at the beginning of 16 MB",
            "arrays.npz",
            [
                &b"PK\x03\x04"[..],
                &vec![0; 16 << 20],
                b"PK\x06\x07",
                &[0; 16],
                b"PK\x05\x06",
                &[0xff; 16],
                &[0; 2],
            ]
            .concat(),
            "not where its end record says",
        ),
        bomb(
            ".npz of 30,000 members",
            "arrays.npz",
            {
                let names: Vec<String> = (0..30_000).map(|i| format!("{i}.npy")).collect();
                let mut members: Vec<(&str, &[u8])> =
                    names.iter().map(|name| (name.as_str(), &[][..])).collect();
                members.push(("x.npy", &array));
                formats::zip(&members)
            },
            "it is read",
        ),
        bomb(
            ".npz cut off",
            "arrays.npz",
            whole[..whole.len() - 30].to_vec(),
            "directory",
        ),
    ]
}

/// A PNG with a chunk before its pixels.
fn png_with(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::new(8, 8)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let mut bytes = bytes.into_inner();
    let mut chunk = (content.len() as u32).to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(content);
    chunk.extend(crc32(&chunk[4..]).to_be_bytes());
    const AFTER_HEADER: usize = 8 + 25;
    bytes.splice(AFTER_HEADER..AFTER_HEADER, chunk);
    bytes
}

fn deflated_zeros(megabytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    (0..megabytes).for_each(|_| encoder.write_all(&zeros).unwrap());
    encoder.finish().unwrap()
}

fn pictures() -> Vec<Bomb> {
    let zeros = deflated_zeros(512);
    let circle = {
        // The second page is followed by the first.
        let mut bytes = formats::tiff_of_pages();
        let end = bytes.len() - 6;
        bytes[end - 4..end].copy_from_slice(&8u32.to_le_bytes());
        bytes
    };
    let of_zeros = |begin: &[u8]| [begin, &zeros].concat();
    let black = |side: u32| {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::new(side, side)
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    let large_gif = {
        let mut bytes = formats::gif();
        bytes[6..10].copy_from_slice(&[0xff; 4]);
        bytes
    };
    vec![
        bomb(
            "TIFF whose pages go in circles",
            "picture.tiff",
            circle,
            None,
        ),
        bomb(
            "PNG with 512 MB of a colour profile",
            "picture.png",
            png_with(b"iCCP", &of_zeros(b"x\0\0")),
            None,
        ),
        bomb(
            "PNG with 512 MB of text",
            "picture.png",
            png_with(b"zTXt", &of_zeros(b"x\0\0")),
            None,
        ),
        bomb(
            "PNG with 512 MB of international text",
            "picture.png",
            png_with(b"iTXt", &of_zeros(b"x\0\x01\0\0\0")),
            None,
        ),
        bomb(
            "PNG of 8,000 × 8,000 black pixels",
            "picture.png",
            black(8000),
            "it is read",
        ),
        bomb(
            "GIF that claims 65,535 × 65,535 pixels",
            "picture.gif",
            large_gif,
            None,
        ),
        bomb(
            "PGM that claims 16,000 × 16,000 pixels",
            "picture.pgm",
            b"P5\n16000 16000\n255\n0".to_vec(),
            None,
        ),
        bomb(
            "QOI that claims 16,000 × 16,000 pixels",
            "picture.qoi",
            {
                let mut bytes = formats::qoi();
                bytes[4..12].copy_from_slice(&[0, 0, 0x3e, 0x80, 0, 0, 0x3e, 0x80]);
                bytes
            },
            None,
        ),
    ]
}

fn tables() -> Vec<Bomb> {
    let repeated = |line: &str, bytes: usize| line.repeat(bytes / line.len());
    let after_numbers = |text: String| format!("1,2\n3,4\n{text}").into_bytes();
    vec![
        bomb(
            "CSV with 40 MB of lines that cannot be read",
            "table.csv",
            after_numbers(repeated("x,1\n", 40 << 20)),
            "10485760 unreadable",
        ),
        bomb(
            "CSV with 16 MB of empty fields in lines of too many",
            "table.csv",
            after_numbers(repeated(",,,,,,,\n", 16 << 20)),
            None,
        ),
        bomb(
            "CSV with a field of 300 MB",
            "table.csv",
            after_numbers("9".repeat(300 << 20)),
            "longer than 32 MiB",
        ),
        bomb(
            "CSV with a quote that is open for 300 MB",
            "table.csv",
            after_numbers(format!("5,\"{}", repeated("7,8\n", 300 << 20))),
            "close the quote",
        ),
        bomb(
            "CSV that begins with a line of 100 MB",
            "table.csv",
            vec![b'7'; 100 << 20],
            "longer than 32 MiB",
        ),
    ]
}

#[test]
fn what_is_small_and_claims_or_becomes_much_is_an_error_at_once() {
    all().check(20);
}
