//! Runs that are stopped, locked out, starved or changed under way: what the program says, and what is left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hourglass::train::checkpoint;
use serde_json::Value;

use crate::support::{self, hourglass, refused, succeed, train_squares, write_squares};

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
    Command::new(env!("CARGO_BIN_EXE_hourglass"))
        .args(arguments)
        .current_dir(support::root())
        .env_remove("RUST_BACKTRACE")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for(is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never happens"
        );
        sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &id])
            .status()
            .unwrap()
            .success()
    );
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
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 20; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_hourglass"),
        ])
        .args(&arguments)
        .current_dir(support::root())
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

#[test]
fn what_cannot_be_gone_on_with_is_refused_with_the_reason() {
    let squares = Squares::new();
    let run = squares.path("run");
    let stopped = |more: &[&str]| {
        let _ = fs::remove_dir_all(&run);
        let more = [more, &[ENDLESS, "--set=train.checkpoints.every_steps=5"]].concat();
        let child = spawn(&squares.arguments(&run, &more));
        let step = || Some(checkpoint::list(&run.join("checkpoints")).ok()?.first()?.0);
        wait_for(|| step() > Some(8));
        interrupt(&child);
        assert_eq!(ended(child).0, Some(130));
    };
    stopped(&[]);
    refused(
        &resume(&run, &["--set=seed=1"]),
        &["--set seed=1", "train.epochs"],
    );
    refused(&resume(&run, &["--set=train.epochs=1"]), &["are begun"]);
    refused(&resume(&run, &["--force"]), &["cannot be used with"]);
    let config = run.join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("seed = 42", "seed = 43")).unwrap();
    refused(&resume(&run, &[]), &["config.toml was changed"]);
    fs::write(&config, &text).unwrap();

    let images = squares.data.join("train-images-idx3-ubyte");
    let mut bytes = fs::read(&images).unwrap();
    bytes[500] ^= 1;
    fs::write(&images, &bytes).unwrap();
    refused(&resume(&run, &[]), &["data are not those"]);
    bytes[500] ^= 1;
    fs::write(&images, &bytes).unwrap();
    let moved = squares.path("moved");
    fs::rename(&squares.data, &moved).unwrap();
    refused(&resume(&run, &[]), &["data.path"]);

    // The config is lost where a checkpoint has it.
    fs::write(&config, "name = ").unwrap();
    let epochs = checkpoint::list(&run.join("checkpoints")).unwrap()[0].0 / 4 + 1;
    let epochs = format!("--set=train.epochs={epochs}");
    let path = format!("--set=data.path={}", moved.display());
    let output = hourglass(&resume(&run, &[&epochs, &path]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("going on with the config of the checkpoint"),
        "{message}"
    );
    let output = hourglass(&resume(&run, &[]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && message.contains("is finished"),
        "{message}"
    );

    fs::rename(&moved, &squares.data).unwrap();
    stopped(&["--set=train.schedule={ kind = \"cosine\" }"]);
    refused(&resume(&run, &["--set=train.epochs=9000"]), &["cosine"]);

    for (_, checkpoint) in checkpoint::list(&run.join("checkpoints")).unwrap() {
        fs::write(checkpoint.join("checksums.sha256"), "").unwrap();
    }
    refused(
        &resume(&run, &[]),
        &[
            "no checkpoint that can be used",
            "checksums.sha256 is damaged",
        ],
    );
}

/// The best epoch's checkpoint stays beside the two newest, and each is a run directory to look at.
#[test]
fn the_newest_two_checkpoints_and_the_best_are_kept() {
    let squares = Squares::new();
    let run = squares.path("run");
    // After a few epochs so large a rate makes errors rise again.
    let more = [
        "--set=train.epochs=40",
        "--set=data.validation=20",
        "--set=train.optimizer.learning_rate=0.3",
        "--set=train.checkpoints.every_steps=3",
    ];
    succeed(&squares.arguments(&run, &more));
    let history = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let error = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["validation_bce_nats_per_pixel"].as_f64().unwrap()
    };
    let errors: Vec<f64> = history.lines().map(error).collect();
    let best = (0..40)
        .min_by(|&a, &b| errors[a].total_cmp(&errors[b]))
        .unwrap();
    let list = checkpoint::list(&run.join("checkpoints")).unwrap();
    let steps: Vec<usize> = list.iter().map(|(step, _)| *step).collect();
    let last = 40 * 3;
    assert!(steps.starts_with(&[last, last - 3]), "{steps:?}");
    let text = succeed(&["evaluate", list[0].1.to_str().unwrap()]);
    let whole = succeed(&["evaluate", run.to_str().unwrap()]);
    assert_eq!(text, whole);
    // 80 images in batches of 32: three steps an epoch, so every checkpoint ends one.
    assert!(
        steps.contains(&((best + 1) * 3)),
        "{steps:?}, best {}",
        best + 1
    );
}

