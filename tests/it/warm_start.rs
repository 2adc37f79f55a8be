//! `train --from`: training that starts from the weights of a run or of another program.

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Stdio;

#[cfg(unix)]
use hourglass::train::checkpoint;
use serde_json::Value;

use crate::support::{hourglass, refused, succeed, train_squares, write_squares};
#[cfg(unix)]
use crate::support::{program, send, wait_for};

struct Squares {
    directory: tempfile::TempDir,
    data: PathBuf,
}

/// So little that single precision does not see it, but in weights that are zero.
const STAND_STILL: [&str; 2] = [
    "--set=train.optimizer={ kind = \"sgd\", learning_rate = 1e-30 }",
    "--set=train.epochs=1",
];

impl Squares {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = write_squares(&directory.path().join("data"), 100, 20);
        Self { directory, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn arguments(&self, out: &Path, more: &[&str]) -> Vec<String> {
        train_squares(&self.data, out, &[&["--quiet"], more].concat())
    }

    fn train(&self, name: &str, more: &[&str]) -> PathBuf {
        let out = self.path(name);
        succeed(&self.arguments(&out, more));
        out
    }
}

fn from(source: &Path) -> String {
    format!("--from={}", source.display())
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn summary(run: &Path) -> Value {
    json(&run.join("summary.json"))
}

/// The figures of the test examples.
fn figures(run: &Path) -> Vec<(String, Value)> {
    let metrics = summary(run)["metrics"].as_object().unwrap().clone();
    let mut figures: Vec<_> = metrics.into_iter().collect();
    figures.retain(|(name, _)| name.starts_with("test_"));
    figures
}

fn weights(run: &Path) -> Value {
    summary(run)["receipt"]["weights_sha256"].clone()
}

/// Of the weights before the first step.
fn initial(run: &Path) -> Value {
    summary(run)["receipt"]["initial_weights_sha256"].clone()
}

fn verify(run: &Path) -> (Option<i32>, Value) {
    let output = hourglass(&["verify", run.to_str().unwrap(), "--quiet", "--json"]);
    let found = serde_json::from_slice(&output.stdout);
    let found = found.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), found)
}

#[test]
fn training_starts_from_the_weights_of_a_run_or_of_a_file() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let still = |name: &str, from: &str| {
        let more = [&[from], &STAND_STILL[..]].concat();
        squares.train(name, &more)
    };
    let of_run = still("of-run", &from(&source));
    let of_file = still("of-file", &from(&source.join("model.safetensors")));
    for run in [&of_run, &of_file] {
        assert_eq!(figures(run), figures(&source));
        assert_eq!(weights(run), weights(&source));
        let receipt = &summary(run)["receipt"];
        assert_eq!(receipt["initial_weights_sha256"], weights(&source));
        assert_eq!(receipt["started_from"]["weights_sha256"], weights(&source));
        assert_eq!(receipt["started_from"]["copy"]["file"], "initial.bpk");
    }
    let started = &summary(&of_run)["receipt"]["started_from"];
    assert_eq!(started["from"], source.to_str().unwrap());
    assert_eq!(started["file"]["file"], "model.bpk");
    let known = &summary(&source)["receipt"]["files"][0];
    assert_eq!(started["file"], *known);
    let started = &summary(&of_file)["receipt"]["started_from"];
    assert_eq!(started["file"], summary(&source)["receipt"]["files"][1]);
    let config = fs::read_to_string(of_run.join("config.toml")).unwrap();
    let first = config.lines().next().unwrap();
    assert!(first.contains(&format!("--from {source:?}")), "{first}");
    // A run without is as it was.
    assert_eq!(summary(&source)["receipt"].get("started_from"), None);
    assert!(!source.join("initial.bpk").exists());
    // It really trains, and both go the same way.
    let trained = squares.train("trained", &[&from(&source)]);
    let other = squares.train("other", &[&from(&source.join("model.safetensors"))]);
    assert_ne!(weights(&trained), weights(&source));
    assert_eq!(weights(&trained), weights(&other));
    let error = |run: &Path| {
        summary(run)["metrics"]["test_bce_nats_per_pixel"]
            .as_f64()
            .unwrap()
    };
    assert!(error(&trained) < error(&source));
}

