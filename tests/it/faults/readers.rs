//! Every reader meets fuzzed, truncated and hostile input: it answers with a value or an error, without a panic and
//! without taking memory that the input does not fill.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use hourglass::config::{Config, Study};
use hourglass::data::{Block, Input, InputError, Options, PointSet, Preparation, RawValues, idx};
use hourglass::environment::Environment;
use hourglass::model::import::import;
use hourglass::model::weights::Network;
use hourglass::model::{Autoencoder, PortableLayer};
use hourglass::report::Receipt;
use hourglass::report::page::{Page, PointSubject, Precision, Subject};
use hourglass::run_directory::RunDirectory;
use image::{GrayImage, ImageFormat};
use npyz::WriterBuilder;
use serde_json::{Map, Value};

use super::Tally;
use super::checkpoints::{burnpack, checksums, optimizer, progress};
use super::claims::mend_checksums;
use super::fuzz::fuzz;
use crate::support;

/// The fuzzing of a reader with so many inputs from a seed.
type Fuzz = fn(usize, u64) -> Tally;

pub const ALL: [(&str, Fuzz); 22] = [
    ("IDX", idx_plain),
    ("gzipped IDX", idx_gzipped),
    ("PNG", png),
    ("JPEG", |times, seed| {
        picture(times, seed, "picture.jpg", ImageFormat::Jpeg)
    }),
    ("WebP", |times, seed| {
        picture(times, seed, "picture.webp", ImageFormat::WebP)
    }),
    ("BMP", |times, seed| {
        picture(times, seed, "picture.bmp", ImageFormat::Bmp)
    }),
    ("TIFF", |times, seed| {
        picture(times, seed, "picture.tiff", ImageFormat::Tiff)
    }),
    (".npy", npy),
    (".npz", npz),
    ("CSV", csv),
    ("input.json", preparation),
    ("config", config),
    ("comparison or sweep", study),
    ("--set", overrides),
    ("burnpack", burnpack),
    ("checkpoint: progress.json", progress),
    ("checkpoint: optimizer.safetensors", optimizer),
    ("checkpoint: checksums.sha256", checksums),
    ("summary.json", summary),
    ("metrics.jsonl", metrics),
    ("report of both", report),
    ("imported safetensors", imported),
];

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

/// Whether an input of any kind can be opened and read to its end.
fn read_whole(path: &Path) -> bool {
    let each = &mut |_: Block| -> Result<(), InputError> { Ok(()) };
    let mut read = |input: &Input| {
        input
            .read(16, &mut |_, _| {}, each)
            .is_ok_and(|unreadable| unreadable.is_empty())
    };
    Input::open(path, &Options::default()).is_ok_and(|input| read(&input))
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
        let as_it_is = read_whole(path);
        // With checksums that fit, what lies behind them is reached.
        let mut bytes = fs::read(path).unwrap();
        mend_checksums(&mut bytes);
        fs::write(path, bytes).unwrap();
        read_whole(path) || as_it_is
    };
    fuzz_file(times, seed, "picture.png", &bytes.into_inner(), false, read)
}

