//! Samples of images: transparency, 16 bits and floating point, greys.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::{Compression, Crc, write::ZlibEncoder};
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage,
};
use serde_json::{Value, json};
use tiff::encoder::{TiffEncoder, colortype};

use super::{apply, json as answer, settings, told, train};
use crate::support::{hourglass, refused, succeed};

/// Everything that `data check --json` says of a folder of images, and its standard error.
fn checked(path: &Path, of: &[(&str, &str)]) -> (Value, String) {
    let mut arguments = vec![
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        "--config=configs/own/images.toml".into(),
        format!("--set=data.path={}", path.display()),
    ];
    arguments.extend(settings(of));
    let output = hourglass(&arguments);
    assert!(output.status.success(), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), message)
}

/// The least, the greatest and the mean number of the training split.
fn numbers(path: &Path, of: &[(&str, &str)]) -> [f64; 3] {
    let (found, _) = checked(path, of);
    let split = &found["splits"][0];
    ["least", "greatest", "mean_pixel"].map(|name| split[name].as_f64().unwrap())
}

#[track_caller]
fn close(found: [f64; 3], expected: [f64; 3]) {
    for (found_one, expected_one) in found.iter().zip(expected) {
        assert!(
            (found_one - expected_one).abs() < 1e-6,
            "{found:?} {expected:?}"
        );
    }
}

/// Writes an image several times, since a split needs more than one.
fn copies(folder: &Path, name: &str, image: &DynamicImage, format: ImageFormat) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..3 {
        let path = folder.join(format!("{number}-{name}"));
        image.save_with_format(path, format).unwrap();
    }
}

/// Ink on a quarter of a transparent sheet whose hidden colour is black too.
fn ink() -> RgbaImage {
    RgbaImage::from_fn(32, 32, |x, y| match x < 16 && y < 16 {
        true => Rgba([0, 0, 0, 255]),
        false => Rgba([0, 0, 0, 0]),
    })
}

/// A PNG of chunks that no encoder here writes.
fn png(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in chunks {
        file.extend((content.len() as u32).to_be_bytes());
        let named = [&name[..], content].concat();
        let mut checksum = Crc::new();
        checksum.update(&named);
        file.extend(named);
        file.extend(checksum.sum().to_be_bytes());
    }
    file
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn transparent_pixels_show_the_background() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("ink");
    copies(&root, "ink.png", &ink().into(), ImageFormat::Png);
    close(numbers(&root, &[]), [0.0, 1.0, 0.75]);
    close(numbers(&root, &[("data.invert", "true")]), [0.0, 1.0, 0.25]);
    let half = [("data.background", "51"), ("data.invert", "false")];
    close(numbers(&root, &half), [0.0, 0.2, 0.15]);
    let green = [
        ("data.background", "[0, 255, 0]"),
        ("data.grayscale", "false"),
    ];
    close(numbers(&root, &green), [0.0, 1.0, 0.25]);
    // Where the image is scaled, the hidden colour does not bleed in.
    let hidden = RgbaImage::from_fn(64, 64, |x, _| match x % 2 {
        0 => Rgba([255, 255, 255, 255]),
        _ => Rgba([0, 0, 0, 0]),
    });
    copies(&root, "ink.png", &hidden.into(), ImageFormat::Png);
    let (found, _) = checked(&root, &[]);
    assert_eq!(found["splits"][0]["least"], 1.0);
    refused(
        &[
            "data",
            "check",
            "--config=configs/own/images.toml",
            "--set=data.background=red",
        ],
        &["`data.background` must be \"white\", \"black\""],
    );
}

#[test]
fn palettes_and_sixteen_bits_are_transparent_too() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("palette");
    fs::create_dir(&root).unwrap();
    // Two colours, of which the second, red, is transparent; a row of each in turn.
    let header = [
        &8u32.to_be_bytes()[..],
        &8u32.to_be_bytes(),
        &[8, 3, 0, 0, 0],
    ]
    .concat();
    let rows: Vec<u8> = (0..8u8)
        .flat_map(|row| [&[0][..], &[row % 2; 8]].concat())
        .collect();
    let file = png(&[
        (b"IHDR", header),
        (b"PLTE", vec![0, 0, 0, 255, 0, 0]),
        (b"tRNS", vec![255, 0]),
        (b"IDAT", deflated(&rows)),
        (b"IEND", Vec::new()),
    ]);
    for number in 0..3 {
        fs::write(root.join(format!("{number}.png")), &file).unwrap();
    }
    close(numbers(&root, &[("data.resize", "8")]), [0.0, 1.0, 0.5]);

    let root = directory.path().join("sixteen");
    let sheet = ImageBuffer::from_fn(8, 8, |x, _| {
        LumaA([1000u16, if x < 2 { 65_535 } else { 0 }])
    });
    copies(
        &root,
        "a.png",
        &DynamicImage::ImageLumaA16(sheet),
        ImageFormat::Png,
    );
    let ink = 1000.0 / 65_535.0;
    close(
        numbers(&root, &[("data.resize", "8")]),
        [ink, 1.0, 0.25 * ink + 0.75],
    );
}

