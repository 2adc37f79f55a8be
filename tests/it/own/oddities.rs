//! Data that can be read and are still not what was meant: warnings with their remedy, and errors where nothing can be learned.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};
use serde_json::json;

use super::{apply, check, json as answer, told, train, write_array};
use crate::support::{hourglass, refused, succeed, train_squares, write_idx, write_squares};

const ENCODER: (&str, &str) = ("model.encoder", "[16, 4]");

/// Bytes of 100 images of 4 × 4 that are 0 or `most`.
fn masks(most: u8) -> Vec<u8> {
    (0..1600u32)
        .map(|i| most * u8::from(i * 7 % 5 < 2))
        .collect()
}

fn warnings(arguments: &[String]) -> Vec<String> {
    let found = answer(arguments);
    let printed = told(arguments);
    let warnings: Vec<String> = serde_json::from_value(found["warnings"].clone()).unwrap();
    for warning in &warnings {
        assert!(
            printed.contains(&format!("warning: {warning}")),
            "{printed}"
        );
    }
    warnings
}

#[test]
fn bytes_far_below_255_are_told_with_the_range_to_ask_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.npy");
    for (most, remedy) in [(1, "data.range = [0, 1]"), (16, "data.range = [0, 16]")] {
        write_array(&path, &[100, 4, 4], &masks(most));
        let found = warnings(&check("array", &path, &[ENCODER]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!(
                "no byte of the training examples is above {most},"
            )),
            "{found:?}"
        );
        assert!(found[0].ends_with(remedy), "{found:?}");
        let run = directory.path().join(format!("run-{most}"));
        let printed = told(&train("array", &path, &run, &[ENCODER]));
        assert!(printed.contains(&found[0]), "{printed}");
        // And the remedy is one.
        let range = format!("[0, {most}]");
        let asked = check("array", &path, &[ENCODER, ("data.range", &range)]);
        let found = answer(&asked);
        assert_eq!(found["warnings"], json!([]));
        assert_eq!(found["splits"][0]["greatest"], 1.0);
    }
    for most in [40, 255] {
        write_array(&path, &[100, 4, 4], &masks(most));
        assert!(warnings(&check("array", &path, &[ENCODER])).is_empty());
    }
    // Booleans are 0 and 1 already.
    let truths: Vec<bool> = masks(1).iter().map(|&byte| byte == 1).collect();
    write_array(&path, &[100, 4, 4], &truths);
    let found = answer(&check("array", &path, &[ENCODER]));
    assert_eq!(
        (&found["warnings"], &found["splits"][0]["greatest"]),
        (&json!([]), &json!(1.0))
    );

    let idx = directory.path().join("idx");
    fs::create_dir(&idx).unwrap();
    for split in ["train", "t10k"] {
        write_idx(
            &idx.join(format!("{split}-images-idx3-ubyte")),
            &[100, 4, 4],
            &masks(1),
        );
    }
    let found = warnings(&[
        "data".into(),
        "check".into(),
        "--json".into(),
        "--set=data.dataset=idx".into(),
        format!("--set=data.path={}", idx.display()),
    ]);
    assert!(found[0].contains("multiply them by 255"), "{found:?}");
}

