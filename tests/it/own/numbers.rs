//! Arrays, tables and IDX files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{apply, csv, json, train};
use crate::parity::{read_npy, write_npy};
use crate::support::{hourglass, refused, succeed, write_idx};

/// Numbers that go up and down, between 0 and 1.
fn wave(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| 0.5 + 0.5 * (i as f32 * 0.37).sin())
        .collect()
}

#[test]
fn an_idx_set_of_8_by_8_trains_after_one_line_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    for (split, count) in [("train", 500u32), ("t10k", 20)] {
        let pixels: Vec<u8> = (0..count * 64).map(|i| (i * 37 % 256) as u8).collect();
        write_idx(
            &directory.path().join(format!("{split}-images-idx3-ubyte")),
            &[count, 8, 8],
            &pixels,
        );
    }
    let config = directory.path().join("mine.toml");
    let text = fs::read_to_string(crate::support::root().join("configs/smoke.toml")).unwrap();
    let own = format!(
        "dataset = \"idx\"\npath = \"{}\"",
        directory.path().display()
    );
    let text = text.replace("dataset = \"mnist\"", &own);
    fs::write(&config, &text).unwrap();
    let arguments = [
        "train".to_owned(),
        "--quiet".into(),
        format!("--config={}", config.display()),
        format!("--out={}", directory.path().join("run").display()),
    ];
    refused(
        &arguments,
        &["an image of 8×8 has 64", "begin model.encoder with 64"],
    );
    fs::write(&config, text.replace("encoder = [784,", "encoder = [64,")).unwrap();
    succeed(&arguments);
}

/// What does not fit the memory that the config allows stays in a file, and changes no bit.
#[test]
fn a_memory_budget_changes_no_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    write_npy(&path, &[3000, 10, 12], &wave(360_000));
    let weights = |name: &str, more: &[(&str, &str)]| {
        let out = directory.path().join(name);
        let of = [
            &[("model.encoder", "[120, 16]"), ("data.validation", "300")],
            more,
        ]
        .concat();
        let summary = json(&train("array", &path, &out, &of));
        (
            summary["receipt"]["weights_sha256"].clone(),
            summary["metrics"]["test_bce_nats_per_pixel"].clone(),
        )
    };
    let in_memory = weights("memory", &[]);
    assert_eq!(
        weights("file", &[("data.memory_budget_mb", "1")]),
        in_memory
    );
}

#[test]
fn ranges_are_inferred_or_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let run = directory.path().join("run");
    let encoder = ("model.encoder", "[24, 4]");
    let write = |scale: f32, offset: f32| {
        let numbers: Vec<f32> = wave(2400).iter().map(|x| scale * x + offset).collect();
        write_npy(&path, &[100, 4, 6], &numbers);
    };
    let found = |more: &[(&str, &str)]| {
        let mut arguments = train("array", &path, &run, &[&[encoder], more].concat());
        arguments.push("--force".into());
        json(&arguments);
        let input: Value =
            serde_json::from_slice(&fs::read(run.join("input.json")).unwrap()).unwrap();
        input["scaling"].clone()
    };
    for (scale, offset, expected) in [
        (1.0, 0.0, None),
        (255.0, 0.0, Some((0.0, 255.0))),
        (2.0, -1.0, Some((-1.0, 2.0))),
    ] {
        write(scale, offset);
        let scaling = found(&[]);
        match expected {
            None => assert_eq!(scaling, Value::Null),
            Some((low, span)) => assert_eq!(
                (&scaling["offset"][0], &scaling["scale"][0]),
                (&low.into(), &span.into())
            ),
        }
    }
    write(16.0, 0.0);
    let asked = train("array", &path, &directory.path().join("other"), &[encoder]);
    refused(&asked, &["go from", "data.range"]);
    let scaling = found(&[("data.range", "[0, 16]")]);
    assert_eq!(scaling["scale"][0], 16.0);
    // The same units come back.
    let out = directory.path().join("back.npy");
    succeed(&apply("reconstruct", &run, &path, &out));
    let back = read_npy(&out);
    assert!(back.iter().all(|x| (0.0..=16.0).contains(x)) && back.iter().any(|x| *x > 4.0));
    // Numbers of another range are no examples for it.
    write(40.0, 0.0);
    refused(
        &apply("encode", &run, &path, &out),
        &["takes numbers from 0 to 16"],
    );
}

#[test]
fn numbers_that_are_none_or_absurd_are_refused_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    let run = directory.path().join("run");
    let mut numbers = wave(240);
    numbers[26] = f32::NAN;
    write_npy(&path, &[10, 24], &numbers);
    let of = [("model.encoder", "[24, 4]")];
    refused(
        &train("array", &path, &run, &of),
        &["number 2 of example 1 is not finite"],
    );
    write_npy(&path, &[10, 24], &[0.25; 240]);
    refused(
        &train("array", &path, &run, &of),
        &["all its numbers are 0.25"],
    );
    write_npy(&path, &[1, 24], &wave(24));
    refused(&train("array", &path, &run, &of), &["holds one example"]);
    let lines: String = (0..30)
        .map(|i| format!("{i},{}\n", if i == 7 { -1e30 } else { 1.0 }))
        .collect();
    let table = directory.path().join("t.csv");
    fs::write(&table, lines).unwrap();
    let of = [
        ("data.scale", "standard"),
        ("objective.reconstruction", "bce"),
        ("model.output", "sigmoid"),
        ("model.encoder", "[2, 1]"),
    ];
    refused(&train("csv", &table, &run, &of), &["configs/own/csv.toml"]);
    refused(
        &train("table", &table, &run, &of),
        &["standardised numbers are not between 0 and 1"],
    );
    assert!(!run.exists());
}

