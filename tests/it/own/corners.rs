//! Where it would be easy to be quietly wrong: units, names that meet, columns that are not what they seem.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};
use serde_json::Value;

use super::{apply, csv, files, json, told, train};
use crate::parity::{read_npy, write_npy};
use crate::support::{hourglass, refused, succeed};

fn wave(count: usize, scale: f32, offset: f32) -> Vec<f32> {
    (0..count)
        .map(|i| scale * (0.5 + 0.5 * (i as f32 * 0.37).sin()) + offset)
        .collect()
}

fn input(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("input.json")).unwrap()).unwrap()
}

const LINEAR: [(&str, &str); 3] = [
    ("model.output", "linear"),
    ("objective.reconstruction", "mse"),
    ("model.encoder", "[16, 8, 4]"),
];

#[test]
fn pictures_of_numbers_are_drawn_by_the_network_s_range_and_arrays_keep_their_units() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (name, scale, offset) in [("bytes", 255.0, 0.0), ("signs", 2.0, -1.0)] {
        let (x, run) = (at(&format!("{name}.npy")), at(name));
        write_npy(&x, &[200, 4, 4], &wave(3200, scale, offset));
        succeed(&train(
            "array",
            &x,
            &run,
            &[("model.encoder", "[16, 8, 4]")],
        ));
        succeed(&apply(
            "reconstruct",
            &run,
            &x,
            &at(&format!("{name}-drawn")),
        ));
        succeed(&apply(
            "reconstruct",
            &run,
            &x,
            &at(&format!("{name}-back.npy")),
        ));
        let back = read_npy(&at(&format!("{name}-back.npy")));
        let drawn = image::open(at(&format!("{name}-drawn/000007.png")))
            .unwrap()
            .into_luma8();
        for (pixel, number) in drawn.iter().zip(&back[7 * 16..]) {
            let expected = 255.0 * (number - offset) / scale;
            assert!(
                (f32::from(*pixel) - expected).abs() <= 0.51,
                "{pixel} {expected}"
            );
        }
        // A picture goes from black to white, whatever the numbers did.
        GrayImage::from_fn(4, 4, |x, y| Luma([(60 * x + y) as u8]))
            .save(at("own.png"))
            .unwrap();
        succeed(&apply("encode", &run, &at("own.png"), &at("codes.npy")));
    }
}

#[test]
fn standardised_numbers_are_not_clipped_and_outliers_stay_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let lines = |numbers: &[f32]| -> String {
        numbers
            .chunks(2)
            .map(|pair| format!("{},{}\n", pair[0], pair[1]))
            .collect()
    };
    let numbers = wave(400, 1.0, 0.0);
    fs::write(at("t.csv"), lines(&numbers)).unwrap();
    let found = json(&[
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        "--config=configs/own/table.toml".into(),
        format!("--set=data.path={}", at("t.csv").display()),
    ]);
    assert!(
        found["splits"][0]["least"].as_f64().unwrap() < -1.0,
        "{found}"
    );
    let mut outlier = numbers.clone();
    outlier[6] = 1e5;
    fs::write(at("outlier.csv"), lines(&outlier)).unwrap();
    for scale in ["standard", "min_max"] {
        let run = at(scale);
        succeed(&train(
            "table",
            &at("t.csv"),
            &run,
            &[("data.scale", scale), ("model.encoder", "[2, 4, 1]")],
        ));
        let mut score = apply("score", &run, &at("outlier.csv"), &at("s.csv"));
        score.push("--json".into());
        let told = json(&score);
        assert_eq!(told["greatest"][0]["name"], "3", "{scale}");
        assert_eq!(csv(&at("s.csv"))[4][2], "1");
    }
    // One column is scaled by itself too.
    let one: String = numbers
        .iter()
        .map(|x| format!("{}\n", 100.0 + 50.0 * x))
        .collect();
    fs::write(at("one.csv"), one).unwrap();
    succeed(&train(
        "table",
        &at("one.csv"),
        &at("one"),
        &[("model.encoder", "[1, 4, 1]")],
    ));
}

#[test]
fn bytes_for_a_network_of_numbers_are_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let numbers: Vec<f32> = (0..1600).map(|i| (i * 37 % 100) as f32).collect();
    write_npy(&at("x.npy"), &[100, 16], &numbers);
    succeed(&train("array", &at("x.npy"), &at("run"), &LINEAR));
    let mut bytes = fs::read(at("x.npy")).unwrap()[..128].to_vec();
    let header = String::from_utf8_lossy(&bytes).replace("<f4", "|u1");
    assert!(header.contains("|u1"));
    let place = bytes.windows(3).position(|three| three == b"<f4").unwrap();
    bytes[place..place + 3].copy_from_slice(b"|u1");
    bytes.extend(numbers.iter().map(|&x| x as u8));
    fs::write(at("bytes.npy"), bytes).unwrap();
    for name in ["x", "bytes"] {
        succeed(&apply(
            "encode",
            &at("run"),
            &at(&format!("{name}.npy")),
            &at(&format!("{name}-codes.npy")),
        ));
    }
    assert_eq!(
        read_npy(&at("x-codes.npy")),
        read_npy(&at("bytes-codes.npy"))
    );
}

