//! Runs that are killed, starved and fed garbage: a short version in every test, the long one with `just faults`.

mod bombs;
mod checkpoints;
mod claims;
mod damage;
mod formats;
mod fuzz;
mod kills;
mod nesting;
mod operations;
mod readers;
mod slow;
mod special;
mod workshop;

use std::fmt::Write as _;
use std::time::Instant;

use rayon::prelude::*;

use crate::support;

/// What a part of the campaign found.
#[derive(Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Tally {
    pub faults: usize,
    /// Runs or inputs after which something was lost that should not be.
    pub lost: usize,
    /// Runs that ended with other bits than one without faults.
    pub differing: usize,
    pub panics: usize,
    /// Inputs that readers took.
    pub accepted: usize,
    /// Whatever went wrong, in words.
    pub complaints: Vec<String>,
}

impl Tally {
    /// Adds another's findings.
    pub fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.lost += other.lost;
        self.differing += other.differing;
        self.panics += other.panics;
        self.accepted += other.accepted;
        self.complaints.extend(other.complaints);
    }

    /// Demands that nothing went wrong, and that there were at least so many faults.
    pub fn check(&self, least: usize) {
        assert!(self.complaints.is_empty(), "{:#?}", self.complaints);
        assert_eq!((self.lost, self.differing, self.panics), (0, 0, 0));
        assert!(self.faults >= least, "{} faults", self.faults);
    }
}

/// The long version: `just faults`. It rewrites the table of `docs/faults.md`, and fails if anything went wrong.
#[test]
#[ignore = "takes half an hour; just faults"]
fn campaign() {
    let mut rows = String::new();
    let mut all = Tally::default();
    let begun = Instant::now();
    let mut add = |what: &str, (tally, seconds): (Tally, f64)| {
        let line = format!(
            "| {what} | {} | {} | {} | {} | {seconds:.0} |",
            tally.faults, tally.lost, tally.differing, tally.panics,
        );
        println!("{line}\n{}", tally.complaints.join("\n"));
        let _ = writeln!(rows, "{line}");
        all.add(tally);
    };
    let mut row = |what: &str, part: &mut dyn FnMut() -> Tally| add(what, timed(part));
    row("SIGKILL at a random moment", &mut || kills::random(200, 1));
    row("SIGKILL at each file operation of a run", &mut || {
        operations::kill_at_each(1)
    });
    row("SIGINT or SIGTERM at a random moment", &mut || {
        kills::polite(100, 2)
    });
    row("no space left, from each file operation on", &mut || {
        operations::no_space_at_each(1)
    });
    row(
        "read-only file system, from each file operation on",
        &mut || operations::read_only_at_each(1),
    );
    row(
        "input/output error, from each file operation on",
        &mut || operations::device_fails_at_each(1),
    );
    row("a file of a checkpoint truncated or flipped", &mut || {
        damage::random(1000, 3)
    });
    row("bombs and false claims", &mut bombs::all);
    // One on each core: an input that takes long is measured by itself.
    let fuzz = |&(reader, _): &(&'static str, _)| timed(&mut || in_a_process(reader, 100_000));
    let found: Vec<_> = readers::ALL.par_iter().map(fuzz).collect();
    for ((reader, _), found) in readers::ALL.iter().zip(found) {
        add(&format!("fuzzed input: {reader}"), found);
    }
    write_table(&rows, begun.elapsed().as_secs_f64());
    all.check(1000);
}

/// Runs a part of the campaign, and measures the seconds that it takes.
fn timed(part: &mut dyn FnMut() -> Tally) -> (Tally, f64) {
    let begun = Instant::now();
    let tally = part();
    (tally, begun.elapsed().as_secs_f64())
}

/// Names the reader of [`one_reader`].
const READER: &str = "HOURGLASS_FUZZED_READER";
/// How many inputs it is given.
const TIMES: &str = "HOURGLASS_FUZZED_TIMES";
/// What the line of a reader's tally begins with.
const TALLY: &str = "tally: ";
/// Of the process of a reader, whatever its inputs.
const MOST_RESIDENT_KB: u64 = 1 << 20;

/// Fuzzes one reader and prints what was found: a process of its own, so that an overflow of the stack, or an input that never
/// ends, does not end the campaign.
#[test]
#[ignore = "a part of the campaign; HOURGLASS_FUZZED_READER=CSV HOURGLASS_FUZZED_TIMES=10000 runs it alone"]
fn one_reader() {
    let name = std::env::var(READER).expect("the name of a reader");
    let times = std::env::var(TIMES).expect("a number of inputs");
    let times = times.parse().unwrap();
    let (_, fuzz) = readers::ALL
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    let mut tally = fuzz(times, 4);
    if let Some(most) = most_resident_kb().filter(|most| *most > MOST_RESIDENT_KB) {
        tally.lost += 1;
        let complaint = format!("the process of {name} held {most} kB");
        tally.complaints.push(complaint);
    }
    println!("{TALLY}{}", serde_json::to_string(&tally).unwrap());
}

fn most_resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn in_a_process(reader: &str, times: usize) -> Tally {
    let output = support::tests()
        .args(["--ignored", "--exact", "faults::one_reader", "--nocapture"])
        .env(READER, reader)
        .env(TIMES, times.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // The test's name comes before it, on the same line.
    let tally = text
        .lines()
        .find_map(|line| Some(line.split_once(TALLY)?.1));
    match tally.map(serde_json::from_str) {
        Some(Ok(tally)) => tally,
        _ => Tally {
            faults: 1,
            panics: 1,
            complaints: vec![format!("the process of {reader}: {output:?}")],
            ..Tally::default()
        },
    }
}

#[test]
fn a_reader_of_the_campaign_has_a_process_of_its_own_and_its_end_is_counted() {
    in_a_process("--set", 200).check(200);
    let ended = in_a_process("a reader that is none", 200);
    assert_eq!((ended.faults, ended.panics), (1, 1));
    assert_eq!(ended.complaints.len(), 1);
}

/// Where the table stands in `docs/faults.md`.
const BEGIN: &str = "<!-- table: just faults -->";
const END: &str = "<!-- end of table -->";

fn write_table(rows: &str, seconds: f64) {
    let path = support::root().join("docs/faults.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a table begins");
    let (_, after) = rest.split_once(END).expect("a table ends");
    let header = "| fault | times | runs lost | differing bits | panics | seconds |\n|---|---|---|---|---|---|";
    let total = format!("Measured in {seconds:.0} s in all.");
    let table = format!("{before}{BEGIN}\n{header}\n{rows}\n{total}\n{END}{after}");
    std::fs::write(path, table).unwrap();
}
