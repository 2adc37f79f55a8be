//! Valid input with something done to it, and what a reader does with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hourglass::random::{Purpose, stream};
use rand::{Rng, RngExt};

use super::Tally;
use super::nesting;
use crate::allocations;

/// The largest piece of memory that any input here may ask for: what a picture or file header is trusted with.
const MOST_BYTES: usize = 300 << 20;
/// The longest that any input here may take. One that does is read a second time, since the machine may have been busy.
pub const MOST_TIME: Duration = Duration::from_secs(1);
/// An input that takes longer is taken for one that never ends; the reader's other inputs are left out.
const HANGS: Duration = Duration::from_secs(60);

/// What a thread that reads inputs is at.
#[derive(Default)]
struct Progress {
    tally: Tally,
    reading: Option<(Instant, Vec<u8>)>,
}

/// Gives `read` so many inputs, each `valid` with something done to it, and before these what nests deeply or goes on for long.
/// One that panics, takes more than a second or more than 300 MB is told; so is one that never ends.
pub fn fuzz(
    times: usize,
    seed: u64,
    valid: &[u8],
    is_text: bool,
    mut read: impl FnMut(&[u8]) -> bool + Send + 'static,
) -> Tally {
    let mut random = stream(seed, Purpose::MadeUp, 2, 0);
    let forms = nesting::forms(valid, is_text, times);
    let valid = valid.to_vec();
    let progress = Arc::new(Mutex::new(Progress::default()));
    let shared = Arc::clone(&progress);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let worker = thread::spawn(move || {
        let mutated = (0..times).map(|_| mutate(&valid, is_text, &mut random));
        for (number, input) in forms.into_iter().chain(mutated).enumerate() {
            shared.lock().unwrap().reading = Some((Instant::now(), input.clone()));
            let found = one(number, &input, &mut read);
            let mut progress = shared.lock().unwrap();
            progress.reading = None;
            progress.tally.add(found);
        }
    });
    while !worker.is_finished() {
        thread::sleep(Duration::from_millis(2));
        let mut progress = progress.lock().unwrap();
        let hanging = progress
            .reading
            .take_if(|(begun, _)| begun.elapsed() > HANGS);
        if let Some((_, input)) = hanging {
            let number = progress.tally.faults;
            progress.tally.faults += 1;
            progress.tally.lost += 1;
            let complaint = format!("{number} never ends: {}", shown(&input));
            progress.tally.complaints.push(complaint);
            break;
        }
    }
    std::panic::set_hook(hook);
    std::mem::take(&mut progress.lock().unwrap().tally)
}

/// What becomes of an input.
fn one(number: usize, input: &[u8], read: &mut impl FnMut(&[u8]) -> bool) -> Tally {
    let mut tally = Tally {
        faults: 1,
        ..Tally::default()
    };
    let mut measured = || {
        allocations::reset();
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(input)));
        (outcome, allocations::most(), begun.elapsed())
    };
    let (outcome, asked, mut took) = measured();
    if took > MOST_TIME {
        took = measured().2.min(took);
    }
    tally.accepted += usize::from(matches!(outcome, Ok(true)));
    if outcome.is_err() {
        tally.panics += 1;
        let complaint = format!("{number} panics: {}", shown(input));
        tally.complaints.push(complaint);
    }
    if asked > MOST_BYTES {
        tally.lost += 1;
        let complaint = format!("{number} takes {asked} bytes: {}", shown(input));
        tally.complaints.push(complaint);
    }
    if took > MOST_TIME {
        tally.lost += 1;
        let complaint = format!("{number} takes {took:.1?}: {}", shown(input));
        tally.complaints.push(complaint);
    }
    tally
}

fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(400)]);
    format!("{} bytes, {}", input.len(), text.escape_debug())
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
        match random.random_range(0..10) {
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
            7 if is_text => nesting::nest(&mut bytes, place, random),
            8 if is_text => nesting::repeat_a_line(&mut bytes, place, random),
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

#[test]
fn an_input_that_takes_long_is_counted() {
    let slow = |_: &[u8]| {
        thread::sleep(MOST_TIME + Duration::from_millis(20));
        true
    };
    let tally = one(0, b"slow", &mut { slow });
    assert_eq!((tally.faults, tally.lost, tally.accepted), (1, 1, 1));
    let mut calls = 0;
    let busy = |_: &[u8]| {
        calls += 1;
        if calls == 1 {
            thread::sleep(MOST_TIME + Duration::from_millis(20));
        }
        false
    };
    assert_eq!(
        one(0, b"busy", &mut { busy }).lost,
        0,
        "the machine was busy"
    );
}
