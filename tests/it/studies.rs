//! `compare` and `sweep` through the real binary.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{hourglass, program, refused, send, succeed, write_squares};

/// A comparison on the squares, whose classes any code tells apart.
fn study(directory: &Path, more: &str) -> PathBuf {
    let data = write_squares(&directory.join("data"), 120, 60);
    let path = directory.join("study.toml");
    let text = format!(
        "name = \"squares\"\nseeds = 2\n[data]\ndataset = \"idx\"\npath = {:?}\n\
         [method.pca]\nmodel = {{ kind = \"pca\", encoder = [144, 3] }}\n\
         [method.topics]\nmodel = {{ kind = \"topic_model\", encoder = [144, 4], iterations = 20 }}\n\
         [method.deep]\nmodel.encoder = [144, 24, 3]\n\
         train = {{ epochs = 20, batch_size = 8, optimizer = {{ kind = \"adam\", learning_rate = 0.01 }} }}\n{more}",
        data.display()
    );
    fs::write(&path, text).unwrap();
    path
}

fn arguments(command: &str, study: &Path, out: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec![
        command.to_owned(),
        format!("--config={}", study.display()),
        format!("--out={}", out.display()),
    ];
    arguments.extend(more.iter().map(|&more| more.to_owned()));
    arguments
}

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[test]
fn a_comparison_has_every_method_measured_alike_and_is_not_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let (study, out) = (study(directory.path(), ""), directory.path().join("out"));
    let text = succeed(&arguments("compare", &study, &out, &["--json"]));
    let document: Value = serde_json::from_str(&text).unwrap();
    let written: Value =
        serde_json::from_slice(&fs::read(out.join("compare.json")).unwrap()).unwrap();
    assert_eq!(document, written);
    let methods = document["methods"].as_array().unwrap();
    let names: Vec<_> = methods
        .iter()
        .map(|method| method["method"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["pixels", "pca", "topics", "deep"]);
    for method in &methods[1..] {
        for figure in [
            "test_mse_per_pixel",
            "test_psnr_db",
            "test_ssim",
            "test_code_dead_units",
            "train_seconds",
            "encode_images_per_second",
            "parameters",
        ] {
            assert!(method[figure].is_number(), "{figure} of {method}");
        }
        // Chance plays no part in PCA.
        let runs = method["runs"].as_array().unwrap().len();
        assert_eq!(runs, if method["method"] == "pca" { 1 } else { 2 });
        let spread = &method["standard_deviations"]["test_mse_per_pixel"];
        assert_eq!(spread.is_number(), runs == 2, "{method}");
        // Three axes hold four places apart.
        assert_eq!(method["test_five_neighbours_accuracy"], 1.0, "{method}");
    }
    assert!(
        methods[3]["test_bce_nats_per_pixel"].is_number()
            && methods[1]["test_bce_nats_per_pixel"].is_null()
    );
    assert!(methods[2]["test_kl_divergence_nats_per_image"].is_number());
    assert_eq!(methods[0]["code_size"], 144);
    assert!(!document["verdict"].as_array().unwrap().is_empty());
    for picture in ["compare.png", "units.png"] {
        let drawn = image::open(out.join(picture)).unwrap();
        assert!(drawn.width() > 600 && drawn.height() > 300);
    }
    // Every figure is that of its own method and seed.
    for method in &methods[1..] {
        let runs = method["runs"].as_array().unwrap();
        let each: Vec<f64> = runs
            .iter()
            .map(|run| {
                let summary = fs::read(Path::new(run.as_str().unwrap()).join("summary.json"));
                let summary: Value = serde_json::from_slice(&summary.unwrap()).unwrap();
                summary["metrics"]["test_mse_per_pixel"].as_f64().unwrap()
            })
            .collect();
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        let told = method["test_mse_per_pixel"].as_f64().unwrap();
        assert!((told - mean).abs() < 1e-12, "{method}");
        let run = runs[0].as_str().unwrap();
        let evaluated = succeed(&["evaluate", run, "--codes", "--json"]);
        let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
        let probe = &evaluated["metrics"]["test_linear_probe_accuracy"];
        assert!(runs.len() > 1 || *probe == method["test_linear_probe_accuracy"]);
        // Its row of the picture is what `reconstruct` draws of it.
        let alone = directory.path().join("alone.png");
        succeed(&[
            "reconstruct",
            run,
            "--count=10",
            "--out",
            alone.to_str().unwrap(),
        ]);
        let alone = image::open(&alone).unwrap().into_rgb8();
        let together = image::open(out.join("compare.png")).unwrap().into_rgb8();
        let of = |name: &Value| methods.iter().position(|method| method["method"] == *name);
        let row = of(&method["method"]).unwrap() as u32;
        // Images of 12 × 12 are shown nine times as large, with 8 between: 116 from row to row, below 68 of margin and
        // title.
        let left = |picture: &image::RgbImage| picture.width() - 24 - 10 * 116 + 8;
        for (dx, dy) in (0..1160)
            .step_by(7)
            .flat_map(|x| (0..108).step_by(5).map(move |y| (x, y)))
        {
            if dx % 116 >= 108 {
                continue;
            }
            assert_eq!(
                together.get_pixel(left(&together) + dx, 68 + row * 116 + dy),
                alone.get_pixel(left(&alone) + dx, 68 + 116 + dy),
                "{method} at {dx}, {dy}"
            );
        }
    }

    let weights = out.join("deep-seed-42/model.bpk");
    let before = modified(&weights);
    let again = succeed(&arguments("compare", &study, &out, &["--quiet"]));
    assert!(
        again.contains("reconstruct") && again.contains("compare.json"),
        "{again}"
    );
    assert_eq!(modified(&weights), before);
    // What a run is made of may not change under its feet, and what was compared stays.
    let results = fs::read(out.join("compare.json")).unwrap();
    refused(
        &arguments(
            "compare",
            &study,
            &out,
            &["--set=method.deep.train.epochs=1"],
        ),
        &[
            "deep-seed-42 holds a run of another config or of other data, and so do 1 more",
            "--force",
        ],
    );
    assert_eq!(modified(&weights), before);
    assert_eq!(fs::read(out.join("compare.json")).unwrap(), results);
    // What was damaged is mended, what was made from other data made again.
    fs::write(&weights, "x").unwrap();
    succeed(&arguments("compare", &study, &out, &["--quiet"]));
    let mended = modified(&weights);
    write_squares(&directory.path().join("data"), 140, 60);
    refused(
        &arguments("compare", &study, &out, &["--quiet"]),
        &["of other data, and so do 4 more"],
    );
    succeed(&arguments("compare", &study, &out, &["--quiet", "--force"]));
    assert!(modified(&weights) > mended);
}

