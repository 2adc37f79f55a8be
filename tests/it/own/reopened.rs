//! Whatever the data: a run that was trained is used, resumed, repeated and trained from its own config.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};

use super::{apply, train};
use crate::parity::write_npy;
use crate::support::{root, succeed, train_squares, write_squares};

/// A run and what its commands are given.
struct Trained {
    arguments: Vec<String>,
    /// Examples as it was trained on.
    input: PathBuf,
    /// Whether `report` makes a page of such numbers.
    has_page: bool,
}

/// Every command on what `make` trains in a directory.
fn assert_reopens(make: impl FnOnce(&Path, &Path) -> Trained) {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    let run = at("run");
    let Trained {
        arguments,
        input,
        has_page,
    } = make(directory.path(), &run);
    succeed(&arguments);
    let weights = fs::read(run.join("model.safetensors")).unwrap();
    succeed(&["evaluate", &text("run")]);
    succeed(&apply("encode", &run, &input, &at("codes.npy")));
    let scores = at("scores.csv");
    succeed(&apply("score", &run, &input, &scores));
    succeed(&["export", &text("run")]);
    if has_page {
        succeed(&["report", &text("run")]);
    }
    assert_eq!(succeed(&["verify", &text("run"), "--quiet"]), "identical\n");
    // Its own config makes it again.
    let config = run.join("config.toml").display().to_string();
    let again = ["train", "--quiet", "--config", &config, "--out"];
    succeed(&[&again[..], &[text("again").as_str()]].concat());
    assert_eq!(
        fs::read(at("again/model.safetensors")).unwrap(),
        weights,
        "{config}"
    );
    // Studies reopen what they have made.
    for _ in 0..2 {
        succeed(&[
            "sweep",
            "--quiet",
            "--config",
            &config,
            "--set=grid.train.batch_size=[16, 32]",
            "--out",
            &text("sweep"),
        ]);
    }
    succeed(&["train", "--quiet", "--resume", &text("run")]);
    let more = ["--resume", &text("run"), "--set=train.epochs=3"];
    succeed(&[&["train", "--quiet"], &more[..]].concat());
    succeed(&["evaluate", &text("run")]);
    succeed(&apply("score", &run, &input, &scores));
}

/// A folder of coloured images of a size, their colours by their numbers.
fn images(folder: &Path, count: u32, (width, height): (u32, u32)) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let image = RgbImage::from_fn(width, height, |x, y| {
            let red = 255 * x / width;
            Rgb([red as u8, (y * 20) as u8, (number * 7) as u8])
        });
        image.save(folder.join(format!("{number}.png"))).unwrap();
    }
}

fn wave(count: usize, shift: f32) -> Vec<f32> {
    (0..count)
        .map(|i| 0.5 + 0.5 * (i as f32 * 0.37 + shift).sin())
        .collect()
}

fn table(path: &Path, rows: usize) {
    let mut text = "a,b,kind,c\n".to_owned();
    for row in 0..rows {
        let x = row as f64 * 0.7;
        text += &format!(
            "{},{},{},{}\n",
            x.sin(),
            x.cos(),
            ["x", "y"][row % 2],
            2.0 * x.sin()
        );
    }
    fs::write(path, text).unwrap();
}

fn of_images(settings: &[(&str, &str)], size: (u32, u32)) {
    assert_reopens(|directory, run| {
        let path = directory.join("photos \"1\"\n");
        images(&path, 40, size);
        let tests = directory.join("tests");
        images(&tests, 6, size);
        let tests = tests.display().to_string();
        let settings: Vec<_> = settings
            .iter()
            .map(|&(key, value)| (key, if value == "TESTS" { &tests } else { value }))
            .collect();
        // Without the resize of the config, which stands in its file.
        let config = root().join("configs/own/images.toml");
        let text = fs::read_to_string(config).unwrap();
        let own = directory.join("own.toml");
        fs::write(&own, text.replace("resize = [32, 32]", "")).unwrap();
        let mut arguments = train("images", &path, run, &settings);
        let place = arguments.iter().position(|it| it.starts_with("--config="));
        arguments[place.unwrap()] = format!("--config={}", own.display());
        // A path of odd characters is written as TOML.
        let place = arguments
            .iter()
            .position(|it| it.starts_with("--set=data.path="));
        let quoted = toml::Value::String(path.display().to_string());
        arguments[place.unwrap()] = format!("--set=data.path={quoted}");
        Trained {
            arguments,
            input: path,
            has_page: true,
        }
    });
}

#[test]
fn images_of_one_size_without_resize() {
    of_images(&[("model.encoder", "[48, 12, 4]")], (8, 6));
}

#[test]
fn images_that_are_resized_with_test_images_of_their_own() {
    of_images(
        &[
            ("model.encoder", "[144, 12, 4]"),
            ("data.resize", "[6, 8]"),
            ("data.crop", "false"),
            ("data.grayscale", "false"),
            ("data.invert", "true"),
            ("data.test_path", "TESTS"),
        ],
        (20, 14),
    );
}

#[test]
fn images_without_resize_with_test_images_of_their_own() {
    of_images(
        &[
            ("model.encoder", "[48, 12, 4]"),
            ("data.test_path", "TESTS"),
            ("data.validation", "4"),
        ],
        (8, 6),
    );
}