#[test]
fn hints_state_the_transformation_of_the_run_at_hand() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let wave = |scale: f32, offset: f32| -> Vec<f32> {
        let number = |i: u32| scale * (0.5 + 0.5 * (i as f32 * 0.37).sin()) + offset;
        (0..1600).map(number).collect()
    };
    let trained = |name: &str, numbers: &[f32]| {
        write_array(&at(&format!("{name}.npy")), &[100, 16], numbers);
        succeed(&train(
            "array",
            &at(&format!("{name}.npy")),
            &at(name),
            &[ENCODER],
        ));
    };
    trained("signs", &wave(2.0, -1.0));
    trained("unit", &wave(1.0, 0.0));
    trained("wide", &wave(255.0, 0.0));
    let bytes: Vec<u8> = wave(255.0, 0.0).iter().map(|&x| x as u8).collect();
    write_array(&at("bytes.npy"), &[100, 16], &bytes);
    succeed(&train("array", &at("bytes.npy"), &at("bytes"), &[ENCODER]));
    write_array(&at("far.npy"), &[100, 16], &wave(12.0, -3.5));
    write_array(
        &at("whole.npy"),
        &[100, 16],
        &bytes.iter().map(|&x| i32::from(x)).collect::<Vec<_>>(),
    );
    let out = at("codes.npy");
    for (run, input, parts) in [
        (
            "signs",
            "far",
            &[
                "takes numbers from -1 to 1",
                "bring yours to -1 to 1",
                "not with this batch's own minimum and maximum",
            ][..],
        ),
        (
            "unit",
            "far",
            &[
                "takes numbers from 0 to 1",
                "the same formula that made the training data",
            ],
        ),
        ("unit", "whole", &["divide by 255 too"]),
        (
            "bytes",
            "whole",
            &["were bytes divided by 255: divide these numbers by 255 too"],
        ),
        (
            "wide",
            "far",
            &["takes numbers from 0 to 255", "bring yours to 0 to 255"],
        ),
    ] {
        let arguments = apply("encode", &at(run), &at(&format!("{input}.npy")), &out);
        refused(&arguments, parts);
        let message = String::from_utf8(hourglass(&arguments).stderr).unwrap();
        assert!(!message.contains("x.min()"), "{message}");
    }
    assert!(!out.exists());

    // Divided by 255 once more than they should be.
    let odd = |run: &str, input: &str| {
        let mut arguments = apply("encode", &at(run), &at(&format!("{input}.npy")), &out);
        arguments.push("--json".into());
        warnings(&arguments)
    };
    let found = odd("wide", "unit");
    assert_eq!(
        found,
        [
            "no number of the input is above 1, and this network was trained on numbers from 0 to 255; if they were divided by 255, \
          multiply them by 255, or give bytes"
        ]
    );
    for (run, input) in [
        ("wide", "wide"),
        ("wide", "bytes"),
        ("bytes", "unit"),
        ("unit", "bytes"),
        ("signs", "unit"),
    ] {
        assert!(odd(run, input).is_empty(), "{run} {input}");
    }
    // One number is enough to show that it was not.
    let mut one = wave(1.0, 0.0);
    one[1599] = 7.0;
    write_array(&at("one.npy"), &[100, 16], &one);
    assert!(odd("wide", "one").is_empty());
}

#[test]
fn columns_that_come_scaled_already_are_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let rows = |height: f64, weight: f64, spread: f64| -> String {
        let row = |i: u32| {
            let x = f64::from(i * 37 % 50) / 50.0;
            format!("{},{}\n", height + spread * x, weight + spread * x * x)
        };
        "height,weight\n".to_owned() + &(0..60).map(row).collect::<String>()
    };
    fs::write(at("t.csv"), rows(150.0, 50.0, 50.0)).unwrap();
    fs::write(at("scaled.csv"), rows(0.0, 0.0, 1.0)).unwrap();
    for (scale, known) in [
        ("min_max", "column `height` went from 150 to 19"),
        ("standard", "column `height` had a mean of"),
    ] {
        let of = [("data.scale", scale), ("model.encoder", "[2, 1]")];
        succeed(&train("table", &at("t.csv"), &at(scale), &of));
        let score = |input: &str| {
            let mut arguments = apply("score", &at(scale), &at(input), &at("scores.csv"));
            arguments.push("--json".into());
            warnings(&arguments)
        };
        let found = score("scaled.csv");
        assert!(
            found[0].contains("scaled already") && found[0].contains(known),
            "{found:?}"
        );
        assert!(score("t.csv").is_empty());
    }
}

