//! Thresholds: always those of the examples that a run was trained on.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{apply, csv, json, train};
use crate::parity::write_npy;
use crate::receipts::as_of_an_earlier_version;
use crate::support::{refused, succeed, train_squares, write_squares};

fn wave(count: usize, height: f32) -> Vec<f32> {
    (0..count)
        .map(|i| height * (0.5 + 0.5 * (i as f32 * 0.37).sin() * (i as f32 * 0.011).cos()))
        .collect()
}

fn kept(run: &Path) -> Vec<f64> {
    let bytes = fs::read(run.join("training_errors.npy")).unwrap();
    npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
}

fn threshold(run: &Path, input: &Path, more: &[String]) -> Value {
    let mut score = vec![
        "score".to_owned(),
        run.display().to_string(),
        format!("--input={}", input.display()),
        "--json".into(),
    ];
    score.extend(more.iter().cloned());
    json(&score)["threshold"].clone()
}

#[test]
fn no_override_changes_the_threshold_and_no_training_data_are_needed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let run = at("run");
    write_npy(&at("x.npy"), &[400, 4, 6], &wave(400 * 24, 1.0));
    write_npy(&at("other.npy"), &[300, 4, 6], &wave(300 * 24, 0.3));
    succeed(&train(
        "array",
        &at("x.npy"),
        &run,
        &[("model.encoder", "[24, 12, 4]")],
    ));
    let errors = fs::read(run.join("training_errors.npy")).unwrap();
    assert_eq!(kept(&run).len(), 360);
    let input = at("input.npy");
    fs::copy(at("x.npy"), &input).unwrap();
    let usual = threshold(&run, &input, &[]);
    let path = format!("--set=data.path={}", at("other.npy").display());
    let overrides = [
        vec![path],
        vec!["--set=data.limit=10".to_owned()],
        vec!["--set=data.validation=100".to_owned()],
        vec!["--set=data.test_fraction=0.5".to_owned()],
    ];
    for more in &overrides {
        assert_eq!(threshold(&run, &input, more), usual, "{more:?}");
    }
    fs::remove_file(at("x.npy")).unwrap();
    assert_eq!(threshold(&run, &input, &[]), usual);
    assert_eq!(fs::read(run.join("training_errors.npy")).unwrap(), errors);

    // The quantile that was really used: three of 360, not one in a hundred.
    let score = apply("score", &run, &input, &at("scores.csv"));
    let told = succeed(&score);
    assert!(
        told.contains("exceeded by 3 of 360 training examples (0.83 %)"),
        "{told}"
    );
    let found = json(&[&score[..], &["--json".to_owned()]].concat());
    assert_eq!(found["training_examples"], 360);
    assert_eq!(found["training_examples_above"], 3);
    let given = [&score[..], &["--json".to_owned(), "--threshold=0.5".into()]].concat();
    assert_eq!(json(&given)["training_examples"], Value::Null);
}