#[test]
fn images_in_folders_for_training_and_tests() {
    assert_reopens(|directory, run| {
        let path = directory.join("photos");
        images(&path.join("train"), 30, (8, 6));
        images(&path.join("test"), 6, (8, 6));
        let of = [("model.encoder", "[64, 12, 4]"), ("data.resize", "8")];
        Trained {
            arguments: train("images", &path, run, &of),
            input: path.join("test"),
            has_page: true,
        }
    });
}

#[test]
fn arrays_with_test_examples_and_classes() {
    assert_reopens(|directory, run| {
        let at = |name: &str| directory.join(name);
        write_npy(&at("x.npy"), &[60, 4, 6], &wave(60 * 24, 0.0));
        write_npy(&at("t.npy"), &[10, 4, 6], &wave(240, 1.0));
        let classes = |count: usize| (0..count).map(|i| (i % 3) as f32).collect::<Vec<_>>();
        write_npy(&at("y.npy"), &[60], &classes(60));
        write_npy(&at("z.npy"), &[10], &classes(10));
        let text = |name: &str| at(name).display().to_string();
        let (tests, labels, test_labels) = (text("t.npy"), text("y.npy"), text("z.npy"));
        let of = [
            ("model.encoder", "[24, 12, 4]"),
            ("data.test_path", tests.as_str()),
            ("data.labels", &labels),
            ("data.test_labels", &test_labels),
            ("data.range", "[0, 1]"),
            ("data.exclude_classes", "[2]"),
        ];
        Trained {
            arguments: train("array", &at("x.npy"), run, &of),
            input: at("t.npy"),
            has_page: true,
        }
    });
}

#[test]
fn archives_of_both_splits() {
    assert_reopens(|directory, run| {
        let path = directory.join("all.npz");
        let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (name, rows) in [("x_train", 50), ("x_test", 10)] {
            let array = directory.join("array.npy");
            write_npy(&array, &[rows, 4, 6], &wave(rows as usize * 24, 0.3));
            let options = zip::write::FileOptions::default();
            archive.start_file(format!("{name}.npy"), options).unwrap();
            archive.write_all(&fs::read(&array).unwrap()).unwrap();
        }
        archive.finish().unwrap();
        let input = directory.join("input.npy");
        write_npy(&input, &[7, 4, 6], &wave(7 * 24, 0.3));
        Trained {
            arguments: train("array", &path, run, &[("model.encoder", "[24, 12, 4]")]),
            input,
            has_page: true,
        }
    });
}

#[test]
fn tables_with_test_examples_and_classes() {
    assert_reopens(|directory, run| {
        let at = |name: &str| directory.join(name);
        table(&at("train.csv"), 60);
        table(&at("test.csv"), 12);
        let tests = at("test.csv").display().to_string();
        let of = [
            ("model.encoder", "[3, 8, 2]"),
            ("data.labels", "kind"),
            ("data.test_path", tests.as_str()),
            ("data.header", "true"),
        ];
        Trained {
            arguments: train("table", &at("train.csv"), run, &of),
            input: at("test.csv"),
            has_page: false,
        }
    });
}

#[test]
fn tables_of_which_a_share_is_for_tests() {
    assert_reopens(|directory, run| {
        let path = directory.join("train.csv");
        table(&path, 60);
        let of = [
            ("model.encoder", "[3, 8, 2]"),
            ("data.labels", "3"),
            ("data.test_fraction", "0.25"),
            ("data.strict", "true"),
            ("data.memory_budget_mb", "50"),
        ];
        Trained {
            arguments: train("table", &path, run, &of),
            input: path,
            has_page: false,
        }
    });
}

#[test]
fn idx_files() {
    assert_reopens(|directory, run| {
        let data = write_squares(&directory.join("data"), 60, 20);
        let more = ["--quiet", "--set=train.epochs=2"];
        Trained {
            arguments: train_squares(&data, run, &more),
            input: data.join("t10k-images-idx3-ubyte"),
            has_page: true,
        }
    });
}

/// Runs that earlier versions left have keys without effect in their configs, receipts that list the weights alone, and an
/// `input.json` whose `crop` stands without `resize`.
#[test]
fn runs_of_earlier_versions() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    images(&at("photos"), 40, (8, 6));
    images(&at("tests"), 6, (8, 6));
    let config = format!(
        "name = \"old\"\n[data]\ndataset = \"images\"\npath = {:?}\ntest_path = {:?}\ntest_fraction = 0.1\n\
         crop = true\n[model]\nencoder = [48, 12, 4]\n[train]\nepochs = 2\n",
        text("photos"),
        text("tests")
    );
    fs::write(at("old.toml"), config).unwrap();
    let (old, run) = (text("old.toml"), at("run"));
    succeed(&["train", "--quiet", "--config", &old, "--out", &text("run")]);
    crate::receipts::as_of_an_earlier_version(&run);
    let input = fs::read_to_string(run.join("input.json")).unwrap();
    let input = input.replace("\"grayscale\"", "\"crop\": true, \"grayscale\"");
    fs::write(run.join("input.json"), input).unwrap();
    succeed(&["evaluate", &text("run")]);
    succeed(&apply("encode", &run, &at("tests"), &at("codes.npy")));
    succeed(&apply("score", &run, &at("tests"), &at("scores.csv")));
    succeed(&["export", &text("run")]);
    succeed(&["report", &text("run")]);
    assert_eq!(succeed(&["verify", &text("run"), "--quiet"]), "identical\n");
    let more = ["--resume", &text("run"), "--set=train.epochs=3"];
    succeed(&[&["train", "--quiet"], &more[..]].concat());
    assert!(run.join("training_errors.npy").is_file());
}
