//! Numbers on their way to a network and back: what scaling keeps, and which rows decide it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use npyz::NpyFile;
use serde_json::{Value, json};

use super::{apply, check, csv, json as answer, told, train, write_array};
use crate::support::{refused, succeed};

/// The first of 400 seconds. Single precision has steps of 128 there.
const TIME: u32 = 1_700_000_000;
const TIMES: u32 = 400;

fn distinct(numbers: impl IntoIterator<Item = f64>) -> usize {
    numbers
        .into_iter()
        .map(f64::to_bits)
        .collect::<HashSet<_>>()
        .len()
}

fn doubles(path: &Path) -> Vec<f64> {
    let bytes = fs::read(path).unwrap();
    // As single precision it would not be read as `f64`.
    NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
}

/// Writes 400 rows of a time and a coordinate as every kind of file that holds them exactly.
fn write_times(directory: &Path) -> Vec<String> {
    let rows = || (0..TIMES).map(|i| (TIME + i, 5_412_345.0 + 1e-4 * f64::from(i) - 0.02));
    let text: String = rows().map(|(time, x)| format!("{time},{x}\n")).collect();
    fs::write(directory.join("times.csv"), format!("time,x\n{text}")).unwrap();
    let shape = [u64::from(TIMES), 2];
    let numbers: Vec<f64> = rows().flat_map(|(time, x)| [time.into(), x]).collect();
    write_array(&directory.join("f64.npy"), &shape, &numbers);
    let whole: Vec<i64> = rows()
        .flat_map(|(time, _)| [time.into(), 1_000_000_000_000 + 2 * i64::from(time)])
        .collect();
    write_array(&directory.join("i64.npy"), &shape, &whole);
    let unsigned: Vec<u64> = whole.iter().map(|&x| x as u64).collect();
    write_array(&directory.join("u64.npy"), &shape, &unsigned);
    ["times.csv", "f64.npy", "i64.npy", "u64.npy"]
        .map(str::to_owned)
        .into()
}

#[test]
fn unix_times_and_coordinates_reach_the_network_as_many_as_they_are_and_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (index, file) in write_times(directory.path()).iter().enumerate() {
        for scale in ["min_max", "standard"] {
            let run = at(&format!("run-{index}-{scale}"));
            let dataset = if file.ends_with("csv") {
                "csv"
            } else {
                "array"
            };
            let arguments = train(
                "table",
                &at(file),
                &run,
                &[
                    ("data.dataset", dataset),
                    ("data.scale", scale),
                    ("model.encoder", "[2, 2]"),
                    ("train.epochs", "1"),
                ],
            );
            assert_eq!(told(&arguments), "", "{file} {scale}");
            // Each example has a code of its own, so none was rounded to another.
            succeed(&apply("encode", &run, &at(file), &at("codes.csv")));
            let codes = csv(&at("codes.csv"));
            let codes: HashSet<_> = codes[1..].iter().map(|line| line[1..].to_vec()).collect();
            assert_eq!(codes.len(), TIMES as usize, "{file} {scale}");
            succeed(&apply("score", &run, &at(file), &at("scores.csv")));
            let errors = csv(&at("scores.csv"));
            let errors = errors[1..].iter().map(|line| line[1].parse().unwrap());
            assert!(distinct(errors) > TIMES as usize / 2, "{file} {scale}");
            // Numbers get their units back in double precision, in every format.
            succeed(&apply("encode", &run, &at(file), &at("codes.npy")));
            for (command, input) in [("reconstruct", at(file)), ("decode", at("codes.npy"))] {
                succeed(&apply(command, &run, &input, &at("back.npy")));
                let back = doubles(&at("back.npy"));
                assert_eq!(back.len(), 2 * TIMES as usize);
                let times = back.iter().copied().step_by(2);
                assert!(
                    times
                        .clone()
                        .all(|time| (time - f64::from(TIME)).abs() < 4000.0)
                );
                assert!(
                    distinct(times) > TIMES as usize - 10,
                    "{file} {scale} {command}"
                );
                succeed(&apply(command, &run, &input, &at("back.csv")));
                let written: Vec<f64> = csv(&at("back.csv"))[1..]
                    .iter()
                    .flat_map(|line| line[1..].to_vec())
                    .map(|field| field.parse().unwrap())
                    .collect();
                assert_eq!(written, back);
            }
        }
    }
}

/// Every code of a network that gives numbers as they are stays in single precision.
#[test]
fn what_is_not_scaled_is_written_in_single_precision() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let numbers: Vec<f32> = (0..400).map(|i| (i as f32 * 0.37).sin().abs()).collect();
    write_array(&at("x.npy"), &[100, 4], &numbers);
    let of = [("model.encoder", "[4, 2]")];
    succeed(&train("array", &at("x.npy"), &at("run"), &of));
    for command in ["encode", "reconstruct"] {
        succeed(&apply(command, &at("run"), &at("x.npy"), &at("out.npy")));
        let bytes = fs::read(at("out.npy")).unwrap();
        let written = NpyFile::new(&bytes[..]).unwrap().into_vec::<f32>();
        assert!(written.unwrap().len() >= 200);
    }
}

