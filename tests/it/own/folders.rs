//! What lies in folders of images: files cut off, of other kinds, linked, and splits.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::gif::GifEncoder;
use image::{Delay, DynamicImage, Frame, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use serde_json::Value;
use tiff::encoder::{TiffEncoder, colortype};

use super::{apply, csv, settings, told, train};
use crate::support::{hourglass, refused, succeed};

const SMALL: [(&str, &str); 2] = [("data.resize", "8"), ("model.encoder", "[64, 16, 4]")];

/// The arguments of `data check --json`.
fn check(path: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let mut arguments = vec![
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        "--config=configs/own/images.toml".into(),
        format!("--set=data.path={}", path.display()),
        "--set=data.resize=8".into(),
    ];
    arguments.extend(settings(of));
    arguments
}

/// What it says, and its standard error.
fn checked(path: &Path, of: &[(&str, &str)]) -> (Value, String) {
    let output = hourglass(&check(path, of));
    assert!(output.status.success(), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), message)
}

/// The splits and how many images each has.
fn splits(found: &Value) -> Vec<(&str, u64)> {
    let splits = found["splits"].as_array().unwrap().iter();
    splits
        .map(|split| {
            (
                split["split"].as_str().unwrap(),
                split["images"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// An image of which no part is like another.
fn image(seed: u32) -> DynamicImage {
    let mut state = seed;
    DynamicImage::from(RgbImage::from_fn(40, 30, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        Rgb([a, b, c])
    }))
}

fn encoded(seed: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut stream = Cursor::new(&mut bytes);
    image(seed).write_to(&mut stream, format).unwrap();
    bytes
}

/// Fills a folder with so many images.
fn fill(folder: &Path, count: u32) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let path = folder.join(format!("{number}.png"));
        fs::write(path, encoded(number, ImageFormat::Png)).unwrap();
    }
    folder.to_owned()
}

const FORMATS: [(&str, ImageFormat); 8] = [
    ("jpg", ImageFormat::Jpeg),
    ("png", ImageFormat::Png),
    ("webp", ImageFormat::WebP),
    ("bmp", ImageFormat::Bmp),
    ("tiff", ImageFormat::Tiff),
    ("gif", ImageFormat::Gif),
    ("ppm", ImageFormat::Pnm),
    ("qoi", ImageFormat::Qoi),
];

#[test]
fn files_that_are_cut_off_are_unreadable_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    let root = fill(&directory.path().join("photos"), 3);
    let mut names = Vec::new();
    for (extension, format) in FORMATS {
        let file = encoded(7, format);
        fs::write(root.join(format!("whole.{extension}")), &file).unwrap();
        let length = file.len();
        for (number, cut) in [
            length / 4,
            length / 2,
            3 * length / 4,
            length - 40,
            length - 4,
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("cut-{number}.{extension}");
            fs::write(root.join(&name), &file[..cut]).unwrap();
            names.push(name);
        }
    }
    names.sort();
    // Most of them are cut off.
    let all = [("data.max_unreadable_fraction", "1")];
    let (found, message) = checked(&root, &all);
    let unreadable = found["unreadable"].as_array().unwrap();
    let found_names: Vec<&str> = unreadable
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(found_names, names);
    assert!(!message.contains("panicked"), "{message}");
    let count: u64 = splits(&found).iter().map(|(_, images)| images).sum();
    assert_eq!(count, 3 + FORMATS.len() as u64);
    let mut strict = check(&root, &all);
    strict.push("--strict".into());
    refused(&strict, &["cannot be read", "cut-0.bmp"]);
    // A camera writes more behind the end of the image.
    let mut file = encoded(7, ImageFormat::Jpeg);
    file.extend(b"maker's notes");
    let only = fill(&directory.path().join("camera"), 2);
    fs::write(only.join("more.jpg"), file).unwrap();
    let (found, _) = checked(&only, &[]);
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 0);
}