/// On any machine: the run has all that it takes.
#[test]
fn verify_repeats_it_without_its_source() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let run = squares.train("run", &[&from(&source)]);
    fs::remove_dir_all(&source).unwrap();
    let (code, found) = verify(&run);
    assert_eq!(
        (code, &found["verdict"]),
        (Some(0), &"identical".into()),
        "{found}"
    );
    // The copy counts.
    let copy = run.join("initial.bpk");
    let mut bytes = fs::read(&copy).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let (code, found) = verify(&run);
    assert_eq!(code, Some(4), "{found}");
    assert!(
        found["reasons"][0]
            .as_str()
            .unwrap()
            .contains("initial.bpk"),
        "{found}"
    );
    fs::remove_file(&copy).unwrap();
    refused(
        &["verify", run.to_str().unwrap()],
        &["initial.bpk", "missing"],
    );
    // A new run in its place has nothing of it.
    succeed(&squares.arguments(&run, &["--force"]));
    assert!(!run.join("initial.bpk").exists() && !run.join("started_from.json").exists());
    assert_eq!(verify(&run).0, Some(0));
}

#[test]
fn every_kind_of_network_starts_from_its_own_and_takes_its_config() {
    let squares = Squares::new();
    let kinds: [(&str, &[&str]); 3] = [
        ("tied", &["--set=model.tied=true"]),
        (
            "variational",
            &["--set=model.kind=variational", "--set=objective={}"],
        ),
        ("maxout", &["--set=model.activation=maxout"]),
    ];
    let still = |source: &Path, name: &str| {
        let out = squares.path(name);
        let arguments = [
            "train",
            "--quiet",
            &from(source),
            "--out",
            out.to_str().unwrap(),
        ];
        succeed(&[&arguments[..], &STAND_STILL].concat());
        out
    };
    for (name, more) in kinds {
        let source = squares.train(name, more);
        let run = still(&source, &format!("{name}-further"));
        assert_eq!(initial(&run), weights(&source), "{name}");
        assert_eq!(verify(&run).0, Some(0), "{name}");
        // And that of one that was itself started so.
        let again = still(&run, &format!("{name}-again"));
        assert_eq!(initial(&again), weights(&run), "{name}");
    }
    let spirals = squares.path("spirals");
    let out = spirals.to_str().unwrap();
    let epochs = "--set=train.epochs=1";
    succeed(&[
        "train",
        "--quiet",
        "--config=configs/spirals-adam.toml",
        epochs,
        "--out",
        out,
    ]);
    let run = still(&spirals, "spirals-further");
    assert_eq!(initial(&run), weights(&spirals));
    // A file has no config; that of the run goes with it.
    let config = format!("--config={}", spirals.join("config.toml").display());
    let out = squares.path("spirals-file");
    let file = from(&spirals.join("model.safetensors"));
    let arguments = [
        "train",
        "--quiet",
        &file,
        &config,
        "--out",
        out.to_str().unwrap(),
    ];
    succeed(&[&arguments[..], &STAND_STILL].concat());
    assert_eq!(initial(&out), weights(&spirals));
}

