//! Run directories from somebody else: nothing outside of them is written or removed through a link, and nothing that is not a
//! file is opened.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::support::{
    configs, make_pipe, program, run_within, succeed, train_squares, write_squares,
};

/// Files of a run that it reads, or whose names nothing else may have.
const READ: [&str; 9] = [
    "config.toml",
    "input.json",
    "training_errors.npy",
    "metrics.jsonl",
    "summary.json",
    "model.bpk",
    "model.safetensors",
    ".lock",
    ".hourglass-abc",
];
/// Files of a run that it only writes.
const OUTPUTS: [&str; 13] = [
    "reconstructions.png",
    "curves.png",
    "code.png",
    "samples.png",
    "manifold.png",
    "interpolation.png",
    "regions.png",
    "map.png",
    "neighbours.png",
    "report.html",
    "encoder.onnx",
    "decoder.onnx",
    "model.onnx",
];
/// Far longer than any of these commands takes, far shorter than for ever.
const MOST_TIME: Duration = Duration::from_secs(60);

fn run_within_time(arguments: &[String]) -> Output {
    run_within(MOST_TIME, &mut program(arguments))
}

fn copy(from: &Path, to: &Path) {
    for file in configs(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

/// A finished run on squares that is copied for each attack, and what must stay as it is.
struct Scene {
    directory: tempfile::TempDir,
    data: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = write_squares(&directory.path().join("data"), 60, 20);
        let scene = Self { directory, data };
        let more = [
            "--quiet",
            "--tensorboard",
            "--set=train.epochs=1",
            "--set=model.encoder=[144, 9, 2]",
        ];
        succeed(&train_squares(&scene.data, &scene.at("original"), &more));
        scene.restore();
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The run and its victims as they were.
    fn restore(&self) {
        for name in ["run", "victims"] {
            let _ = fs::remove_dir_all(self.at(name));
        }
        copy(&self.at("original"), &self.at("run"));
        copy(&self.at("original"), &self.at("victims/other"));
        fs::write(self.at("victims/key"), "ssh-ed25519 AAAA").unwrap();
    }

    fn victims(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = configs(&self.at("victims")).into_iter();
        let mut files: Vec<_> = files
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// Every command that writes in a run, those that begin it again last.
    fn commands(&self) -> Vec<Vec<String>> {
        let run = self.at("run").display().to_string();
        let of_run = |arguments: &[&str]| -> Vec<String> {
            let run = [arguments[0], &run];
            let all = run.iter().chain(&arguments[1..]);
            all.map(|argument| (*argument).to_owned()).collect()
        };
        let input = format!(
            "--input={}",
            self.data.join("t10k-images-idx3-ubyte").display()
        );
        let mut commands = vec![
            of_run(&["report"]),
            of_run(&["export"]),
            of_run(&["reconstruct"]),
            of_run(&["sample"]),
            of_run(&["sample", "--manifold"]),
            of_run(&["interpolate", "--rows=2"]),
            of_run(&["map"]),
            of_run(&["neighbours", "--rows=2"]),
            of_run(&["score", &input]),
            of_run(&["evaluate"]),
            of_run(&["verify"]),
        ];
        let resume = [
            "train",
            "--quiet",
            "--tensorboard",
            "--report",
            "--set=train.epochs=2",
            "--resume",
        ];
        let resume = resume.map(String::from);
        commands.push([&resume[..], std::slice::from_ref(&run)].concat());
        let more = [
            "--quiet",
            "--tensorboard",
            "--force",
            "--set=train.epochs=1",
        ];
        commands.push(train_squares(&self.data, &self.at("run"), &more));
        commands
    }

    /// Runs all commands and demands that the victims stay.
    fn assert_harmless(&self, what: &str) {
        self.assert_all_harmless(what, &self.commands());
    }

    fn assert_all_harmless(&self, what: &str, commands: &[Vec<String>]) {
        let before = self.victims();
        for command in commands {
            run_within_time(command);
            assert!(self.victims() == before, "{what}: {command:?}");
        }
        self.restore();
    }
}

fn replace(path: &Path, target: &Path) {
    let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
    symlink(target, path).unwrap();
}

#[test]
fn nothing_is_written_through_a_link_at_the_name_of_a_file() {
    let scene = Scene::new();
    // Links to a file, and to where there is none: writing would create it.
    for target in ["victims/key", "victims/none"] {
        for name in OUTPUTS {
            replace(&scene.at("run").join(name), &scene.at(target));
        }
        scene.assert_harmless(target);
    }
    for name in READ {
        for target in ["victims/key", "victims/none"] {
            replace(&scene.at("run").join(name), &scene.at(target));
            scene.assert_harmless(name);
        }
        // To the same file of another run, which looks right.
        let same = scene.at("victims/other").join(name);
        if same.exists() {
            replace(&scene.at("run").join(name), &same);
            scene.assert_harmless(name);
        }
    }
}

#[test]
fn outputs_replace_links() {
    let scene = Scene::new();
    for (command, name) in [
        ("report", "report.html"),
        ("export", "encoder.onnx"),
        ("map", "map.png"),
    ] {
        let path = scene.at("run").join(name);
        replace(&path, &scene.at("victims/key"));
        succeed(&[command, scene.at("run").to_str().unwrap()]);
        assert!(!path.is_symlink() && path.is_file(), "{name}");
        assert_eq!(
            fs::read(scene.at("victims/key")).unwrap(),
            b"ssh-ed25519 AAAA"
        );
    }
}

#[test]
fn nothing_is_removed_through_a_linked_folder() {
    let scene = Scene::new();
    let checkpoint = fs::read_dir(scene.at("run/checkpoints"))
        .unwrap()
        .next()
        .unwrap();
    let checkpoint = checkpoint.unwrap().file_name();
    let checkpoint = checkpoint.to_str().unwrap();
    let inside = |name: &str| format!("checkpoints/{name}");
    let events = fs::read_dir(scene.at("run/tensorboard"))
        .unwrap()
        .next()
        .unwrap();
    let events = events.unwrap().file_name();
    let events = format!("tensorboard/{}", events.to_str().unwrap());
    let links = [
        (
            "checkpoints".to_owned(),
            "victims/other/checkpoints".to_owned(),
        ),
        ("tensorboard".into(), "victims/other/tensorboard".into()),
        (
            inside(checkpoint),
            format!("victims/other/checkpoints/{checkpoint}"),
        ),
        (
            inside(".unfinished"),
            format!("victims/other/checkpoints/{checkpoint}"),
        ),
        (
            inside(".replaced"),
            format!("victims/other/checkpoints/{checkpoint}"),
        ),
        (
            inside("step-000000001"),
            format!("victims/other/checkpoints/{checkpoint}"),
        ),
        (inside("step-000000002"), "victims".into()),
        (inside("damaged-x"), "victims".into()),
        (
            inside(&format!("{checkpoint}/model.bpk")),
            "victims/key".into(),
        ),
        (
            inside(&format!("{checkpoint}/checksums.sha256")),
            "victims/key".into(),
        ),
        (events, "victims/key".into()),
        // A folder in the place of a file.
        ("report.html".into(), "victims".into()),
        ("training_errors.npy".into(), "victims".into()),
    ];
    for (name, target) in links {
        replace(&scene.at("run").join(&name), &scene.at(&target));
        // Those that resume it or begin it again.
        let commands = scene.commands();
        scene.assert_all_harmless(&name, &commands[commands.len() - 2..]);
    }
    for name in ["checkpoints", "tensorboard"] {
        let path = scene.at("run").join(name);
        replace(&path, &scene.at("victims/other").join(name));
        for command in scene.commands() {
            let output = run_within_time(&command);
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?}: {message}");
            assert!(message.contains(&format!("{name} is a link")), "{message}");
        }
        scene.restore();
    }
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let scene = Scene::new();
    let fifo = |path: &Path| {
        let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
        make_pipe(path);
    };
    let names = READ.into_iter().filter(|name| *name != ".hourglass-abc");
    for name in names.chain(OUTPUTS).chain(["checkpoints", "tensorboard"]) {
        fifo(&scene.at("run").join(name));
        for command in scene.commands() {
            let output = run_within_time(&command);
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?}: {message}");
            assert!(
                message.contains(&format!("{name} is not a regular file")),
                "{message}"
            );
        }
        scene.restore();
    }
    let checkpoint = fs::read_dir(scene.at("run/checkpoints"))
        .unwrap()
        .next()
        .unwrap();
    let checkpoint = checkpoint.unwrap().path();
    for name in ["checksums.sha256", "model.bpk", "progress.json"] {
        fifo(&checkpoint.join(name));
        scene.assert_harmless(name);
    }
}

/// The directory itself is the user's to name.
#[test]
fn a_run_may_be_named_through_a_link() {
    let scene = Scene::new();
    let latest = scene.at("latest");
    symlink("run", &latest).unwrap();
    for command in ["report", "evaluate", "export", "map"] {
        succeed(&[command, latest.to_str().unwrap()]);
    }
    succeed(&[
        "train",
        "--quiet",
        "--resume",
        latest.to_str().unwrap(),
        "--set=train.epochs=2",
    ]);
    assert!(scene.at("run/summary.json").is_file() && latest.is_symlink());
}

#[test]
fn studies_write_nothing_through_links() {
    let scene = Scene::new();
    let study = scene.at("study");
    let config = scene.at("original/config.toml").display().to_string();
    let out = study.display().to_string();
    let command = |name: &str, more: &[&str]| -> Vec<String> {
        let grid = "--set=grid.train.batch_size=[16, 32]";
        let arguments = [name, "--quiet", "--config", &config, grid, "--out", &out];
        let arguments = arguments.iter().chain(more);
        arguments.map(|argument| (*argument).to_owned()).collect()
    };
    let commands = [
        command("sweep", &["--list"]),
        command("sweep", &[]),
        command("compare", &[]),
        command("sweep", &["--force", "--jobs=1"]),
    ];
    let run = "squares-batch_size-16-seed-42";
    let point = format!("points/{run}.toml");
    let links = [
        ("sweep.json", "victims/key"),
        ("sweep.png", "victims/key"),
        ("compare.json", "victims/key"),
        ("compare.png", "victims/key"),
        ("units.png", "victims/none"),
        (point.as_str(), "victims/key"),
        ("points", "victims"),
        (run, "victims/other"),
        (run, "victims/none"),
    ];
    for (name, target) in links {
        fs::create_dir_all(study.join(name).parent().unwrap()).unwrap();
        symlink(scene.at(target), study.join(name)).unwrap();
        let before = scene.victims();
        for command in &commands {
            run_within_time(command);
            assert!(scene.victims() == before, "{name}: {command:?}");
        }
        fs::remove_dir_all(&study).unwrap();
    }
}