#[test]
fn a_baseline_has_no_more_components_than_its_training_examples_span() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    // Hashes: no row follows from others.
    let number = |i: u32| (i * i + 1).wrapping_mul(2_654_435_761) >> 16;
    let numbers: Vec<f32> = (0..240).map(|i| number(i) as f32 / 65_536.0).collect();
    write_array(&at("x.npy"), &[24, 10], &numbers);
    write_array(&at("test.npy"), &[4, 10], &numbers[..40]);
    let test = at("test.npy").display().to_string();
    let fit = |kind: &str, code: &str, of: &[&str]| {
        let mut arguments: Vec<String> = vec![
            "train".into(),
            "--quiet".into(),
            format!("--config=configs/{kind}.toml"),
            "--set=data.dataset=array".into(),
            format!("--set=data.path={}", at("x.npy").display()),
            format!("--set=data.test_path={test}"),
            format!("--set=model.encoder=[10, {code}]"),
            format!("--out={}", at("run").display()),
            "--force".into(),
        ];
        arguments.extend(of.iter().map(|set| format!("--set={set}")));
        arguments
    };
    for (kind, code, of, parts) in [
        (
            "pca",
            "8",
            &["data.limit=5"][..],
            &[
                "8 components",
                "found 5",
                "model.code_size = 5",
                "model.encoder = [10, 5]",
            ][..],
        ),
        (
            "pca",
            "8",
            &["data.validation=17"],
            &["found 7", "model.code_size = 7"],
        ),
        (
            "pca",
            "1",
            &["data.limit=1"],
            &[
                "at least 2 training examples, found 1",
                "give more examples",
            ],
        ),
        (
            "probabilistic-pca",
            "8",
            &["data.limit=9"],
            &[
                "at least 10 training examples, found 9",
                "model.code_size = 7",
            ],
        ),
        (
            "probabilistic-pca",
            "1",
            &["data.limit=2"],
            &["at least 3 training examples"],
        ),
    ] {
        refused(&fit(kind, code, of), parts);
        assert!(!at("run").exists(), "{kind} {of:?}");
    }
    for (kind, code, limit) in [
        ("pca", "5", "data.limit=5"),
        ("probabilistic-pca", "7", "data.limit=9"),
        // More topics than documents are possible.
        ("topic-model", "8", "data.limit=5"),
    ] {
        succeed(&fit(kind, code, &[limit]));
    }
}

#[test]
fn data_of_one_value_are_refused_and_equal_examples_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let run = at("run");
    write_array(&at("x.npy"), &[50, 4, 4], &[128u8; 800]);
    refused(
        &train("array", &at("x.npy"), &run, &[ENCODER]),
        &["all its numbers are 128", "nothing to learn"],
    );
    let found = warnings(&check("array", &at("x.npy"), &[ENCODER]));
    let known = "all its numbers are 128; there is nothing to learn";
    assert!(found[0].contains(known), "{found:?}");
    fs::create_dir(at("images")).unwrap();
    for number in 0..12 {
        let path = at("images").join(format!("{number}.png"));
        GrayImage::from_pixel(4, 4, Luma([77])).save(path).unwrap();
    }
    let of = [("data.resize", "4"), ENCODER];
    refused(
        &train("images", &at("images"), &run, &of),
        &["all its numbers are 77", "nothing to learn"],
    );
    let data = at("idx");
    write_squares(&data, 8, 4);
    for split in ["train", "t10k"] {
        write_idx(
            &data.join(format!("{split}-images-idx3-ubyte")),
            &[8, 12, 12],
            &[0; 1152],
        );
        write_idx(
            &data.join(format!("{split}-labels-idx1-ubyte")),
            &[8],
            &[0; 8],
        );
    }
    refused(&train_squares(&data, &run, &[]), &["all its numbers are 0"]);
    assert!(!run.exists());

    let same: Vec<u8> = (0..50).flat_map(|_| (0..16).map(|i| 16 * i)).collect();
    write_array(&at("x.npy"), &[50, 4, 4], &same);
    let found = warnings(&check("array", &at("x.npy"), &[ENCODER]));
    assert!(
        found[0].starts_with("all 45 training examples are the same"),
        "{found:?}"
    );
}