/// The codes of images, `[images, code]` row by row.
fn codes(run: &Path, input: &Path) -> Vec<f32> {
    let out = input.with_extension("npy");
    succeed(&apply("encode", run, input, &out));
    crate::parity::read_npy(&out)
}

const SMALL: [(&str, &str); 2] = [("data.resize", "8"), ("model.encoder", "[64, 16, 4]")];

#[test]
fn a_run_keeps_its_background_and_one_of_an_earlier_version_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("photos")).unwrap();
    for number in 0..20u8 {
        let photo = RgbImage::from_fn(8, 8, |x, y| Rgb([(x * 30) as u8, (y * 30) as u8, number]));
        photo
            .save(at("photos").join(format!("{number:02}.png")))
            .unwrap();
    }
    let run = at("run");
    let of = [&SMALL[..], &[("data.background", "[0, 0, 200]")]].concat();
    succeed(&train("images", &at("photos"), &run, &of));
    let pixels = |x: u32, y: u32| [(9 * x) as u8, (20 * y) as u8, 90];
    let opacity = |x: u32| (36 * x) as u8;
    let clear = RgbaImage::from_fn(8, 8, |x, y| {
        let [r, g, b] = pixels(x, y);
        Rgba([r, g, b, opacity(x)])
    });
    clear.save(at("clear.png")).unwrap();
    let over = RgbImage::from_fn(8, 8, |x, y| {
        let background = [0, 0, 200];
        let share = f64::from(opacity(x)) / 255.0;
        let mix = |i: usize| {
            let colour = f64::from(pixels(x, y)[i]) * share;
            (colour + f64::from(background[i]) * (1.0 - share)).round() as u8
        };
        Rgb([mix(0), mix(1), mix(2)])
    });
    over.save(at("over.png")).unwrap();
    assert_eq!(codes(&run, &at("clear.png")), codes(&run, &at("over.png")));

    // As a run was noted before transparency and Rec. 601 were known.
    let note = run.join("input.json");
    let mut input: Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    assert_eq!(input["fit"]["background"], json!([0, 0, 200]));
    assert_eq!(input["fit"]["grey_weights"], "rec601");
    assert_eq!(input["depth"], "uint8");
    let fit = input["fit"].as_object_mut().unwrap();
    fit.retain(|key, _| !["background", "grey_weights"].contains(&key.as_str()));
    input.as_object_mut().unwrap().remove("depth");
    fs::write(&note, input.to_string()).unwrap();
    let greys = |weigh: fn([u8; 3]) -> u32| {
        DynamicImage::from(GrayImage::from_fn(8, 8, |x, y| {
            Luma([weigh(pixels(x, y)) as u8])
        }))
    };
    let older = |[r, g, b]: [u8; 3]| {
        (2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) + 5000) / 10_000
    };
    greys(older).save(at("older.png")).unwrap();
    assert_eq!(codes(&run, &at("clear.png")), codes(&run, &at("older.png")));
}

/// 12 bits of a camera in files of 16: all 4096 levels are kept, and the range is asked for.
#[test]
fn sixteen_bits_are_kept_and_a_range_that_is_hardly_used_is_told() {
    let directory = tempfile::tempdir().unwrap();
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.tiff", ImageFormat::Tiff),
        ("a.pgm", ImageFormat::Pnm),
    ] {
        let root = directory.path().join(name);
        let sensor = ImageBuffer::from_fn(64, 64, |x, y| Luma([(64 * y + x) as u16]));
        copies(&root, name, &DynamicImage::ImageLuma16(sensor), format);
        let of = [("data.resize", "64")];
        let mean = 4095.0 / 2.0;
        close(
            numbers(&root, &of),
            [0.0, 4095.0 / 65_535.0, mean / 65_535.0],
        );
        let (found, message) = checked(&root, &of);
        assert!(
            message.contains("go from 0 to 4095") && message.contains("data.range = [0, 4095]"),
            "{message}"
        );
        assert_eq!(found["preparation"]["depth"], "uint16");
        let of = [("data.resize", "64"), ("data.range", "[0, 4095]")];
        close(numbers(&root, &of), [0.0, 1.0, 0.5]);
        let (found, message) = checked(&root, &of);
        assert!(!message.contains("a sixteenth"), "{message}");
        assert_eq!(found["preparation"]["fit"]["range"], json!([0.0, 4095.0]));
        let inverted = [&of[..], &[("data.invert", "true")]].concat();
        close(numbers(&root, &inverted), [0.0, 1.0, 0.5]);
        // What is beyond the range is said of its file.
        let of = [("data.resize", "64"), ("data.range", "[0, 4000]")];
        let mut arguments = vec!["data".to_owned(), "check".into()];
        arguments.extend(["--config=configs/own/images.toml".to_owned()]);
        arguments.push(format!("--set=data.path={}", root.display()));
        arguments.extend(settings(&of));
        refused(&arguments, &["beyond data.range = [0, 4000]"]);
    }
}

