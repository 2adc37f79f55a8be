//! Runs of a study that are spread over machines.

use std::path::Path;

use serde_json::Value;

use super::{Server, summary, write_key};
use crate::support::hourglass;

/// What diverges anywhere says nothing about the machine that it diverged on.
#[test]
fn a_machine_is_not_given_up_for_runs_that_diverge() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start("flex", directory.path());
    let output = hourglass(&[
        "sweep".to_owned(),
        "--config=configs/smoke.toml".into(),
        "--set=data.limit=600".into(),
        "--set=grid.train.optimizer.learning_rate=[1e30, 1e31, 1e-3, 2e-3]".into(),
        format!("--devices=remote:{}", server.address),
        format!("--key={}", server.key.display()),
        format!("--out={}", directory.path().join("sweep").display()),
        "--json".into(),
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("2 of 4 runs failed"), "{said}");
    assert!(!said.contains("no device is left"), "{said}");
}

/// Points go to all devices; one that fails gets no more, and what it lost is made elsewhere.
#[test]
fn a_sweep_is_spread_and_survives_a_machine_that_fails() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start("flex", directory.path());
    let sweep = |out: &Path, remote: &str, key: &Path| {
        let arguments = [
            "sweep".to_owned(),
            "--config=configs/smoke.toml".into(),
            "--set=grid.train.batch_size=[20, 25, 50, 100, 200, 300]".into(),
            format!("--devices=flex,remote:{remote}"),
            format!("--key={}", key.display()),
            format!("--out={}", out.display()),
            "--json".into(),
        ];
        let output = hourglass(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (found, said)
    };
    let backends = |out: &Path| {
        let mut backends: Vec<_> = std::fs::read_dir(out)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("summary.json").exists())
            .map(|run| {
                summary(&run)["receipt"]["backend"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        backends.sort();
        backends
    };
    let spread = directory.path().join("spread");
    sweep(&spread, &server.address, &server.key);
    let made = backends(&spread);
    assert_eq!(made.len(), 6, "{made:?}");
    assert!(
        made.contains(&"flex".into()) && made.contains(&"remote".into()),
        "{made:?}"
    );
    // Where a run was made does not make it another experiment.
    let (_, said) = sweep(&spread, &server.address, &server.key);
    assert!(said.contains("6 of 6 runs are there"), "{said}");

    let other = directory.path().join("other.key");
    write_key(&other, &[7; 32]);
    let failing = directory.path().join("failing");
    let (_, said) = sweep(&failing, &server.address, &other);
    assert_eq!(backends(&failing), ["flex"; 6], "{said}");
    let lost = said.matches("it is made elsewhere").count();
    assert!((1..=2).contains(&lost), "{said}");
}