#[test]
fn a_point_that_fails_does_not_end_a_sweep_and_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let grid = "[grid]\nmodel.code_size = [1, 2, 3]\n";
    let (study, out) = (study(directory.path(), grid), directory.path().join("out"));
    let common = [
        "--set=method.topics.model.kind=probabilistic_pca",
        "--set=data.validation=40",
    ];
    // What is not a run is in the way of one of them.
    fs::create_dir_all(out.join("deep-code_size-2-seed-43/keep")).unwrap();
    fs::write(out.join("deep-code_size-2-seed-43/keep/me"), "mine").unwrap();
    let study_text = fs::read_to_string(&study)
        .unwrap()
        .replace(", iterations = 20", "");
    fs::write(&study, study_text).unwrap();

    let output = hourglass(&arguments(
        "sweep",
        &study,
        &out,
        &[&common[..], &["--jobs=2"]].concat(),
    ));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("1 of 18 runs failed"), "{message}");
    assert!(message.contains("deep-code_size-2-seed-43"), "{message}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("failed:") && shown.contains("suggested"),
        "{shown}"
    );
    assert!(out.join("deep-code_size-2-seed-43/keep/me").is_file());

    fs::remove_dir_all(out.join("deep-code_size-2-seed-43")).unwrap();
    let untouched = out.join("deep-code_size-3-seed-42/model.bpk");
    let before = modified(&untouched);
    let text = succeed(&arguments(
        "sweep",
        &study,
        &out,
        &[&common[..], &["--json"]].concat(),
    ));
    assert_eq!(modified(&untouched), before);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["keys"], serde_json::json!(["model.code_size"]));
    let methods = document["methods"].as_array().unwrap();
    assert_eq!(methods.len(), 3);
    for method in methods {
        let points = method["points"].as_array().unwrap();
        let errors: Vec<f64> = points
            .iter()
            .map(|point| point["metrics"]["test_mse_per_pixel"].as_f64().unwrap())
            .collect();
        assert_eq!(errors.len(), 3);
        assert!(errors[0] > errors[2], "{method}");
        assert!(
            points
                .iter()
                .all(|point| point["failures"].as_array().unwrap().is_empty())
        );
        let chosen = method["suggested"]["chosen_by"].as_str().unwrap();
        assert!(chosen.starts_with("validation_"), "{chosen}");
    }
    assert!(image::open(out.join("sweep.png")).unwrap().width() > 600);
}

