//! Runs that are killed, starved and fed garbage: a short version in every test, the long one with `just faults`.

mod checkpoints;
mod claims;
mod damage;
mod fuzz;
mod kills;
mod operations;
mod readers;
mod workshop;

use std::fmt::Write as _;
use std::time::Instant;

use crate::support;

/// What a part of the campaign found.
#[derive(Debug, Default, PartialEq)]
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
#[ignore = "takes a quarter of an hour; just faults"]
fn campaign() {
    let mut rows = String::new();
    let mut all = Tally::default();
    let begun = Instant::now();
    let mut row = |what: &str, part: &mut dyn FnMut() -> Tally| {
        let begun = Instant::now();
        let tally = part();
        let line = format!(
            "| {what} | {} | {} | {} | {} | {:.0} |",
            tally.faults,
            tally.lost,
            tally.differing,
            tally.panics,
            begun.elapsed().as_secs_f64()
        );
        println!("{line}\n{}", tally.complaints.join("\n"));
        let _ = writeln!(rows, "{line}");
        all.add(tally);
    };
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
    for (reader, fuzz) in readers::ALL {
        row(&format!("fuzzed input: {reader}"), &mut || fuzz(100_000, 4));
    }
    write_table(&rows, begun.elapsed().as_secs_f64());
    all.check(1000);
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
