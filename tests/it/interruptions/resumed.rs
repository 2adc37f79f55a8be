//! What is gone on with and what is not, and which checkpoints are kept for it.

use std::fs;

use hourglass::train::checkpoint;
use serde_json::Value;

use super::{ENDLESS, Squares, ended, interrupt, resume, spawn, wait_for, weights};
use crate::support::{hourglass, refused, succeed};

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
    refused(
        &["evaluate", newest.to_str().unwrap()],
        &["does not record the SHA-256"],
    );

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
