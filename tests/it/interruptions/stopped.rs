//! Runs that are stopped, locked out or starved: what the program says, and what is left.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hourglass::train::checkpoint;

use super::{Squares, ended, interrupt, resume, spawn, summary, wait_for, weights};
use crate::support::{self, refused, succeed};

#[test]
fn an_interrupted_run_says_how_to_go_on_and_more_epochs_go_on_from_there() {
    let squares = Squares::new();
    let run = squares.path("run");
    let child = squares.endless(&run);
    interrupt(&child);
    let (code, message) = ended(child);
    assert_eq!(code, Some(130), "{message}");
    let command = format!("hourglass train --resume {}", run.display());
    assert!(
        message.contains("interrupted: stopped after") && message.contains(&command),
        "{message}"
    );
    refused(
        &["evaluate", run.to_str().unwrap()],
        &["model.bpk", "--resume"],
    );

    let steps = checkpoint::list(&run.join("checkpoints")).unwrap()[0].0;
    let epochs = (steps / 4 + 2).to_string();
    succeed(&resume(&run, &[&format!("--set=train.epochs={epochs}")]));
    let more = format!("--set=train.epochs={epochs}");
    let whole = squares.path("whole");
    succeed(&squares.arguments(&whole, &[&more, "--set=train.checkpoints.every_steps=5"]));
    assert_eq!(weights(&run), weights(&whole));
    assert_eq!(summary(&run)["receipt"]["resumed"][0]["after_step"], steps);
    assert_eq!(
        fs::read(run.join("model.safetensors")).unwrap(),
        fs::read(whole.join("model.safetensors")).unwrap()
    );
    // The config says what was done.
    assert_eq!(
        fs::read(run.join("config.toml")).unwrap(),
        fs::read(whole.join("config.toml")).unwrap()
    );
}

/// A step of this network takes seconds.
#[test]
fn a_second_interruption_stops_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let child = spawn(
        &[
            "train",
            "--set=model.encoder=[784, 4096, 1024]",
            "--set=data.limit=8000",
            "--set=train.batch_size=8000",
            &format!("--out={}", run.display()),
        ]
        .map(String::from),
    );
    wait_for(|| run.join("metrics.jsonl").exists());
    sleep(Duration::from_millis(300));
    interrupt(&child);
    sleep(Duration::from_millis(100));
    let begun = Instant::now();
    interrupt(&child);
    let (code, message) = ended(child);
    assert_eq!(code, Some(130), "{message}");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert!(!message.contains("interrupted"), "{message}");
}

#[test]
fn a_run_in_use_is_left_alone_until_its_process_is_gone() {
    let squares = Squares::new();
    let run = squares.path("run");
    let mut child = squares.endless(&run);
    refused(
        &squares.arguments(&run, &["--force"]),
        &["in use by another process", "--out"],
    );
    refused(&resume(&run, &[]), &["in use by another process"]);
    child.kill().unwrap();
    child.wait().unwrap();
    refused(&squares.arguments(&run, &[]), &["already holds a run"]);
    succeed(&squares.arguments(&run, &["--force"]));
}

#[test]
fn a_vanished_directory_ends_the_run_with_its_path() {
    let squares = Squares::new();
    let run = squares.path("run");
    let child = squares.endless(&run);
    fs::rename(&run, squares.path("elsewhere")).unwrap();
    let (code, message) = ended(child);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains(run.to_str().unwrap()), "{message}");
    assert!(message.contains("No such file"), "{message}");
    assert!(!run.exists(), "nothing is made anew in its place");
    refused(&resume(&run, &[]), &["not a run directory"]);
}

/// The weights take 29 kB; the limit is far less.
#[cfg(unix)]
#[test]
fn a_limit_of_file_sizes_ends_the_run_with_the_path_and_the_cause() {
    let squares = Squares::new();
    let run = squares.path("run");
    let arguments = squares.arguments(&run, &["--set=train.checkpoints.every_steps=6"]);
    let output = support::tool("sh")
        .args([
            "-c",
            "ulimit -f 20; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_hourglass"),
        ])
        .args(&arguments)
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("larger than is allowed"), "{message}");
    assert!(message.contains("checkpoints"), "{message}");
    succeed(&resume(&run, &[]));
    let whole = squares.path("whole");
    succeed(&squares.arguments(&whole, &["--set=train.checkpoints.every_steps=6"]));
    assert_eq!(weights(&run), weights(&whole));
}
