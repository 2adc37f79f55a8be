//! `import`: weights from elsewhere become a run, or an error that lists all that is wrong.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::support::{hourglass, refused, succeed, train_squares, write_squares};

/// A trained run of 144-24-4-24-144 and its data.
fn trained(directory: &Path) -> (PathBuf, PathBuf) {
    let data = write_squares(&directory.join("data"), 60, 20);
    let out = directory.join("run");
    succeed(&train_squares(&data, &out, &["--quiet"]));
    (data, out)
}

/// The arguments that import `weights` into the network of [`trained`].
pub fn import(data: &Path, weights: &Path, out: &Path) -> Vec<String> {
    vec![
        "import".into(),
        "--quiet".into(),
        "--set=data.dataset=idx".into(),
        format!("--set=data.path={}", data.display()),
        "--set=model.encoder=[144, 24, 4]".into(),
        format!("--weights={}", weights.display()),
        format!("--out={}", out.display()),
    ]
}

/// The tensors of a file with something done to their names, shapes and bytes.
pub fn rewrite(
    from: &Path,
    to: &Path,
    mut change: impl FnMut(&str, &[usize], &[u8]) -> Option<(String, Vec<usize>, Vec<u8>, Dtype)>,
) {
    let bytes = fs::read(from).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let changed: Vec<_> = file
        .iter()
        .filter_map(|(name, view)| change(name, view.shape(), view.data()))
        .collect();
    let views: HashMap<&str, TensorView<'_>> = changed
        .iter()
        .map(|(name, shape, bytes, dtype)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
            (name.as_str(), view)
        })
        .collect();
    fs::write(to, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Rows and columns of a matrix of `f32`, changed.
pub fn transposed(shape: &[usize], bytes: &[u8]) -> (Vec<usize>, Vec<u8>) {
    let [rows, columns] = shape[..] else {
        return (shape.to_vec(), bytes.to_vec());
    };
    let element = |row: usize, column: usize| &bytes[4 * (row * columns + column)..][..4];
    let columns_first = (0..columns).flat_map(|column| (0..rows).map(move |row| (row, column)));
    let bytes = columns_first.flat_map(|(row, column)| element(row, column).to_vec());
    (vec![columns, rows], bytes.collect())
}

fn metrics(run: &Path) -> Value {
    let text = succeed(&["evaluate", run.to_str().unwrap(), "--json"]);
    serde_json::from_str::<Value>(&text).unwrap()["metrics"].clone()
}

#[test]
fn weights_come_back_under_pytorchs_names_and_keras_layout() {
    let directory = tempfile::tempdir().unwrap();
    let (data, run) = trained(directory.path());
    let own = run.join("model.safetensors");
    // As Keras numbers the layers of one model, and keeps their weights.
    let keras = directory.path().join("keras.safetensors");
    rewrite(&own, &keras, |name, shape, bytes| {
        let (part, layer) = (name.starts_with("decoder"), name.contains(".2."));
        let number = 2 * usize::from(part) + usize::from(layer);
        let dense = if number == 0 {
            "dense".into()
        } else {
            format!("dense_{number}")
        };
        let kind = if name.ends_with("bias") {
            "bias"
        } else {
            "kernel"
        };
        let (shape, bytes) = transposed(shape, bytes);
        Some((
            format!("autoencoder/{dense}/{kind}"),
            shape,
            bytes,
            Dtype::F32,
        ))
    });
    for (weights, name) in [(&own, "own"), (&keras, "keras-run")] {
        let out = directory.path().join(name);
        let told = hourglass(&import(&data, weights, &out));
        assert!(told.status.success(), "{told:?}");
        assert_eq!(metrics(&out), metrics(&run));
        let read = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
        assert!(read(&out) == read(&run), "the same bits");
        let summary: Value =
            serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
        let file = weights.file_name().unwrap().to_str().unwrap();
        assert_eq!(summary["receipt"]["imported"]["file"], file);

        // It is a run like others, but for what asks how it was trained.
        let imported = out.to_str().unwrap();
        succeed(&["reconstruct", imported]);
        succeed(&["export", imported]);
        succeed(&["report", imported]);
        let page = fs::read_to_string(out.join("report.html")).unwrap();
        assert!(page.contains(&format!("imported from {file}")));
        refused(&["verify", imported], &["was imported, not trained"]);
        refused(
            &["train", "--resume", imported],
            &["was imported, not trained"],
        );
        refused(&["curves", imported], &["was imported, not trained"]);
    }
}

/// Names that other programs give, of the layers in order: with them a file is imported whole and right.
#[test]
fn layers_are_known_by_their_shapes_under_any_names() {
    let directory = tempfile::tempdir().unwrap();
    let (data, run) = trained(directory.path());
    let own = run.join("model.safetensors");
    for (index, names) in [
        ["enc1", "enc2", "dec1", "dec2"],
        ["Encoder.0", "Encoder.2", "Decoder.0", "Decoder.2"],
        [
            "autoencoder.encoder.0",
            "autoencoder.encoder.3",
            "autoencoder.decoder.0",
            "autoencoder.decoder.3",
        ],
        ["fc", "fc2", "fc3", "fc4"],
        ["z", "y", "x", "w"],
    ]
    .iter()
    .enumerate()
    {
        let renamed = directory.path().join("renamed.safetensors");
        rewrite(&own, &renamed, |name, shape, bytes| {
            let layer =
                2 * usize::from(name.starts_with("decoder")) + usize::from(name.contains(".2."));
            let role = name.rsplit('.').next().unwrap();
            let name = format!("{}.{role}", names[layer]);
            Some((name, shape.to_vec(), bytes.to_vec(), Dtype::F32))
        });
        let out = directory.path().join(index.to_string());
        succeed(&import(&data, &renamed, &out));
        let read = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
        assert!(read(&out) == read(&run), "{names:?}");
    }
}

/// Two layers of one shape are told apart by numbers, or not at all.
#[test]
fn layers_of_one_shape_are_not_guessed() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 60, 20);
    let run = directory.path().join("run");
    let sizes = "--set=model.encoder=[144, 9, 9, 4]";
    succeed(&train_squares(&data, &run, &[sizes, "--quiet"]));
    let own = run.join("model.safetensors");
    let renamed = directory.path().join("renamed.safetensors");
    let out = directory.path().join("imported");
    let attempt = |names: [&str; 6]| {
        rewrite(&own, &renamed, |name, shape, bytes| {
            let (place, role) = name.rsplit_once('.').unwrap();
            let (part, layer) = place.split_once('.').unwrap();
            let layer = layer.parse::<usize>().unwrap() / 2 + 3 * usize::from(part == "decoder");
            Some((
                format!("{}.{role}", names[layer]),
                shape.to_vec(),
                bytes.to_vec(),
                Dtype::F32,
            ))
        });
        let mut arguments = import(&data, &renamed, &out);
        arguments.push(sizes.into());
        arguments.push("--force".into());
        arguments
    };
    succeed(&attempt(["l", "l_1", "l_2", "l_3", "l_4", "l_10"]));
    let read = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
    assert!(read(&out) == read(&run));
    refused(
        &attempt(["in", "second", "code", "wide", "fifth", "out"]),
        &[
            "which layer 9 → 9 comes first is not clear from their names",
            "second.weight",
            "fifth.weight",
        ],
    );
}