#[test]
fn colours_of_sixteen_bits_and_files_of_eight_are_on_one_scale() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("mixed");
    let deep = ImageBuffer::from_fn(8, 8, |x, _| {
        Rgb([if x < 4 { 500u16 } else { 60_000 }, 0, 7])
    });
    copies(
        &root,
        "b.png",
        &DynamicImage::ImageRgb16(deep),
        ImageFormat::Png,
    );
    let of = [("data.resize", "8"), ("data.grayscale", "false")];
    let mean = (500.0 + 60_000.0 + 14.0) / 6.0;
    close(
        numbers(&root, &of),
        [0.0, 60_000.0 / 65_535.0, mean / 65_535.0],
    );
    // Pillow's weights, in 16 bits.
    let grey = |red: u64| (red * 19_595 + 7 * 7471 + 0x8000) >> 16;
    let (dark, bright) = (grey(500) as f64 / 65_535.0, grey(60_000) as f64 / 65_535.0);
    close(
        numbers(&root, &[("data.resize", "8")]),
        [dark, bright, (dark + bright) / 2.0],
    );
    let shallow = RgbImage::from_pixel(8, 8, Rgb([255, 100, 0]));
    for number in 0..30 {
        shallow.save(root.join(format!("8-{number}.png"))).unwrap();
    }
    let found = numbers(&root, &of);
    assert_eq!(found[1], 1.0, "255 of 8 bits is 65535 of 16: {found:?}");
}

#[test]
fn images_of_eight_bits_reach_a_network_of_sixteen_on_its_scale() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("scans")).unwrap();
    for number in 0..20u16 {
        let scan = ImageBuffer::from_fn(8, 8, |x, y| Luma([(x * 8000 + y * 900) as u16 + number]));
        let path = at("scans").join(format!("{number:02}.png"));
        DynamicImage::ImageLuma16(scan).save(path).unwrap();
    }
    let shallow = GrayImage::from_fn(8, 8, |x, y| Luma([(x * 30 + y) as u8]));
    shallow.save(at("shallow.png")).unwrap();
    let deep = ImageBuffer::from_fn(8, 8, |x, y| Luma([257 * (x * 30 + y) as u16]));
    DynamicImage::ImageLuma16(deep)
        .save(at("deep.png"))
        .unwrap();
    for (name, more) in [("full", None), ("part", Some(("data.range", "[0, 65000]")))] {
        let of: Vec<_> = SMALL.into_iter().chain(more).collect();
        succeed(&train("images", &at("scans"), &at(name), &of));
        assert_eq!(
            codes(&at(name), &at("shallow.png")),
            codes(&at(name), &at("deep.png")),
            "{name}"
        );
    }
    // The other way round, and with what a run is reopened for.
    fs::create_dir(at("photos")).unwrap();
    for number in 0..20u8 {
        let photo = GrayImage::from_fn(8, 8, |x, y| Luma([(x * 30 + y) as u8 + number]));
        photo
            .save(at("photos").join(format!("{number:02}.png")))
            .unwrap();
    }
    succeed(&train("images", &at("photos"), &at("eight"), &SMALL));
    assert_eq!(
        codes(&at("eight"), &at("shallow.png")),
        codes(&at("eight"), &at("deep.png"))
    );
    succeed(&["evaluate".to_owned(), at("part").display().to_string()]);
    succeed(&apply(
        "score",
        &at("part"),
        &at("scans"),
        &at("scores.csv"),
    ));
}

