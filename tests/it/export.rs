//! `export` through the real binary. What other tools make of its files is tested in `tests/tools`.

use std::fs;

use serde_json::Value;

use crate::support::{hourglass, refused, succeed, train_squares, write_squares};

#[test]
fn a_network_is_written_where_asked_and_python_says_how_to_load_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    let run = out.to_str().unwrap();
    succeed(&train_squares(&data, &out, &["--quiet"]));
    let told = succeed(&["export", run]);
    assert!(told.contains("onnxruntime.InferenceSession") && told.contains("model.onnx"));
    assert!(told.contains("numpy.zeros((5, 144)"), "{told}");
    for name in ["encoder.onnx", "decoder.onnx", "model.onnx"] {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 1000, "{name}");
    }

    let elsewhere = directory.path().join("a \"quoted\" place");
    let arguments = ["export", run, "--format=safetensors", "--json", "--out"];
    let arguments = [&arguments[..], &[elsewhere.to_str().unwrap()]].concat();
    let told: Value = serde_json::from_str(&succeed(&arguments)).unwrap();
    let copy = fs::read(elsewhere.join("model.safetensors")).unwrap();
    assert_eq!(copy, fs::read(out.join("model.safetensors")).unwrap());
    let code = told["code"].as_str().unwrap();
    assert!(code.contains("encoder = torch.nn.Sequential(torch.nn.Linear(144, 24), torch.nn.ReLU(), torch.nn.Linear(24, 4), torch.nn.ReLU())"), "{code}");
    assert!(code.contains("a \\\"quoted\\\" place"), "{code}");

    // Another run keeps its own.
    let other = directory.path().join("other");
    succeed(&train_squares(&data, &other, &["--quiet", "--set=seed=2"]));
    refused(
        &[
            "export",
            run,
            "--format=safetensors",
            "--out",
            other.to_str().unwrap(),
        ],
        &["is another run"],
    );
    let same = directory.path().join("data/../run");
    succeed(&["export", run, "--out", same.to_str().unwrap()]);

    // They are those of its weights, and go with them.
    succeed(&["train", "--quiet", "--resume", run, "--set=train.epochs=4"]);
    assert!(!out.join("model.onnx").exists());
}

/// A name with an ending is a file, and nothing else is a directory of that name.
#[test]
fn one_file_is_written_where_out_names_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    for run in ["run", "other"] {
        succeed(&train_squares(&data, &at(run), &["--quiet"]));
    }
    let run = text("run");
    succeed(&["export", &run]);
    let whole = fs::read(at("run/model.onnx")).unwrap();
    let weights = fs::read(at("run/model.safetensors")).unwrap();
    let export = |out: &str, more: &[&str]| -> Vec<Value> {
        let arguments = [&["export", &run, "--json", "--out", out], more].concat();
        let told: Value = serde_json::from_str(&succeed(&arguments)).unwrap();
        assert!(told["code"].as_str().unwrap().contains(out), "{told}");
        told["files"].as_array().unwrap().clone()
    };
    for (name, more, expected) in [
        ("deep.onnx", &[][..], &whole),
        ("Deep.ONNX", &["--format=onnx"], &whole),
        ("new/deep.onnx", &[], &whole),
        ("deep.safetensors", &[], &weights),
        ("again.safetensors", &["--format=safetensors"], &weights),
        ("run/model.safetensors", &[], &weights),
        ("run/model.onnx", &[], &whole),
    ] {
        let out = text(name);
        assert_eq!(export(&out, more), [Value::from(out.as_str())]);
        assert_eq!(&fs::read(at(name)).unwrap(), expected, "{name}");
        assert!(at(name).is_file(), "{name}");
    }
    // A directory, there or not, gets all of them.
    fs::create_dir(at("v1.2")).unwrap();
    for name in ["v1.2", "v1.3/", "plain"] {
        succeed(&["export", &run, "--out", &text(name)]);
        for file in ["encoder.onnx", "decoder.onnx", "model.onnx"] {
            assert!(at(name).join(file).is_file(), "{name}/{file}");
        }
    }
    fs::create_dir(at("there.onnx")).unwrap();
    fs::write(at("file"), "mine").unwrap();
    let none: &[&str] = &[];
    for (out, more, parts) in [
        ("model.pt", none, &[".onnx or .safetensors"][..]),
        (
            "notes.txt",
            none,
            &["the extension of a network format", "hint: "],
        ),
        ("run-1.5", none, &["with / for a directory"]),
        (
            "x.onnx",
            &["--format=safetensors"],
            &["contradicts --format"],
        ),
        ("x.safetensors", &["-f", "onnx"], &["contradicts --format"]),
        ("there.onnx", none, &["is a directory"]),
        ("new.onnx/", none, &["is a directory"]),
        ("file", none, &["is a file, not a directory"]),
        ("other/model.safetensors", none, &["a file of another run"]),
        ("other/model.onnx", none, &["a file of another run"]),
        ("run/encoder.onnx", none, &["for something else"]),
    ] {
        let out = text(out);
        refused(&[&["export", &run, "--out", &out], more].concat(), parts);
    }
    refused(&["export", &run, "--out=-"], &["standard output"]);
    for name in ["model.pt", "x.onnx", "new.onnx", "run-1.5", "notes.txt"] {
        assert!(!at(name).exists(), "{name}");
    }
    assert_eq!(fs::read(at("file")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(at("there.onnx")).unwrap().count(), 0);
}

