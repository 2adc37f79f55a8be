//! Every reader meets fuzzed, truncated and hostile input: it answers with a value or an error, without a panic and
//! without taking memory that the input does not fill.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hourglass::config::{Config, Study};
use hourglass::data::{
    self, Block, Input, InputError, Options, PointSet, Preparation, RawValues, idx,
};
use hourglass::environment::Environment;
use hourglass::model::import::import;
use hourglass::model::weights::Network;
use hourglass::model::{Autoencoder, PortableLayer};
use hourglass::report::Receipt;
use hourglass::report::page::{Page, PointSubject, Precision, Subject};
use hourglass::run_directory::RunDirectory;
use image::{GrayImage, ImageFormat};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::Tally;
use super::checkpoints::{burnpack, checksums, optimizer, progress};
use super::claims::mend_checksums;
use super::formats;
use super::fuzz::fuzz;
use crate::support;

/// The fuzzing of a reader with so many inputs from a seed.
pub type Fuzz = fn(usize, u64) -> Tally;

pub const ALL: [(&str, Fuzz); 40] = [
    ("IDX", |times, seed| {
        file(times, seed, "images", &formats::idx(), read_idx)
    }),
    ("gzipped IDX", |times, seed| {
        let bytes = formats::gzip(&formats::idx());
        file(times, seed, "images.gz", &bytes, read_idx)
    }),
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
    ("PNG of 16 bits", |times, seed| {
        let bytes = formats::png_of_16_bits();
        file(times, seed, "picture.png", &bytes, read_png)
    }),
    ("TIFF of several pages", |times, seed| {
        let bytes = formats::tiff_of_pages();
        file(times, seed, "picture.tiff", &bytes, read_whole)
    }),
    ("GIF", |times, seed| {
        file(times, seed, "picture.gif", &formats::gif(), read_whole)
    }),
    ("PGM", |times, seed| {
        file(times, seed, "picture.pgm", &formats::pgm(), read_whole)
    }),
    ("PPM as text", |times, seed| {
        text(times, seed, "picture.ppm", &formats::ppm(), read_whole)
    }),
    ("QOI", |times, seed| {
        file(times, seed, "picture.qoi", &formats::qoi(), read_whole)
    }),
    (".npy", |times, seed| {
        let bytes = formats::npy(formats::NPY_HEADER.as_bytes(), 240);
        file(times, seed, "array.npy", &bytes, read_whole)
    }),
    (".npy: its header", |times, seed| {
        let wrap = |header: &[u8]| formats::npy(header, 240);
        wrapped(times, seed, "array.npy", formats::NPY_HEADER, wrap)
    }),
    (".npy in Fortran's order: its header", |times, seed| {
        let header = formats::NPY_HEADER.replace("False", "True");
        let wrap = |header: &[u8]| formats::npy(header, 240);
        wrapped(times, seed, "array.npy", &header, wrap)
    }),
    ("gzipped .npy", |times, seed| {
        let bytes = formats::gzip(&formats::npy(formats::NPY_HEADER.as_bytes(), 240));
        file(times, seed, "array.npy.gz", &bytes, read_whole)
    }),
    ("gzipped .npy: its header", |times, seed| {
        let wrap = |header: &[u8]| formats::gzip(&formats::npy(header, 240));
        wrapped(times, seed, "array.npy.gz", formats::NPY_HEADER, wrap)
    }),
    (".npz", |times, seed| {
        let array = formats::npy(formats::NPY_HEADER.as_bytes(), 240);
        let bytes = formats::zip(&[("x.npy", &array)]);
        file(times, seed, "arrays.npz", &bytes, read_whole)
    }),
    (".npz: a member's header", |times, seed| {
        let wrap = |header: &[u8]| formats::zip(&[("x.npy", &formats::npy(header, 240))]);
        wrapped(times, seed, "arrays.npz", formats::NPY_HEADER, wrap)
    }),
    ("labels as strings", |times, seed| {
        file(times, seed, "labels.npy", &formats::labels(), read_labels)
    }),
    ("CSV", |times, seed| {
        text(
            times,
            seed,
            "table.csv",
            formats::CSV.as_bytes(),
            read_whole,
        )
    }),
    ("gzipped CSV", |times, seed| {
        wrapped(times, seed, "table.csv.gz", formats::CSV, formats::gzip)
    }),
    ("CSV in UTF-16", |times, seed| {
        file(
            times,
            seed,
            "table.csv",
            &formats::csv_of_utf_16(),
            read_whole,
        )
    }),
    ("CSV in Latin-1", |times, seed| {
        text(
            times,
            seed,
            "table.csv",
            &formats::csv_of_latin_1(),
            read_whole,
        )
    }),
    ("input.json", preparation),
    ("config", config),
    ("config: its experiment", |times, seed| {
        let valid = include_bytes!("../../../configs/deep.toml");
        text(times, seed, "config.toml", valid, |path| {
            Config::load(Some(path), &[]).is_ok()
        })
    }),
    ("comparison or sweep", study),
    ("comparison of methods", |times, seed| {
        let valid = include_bytes!("../../../configs/comparisons/methods.toml");
        text(times, seed, "study.toml", valid, |path| {
            Study::load(Some(path), &[]).is_ok()
        })
    }),
    ("--set", overrides),
    ("burnpack", burnpack),
    ("checkpoint: progress.json", progress),
    ("checkpoint: optimizer.safetensors", optimizer),
    ("checkpoint: checksums.sha256", checksums),
    ("summary.json", summary),
    ("metrics.jsonl", metrics),
    ("report of both", report),
    ("imported safetensors", imported),
    ("imported safetensors: their header", imported_header),
];

