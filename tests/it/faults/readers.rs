//! Every reader meets fuzzed, truncated and hostile input: it answers with a value or an error, without a panic and
//! without taking memory that the input does not fill.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use hourglass::config::Config;
use hourglass::data::{ImageSet, idx, read_images};
use hourglass::environment::Environment;
use hourglass::model::Autoencoder;
use hourglass::model::weights;
use hourglass::objective::Reconstruction;
use hourglass::random::{Purpose, stream};
use hourglass::report::Receipt;
use hourglass::run_directory::RunDirectory;
use hourglass::task::ReconstructionTask;
use hourglass::train::checkpoint::{self, Checkpoint, Checkpoints, Origin, Policy};
use hourglass::train::{Adam, Fit, NonFinite, Optimizer, Progress, Schedule, Training};
use image::{GrayImage, ImageFormat};
use rand::{Rng, RngExt};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Write};

use super::Tally;
use crate::allocations;
use crate::support;

/// The fuzzing of a reader with so many inputs from a seed.
type Fuzz = fn(usize, u64) -> Tally;

pub const ALL: [(&str, Fuzz); 11] = [
    ("IDX", idx_plain),
    ("gzipped IDX", idx_gzipped),
    ("PNG", png),
    ("config", config),
    ("--set", overrides),
    ("burnpack", burnpack),
    ("checkpoint: progress.json", progress),
    ("checkpoint: optimizer.safetensors", optimizer),
    ("checkpoint: checksums.sha256", checksums),
    ("summary.json", summary),
    ("metrics.jsonl", metrics),
];

/// The largest piece of memory that any input here may ask for: what a picture or file header is trusted with.
const MOST_BYTES: usize = 300 << 20;

/// Gives `read` so many inputs, each `valid` with something done to it.
fn fuzz(
    times: usize,
    seed: u64,
    valid: &[u8],
    is_text: bool,
    read: &mut dyn FnMut(&[u8]) -> bool,
) -> Tally {
    let mut random = stream(seed, Purpose::MadeUp, 2, 0);
    let mut tally = Tally::default();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for number in 0..times {
        let input = mutate(valid, is_text, &mut random);
        allocations::reset();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&input)));
        let asked = allocations::most();
        tally.faults += 1;
        tally.accepted += usize::from(matches!(outcome, Ok(true)));
        if outcome.is_err() {
            tally.panics += 1;
            tally
                .complaints
                .push(format!("{number} panics: {}", shown(&input)));
        }
        if asked > MOST_BYTES {
            tally.lost += 1;
            tally
                .complaints
                .push(format!("{number} takes {asked} bytes: {}", shown(&input)));
        }
    }
    std::panic::set_hook(hook);
    tally
}

fn shown(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(&input[..input.len().min(400)]);
    text.escape_debug().to_string()
}

/// Numbers at the ends of what integers hold.
const EXTREMES: [u64; 9] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    1 << 60,
];

const WORDS: [&str; 17] = [
    "1e999",
    "-1",
    "0",
    "18446744073709551615",
    "1152921504606846976",
    "null",
    "NaN",
    "inf",
    "\"\"",
    "[",
    "{",
    "]",
    "}",
    "\\u0000",
    "\"",
    "\n",
    "=",
];