#[test]
fn a_column_that_single_precision_cannot_hold_is_told_with_what_is_left_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let text: String = (0..TIMES)
        .map(|i| format!("{},{}\n", 500_000.0 + 1e-3 * f64::from(i), i))
        .collect();
    fs::write(&path, format!("t,u\n{text}")).unwrap();
    let narrow = |of: &[(&str, &str)]| {
        let all = [&[("model.encoder", "[2, 1]")], of].concat();
        let mut arguments = check("table", &path, &all);
        if !of.iter().any(|(key, _)| *key == "data.scale") {
            arguments.retain(|argument| !argument.contains("--config"));
            arguments.extend(
                [
                    "data.dataset=csv",
                    "model.output=linear",
                    "objective.reconstruction=mse",
                ]
                .map(|set| format!("--set={set}")),
            );
        }
        let found = answer(&arguments);
        let printed = told(&arguments);
        for warning in found["warnings"].as_array().unwrap() {
            let warning = warning.as_str().unwrap();
            assert!(
                printed.contains(&format!("warning: {warning}")),
                "{printed}"
            );
        }
        found["warnings"].clone()
    };
    // Steps of 1/32 from 500,000 to 500,000.399.
    let expected = "column `t` spans 0.399 around 500000, single precision keeps 14 of its 400 values; scale it with data.scale = \"min_max\"";
    assert_eq!(narrow(&[]), json!([expected]));
    assert!(
        narrow(&[("data.range", "[0, 1000000]")])[0]
            .as_str()
            .unwrap()
            .ends_with("data.scale = \"min_max\" instead of data.range")
    );
    assert_eq!(narrow(&[("data.scale", "min_max")]), json!([]));
}

#[test]
fn numbers_beyond_single_precision_are_called_so() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let text = |last: &str| -> String {
        let rows = (0..50).map(|i| format!("{},{}\n", i, 2 * i));
        "a,b\n".to_owned() + &rows.collect::<String>() + last + "\n"
    };
    fs::write(at("t.csv"), text("3,4")).unwrap();
    let of = [("model.encoder", "[2, 1]")];
    succeed(&train("table", &at("t.csv"), &at("run"), &of));
    fs::write(at("far.csv"), text("3,1e300")).unwrap();
    refused(
        &apply("encode", &at("run"), &at("far.csv"), &at("codes.csv")),
        &[
            "column `b` of example 50 is 1e300, which is beyond single precision",
            "column `b` had a mean of",
        ],
    );
    fs::write(at("far.csv"), text("3,-1e308\n3,1e308")).unwrap();
    for scale in ["min_max", "standard"] {
        let of = [of[0], ("data.scale", scale)];
        refused(
            &train("table", &at("far.csv"), &at("other"), &of),
            &["column `b`", "hint: check how missing numbers are encoded"],
        );
    }
    refused(
        &train(
            "table",
            &at("t.csv"),
            &at("other"),
            &[of[0], ("data.range", "[-1e308, 1e308]")],
        ),
        &["data.range"],
    );
    assert!(!at("other").exists() && !at("codes.csv").exists());
}

/// Writes 40 rows, of which one is a thousand times as large as the others can be, and one cannot be read.
fn write_outlier(path: &Path, outlier: Option<u32>) {
    let row = |i: u32| {
        let factor = if outlier == Some(i) { 1000 } else { 1 };
        (factor * (100 + i * 37 % 41), factor * (7 + i * 11 % 13))
    };
    match path.extension().unwrap().to_str() {
        Some("csv") => {
            let rows = (0..40).map(|i| format!("{},{}\n", row(i).0, row(i).1));
            let mut lines: Vec<String> = rows.collect();
            lines.insert(5, "1,\n".into());
            fs::write(path, format!("a,b\n{}", lines.concat())).unwrap();
        }
        _ => {
            let numbers: Vec<f64> = (0..40)
                .flat_map(|i| [row(i).0.into(), row(i).1.into()])
                .collect();
            write_array(path, &[40, 2], &numbers);
        }
    }
}

/// What is known of the scaling, and the greatest number of the test split.
fn scaling_of(path: &Path, scale: &str) -> (Value, f64) {
    let dataset = path.extension().unwrap().to_str().unwrap();
    let dataset = if dataset == "csv" { "csv" } else { "array" };
    let of = [
        ("data.dataset", dataset),
        ("data.scale", scale),
        ("model.encoder", "[2, 1]"),
    ];
    let found = answer(&check("table", path, &of));
    assert_eq!(found["scaled_by"], 36);
    assert_eq!(found["splits"][0]["images"], 36);
    (
        found["preparation"]["scaling"].clone(),
        found["splits"][1]["greatest"].as_f64().unwrap(),
    )
}

