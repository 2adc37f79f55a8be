//! Runs on devices that are served, and what becomes of them when the server is gone.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use hourglass::train::checkpoint;
use serde_json::Value;

use super::{Server, smoke, summary};
use crate::support::{self, hourglass, refused, succeed};

#[test]
fn a_served_device_gives_the_metrics_of_one_that_is_here() {
    for opened in support::backends() {
        let backend = opened.backend.name();
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(backend, directory.path());
        let [here, there] = ["here", "there"].map(|name| directory.path().join(name));
        succeed(&smoke(&here, &[format!("--backend={backend}")]));
        let mut remote = server.arguments();
        remote.push("--backend=remote".into());
        succeed(&smoke(&there, &remote));
        assert!(server.is_told("is let in to device 0"), "{}", server.said());

        let summaries = [&here, &there].map(|run| summary(run));
        let metrics = summaries
            .each_ref()
            .map(|it| it["metrics"].as_object().unwrap());
        assert_eq!(metrics[0].len(), metrics[1].len());
        for (name, expected) in metrics[0] {
            if ["train_seconds", "samples_per_second"].contains(&name.as_str()) {
                continue;
            }
            let [expected, found] = [expected, &metrics[1][name]].map(|it| it.as_f64().unwrap());
            let difference = (found - expected).abs() / expected.abs().max(1.0);
            assert!(difference < 1e-5, "{backend} {name}: {found}, {expected}");
        }
        // All of the run is here, and nothing more is needed to use it.
        for name in [
            "reconstructions.png",
            "curves.png",
            "model.safetensors",
            "metrics.jsonl",
        ] {
            assert!(there.join(name).is_file(), "{name}");
        }
        drop(server);
        let receipt = &summaries[1]["receipt"];
        assert_eq!(receipt["backend"], "remote", "{receipt}");
        let run = there.display().to_string();
        let figures = succeed(&["evaluate", &run, "--json"]);
        assert!(figures.contains("test_bce_nats_per_pixel"), "{figures}");
        let verified = hourglass(&["verify", &run]);
        assert_eq!(verified.status.code(), Some(3), "{verified:?}");
    }
}

/// Two devices of one server share a batch. Burn takes servers with one key for one server: two of them are refused, rather
/// than the second be left out.
#[test]
fn a_batch_is_shared_by_devices_of_one_server_and_not_of_two() {
    let directory = tempfile::tempdir().unwrap();
    let servers = [(); 2].map(|()| Server::start_with(&["--devices=flex,flex"], directory.path()));
    let run = directory.path().join("run");
    let shards = "--set=train.shards=2".to_owned();
    let key = format!("--key={}", servers[0].key.display());
    let [one, other] = servers.each_ref().map(|server| &server.address);
    let both = format!("--devices=remote:{one},remote:{other}");
    refused(
        &smoke(&run, &[shards.clone(), key.clone(), both]),
        &["with the key of another", "HOST/0"],
    );
    assert!(!run.exists());
    let both = format!("--devices=remote:{one}/0,remote:{one}/1");
    succeed(&smoke(&run, &[shards.clone(), key, both]));
    assert!(
        servers[0].is_told("is let in to device 1"),
        "{}",
        servers[0].said()
    );
    let here = directory.path().join("here");
    succeed(&smoke(&here, &[shards]));
    let error = |run: &Path| {
        summary(run)["metrics"]["test_bce_nats_per_pixel"]
            .as_f64()
            .unwrap()
    };
    assert!((error(&run) / error(&here) - 1.0).abs() < 1e-5);
}

/// Killed without a word, or asked to end: either way nothing of the run is lost.
#[test]
fn a_lost_server_ends_the_run_which_goes_on_here() {
    for signal in ["KILL", "TERM"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start("flex", directory.path());
        let run = directory.path().join("run");
        let mut more = server.arguments();
        more.extend(
            ["train.epochs=100000", "train.checkpoints.every_steps=20"]
                .map(|set| format!("--set={set}")),
        );
        let process = support::program(&smoke(&run, &more))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let checkpoints = || checkpoint::list(&run.join("checkpoints")).unwrap_or_default();
        let begun = Instant::now();
        while checkpoints().len() < 2 {
            assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
            thread::sleep(Duration::from_millis(20));
        }
        assert!(support::send(&server.process, signal));
        let lost = Instant::now();
        let output = process.wait_with_output().unwrap();
        let noticed = lost.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{said}");
        assert!(
            said.contains("the connection to its server was lost"),
            "{said}"
        );
        assert!(said.contains("hourglass train --resume RUN"), "{said}");
        let longest = if signal == "KILL" { 30 } else { 10 };
        assert!(
            noticed < Duration::from_secs(longest),
            "{signal}: {noticed:?}"
        );

        let (step, _) = checkpoints().remove(0);
        let epochs = step / 36 + 1;
        let text = run.display().to_string();
        let set = format!("--set=train.epochs={epochs}");
        let output = hourglass(&["train", "--resume", &text, &set]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("resumed after"), "{said}");
        assert!(said.contains("backend remote there, flex here"), "{said}");
        let here = summary(&run);
        assert_eq!(here["epochs"], epochs);
        // To what rounding becomes in so many epochs, the run that was never anywhere else.
        let whole = directory.path().join("whole");
        succeed(&smoke(&whole, &[set]));
        let error = |summary: &Value| {
            summary["metrics"]["test_bce_nats_per_pixel"]
                .as_f64()
                .unwrap()
        };
        let difference = error(&here) / error(&summary(&whole)) - 1.0;
        assert!(difference.abs() < 1e-3, "{difference}");
    }
}
