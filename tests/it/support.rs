//! What several tests need.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::Device;
use hourglass::data::{ImageSet, Splits};
use hourglass::device::{self, Backend, DeviceError, OpenDevice};
use hourglass::environment::Environment;
use hourglass::model::autoencoder::Architecture;
use hourglass::task::ImageExamples;
use hourglass::train::checkpoint::Origin;
use hourglass::train::{Fit, Optimizer};

/// Set where a missing graphics adapter must fail the tests rather than skip a part of them.
const REQUIRE_WGPU: &str = "HOURGLASS_REQUIRE_WGPU";

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files in a directory of configs and below.
pub fn configs(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(configs(&path)),
            false => files.push(path),
        }
    }
    files
}

/// Runs the real binary in the repository.
pub fn hourglass<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hourglass"))
        .args(arguments)
        .current_dir(root())
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("the binary starts")
}

/// Runs the real binary and demands success; gives its standard output.
pub fn succeed<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> String {
    let output = hourglass(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Demands exit 2, nothing on standard output, a message of few lines that holds `parts`.
pub fn refused<S: AsRef<std::ffi::OsStr> + std::fmt::Debug>(arguments: &[S], parts: &[&str]) {
    let output = hourglass(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    for part in parts {
        assert!(message.contains(part), "{arguments:?}: {message}");
    }
    assert!(
        !message.contains("panicked") && !message.contains("RUST_BACKTRACE"),
        "{message}"
    );
}

/// Every backend of this build whose device is here. A missing graphics adapter is skipped with a
/// printed reason, or fails the test where `HOURGLASS_REQUIRE_WGPU` is set, as in CI.
pub fn backends() -> Vec<OpenDevice> {
    let mut opened = Vec::new();
    for (name, backend) in Backend::LOCAL {
        match device::open(backend) {
            Ok(device) => opened.push(device),
            Err(error @ DeviceError::NotCompiledIn(_)) => println!("skipping {name}: {error}"),
            Err(error) => {
                let required = std::env::var_os(REQUIRE_WGPU).is_some();
                assert!(!required, "{name} is required here: {error}");
                println!("skipping {name}: {error}");
            }
        }
    }
    opened
}

/// The same images to train on and to test with, nothing done to them.
pub fn image_examples(images: &ImageSet, device: &Device) -> ImageExamples {
    ImageExamples {
        seed: 0,
        evaluation_batch: 20,
        ..ImageExamples::of(Splits::of(images.clone(), images.clone()), device)
    }
}

/// The same on one device named so many times, which for a processor are as many workers.
pub fn with_workers(mut images: ImageExamples, count: usize) -> ImageExamples {
    images.devices = vec![images.devices[0].clone(); count];
    images.batches = vec![images.batches[0].clone(); count];
    images
}

/// The architecture of an autoencoder whose decoder mirrors its encoder, with rectifiers and a sigmoid.
pub fn architecture(encoder: &[usize]) -> Architecture {
    Architecture::mirrored(encoder)
}

/// Three epochs in batches of 4 with nothing but an optimizer.
pub fn fit(optimizer: Optimizer) -> Fit {
    Fit {
        seed: 1,
        epochs: 3,
        batch_size: 4,
        optimizer,
        ..Fit::default()
    }
}

/// What is known of a training that begins on a device.
pub fn origin(opened: &OpenDevice) -> Origin {
    Origin {
        environment: Environment::new(opened),
        data: Vec::new(),
        initial_weights_sha256: String::new(),
        resumed: Vec::new(),
        started_from: None,
    }
}

/// Writes an IDX file of unsigned bytes.
pub fn write_idx(path: &Path, dimensions: &[u32], elements: &[u8]) {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for size in dimensions {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(elements);
    std::fs::write(path, bytes).unwrap();
}

/// A directory with a small IDX data set: `train` and `test` images of 12 × 12 pixels, a bright
/// square each whose place depends on the class.
pub fn write_squares(directory: &Path, train: u32, test: u32) -> PathBuf {
    std::fs::create_dir_all(directory).unwrap();
    for (prefix, count) in [("train", train), ("t10k", test)] {
        let mut pixels = Vec::new();
        let mut labels = Vec::new();
        for image in 0..count {
            let class = image % 4;
            labels.push(class as u8);
            let (top, left) = (2 + 4 * (class / 2), 2 + 4 * (class % 2));
            for row in 0..12 {
                for column in 0..12 {
                    let inside =
                        (top..top + 4).contains(&row) && (left..left + 4).contains(&column);
                    pixels.push(if inside { 200 + (image % 50) as u8 } else { 0 });
                }
            }
        }
        let images = directory.join(format!("{prefix}-images-idx3-ubyte"));
        write_idx(&images, &[count, 12, 12], &pixels);
        let labels_path = directory.join(format!("{prefix}-labels-idx1-ubyte"));
        write_idx(&labels_path, &[count], &labels);
    }
    directory.to_owned()
}

/// A quick run on the squares, into `out`.
pub fn train_squares(data: &Path, out: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "train",
        "--set=name=squares",
        "--set=data.dataset=idx",
        "--set=model.encoder=[144, 24, 4]",
        "--set=train.epochs=3",
        "--set=train.optimizer.learning_rate=0.01",
    ]
    .map(String::from)
    .into();
    arguments.push(format!("--set=data.path={}", data.display()));
    arguments.push(format!("--out={}", out.display()));
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    arguments
}