/// For each row in turn: it changes the scaling exactly where it is not among the test examples.
#[test]
fn rows_that_are_set_aside_for_testing_never_change_the_scaling() {
    let directory = tempfile::tempdir().unwrap();
    for (name, scale) in [
        ("t.csv", "min_max"),
        ("t.csv", "standard"),
        ("x.npy", "min_max"),
    ] {
        let path = directory.path().join(name);
        write_outlier(&path, None);
        let (usual, greatest) = scaling_of(&path, scale);
        assert!(greatest < 3.0, "{greatest}");
        let mut tested = 0;
        for row in 0..40 {
            write_outlier(&path, Some(row));
            let (scaling, greatest) = scaling_of(&path, scale);
            // Unscaled, it is a hundred times as far as others.
            let is_test = greatest > 100.0;
            tested += usize::from(is_test);
            assert_eq!(scaling == usual, is_test, "row {row} of {name}, {scale}");
        }
        assert_eq!(tested, 4);
    }
}

#[test]
fn test_rows_beyond_the_training_range_are_clamped_only_where_the_network_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_outlier(&at("t.csv"), None);
    fs::write(at("test.csv"), "a,b\n100,7\n100000,7\n").unwrap();
    let test = at("test.csv").display().to_string();
    let greatest = |output: &str, reconstruction: &str| {
        let of = [
            ("data.scale", "min_max"),
            ("data.test_path", test.as_str()),
            ("model.encoder", "[2, 1]"),
            ("model.output", output),
            ("objective.reconstruction", reconstruction),
        ];
        let found = answer(&check("table", &at("t.csv"), &of));
        (
            found["splits"][1]["greatest"].as_f64().unwrap(),
            found["warnings"].clone(),
        )
    };
    let (most, warnings) = greatest("linear", "mse");
    assert_eq!(most, f64::from((100_000.0f64 - 100.0) as f32 / 40.0));
    assert_eq!(warnings, json!([]));
    let (most, warnings) = greatest("sigmoid", "bce");
    assert_eq!(most, 1.0);
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.starts_with("1 number of the test examples"),
        "{warning}"
    );
    assert!(warning.contains("clamped"), "{warning}");
}

/// A run's own scaling stays what it was, whatever its data become.
#[test]
fn a_run_is_measured_with_the_scaling_that_it_was_trained_with() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_outlier(&at("t.csv"), None);
    let of = [("model.encoder", "[2, 2]"), ("train.epochs", "20")];
    let summary = answer(&train("table", &at("t.csv"), &at("run"), &of));
    let evaluate = |more: &[String]| {
        let run = at("run").display().to_string();
        let arguments = ["evaluate".to_owned(), run, "--json".into()];
        let metrics = answer(&[&arguments[..], more].concat())["metrics"].clone();
        metrics["test_mse_per_pixel"].as_f64().unwrap()
    };
    let trained = summary["metrics"]["test_mse_per_pixel"].as_f64().unwrap();
    assert_eq!(evaluate(&[]), trained);
    // Scaled by themselves, these would look like the training data.
    let text = fs::read_to_string(at("t.csv")).unwrap();
    let far: String = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .filter_map(|(a, b)| Some((a.parse::<f64>().ok()?, b.parse::<f64>().ok()?)))
        .map(|(a, b)| format!("{},{}\n", 50.0 * a, 50.0 * b))
        .collect();
    fs::write(at("far.csv"), format!("a,b\n{far}")).unwrap();
    let other = format!("--set=data.path={}", at("far.csv").display());
    assert!(evaluate(&[other]) > 100.0 * trained);

    // What such a run cannot take is told by its own transformation, not by the keys of a config.
    let of = [("data.scale", "min_max"), ("model.encoder", "[2, 2]")];
    let unit = [
        &of[..],
        &[
            ("model.output", "sigmoid"),
            ("objective.reconstruction", "bce"),
            ("data.range", "[0, 200]"),
        ],
    ]
    .concat();
    let arguments = train("table", &at("t.csv"), &at("unit"), &unit[1..]);
    let arguments: Vec<String> = arguments
        .into_iter()
        .filter(|argument| !argument.contains("--config"))
        .chain(["--set=data.dataset=csv".to_owned()])
        .collect();
    succeed(&arguments);
    let far = format!("--set=data.path={}", at("far.csv").display());
    refused(
        &["evaluate".to_owned(), at("unit").display().to_string(), far],
        &["takes numbers from 0 to 200", "bring yours to 0 to 200"],
    );

    // As an earlier version wrote it: scaled by all rows, in single precision.
    crate::receipts::as_of_an_earlier_version(&at("run"));
    let input = at("run").join("input.json");
    let mut note: Value = serde_json::from_slice(&fs::read(&input).unwrap()).unwrap();
    note["scaling"]["offset"] = json!([120.1, 13.3]);
    note["scaling"]["scale"] = json!([11.833, 3.7416575]);
    fs::write(&input, note.to_string()).unwrap();
    let earlier = evaluate(&[]);
    assert!(earlier != trained && earlier.is_finite(), "{earlier}");
    succeed(&apply("encode", &at("run"), &at("t.csv"), &at("codes.csv")));
}
