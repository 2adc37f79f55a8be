//! The real binary, end to end: what it writes, and how it refuses.

use std::path::Path;

use image::GrayImage;
use serde_json::Value;

use crate::support::{self, hourglass, refused, succeed, train_squares, write_idx, write_squares};

#[test]
fn a_run_directory_holds_all_that_was_promised() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 400, 40);
    let run = directory.path().join("run");
    let text = succeed(&train_squares(&data, &run, &[]));
    assert!(text.contains("test_bce_nats_per_pixel") && text.contains("reconstructions.png"));

    let lines = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(epochs.len(), 3);
    for (index, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], index + 1);
        assert_eq!(epoch["step"], (index + 1) * 13);
        assert!(epoch["samples_per_second"].as_f64().unwrap() > 0.0);
        assert!(epoch.get("loss").is_none());
    }
    let error = |epoch: &Value| epoch["test_bce_nats_per_pixel"].as_f64().unwrap();
    assert!(
        error(&epochs[2]) < 0.8 * error(&epochs[0]),
        "it learns: {epochs:?}"
    );

    let summary: Value =
        serde_json::from_slice(&std::fs::read(run.join("summary.json")).unwrap()).unwrap();
    let metrics = summary["metrics"].as_object().unwrap();
    for name in [
        "train_bce_nats_per_pixel",
        "test_bce_nats_per_pixel",
        "test_bce_nats_per_image",
        "test_excess_bce_nats_per_pixel",
        "test_mse_per_pixel",
        "test_squared_error_per_image",
        "test_psnr_db",
        "test_ssim",
        "test_code_mean",
        "test_code_zero_fraction",
    ] {
        assert!(metrics[name].is_f64(), "{name}: {metrics:?}");
    }
    assert_eq!(summary["receipt"]["seed"], 42);
    assert_eq!(summary["receipt"]["data"].as_array().unwrap().len(), 4);
    for picture in ["reconstructions.png", "curves.png"] {
        let picture = image::open(run.join(picture)).unwrap().into_luma8();
        assert!(picture.width() > 600 && is_not_blank(&picture));
    }
    assert!(run.join("model.safetensors").is_file());

    // `evaluate` measures what `train` measured.
    let evaluated: Value =
        serde_json::from_str(&succeed(&["evaluate", run.to_str().unwrap(), "--json"])).unwrap();
    for (name, value) in evaluated["metrics"].as_object().unwrap() {
        assert_eq!(value, &metrics[name], "{name}");
    }

    // The resolved config repeats the run.
    let again = directory.path().join("again");
    let config = format!("--config={}", run.join("config.toml").display());
    succeed(&[
        "train".to_owned(),
        config,
        format!("--out={}", again.display()),
    ]);
    let repeated: Value =
        serde_json::from_slice(&std::fs::read(again.join("summary.json")).unwrap()).unwrap();
    let weights = |summary: &Value| summary["receipt"]["weights_sha256"].clone();
    assert_eq!(weights(&repeated), weights(&summary));
}

fn is_not_blank(picture: &GrayImage) -> bool {
    picture.pixels().any(|pixel| pixel.0[0] < 100) && picture.pixels().any(|pixel| pixel.0[0] > 200)
}

#[test]
fn reconstruct_draws_a_picture_of_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 200, 40);
    let run = directory.path().join("run");
    succeed(&train_squares(&data, &run, &[]));
    let run = run.to_str().unwrap();

    let own = directory.path().join("own.png");
    GrayImage::from_fn(12, 12, |x, _| image::Luma([if x < 6 { 255 } else { 0 }]))
        .save(&own)
        .unwrap();
    let out = directory.path().join("mine.png");
    let (own, out) = (own.to_str().unwrap(), out.to_str().unwrap());
    assert_eq!(
        succeed(&["reconstruct", run, "--input", own, "--out", out]).trim(),
        out
    );
    let one = image::open(out).unwrap();
    succeed(&["reconstruct", run, "--count", "25", "--out", out]);
    let many = image::open(out).unwrap();
    assert!(many.width() > one.width() && many.height() > one.height());

    let idx = data.join("t10k-images-idx3-ubyte");
    succeed(&[
        "reconstruct",
        run,
        "--input",
        idx.to_str().unwrap(),
        "--out",
        out,
    ]);
}

#[test]
fn an_existing_run_stays_unless_force_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 100, 20);
    let run = directory.path().join("run");
    succeed(&train_squares(&data, &run, &[]));
    let note = run.join("note.txt");
    std::fs::write(&note, "mine").unwrap();
    let summary = std::fs::read(run.join("summary.json")).unwrap();

    refused(
        &train_squares(&data, &run, &[]),
        &["already holds a run", "--force"],
    );
    // A mistake anywhere else leaves the old run whole, even with --force.
    let mistaken = train_squares(&data, &run, &["--force", "--set=model.encoder=[99, 4]"]);
    refused(&mistaken, &["99 numbers", "begin model.encoder with 144"]);
    assert_eq!(std::fs::read(run.join("summary.json")).unwrap(), summary);

    succeed(&train_squares(&data, &run, &["--force", "--set=seed=1"]));
    assert_ne!(std::fs::read(run.join("summary.json")).unwrap(), summary);
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "mine");

    let other = directory.path().join("data");
    refused(
        &train_squares(&data, &other, &["--force"]),
        &["is not a run directory"],
    );
}

