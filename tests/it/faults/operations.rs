//! Runs in which a file operation fails, or is the last: each of them in turn.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::Tally;
use super::workshop::{Workshop, is_killed, note_panic};
use crate::support;

const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
const EIO: i32 = 5;
const KILL: i32 = 0;

/// SIGKILL at every `stride`th file operation.
pub fn kill_at_each(stride: usize) -> Tally {
    at_each(KILL, stride)
}

/// A device that is full from every `stride`th file operation on.
pub fn no_space_at_each(stride: usize) -> Tally {
    at_each(ENOSPC, stride)
}

/// A file system that turns read-only, as Linux makes it after errors.
pub fn read_only_at_each(stride: usize) -> Tally {
    at_each(EROFS, stride)
}

/// A device that fails.
pub fn device_fails_at_each(stride: usize) -> Tally {
    at_each(EIO, stride)
}

fn at_each(kind: i32, stride: usize) -> Tally {
    let workshop = Workshop::new();
    let shim = compile(&workshop);
    let count = workshop.path("count");
    let with_shim = |command: &mut Command, run: &Path, at: usize| -> Output {
        command
            .env("LD_PRELOAD", &shim)
            .env("FAULT_UNDER", run)
            .env("FAULT_AT", at.to_string())
            .env("FAULT_KIND", kind.to_string())
            .env("FAULT_COUNT", &count)
            .output()
            .unwrap()
    };
    let whole = workshop.path("whole");
    assert!(
        with_shim(&mut workshop.train(&whole), &whole, 0)
            .status
            .success()
    );
    let operations = std::fs::read_to_string(&count).unwrap();
    let operations: usize = operations.trim().parse().unwrap();
    assert!(operations > 100, "{operations}");

    let mut tally = Tally::default();
    for at in (1..=operations).step_by(stride) {
        let run = workshop.path(&format!("run-{at}"));
        let output = with_shim(&mut workshop.train(&run), &run, at);
        let what = format!("operation {at} of {operations}, errno {kind}");
        note_panic(&output, &what, &mut tally);
        // How many operations there are varies by a few with what is left to remove.
        let fine = output.status.success();
        tally.faults += usize::from(!fine);
        if kind != KILL && !fine {
            let message = String::from_utf8_lossy(&output.stderr);
            let names_it = message.contains(run.to_str().unwrap());
            if output.status.code() != Some(1) || !names_it || !says(kind, &message) {
                tally.complaints.push(format!("{what}: {output:?}"));
            }
        } else if !fine && !is_killed(&output) {
            tally.complaints.push(format!("{what}: {output:?}"));
        }
        workshop.finish(&run, &what, &mut tally);
        std::fs::remove_dir_all(&run).unwrap();
    }
    tally
}

fn says(kind: i32, message: &str) -> bool {
    message.contains(match kind {
        ENOSPC => "no space is left",
        EROFS => "read-only",
        _ => "Input/output error",
    })
}

/// The library that makes operations fail.
fn compile(workshop: &Workshop) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/faults/shim.c");
    let library = workshop.path("shim.so");
    let status = support::tool("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .args(["-ldl"])
        .status()
        .expect("a C compiler, which building hourglass needs too");
    assert!(status.success());
    library
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_killed_at_a_file_operation_goes_on() {
    kill_at_each(29).check(10);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_a_run_with_its_path_and_loses_nothing() {
    no_space_at_each(37).check(10);
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_file_system_ends_a_run_with_its_path_and_loses_nothing() {
    read_only_at_each(61).check(5);
}
