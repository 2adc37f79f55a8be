//! Activations through the real binary: slopes, both forms of GELU, and what earlier versions meant by its name.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{refused, succeed, train_squares, write_squares};

/// What hourglass 0.1 wrote above the config of a run.
const HEADER_OF_0_1: &str =
    "# The resolved config of this run; training with it repeats the run.\n\n";

fn train(data: &Path, out: &Path, more: &[&str]) -> String {
    succeed(&train_squares(data, out, &[&["--quiet"], more].concat()))
}

fn metrics(run: &Path) -> Value {
    let text = succeed(&["evaluate", run.to_str().unwrap(), "--json"]);
    serde_json::from_str::<Value>(&text).unwrap()["metrics"].clone()
}

fn config(run: &Path) -> String {
    fs::read_to_string(run.join("config.toml")).unwrap()
}

fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("model.safetensors")).unwrap()
}

/// The config of a run as hourglass 0.1 would have written it.
fn of_0_1(text: &str) -> String {
    let begin = text.find("name = ").unwrap();
    text[begin..].replace("\"gelu_tanh\"", "\"gelu\"")
}

/// Makes a run that was trained with `gelu_tanh` one that hourglass 0.1 left.
fn age(run: &Path) {
    let aged = format!("{HEADER_OF_0_1}{}", of_0_1(&config(run)));
    fs::write(run.join("config.toml"), aged).unwrap();
    for entry in fs::read_dir(run.join("checkpoints")).unwrap() {
        let checkpoint = entry.unwrap().path();
        let aged = of_0_1(&config(&checkpoint));
        let digest = |text: &str| {
            let bytes = Sha256::digest(text.as_bytes());
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let checksums = checkpoint.join("checksums.sha256");
        let text = fs::read_to_string(&checksums).unwrap();
        let text = text.replace(&digest(&config(&checkpoint)), &digest(&aged));
        fs::write(checksums, text).unwrap();
        fs::write(checkpoint.join("config.toml"), aged).unwrap();
    }
}

#[test]
fn the_two_forms_of_gelu_are_different_networks() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let run = |name: &str| -> PathBuf {
        let out = directory.path().join(name);
        train(&data, &out, &[&format!("--set=model.activation={name}")]);
        out
    };
    let (exact, tanh) = (run("gelu"), run("gelu_tanh"));
    assert_ne!(weights(&exact), weights(&tanh));
    let modules = |run: &Path| {
        let run = run.to_str().unwrap();
        succeed(&["export", run, "--format=safetensors"])
    };
    assert!(modules(&exact).contains("torch.nn.Linear(144, 24), torch.nn.GELU(), "));
    assert!(modules(&tanh).contains("torch.nn.GELU(approximate=\"tanh\")"));
    // Each resumes with its own activation: the run, its config as a file, and its resolved config.
    for run in [&exact, &tanh] {
        assert_eq!(metrics(run), metrics(run));
        let again = run.with_extension("again");
        let config = format!("--config={}", run.join("config.toml").display());
        succeed(&[
            "train",
            "--quiet",
            &config,
            "--out",
            again.to_str().unwrap(),
        ]);
        assert!(weights(&again) == weights(run));
        succeed(&["verify", "--quiet", run.to_str().unwrap()]);
        succeed(&["report", run.to_str().unwrap()]);
    }
}

#[test]
fn gelu_in_a_run_of_an_earlier_version_is_the_tanh_form() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let (old, new, longer) = (
        directory.path().join("old"),
        directory.path().join("new"),
        directory.path().join("longer"),
    );
    let gelu = "--set=model.activation=gelu_tanh";
    train(&data, &old, &[gelu]);
    train(&data, &longer, &[gelu, "--set=train.epochs=4"]);
    let before = metrics(&old);
    age(&old);
    assert!(config(&old).contains("activation = \"gelu\"\n"));
    assert_eq!(metrics(&old), before);
    let checkpoints = fs::read_dir(old.join("checkpoints")).unwrap();
    for checkpoint in checkpoints {
        let text = config(&checkpoint.unwrap().path());
        assert!(text.starts_with("name = ") && text.contains("activation = \"gelu\"\n"));
    }
    // Its config as a file of its own, and with another word on top.
    let file = format!("--config={}", old.join("config.toml").display());
    let out = new.to_str().unwrap();
    succeed(&["train", "--quiet", &file, "--out", out]);
    assert!(weights(&new) == weights(&old));
    assert!(config(&new).contains("activation = \"gelu_tanh\"\n"));
    succeed(&[
        "train",
        "--quiet",
        &file,
        "--set=model.activation=gelu",
        "--force",
        "--out",
        out,
    ]);
    assert!(config(&new).contains("\nactivation = \"gelu\"\n"));
    assert!(weights(&new) != weights(&old));
    // It resumes bit for bit.
    let resume = format!("--resume={}", old.display());
    succeed(&["train", "--quiet", &resume, "--set=train.epochs=4"]);
    assert!(weights(&old) == weights(&longer));
    assert!(config(&old).contains("activation = \"gelu_tanh\"\n"));
}