#[test]
fn an_imported_network_is_trained_further() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let imported = squares.path("imported");
    let mut arguments =
        crate::imports::import(&squares.data, &source.join("model.safetensors"), &imported);
    arguments.push("--set=name=theirs".into());
    succeed(&arguments);
    let name = imported.display().to_string();
    refused(
        &["train", "--resume", &name],
        &[
            "was imported, not trained",
            &format!("hourglass train --from {name} --out DIR"),
        ],
    );
    let further = squares.train("further", &[&from(&imported)]);
    assert_eq!(
        weights(&further),
        weights(&squares.train("directly", &[&from(&source)]))
    );
    assert_eq!(summary(&further)["receipt"].get("imported"), None);
    assert_eq!(verify(&further).0, Some(0));
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let tied = squares.train("tied", &["--set=model.tied=true"]);
    let out = squares.path("wrong");
    let attempt = |from: &str, more: &[&str], parts: &[&str]| {
        refused(&squares.arguments(&out, &[&[from], more].concat()), parts);
        assert!(!out.exists(), "{from} {more:?}");
    };
    let run = from(&source);
    let file = from(&source.join("model.safetensors"));
    let wide = "--set=model.encoder=[144, 25, 4]";
    attempt(
        &run,
        &[wide],
        &[
            "144-24-4-24-144",
            "144-25-4-24-144",
            "hint: leave --config out",
        ],
    );
    attempt(
        &file,
        &[wide],
        &[
            "`encoder.0.weight` is [24, 144], not [25, 144]",
            "model.encoder",
        ],
    );
    attempt(
        &run,
        &["--set=model.activation=maxout"],
        &["activation maxout"],
    );
    attempt(
        &run,
        &["--set=model.tied=true"],
        &["autoencoder with tied weights"],
    );
    attempt(
        &from(&tied),
        &["--set=model.tied=false"],
        &["autoencoder with tied weights"],
    );
    attempt(
        &file,
        &["--set=model.tied=true"],
        &["cannot be imported into tied weights"],
    );
    attempt(
        &from(&squares.path("nowhere")),
        &[],
        &["neither a run nor a file of weights"],
    );
    attempt(&from(&squares.data), &[], &["is not a run directory"]);
    attempt(
        &from(&source.join("config.toml")),
        &[],
        &["no safetensors file"],
    );
    let images = from(&squares.data.join("train-images-idx3-ubyte"));
    attempt(&images, &[], &["no safetensors file"]);
    // A baseline is fitted, not started.
    let pca = [
        "train",
        "--quiet",
        "--config=configs/pca.toml",
        &run,
        "--out",
        out.to_str().unwrap(),
    ];
    refused(&pca, &["is a baseline"]);
    assert!(!out.exists());
    refused(&["train", "--resume", "x", &run], &["cannot be used with"]);
    // Weights that were changed are not read.
    let path = source.join("model.bpk");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    attempt(&run, &[], &["model.bpk", "SHA-256"]);
    // A tied run's file for other programs has the weights of an untied network.
    succeed(&squares.arguments(&out, &[&from(&tied.join("model.safetensors"))]));
}

/// What was scaled otherwise is not what the weights were trained on.
#[test]
fn data_that_are_prepared_otherwise_are_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let table = |name: &str, factor: f64| {
        let rows = (0..60).map(|i| format!("{},{},{}\n", f64::from(i % 7) * factor, i % 5, i % 3));
        fs::write(at(name), format!("a,b,c\n{}", rows.collect::<String>())).unwrap();
    };
    table("one.csv", 1.0);
    table("other.csv", 100.0);
    let train = |data: &str, out: &str, more: &[&str]| {
        let data = format!("--set=data.path={}", at(data).display());
        let out = at(out).display().to_string();
        let common = [
            "train",
            "--quiet",
            "--config=configs/own/table.toml",
            "--set=model.encoder=[3, 2]",
            "--set=train.epochs=1",
            &data,
            "--out",
            &out,
        ];
        let output = hourglass(&[&common[..], more].concat());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{message}");
        message
    };
    train("one.csv", "source", &[]);
    let source = from(&at("source"));
    let same = train("one.csv", "same", &[&source]);
    assert!(!same.contains("warning"), "{same}");
    let other = train("other.csv", "other", &[&source]);
    assert!(
        other.contains("warning: the examples are not prepared as those of"),
        "{other}"
    );
    assert!(other.contains("`scaling`"), "{other}");
}

