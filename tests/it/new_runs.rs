//! Where runs go that no place is given for, and `latest`, which leads to the newest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{self, hourglass_in, program_in, workplace, write_squares};

/// A place to work in, with a few images.
struct Place {
    directory: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = workplace();
        let data = write_squares(&directory.path().join("squares"), 60, 20);
        Self { directory, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Training of a run called `name`, without `--out`.
    fn arguments(&self, name: &str, more: &[&str]) -> Vec<String> {
        let mut arguments = support::train_squares(&self.data, Path::new(""), &[]);
        arguments.retain(|argument| !argument.starts_with("--out="));
        arguments.push(format!("--set=name={name}"));
        arguments.extend(more.iter().map(|more| (*more).to_owned()));
        arguments
    }

    /// Runs a command that succeeds, and returns its standard output and error.
    fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> (String, String) {
        let output = hourglass_in(self.directory.path(), arguments);
        let [text, said] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
        assert!(output.status.success(), "{text}{said}");
        (text, said)
    }

    fn train(&self, name: &str, more: &[&str]) -> (String, String) {
        self.run(&self.arguments(name, more))
    }

    /// Exit code and standard error of a command that fails.
    fn fail<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> (i32, String) {
        let output = hourglass_in(self.directory.path(), arguments);
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }

    /// What is in `artifacts/`, in order.
    fn artifacts(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("artifacts"));
        let mut names: Vec<String> = entries
            .map(|entries| {
                let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
                entries
                    .map(|entry| name(entry).into_string().unwrap())
                    .collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }

    fn latest(&self) -> String {
        let latest = self.path("artifacts/latest");
        let target = fs::read_link(&latest).unwrap();
        target.to_str().unwrap().to_owned()
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn a_run_is_never_in_the_way_of_the_next() {
    let place = Place::new();
    let (text, said) = place.train("deep", &[]);
    assert!(!said.contains("writing to"), "{said}");
    assert!(text.contains(": artifacts/deep\n"), "{text}");
    let first = read(&place.path("artifacts/deep/summary.json"));

    let (text, said) = place.train("deep", &["--json"]);
    let line = "artifacts/deep already holds a run; writing to artifacts/deep-2 (--force replaces, --resume continues)";
    assert_eq!(said.matches(line).count(), 1, "{said}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["run"], "artifacts/deep-2");
    assert!(place.path("artifacts/deep-2/summary.json").is_file());
    assert_eq!(read(&place.path("artifacts/deep/summary.json")), first);

    let (text, said) = place.train("deep", &["--quiet"]);
    assert!(said.contains("writing to artifacts/deep-3"), "{said}");
    assert!(text.contains(": artifacts/deep-3\n"), "{text}");
    let names = ["deep", "deep-2", "deep-3", "latest"];
    assert_eq!(place.artifacts(), names);

    // With --force the first is replaced, and with --out it stays.
    let out = place.arguments("deep", &["--out=artifacts/deep"]);
    let (code, said) = place.fail(&out);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("artifacts/deep already holds a run"),
        "{said}"
    );
    assert!(said.contains("--force"), "{said}");
    assert_eq!(read(&place.path("artifacts/deep/summary.json")), first);
    let (text, said) = place.train("deep", &["--force", "--set=seed=7"]);
    assert!(text.contains(": artifacts/deep\n"), "{text}");
    assert!(!said.contains("writing to"), "{said}");
    assert_ne!(read(&place.path("artifacts/deep/summary.json")), first);
    assert_eq!(place.artifacts(), names);
    assert_eq!(place.latest(), "deep");
}

#[test]
fn imported_weights_take_the_next_name_too() {
    let place = Place::new();
    place.train("deep", &["--quiet"]);
    let weights = "--weights=artifacts/deep/model.safetensors";
    let mut arguments = place.arguments("deep", &["--json", weights]);
    arguments[0] = "import".into();
    arguments.retain(|argument| !argument.contains("epochs"));
    let (text, said) = place.run(&arguments);
    assert!(said.contains("writing to artifacts/deep-2"), "{said}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["run"], "artifacts/deep-2");
    assert_eq!(place.latest(), "deep-2");
}

#[test]
fn runs_that_begin_at_once_have_a_directory_each() {
    let place = Place::new();
    let arguments = place.arguments("deep", &["--quiet", "--json"]);
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut program = program_in(place.directory.path(), &arguments);
            let program = program.stdout(Stdio::piped()).stderr(Stdio::piped());
            program.spawn().unwrap()
        })
        .collect();
    let mut runs: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let document: Value = serde_json::from_slice(&output.stdout).unwrap();
            document["run"].as_str().unwrap().to_owned()
        })
        .collect();
    runs.sort();
    let expected = ["deep", "deep-2", "deep-3", "deep-4"].map(|name| format!("artifacts/{name}"));
    assert_eq!(runs, expected);
    for run in runs {
        assert!(place.path(&run).join("summary.json").is_file(), "{run}");
    }
}

#[test]
fn a_run_that_cannot_begin_leaves_no_directory() {
    let place = Place::new();
    let nowhere = ["--set=data.path=nowhere", "--set=model.encoder=[99, 4]"];
    for more in nowhere {
        assert_eq!(place.fail(&place.arguments("deep", &[more])).0, 2);
    }
    assert!(place.artifacts().is_empty());
    place.train("deep", &["--quiet"]);
    // Found by the fit itself, when the directory is there already.
    fs::write(place.path("black.npy"), black()).unwrap();
    let baseline = [
        "train",
        "--config=configs/topic-model.toml",
        "--set=name=deep",
        "--set=data.dataset=array",
        "--set=data.path=black.npy",
        "--set=data.shape=[12, 12]",
        "--set=model.encoder=[144, 3]",
    ];
    let (code, said) = place.fail(&baseline);
    assert_eq!(code, 2, "{said}");
    assert_eq!(place.artifacts(), ["deep", "latest"], "{said}");
    assert_eq!(place.latest(), "deep");
}

/// Forty images of 144 black pixels.
fn black() -> Vec<u8> {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 144), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").bytes());
    bytes.resize(bytes.len() + 40 * 144, 0);
    bytes
}