/// Whatever `--resume` and `--force` are given, nothing that is worth something is begun anew or removed.
#[test]
fn nothing_is_begun_anew_by_mistake() {
    let squares = Squares::new();
    let run = squares.path("run");
    succeed(&squares.arguments(&run, &[]));
    let newest = checkpoint::list(&run.join("checkpoints"))
        .unwrap()
        .remove(0)
        .1;
    refused(&resume(&newest, &[]), &["is a checkpoint, not a run"]);
    refused(
        &squares.arguments(&newest, &["--force"]),
        &["is a checkpoint, not a run"],
    );
    refused(
        &["reconstruct", newest.to_str().unwrap()],
        &["is a checkpoint", "--out"],
    );
    let picture = squares.path("picture.png");
    let picture = picture.to_str().unwrap();
    succeed(&["reconstruct", newest.to_str().unwrap(), "--out", picture]);
    assert!(checkpoint::Checkpoint::read(&newest).is_ok());

    // Weights that are gone are written anew from the checkpoint.
    let model = fs::read(run.join("model.safetensors")).unwrap();
    fs::remove_file(run.join("model.bpk")).unwrap();
    fs::write(run.join("model.safetensors"), "changed").unwrap();
    succeed(&resume(&run, &[]));
    assert_eq!(fs::read(run.join("model.safetensors")).unwrap(), model);
    // Weights that were changed are not read.
    let mut bytes = fs::read(run.join("model.bpk")).unwrap();
    let place = bytes.len() - 100;
    bytes[place] ^= 1;
    fs::write(run.join("model.bpk"), bytes).unwrap();
    refused(
        &["evaluate", run.to_str().unwrap()],
        &["model.bpk", "SHA-256"],
    );

    succeed(&resume(&run, &[]));
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    fs::write(run.join("config.toml"), "").unwrap();
    refused(&resume(&run, &[]), &["config.toml was changed"]);
    fs::remove_file(run.join("config.toml")).unwrap();
    succeed(&resume(&run, &[]));
    assert_eq!(
        fs::read_to_string(run.join("metrics.jsonl"))
            .unwrap()
            .lines()
            .count(),
        3
    );
    let checksums = newest.join("checksums.sha256");
    let text = fs::read_to_string(&checksums).unwrap();
    fs::write(&checksums, text.replace("model.bpk", "modem.bpk")).unwrap();
    refused(&["evaluate", newest.to_str().unwrap()], &["does not say"]);

    // A finished run without checkpoints keeps its figures.
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let summary = fs::read(run.join("summary.json")).unwrap();
    refused(
        &resume(&run, &["--set=train.epochs=9"]),
        &["no checkpoint that can be used"],
    );
    assert_eq!(fs::read(run.join("summary.json")).unwrap(), summary);

    // What others keep in a directory of that name stays.
    let project = squares.path("project");
    fs::create_dir_all(project.join("checkpoints")).unwrap();
    fs::write(project.join("checkpoints/model.pt"), "years of work").unwrap();
    refused(
        &squares.arguments(&project, &["--force"]),
        &["not a run directory"],
    );
    fs::write(project.join("config.toml"), "name = \"theirs\"").unwrap();
    succeed(&squares.arguments(&project, &["--force"]));
    assert!(project.join("checkpoints/model.pt").exists());
}

/// A file of checksums that was cut off between two lines must not pass for one of a checkpoint without a best epoch.
#[test]
fn a_best_epoch_is_not_forgotten() {
    let squares = Squares::new();
    let run = squares.path("run");
    let more = [
        "--set=data.validation=20",
        "--set=train.early_stopping={ patience = 9, least_improvement = 1e9 }",
        "--set=train.checkpoints.every_steps=1",
    ];
    succeed(&squares.arguments(&run, &more));
    let kept = weights(&run);
    let newest = checkpoint::list(&run.join("checkpoints"))
        .unwrap()
        .remove(0)
        .1;
    let checksums = newest.join("checksums.sha256");
    let text = fs::read_to_string(&checksums).unwrap();
    let cut = text.find("best.bpk").unwrap() - 66;
    fs::write(&checksums, &text[..cut]).unwrap();
    fs::remove_file(run.join("model.bpk")).unwrap();
    let output = hourglass(&resume(&run, &[]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{message}");
    assert!(message.contains("does not name best.bpk"), "{message}");
    assert_eq!(weights(&run), kept);
    // It stays to be looked at, and does not count any more.
    assert!(
        newest
            .with_file_name(format!("damaged-{}", newest.file_name().unwrap().display()))
            .exists()
    );
}

#[test]
fn figures_too_large_to_draw_are_an_error() {
    let squares = Squares::new();
    let run = squares.path("run");
    succeed(&squares.arguments(&run, &[]));
    let metrics = run.join("metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    let (before, after) = text.split_once("\"test_bce_nats_per_pixel\":").unwrap();
    let after = after.split_once(',').unwrap().1;
    fs::write(
        &metrics,
        format!("{before}\"test_bce_nats_per_pixel\":1.7e308,{after}"),
    )
    .unwrap();
    let out = squares.path("curves.png");
    let output = hourglass(&[
        "curves",
        run.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("too large to draw") && !out.exists(),
        "{message}"
    );
}