#[test]
fn mistakes_are_told_before_the_first_run() {
    let directory = tempfile::tempdir().unwrap();
    let (study, out) = (study(directory.path(), ""), directory.path().join("out"));
    let refused_with = |command: &str, more: &[&str], parts: &[&str]| {
        refused(&arguments(command, &study, &out, more), parts);
        assert!(fs::read_dir(&out).map_or(true, |mut entries| entries.next().is_none()));
    };
    refused_with(
        "compare",
        &["--set=method.deep.train.epoch=3"],
        &["unknown key `train.epoch`"],
    );
    refused_with(
        "compare",
        &["--set=method.pca.train.epochs=3"],
        &["`train` means nothing"],
    );
    refused_with(
        "sweep",
        &["--set=grid.seed=4"],
        &["a list of values in a grid"],
    );
    refused_with("sweep", &["--tolerance=-1"], &["--tolerance -1"]);
    refused_with(
        "sweep",
        &["--set=grid.model.code_size=[0]"],
        &["`model.code_size` must be"],
    );
    refused(&["sweep"], &["--config"]);
    refused(
        &[
            "compare",
            "--config=configs/spirals.toml",
            &format!("--out={}", out.display()),
        ],
        &["only codes of images are compared"],
    );
}

#[cfg(unix)]
#[test]
fn a_sweep_that_is_interrupted_goes_on_where_it_was() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let directory = tempfile::tempdir().unwrap();
    let (study, out) = (study(directory.path(), ""), directory.path().join("out"));
    let more = [
        "--set=method.deep.train.epochs=1000",
        "--set=seeds=1",
        "--jobs=1",
    ];
    let arguments = arguments("sweep", &study, &out, &more);
    let child = program(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let checkpoints = out.join("deep-seed-42/checkpoints");
    while fs::read_dir(&checkpoints).map_or(0, Iterator::count) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    // To the sweep alone, which tells its runs.
    assert!(send(&child, "TERM"));
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(message.contains("stopped after 2 of 3 runs"), "{message}");
    assert!(!out.join("deep-seed-42/summary.json").exists());
    let pca = modified(&out.join("pca-seed-42/model.bpk"));
    succeed(&arguments);
    assert_eq!(modified(&out.join("pca-seed-42/model.bpk")), pca);
    let summary = fs::read(out.join("deep-seed-42/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["epochs"], 1000);
    let resumed = summary["receipt"]["resumed"].as_array().unwrap();
    assert_eq!(resumed.len(), 1, "it went on from its checkpoint");
}

/// A system that runs out of memory kills a run: its cause is that, whatever was said before, and the others are trained.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_is_reported_as_killed_and_goes_on_when_it_is_asked_for_again() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use hourglass::train::checkpoint;

    let directory = tempfile::tempdir().unwrap();
    let (study, out) = (study(directory.path(), ""), directory.path().join("out"));
    let more = [
        "--set=method.deep.train.epochs=1000",
        "--set=seeds=1",
        "--jobs=1",
    ];
    let arguments = arguments("sweep", &study, &out, &more);
    let mut sweep = program(&arguments);
    let sweep = sweep.stdout(Stdio::null()).stderr(Stdio::piped());
    let sweep = sweep.spawn().unwrap();
    let run = out.join("deep-seed-42");
    let begun = Instant::now();
    let process = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "no run");
        let checkpoints = checkpoint::list(&run.join("checkpoints")).unwrap_or_default();
        if let Some(process) = process_that_names(&run).filter(|_| !checkpoints.is_empty()) {
            break process;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let killed = crate::support::tool("kill")
        .args(["-KILL", &process])
        .status();
    assert!(killed.unwrap().success());
    let output = sweep.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("its process was killed by SIGKILL"),
        "{message}"
    );
    assert!(message.contains("1 of 3 runs failed"), "{message}");
    succeed(&arguments);
    let summary = fs::read(run.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    let resumed = summary["receipt"]["resumed"].as_array().unwrap();
    assert_eq!(resumed.len(), 1, "it went on from its checkpoint");
}

/// The process with this path among its arguments.
#[cfg(target_os = "linux")]
fn process_that_names(path: &Path) -> Option<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let path = path.to_str().unwrap().as_bytes();
    let mut names = processes.filter(|process| {
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        arguments
            .split(|&byte| byte == 0)
            .any(|argument| argument == path)
    });
    names.next()?.file_name().into_string().ok()
}

