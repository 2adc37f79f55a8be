//! Training on the devices of another machine: another process, on the loopback interface.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use burn::remote::{ConnectError, IrohHost, IrohRelays, RemoteHost};
use burn::server::IrohIdentity;
use burn::tensor::Device;
use hourglass::train::checkpoint;
use serde_json::Value;

use crate::support::{self, hourglass, refused, root, succeed};

/// A server in a process of its own.
struct Server {
    process: Child,
    address: String,
    key: PathBuf,
    /// What it said so far.
    said: Arc<Mutex<String>>,
}

impl Server {
    fn start(backend: &str, directory: &Path) -> Self {
        Self::start_with(&["--backend", backend], directory)
    }

    fn start_with(devices: &[&str], directory: &Path) -> Self {
        let key = directory.join("remote.key");
        let mut process = Command::new(env!("CARGO_BIN_EXE_hourglass"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(devices)
            .arg("--key")
            .arg(&key)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::default();
        listen(process.stderr.take().unwrap(), Arc::clone(&said));
        let mut server = Self {
            process,
            address: String::new(),
            key,
            said,
        };
        let begun = Instant::now();
        while server.address.is_empty() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{}",
                server.said()
            );
            thread::sleep(Duration::from_millis(20));
            let said = server.said();
            let address = said
                .split(" at ")
                .nth(1)
                .and_then(|rest| rest.split(';').next());
            server.address = address.unwrap_or_default().to_owned();
        }
        server
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// What names it on a command line.
    fn arguments(&self) -> Vec<String> {
        let key = self.key.display();
        vec![format!("--remote={}", self.address), format!("--key={key}")]
    }

    fn is_told(&self, part: &str) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if self.said().contains(part) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn listen(from: ChildStderr, said: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}

/// Readable by its owner alone, as a key has to be.
fn write_key(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).unwrap();
}

fn smoke(out: &Path, more: &[String]) -> Vec<String> {
    let mut arguments = vec![
        "train".to_owned(),
        "--config=configs/smoke.toml".into(),
        format!("--out={}", out.display()),
    ];
    arguments.extend_from_slice(more);
    arguments
}

fn summary(run: &Path) -> Value {
    let text = std::fs::read(run.join("summary.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

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
        let process = Command::new(env!("CARGO_BIN_EXE_hourglass"))
            .args(smoke(&run, &more))
            .current_dir(root())
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
        let pid = server.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        let lost = Instant::now();
        let output = process.wait_with_output().unwrap();
        let noticed = lost.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
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
        // To rounding the run that was never anywhere else.
        let whole = directory.path().join("whole");
        succeed(&smoke(&whole, &[set]));
        let error = |summary: &Value| {
            summary["metrics"]["test_bce_nats_per_pixel"]
                .as_f64()
                .unwrap()
        };
        let difference = error(&here) / error(&summary(&whole)) - 1.0;
        assert!(difference.abs() < 1e-2, "{difference}");
    }
}

#[test]
fn who_has_not_the_key_is_not_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start("flex", directory.path());
    let run = directory.path().join("run");
    let attempt = |server: &str, key: &Path| {
        let key = format!("--key={}", key.display());
        let output = hourglass(&smoke(&run, &[format!("--remote={server}"), key]));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!run.exists(), "nothing is left: {said}");
        (output.status.code(), said)
    };
    let other = directory.path().join("other.key");
    write_key(&other, &[7; 32]);
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("has another key") && said.contains("its key is the same"),
        "{said}"
    );
    let (code, said) = attempt(&server.address, &directory.path().join("none.key"));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no key at") && said.contains("hourglass serve"),
        "{said}"
    );
    write_key(&other, b"no key");
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is no key, which has 32 bytes"), "{said}");
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = attempt(&server.address, &other);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("can be read by others") && said.contains("chmod 600"),
        "{said}"
    );
    let (code, said) = attempt(&format!("{}/4", server.address), &server.key);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        server.is_told("asks for device 4 of 1"),
        "{}",
        server.said()
    );
    assert!(said.contains("hosts only 1 device"), "{said}");
    let (code, said) = attempt("no-such-host.invalid", &server.key);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("no-such-host.invalid:3000 is not known"),
        "{said}"
    );

    // The server's name is public; who knows it alone is turned away.
    let key: [u8; 32] = std::fs::read(&server.key).unwrap().try_into().unwrap();
    let host = IrohHost::new(IrohIdentity::from_bytes(key).id())
        .with_relays(IrohRelays::Disabled)
        .with_address(server.address.parse().unwrap());
    for host in [
        RemoteHost::iroh(host.clone()),
        RemoteHost::iroh(host.clone()).with_credential("guess"),
        RemoteHost::iroh(host).with_credential(key.to_vec()),
    ] {
        let refusal = Device::remote_options(&host).init().unwrap_err();
        assert!(matches!(refusal, ConnectError::Unauthorized), "{refusal}");
    }
    assert!(server.is_told("refused: Iroh client"), "{}", server.said());
}

#[test]
fn nothing_is_opened_to_other_machines_by_accident() {
    let directory = tempfile::tempdir().unwrap();
    let key = format!("--key={}", directory.path().join("remote.key").display());
    for address in ["0.0.0.0:0", "[::]:0"] {
        let listen = format!("--listen={address}");
        refused(
            &["serve", &key, &listen],
            &["can be reached from other machines", "--expose"],
        );
    }
    assert!(!directory.path().join("remote.key").exists());
    refused(&["serve", &key, "--listen=here"], &["--listen"]);
    refused(
        &["serve", &key, "--backend=remote"],
        &["served by the machine that it is of"],
    );
    let server = Server::start("flex", directory.path());
    let listen = format!("--listen={}", server.address);
    refused(
        &["serve", &key, &listen],
        &["cannot be listened on", "port 0 takes a free one"],
    );
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
