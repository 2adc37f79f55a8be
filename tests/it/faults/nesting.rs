//! What nests deeply, goes on for long or repeats itself: what a parser may take exponential or quadratic time for, or overflow
//! its stack on.

use rand::{Rng, RngExt};

/// What opens a level in one of the grammars here, and what closes it.
const LEVELS: [(&str, &str); 14] = [
    ("[", "]"),
    ("(", ")"),
    ("{", "}"),
    ("[(", ")]"),
    ("[{", "}]"),
    ("{\"a\":", "}"),
    ("{\"a\":[", "]}"),
    ("{'a':", "}"),
    ("{a=", "}"),
    ("a.", ""),
    ("[a.", "]"),
    ("(1,", ")"),
    ("\"", ""),
    ("'", ""),
];
/// Long inputs.
const RUNS: [&str; 12] = [
    "9", "0", "-", " ", "\n", ",", "\\", "#", "\"\"", "1e9", "\u{feff}", "a=1\n",
];
const DEPTHS: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
/// Inputs from which on a fuzzing is long enough for the deepest.
const LONG: usize = 10_000;

/// `valid` with each kind of nesting and each run in it, at each depth: in the place of a value or a word, at the beginning, and
/// in the middle. A short fuzzing has those of one place up to the second deepest.
pub fn forms(valid: &[u8], is_text: bool, times: usize) -> Vec<Vec<u8>> {
    if !is_text {
        return Vec::new();
    }
    let is_long = times >= LONG;
    let (depths, places) = match is_long {
        true => (&DEPTHS[..], vec![0, valid.len() / 2, after_a_name(valid)]),
        false => (&DEPTHS[..DEPTHS.len() - 1], vec![after_a_name(valid)]),
    };
    let mut forms = Vec::new();
    for &depth in depths {
        for &place in &places {
            for (open, close) in LEVELS {
                for is_closed in [false, true] {
                    let mut text = open.repeat(depth);
                    if is_closed {
                        text += &close.repeat(depth);
                    }
                    forms.push(with(valid, place, &text));
                }
            }
            for run in RUNS {
                forms.push(with(valid, place, &run.repeat(depth)));
            }
        }
    }
    forms
}

fn with(valid: &[u8], place: usize, text: &str) -> Vec<u8> {
    [&valid[..place], text.as_bytes(), &valid[place..]].concat()
}

/// Where the first value stands.
fn after_a_name(valid: &[u8]) -> usize {
    let sign = valid.iter().position(|byte| b"=:".contains(byte));
    let Some(sign) = sign else { return 0 };
    let rest = valid[sign + 1..].iter();
    sign + 1 + rest.take_while(|byte| **byte == b' ').count()
}

/// Puts nesting or a long run in at a place.
pub fn nest(bytes: &mut Vec<u8>, place: usize, random: &mut impl Rng) {
    // The deepest are as slow to make as to read.
    let depth = match random.random_range(0..4000) {
        0 => random.random_range(10_000..100_000),
        1..40 => random.random_range(300..10_000),
        _ => random.random_range(1..300),
    };
    if random.random_bool(0.3) {
        let run = RUNS[random.random_range(0..RUNS.len())];
        bytes.splice(place..place, run.repeat(depth).bytes());
        return;
    }
    let (open, close) = LEVELS[random.random_range(0..LEVELS.len())];
    if random.random_bool(0.5) {
        let end = random.random_range(place..=bytes.len());
        let fewer = random.random_range(0..=2).min(depth);
        bytes.splice(end..end, close.repeat(depth - fewer).bytes());
    }
    bytes.splice(place..place, open.repeat(depth).bytes());
}

/// Repeats the line or the pair of a name and a value around a place, so that names come twice and more.
pub fn repeat_a_line(bytes: &mut Vec<u8>, place: usize, random: &mut impl Rng) {
    let is_end = |byte: &u8| b"\n,".contains(byte);
    let begin = bytes[..place]
        .iter()
        .rposition(is_end)
        .map_or(0, |at| at + 1);
    let end = bytes[place..].iter().position(is_end);
    let end = end.map_or(bytes.len(), |at| place + at + 1);
    let line = bytes[begin..end].to_vec();
    let times = match random.random_range(0..1000) {
        0 => random.random_range(100..3000),
        _ => random.random_range(1..20),
    };
    bytes.splice(begin..begin, line.repeat(times));
}
