//! Weights, examples and answers of PyTorch (`tests/golden/parity.py`, `tests/golden/gelu.py`), through the commands that users have: what it wrote is
//! imported, and codes and reconstructions of the same array agree.

use std::fs;
use std::path::Path;

use hourglass::data::{Block, Input, InputError, Options, RawValues};
use npyz::WriterBuilder;
use safetensors::SafeTensors;
use safetensors::tensor::serialize_to_file;

use crate::support::{backends, root, succeed, write_idx};

/// Of the absolute values, which are about 1.
const TOLERANCE: f32 = 1e-5;

pub fn write_npy(path: &Path, shape: &[u64], numbers: &[f32]) {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(shape);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend(numbers).unwrap();
    writer.finish().unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn read_npy(path: &Path) -> Vec<f32> {
    let input = Input::open(path, &Options::default()).unwrap();
    let mut numbers = Vec::new();
    let each = &mut |block: Block| -> Result<(), InputError> {
        match block.values {
            RawValues::Numbers(more) => numbers.extend(more.into_iter().map(|x| x as f32)),
            RawValues::Bytes(_) => panic!("numbers were written"),
        }
        Ok(())
    };
    input.read(100, &mut |_, _| {}, each).unwrap();
    numbers
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= TOLERANCE,
            "{what}, number {index}: {found}, PyTorch {expected}"
        );
    }
}

#[test]
fn codes_and_reconstructions_are_those_of_pytorch() {
    let files = fs::read_dir(root().join("tests/golden/parity")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 8);
    for file in files {
        let activation = file.file_stem().unwrap().to_str().unwrap();
        let bytes = fs::read(&file).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let numbers = |name: &str| -> Vec<f32> {
            let (chunks, _) = tensors.tensor(name).unwrap().data().as_chunks();
            chunks
                .iter()
                .map(|&chunk| f32::from_le_bytes(chunk))
                .collect()
        };
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // As a state dictionary is saved from Python.
        let weights = tensors.tensors().into_iter();
        let weights = weights
            .filter_map(|(name, view)| Some((name.strip_prefix("weights.")?.to_owned(), view)));
        serialize_to_file(weights, None, &at("theirs.safetensors")).unwrap();
        for split in ["train", "t10k"] {
            write_idx(
                &at(&format!("{split}-images-idx3-ubyte")),
                &[2, 3, 4],
                &[100; 24],
            );
        }
        write_npy(&at("examples.npy"), &[9, 12], &numbers("examples"));
        for opened in backends() {
            let backend = opened.backend.name();
            let run = at(&format!("run-{backend}"));
            succeed(&[
                "import".to_owned(),
                "--quiet".into(),
                format!("--weights={}", at("theirs.safetensors").display()),
                "--set=data.dataset=idx".into(),
                format!("--set=data.path={}", directory.path().display()),
                "--set=model.encoder=[12, 8, 3]".into(),
                format!("--set=model.activation={activation}"),
                format!("--set=model.code_activation={activation}"),
                format!("--backend={backend}"),
                format!("--out={}", run.display()),
            ]);
            for (command, input, out, expected) in [
                ("encode", "examples.npy", "codes.npy", "codes"),
                ("decode", "codes.npy", "drawn.npy", "reconstructions"),
                (
                    "reconstruct",
                    "examples.npy",
                    "through.npy",
                    "reconstructions",
                ),
            ] {
                succeed(&[
                    command.to_owned(),
                    run.display().to_string(),
                    format!("--input={}", at(input).display()),
                    format!("--out={}", at(out).display()),
                ]);
                let what = format!("{command} of {activation} on {backend}");
                assert_close(&read_npy(&at(out)), &numbers(expected), &what);
            }
        }
    }
}