#[test]
fn a_table_keeps_its_units_names_and_classes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let mut text = "height;weight;kind\n".to_owned();
    for i in 0..200 {
        let height = 150.0 + (i * 37 % 50) as f64;
        let kind = ["cat", "dog"][i % 2];
        text += &format!("{height};{:.2};{kind}\n", 2.0 * height - 100.0);
    }
    // One line without a number, one with too few fields.
    text += "170;;dog\n180\n";
    fs::write(&path, &text).unwrap();
    let run = directory.path().join("run");
    let of = [
        ("data.labels", "kind"),
        ("model.encoder", "[2, 8, 1]"),
        ("train.epochs", "60"),
    ];
    let output = hourglass(&train("table", &path, &run, &of));
    let message = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("2 of 202 examples cannot be read"),
        "{message}"
    );
    assert!(
        message.contains("line 202: column 2 (`weight`) is empty"),
        "{message}"
    );
    let input: Value = serde_json::from_slice(&fs::read(run.join("input.json")).unwrap()).unwrap();
    assert_eq!(input["classes"], serde_json::json!(["cat", "dog"]));
    assert_eq!(input["columns"], serde_json::json!(["height", "weight"]));

    let (codes, back) = (
        directory.path().join("codes.csv"),
        directory.path().join("back.csv"),
    );
    succeed(&apply("encode", &run, &path, &codes));
    succeed(&apply("decode", &run, &codes, &back));
    let lines = csv(&back);
    assert_eq!(lines[0], ["name", "height", "weight"]);
    assert_eq!(lines.len(), 201);
    let height: f64 = lines[1][1].parse().unwrap();
    assert!((height - 150.0).abs() < 12.0, "in centimetres: {height}");
    // A table without the classes is one too; other columns are not.
    let plain = directory.path().join("plain.csv");
    fs::write(&plain, "height,weight\n160,220\n").unwrap();
    succeed(&apply("encode", &run, &plain, &codes));
    fs::write(&plain, "weight,height\n220,160\n").unwrap();
    refused(
        &apply("encode", &run, &plain, &codes),
        &["column `weight`", "trained on `height`"],
    );
    fs::write(&plain, "height\n160\n").unwrap();
    refused(
        &apply("encode", &run, &plain, &codes),
        &["1 numbers, the network takes 2"],
    );
    // A column by its number, of a table without names.
    let bare = directory.path().join("bare.csv");
    let lines: String = text
        .lines()
        .skip(1)
        .take(100)
        .map(|line| format!("{}\n", line.replace(';', ",")))
        .collect();
    fs::write(&bare, lines).unwrap();
    let of = [("data.labels", "3"), ("model.encoder", "[2, 8, 1]")];
    let summary = json(&train("table", &bare, &directory.path().join("other"), &of));
    assert!(
        summary["metrics"].get("test_psnr_db").is_none(),
        "there is no peak"
    );
}

#[test]
fn arrays_of_another_size_or_kind_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_npy(&at("x.npy"), &[50, 4, 6], &wave(1200));
    succeed(&train(
        "array",
        &at("x.npy"),
        &at("run"),
        &[("model.encoder", "[24, 4]")],
    ));
    write_npy(&at("other.npy"), &[50, 25], &wave(1250));
    let refuse = |input: &str, parts: &[&str]| {
        refused(
            &apply("encode", &at("run"), &at(input), &at("codes.npy")),
            parts,
        );
    };
    refuse("other.npy", &["[50, 25]", "4×6, 24 numbers"]);
    write_npy(&at("cut.npy"), &[50, 24], &wave(1200));
    let bytes = fs::read(at("cut.npy")).unwrap();
    fs::write(at("cut.npy"), &bytes[..bytes.len() - 10]).unwrap();
    refuse("cut.npy", &["ends within example"]);
    fs::write(at("objects.npy"), objects()).unwrap();
    refuse("objects.npy", &["which are not read", "astype"]);
    fs::write(at("codes.txt"), b"\x00\x01nonsense").unwrap();
    refuse("codes.txt", &["is neither a picture, nor .npy"]);
    fs::write(at("empty"), b"").unwrap();
    refuse("empty", &["is empty"]);
    assert!(!at("codes.npy").exists());
    // A single example, and rows that are laid flat, are examples too.
    for shape in [&[4, 6][..], &[1, 24], &[24]] {
        write_npy(&at("one.npy"), shape, &wave(24));
        succeed(&apply(
            "encode",
            &at("run"),
            &at("one.npy"),
            &at("codes.npy"),
        ));
        assert_eq!(read_npy(&at("codes.npy")).len(), 4, "{shape:?}");
    }
}

/// The header of an array of pickled objects.
fn objects() -> Vec<u8> {
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (3, 24), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend([0x80; 100]);
    bytes
}

#[test]
fn the_kind_of_a_file_and_the_config_must_agree() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    fs::write(&path, "1,2\n3,4\n5,6\n").unwrap();
    let run = directory.path().join("run");
    refused(
        &train(
            "array",
            Path::new(&path),
            &run,
            &[("model.encoder", "[2, 1]")],
        ),
        &["is a table", "\"csv\""],
    );
}