/// The arguments of `data check` on a table of a column that goes from −1 to 3 and one that stays.
fn outputs(path: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let rows =
        (0..60).map(|i| format!("{},5,{}\n", f64::from(i % 5) - 1.0, f64::from(i % 7) / 4.0));
    fs::write(path, "a,b,c\n".to_owned() + &rows.collect::<String>()).unwrap();
    check(
        "table",
        path,
        &[&[("model.encoder", "[3, 2]")], of].concat(),
    )
}

#[test]
fn outputs_that_cannot_reach_the_data_are_refused_or_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let refused_output = outputs(&path, &[("model.output", "relu")]);
    refused(
        &refused_output,
        &[
            "outputs are never below 0",
            "model.output = \"linear\"",
            "min_max",
        ],
    );
    let run = directory.path().join("run");
    let of = [("model.encoder", "[3, 2]"), ("model.output", "relu")];
    refused(
        &train("table", &path, &run, &of),
        &["outputs are never below 0"],
    );
    assert!(!run.exists());
    let found = warnings(&outputs(&path, &[("model.output", "tanh")]));
    assert!(
        found[0].contains("outputs are between -1 and 1"),
        "{found:?}"
    );
    for of in [
        &[("model.output", "linear")][..],
        &[("model.output", "relu"), ("data.scale", "min_max")],
    ] {
        assert!(warnings(&outputs(&path, of)).is_empty(), "{of:?}");
    }
    // Without scaling.
    let array = directory.path().join("x.npy");
    let numbers: Vec<f32> = (0..1600).map(|i| 3.0 * (i as f32 * 0.37).sin()).collect();
    write_array(&array, &[100, 16], &numbers);
    let of = [
        ENCODER,
        ("model.output", "relu"),
        ("objective.reconstruction", "mse"),
    ];
    let found = warnings(&check("array", &array, &of));
    assert!(found[0].contains("outputs are never below 0"), "{found:?}");
    let below: Vec<f32> = numbers.iter().map(|x| x - 4.0).collect();
    write_array(&array, &[100, 16], &below);
    refused(&check("array", &array, &of), &["outputs are never below 0"]);
}

#[test]
fn columns_that_never_change_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = outputs(&directory.path().join("t.csv"), &[]);
    assert_eq!(answer(&arguments)["splits"][0]["constant_columns"], 1);
    arguments.retain(|argument| argument != "--json");
    let text = succeed(&arguments);
    assert!(
        text.contains("1 of 3 numbers are the same in all examples"),
        "{text}"
    );
    assert!(text.contains("scaled by the 54 training rows"), "{text}");
}

#[test]
fn a_code_that_is_the_same_for_all_examples_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    // Rectifiers so far below 0 that no example reaches them.
    let arguments = |name: &str, bias: &str| {
        let bias = format!("--set=model.initial_bias.code={bias}");
        let more = ["--quiet", "--json", &bias, "--set=train.epochs=1"];
        train_squares(&data, &directory.path().join(name), &more)
    };
    let printed = told(&arguments("dead", "-1000"));
    assert!(
        printed.contains("warning: the code is the same for all test examples, so reconstructions do not depend on the input"),
        "{printed}"
    );
    assert!(
        printed.contains("model.code_activation = \"leaky_relu\""),
        "{printed}"
    );
    let summary = answer(&arguments("dead-again", "-1000"));
    assert_eq!(summary["metrics"]["test_code_constant_units"], 4.0);
    let printed = told(&arguments("alive", "1000"));
    assert!(
        !printed.contains("the same for all test examples"),
        "{printed}"
    );
}
