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
