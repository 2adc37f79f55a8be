//! Input for which a reader once took minutes: the time grew with the square of its size, or faster.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use hourglass::config::{Config, Study};
use hourglass::model::Autoencoder;
use hourglass::model::import::import;
use hourglass::run_directory::RunDirectory;

use super::formats;
use crate::allocations;
use crate::support::{self, hourglass};

/// What takes minutes where time grows with the square; a machine may be busy.
const SOON: Duration = Duration::from_secs(10);

fn soon<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    assert!(begun.elapsed() < SOON, "{what}: {:?}", begun.elapsed());
    result
}

#[test]
fn configs_as_large_as_a_file_may_be_are_refused_soon() {
    let keys: String = (0..70_000).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "key{number} = 1");
        text
    });
    assert!(keys.len() > 890_000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for text in [
        keys.clone(),
        // On one line.
        format!("model = {{ {} x = 1 }}\n", keys.replace('\n', ", ")),
        // Wrong, at each of its lines.
        "a = \n".repeat(150_000),
        // Sections without anything in them.
        (0..60_000).map(|number| format!("[s{number}]\n")).collect(),
        // Names without end.
        "a".repeat(900_000) + " = 1\n",
        format!("name = \"{}\"\n", "b".repeat(900_000)),
    ] {
        fs::write(&path, &text).unwrap();
        let config = soon(&text[..40], || Config::load(Some(&path), &[]));
        assert!(config.is_err() || text.starts_with("name"));
        let study = soon(&text[..40], || Study::load(Some(&path), &[]));
        assert!(study.is_err() || text.starts_with("name"));
    }
    // The program says the first hundred mistakes.
    fs::write(&path, "a = \n".repeat(150_000)).unwrap();
    let arguments = ["train", "--config", path.to_str().unwrap()];
    let output = soon("train", || hourglass(&arguments));
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.lines().count() < 120,
        "{} lines",
        message.lines().count()
    );
    assert!(message.contains("more mistakes"), "{message}");
}

#[test]
fn a_study_of_which_every_run_is_wrong_is_refused_soon() {
    let mut text = "[model]\n".to_owned();
    for number in 0..1000 {
        let _ = writeln!(text, "key{number} = 1");
    }
    let seeds: Vec<String> = (0..9000).map(|seed| seed.to_string()).collect();
    let _ = writeln!(text, "[grid]\nseed = [{}]", seeds.join(","));
    let problems = soon("study", || Study::parse("s.toml", &text, &[]).unwrap_err());
    // Each once, whatever the number of runs.
    assert_eq!(problems.len(), 1000, "{:?}", problems[0]);
    let methods: String = (0..4000)
        .map(|number| format!("[method.m{number}]\nmodel.kind = \"pca\"\n"))
        .collect();
    let study = soon("methods", || Study::parse("s.toml", &methods, &[]));
    assert_eq!(study.unwrap().methods.len(), 4000);
}

/// Ten seconds and 4 GB, when each of its values was taken.
#[test]
fn figures_of_a_run_with_millions_of_values_are_refused_soon_and_in_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.toml"), "name = \"x\"\n").unwrap();
    let values = format!("{{\"epoch\":1,\"a\":[{}0]}}\n", "0,".repeat(30 << 20));
    let nested = format!("{{\"a\":{}", "[".repeat(60 << 20));
    let run = RunDirectory::open(directory.path()).unwrap();
    for text in [values, nested] {
        for name in ["metrics.jsonl", "summary.json"] {
            fs::write(directory.path().join(name), &text).unwrap();
        }
        allocations::reset();
        soon("metrics", || run.history().unwrap_err());
        let error = soon("summary", || run.summary().unwrap_err());
        assert!(
            error.to_string().contains("more than any run writes"),
            "{error}"
        );
        assert!(allocations::most() < 200 << 20, "{}", allocations::most());
    }
}

/// A layer of the network's shape in each pair of tensors: 28 seconds, when each weight looked through all tensors for its bias.
#[test]
fn a_file_of_tens_of_thousands_of_tensors_is_refused_soon() {
    let device = support::backends()[0].device.clone();
    let network = Autoencoder::new(&support::architecture(&[3, 2]), 1, &device);
    let mut tensors = Vec::new();
    let mut at = 0;
    for number in 0..15_000 {
        for (role, shape, bytes) in [("weight", "[2,3]", 24), ("bias", "[2]", 8)] {
            let end = at + bytes;
            tensors.push(format!(
                "\"layer.{number}.{role}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{at},{end}]}}"
            ));
            at = end;
        }
    }
    let header = format!("{{{}}}", tensors.join(","));
    let file = formats::safetensors(header.as_bytes(), at);
    let error = soon("import", || import(network, &file).unwrap_err());
    let message = error.to_string();
    assert!(message.contains("the file 15000"), "{}", &message[..400]);
    assert!(message.contains("more are not used"), "{}", &message[..400]);
    assert!(message.len() < 20_000, "{} bytes", message.len());
}
