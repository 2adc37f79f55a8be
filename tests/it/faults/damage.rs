//! Checkpoints whose files are cut off or changed.

use std::fs;
use std::path::{Path, PathBuf};

use hourglass::random::{Purpose, stream};
use hourglass::train::checkpoint;
use rand::{Rng, RngExt};

use super::Tally;
use super::workshop::Workshop;

/// Damages a random file of one of an interrupted run's checkpoints so many times, and lets the run go on each time.
pub fn random(times: usize, seed: u64) -> Tally {
    let workshop = Workshop::new();
    let stopped = workshop.path("stopped");
    workshop.kill_within_an_epoch(&stopped);
    let mut random = stream(seed, Purpose::MadeUp, 1, 0);
    let mut tally = Tally::default();
    let run = workshop.path("run");
    for number in 0..times {
        copy(&stopped, &run);
        let checkpoints = checkpoint::list(&run.join("checkpoints")).unwrap();
        // Mostly the newest, which matters most.
        let which = match random.random_range(0..4) {
            0 => random.random_range(0..checkpoints.len()),
            _ => 0,
        };
        let what = damage(&checkpoints[which].1, &mut random);
        let what = format!("{number}: {what}");
        tally.faults += 1;
        let message = workshop.finish(&run, &what, &mut tally);
        let is_said = message.contains("warning:") && message.contains("cannot be used");
        // Older ones are not looked at.
        if is_said != (which == 0) {
            tally.complaints.push(format!("{what}: {message}"));
        }
    }
    tally
}

/// Cuts off or changes a random file of a checkpoint; says what was done.
fn damage(checkpoint: &Path, random: &mut impl Rng) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(checkpoint)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let path = files.swap_remove(random.random_range(0..files.len()));
    let mut bytes = fs::read(&path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let place = random.random_range(0..bytes.len());
    let before = bytes.clone();
    let what = match random.random_range(0..3) {
        0 => {
            bytes.truncate(place);
            format!("{name} ends at {place}")
        }
        1 => {
            bytes[place] ^= 1 << random.random_range(0..8);
            format!("a bit of {name} at {place}")
        }
        _ => {
            let end = (place + random.random_range(1..512)).min(bytes.len());
            bytes[place..end].fill(0);
            bytes[place] = 0xff;
            format!("{name} from {place} to {end}")
        }
    };
    if bytes == before {
        bytes[place] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    what
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_run_ends_with_the_same_bits() {
    random(40, 13).check(40);
}