#[test]
fn what_a_network_takes_is_not_guessed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_npy(&at("x.npy"), &[100, 4, 4], &wave(1600, 1.0, 0.0));
    succeed(&train(
        "array",
        &at("x.npy"),
        &at("run"),
        &[("model.encoder", "[16, 8, 4]")],
    ));
    let encode = apply("encode", &at("run"), &at("x.npy"), &at("codes.npy"));
    succeed(&encode);
    // Of a later version, which records what the file is, no change is read.
    crate::receipts::as_of_an_earlier_version(&at("run"));
    let file = at("run").join("input.json");
    let text = fs::read_to_string(&file).unwrap();
    for changed in [
        text.replace("\"height\": 4", "\"height\": 2"),
        text.replace(
            "\"grayscale\"",
            "\"resize\": [100000, 4], \"crop\": true, \"grayscale\"",
        ),
        "{}".to_owned(),
    ] {
        assert_ne!(changed, text);
        fs::write(&file, changed).unwrap();
        refused(&encode, &["does not say how examples are made"]);
    }
    fs::remove_file(&file).unwrap();
    refused(&encode, &["does not say how examples are made"]);
}

#[test]
fn names_that_meet_are_told_apart_and_inputs_are_never_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for folder in ["a", "b"] {
        fs::create_dir(at(folder)).unwrap();
        for number in 0..10u8 {
            GrayImage::from_pixel(4, 4, Luma([20 * number]))
                .save(at(folder).join(format!("{number}.png")))
                .unwrap();
        }
    }
    let of = [
        ("data.resize", "4"),
        ("model.encoder", "[16, 4]"),
        ("train.batch_size", "4"),
    ];
    succeed(&train("images", &at("a"), &at("run"), &of));
    let mut both = apply("denoise", &at("run"), &at("a"), &at("both"));
    both.insert(3, format!("--input={}", at("b").display()));
    succeed(&both);
    assert_eq!(files(&at("both")).len(), 20);
    // From within a folder beside it, by patterns that begin with `..`.
    let singly = [
        "reconstruct".to_owned(),
        at("run").display().to_string(),
        format!("--input={}", at("a/../b/1.png").display()),
        format!("--input={}", at("b/../b/2.png").display()),
        format!("--out={}", at("singly").display()),
    ];
    succeed(&singly);
    assert_eq!(
        files(&at("singly")),
        [Path::new("1.png"), Path::new("2.png")]
    );
    let before = fs::read(at("b/1.png")).unwrap();
    let mut over = singly.to_vec();
    over[4] = format!("--out={}", at("b").display());
    over.push("--force".into());
    refused(&over, &["is an input too"]);
    assert_eq!(fs::read(at("b/1.png")).unwrap(), before);

    // Rows without names beside rows that have some are counted.
    write_npy(&at("x.npy"), &[3, 4, 4], &wave(48, 1.0, 0.0));
    let mut mixed = apply("encode", &at("run"), &at("x.npy"), &at("codes.npy"));
    mixed.insert(3, format!("--input={}", at("a").display()));
    succeed(&mixed);
    let names = fs::read_to_string(at("codes.names.txt")).unwrap();
    let names: Vec<&str> = names.lines().collect();
    assert_eq!((names.len(), names[2], names[3]), (13, "2", "0.png"));
    let twice = [
        &apply("encode", &at("run"), &at("x.npy"), Path::new("-"))[..],
        &["--json".to_owned()],
    ]
    .concat();
    refused(&twice, &["cannot both be on standard output"]);
}

#[test]
fn tables_are_what_their_columns_say() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    // A heading that begins as a bitmap does, and a first line with something missing that is no heading.
    let rows = |first: &str| -> String {
        let lines = (0..60).map(|i| format!("{i},{},{}\n", i * 7 % 11, i % 5));
        std::iter::once(first.to_owned()).chain(lines).collect()
    };
    fs::write(at("bmi.csv"), rows("BMI,P1,PK\n")).unwrap();
    succeed(&train(
        "table",
        &at("bmi.csv"),
        &at("run"),
        &[("model.encoder", "[3, 4, 2]")],
    ));
    assert_eq!(input(&at("run"))["columns"][0], "BMI");
    fs::write(at("missing.csv"), rows("1,,nan\n")).unwrap();
    let message = told(&train(
        "table",
        &at("missing.csv"),
        &at("other"),
        &[("model.encoder", "[3, 4, 2]")],
    ));
    assert!(
        message.contains("1 of 61 examples cannot be read"),
        "{message}"
    );
    assert!(input(&at("other")).get("columns").is_none());
    // Test examples whose columns stand in another order.
    fs::write(at("test.csv"), rows("P1,BMI,PK\n")).unwrap();
    let test_path = at("test.csv").display().to_string();
    let of = [
        ("model.encoder", "[3, 4, 2]"),
        ("data.test_path", test_path.as_str()),
    ];
    refused(
        &train("table", &at("bmi.csv"), &at("third"), &of),
        &["other columns", "give BMI, P1, PK"],
    );
    // Classes by the column's number: a table without them has no such column.
    let of = [("model.encoder", "[2, 4, 1]"), ("data.labels", "1")];
    fs::write(at("plain.csv"), rows("")).unwrap();
    succeed(&train("table", &at("plain.csv"), &at("labelled"), &of));
    fs::write(at("bare.csv"), "3,4\n5,6\n").unwrap();
    succeed(&apply(
        "encode",
        &at("labelled"),
        &at("bare.csv"),
        &at("codes.csv"),
    ));
    // Names count the lines of the file, whatever cannot be read.
    fs::write(at("gap.csv"), "3,4\n,6\n7,8\n").unwrap();
    succeed(&apply(
        "encode",
        &at("labelled"),
        &at("gap.csv"),
        &at("codes.csv"),
    ));
    let names: Vec<String> = csv(&at("codes.csv"))[1..]
        .iter()
        .map(|line| line[0].clone())
        .collect();
    assert_eq!(names, ["0", "2"]);
    let all = [
        "train",
        "--config=configs/smoke.toml",
        "--set=data.exclude_classes=[0,1,2,3,4,5,6,7,8,9]",
        "--out=nowhere",
    ];
    let output = hourglass(&all);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("leaves no training example"), "{message}");
}
