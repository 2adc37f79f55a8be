//! A linear autoencoder against PCA.

use hourglass::data::{self, Source, Split};
use serde_json::Value;

use crate::support;

/// From `tests/golden/pca.py`: the error of PCA with 8 components on the first 2,000 digits.
const PCA_MSE_PER_PIXEL: f64 = 0.036_349_976_382_997_855;
/// How close a few seconds of training should come.
const CLOSE: f64 = 1.02;

#[test]
fn a_linear_autoencoder_comes_close_to_pca_and_never_beats_it() {
    let directory = tempfile::tempdir().unwrap();
    let mnist = support::root().join("data/mnist");
    let (mut images, _) = data::read_split(Source::Mnist, &mnist, Split::Train).unwrap();
    images.truncate(2000);
    // The same digits to train and to measure on, since PCA's error is the least on these.
    for split in ["train", "t10k"] {
        let path = directory.path().join(format!("{split}-images-idx3-ubyte"));
        let pixels: Vec<u8> = images
            .all()
            .iter()
            .map(|x| (x * 255.0).round() as u8)
            .collect();
        support::write_idx(&path, &[2000, 28, 28], &pixels);
    }
    let text = support::succeed(&[
        "train",
        "--json",
        "--config=configs/linear.toml",
        "--set=data.dataset=idx",
        &format!("--set=data.path={}", directory.path().display()),
        "--set=model.encoder=[784, 8]",
        "--set=train.epochs=150",
        &format!("--out={}", directory.path().join("run").display()),
    ]);
    let summary: Value = serde_json::from_str(&text).unwrap();
    let error = summary["metrics"]["test_mse_per_pixel"].as_f64().unwrap();
    assert!(error >= PCA_MSE_PER_PIXEL, "{error} beats PCA");
    assert!(
        error <= CLOSE * PCA_MSE_PER_PIXEL,
        "{error} is far from PCA"
    );
}
