//! Variational networks, classifiers and code spaces through the real binary.

use std::path::Path;

use image::RgbImage;
use serde_json::Value;

use crate::support::{self, refused, succeed, write_squares};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("nothing but one JSON document")
}

fn metric(summary: &Value, name: &str) -> f64 {
    let value = &summary["metrics"][name];
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{name}: {summary}"))
}

/// A variational run on the squares.
fn variational(data: &Path, out: &Path, code: usize, more: &[&str]) -> Value {
    let mut arguments: Vec<String> = [
        "train",
        "--json",
        "--set=name=squares",
        "--set=data.dataset=idx",
        "--set=objective={}",
        "--set=train.epochs=12",
        "--set=train.optimizer.learning_rate=0.01",
    ]
    .map(String::from)
    .into();
    arguments.push(format!(
        "--set=model={{ kind = 'variational', encoder = [144, 24, {code}] }}"
    ));
    arguments.push(format!("--set=data.path={}", data.display()));
    arguments.push(format!("--out={}", out.display()));
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    json(&succeed(&arguments))
}

/// Rows at the top of every picture that may hold its title and notes.
const HEADER: u32 = 110;

/// Whether there is more below the header than white.
fn is_drawn(path: &Path) -> bool {
    let picture: RgbImage = image::open(path).unwrap().into_rgb8();
    let below = picture.enumerate_pixels().filter(|(_, y, _)| *y > HEADER);
    let dark = below.filter(|(_, _, pixel)| pixel.0.iter().all(|&c| c < 100));
    picture.width() >= 640 && dark.count() > 500
}

#[test]
fn a_variational_network_learns_and_its_bound_is_the_sum_of_its_terms_on_every_backend() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 320, 40);
    let mut first: Option<Value> = None;
    for opened in support::backends() {
        let backend = opened.backend.name();
        let out = directory.path().join(backend);
        let summary = variational(&data, &out, 2, &[&format!("--backend={backend}")]);
        let bound = metric(&summary, "test_negative_elbo_nats_per_image");
        let kl = metric(&summary, "test_kl_nats_per_image");
        let bce = metric(&summary, "test_expected_bce_nats_per_image");
        assert!((bound - bce - kl).abs() < 1e-9 && kl > 0.5, "{summary}");
        let log = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
        let begin = json(log.lines().next().unwrap());
        let begin = begin["test_negative_elbo_nats_per_image"].as_f64().unwrap();
        assert!(bound < 0.7 * begin, "from {begin} to {bound}");
        for picture in [
            "reconstructions.png",
            "samples.png",
            "manifold.png",
            "curves.png",
        ] {
            assert!(is_drawn(&out.join(picture)), "{picture}");
        }
        let reference = first.get_or_insert_with(|| summary.clone());
        let expected = metric(reference, "test_negative_elbo_nats_per_image");
        assert!(
            (bound / expected - 1.0).abs() < 0.02,
            "{backend}: {bound}, {expected}"
        );
        assert_eq!(
            summary["receipt"]["initial_weights_sha256"],
            reference["receipt"]["initial_weights_sha256"]
        );

        // `evaluate` measures what `train` measured.
        let run = out.to_str().unwrap();
        let evaluated = json(&succeed(&["evaluate", run, "--backend", backend, "--json"]));
        assert_eq!(
            metric(&evaluated, "test_negative_elbo_nats_per_image"),
            bound
        );
    }
}