fn picture(times: usize, seed: u64, name: &str, format: ImageFormat) -> Tally {
    let picture = image::RgbImage::from_fn(9, 7, |x, y| {
        image::Rgb([(x * y * 5) as u8, x as u8, y as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    fuzz_file(times, seed, name, &bytes.into_inner(), false, read_whole)
}

fn npy_bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::<f32>::new()
        .default_dtype()
        .shape(&[5, 4, 3]);
    let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
    writer.extend((0..60).map(|i| i as f32 / 60.0)).unwrap();
    writer.finish().unwrap();
    bytes
}

fn npy(times: usize, seed: u64) -> Tally {
    fuzz_file(times, seed, "array.npy", &npy_bytes(), false, read_whole)
}

fn npz(times: usize, seed: u64) -> Tally {
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut bytes);
    let stored = zip::write::FileOptions::default();
    let stored = stored.compression_method(zip::CompressionMethod::Stored);
    archive.start_file("x.npy", stored).unwrap();
    archive.write_all(&npy_bytes()).unwrap();
    archive.finish().unwrap();
    drop(archive);
    fuzz_file(
        times,
        seed,
        "arrays.npz",
        &bytes.into_inner(),
        false,
        read_whole,
    )
}

fn csv(times: usize, seed: u64) -> Tally {
    let text = b"name,a,b\nfirst,1.5,2\nsecond,-3,4e2\n\"third\",0,7\n";
    fuzz_file(times, seed, "table.csv", text, true, read_whole)
}

fn preparation(times: usize, seed: u64) -> Tally {
    let text = br#"{ "shape": { "height": 1, "width": 2, "channels": 1 }, "fit": { "resize": [1, 2], "crop": true,
        "grayscale": true, "invert": false }, "scaling": { "offset": [0.5, 1.0], "scale": [2.0, 3.0], "by_column": true },
        "in_unit_range": false, "is_bounded": false, "are_bytes": false, "columns": ["a", "b"], "classes": ["x", "y"] }"#;
    let read = |path: &Path| {
        let read = serde_json::from_slice::<Preparation>(&fs::read(path).unwrap());
        read.is_ok_and(|preparation| {
            preparation.is_sound()
                && preparation
                    .prepare(RawValues::Numbers(vec![1.0, 2.0]), false)
                    .is_ok()
        })
    };
    fuzz_file(times, seed, "input.json", text, true, read)
}

fn config(times: usize, seed: u64) -> Tally {
    let text = include_bytes!("../../../configs/sparse.toml");
    let read = |path: &Path| Config::load(Some(path), &[]).is_ok();
    fuzz_file(times, seed, "config.toml", text, true, read)
}

fn study(times: usize, seed: u64) -> Tally {
    let text = include_bytes!("../../../configs/sweeps/code-size.toml");
    let read = |path: &Path| Study::load(Some(path), &[]).is_ok();
    fuzz_file(times, seed, "study.toml", text, true, read)
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
        imported: None,
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

fn imported(times: usize, seed: u64) -> Tally {
    let device = support::backends()[0].device.clone();
    let network = || Autoencoder::new(&support::architecture(&[3, 2]), 1, &device);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    network().save_safetensors("3-2-3", &path).unwrap();
    let valid = fs::read(&path).unwrap();
    fuzz(times, seed, &valid, false, &mut |input| {
        import(network(), input).is_ok()
    })
}

/// A page is made of whatever these files say.
fn report(times: usize, seed: u64) -> Tally {
    let config = Config::load(None, &[]).unwrap();
    let points = PointSet::new(2, vec![0.0, 1.0, 0.5, 0.5], vec![0, 1]);
    let page = |summary: &Value, history: &[Map<String, Value>]| {
        let layer = PortableLayer::linear(2, vec![1.0, 0.0, 0.0, 1.0], vec![0.0, 0.0]);
        let subject = PointSubject {
            layers: vec![layer],
            train: &points,
            test: &points,
            classes: 2,
            vectors: vec![0.0, 1.0],
            probabilities: vec![0.5, 0.5],
        };
        let page = Page {
            config: &config,
            summary,
            training_examples: 2,
            history,
            precision: Precision::F32,
            subject: Subject::Points(subject),
        };
        page.render()
    };
    let valid = "{\"epochs\":2,\"metrics\":{\"train_mse_per_pixel\":0.2,\"test_mse_per_pixel\":0.1},\
                 \"receipt\":{\"seed\":1,\"data\":[{\"file\":\"x\",\"sha256\":\"00\"}],\"resumed\":[]}}\n\
                 {\"epoch\":1,\"train_mse_per_pixel\":0.3,\"test_mse_per_pixel\":0.2}\n\
                 {\"epoch\":2,\"train_mse_per_pixel\":0.2,\"test_mse_per_pixel\":0.1}\n";
    fuzz(times, seed, valid.as_bytes(), true, &mut |input| {
        let text = String::from_utf8_lossy(input);
        let mut lines = text.lines();
        let summary = lines.next().map(serde_json::from_str);
        let history: Result<Vec<Map<String, Value>>, _> = lines.map(serde_json::from_str).collect();
        let (Some(Ok(summary)), Ok(history)) = (summary, history) else {
            return false;
        };
        page(&summary, &history).ends_with("</html>")
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
