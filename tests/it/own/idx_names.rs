//! IDX files of other data sets than MNIST, by their names.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use super::apply;
use crate::support::{hourglass, refused, succeed, write_idx};

/// Writes the four files of a data set under names made of a prefix, the word for tests, and what is before `idx`.
fn write_set(directory: &Path, prefix: &str, test: &str, dot: &str, zipped: bool, seed: u8) {
    fs::create_dir_all(directory).unwrap();
    for (word, count) in [("train", 20u32), (test, 4)] {
        let pixels: Vec<u8> = (0..count * 6)
            .map(|place| (place as u8).wrapping_mul(37).wrapping_add(seed))
            .collect();
        let images = directory.join(format!("{prefix}{word}-images{dot}idx3-ubyte"));
        write_idx(&images, &[count, 2, 3], &pixels);
        let labels: Vec<u8> = (0..count).map(|place| (place % 4) as u8).collect();
        let labels_path = directory.join(format!("{prefix}{word}-labels{dot}idx1-ubyte"));
        write_idx(&labels_path, &[count], &labels);
        for path in [images, labels_path].iter().filter(|_| zipped) {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&fs::read(path).unwrap()).unwrap();
            fs::write(format!("{}.gz", path.display()), encoder.finish().unwrap()).unwrap();
            fs::remove_file(path).unwrap();
        }
    }
}

fn check(path: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec![
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        "--set=data.dataset=idx".into(),
        format!("--set=data.path={}", path.display()),
    ];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    arguments
}

fn checked(path: &Path, more: &[&str]) -> Value {
    serde_json::from_str(&succeed(&check(path, more))).unwrap()
}

#[test]
fn the_usual_names_are_found_and_several_sets_are_listed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for (name, prefix, test, dot, zipped) in [
        ("dots", "", "t10k", ".", false),
        ("dots-zipped", "", "t10k", ".", true),
        ("words", "", "test", "-", false),
        ("emnist", "emnist-letters-", "test", "-", true),
    ] {
        write_set(&at(name), prefix, test, dot, zipped, 1);
        let found = checked(&at(name), &[]);
        assert_eq!(found["splits"][0]["images"], 20, "{name}");
        assert_eq!(found["splits"][1]["images"], 4);
        assert_eq!(found["splits"][0]["classes"].as_array().unwrap().len(), 4);
        assert_eq!(
            found["splits"][1]["files"].as_array().unwrap().len(),
            2,
            "{found}"
        );
    }
    write_set(&at("emnist"), "emnist-digits-", "test", "-", false, 100);
    let digits = at("emnist/emnist-digits");
    refused(
        &check(&at("emnist"), &[]),
        &[
            "several data sets: emnist-digits, emnist-letters",
            &format!("data.path = \"{}\"", digits.display()),
        ],
    );
    let file = at("emnist/emnist-digits-train-images-idx3-ubyte");
    let of_digits = checked(&digits, &[]);
    assert_eq!(
        of_digits["splits"][0]["files"],
        checked(&file, &[])["splits"][0]["files"]
    );
    let of_letters = checked(&at("emnist/emnist-letters"), &[]);
    assert_ne!(
        of_digits["splits"][0]["files"],
        of_letters["splits"][0]["files"]
    );
}

#[test]
fn transposed_images_are_turned_in_training_and_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_set(&at("columns"), "", "t10k", "-", false, 0);
    // The same images with rows as rows.
    fs::create_dir(at("rows")).unwrap();
    for (word, count) in [("train", 20u32), ("t10k", 4)] {
        let file = fs::read(at("columns").join(format!("{word}-images-idx3-ubyte"))).unwrap();
        let pixels: Vec<u8> = file[16..]
            .chunks(6)
            .flat_map(|image| [0, 3, 1, 4, 2, 5].map(|place| image[place]))
            .collect();
        let name = format!("{word}-images-idx3-ubyte");
        write_idx(&at("rows").join(name), &[count, 3, 2], &pixels);
    }
    let run = |data: &str, out: &str, more: &[&str]| {
        let mut arguments = vec![
            "train".to_owned(),
            "--quiet".into(),
            "--set=data.dataset=idx".into(),
            "--set=model.encoder=[6, 4, 2]".into(),
            "--set=train.epochs=2".into(),
            format!("--set=data.path={}", at(data).display()),
            format!("--out={}", at(out).display()),
        ];
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        succeed(&arguments);
    };
    run("columns", "turned", &["--set=data.transpose=true"]);
    run("rows", "plain", &[]);
    let found = checked(&at("columns"), &["--set=data.transpose=true"]);
    assert_eq!(
        (&found["splits"][0]["height"], &found["splits"][0]["width"]),
        (&3.into(), &2.into())
    );
    let weights = |run: &str| fs::read(at(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("turned"), weights("plain"), "the same images");
    let codes = |name: &str, data: &str| {
        let out = at(&format!("{name}.npy"));
        let input = at(data).join("t10k-images-idx3-ubyte");
        succeed(&apply("encode", &at(name), &input, &out));
        crate::parity::read_npy(&out)
    };
    assert_eq!(codes("turned", "columns"), codes("plain", "rows"));
    succeed(&["evaluate".to_owned(), at("turned").display().to_string()]);
    refused(
        &["data", "check", "--set=data.transpose=true"],
        &["`data.transpose` needs data.dataset = \"idx\""],
    );
}

#[test]
fn hints_do_not_speak_of_mnist_where_a_path_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let other = directory.path().join("other");
    write_set(&other, "", "t10k", "-", false, 3);
    let damaged = directory.path().join("damaged");
    write_set(&damaged, "", "t10k", "-", false, 3);
    fs::write(damaged.join("train-images-idx3-ubyte"), "no IDX file").unwrap();
    for (dataset, path) in [
        ("mnist", &empty),
        ("idx", &empty),
        ("mnist", &other),
        ("idx", &damaged),
        ("mnist", &damaged),
        ("idx", &directory.path().join("nowhere")),
    ] {
        let output = hourglass(&[
            "data".to_owned(),
            "check".into(),
            format!("--set=data.dataset={dataset}"),
            format!("--set=data.path={}", path.display()),
        ]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        let hint = message.lines().find(|line| line.contains("hint:")).unwrap();
        let about = hint.to_lowercase();
        assert!(
            !about.contains("mnist"),
            "{dataset} {}: {message}",
            path.display()
        );
    }
}