#[test]
fn runs_of_every_kind_repeat_themselves_on_the_cpu() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 200, 40);
    let autoencoder = |more: &[&str], out: &Path| -> Value {
        let mut arguments: Vec<String> = [
            "train",
            "--json",
            "--set=name=squares",
            "--set=data.dataset=idx",
            "--set=train.epochs=2",
            "--set=model.encoder=[144, 24, 4]",
        ]
        .map(String::from)
        .into();
        arguments.push(format!("--set=data.path={}", data.display()));
        arguments.push(format!("--out={}", out.display()));
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        json(&succeed(&arguments))
    };
    let spirals = |threads: &str, out: &Path| -> Value {
        json(&succeed(&[
            "train",
            "--json",
            "--config=configs/spirals-adam.toml",
            "--set=train.epochs=20",
            "--set=model.dropout=0.1",
            threads,
            &format!("--out={}", out.display()),
        ]))
    };
    let noisy = "--set=objective.corruption={ kind = 'gaussian' }";
    let dropping = "--set=model.dropout=0.3";
    let train = |kind: &str, threads: &str, out: &Path| match kind {
        "variational" => variational(&data, out, 3, &[threads, "--set=train.epochs=2"]),
        "tied" => autoencoder(&["--set=model.tied=true", threads], out),
        "noisy" => autoencoder(&[noisy, threads], out),
        "dropout" => autoencoder(&[dropping, threads], out),
        "noisy with dropout" => autoencoder(&[noisy, dropping, threads], out),
        "spirals" => spirals(threads, out),
        _ => autoencoder(&[threads], out),
    };
    let kinds = [
        "plain",
        "noisy",
        "dropout",
        "noisy with dropout",
        "tied",
        "variational",
        "spirals",
    ];
    let mut all = std::collections::BTreeSet::new();
    for kind in kinds {
        let [first, second] = ["1", "2"].map(|threads| {
            let out = directory.path().join(format!("{kind}-{threads}"));
            train(kind, &format!("--threads={threads}"), &out)
        });
        let weights = |summary: &Value| summary["receipt"]["weights_sha256"].to_string();
        assert_eq!(weights(&first), weights(&second), "{kind}");
        assert!(all.insert(weights(&first)), "{kind} does nothing");
        for (name, value) in first["metrics"].as_object().unwrap() {
            if !name.contains("second") {
                assert_eq!(value, &second["metrics"][name], "{kind} {name}");
            }
        }
        let is_noisy = kind.contains("noisy");
        let corrupted = first["metrics"].get("test_corrupted_mse_per_pixel");
        assert_eq!(corrupted.is_some(), is_noisy, "{kind}");
    }
    // A variational network on noisy inputs is measured on noisy inputs too.
    let denoising = "--set=objective={ corruption = { kind = 'gaussian' } }";
    let out = directory.path().join("denoising");
    let summary = variational(&data, &out, 3, &[denoising, "--set=train.epochs=1"]);
    assert!(metric(&summary, "test_corrupted_psnr_db") > 0.0);
}

/// Few points and epochs, but far above the third that guessing gets.
#[test]
fn spirals_are_told_apart_on_every_backend() {
    let directory = tempfile::tempdir().unwrap();
    for opened in support::backends() {
        let backend = opened.backend.name();
        let run = directory.path().join(backend);
        let summary = json(&succeed(&[
            "train",
            "--json",
            "--config=configs/spirals-adam.toml",
            "--set=train.epochs=60",
            "--set=train.optimizer.learning_rate=0.02",
            "--set=data.test_points_per_class=100",
            &format!("--backend={backend}"),
            &format!("--out={}", run.display()),
        ]));
        assert!(
            metric(&summary, "test_accuracy") > 0.93,
            "{backend}: {summary}"
        );
        assert!(metric(&summary, "train_evaluated_accuracy") > 0.93);
        assert!(run.join("model.safetensors").is_file());
        let evaluated = json(&succeed(&["evaluate", run.to_str().unwrap(), "--json"]));
        let difference = metric(&evaluated, "test_accuracy") - metric(&summary, "test_accuracy");
        assert!(difference.abs() < 0.01);
    }
    // Where the network is sure of a class, the plane has that class's colour: blue, vermilion and
    // green arms, of which the picture of 900 × 960 has some of each.
    let run = directory.path().join("flex");
    let picture = image::open(run.join("regions.png")).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (900, 960));
    for colour in [[0u8, 114, 178], [213, 94, 0], [0, 158, 115]] {
        let tinted = colour.map(|c| 255.0 + 0.55 * (f64::from(c) - 255.0));
        let near = |pixel: &image::Rgb<u8>| {
            let each = pixel.0.iter().zip(tinted);
            each.map(|(found, wanted)| (f64::from(*found) - wanted).abs())
                .all(|difference| difference < 6.0)
        };
        let share = picture.pixels().filter(|pixel| near(pixel)).count();
        assert!(share > 40_000, "{colour:?}: {share}");
    }
    let run = run.to_str().unwrap();
    for command in ["reconstruct", "sample", "interpolate"] {
        refused(&[command, run], &["classifier", "no code"]);
    }
}

