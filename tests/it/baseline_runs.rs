//! Baselines through the real binary.

use std::fs;

use serde_json::Value;

use crate::support::{refused, succeed, write_squares};

#[test]
fn baselines_are_runs_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 120, 60);
    for (kind, code_size, error) in [
        ("pca", 4, "test_mse_per_pixel"),
        // Squares in four places leave nothing for noise with more.
        (
            "probabilistic_pca",
            3,
            "test_negative_log_likelihood_nats_per_image",
        ),
        ("topic_model", 4, "test_kl_divergence_nats_per_image"),
    ] {
        let run = directory.path().join(kind);
        let run = run.to_str().unwrap();
        let path = format!("--set=data.path={}", data.display());
        let model = format!("--set=model={{ kind = \"{kind}\", encoder = [144, {code_size}] }}");
        let out = format!("--out={run}");
        let train = [
            "train",
            "--config=configs/pca.toml",
            "--set=data.dataset=idx",
            &path,
            &model,
            &out,
            "--threads=1",
            "--json",
        ];
        let summary: Value = serde_json::from_str(&succeed(&train)).unwrap();
        assert!(summary["metrics"][error].is_number(), "{summary}");
        let evaluated: Value =
            serde_json::from_str(&succeed(&["evaluate", run, "--codes", "--json"])).unwrap();
        assert_eq!(evaluated["metrics"][error], summary["metrics"][error]);
        assert_eq!(evaluated["metrics"]["test_linear_probe_accuracy"], 1.0);
        // The same bits on another number of threads.
        assert_eq!(
            succeed(&["verify", run, "--threads=2", "--quiet"]).trim(),
            "identical"
        );
        assert_eq!(succeed(&["train", "--resume", run, "--quiet"]), "");
        for command in ["reconstruct", "sample", "interpolate", "neighbours"] {
            let picture = succeed(&[command, run]);
            image::open(picture.trim()).unwrap();
        }
        // One that did not finish is made anew.
        fs::remove_file(directory.path().join(kind).join("summary.json")).unwrap();
        succeed(&["train", "--resume", run, "--quiet"]);
        assert_eq!(succeed(&["verify", run, "--quiet"]).trim(), "identical");
    }
    refused(
        &["bench", "--config=configs/pca.toml"],
        &["not trained by gradients"],
    );
    refused(
        &["gradcheck", "--config=configs/pca.toml"],
        &["not trained by gradients"],
    );
    refused(
        &[
            "train",
            "--config=configs/pca.toml",
            "--set=model.encoder=[144, 200]",
        ],
        &["leaves nothing to model"],
    );
}
