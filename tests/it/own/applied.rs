//! What comes out of a trained network.

use std::fs;

use hourglass::evaluate::roc_auc;
use serde_json::Value;

use super::{apply, csv, json};
use crate::parity::{read_npy, write_npy};
use crate::support::{
    program, refused, root, run_with_input, succeed, train_squares, write_squares,
};

#[test]
fn codes_go_out_and_in_by_files_and_pipes_alike() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let data = write_squares(&at("data"), 60, 20);
    succeed(&train_squares(&data, &at("run"), &["--quiet"]));
    let images = data.join("t10k-images-idx3-ubyte");
    let told = succeed(&apply("encode", &at("run"), &images, &at("codes.npy")));
    assert!(told.contains("20 examples in"), "{told}");
    succeed(&apply("encode", &at("run"), &images, &at("codes.csv")));
    let codes = read_npy(&at("codes.npy"));
    let lines = csv(&at("codes.csv"));
    assert_eq!(lines[0], ["name", "code_0", "code_1", "code_2", "code_3"]);
    let written: Vec<f32> = lines[1..]
        .iter()
        .flat_map(|line| line[1..].iter().map(|field| field.parse::<f32>().unwrap()))
        .collect();
    assert_eq!(written, codes);

    // Through pipes, in both directions.
    let piped = |input: &[u8], arguments: &[&str]| {
        let mut applied = program(arguments);
        applied
            .arg(at("run"))
            .args(["--input=-", "--out=-", "--quiet"]);
        let output = run_with_input(&mut applied, input);
        assert!(output.status.success());
        output.stdout
    };
    assert_eq!(
        piped(&fs::read(&images).unwrap(), &["encode"]),
        fs::read(at("codes.csv")).unwrap()
    );
    let bytes = piped(&fs::read(&images).unwrap(), &["encode", "--format=npy"]);
    assert_eq!(bytes, fs::read(at("codes.npy")).unwrap());
    let drawn = piped(&bytes, &["decode", "--format=npy"]);
    for input in ["codes.npy", "codes.csv"] {
        succeed(&apply("decode", &at("run"), &at(input), &at("drawn.npy")));
        assert_eq!(fs::read(at("drawn.npy")).unwrap(), drawn);
    }
    succeed(&apply(
        "reconstruct",
        &at("run"),
        &images,
        &at("through.npy"),
    ));
    let through = read_npy(&at("through.npy"));
    let drawn = read_npy(&at("drawn.npy"));
    assert_eq!(through.len(), 20 * 144);
    assert!(
        through
            .iter()
            .zip(&drawn)
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );

    // A folder has a picture for each, under numbers where there are no names.
    succeed(&apply(
        "decode",
        &at("run"),
        &at("codes.npy"),
        &at("pictures"),
    ));
    assert!(at("pictures").join("000019.png").is_file());
    // A picture of another size is made to fit when that is asked for.
    image::GrayImage::new(30, 20).save(at("wide.png")).unwrap();
    let mut wide = apply("encode", &at("run"), &at("wide.png"), &at("wide.csv"));
    refused(&wide, &["20×30", "12×12", "--resize"]);
    wide.push("--resize".into());
    succeed(&wide);
    assert_eq!(csv(&at("wide.csv"))[1][0], "wide.png");
    refused(
        &apply("decode", &at("run"), &images, &at("x.npy")),
        &["holds no codes"],
    );
    write_npy(&at("wide.npy"), &[2, 5], &[0.0; 10]);
    refused(
        &apply("decode", &at("run"), &at("wide.npy"), &at("x.npy")),
        &["4 numbers"],
    );
}

