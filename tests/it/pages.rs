//! `report` through the real binary: what is in its file, and when there is none. What the file does in a browser is
//! tested in `tests/tools`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{hourglass, refused, succeed, train_squares, write_squares};

const HOSTILE: &str = "</title><script>alert(1)</script>";

/// The data that a page carries for its script.
fn data(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(begin).unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_page_holds_the_run_and_nothing_that_runs_but_its_script() {
    let directory = tempfile::tempdir().unwrap();
    let images = write_squares(&directory.path().join("<b>data</b>"), 120, 60);
    let out = directory.path().join("run");
    let name = format!("--set=name={HOSTILE}");
    let told = succeed(&train_squares(
        &images,
        &out,
        &[&name, "--report", "--tensorboard", "--quiet"],
    ));
    assert!(told.contains("report.html"), "{told}");
    let page = read(&out.join("report.html"));
    assert!(!page.contains(HOSTILE));
    // The name is shown, in the title, the heading and the config.
    assert_eq!(page.matches("script&#62;alert(1)").count(), 3);
    assert_eq!(page.matches("<script").count(), 2);
    assert!(page.contains("default-src &#39;none&#39;; script-src &#39;sha256-"));
    assert!(
        !page.contains("<b>data</b>") && !page.contains("&#60;b&#62;data"),
        "no path is told"
    );

    let summary: Value = serde_json::from_str(&read(&out.join("summary.json"))).unwrap();
    let weights = summary["receipt"]["weights_sha256"].as_str().unwrap();
    assert!(page.contains(weights));
    let data = data(&page);
    assert_eq!(
        (&data["play"]["height"], &data["play"]["width"]),
        (&12.into(), &12.into())
    );
    assert_eq!(data["check"]["vectors"], 16);
    let digits = data["play"]["digits"]["indices"].as_array().unwrap();
    assert_eq!(digits.len(), 60);
    assert_eq!(data["play"]["settings"]["centred"], false);
    let curves = data["curves"].as_array().unwrap();
    assert_eq!(curves[0]["metric"], "bce_nats_per_pixel");
    assert_eq!(
        curves[0]["series"][1]["values"].as_array().unwrap().len(),
        3
    );
    // Exhibits of twelve images each, above their reconstructions.
    assert_eq!(page.matches("<img").count(), 3 * 12 * 2);

    let events = fs::read_dir(out.join("tensorboard")).unwrap();
    assert_eq!(events.count(), 1);
}

#[test]
fn weights_are_written_as_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let images = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    succeed(&train_squares(&images, &out, &["--quiet"]));
    let run = out.to_str().unwrap();
    let weight_length = |weights: &[&str]| {
        let page = directory.path().join("page.html");
        let arguments = [&["report", run, "--out", page.to_str().unwrap()], weights].concat();
        assert!(succeed(&arguments).contains("page.html"));
        let data = data(&read(&page));
        let length = data["play"]["encoder"][0]["weight"].as_str().unwrap().len();
        (
            data["check"]["precision"].as_str().unwrap().to_owned(),
            length,
        )
    };
    assert_eq!(weight_length(&[]), ("f32".into(), 4 * 144 * 24 * 4 / 3));
    assert_eq!(
        weight_length(&["--weights=f16"]),
        ("f16".into(), 2 * 144 * 24 * 4 / 3)
    );
}

/// This network's probabilities change by 3e-3 with such weights.
#[test]
fn weights_that_would_make_another_network_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("run");
    let run = out.to_str().unwrap();
    succeed(&[
        "train",
        "--quiet",
        "--config=configs/spirals-adam.toml",
        "--out",
        run,
    ]);
    refused(
        &["report", run, "--weights=f16"],
        &["f16", "more than 2e-3", "leave --weights out"],
    );
    assert!(!out.join("report.html").exists());
    succeed(&["report", run]);
    let data = data(&read(&out.join("report.html")));
    assert_eq!(data["check"]["precision"], "f32");
}

#[test]
fn a_page_goes_when_its_run_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let images = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    succeed(&train_squares(&images, &out, &["--quiet", "--report"]));
    assert!(out.join("report.html").exists());
    let run = out.to_str().unwrap();
    succeed(&["train", "--quiet", "--resume", run, "--set=train.epochs=4"]);
    assert!(!out.join("report.html").exists());
}

#[test]
fn there_is_no_page_of_what_is_no_finished_run() {
    let directory = tempfile::tempdir().unwrap();
    let images = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    let run = out.to_str().unwrap();
    refused(&["report", run], &["is not a run"]);
    succeed(&train_squares(&images, &out, &["--quiet"]));
    refused(
        &["report", run, "--out=nowhere/page.html"],
        &["does not exist"],
    );
    refused(
        &["report", run, "--out", directory.path().to_str().unwrap()],
        &["is a directory"],
    );
    refused(
        &["report", run, "--set=data.path=nowhere"],
        &["nowhere", "is not a directory"],
    );
    fs::write(out.join("summary.json"), "{").unwrap();
    assert!(!hourglass(&["report", run]).status.success());
    fs::remove_file(out.join("summary.json")).unwrap();
    refused(&["report", run], &["did not finish"]);
    assert!(!out.join("report.html").exists());
}
