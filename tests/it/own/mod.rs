//! Data that users bring, by the real program: what is taken, what is refused, what comes out.

mod applied;
mod arrays;
mod codes;
mod corners;
mod folders;
mod idx_names;
mod numbers;
mod oddities;
mod pictures;
mod reopened;
mod samples;
mod scaled;
mod scored;
mod tables;

use std::path::{Path, PathBuf};

use npyz::WriterBuilder;
use serde_json::Value;

use crate::support::{hourglass, succeed};

/// `--set KEY=VALUE` of each.
fn settings(of: &[(&str, &str)]) -> Vec<String> {
    of.iter()
        .map(|(key, value)| format!("--set={key}={value}"))
        .collect()
}

/// The arguments that train a config under `configs/own/` for two epochs.
fn train(config: &str, path: &Path, out: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let mut arguments = vec![
        "train".to_owned(),
        "--quiet".into(),
        "--json".into(),
        format!("--config=configs/own/{config}.toml"),
        format!("--set=data.path={}", path.display()),
        "--set=train.epochs=2".into(),
        format!("--out={}", out.display()),
    ];
    arguments.extend(settings(of));
    arguments
}

/// The arguments of a command that works on a run and an input, and leaves something.
fn apply(command: &str, run: &Path, input: &Path, out: &Path) -> Vec<String> {
    vec![
        command.to_owned(),
        run.display().to_string(),
        format!("--input={}", input.display()),
        format!("--out={}", out.display()),
    ]
}

/// Writes an array of any kind of element.
fn write_array<T: npyz::AutoSerialize + Copy>(path: &Path, shape: &[u64], elements: &[T]) {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(elements.iter().copied()).unwrap();
    writer.finish().unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The arguments of `data check --json` for a config under `configs/own/`.
fn check(config: &str, path: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let mut arguments = vec![
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        format!("--config=configs/own/{config}.toml"),
        format!("--set=data.path={}", path.display()),
    ];
    arguments.extend(settings(of));
    arguments
}

fn json(arguments: &[String]) -> Value {
    serde_json::from_str(&succeed(arguments)).unwrap()
}

/// Standard error of a command that succeeds.
fn told(arguments: &[String]) -> String {
    let output = hourglass(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The lines of a CSV, by fields.
fn csv(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(path)
        .unwrap();
    reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// What is in a folder and below, by names within it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = crate::support::configs(folder);
    found
        .iter_mut()
        .for_each(|path| *path = path.strip_prefix(folder).unwrap().to_owned());
    found.sort();
    found
}