/// Frames of an animation.
fn animation(frames: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for number in 0..frames {
        let frame = image(number).into_rgba8();
        let frame = Frame::from_parts(frame, 0, 0, Delay::from_numer_denom_ms(100, 1));
        encoder.encode_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

#[test]
fn every_file_is_looked_at_and_what_is_skipped_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = fill(&directory.path().join("photos"), 3);
    for (name, bytes) in [
        ("a.jfif", encoded(11, ImageFormat::Jpeg)),
        ("b.pgm", b"P5\n2 2\n255\n\x00\x80\xff\x10".to_vec()),
        ("c.qoi", encoded(12, ImageFormat::Qoi)),
        ("named-as-text.txt", encoded(13, ImageFormat::Png)),
        ("without-extension", encoded(14, ImageFormat::WebP)),
        ("d.gif", animation(3)),
        ("e.gif", animation(1)),
    ] {
        fs::write(root.join(name), bytes).unwrap();
    }
    let mut pages = TiffEncoder::new(fs::File::create(root.join("f.tif")).unwrap()).unwrap();
    for shade in [3u8, 200] {
        pages
            .write_image::<colortype::Gray8>(8, 8, &[shade; 64])
            .unwrap();
    }
    fs::write(root.join("README.txt"), "photos").unwrap();
    fs::write(root.join("labels.csv"), "name,class\n").unwrap();
    fs::write(root.join(".DS_Store"), "hidden").unwrap();
    let (found, message) = checked(&root, &[]);
    let count: u64 = splits(&found).iter().map(|(_, images)| images).sum();
    assert_eq!(count, 11);
    assert!(
        message.contains(
            "2 files are not images and are skipped: 1 .csv (labels.csv), 1 .txt (README.txt)"
        ),
        "{message}"
    );
    assert!(
        message.contains("2 files have several pages or frames (d.gif); the first of each is used"),
        "{message}"
    );
    let warnings = found["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    // The same when a run is given them, in the order of their names; texts are no reason to stop.
    let run = directory.path().join("run");
    succeed(&train("images", &root, &run, &SMALL));
    let scores = directory.path().join("scores.csv");
    let mut score = apply("score", &run, &root, &scores);
    score.push("--strict".into());
    let message = told(&score);
    assert!(message.contains("1 .csv (labels.csv)"), "{message}");
    let names: Vec<String> = csv(&scores)[1..]
        .iter()
        .map(|line| line[0].clone())
        .collect();
    assert_eq!(names.len(), 11);
    assert!(names.is_sorted());

    // Images that cannot be read are not among those.
    fs::write(root.join("g.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    fs::write(root.join("h.svg"), "<svg/>").unwrap();
    let (found, message) = checked(&root, &[]);
    assert_eq!(found["unreadable"].as_array().unwrap().len(), 2);
    assert!(message.contains("HEIC") || found.to_string().contains("HEIC"));
    let mut strict = check(&root, &[]);
    strict.push("--strict".into());
    refused(
        &strict,
        &["g.heic", "HEIC format, which is not read", "PNG"],
    );
    refused(
        &apply(
            "encode",
            &run,
            &root.join("g.heic"),
            &directory.path().join("codes.npy"),
        ),
        &["HEIC format, which is not read"],
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_pipes_never_opened() {
    use std::os::unix::fs::symlink;
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("photos");
    fill(&root.join("cats"), 4);
    let elsewhere = fill(&directory.path().join("elsewhere"), 3);
    symlink(&elsewhere, root.join("dogs")).unwrap();
    symlink(&elsewhere, root.join("hounds")).unwrap();
    symlink(&root, root.join("cats/circle")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("nowhere", root.join("lost.png")).unwrap();
    symlink(root.join("cats/0.png"), root.join("cats/9.png")).unwrap();
    crate::support::make_pipe(&root.join("cats/pipe.png"));
    let (found, message) = checked(&root, &[]);
    let count: u64 = splits(&found).iter().map(|(_, images)| images).sum();
    assert_eq!(count, 4 + 1 + 3, "{found} {message}");
    assert_eq!(
        found["preparation"]["classes"],
        serde_json::json!(["cats", "dogs"])
    );
    for part in [
        "3 a link to a folder that is read already",
        "1 a link that leads nowhere (lost.png)",
        "1 a pipe, socket or device (cats/pipe.png)",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

/// A folder of the given split folders, each of two classes.
fn layout(root: &Path, folders: &[(&str, u32)]) -> PathBuf {
    for (folder, count) in folders {
        fill(&root.join(folder).join("cat"), *count);
        fill(&root.join(folder).join("dog"), *count);
    }
    root.to_owned()
}

#[test]
fn folders_called_as_splits_are_splits_in_any_case() {
    let directory = tempfile::tempdir().unwrap();
    for (number, (folders, expected)) in [
        (
            &[("Train", 4), ("TEST", 3), ("valid", 2)][..],
            &[("train", 8), ("test", 6), ("validation", 4)][..],
        ),
        (
            &[("training", 4), ("Validation", 2), ("testing", 1)],
            &[("train", 8), ("test", 2), ("validation", 4)],
        ),
        // A tenth of those to train on is for tests.
        (
            &[("train", 10), ("val", 3)],
            &[("train", 18), ("test", 2), ("validation", 6)],
        ),
        (&[("train", 10)], &[("train", 18), ("test", 2)]),
        (&[("train", 4), ("test", 1)], &[("train", 8), ("test", 2)]),
    ]
    .into_iter()
    .enumerate()
    {
        let root = layout(&directory.path().join(number.to_string()), folders);
        let (found, message) = checked(&root, &[]);
        assert_eq!(splits(&found), expected, "{folders:?}");
        assert_eq!(
            found["preparation"]["classes"],
            serde_json::json!(["cat", "dog"])
        );
        assert!(message.is_empty(), "{message}");
    }
    let root = directory.path().join("2");
    // What systems leave beside folders is neither split nor class.
    fill(&root.join("__MACOSX"), 1);
    fill(&root.join(".ipynb_checkpoints"), 1);
    let of = [
        &SMALL[..],
        &[
            ("train.early_stopping.patience", "1"),
            ("train.epochs", "3"),
        ],
    ]
    .concat();
    let run = directory.path().join("run");
    succeed(&train("images", &root, &run, &of));
    let history = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert!(history.contains("validation"), "{history}");
    succeed(&["evaluate".to_owned(), run.display().to_string()]);
    let resume = [
        "train".to_owned(),
        "--resume".into(),
        run.display().to_string(),
    ];
    succeed(&resume);
    refused(
        &train(
            "images",
            &root,
            &directory.path().join("b"),
            &[&of[..], &[("data.validation", "2")]].concat(),
        ),
        &["contradicts", "leave data.validation out"],
    );
    let without = layout(
        &directory.path().join("without"),
        &[("train", 5), ("test", 2)],
    );
    refused(
        &train("images", &without, &directory.path().join("c"), &of),
        &["needs validation examples", "data.validation"],
    );
    let held_out = fill(&directory.path().join("held-out"), 3)
        .display()
        .to_string();
    let of = [&of[..], &[("data.validation_path", held_out.as_str())]].concat();
    let run = directory.path().join("d");
    succeed(&train("images", &without, &run, &of));
    succeed(&["evaluate".to_owned(), run.display().to_string()]);
}

#[test]
fn what_could_be_split_or_class_is_not_guessed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let root = layout(&at("extra"), &[("train", 2), ("test", 2), ("extra", 2)]);
    refused(
        &check(&root, &[]),
        &["`test`, `train` beside `extra`", "data.path=DIR/train"],
    );
    let root = layout(&at("twice"), &[("train", 2), ("training", 2), ("test", 2)]);
    refused(&check(&root, &[]), &["train, training", "data.test_path"]);
    let root = layout(&at("untrained"), &[("val", 2), ("test", 2)]);
    refused(
        &check(&root, &[]),
        &["`test`, `val`, and no folder `train`"],
    );
    // Vehicles.
    let root = at("vehicles");
    for class in ["bus", "car", "train"] {
        fill(&root.join(class), 3);
    }
    let (found, message) = checked(&root, &[]);
    assert_eq!(
        found["preparation"]["classes"],
        serde_json::json!(["bus", "car", "train"])
    );
    assert!(
        message.contains("`train` is one of the classes"),
        "{message}"
    );
}

#[test]
fn no_test_example_is_trained_on() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let root = at("photos");
    fill(&root.join("cats"), 4);
    fill(&root.join("dogs"), 4);
    let inside = root.join("cats").display().to_string();
    let itself = root.display().to_string();
    let outside = directory.path().display().to_string();
    for (test, part) in [
        (&inside, "is inside of data.path"),
        (&itself, "is data.path itself"),
        (&outside, "holds data.path"),
    ] {
        refused(
            &check(&root, &[("data.test_path", test)]),
            &["data.test_path", part],
        );
        refused(
            &check(&root, &[("data.validation_path", test)]),
            &["data.validation_path", part],
        );
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(root.join("cats"), at("link")).unwrap();
        let link = at("link").display().to_string();
        refused(
            &check(&root, &[("data.test_path", &link)]),
            &["is inside of data.path"],
        );
        // A link among the images to train on that leads to those for tests.
        let apart = fill(&at("apart"), 3);
        std::os::unix::fs::symlink(&apart, root.join("more")).unwrap();
        let apart = apart.display().to_string();
        refused(
            &check(&root, &[("data.test_path", &apart)]),
            &["is in the training and in the test split"],
        );
    }
    let table = at("table.csv");
    fs::write(&table, "a,b\n1,2\n3,4\n5,6\n").unwrap();
    let arguments = [
        "data",
        "check",
        "--config=configs/own/table.toml",
        &format!("--set=data.path={}", table.display()),
        &format!("--set=data.test_path={}", table.display()),
    ]
    .map(str::to_owned);
    refused(&arguments, &["is data.path itself"]);
}

#[test]
fn classes_that_are_not_taken_from_folders_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("photos");
    fill(&root.join("cats"), 3);
    GrayImage::from_pixel(8, 8, Luma([9]))
        .save(root.join("beside.png"))
        .unwrap();
    let (found, message) = checked(&root, &[]);
    assert!(found["preparation"]["classes"].is_null());
    assert!(
        message.contains("1 images lie beside the folders (beside.png)"),
        "{message}"
    );
}