fn mutate(valid: &[u8], is_text: bool, random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let length = bytes.len();
        if length == 0 {
            bytes.push(random.random());
            continue;
        }
        let place = match random.random_bool(0.5) {
            // Headers matter most.
            true => random.random_range(0..length.min(64)),
            false => random.random_range(0..length),
        };
        match random.random_range(0..9) {
            0 => bytes.truncate(place),
            1 => bytes[place] ^= 1 << random.random_range(0..8),
            2 => bytes[place] = random.random(),
            3 => {
                let extreme = EXTREMES[random.random_range(0..EXTREMES.len())];
                let width = [1, 2, 4, 8][random.random_range(0..4)];
                let number = match random.random_bool(0.5) {
                    true => extreme.to_be_bytes()[8 - width..].to_vec(),
                    false => extreme.to_le_bytes()[..width].to_vec(),
                };
                for (byte, new) in bytes[place..].iter_mut().zip(number) {
                    *byte = new;
                }
            }
            4 => {
                let end = (place + random.random_range(1..64)).min(length);
                let piece = bytes[place..end].to_vec();
                for _ in 0..random.random_range(1..8) {
                    bytes.splice(place..place, piece.iter().copied());
                }
            }
            5 => {
                let end = (place + random.random_range(1..64)).min(length);
                bytes.drain(place..end);
            }
            6 if is_text => {
                // A number or a word in the place of another.
                let end = bytes[place..]
                    .iter()
                    .position(|c| !c.is_ascii_alphanumeric())
                    .map_or(length, |width| place + width.max(1));
                let word = WORDS[random.random_range(0..WORDS.len())];
                bytes.splice(place..end, word.bytes());
            }
            7 if is_text => {
                let open = ["[", "{\"a\":", "a.", "[[", "{a="][random.random_range(0..5)];
                let many = random.random_range(1..300);
                bytes.splice(place..place, open.repeat(many).bytes());
            }
            _ => {
                let junk: Vec<u8> = (0..random.random_range(1..32))
                    .map(|_| random.random())
                    .collect();
                bytes.splice(place..place, junk);
            }
        }
    }
    bytes
}

fn idx_bytes() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [5u32, 4, 3] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(0..60);
    bytes
}

/// Reads inputs as files, since readers of data open them themselves.
fn fuzz_file(
    times: usize,
    seed: u64,
    name: &str,
    valid: &[u8],
    is_text: bool,
    read: fn(&Path) -> bool,
) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, valid).unwrap();
    assert!(read(&path), "what is fuzzed is valid before");
    let tally = fuzz(times, seed, valid, is_text, &mut |input| {
        fs::write(&path, input).unwrap();
        read(&path)
    });
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is written"
    );
    tally
}

fn read_idx(path: &Path) -> bool {
    idx::read(path, 3, "images, rows, columns").is_ok()
}

fn idx_plain(times: usize, seed: u64) -> Tally {
    fuzz_file(times, seed, "images", &idx_bytes(), false, read_idx)
}

fn idx_gzipped(times: usize, seed: u64) -> Tally {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&idx_bytes()).unwrap();
    fuzz_file(
        times,
        seed,
        "images.gz",
        &encoder.finish().unwrap(),
        false,
        read_idx,
    )
}

