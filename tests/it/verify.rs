//! A run that is repeated from its receipt.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{hourglass, refused, succeed};

fn verify(run: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = [
        &["verify", run.to_str().unwrap(), "--json", "--quiet"],
        more,
    ]
    .concat();
    let output = hourglass(&arguments);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code(), document)
}

#[test]
fn a_run_is_identical_until_one_byte_of_it_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let out = format!("--out={}", run.display());
    succeed(&["train", "--config=configs/smoke.toml", "--quiet", &out]);
    let (code, found) = verify(&run, &["--threads=1"]);
    assert_eq!(
        (code, &found["verdict"]),
        (Some(0), &"identical".into()),
        "{found}"
    );
    let text = hourglass(&["verify", run.to_str().unwrap(), "--quiet"]);
    assert_eq!(String::from_utf8(text.stdout).unwrap(), "identical\n");

    // A byte of a weight, of a name and of what lies between.
    for (file, places) in [
        ("model.bpk", [30, 5_000, 100_000]),
        ("model.safetensors", [9, 5_000, 100_000]),
    ] {
        let path = run.join(file);
        let bytes = fs::read(&path).unwrap();
        for place in places {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            fs::write(&path, changed).unwrap();
            let (code, found) = verify(&run, &[]);
            assert_eq!((code, &found["verdict"]), (Some(4), &"different".into()));
            assert!(
                found["reasons"][0].as_str().unwrap().contains(file),
                "{found}"
            );
        }
        fs::write(&path, bytes).unwrap();
    }

    let change = |file: &str, from: &str, to: &str, reason: &str| {
        let path = run.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let (code, found) = verify(&run, &[]);
        fs::write(&path, text).unwrap();
        assert_eq!((code, &found["verdict"]), (Some(4), &"different".into()));
        assert!(
            found["reasons"][0].as_str().unwrap().contains(reason),
            "{found}"
        );
    };
    change("config.toml", "seed = 42", "seed = 43", "config.toml");
    change(
        "metrics.jsonl",
        "_pixel\":0.",
        "_pixel\":0.1",
        "metrics.jsonl: ",
    );
    change(
        "summary.json",
        "\"test_psnr_db\": ",
        "\"test_psnr_db\": 1",
        "summary.json: test_psnr_db",
    );

    if cfg!(feature = "ndarray") {
        let (code, found) = verify(&run, &["--backend=ndarray"]);
        assert_eq!(
            (code, &found["verdict"]),
            (Some(3), &"within tolerance".into()),
            "{found}"
        );
        assert!(
            found["reasons"]
                .to_string()
                .contains("backend flex there, ndarray here")
        );
    }
    fs::write(run.join("summary.json"), "{}").unwrap();
    refused(
        &["verify", run.to_str().unwrap()],
        &["summary.json", "--resume"],
    );
    fs::remove_file(run.join("summary.json")).unwrap();
    refused(&["verify", run.to_str().unwrap()], &["did not finish"]);
}
