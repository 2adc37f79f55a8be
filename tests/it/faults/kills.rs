//! Runs that are stopped at random moments.

use std::process::Output;
use std::thread::sleep;

use hourglass::random::{Purpose, stream};
use rand::RngExt;

use super::Tally;
use super::workshop::{Workshop, note_panic, signal};
use crate::support::send;

/// A random run is stopped no more often than this before it may end.
const MOST_STOPS: usize = 4;

/// SIGKILL so many times.
pub fn random(times: usize, seed: u64) -> Tally {
    stop(times, seed, &["KILL"])
}

/// SIGINT and SIGTERM, which ask to save.
pub fn polite(times: usize, seed: u64) -> Tally {
    stop(times, seed, &["INT", "TERM"])
}

fn stop(times: usize, seed: u64, signals: &[&str]) -> Tally {
    let workshop = Workshop::new();
    let mut random = stream(seed, Purpose::MadeUp, 0, 0);
    let mut tally = Tally::default();
    let mut number = 0;
    while tally.faults < times {
        number += 1;
        let run = workshop.path(&format!("run-{number}"));
        for _ in 0..random.random_range(1..=MOST_STOPS) {
            let child = workshop.go_on(&run).spawn().unwrap();
            sleep(workshop.duration.mul_f64(random.random()));
            send(&child, signals[random.random_range(0..signals.len())]);
            let output = child.wait_with_output().unwrap();
            note_panic(&output, &format!("stop {number}"), &mut tally);
            if was_stopped(&output) {
                tally.faults += 1;
            }
        }
        workshop.finish(&run, &format!("run {number}"), &mut tally);
        std::fs::remove_dir_all(&run).unwrap();
    }
    tally
}

/// Whether the signal found it alive; before it listens, a polite one ends it too.
fn was_stopped(output: &Output) -> bool {
    signal(output).is_some() || output.status.code() == Some(130)
}

#[test]
fn a_run_killed_within_an_epoch_ends_with_the_same_bits() {
    let workshop = Workshop::new();
    let run = workshop.path("run");
    workshop.kill_within_an_epoch(&run);
    let mut tally = Tally::default();
    workshop.finish(&run, "killed within an epoch", &mut tally);
    tally.check(0);
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_bits() {
    random(20, 11).check(20);
}

#[test]
fn an_interrupted_run_goes_on_and_ends_with_the_same_bits() {
    polite(10, 12).check(10);
}
