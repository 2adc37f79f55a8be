//! Valid input with something done to it, and what a reader does with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hourglass::random::{Purpose, stream};
use rand::{Rng, RngExt};

use super::Tally;
use crate::allocations;

/// The largest piece of memory that any input here may ask for: what a picture or file header is trusted with.
const MOST_BYTES: usize = 300 << 20;

/// Gives `read` so many inputs, each `valid` with something done to it.
pub fn fuzz(
    times: usize,
    seed: u64,
    valid: &[u8],
    is_text: bool,
    read: &mut dyn FnMut(&[u8]) -> bool,
) -> Tally {
    let mut random = stream(seed, Purpose::MadeUp, 2, 0);
    let mut tally = Tally::default();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for number in 0..times {
        let input = mutate(valid, is_text, &mut random);
        allocations::reset();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&input)));
        let asked = allocations::most();
        tally.faults += 1;
        tally.accepted += usize::from(matches!(outcome, Ok(true)));
        if outcome.is_err() {
            tally.panics += 1;
            tally
                .complaints
                .push(format!("{number} panics: {}", shown(&input)));
        }
        if asked > MOST_BYTES {
            tally.lost += 1;
            tally
                .complaints
                .push(format!("{number} takes {asked} bytes: {}", shown(&input)));
        }
    }
    std::panic::set_hook(hook);
    tally
}

fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(400)]);
    text.escape_debug().to_string()
}

/// Numbers at the ends of what integers hold.
const EXTREMES: [u64; 9] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    1 << 60,
];

const WORDS: [&str; 17] = [
    "1e999",
    "-1",
    "0",
    "18446744073709551615",
    "1152921504606846976",
    "null",
    "NaN",
    "inf",
    "\"\"",
    "[",
    "{",
    "]",
    "}",
    "\\u0000",
    "\"",
    "\n",
    "=",
];

fn mutate(valid: &[u8], is_text: bool, random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let length = bytes.len();
        if length == 0 {
            bytes.push(random.random());
            continue;
        }
        let place = match random.random_bool(0.5) {
            // Headers matter most.
            true => random.random_range(0..length.min(64)),
            false => random.random_range(0..length),
        };
        match random.random_range(0..9) {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 1 << random.random_range(0..8),
            2 => bytes[place] = random.random(),
            3 => {
                let extreme = EXTREMES[random.random_range(0..EXTREMES.len())];
                let width = [1, 2, 4, 8][random.random_range(0..4)];
                let number = match random.random_bool(0.5) {
                    true => extreme.to_be_bytes()[8 - width..].to_vec(),
                    false => extreme.to_le_bytes()[..width].to_vec(),
                };
                for (byte, new) in bytes[place..].iter_mut().zip(number) {
                    *byte = new;
                }
            }
            4 => {
                let end = (place + random.random_range(1..64)).min(length);
                let piece = bytes[place..end].to_vec();
                for _ in 0..random.random_range(1..8) {
                    bytes.splice(place..place, piece.iter().copied());
                }
            }
            5 => {
                let end = (place + random.random_range(1..64)).min(length);
                bytes.drain(place..end);
            }
            6 if is_text => {
                // A number or a word in the place of another.
                let end = bytes[place..]
                    .iter()
                    .position(|c| !c.is_ascii_alphanumeric())
                    .map_or(length, |width| place + width.max(1));
                let word = WORDS[random.random_range(0..WORDS.len())];
                bytes.splice(place..end, word.bytes());
            }
            7 if is_text => {
                let open = ["[", "{\"a\":", "a.", "[[", "{a="][random.random_range(0..5)];
                let many = random.random_range(1..300);
                bytes.splice(place..place, open.repeat(many).bytes());
            }
            _ => {
                let junk: Vec<u8> = (0..random.random_range(1..32))
                    .map(|_| random.random())
                    .collect();
                bytes.splice(place..place, junk);
            }
        }
    }
    bytes
}