/// As a cluster's scheduler runs the lines: in any order, each by itself; the sweep then finds all of it there.
#[test]
fn the_points_of_a_sweep_can_be_run_as_plain_commands() {
    let directory = tempfile::tempdir().unwrap();
    let grid = "[grid]\nmodel.code_size = [2, 3]\n";
    let place = directory.path().join("a place");
    fs::create_dir(&place).unwrap();
    let (study, out) = (study(&place, grid), place.join("out"));
    let list = |more: &[&str]| {
        succeed(&arguments(
            "sweep",
            &study,
            &out,
            &[&["--list"], more].concat(),
        ))
    };
    let lines = list(&[]);
    let mut lines: Vec<Vec<String>> = lines
        .lines()
        .map(|line| shlex::split(line).unwrap())
        .collect();
    // PCA is the same whatever the seed.
    assert_eq!(lines.len(), 10);
    let json: Vec<Vec<String>> = serde_json::from_str(&list(&["--json"])).unwrap();
    assert_eq!(json, lines, "quoted as a shell reads it");
    assert!(
        !out.join("deep-code_size-2-seed-42").exists(),
        "nothing is trained"
    );
    lines.reverse();
    let last = lines.pop().unwrap();
    for line in &lines {
        assert_eq!(line[0], "hourglass");
        succeed(&line[1..]);
    }
    assert_eq!(json[0], last, "the one that is left");
    assert_eq!(list(&[]).lines().count(), 1);
    succeed(&last[1..]);
    assert_eq!(list(&[]), "");
    let weights = out.join("deep-code_size-3-seed-43/model.bpk");
    let before = modified(&weights);
    let document: Value =
        serde_json::from_str(&succeed(&arguments("sweep", &study, &out, &["--json"]))).unwrap();
    assert_eq!(document["methods"].as_array().unwrap().len(), 3);
    assert_eq!(modified(&weights), before, "gathered, not made again");
}
