//! Pipes and devices in the place of files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::Duration;

use hourglass::data::{Block, Input, InputError, Options, idx};
use image::GrayImage;

use crate::support::{make_pipe, program, run_within, write_squares};

fn in_time(arguments: &[&str]) -> Output {
    run_within(Duration::from_secs(30), &mut program(arguments))
}

#[test]
fn a_pipe_among_the_files_of_a_folder_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..6 {
        let image = GrayImage::from_fn(12, 12, |x, y| image::Luma([(x * y + number * 9) as u8]));
        image
            .save(directory.path().join(format!("{number}.png")))
            .unwrap();
    }
    make_pipe(&directory.path().join("3b.png"));
    let path = format!("--set=data.path={}", directory.path().display());
    let config = "--config=configs/own/images.toml";
    let output = in_time(&["data", "check", config, &path, "--json"]);
    assert!(output.status.success(), "{output:?}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let examples: u64 = found["splits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|split| split["images"].as_u64().unwrap())
        .sum();
    assert_eq!(examples, 6, "{found:#}");
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_a_data_set_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 20, 10);
    let images = data.join("train-images-idx3-ubyte");
    fs::remove_file(&images).unwrap();
    make_pipe(&images);
    let error = idx::read(&images, 3, "images, rows, columns").unwrap_err();
    assert!(error.to_string().contains("is a pipe"), "{error}");
    let error = idx::read(Path::new("/dev/zero"), 3, "images, rows, columns").unwrap_err();
    assert!(error.to_string().contains("a device"), "{error}");
    let path = format!("--set=data.path={}", data.display());
    let output = in_time(&["data", "check", "--set=data.dataset=idx", &path]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_pipe_that_is_named_is_read_as_standard_input_is() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("table.csv");
    make_pipe(&pipe);
    let writer = {
        let pipe = pipe.clone();
        thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(pipe).unwrap();
            pipe.write_all(b"a,b\n1,2\n3,4\n").unwrap();
        })
    };
    let input = Input::open(&pipe, &Options::default()).unwrap();
    writer.join().unwrap();
    let mut examples = 0;
    let each = &mut |block: Block| -> Result<(), InputError> {
        examples += block.values.len() / 2;
        Ok(())
    };
    input.read(16, &mut |_, _| {}, each).unwrap();
    assert_eq!(examples, 2);
}