/// Readers whose format this build does not read: their inputs are all refused, without harm.
const NOT_READ: [&str; 5] = [
    ".npy in Fortran's order: its header",
    "gzipped .npy",
    "gzipped .npy: its header",
    "gzipped CSV",
    "labels as strings",
];

/// Fuzzes the bytes of a file, since readers of data open files themselves.
fn file(times: usize, seed: u64, name: &str, valid: &[u8], read: fn(&Path) -> bool) -> Tally {
    fuzz_file(times, seed, name, valid, false, <[u8]>::to_vec, read)
}

/// Fuzzes the text of a file.
fn text(times: usize, seed: u64, name: &str, valid: &[u8], read: fn(&Path) -> bool) -> Tally {
    fuzz_file(times, seed, name, valid, true, <[u8]>::to_vec, read)
}

/// Fuzzes a text that comes within something else.
fn wrapped(times: usize, seed: u64, name: &str, valid: &str, wrap: fn(&[u8]) -> Vec<u8>) -> Tally {
    fuzz_file(times, seed, name, valid.as_bytes(), true, wrap, read_whole)
}

fn fuzz_file(
    times: usize,
    seed: u64,
    name: &str,
    valid: &[u8],
    is_text: bool,
    wrap: fn(&[u8]) -> Vec<u8>,
    read: fn(&Path) -> bool,
) -> Tally {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fuzz(times, seed, valid, is_text, move |input| {
        fs::write(&path, wrap(input)).unwrap();
        let is_read = read(&path);
        let files = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is written");
        is_read
    })
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

/// With checksums that fit, what lies behind them is reached.
fn read_png(path: &Path) -> bool {
    let as_it_is = read_whole(path);
    let mut bytes = fs::read(path).unwrap();
    mend_checksums(&mut bytes);
    fs::write(path, bytes).unwrap();
    read_whole(path) || as_it_is
}

fn png(times: usize, seed: u64) -> Tally {
    let picture = GrayImage::from_fn(9, 7, |x, y| image::Luma([(x * y * 5) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    file(times, seed, "picture.png", &bytes.into_inner(), read_png)
}

fn picture(times: usize, seed: u64, name: &str, format: ImageFormat) -> Tally {
    let picture = image::RgbImage::from_fn(9, 7, |x, y| {
        image::Rgb([(x * y * 5) as u8, x as u8, y as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    file(times, seed, name, &bytes.into_inner(), read_whole)
}

/// Examples in an array beside such labels, as `train` reads them.
fn read_labels(labels: &Path) -> bool {
    static EXAMPLES: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npy");
        fs::write(&path, formats::npy(formats::NPY_HEADER.as_bytes(), 240)).unwrap();
        (directory, path)
    });
    let set = |key: &str, value: &str| format!("{key}={value}");
    let config = Config::load(
        Some(&support::root().join("configs/own/array.toml")),
        &[
            set("data.path", EXAMPLES.1.to_str().unwrap()),
            set("data.labels", labels.to_str().unwrap()),
        ],
    );
    let config = config.unwrap();
    data::load(config.experiment.images().unwrap(), true, 1, &mut |_, _| {}).is_ok()
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
    self::text(times, seed, "input.json", text, read)
}

fn config(times: usize, seed: u64) -> Tally {
    let text = include_bytes!("../../../configs/sparse.toml");
    let read = |path: &Path| Config::load(Some(path), &[]).is_ok();
    self::text(times, seed, "config.toml", text, read)
}

fn study(times: usize, seed: u64) -> Tally {
    let text = include_bytes!("../../../configs/sweeps/code-size.toml");
    let read = |path: &Path| Study::load(Some(path), &[]).is_ok();
    self::text(times, seed, "study.toml", text, read)
}

fn overrides(times: usize, seed: u64) -> Tally {
    let mut tally = Tally::default();
    for valid in [
        "objective.corruption={ kind = \"gaussian\", sigma = 0.4 }",
        "train.optimizer.learning_rate=0.00123456789",
    ] {
        let read = |input: &[u8]| {
            let argument = String::from_utf8_lossy(input).into_owned();
            Config::load(None, &[argument]).is_ok()
        };
        tally.add(fuzz(times / 2, seed, valid.as_bytes(), true, read));
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
    let path = directory.path().join(name);
    fuzz(times, seed, valid.as_bytes(), true, move |input| {
        let _ = &directory;
        fs::write(&path, input).unwrap();
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
        started_from: None,
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
    let network = move || Autoencoder::new(&support::architecture(&[3, 2]), 1, &device);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.safetensors");
    network().save_safetensors("3-2-3", &path).unwrap();
    let valid = fs::read(&path).unwrap();
    fuzz(times, seed, &valid, false, move |input| {
        import(network(), input).is_ok()
    })
}

fn imported_header(times: usize, seed: u64) -> Tally {
    let device = support::backends()[0].device.clone();
    let network = Autoencoder::new(&support::architecture(&[3, 2]), 1, &device);
    let tensor = |name: &str, shape: &str, from: usize, to: usize| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    };
    let tensors = [
        "\"__metadata__\":{\"format\":\"pt\"}".to_owned(),
        tensor("encoder.0.weight", "[2,3]", 0, 24),
        tensor("encoder.0.bias", "[2]", 24, 32),
        tensor("decoder.0.weight", "[3,2]", 32, 56),
        tensor("decoder.0.bias", "[3]", 56, 68),
    ];
    let header = format!("{{{}}}", tensors.join(","));
    fuzz(times, seed, header.as_bytes(), true, move |header| {
        import(network.clone(), &formats::safetensors(header, 68)).is_ok()
    })
}

/// A page is made of whatever these files say.
fn report(times: usize, seed: u64) -> Tally {
    let config = Config::load(None, &[]).unwrap();
    let points = PointSet::new(2, vec![0.0, 1.0, 0.5, 0.5], vec![0, 1]);
    let page = move |summary: &Value, history: &[Map<String, Value>]| {
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
    fuzz(times, seed, valid.as_bytes(), true, move |input| {
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
        let is_read = reader != "checkpoint: checksums.sha256" && !NOT_READ.contains(&reader);
        assert!(
            (usize::from(is_read)..tally.faults).contains(&tally.accepted),
            "{reader}: {} of {} are taken",
            tally.accepted,
            tally.faults
        );
    }
}