/// The errors are those that `score` finds for the same examples.
#[test]
fn every_network_with_a_code_keeps_the_errors_of_its_training_examples() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let data = write_squares(&at("data"), 60, 20);
    let images = data.join("train-images-idx3-ubyte");
    let kinds: [(&str, &[&str]); 7] = [
        ("autoencoder", &[]),
        ("squared", &["--set=objective.reconstruction=mse"]),
        ("tied", &["--set=model.tied=true"]),
        ("variational", &["--set=model.kind=variational"]),
        (
            "pca",
            &["--set=model.kind=pca", "--set=model.encoder=[144, 4]"],
        ),
        (
            "probabilistic_pca",
            &[
                "--set=model.kind=probabilistic_pca",
                "--set=model.encoder=[144, 2]",
            ],
        ),
        (
            "topic_model",
            &[
                "--set=model.kind=topic_model",
                "--set=model.encoder=[144, 4]",
            ],
        ),
    ];
    for (name, more) in kinds {
        let run = at(name);
        let baseline = name.contains("pca") || name.contains("topic");
        let mut arguments = vec![
            "train".to_owned(),
            "--quiet".into(),
            "--set=data.dataset=idx".into(),
            format!("--set=data.path={}", data.display()),
            format!("--out={}", run.display()),
        ];
        if baseline {
            let config = at("baseline.toml");
            fs::write(&config, "name = \"baseline\"\n").unwrap();
            arguments.push(format!("--config={}", config.display()));
        } else {
            arguments.extend([
                "--set=model.encoder=[144, 24, 4]".into(),
                "--set=train.epochs=2".into(),
            ]);
        }
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        succeed(&arguments);
        let scores = at("scores.csv");
        succeed(&apply("score", &run, &images, &scores));
        let lines = csv(&scores);
        let metric = lines[0]
            .iter()
            .position(|name| name.ends_with("_per_pixel"));
        let errors: Vec<f64> = lines[1..]
            .iter()
            .map(|line| line[metric.unwrap()].parse().unwrap())
            .collect();
        assert_eq!(kept(&run), errors, "{name}");
        let summary = fs::read_to_string(run.join("summary.json")).unwrap();
        assert!(summary.contains("training_errors.npy"), "{summary}");
        let verify = succeed(&["verify", run.to_str().unwrap(), "--quiet"]);
        assert_eq!(verify, "identical\n", "{name}");
    }
    // Weights from elsewhere too.
    let weights = at("autoencoder/model.safetensors").display().to_string();
    let config = at("autoencoder/config.toml").display().to_string();
    let out = at("imported").display().to_string();
    succeed(&[
        "import",
        "--quiet",
        "--weights",
        &weights,
        "--config",
        &config,
        "--out",
        &out,
    ]);
    assert_eq!(kept(&at("imported")), kept(&at("autoencoder")));
}

/// What is trained on, or begun again, has new errors; until then it has none.
#[test]
fn training_errors_go_with_their_weights() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let data = write_squares(&at("data"), 60, 20);
    let run = at("run");
    succeed(&train_squares(&data, &run, &["--quiet"]));
    let first = kept(&run);
    let text = run.display().to_string();
    succeed(&[
        "train",
        "--quiet",
        "--resume",
        &text,
        "--set=train.epochs=5",
    ]);
    let resumed = kept(&run);
    assert_ne!(resumed, first);
    succeed(&train_squares(
        &data,
        &at("whole"),
        &["--quiet", "--set=train.epochs=5"],
    ));
    assert_eq!(kept(&at("whole")), resumed);
    succeed(&train_squares(&data, &run, &["--quiet", "--force"]));
    assert_eq!(kept(&run), first);
}

/// Runs without these errors measure their own training data, known by their checksum, and keep nothing.
#[test]
fn runs_of_earlier_versions_measure_the_data_that_they_were_trained_on() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let run = at("run");
    write_npy(&at("x.npy"), &[400, 4, 6], &wave(400 * 24, 1.0));
    write_npy(&at("other.npy"), &[400, 4, 6], &wave(400 * 24, 0.9));
    succeed(&train(
        "array",
        &at("x.npy"),
        &run,
        &[("model.encoder", "[24, 12, 4]")],
    ));
    let usual = threshold(&run, &at("other.npy"), &[]);
    as_of_an_earlier_version(&run);
    // What such a version kept may be of anything.
    write_npy(&run.join("training_errors.npy"), &[1], &[1e9]);
    let left = fs::read(run.join("training_errors.npy")).unwrap();
    let score = |more: &[&str]| {
        let more: Vec<String> = more.iter().map(|it| (*it).to_owned()).collect();
        threshold(&run, &at("other.npy"), &more)
    };
    assert_eq!(score(&[]), usual);
    // Which of the examples were trained on is the run's to say.
    assert_eq!(score(&["--set=data.limit=10"]), usual);
    let other = format!("--set=data.path={}", at("other.npy").display());
    let mut command = apply("score", &run, &at("other.npy"), &at("scores.csv"));
    command.push(other.clone());
    refused(
        &command,
        &["are not those that", "was trained on", "--threshold"],
    );
    let text = run.display().to_string();
    refused(
        &["report", &text, &other],
        &["are not those that", "--set data.path=PATH"],
    );
    fs::rename(at("x.npy"), at("moved.npy")).unwrap();
    refused(&command[..4], &["x.npy", "--threshold"]);
    let moved = format!("--set=data.path={}", at("moved.npy").display());
    assert_eq!(score(&[&moved]), usual);
    assert_eq!(fs::read(run.join("training_errors.npy")).unwrap(), left);
}
