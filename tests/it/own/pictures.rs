//! Folders of pictures.

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use serde_json::json;

use super::{apply, csv, files, json as answer, settings, told, train};
use crate::support::{hourglass, refused, succeed};

const SMALL: [(&str, &str); 2] = [("data.resize", "12"), ("model.encoder", "[144, 16, 4]")];

/// A folder of pictures of two classes, of three formats and many sizes; every tenth is broken.
fn photos(directory: &Path, count: u32) -> PathBuf {
    let root = directory.join("photos");
    for class in ["round", "square"] {
        fs::create_dir_all(root.join(class)).unwrap();
    }
    for number in 0..count {
        let (width, height) = (10 + number * 7 % 40, 10 + number * 11 % 30);
        let picture = RgbImage::from_fn(width, height, |x, y| {
            Rgb([
                (255 * x / width) as u8,
                (255 * y / height) as u8,
                (number * 40 % 256) as u8,
            ])
        });
        let (name, format) = match number % 3 {
            0 => ("png", ImageFormat::Png),
            1 => ("jpg", ImageFormat::Jpeg),
            _ => ("webp", ImageFormat::WebP),
        };
        let class = if number % 2 == 0 { "round" } else { "square" };
        let path = root.join(class).join(format!("{number:03}.{name}"));
        picture.save_with_format(&path, format).unwrap();
        if number % 10 == 9 {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    fs::write(root.join("notes.txt"), "no picture").unwrap();
    root
}

#[test]
fn a_folder_of_mixed_and_broken_pictures_trains_and_is_scored() {
    let directory = tempfile::tempdir().unwrap();
    let photos = photos(directory.path(), 60);
    let run = directory.path().join("run");
    let message = told(&train("images", &photos, &run, &SMALL));
    assert!(
        message.contains("6 of 60 examples cannot be read"),
        "{message}"
    );
    assert!(message.contains("square/009.png: "), "{message}");
    let input = answer(&[
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        "--config=configs/own/images.toml".into(),
        format!("--set=data.path={}", photos.display()),
        "--set=data.resize=12".into(),
    ]);
    // A tenth of the 54 for tests; both classes by their folders.
    assert_eq!(input["splits"][0]["images"], 49);
    assert_eq!(input["splits"][1]["images"], 5);
    assert_eq!(input["preparation"]["classes"], json!(["round", "square"]));
    assert_eq!(input["unreadable"].as_array().unwrap().len(), 6);

    let scores = directory.path().join("scores.csv");
    succeed(&apply("score", &run, &photos, &scores));
    let lines = csv(&scores);
    assert_eq!(
        lines[0],
        [
            "name",
            "class",
            "excess_bce_nats_per_pixel",
            "rank",
            "anomalous"
        ]
    );
    assert_eq!(lines.len(), 55);
    let names: Vec<&str> = lines[1..].iter().map(|line| line[0].as_str()).collect();
    assert!(names.is_sorted(), "in the order of the input");
    assert!(lines[1..].iter().all(|line| line[0].starts_with(&line[1])));
    // The ranks are those of the errors.
    let mut ranked: Vec<(usize, f64)> = lines[1..]
        .iter()
        .map(|l| (l[3].parse().unwrap(), l[2].parse().unwrap()))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    assert!(
        ranked
            .windows(2)
            .all(|pair| pair[0].0 + 1 == pair[1].0 && pair[0].1 >= pair[1].1)
    );

    // The files that are read are the same when they are named one by one.
    let out = directory.path().join("one.csv");
    let picture = photos.join("round/000.png");
    succeed(&apply("score", &run, &picture, &out));
    // A picture by itself has no folder, and so no class.
    let error = |field: &str| field.parse::<f64>().unwrap();
    let (alone, among) = (error(&csv(&out)[1][1]), error(&lines[1][2]));
    // Products of matrices of other heights are rounded otherwise.
    assert!((alone - among).abs() < 1e-6 * among, "{alone} {among}");
}

/// Ten are drawn, and what was looked at for them and cannot be read is reported, before the tenth or behind it.
#[test]
fn what_cannot_be_read_is_reported_though_enough_can() {
    let directory = tempfile::tempdir().unwrap();
    let photos = photos(directory.path(), 60);
    let run = directory.path().join("run");
    succeed(&train("images", &photos, &run, &SMALL));
    let out = directory.path().join("drawn.png");
    let mut draw = apply("reconstruct", &run, &photos, &out);
    for count in ["1", "10", "54", "60"] {
        let message = told(&[&draw[..], &["-n".to_owned(), count.into()]].concat());
        let all = "6 of 60 examples cannot be read";
        assert_eq!(message.matches(all).count(), 1, "{count}: {message}");
        let broken: Vec<&str> = message
            .lines()
            .filter_map(|line| line.trim().split(": ").next())
            .filter(|name| name.contains('/'))
            .collect();
        let expected = [
            "009.png", "019.jpg", "029.webp", "039.png", "049.jpg", "059.webp",
        ];
        let expected = expected.map(|name| format!("square/{name}"));
        assert_eq!(broken, expected, "in the order of the input: {message}");
    }
    draw.push("--strict".into());
    refused(&draw, &["6 of 60 examples cannot be read"]);

    // Commands that take the first image of an input report what stands before it.
    let alone = directory.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(photos.join("square/009.png"), alone.join("a.png")).unwrap();
    fs::copy(photos.join("round/000.png"), alone.join("b.png")).unwrap();
    let mut between = apply("interpolate", &run, &alone, &out);
    between.push(format!("--input={}", photos.join("round").display()));
    let message = told(&between);
    assert!(
        message.contains("1 of 2 examples cannot be read"),
        "{message}"
    );
    assert!(message.contains("a.png: "), "{message}");
}

#[test]
fn strict_ends_at_a_picture_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let photos = photos(directory.path(), 20);
    let run = directory.path().join("run");
    let mut strict = train("images", &photos, &run, &SMALL);
    strict.push("--strict".into());
    refused(
        &strict,
        &["2 of 20 examples cannot be read", "square/009.png"],
    );
    assert!(!run.exists());
    succeed(&train("images", &photos, &run, &SMALL));
    let out = directory.path().join("codes.csv");
    let mut encode = apply("encode", &run, &photos, &out);
    encode.push("--strict".into());
    refused(&encode, &["2 of 20 examples cannot be read"]);
    assert!(!out.exists(), "nothing half done");
}

#[test]
fn reconstructions_are_pictures_under_the_names_of_their_inputs() {
    let directory = tempfile::tempdir().unwrap();
    let photos = photos(directory.path(), 8);
    let run = directory.path().join("run");
    succeed(&train("images", &photos, &run, &SMALL));
    let out = directory.path().join("drawn");
    succeed(&apply("reconstruct", &run, &photos, &out));
    let expected =
        ["000.png", "002.webp.png", "004.jpg.png", "006.png"].map(|name| format!("round/{name}"));
    let found: Vec<String> = files(&out)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(found[..4], expected);
    let drawn = image::open(out.join("round/000.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (12, 12));
    // What is there is not written over unasked, and an input never.
    refused(
        &apply("reconstruct", &run, &photos, &out),
        &["holds files already", "--force"],
    );
    let mut forced = apply("reconstruct", &run, &photos, &photos);
    forced.push("--force".into());
    refused(&forced, &["is an input too"]);
}

/// A colour network gives colours back, and a picture of another size is made to fit when asked.
#[test]
fn colours_stay() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("red");
    fs::create_dir_all(&root).unwrap();
    for number in 0..40u8 {
        let red = RgbImage::from_pixel(6, 5, Rgb([255, number, 0]));
        red.save(root.join(format!("{number}.png"))).unwrap();
    }
    let run = directory.path().join("run");
    let coloured = [
        ("data.grayscale", "false"),
        ("data.resize", "[5, 6]"),
        ("model.encoder", "[90, 8]"),
        ("train.epochs", "300"),
    ];
    succeed(&train("images", &root, &run, &coloured));
    let large = directory.path().join("large.png");
    RgbImage::from_pixel(60, 51, Rgb([255, 10, 0]))
        .save(&large)
        .unwrap();
    let out = directory.path().join("out");
    succeed(&apply("reconstruct", &run, &large, &out));
    let drawn = image::open(out.join("large.png")).unwrap().into_rgb8();
    assert_eq!(drawn.dimensions(), (6, 5));
    let Rgb([red, _, blue]) = *drawn.get_pixel(3, 2);
    assert!(red > 200 && blue < 60, "{red} {blue}");
    let picture = image::open(run.join("reconstructions.png"))
        .unwrap()
        .into_rgb8();
    assert!(
        picture
            .pixels()
            .any(|pixel| pixel.0[0] > 200 && pixel.0[2] < 60),
        "drawn in colour"
    );
    assert!(succeed(&["report".to_owned(), run.display().to_string()]).contains("report.html"));
}

#[test]
fn pictures_are_cut_turned_and_inverted_as_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("wide");
    fs::create_dir_all(&root).unwrap();
    // Black but for a white right half, three times as wide as high.
    let wide = GrayImage::from_fn(60, 20, |x, _| Luma([if x < 30 { 0 } else { 255 }]));
    for number in 0..4 {
        wide.save(root.join(format!("{number}.png"))).unwrap();
    }
    let mean = |of: &[(&str, &str)]| {
        let mut arguments = vec![
            "data".to_owned(),
            "check".into(),
            "--json".into(),
            "--config=configs/own/images.toml".into(),
            format!("--set=data.path={}", root.display()),
        ];
        arguments.extend(settings(of));
        let found = answer(&arguments);
        let least = found["splits"][0]["least"].as_f64().unwrap();
        (found["splits"][0]["mean_pixel"].as_f64().unwrap(), least)
    };
    assert_eq!(mean(&[("data.resize", "[20, 60]")]).0, 0.5);
    // The middle, where black meets white.
    assert!((mean(&[("data.resize", "20")]).0 - 0.5).abs() < 0.01);
    assert_eq!(
        mean(&[("data.resize", "[20, 60]"), ("data.invert", "true")]).0,
        0.5
    );
    let dark = GrayImage::from_pixel(60, 20, Luma([51]));
    for number in 0..4 {
        dark.save(root.join(format!("{number}.png"))).unwrap();
    }
    assert!((mean(&[("data.invert", "true")]).0 - 0.8).abs() < 1e-6);
    assert!((mean(&[]).0 - 0.2).abs() < 1e-6);
}

#[test]
fn pictures_of_several_sizes_need_to_be_told_one() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("sizes");
    fs::create_dir_all(&root).unwrap();
    for (name, size) in [("a", 12), ("b", 13), ("c", 12)] {
        DynamicImage::new_luma8(size, 12)
            .save(root.join(format!("{name}.png")))
            .unwrap();
    }
    let mut arguments = train(
        "images",
        &root,
        &directory.path().join("run"),
        &[("model.encoder", "[144, 4]")],
    );
    // The config's own size is taken away.
    let config = directory.path().join("config.toml");
    let text = fs::read_to_string(crate::support::root().join("configs/own/images.toml")).unwrap();
    fs::write(&config, text.replace("resize = [32, 32]", "")).unwrap();
    arguments[3] = format!("--config={}", config.display());
    refused(
        &arguments,
        &["b.png is 12×13", "12×12", "data.resize = [12, 12]"],
    );
}

#[test]
fn what_holds_no_pictures_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    for (path, part) in [
        ("empty", "holds no images"),
        ("nothing-there", "No such file"),
    ] {
        let path = directory.path().join(path);
        if part.contains("images") {
            fs::create_dir(&path).unwrap();
        }
        refused(&train("images", &path, &run, &SMALL), &[part]);
    }
    let output = hourglass(&[
        "train",
        "--config=configs/own/images.toml",
        "--set=data.path=x",
        "--set=data.header=true",
    ]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("`data.header` needs data.dataset"),
        "{message}"
    );
}
