//! Training on the devices of another machine: another process, on the loopback interface.

mod access;
mod sweeps;
mod training;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;

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
        let mut process = support::program(&["serve", "--listen", "127.0.0.1:0"])
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
