//! What decides an answer of a run is compared with its receipt before it is used.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{hourglass, refused, succeed, train_squares, write_squares};

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap()
}

fn write_summary(run: &Path, summary: &Value) {
    fs::write(run.join("summary.json"), summary.to_string()).unwrap();
}

/// Makes of a run what versions left whose receipts listed the weights alone, and which measured the training examples
/// when `score` asked for them.
pub fn as_of_an_earlier_version(run: &Path) {
    let mut changed = summary(run);
    let files = changed["receipt"]["files"].as_array_mut().unwrap();
    files.retain(|file| file["file"].as_str().unwrap().starts_with("model."));
    assert_eq!(files.len(), 2);
    write_summary(run, &changed);
    fs::remove_file(run.join("training_errors.npy")).unwrap();
}

/// A run on squares, and the arguments of commands that use what it has learned.
struct Squares {
    directory: tempfile::TempDir,
    commands: Vec<Vec<String>>,
}

impl Squares {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let data = write_squares(&at("data"), 60, 20);
        succeed(&train_squares(&data, &at("run"), &["--quiet"]));
        let images = data.join("t10k-images-idx3-ubyte").display().to_string();
        let run = at("run").display().to_string();
        let out = |name: &str| format!("--out={}", at(name).display());
        let input = format!("--input={images}");
        let command = |name: &str, more: &[String]| {
            let begin = [name.to_owned(), run.clone()];
            [&begin[..], more].concat()
        };
        let commands = vec![
            command("evaluate", &[]),
            command("reconstruct", &[out("r.png")]),
            command("sample", &[out("s.png")]),
            command("map", &[out("m.png")]),
            command("report", &[out("r.html")]),
            command("export", &[out("exported")]),
            command("encode", &[input.clone(), out("c.npy")]),
            command("score", &[input.clone(), "--threshold=0.1".into()]),
            command("score", &[input]),
        ];
        Self {
            directory,
            commands,
        }
    }

    fn run(&self) -> std::path::PathBuf {
        self.directory.path().join("run")
    }

    fn all_refuse(&self, parts: &[&str]) {
        for command in &self.commands {
            refused(command, parts);
        }
    }

    fn all_succeed(&self) {
        for command in &self.commands {
            succeed(command);
        }
    }
}

#[test]
fn a_run_without_checksums_is_not_opened_and_the_hint_says_how_to_go_on() {
    let squares = Squares::new();
    squares.all_succeed();
    let run = squares.run();
    let whole = summary(&run);
    let missing = ["does not record the SHA-256", "hourglass import --weights"];
    write_summary(&run, &serde_json::json!({}));
    squares.all_refuse(&missing);
    let mut changed = whole.clone();
    changed["receipt"].as_object_mut().unwrap().remove("files");
    write_summary(&run, &changed);
    squares.all_refuse(&missing);
    changed["receipt"]["files"] = serde_json::json!([]);
    write_summary(&run, &changed);
    squares.all_refuse(&missing);
    let mut changed = whole.clone();
    changed["receipt"]
        .as_object_mut()
        .unwrap()
        .remove("config_sha256");
    write_summary(&run, &changed);
    squares.all_refuse(&missing);
    // One file was taken out of the list.
    let mut changed = whole.clone();
    let files = changed["receipt"]["files"].as_array_mut().unwrap();
    files.retain(|file| file["file"] != "input.json");
    write_summary(&run, &changed);
    squares.all_refuse(&missing);
    fs::remove_file(run.join("summary.json")).unwrap();
    squares.all_refuse(&["did not finish", "--resume"]);

    // What the hint says: the weights as those of another run, or the last checkpoint.
    let config = run.join("config.toml").display().to_string();
    let weights = run.join("model.safetensors").display().to_string();
    let out = squares.directory.path().join("imported");
    let out = out.to_str().unwrap();
    succeed(&[
        "import",
        "--quiet",
        "--weights",
        &weights,
        "--config",
        &config,
        "--out",
        out,
    ]);
    succeed(&["evaluate", out]);
    write_summary(&run, &serde_json::json!({}));
    succeed(&["train", "--quiet", "--resume", run.to_str().unwrap()]);
    squares.all_succeed();
}

#[test]
fn a_run_whose_config_or_input_was_changed_is_not_opened() {
    let squares = Squares::new();
    let run = squares.run();
    let change = |name: &str, from: &str, to: &str| {
        let path = run.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        squares.all_refuse(&[name, "is not as the run left it", "SHA-256"]);
        let verify = hourglass(&["verify", run.to_str().unwrap(), "--quiet"]);
        assert_eq!(verify.status.code(), Some(4), "{verify:?}");
        let told = String::from_utf8(verify.stdout).unwrap();
        assert!(
            told.contains(&format!("{name} was changed since the run")),
            "{told}"
        );
        fs::write(&path, text).unwrap();
    };
    change(
        "config.toml",
        "activation = \"relu\"",
        "activation = \"tanh\"",
    );
    change("input.json", "\"invert\": false", "\"invert\": true");
    squares.all_succeed();
    // A finished run that is being trained for more epochs has its old weights until that is done.
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    let more = config.replacen("epochs = 3", "epochs = 30", 1);
    assert_ne!(more, config);
    fs::write(run.join("config.toml"), more).unwrap();
    squares.all_succeed();
    fs::write(run.join("config.toml"), config).unwrap();
    let resume = ["train", "--quiet", "--resume", run.to_str().unwrap()];
    // It is written again where it was changed.
    fs::write(run.join("input.json"), "{}").unwrap();
    succeed(&resume);
    squares.all_succeed();
}

#[test]
fn training_errors_that_were_changed_give_no_threshold() {
    let squares = Squares::new();
    let path = squares.run().join("training_errors.npy");
    let bytes = fs::read(&path).unwrap();
    let score = squares.commands.last().unwrap();
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&path, changed).unwrap();
    refused(score, &["training_errors.npy", "is not as the run left it"]);
    fs::remove_file(&path).unwrap();
    refused(score, &["training_errors.npy", "--threshold"]);
    let run = squares.run().display().to_string();
    // It is a part of a run that is whole, and so written again.
    succeed(&["train", "--quiet", "--resume", &run]);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(succeed(&["verify", &run, "--quiet"]), "identical\n");
}

#[test]
fn a_run_of_an_earlier_version_opens() {
    let squares = Squares::new();
    as_of_an_earlier_version(&squares.run());
    squares.all_succeed();
    let run = squares.run().display().to_string();
    assert_eq!(succeed(&["verify", &run, "--quiet"]), "identical\n");
    // Its input.json may be missing, as before there was any.
    fs::remove_file(squares.run().join("input.json")).unwrap();
    squares.all_succeed();
}

/// A checkpoint is used as a run is, and lists its files itself.
#[test]
fn a_checkpoint_whose_config_was_changed_is_not_opened() {
    let squares = Squares::new();
    let checkpoints = fs::read_dir(squares.run().join("checkpoints")).unwrap();
    let newest = checkpoints
        .map(|entry| entry.unwrap().path())
        .max()
        .unwrap();
    let evaluate = ["evaluate", newest.to_str().unwrap()];
    succeed(&evaluate);
    let config = newest.join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replacen("\"relu\"", "\"tanh\"", 1)).unwrap();
    refused(&evaluate, &["config.toml is not as the run left it"]);
    fs::write(&config, text).unwrap();
    fs::remove_file(newest.join("checksums.sha256")).unwrap();
    refused(&evaluate, &["did not finish"]);
}