fn png(times: usize, seed: u64) -> Tally {
    let picture = GrayImage::from_fn(9, 7, |x, y| image::Luma([(x * y * 5) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let read = |path: &Path| {
        let as_it_is = read_images(path).is_ok();
        // With checksums that fit, what lies behind them is reached.
        let mut bytes = fs::read(path).unwrap();
        mend_checksums(&mut bytes);
        fs::write(path, bytes).unwrap();
        read_images(path).is_ok() || as_it_is
    };
    fuzz_file(times, seed, "picture.png", &bytes.into_inner(), false, read)
}

fn config(times: usize, seed: u64) -> Tally {
    let text = include_bytes!("../../../configs/sparse.toml");
    let read = |path: &Path| Config::load(Some(path), &[]).is_ok();
    fuzz_file(times, seed, "config.toml", text, true, read)
}

fn overrides(times: usize, seed: u64) -> Tally {
    let mut tally = Tally::default();
    for valid in [
        "objective.corruption={ kind = \"gaussian\", sigma = 0.4 }",
        "train.optimizer.learning_rate=0.00123456789",
    ] {
        let mut read = |input: &[u8]| {
            let argument = String::from_utf8_lossy(input).into_owned();
            Config::load(None, &[argument]).is_ok()
        };
        tally.add(fuzz(times / 2, seed, valid.as_bytes(), true, &mut read));
    }
    tally
}

/// A small training with a checkpoint of it.
struct Trained {
    directory: tempfile::TempDir,
    task: ReconstructionTask,
    network: Autoencoder,
    fit: Fit,
    device: burn::tensor::Device,
}

impl Trained {
    fn new() -> Self {
        let opened = support::backends().remove(0);
        let pixels = (0..20 * 12).map(|i| (i * 37 % 256) as u8).collect();
        let images = ImageSet::new(3, 4, pixels, None);
        let task = ReconstructionTask {
            images: support::image_examples(&images, &opened.device),
            reconstruction: Reconstruction::BinaryCrossEntropy,
            sparsity: None,
        };
        let fit = Fit {
            seed: 1,
            epochs: 2,
            batch_size: 4,
            optimizer: Optimizer::Adam(Adam::default()),
            schedule: Schedule::Constant,
            warmup_steps: 0,
            clip_gradient_norm: None,
            non_finite: NonFinite::Stop,
            early_stopping: None,
            evaluate_training: false,
        };
        let network = Autoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device);
        let directory = tempfile::tempdir().unwrap();
        let mut training = Training::new(&fit, &task, network.clone());
        while training.step() < 7 {
            training.advance().unwrap();
        }
        let origin = Origin {
            environment: Environment::new(&opened),
            data: Vec::new(),
            initial_weights_sha256: String::new(),
            resumed: Vec::new(),
        };
        let policy = Policy::default();
        Checkpoints::new(
            directory.path(),
            policy,
            "name = \"x\"\n".into(),
            origin,
            &Progress::default(),
        )
        .save(&mut training)
        .unwrap();
        Self {
            directory,
            task,
            network,
            fit,
            device: opened.device,
        }
    }

    /// Fuzzes a file of the checkpoint; with `and_checksum` what changed it knew of the checksums.
    fn fuzz(&self, times: usize, seed: u64, name: &str, and_checksum: bool) -> Tally {
        let (_, path) = checkpoint::list(self.directory.path()).unwrap().remove(0);
        let valid = fs::read(path.join(name)).unwrap();
        let sums = fs::read_to_string(path.join("checksums.sha256")).unwrap();
        let known = hourglass::data::hexadecimal(&Sha256::digest(&valid));
        fuzz(
            times,
            seed,
            &valid,
            !name.ends_with("tensors"),
            &mut |input| {
                fs::write(path.join(name), input).unwrap();
                if and_checksum {
                    let new = hourglass::data::hexadecimal(&Sha256::digest(input));
                    let sums = sums.replace(&known, &new);
                    fs::write(path.join("checksums.sha256"), sums).unwrap();
                }
                let Ok(checkpoint) = Checkpoint::read(&path) else {
                    return false;
                };
                let Ok(saved) = checkpoint.saved(&self.network) else {
                    return false;
                };
                let restored = Training::restore(&self.fit, &self.task, saved, &self.device);
                let Ok(mut training) = restored else {
                    return false;
                };
                // What can be restored can be gone on with to the end, for good or ill.
                while let Ok(Some(_)) = training.advance() {}
                let _ = training.save();
                true
            },
        )
    }
}

fn progress(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "progress.json", true)
}

fn optimizer(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "optimizer.safetensors", true)
}

fn checksums(times: usize, seed: u64) -> Tally {
    Trained::new().fuzz(times, seed, "checksums.sha256", false)
}

fn burnpack(times: usize, seed: u64) -> Tally {
    let network = Trained::new().network;
    let valid = weights::burnpack(&network).unwrap();
    let path = Path::new("model.bpk");
    assert!(weights::from_burnpack(network.clone(), valid.clone(), path).is_ok());
    fuzz(times, seed, &valid, false, &mut |input| {
        weights::from_burnpack(network.clone(), input.to_vec(), path).is_ok()
    })
}

/// Fuzzes a text file of a run directory.
fn fuzz_run(
    times: usize,
    seed: u64,
    name: &str,
    valid: &str,
    read: fn(&RunDirectory) -> bool,
) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.toml"), "name = \"x\"\n").unwrap();
    let run = RunDirectory::open(directory.path()).unwrap();
    fuzz(times, seed, valid.as_bytes(), true, &mut |input| {
        fs::write(directory.path().join(name), input).unwrap();
        read(&run)
    })
}