#[test]
fn a_config_may_say_which_version_it_is_written_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    let file = directory.path().join("mine.toml");
    let of_version = |line: &str| {
        fs::write(&file, format!("{line}\n[model]\nactivation = \"gelu\"\n[train]\noptimizer = {{ kind = \"adam\" }}\n")).unwrap();
        let config = format!("--config={}", file.display());
        train_squares(&data, &out, &["--quiet", "--force", &config])
    };
    for (line, expected) in [
        ("", "gelu"),
        ("hourglass = \"0.1.0\"", "gelu_tanh"),
        ("hourglass = \"0.2.0\"", "gelu"),
    ] {
        succeed(&of_version(line));
        let expected = format!("\nactivation = \"{expected}\"\n");
        assert!(config(&out).contains(&expected), "{line}");
    }
    refused(&of_version("hourglass = 2"), &["`hourglass`", "\"0.2.0\""]);
}

#[test]
fn a_leaky_relu_has_the_slope_that_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let run = |name: &str, more: &[&str]| -> PathBuf {
        let out = directory.path().join(name);
        train(&data, &out, more);
        out
    };
    let plain = run("plain", &["--set=model.activation=leaky_relu"]);
    assert!(config(&plain).contains("activation = \"leaky_relu\"\n"));
    let said = "--set=model.activation={ kind = \"leaky_relu\", slope = 0.1 }";
    assert!(weights(&run("said", &[said])) == weights(&plain));
    let steep = run(
        "steep",
        &[
            "--set=model.activation={ kind = \"leaky_relu\", slope = 0.25 }",
            "--set=model.code_activation={ kind = \"leaky_relu\", slope = 0.5 }",
            "--set=model.output=leaky_relu",
            "--set=model.output.slope=0.01",
            "--set=objective.reconstruction=mse",
        ],
    );
    assert!(weights(&steep) != weights(&plain));
    let path = steep.to_str().unwrap();
    let python = succeed(&["export", path, "--format=safetensors"]);
    for module in ["LeakyReLU(0.25)", "LeakyReLU(0.5)", "LeakyReLU(0.01)"] {
        assert!(python.contains(&format!("torch.nn.{module}")), "{python}");
    }
    succeed(&["export", path]);
    succeed(&["report", path]);
    let page = fs::read_to_string(steep.join("report.html")).unwrap();
    for slope in ["0.25", "0.5", "0.01"] {
        assert!(page.contains(&format!("\"activation\":\"leaky_relu\",\"slope\":{slope}")));
    }
    succeed(&["verify", "--quiet", path]);
    succeed(&[
        "encode",
        path,
        "--input",
        data.join("t10k-images-idx3-ubyte").to_str().unwrap(),
        "--out",
        directory.path().join("codes.npy").to_str().unwrap(),
    ]);
    // The code takes the slope of the layers before it where it has none of its own.
    let inherited = run(
        "inherited",
        &["--set=model.activation={ kind = \"leaky_relu\", slope = 0.25 }"],
    );
    assert!(
        config(&inherited)
            .contains("[model.code_activation]\nkind = \"leaky_relu\"\nslope = 0.25\n")
    );

    let wrong = |more: &[&str], parts: &[&str]| {
        refused(
            &train_squares(&data, &directory.path().join("wrong"), more),
            parts,
        );
    };
    wrong(
        &["--set=model.activation={ kind = \"relu\", slope = 0.2 }"],
        &["`model.activation.slope` means nothing to \"relu\""],
    );
    wrong(
        &["--set=model.activation={ kind = \"leaky_relu\", slope = -1 }"],
        &["a number from 0 to 1"],
    );
    wrong(
        &["--set=model.activation={ kind = \"leaky_relu\", slop = 0.2 }"],
        &["unknown key `model.activation.slop`"],
    );
    wrong(
        &["--set=model.activation={ kind = \"leakyrelu\" }"],
        &["did you mean \"leaky_relu\"?"],
    );
    assert!(!directory.path().join("wrong").exists());
}