#[test]
fn wrong_usage_and_configs_are_refused_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("none");
    let nowhere = nowhere.to_str().unwrap();
    let out = format!("--out={}", directory.path().join("run").display());
    let bad = directory.path().join("bad.toml");
    std::fs::write(&bad, "name = \"x\"\n[train]\nepoch = 3\nbatch_size = 0\n").unwrap();
    let bad = bad.to_str().unwrap();

    refused(&["train", "--backend", "cuda"], &["flex, ndarray, wgpu"]);
    refused(&["train", "--threads", "0"], &["0 is not in"]);
    refused(&["train", "--out", ""], &["--out"]);
    refused(
        &["train", "--config", nowhere],
        &["No such file", "configs/"],
    );
    refused(
        &["train", "--config", bad, &out],
        &[
            "bad.toml:3:1: unknown key `train.epoch`",
            "did you mean `train.epochs`?",
            "bad.toml:4:1: `train.batch_size` must be a whole number of at least 1, found 0",
        ],
    );
    refused(
        &["train", "--set", "train.epochs=many", "--set=seeds=1", &out],
        &["--set train.epochs=many", "unknown key `seeds`", "`seed`"],
    );
    refused(
        &["train", "--set=model.output=linear", &out],
        &["bce", "sigmoid"],
    );
    refused(
        &["train", &format!("--set=data.path={nowhere}"), &out],
        &["not a directory", "data.path"],
    );
    refused(
        &["train", "--set=model.encoder=[100, 10]", &out],
        &["28×28 has 784", "with 784"],
    );
    refused(
        &["train", "--set=data.validation=60000", &out],
        &["data.validation"],
    );
    refused(
        &["evaluate", nowhere],
        &["not a run directory", "hourglass train"],
    );
    refused(&["reconstruct", nowhere], &["not a run directory"]);
    assert!(
        !directory.path().join("run").exists(),
        "nothing was written"
    );
}

#[test]
fn damaged_data_is_named_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("run");
    let data = directory.path().join("data");
    let fresh = || {
        let _ = std::fs::remove_dir_all(&data);
        write_squares(&data, 100, 20)
    };
    let images = data.join("train-images-idx3-ubyte");
    let labels = data.join("train-labels-idx1-ubyte");

    fresh();
    let bytes = std::fs::read(&images).unwrap();
    std::fs::write(&images, &bytes[..bytes.len() - 1]).unwrap();
    refused(
        &train_squares(&data, &out, &[]),
        &["train-images-idx3-ubyte", "truncated"],
    );
    std::fs::write(&images, [&bytes[..], &[0]].concat()).unwrap();
    refused(&train_squares(&data, &out, &[]), &["too long"]);
    std::fs::write(&images, [&[0, 0, 13, 3], &bytes[4..]].concat()).unwrap();
    refused(&train_squares(&data, &out, &[]), &["type 0x0d"]);
    std::fs::write(&images, "hello, I am not an IDX file").unwrap();
    refused(&train_squares(&data, &out, &[]), &["not an IDX file"]);

    fresh();
    write_idx(&labels, &[7], &[0; 7]);
    refused(
        &train_squares(&data, &out, &[]),
        &["7 labels for 100 images"],
    );
    std::fs::remove_file(&labels).unwrap();
    std::fs::remove_file(&images).unwrap();
    refused(&train_squares(&data, &out, &[]), &["holds neither"]);

    fresh();
    write_idx(&data.join("t10k-images-idx3-ubyte"), &[20, 6, 6], &[0; 720]);
    refused(&train_squares(&data, &out, &[]), &["12×12", "6×6"]);
    write_idx(&images, &[0, 12, 12], &[]);
    refused(&train_squares(&data, &out, &[]), &["no pixels"]);

    // MNIST by name must be MNIST by content.
    fresh();
    let mnist = train_squares(&data, &out, &["--set=data.dataset=mnist"]);
    refused(&mnist, &["SHA-256", "ba891046"]);
    assert!(!out.exists());
}

#[test]
fn images_of_the_wrong_kind_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 100, 20);
    let run = directory.path().join("run");
    succeed(&train_squares(&data, &run, &[]));
    let run = run.to_str().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    GrayImage::new(5, 5).save(path("small.png")).unwrap();
    std::fs::write(path("fake.png"), "no picture").unwrap();
    refused(
        &["reconstruct", run, "--input", &path("small.png")],
        &["5×5", "144"],
    );
    refused(
        &["reconstruct", run, "--input", &path("fake.png")],
        &["fake.png"],
    );
    refused(
        &["reconstruct", run, "--input", &path("none.png")],
        &["none.png", "No such file"],
    );
    refused(
        &["reconstruct", run, "--input", &path("none.idx")],
        &["none.idx"],
    );
}