/// The figure of a run without a class is that of its scores.
#[test]
fn a_class_that_was_left_out_is_found_by_its_errors() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let summary = json(&[
        "train".to_owned(),
        "--quiet".into(),
        "--json".into(),
        "--config=configs/smoke.toml".into(),
        "--set=data.exclude_classes=[4]".into(),
        format!("--out={}", run.display()),
    ]);
    let found = summary["metrics"]["test_anomaly_roc_auc"].as_f64().unwrap();
    let scores = directory.path().join("scores.csv");
    let mut score = apply(
        "score",
        &run,
        &root().join("data/mnist/t10k-images-idx3-ubyte.gz"),
        &scores,
    );
    score.push("--json".into());
    let told = json(&score);
    let errors: Vec<f64> = csv(&scores)[1..]
        .iter()
        .map(|line| line[1].parse().unwrap())
        .collect();
    assert_eq!(errors.len(), 10_000);
    let labels = hourglass::data::idx::read(
        &root().join("data/mnist/t10k-labels-idx1-ubyte.gz"),
        1,
        "labels",
    )
    .unwrap();
    let test_limit = summary_count(&run);
    let area = roc_auc(&errors[..test_limit], |index| labels.elements[index] == 4).unwrap();
    assert!((area - found).abs() < 1e-9, "{area} {found}");

    // The threshold is what one training example in a hundred is above.
    let kept = fs::read(run.join("training_errors.npy")).unwrap();
    let kept: Vec<f64> = npyz::NpyFile::new(&kept[..]).unwrap().into_vec().unwrap();
    let threshold = told["threshold"].as_f64().unwrap();
    let above = kept.iter().filter(|error| **error > threshold).count();
    assert_eq!(above, kept.len() / 100);
    let anomalous = errors.iter().filter(|error| **error > threshold).count();
    assert_eq!(told["anomalous"], anomalous);
    // And the same when it is read from the run again.
    assert_eq!(json(&score)["threshold"], told["threshold"]);
    refused(
        &[&score[..3], &["--quantile=1.5".to_owned()]].concat(),
        &["--quantile 1.5"],
    );

    let wrong = [
        "train",
        "--config=configs/smoke.toml",
        "--set=data.exclude_classes=[11]",
        "--out=nowhere",
    ];
    refused(&wrong, &["no training example is of class `11`"]);
}

/// The number of test images that a run of `smoke.toml` measures.
fn summary_count(run: &std::path::Path) -> usize {
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    let line = config
        .lines()
        .find(|line| line.starts_with("test_limit"))
        .unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn noise_is_removed_and_who_was_not_trained_to_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let data = write_squares(&at("data"), 60, 20);
    succeed(&train_squares(&data, &at("run"), &["--quiet"]));
    let images = data.join("t10k-images-idx3-ubyte");
    let warning = super::told(&apply("denoise", &at("run"), &images, &at("clean.npy")));
    assert!(
        warning.contains("was not trained to remove noise"),
        "{warning}"
    );
    assert_eq!(read_npy(&at("clean.npy")).len(), 20 * 144);
}

#[test]
fn every_answer_can_be_had_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    succeed(&train_squares(
        &data,
        &directory.path().join("run"),
        &["--quiet"],
    ));
    let images = data.join("t10k-images-idx3-ubyte").display().to_string();
    let run = at("run");
    let commands: [Vec<String>; 9] = [
        vec!["reconstruct".into(), run.clone()],
        vec![
            "reconstruct".into(),
            run.clone(),
            format!("--input={images}"),
            format!("--out={}", at("r.npy")),
        ],
        vec!["sample".into(), run.clone()],
        vec!["interpolate".into(), run.clone(), "--rows=2".into()],
        vec!["report".into(), run.clone()],
        vec![
            "encode".into(),
            run.clone(),
            format!("--input={images}"),
            format!("--out={}", at("c.npy")),
        ],
        vec![
            "decode".into(),
            run.clone(),
            format!("--input={}", at("c.npy")),
            format!("--out={}", at("d.npy")),
        ],
        vec![
            "denoise".into(),
            run.clone(),
            format!("--input={images}"),
            format!("--out={}", at("n.npy")),
        ],
        vec!["score".into(), run, format!("--input={images}")],
    ];
    for mut command in commands {
        command.push("--json".into());
        let text = succeed(&command);
        assert!(
            serde_json::from_str::<Value>(&text).is_ok_and(|answer| answer.is_object()),
            "{command:?}: {text}"
        );
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    succeed(&[
        "man".to_owned(),
        format!("--out={}", directory.path().display()),
    ]);
    for name in [
        "hourglass",
        "hourglass-train",
        "hourglass-encode",
        "hourglass-data-check",
        "hourglass-score",
    ] {
        let page = fs::read_to_string(directory.path().join(format!("{name}.1"))).unwrap();
        assert!(
            page.starts_with(".ie") && page.contains(".SH NAME"),
            "{name}"
        );
    }
    let main = succeed(&["man"]);
    assert!(main.contains("encode") && main.contains("autoencoders"));
}