/// Starts a training that would not end and stops it after its first checkpoint.
#[cfg(unix)]
fn interrupted(squares: &Squares, name: &str, more: &[&str]) -> (PathBuf, usize) {
    let out = squares.path(name);
    let endless = [
        "--set=train.epochs=1000000",
        "--set=train.checkpoints.every_steps=5",
    ];
    let mut child = program(&squares.arguments(&out, &[more, &endless].concat()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let checkpoints = out.join("checkpoints");
    wait_for(|| checkpoint::list(&checkpoints).is_ok_and(|all| !all.is_empty()));
    assert!(send(&child, "INT"));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let steps = checkpoint::list(&checkpoints).unwrap()[0].0;
    (out, steps)
}

#[cfg(unix)]
#[test]
fn it_is_resumed_with_the_same_bits() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let start = from(&source);
    let (run, steps) = interrupted(&squares, "stopped", &[&start]);
    fs::remove_dir_all(&source).unwrap();
    // Four steps an epoch.
    let epochs = format!("--set=train.epochs={}", steps / 4 + 2);
    let resume = format!("--resume={}", run.display());
    succeed(&["train", "--quiet", &resume, &epochs]);
    let receipt = summary(&run)["receipt"].clone();
    assert_eq!(receipt["started_from"]["from"], source.to_str().unwrap());
    // The same without interruption, from the copy that the run keeps of its start.
    let (code, found) = verify(&run);
    assert_eq!(
        (code, &found["verdict"]),
        (Some(0), &"identical".into()),
        "{found}"
    );
    squares.train("source", &[]);
    let whole = squares.train(
        "whole",
        &[&start, &epochs, "--set=train.checkpoints.every_steps=5"],
    );
    assert_eq!(weights(&whole), weights(&run));
    let same = |key: &str| {
        assert_eq!(
            summary(&whole)["receipt"]["started_from"][key],
            receipt["started_from"][key]
        );
    };
    same("from");
    same("weights_sha256");
}

/// A run that came to no checkpoint begins again from its copy, never from weights that are drawn.
#[test]
fn without_a_checkpoint_it_is_resumed_from_its_start() {
    let squares = Squares::new();
    let source = squares.train("source", &[]);
    let run = squares.train("run", &[&from(&source)]);
    let finished = weights(&run);
    let files = [
        "summary.json",
        "model.bpk",
        "model.safetensors",
        "metrics.jsonl",
    ];
    let unfinish = || {
        for file in files {
            fs::remove_file(run.join(file)).unwrap();
        }
        fs::remove_dir_all(run.join("checkpoints")).unwrap();
    };
    unfinish();
    let resume = format!("--resume={}", run.display());
    succeed(&["train", "--quiet", &resume]);
    assert_eq!(weights(&run), finished);
    assert_eq!(verify(&run).0, Some(0));
    unfinish();
    fs::remove_file(run.join("initial.bpk")).unwrap();
    refused(&["train", "--quiet", &resume], &["initial.bpk", "missing"]);
}

/// The weights of the newest checkpoint that is whole.
#[cfg(unix)]
#[test]
fn an_interrupted_run_can_be_started_from() {
    let squares = Squares::new();
    let (source, _) = interrupted(&squares, "stopped", &[]);
    let all = checkpoint::list(&source.join("checkpoints")).unwrap();
    let newest = all[0].1.clone();
    let still = |name: &str, source: &Path| {
        squares.train(name, &[&[&from(source)[..]], &STAND_STILL[..]].concat())
    };
    let of_run = still("of-run", &source);
    assert_eq!(initial(&of_run), initial(&still("of-checkpoint", &newest)));
    fs::write(newest.join("model.bpk"), "damaged").unwrap();
    match all.get(1) {
        Some((_, before)) => {
            assert_eq!(
                initial(&still("of-older", &source)),
                initial(&still("older", before))
            );
        }
        None => {
            let arguments = squares.arguments(&squares.path("none"), &[&from(&source)]);
            refused(&arguments, &["no checkpoint that can be used"]);
        }
    }
    fs::remove_dir_all(source.join("checkpoints")).unwrap();
    let arguments = squares.arguments(&squares.path("none"), &[&from(&source)]);
    refused(&arguments, &["no checkpoint that can be used"]);
    assert!(!squares.path("none").exists());
}