#[test]
fn latest_names_the_newest_run_in_every_command() {
    let place = Place::new();
    let (code, said) = place.fail(&["evaluate", "latest"]);
    assert_eq!(code, 2);
    assert!(said.contains("there is no artifacts/latest yet"), "{said}");
    assert!(said.contains("hint: run `hourglass train`"), "{said}");
    place.train("deep", &["--quiet"]);
    place.train("deep", &["--quiet", "--set=train.epochs=1"]);
    assert_eq!(place.latest(), "deep-2");

    let (latest, _) = place.run(&["evaluate", "latest", "--json"]);
    let (second, _) = place.run(&["evaluate", "artifacts/deep-2", "--json"]);
    let (first, _) = place.run(&["evaluate", "artifacts/deep", "--json"]);
    assert_eq!(latest, second);
    assert_ne!(latest, first);
    let images = "--input=squares/t10k-images-idx3-ubyte";
    let commands: [&[&str]; 12] = [
        &["reconstruct", "latest"],
        &["sample", "latest"],
        &["interpolate", "latest", "--rows=2"],
        &["map", "latest", "--count=20", "--projection=pca"],
        &["neighbours", "latest", "--rows=2", "--count=3"],
        &["report", "latest"],
        &["export", "latest"],
        &["verify", "latest"],
        &["encode", "latest", images, "--out=codes.npy"],
        &["decode", "latest", "--input=codes.npy", "--out=drawn.npy"],
        &["denoise", "latest", images, "--out=clean.npy"],
        &["score", "latest", images, "--out=scores.csv"],
    ];
    for command in commands {
        place.run(command);
    }
    for made in ["reconstructions.png", "report.html", "model.onnx"] {
        assert!(place.path("artifacts/deep-2").join(made).is_file());
    }
    assert!(!place.path("artifacts/deep/report.html").exists());
    let (text, _) = place.run(&["curves", "artifacts/deep", "latest", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["runs"][1]["path"], "artifacts/deep-2");
    let resume = ["train", "--resume=latest", "--set=train.epochs=2", "--json"];
    let document: Value = serde_json::from_str(&place.run(&resume).0).unwrap();
    assert_eq!(document["run"], "artifacts/deep-2");
    assert_eq!(document["epochs"], 2);

    // A directory here that is called so is that directory.
    let trained = place.arguments("other", &["--quiet", "--out=latest", "--set=seed=3"]);
    place.run(&trained);
    assert_eq!(place.latest(), "deep-2", "it is not inside artifacts");
    let (here, _) = place.run(&["evaluate", "latest", "--json"]);
    assert_ne!(
        here,
        place.run(&["evaluate", "artifacts/deep-2", "--json"]).0
    );
}

#[test]
fn latest_follows_runs_inside_artifacts_and_leaves_what_is_not_its_own() {
    let place = Place::new();
    let inside = place.path("artifacts/mine/run");
    let inside = format!("--out={}", inside.display());
    for (out, latest) in [
        ("--out=artifacts/longer", "longer"),
        ("--out=elsewhere", "longer"),
        (inside.as_str(), "mine/run"),
    ] {
        place.train("deep", &["--quiet", out]);
        assert_eq!(place.latest(), latest);
    }
    // A run of that name has another directory.
    let (_, said) = place.train("latest", &["--quiet"]);
    assert!(said.contains("writing to artifacts/latest-2\n"), "{said}");
    assert_eq!(place.latest(), "latest-2");
    place.train("latest", &["--quiet"]);
    place.train("latest", &["--quiet", "--force"]);
    let names = ["latest", "latest-2", "latest-3", "longer", "mine"];
    assert_eq!(place.artifacts(), names);
    let out = "--out=artifacts/latest";
    let sweep = ["sweep", "--config=configs/sweeps/code-size.toml", out];
    let sweep = sweep.map(String::from).to_vec();
    for command in [place.arguments("deep", &[out, "--force"]), sweep] {
        let (code, said) = place.fail(&command);
        assert_eq!(code, 2);
        assert!(said.contains("cannot hold a new one"), "{said}");
    }

    // The runs of a study are many at once, and leave it alone.
    place.run(&[
        "sweep",
        "--config=configs/pca.toml",
        "--set=grid.model.code_size=[2, 3]",
        "--set=data.limit=200",
        "--set=data.test_limit=50",
        "--set=name=study",
    ]);
    assert!(place.path("artifacts/study/sweep.json").is_file());
    assert_eq!(place.latest(), "latest-2");

    // What somebody else keeps there stays, with one word about it.
    let latest = place.path("artifacts/latest");
    fs::remove_file(&latest).unwrap();
    fs::create_dir(&latest).unwrap();
    fs::write(latest.join("notes.txt"), "mine").unwrap();
    let (_, said) = place.train("deep", &["--quiet"]);
    let warnings = said.lines().filter(|line| line.starts_with("warning: "));
    let of_latest: Vec<_> = warnings.filter(|line| line.contains("latest")).collect();
    assert_eq!(of_latest.len(), 1, "{said}");
    assert!(
        of_latest[0].contains("artifacts/latest is not the link"),
        "{said}"
    );
    assert_eq!(read(&latest.join("notes.txt")), b"mine");
    let (code, said) = place.fail(&["evaluate", "latest"]);
    assert_eq!(code, 2);
    assert!(said.contains("name the run's directory"), "{said}");
}
