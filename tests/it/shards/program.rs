//! Shards and devices through the real binary.

use serde_json::Value;

use crate::support::{self, hourglass, refused, succeed, train_squares, write_squares};

#[test]
fn the_program_gives_the_same_weights_on_any_number_of_workers() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let weights = |name: &str, more: &[&str]| {
        let out = directory.path().join(name);
        let mut arguments = vec!["--set=train.shards=2", "--set=train.batch_size=7"];
        arguments.extend(more);
        succeed(&train_squares(&data, &out, &arguments));
        std::fs::read(out.join("model.safetensors")).unwrap()
    };
    for (name, backend) in hourglass::device::Backend::LOCAL {
        if !backend.is_compiled_in() || backend.is_accelerator() {
            continue;
        }
        let usual = weights(&format!("{name}-usual"), &["--backend", name]);
        for (place, devices) in [
            ("one", name.to_owned()),
            ("two", format!("{name}:0,{name}:1")),
        ] {
            let found = weights(&format!("{name}-{place}"), &["--devices", &devices]);
            assert!(found == usual, "{devices}");
        }
        let alone = weights(
            &format!("{name}-alone"),
            &["--backend", name, "--threads=1"],
        );
        assert!(alone == usual, "{name} on one thread");
    }
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("run");
    let out = format!("--out={}", out.display());
    let train = |more: &[&str], parts: &[&str]| {
        let mut arguments = vec!["train", "--config=configs/smoke.toml", &out];
        arguments.extend(more);
        refused(&arguments, parts);
    };
    train(
        &["--devices=flex,flex"],
        &["2 devices, but train.shards = 1", "--set train.shards=2"],
    );
    train(
        &["--set=train.shards=51"],
        &["`train.shards` = 51 is more than a batch has examples, 50"],
    );
    train(&["--set=train.shards=0"], &["train.shards"]);
    train(
        &[
            "--set=train.shards=2",
            "--set=model.code_activation=sigmoid",
            "--set=objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
        ],
        &["looks at the mean over a whole batch", "l1"],
    );
    train(&["--devices=cuda"], &["is no device", "wgpu:1"]);
    train(
        &["--devices=flex", "--backend=flex"],
        &["cannot be used with"],
    );
    train(
        &["--backend=flex", "--remote=there"],
        &["--remote names a server", "--backend remote"],
    );
    train(&["--remote=there:port"], &["is no server"]);
    train(&["--key=mine.key"], &["--key is that of remote devices"]);
    refused(
        &[
            "train",
            "--config=configs/pca.toml",
            "--devices=flex,flex",
            &out,
        ],
        &["2 devices, but train.shards = 1", "name no more than 1"],
    );
    if cfg!(all(feature = "flex", feature = "ndarray")) {
        train(
            &["--devices=flex,ndarray", "--set=train.shards=2"],
            &["one backend", "flex and ndarray"],
        );
    }
    if support::backends()
        .iter()
        .any(|it| it.backend.is_accelerator())
    {
        train(
            &["--devices=wgpu:99"],
            &["there is no wgpu:99", "hourglass devices"],
        );
        train(
            &["--devices=wgpu,wgpu", "--set=train.shards=2"],
            &["is named twice", "name each device once"],
        );
        // Before any run is made on those that are there.
        let sweep = [
            "sweep",
            "--config=configs/smoke.toml",
            "--devices=flex,wgpu:99",
            &out,
        ];
        refused(&sweep, &["there is no wgpu:99"]);
    }
}

/// Where there is no such feature, what needs it says how to have it.
#[cfg(not(feature = "remote"))]
#[test]
fn a_build_without_remote_says_so() {
    for arguments in [
        &["serve"][..],
        &["train", "--backend=remote", "--remote=there"],
        &["train", "--devices=remote:there"],
    ] {
        refused(
            arguments,
            &["does not contain the backend `remote`", "--features remote"],
        );
    }
}

/// A run goes on elsewhere, and says so; its config keeps the backend that it was begun with.
#[test]
fn a_run_is_resumed_on_another_backend() {
    if !cfg!(all(feature = "flex", feature = "ndarray")) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let out = directory.path().join("run");
    succeed(&train_squares(&data, &out, &["--backend=flex"]));
    let config = std::fs::read_to_string(out.join("config.toml")).unwrap();
    let run = out.display().to_string();
    let arguments = [
        "train",
        "--resume",
        &run,
        "--set=train.epochs=5",
        "--devices=ndarray",
    ];
    let output = hourglass(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("backend flex there, ndarray here"), "{said}");
    let now = std::fs::read_to_string(out.join("config.toml")).unwrap();
    assert_eq!(now, config.replace("epochs = 3", "epochs = 5"));
}

/// The same study on two workers as without a word about workers, and one that fails by itself fails there too.
#[test]
fn a_sweep_on_named_devices_is_the_same_sweep() {
    if !cfg!(feature = "flex") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let sweep = |name: &str, more: &[&str]| -> Value {
        let out = format!("--out={}", directory.path().join(name).display());
        let mut arguments = vec![
            "sweep",
            "--config=configs/smoke.toml",
            "--set=grid.train.optimizer.learning_rate=[1e-3, 3e-3, 1e30]",
            "--set=data.limit=600",
            "--json",
            &out,
        ];
        arguments.extend(more);
        let output = hourglass(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.matches("failed: ").count(), 1, "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let errors = |found: &Value| -> Vec<Value> {
        let points = found["methods"][0]["points"].as_array().unwrap();
        points
            .iter()
            .map(|point| point["metrics"]["test_bce_nats_per_pixel"].clone())
            .collect()
    };
    let usual = errors(&sweep("usual", &[]));
    let spread = errors(&sweep("spread", &["--devices=flex,flex:1"]));
    assert_eq!(usual.len(), 3);
    assert!(
        usual[0].is_f64() && usual[1].is_f64() && usual[0] != usual[1],
        "{usual:?}"
    );
    assert_eq!(usual, spread);
    refused(
        &[
            "sweep",
            "--config=configs/smoke.toml",
            "--devices=flex",
            "--jobs=2",
        ],
        &["cannot be used with"],
    );
}

#[test]
fn bench_measures_shards_beside_each_other() {
    let found = succeed(&[
        "bench",
        "--config=configs/smoke.toml",
        "--shards=1,2",
        "--batch-size=20,40",
        "--set=data.limit=300",
        "--epochs=1",
        "--json",
        "--quiet",
    ]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let shown = found.as_array().unwrap().iter();
    let shown: Vec<_> = shown
        .map(|it| (it["batch_size"].as_u64(), it["shards"].as_u64()))
        .collect();
    let [one, two] = [1, 2].map(Some);
    assert_eq!(
        shown,
        [
            (Some(20), one),
            (Some(20), two),
            (Some(40), one),
            (Some(40), two)
        ]
    );
    refused(
        &[
            "bench",
            "--config=configs/smoke.toml",
            "--shards=1,32",
            "--batch-size=256,16",
        ],
        &["`train.shards` = 32 is more than a batch has examples, 16"],
    );
    refused(
        &[
            "bench",
            "--config=configs/smoke.toml",
            "--shards=1,2",
            "--set=model.code_activation=sigmoid",
            "--set=objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
        ],
        &["looks at the mean over a whole batch"],
    );
}