/// The same kind elsewhere: a directory that is called as a file by mistake.
#[test]
fn no_directory_is_made_under_the_name_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let at = |name: &str| directory.path().join(name);
    succeed(&train_squares(&data, &at("run"), &["--quiet"]));
    let run = at("run").display().to_string();
    let images = data.join("t10k-images-idx3-ubyte").display().to_string();
    succeed(&[
        "encode",
        &run,
        "--input",
        &images,
        "--out",
        at("codes.npy").to_str().unwrap(),
    ]);
    let codes = at("codes.npy").display().to_string();
    let place = |name: &str| at(name).display().to_string();
    let decode = ["decode", &run, "--input", &codes, "--out"];
    let ending = "its name has a file extension";
    refused(&train_squares(&data, &at("x.toml"), &[]), &[ending]);
    for (command, out, part) in [
        (&["compare", "--out"][..], "x.json", ending),
        (
            &["sweep", "--config=configs/sweeps/code-size.toml", "--out"],
            "x.csv",
            ending,
        ),
        (&["man", "--out"], "x.md", ending),
        (&decode, "x.png", "of no format that rows are written in"),
        (&decode, "x.jpeg", "of no format"),
        (&decode, "x.safetensors", "of no format"),
        (
            &[&decode[..4], &["--format=png", "--out"]].concat(),
            "x.png",
            ending,
        ),
        (
            &[&decode[..4], &["--format=png", "--out"]].concat(),
            "x.npy",
            "contradicts --format",
        ),
        (
            &[&decode[..4], &["--format=npy", "--out"]].concat(),
            "x.csv",
            "contradicts --format",
        ),
    ] {
        refused(&[command, &[&place(out)]].concat(), &[part]);
        assert!(!at(out).exists(), "{out}");
    }
    for folder in ["drawn", "drawn.png/", "rate-0.01"] {
        succeed(&[&decode[..], &[&place(folder)]].concat());
        assert!(at(folder).join("000019.png").is_file(), "{folder}");
    }
    succeed(&train_squares(&data, &at("rate-0.02"), &["--quiet"]));
}

#[test]
fn what_is_damaged_is_not_exported() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    let run = out.to_str().unwrap();
    refused(&["export", run], &["is not a run"]);
    succeed(&train_squares(&data, &out, &["--quiet"]));
    for (name, format) in [("model.safetensors", "safetensors"), ("model.bpk", "onnx")] {
        let mut bytes = fs::read(out.join(name)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(out.join(name), bytes).unwrap();
        refused(&["export", run, "--format", format], &[name, "SHA-256"]);
    }
    assert!(
        !hourglass(&["export", run, "--format=pickle"])
            .status
            .success()
    );
    assert!(!out.join("model.onnx").exists());
}