#[test]
fn floating_point_images_need_a_range_unless_they_have_one() {
    let directory = tempfile::tempdir().unwrap();
    let write = |folder: &Path, scale: f32| {
        fs::create_dir_all(folder).unwrap();
        for number in 0..3 {
            let file = File::create(folder.join(format!("{number}.tif"))).unwrap();
            let samples: Vec<f32> = (0..64).map(|i| scale * i as f32 / 63.0).collect();
            let mut encoder = TiffEncoder::new(file).unwrap();
            let write = encoder.write_image::<colortype::Gray32Float>(8, 8, &samples);
            write.unwrap();
        }
    };
    let (unit, wide) = (directory.path().join("unit"), directory.path().join("wide"));
    write(&unit, 1.0);
    close(numbers(&unit, &[("data.resize", "8")]), [0.0, 1.0, 0.5]);
    write(&wide, -1000.0);
    let arguments = |more: &[(&str, &str)]| {
        let mut arguments = vec!["data".to_owned(), "check".into(), "--json".into()];
        arguments.push("--config=configs/own/images.toml".into());
        arguments.push(format!("--set=data.path={}", wide.display()));
        arguments.push("--set=data.resize=8".into());
        arguments.extend(settings(more));
        arguments
    };
    refused(
        &arguments(&[]),
        &[
            "go from -1000 to 0",
            "data.range = [LOW, HIGH]",
            "[-1000, 0]",
        ],
    );
    let found = answer(&arguments(&[("data.range", "[-1000, 0]")]));
    assert_eq!(found["splits"][0]["greatest"], 1.0);
    assert_eq!(found["preparation"]["depth"], "numbers");
    // Beside images of bytes they have no scale.
    GrayImage::new(8, 8).save(wide.join("bytes.png")).unwrap();
    refused(&arguments(&[]), &["mixes", "bytes.png", "0.tif"]);
    let run = directory.path().join("run");
    succeed(&train(
        "images",
        &unit,
        &run,
        &[&SMALL[..], &[("train.batch_size", "1")]].concat(),
    ));
    let message = told(&apply(
        "encode",
        &run,
        &unit,
        &directory.path().join("codes.npy"),
    ));
    assert!(!message.contains("warning"), "{message}");
}

/// Pillow: `Image.convert("L")` of pure red is 76, of green 150, of blue 29.
#[test]
fn greys_are_weighed_as_rec_601_does() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("colours");
    let bands = RgbImage::from_fn(32, 32, |x, _| match x {
        0..16 => Rgb([255, 0, 0]),
        16..24 => Rgb([0, 255, 0]),
        _ => Rgb([0, 0, 255]),
    });
    copies(&root, "a.png", &bands.into(), ImageFormat::Png);
    let mean = (2.0 * 76.0 + 150.0 + 29.0) / 4.0;
    close(
        numbers(&root, &[]),
        [29.0, 150.0, mean].map(|grey| grey / 255.0),
    );
    let older = [("data.grey_weights", "rec709")];
    let mean = (2.0 * 54.0 + 182.0 + 18.0) / 4.0;
    close(
        numbers(&root, &older),
        [18.0, 182.0, mean].map(|grey| grey / 255.0),
    );
    let check = [
        "data".to_owned(),
        "check".into(),
        "--config=configs/own/images.toml".into(),
        format!("--set=data.path={}", root.display()),
    ];
    assert!(succeed(&check).contains("Rec. 601: 0.299 red + 0.587 green + 0.114 blue"));
}

/// Neither its config nor its note says how greys are weighed: as they were then, also where its data are read again.
#[test]
fn a_run_of_an_earlier_version_measures_its_images_as_it_did() {
    let directory = tempfile::tempdir().unwrap();
    let photos = directory.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for number in 0..20u8 {
        let photo = RgbImage::from_fn(8, 8, |x, y| Rgb([(x * 30) as u8, (y * 30) as u8, number]));
        photo.save(photos.join(format!("{number:02}.png"))).unwrap();
    }
    let run = directory.path().join("run");
    let of = [&SMALL[..], &[("data.grey_weights", "rec709")]].concat();
    succeed(&train("images", &photos, &run, &of));
    let evaluate = [
        "evaluate".to_owned(),
        run.display().to_string(),
        "--json".into(),
    ];
    let before = succeed(&evaluate);
    let note = run.join("input.json");
    let mut input: Value = serde_json::from_slice(&fs::read(&note).unwrap()).unwrap();
    let fit = input["fit"].as_object_mut().unwrap();
    fit.retain(|key, _| !["background", "grey_weights"].contains(&key.as_str()));
    input.as_object_mut().unwrap().remove("depth");
    fs::write(&note, input.to_string()).unwrap();
    let config = run.join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("background") && !line.starts_with("grey_weights"));
    let older: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(older.len() < text.len());
    fs::write(&config, older).unwrap();
    let metrics = |text: &str| {
        let mut found: Value = serde_json::from_str(text).unwrap();
        found
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !key.contains("seconds"));
        found
    };
    assert_eq!(metrics(&succeed(&evaluate)), metrics(&before));
}