#[test]
fn all_that_does_not_fit_is_told_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let (data, run) = trained(directory.path());
    let bad = directory.path().join("bad.safetensors");
    let out = directory.path().join("imported");
    let own = run.join("model.safetensors");
    // Missing, of another shape, and one that is nobody's.
    rewrite(&own, &bad, |name, shape, bytes| match name {
        "encoder.0.bias" => None,
        "encoder.2.weight" => Some((
            name.into(),
            vec![shape[1], shape[0]],
            bytes.to_vec(),
            Dtype::F32,
        )),
        "decoder.2.bias" => Some(("scale".into(), shape.to_vec(), bytes.to_vec(), Dtype::F32)),
        _ => Some((name.into(), shape.to_vec(), bytes.to_vec(), Dtype::F32)),
    });
    refused(
        &import(&data, &bad, &out),
        &[
            "`encoder.0.bias` [24] is missing",
            "`encoder.2.weight` is [24, 4], not [4, 24]",
            "`decoder.2.bias` [144] is missing",
            "`scale` [144] is not used",
            "hint: set model.encoder",
        ],
    );
    // Without names that are known, layers are told.
    rewrite(&own, &bad, |name, shape, bytes| match name {
        "encoder.0.bias" => None,
        _ => Some((
            name.replace("coder", "gine"),
            shape.to_vec(),
            bytes.to_vec(),
            Dtype::F32,
        )),
    });
    refused(
        &import(&data, &bad, &out),
        &[
            "the network has 1 layer 144 → 24, the file 0",
            "`engine.0.weight` [24, 144] is not used",
        ],
    );
    // No numbers, and none that are finite.
    rewrite(&own, &bad, |name, shape, bytes| match name {
        "encoder.2.bias" => Some((name.into(), shape.to_vec(), bytes.to_vec(), Dtype::I32)),
        "decoder.0.bias" => {
            let infinite = f32::INFINITY.to_le_bytes().repeat(shape[0]);
            Some((name.into(), shape.to_vec(), infinite, Dtype::F32))
        }
        _ => Some((name.into(), shape.to_vec(), bytes.to_vec(), Dtype::F32)),
    });
    refused(
        &import(&data, &bad, &out),
        &[
            "`encoder.2.bias` holds I32",
            "`decoder.0.bias` holds inf",
            "hint: save finite numbers",
        ],
    );
    fs::write(&bad, b"\x80\x04pickled").unwrap();
    refused(
        &import(&data, &bad, &out),
        &["no safetensors file", "pickled is not read"],
    );
    let mut arguments = import(&data, &own, &out);
    arguments.push("--set=model.tied=true".into());
    refused(&arguments, &["tied weights"]);
    assert!(!out.exists());
    refused(
        &import(&data, &directory.path().join("nowhere"), &out),
        &["nowhere"],
    );
}

/// Half precision is what many models are shared in.
#[test]
fn numbers_of_sixteen_bits_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let (data, run) = trained(directory.path());
    let halves = directory.path().join("halves.safetensors");
    rewrite(
        &run.join("model.safetensors"),
        &halves,
        |name, shape, bytes| {
            // The upper half of a single-precision number is a brain float.
            let upper = bytes.chunks_exact(4).flat_map(|bytes| [bytes[2], bytes[3]]);
            Some((name.into(), shape.to_vec(), upper.collect(), Dtype::BF16))
        },
    );
    let out = directory.path().join("imported");
    succeed(&import(&data, &halves, &out));
    let error = |run: &Path| metrics(run)["test_bce_nats_per_pixel"].as_f64().unwrap();
    assert!((error(&out) / error(&run) - 1.0).abs() < 0.05);
    assert_ne!(error(&out), error(&run));
}