fn summary(times: usize, seed: u64) -> Tally {
    let receipt = Receipt {
        environment: Environment::new(&support::backends()[0]),
        threads: 2,
        seed: 42,
        config_sha256: "00".into(),
        data: Vec::new(),
        parameters: 7,
        initial_weights_sha256: "00".into(),
        weights_sha256: "00".into(),
        files: Vec::new(),
        resumed: Vec::new(),
    };
    let receipt = serde_json::to_string_pretty(&receipt).unwrap();
    let valid =
        format!("{{\"name\": \"x\", \"metrics\": {{\"test_mse\": 0.1}}, \"receipt\": {receipt}}}");
    fuzz_run(times, seed, "summary.json", &valid, |run| {
        let summary = run.summary();
        summary.is_ok_and(|summary| Receipt::of(&summary).is_ok())
    })
}

fn metrics(times: usize, seed: u64) -> Tally {
    let valid = "{\"epoch\":1,\"step\":10,\"test_mse_per_pixel\":0.1}\n{\"epoch\":2,\"step\":20}\n";
    fuzz_run(times, seed, "metrics.jsonl", valid, |run| {
        run.history().is_ok()
    })
}

/// Of each reader, in the short version.
const INPUTS: usize = 2000;

#[test]
fn readers_survive_fuzzed_input() {
    for (reader, fuzz) in ALL {
        let tally = fuzz(INPUTS, 14);
        assert!(
            tally.complaints.is_empty(),
            "{reader}: {:#?}",
            tally.complaints
        );
        tally.check(INPUTS);
        // Inputs reach what is behind the first check, and some of them are bad.
        let most = INPUTS - 1;
        let least = usize::from(reader != "checkpoint: checksums.sha256");
        assert!(
            (least..=most).contains(&tally.accepted),
            "{reader}: {}",
            tally.accepted
        );
    }
}

/// Some kilobytes of gzip that hold what its header says, 16 MB and no more; the same with a header that claims 10²⁸
/// pixels, and a PNG that claims 50,000 × 50,000.
#[test]
fn claims_are_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bomb.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[0, 0, 8, 3]).unwrap();
    encoder.write_all(&[0xff; 12]).unwrap();
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let error = idx::read(&path, 3, "images").unwrap_err().to_string();
    assert!(
        error.contains("more than half of this machine's memory"),
        "{error}"
    );

    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&[0, 0, 8, 3]).unwrap();
    for size in [1024u32, 128, 64] {
        encoder.write_all(&size.to_be_bytes()).unwrap();
    }
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    allocations::reset();
    let error = idx::read(&path, 3, "images").unwrap_err().to_string();
    assert!(error.contains("too long"), "{error}");
    assert!(allocations::most() < 12 << 20, "{}", allocations::most());

    let png = directory.path().join("large.png");
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::new(1, 1)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let mut bytes = bytes.into_inner();
    for place in [16, 20] {
        bytes[place..place + 4].copy_from_slice(&50_000u32.to_be_bytes());
    }
    mend_checksums(&mut bytes);
    fs::write(&png, bytes).unwrap();
    allocations::reset();
    let error = read_images(&png).unwrap_err();
    assert!(error.contains("limit"), "{error}");
    assert!(allocations::most() < 1 << 20, "{}", allocations::most());
}

/// Gives each chunk of a PNG the checksum that its content should have.
fn mend_checksums(png: &mut [u8]) {
    const SIGNATURE_BYTES: usize = 8;
    let mut place = SIGNATURE_BYTES;
    while let Some(length) = png.get(place..place + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(end) = place
            .checked_add(8 + length)
            .filter(|end| end + 4 <= png.len())
        else {
            return;
        };
        let crc = crc32(&png[place + 4..end]);
        png[end..end + 4].copy_from_slice(&crc.to_be_bytes());
        place = end + 4;
    }
}

/// As in the PNG specification, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}