#[test]
fn samples_and_interpolations_are_drawn_and_repeat() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 200, 40);
    let run = directory.path().join("run");
    succeed(&[
        "train".to_owned(),
        "--set=name=squares".to_owned(),
        "--set=data.dataset=idx".to_owned(),
        format!("--set=data.path={}", data.display()),
        "--set=model.encoder=[144, 24, 4]".to_owned(),
        "--set=train.optimizer.learning_rate=0.01".to_owned(),
        format!("--out={}", run.display()),
    ]);
    let run = run.to_str().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let picture = |arguments: &[&str], name: &str| -> Vec<u8> {
        let out = path(name);
        let all = [arguments, &["--out", &out]].concat();
        assert_eq!(succeed(&all).trim(), out);
        assert!(is_drawn(Path::new(&out)), "{arguments:?}");
        std::fs::read(out).unwrap()
    };
    let sample = |more: &[&str], name| picture(&[&["sample", run], more].concat(), name);
    assert_eq!(sample(&[], "a.png"), sample(&[], "b.png"));
    assert_ne!(sample(&["--seed", "5"], "c.png"), sample(&[], "b.png"));
    refused(&["sample", run, "--manifold"], &["two units", "have 4"]);

    let between = |more: &[&str], name| picture(&[&["interpolate", run], more].concat(), name);
    between(&["--rows", "3", "--steps", "5"], "d.png");
    let ends = ["left.png", "top.png"].map(path);
    for (index, end) in ends.iter().enumerate() {
        image::GrayImage::from_fn(12, 12, |x, y| {
            let inside = [x, y][index] < 6;
            image::Luma([if inside { 255 } else { 0 }])
        })
        .save(end)
        .unwrap();
    }
    between(&["--input", &ends[0], "--input", &ends[1]], "e.png");
    refused(
        &["interpolate", run, "--input", &ends[0]],
        &["given 1 times", "--input twice"],
    );
    refused(
        &["interpolate", run, "--input", &ends[0], "--rows", "2"],
        &["cannot be used with"],
    );
    refused(
        &["interpolate", run, "--set=data.test_limit=1"],
        &["needs 10 test images; there are 1", "--rows"],
    );
    for command in ["interpolate", "sample", "reconstruct"] {
        let nowhere = path("nowhere/a.png");
        refused(
            &[command, run, "--out", &nowhere],
            &["nowhere", "does not exist"],
        );
    }
    image::GrayImage::new(5, 5).save(path("small.png")).unwrap();
    let small = path("small.png");
    refused(
        &["interpolate", run, "--input", &ends[0], "--input", &small],
        &["small.png", "5×5"],
    );
}

#[test]
fn curves_of_several_runs_come_into_one_picture_with_their_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 200, 40);
    let path = |name: &str| directory.path().join(name).display().to_string();
    let train = |name: &str, more: &[&str]| {
        let mut arguments: Vec<String> = [
            "train",
            "--set=data.dataset=idx",
            "--set=model.encoder=[144, 24, 4]",
            "--set=train.epochs=3",
        ]
        .map(String::from)
        .into();
        arguments.push(format!("--set=name={name}"));
        arguments.push(format!("--set=data.path={}", data.display()));
        arguments.push(format!("--out={}", path(name)));
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        succeed(&arguments);
    };
    train("plain", &["--set=train.evaluate_training=true"]);
    train(
        "noisy",
        &["--set=objective.corruption={ kind = 'masking' }"],
    );
    train("squared", &["--set=objective.reconstruction=mse"]);
    let out = path("all.png");
    let (plain, noisy, squared) = (path("plain"), path("noisy"), path("squared"));
    let text = succeed(&["curves", &plain, &noisy, "--out", &out, "--json"]);
    let document = json(&text);
    assert_eq!(document["metric"], "bce_nats_per_pixel");
    assert!(is_drawn(Path::new(&out)));

    // The gap is between figures that the run itself wrote down, training measured after the epoch.
    let log = std::fs::read_to_string(Path::new(&plain).join("metrics.jsonl")).unwrap();
    let last = json(log.lines().last().unwrap());
    let figure = |name: &str| last[name].as_f64().unwrap();
    let training = figure("train_evaluated_bce_nats_per_pixel");
    assert_ne!(training, figure("train_bce_nats_per_pixel"));
    let gap = figure("test_bce_nats_per_pixel") - training;
    assert_eq!(document["runs"][0]["gap"].as_f64().unwrap(), gap);

    // The runs minimise different things, but both have a squared error.
    refused(
        &["curves", &plain, &path("none"), "--out", &out],
        &["none is not a run directory"],
    );
    refused(
        &["curves", &plain, "--metric", "ssim", "--out", &out],
        &["did not measure `ssim`", "--metric"],
    );
    let both = [
        "curves",
        &plain,
        &squared,
        "--metric",
        "mse_per_pixel",
        "--out",
        &out,
    ];
    assert!(succeed(&both).contains("mse_per_pixel"));
    // A line that a crash cut off says nothing; the epochs before it do.
    let log = Path::new(&noisy).join("metrics.jsonl");
    let whole = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, &whole[..whole.len() - 9]).unwrap();
    let cut = json(&succeed(&["curves", &noisy, "--out", &out, "--json"]));
    assert!(cut["runs"][0]["best_test_epoch"].as_u64().unwrap() <= 2);
    assert!(
        cut["runs"][0]["gap"].is_null(),
        "measured during epochs only"
    );
    std::fs::write(&log, "{\"epoch\": 1}\nnot json\n").unwrap();
    refused(&["curves", &noisy, "--out", &out], &["metrics.jsonl:2:"]);
    std::fs::write(&log, "").unwrap();
    refused(&["curves", &noisy, "--out", &out], &["finished no epoch"]);
    std::fs::remove_file(&log).unwrap();
    refused(
        &["curves", &noisy, "--out", &out],
        &["has no metrics.jsonl"],
    );
}