/// The only step of the only epoch ruins the weights; the loss before it is still fine.
#[test]
fn divergence_in_the_last_step_fails_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 100, 20);
    let run = directory.path().join("run");
    let more = [
        "--set=train.epochs=1",
        "--set=train.batch_size=100",
        "--set=train.optimizer.learning_rate=1e38",
    ];
    let output = hourglass(&train_squares(&data, &run, &more));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in [
        "`bce_nats_per_pixel` of the test examples became NaN",
        "epoch 1, step 1",
        "learning rate 1e38",
        "train.optimizer.learning_rate",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(run.join("config.toml").is_file() && !run.join("summary.json").exists());
}

#[test]
fn a_closed_error_stream_does_not_stop_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 100, 20);
    let run = directory.path().join("run");
    let mut child = support::program(&train_squares(&data, &run, &[]))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert!(run.join("summary.json").is_file());
}

/// No epoch improves by so much, so the first is kept and two more are waited for.
#[test]
fn early_stopping_waits_and_keeps_the_best_epoch() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 120, 20);
    let run = directory.path().join("run");
    let train = |out: &Path, epochs: &str, more: &[&str]| -> Value {
        let mut arguments = train_squares(&data, out, more);
        arguments.push("--set=data.validation=20".into());
        arguments.push(format!("--set=train.epochs={epochs}"));
        arguments.push("--json".into());
        serde_json::from_str(&succeed(&arguments)).unwrap()
    };
    let stopping = "--set=train.early_stopping={ patience = 2, least_improvement = 1e9 }";
    let stopped = train(&run, "9", &[stopping]);
    assert_eq!(
        (&stopped["epochs"], &stopped["kept_epoch"]),
        (&3.into(), &1.into())
    );
    let one = train(&directory.path().join("one"), "1", &[]);
    let weights = |summary: &Value| summary["receipt"]["weights_sha256"].clone();
    assert_eq!(weights(&stopped), weights(&one));
}

#[test]
fn an_empty_section_is_not_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("empty.toml");
    std::fs::write(&config, "[objective.sparsity]\n").unwrap();
    let config = config.to_str().unwrap();
    refused(
        &["train", "--config", config],
        &["objective.sparsity", "needs a kind"],
    );
}

#[test]
fn data_check_describes_mnist() {
    let text = succeed(&["data", "check"]);
    assert!(text.contains("60,000 images of 28×28 pixels"), "{text}");
    assert!(text.contains("5,923  6,742"), "{text}");
    let found: Value = serde_json::from_str(&succeed(&["data", "check", "--json"])).unwrap();
    // The entropies of references: 0.05836 of training pixels, 0.05808 of test pixels.
    for (split, expected) in [(0, 0.05836), (1, 0.05808)] {
        let entropy = found["splits"][split]["entropy_nats_per_pixel"]
            .as_f64()
            .unwrap();
        assert!((entropy - expected).abs() < 1e-5, "{entropy}");
    }
}

#[test]
fn devices_lists_every_backend() {
    let found: Value = serde_json::from_str(&succeed(&["devices", "--json"])).unwrap();
    let devices = found["devices"].as_array().unwrap();
    for name in ["flex", "ndarray", "wgpu"] {
        assert!(
            devices.iter().any(|device| device["backend"] == name),
            "{devices:?}"
        );
    }
    // What is printed is what --devices takes.
    for device in devices {
        let place = device["place"].as_str().unwrap();
        let read: hourglass::device::Place = place.parse().unwrap();
        assert_eq!(device["backend"], read.backend().name());
    }
}

/// A machine without any adapter is simulated by hiding the Vulkan drivers from the loader.
#[test]
fn a_missing_adapter_is_an_error_with_a_remedy_and_no_fallback() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let arguments = ["train", "--backend", "wgpu", "--out", run.to_str().unwrap()];
    let output = support::program(&arguments)
        .env("VK_DRIVER_FILES", "/nonexistent.json")
        .env("VK_ICD_FILENAMES", "/nonexistent.json")
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("no graphics adapter"), "{message}");
        assert!(message.contains("--backend flex"), "{message}");
        assert!(!run.exists());
    }
}

#[test]
fn help_shows_examples() {
    for command in [
        "train",
        "evaluate",
        "reconstruct",
        "sample",
        "interpolate",
        "curves",
    ] {
        assert!(
            succeed(&[command, "--help"]).contains("Example"),
            "{command}"
        );
    }
    assert!(succeed(&["completions", "bash"]).contains("hourglass"));
    let help = succeed(&["--help"]);
    for code in [0, 1, 2, 3, 4, 5, 130] {
        let line = format!("\n  {code:<5}");
        assert_eq!(help.matches(&line).count(), 1, "{code}: {help}");
    }
    let of_device = hourglass::error::Error::OF_DEVICE;
    assert!(
        help.contains(&format!("\n  {of_device}    the device failed")),
        "{help}"
    );
}
