//! Runs of the real program that are stopped, and resumed.

mod resumed;
mod stopped;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use hourglass::train::checkpoint;
use serde_json::Value;

use crate::support::{self, train_squares, wait_for, write_squares};

/// Far longer than any test waits.
const ENDLESS: &str = "--set=train.epochs=1000000";

struct Squares {
    directory: tempfile::TempDir,
    data: PathBuf,
}

impl Squares {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = write_squares(&directory.path().join("data"), 100, 20);
        Self { directory, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn arguments(&self, run: &Path, more: &[&str]) -> Vec<String> {
        train_squares(&self.data, run, more)
    }

    /// A run that does not end by itself, after its first checkpoint.
    fn endless(&self, run: &Path) -> Child {
        let child =
            spawn(&self.arguments(run, &[ENDLESS, "--set=train.checkpoints.every_steps=5"]));
        wait_for(|| checkpoint::list(&run.join("checkpoints")).is_ok_and(|all| !all.is_empty()));
        child
    }
}

fn spawn(arguments: &[String]) -> Child {
    support::program(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn interrupt(child: &Child) {
    assert!(support::send(child, "INT"));
}

/// Exit code and standard error.
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn resume(run: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["train".to_owned(), format!("--resume={}", run.display())];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    arguments
}

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap()
}

fn weights(run: &Path) -> Value {
    summary(run)["receipt"]["weights_sha256"].clone()
}
