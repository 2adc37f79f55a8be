//! What several tests need.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use burn::tensor::Device;
use hourglass::data::{ImageSet, Splits};
use hourglass::device::{self, Backend, DeviceError, OpenDevice};
use hourglass::environment::Environment;
use hourglass::model::autoencoder::Architecture;
use hourglass::task::ImageExamples;
use hourglass::train::checkpoint::Origin;
use hourglass::train::{Fit, Optimizer};
use tempfile::TempDir;

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

thread_local! {
    /// Of each test, which has a thread of its own.
    static WORKPLACE: TempDir = workplace();
}

/// A directory to work in that is not the checkout, and has its `configs` and `data`.
pub fn workplace() -> TempDir {
    #[cfg(unix)]
    use std::os::unix::fs::symlink;
    #[cfg(windows)]
    use std::os::windows::fs::symlink_dir as symlink;
    let directory = tempfile::tempdir().unwrap();
    for name in ["configs", "data"] {
        symlink(root().join(name), directory.path().join(name)).unwrap();
    }
    directory
}

/// The real binary, about to start in this test's workplace.
pub fn program<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    WORKPLACE.with(|workplace| program_in(workplace.path(), arguments))
}

/// The real binary, about to start in a directory.
pub fn program_in<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hourglass"));
    command
        .args(arguments)
        .current_dir(not_the_checkout(directory))
        .env_remove("RUST_BACKTRACE");
    command
}

/// A program of the system, such as a shell, about to start in this test's workplace.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    WORKPLACE.with(|workplace| {
        command.current_dir(not_the_checkout(workplace.path()));
    });
    command
}

/// This binary of tests, about to start in this test's workplace.
pub fn tests() -> Command {
    tool(std::env::current_exe().unwrap().to_str().unwrap())
}

/// Sends a signal to a process; returns whether the process was there.
pub fn send(child: &Child, signal: &str) -> bool {
    let mut kill = tool("kill");
    kill.args(["-s", signal, &child.id().to_string()]);
    kill.stderr(Stdio::null()).status().unwrap().success()
}

/// Makes a named pipe.
#[cfg(unix)]
pub fn make_pipe(path: &Path) {
    let status = tool("mkfifo").arg(path).status().unwrap();
    assert!(status.success(), "{}", path.display());
}

/// Runs a process that is given nothing on standard input; one that takes longer is ended, and fails the test. What it says must
/// fit in a pipe.
#[cfg(unix)]
pub fn run_within(limit: Duration, command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} takes longer than {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Runs a process that is given bytes on standard input and must read them all.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // At the same time as its answer is read: neither waits for the other.
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || pipe.write_all(input));
        let output = child.wait_with_output().unwrap();
        let written = writer.join().unwrap();
        written.unwrap_or_else(|error| panic!("{error}: {output:?}"));
        output
    })
}

/// Waits for something that must happen within a minute.
#[cfg(unix)]
pub fn wait_for(is_there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never happens"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Demands that what a process leaves where it stands is not left in the checkout.
fn not_the_checkout(directory: &Path) -> &Path {
    let [here, checkout] = [directory, root()].map(|path| path.canonicalize().unwrap());
    assert!(
        !here.starts_with(checkout),
        "{} is in the checkout; start processes in a workplace",
        directory.display()
    );
    directory
}

/// Runs the real binary in this test's workplace.
pub fn hourglass<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    program(arguments).output().expect("the binary starts")
}

/// Runs the real binary in a directory.
pub fn hourglass_in<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> Output {
    let mut program = program_in(directory, arguments);
    program.output().expect("the binary starts")
}

/// Runs the real binary and demands success; gives its standard output.
pub fn succeed<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let output = hourglass(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Demands exit 2, nothing on standard output, a message of few lines that holds `parts`.
pub fn refused<S: AsRef<OsStr> + std::fmt::Debug>(arguments: &[S], parts: &[&str]) {
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
