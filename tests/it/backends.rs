//! One training run through the real binary on every backend: same start, same curve.

use serde_json::Value;

use crate::support;

/// Relative difference allowed between the test errors of two backends after an epoch. Rounding
/// differs between their matrix products, and training amplifies it a little.
const SAME_CURVE: f64 = 0.01;

fn train(backend: &str, out: &std::path::Path, data: &std::path::Path) -> (Value, Vec<Value>) {
    let text = support::succeed(&[
        "train",
        "--json",
        "--backend",
        backend,
        "--set=name=squares",
        "--set=data.dataset=idx",
        &format!("--set=data.path={}", data.display()),
        "--set=data.validation=20",
        "--set=model.encoder=[144, 24, 4]",
        "--set=train.epochs=2",
        "--set=train.batch_size=32",
        "--out",
        &out.display().to_string(),
    ]);
    let summary = serde_json::from_str(&text).expect("nothing but one JSON document");
    let lines = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let epochs = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (summary, epochs.collect())
}

#[test]
fn every_backend_starts_from_the_same_weights_and_follows_the_same_curve() {
    let directory = tempfile::tempdir().unwrap();
    // 350 left after validation: the last batch of an epoch is short.
    let data = support::write_squares(&directory.path().join("data"), 370, 40);
    let mut first: Option<(Value, Vec<Value>)> = None;
    for opened in support::backends() {
        let name = opened.backend.name();
        let run = train(name, &directory.path().join(name), &data);
        assert_eq!(run.0["receipt"]["backend"], name);
        let Some(reference) = &first else {
            first = Some(run);
            continue;
        };
        let start = |run: &(Value, Vec<Value>)| run.0["receipt"]["initial_weights_sha256"].clone();
        assert_eq!(start(&run), start(reference), "{name}");
        for (epoch, expected) in run.1.iter().zip(&reference.1) {
            for metric in [
                "train_bce_nats_per_pixel",
                "validation_bce_nats_per_pixel",
                "test_bce_nats_per_pixel",
            ] {
                let value = epoch[metric].as_f64().unwrap();
                let expected = expected[metric].as_f64().unwrap();
                assert!(
                    (value / expected - 1.0).abs() < SAME_CURVE,
                    "{name} {metric}: {value} against {expected}"
                );
            }
        }
    }
}

#[test]
fn a_cpu_run_repeats_itself_to_the_last_bit() {
    let directory = tempfile::tempdir().unwrap();
    let data = support::write_squares(&directory.path().join("data"), 370, 40);
    for opened in support::backends() {
        let backend = opened.backend.name();
        if opened.backend.is_accelerator() {
            continue; // rounding there is the driver's affair
        }
        let [(first, _), (second, _)] = ["a", "b"].map(|run| {
            train(
                backend,
                &directory.path().join(format!("{backend}-{run}")),
                &data,
            )
        });
        assert_eq!(
            first["receipt"]["weights_sha256"],
            second["receipt"]["weights_sha256"]
        );
        for (name, value) in first["metrics"].as_object().unwrap() {
            if !name.contains("second") {
                assert_eq!(value, &second["metrics"][name], "{backend} {name}");
            }
        }
    }
}
