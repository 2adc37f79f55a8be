//! NumPy's files as they are found: labels of any kind, both orders, gzip, archives with any names, and headers that mean harm.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use zip::write::FileOptions;

use super::{apply, json as answer, told, train};
use crate::support::{hourglass, program, refused, run_with_input, succeed, write_idx};

/// A file of version 1, padded as NumPy's are.
fn npy(descr: &str, is_fortran: bool, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let order = if is_fortran { "True" } else { "False" };
    let text = format!(
        "{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({}), }}",
        sizes.trim_end()
    );
    let width = (text.len() + 11).next_multiple_of(64) - 11;
    header(1, &format!("{text:width$}\n"), elements)
}

fn header(version: u8, text: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((text.len() as u16).to_le_bytes()),
        _ => bytes.extend((text.len() as u32).to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.extend(elements);
    bytes
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut archive = zip::ZipWriter::new(&mut bytes);
    for (name, array) in arrays {
        archive
            .start_file(format!("{name}.npy"), FileOptions::default())
            .unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap();
    drop(archive);
    bytes.into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Images that differ, as bytes.
fn pixels(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 37 % 251) as u8).collect()
}

fn images(count: usize) -> Vec<u8> {
    npy("|u1", false, &[count, 4, 4], &pixels(count * 16))
}

/// Elements of `[count, axes]` in the order of C, in that of Fortran.
fn to_fortran<T: Copy>(shape: &[usize], elements: &[T]) -> Vec<T> {
    let mut sorted: Vec<usize> = (0..elements.len()).collect();
    sorted.sort_by_key(|&c| {
        let (mut rest, mut place, mut weight) = (c, 0, 1);
        let mut index = Vec::new();
        for &size in shape.iter().rev() {
            index.push(rest % size);
            rest /= size;
        }
        for (&index, &size) in index.iter().rev().zip(shape) {
            place += index * weight;
            weight *= size;
        }
        place
    });
    sorted.into_iter().map(|c| elements[c]).collect()
}

fn check_arguments(config: &str, path: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let mut arguments = vec![
        "data".to_owned(),
        "check".into(),
        "--json".into(),
        format!("--config=configs/own/{config}.toml"),
        format!("--set=data.path={}", path.display()),
    ];
    arguments.extend(of.iter().map(|(key, value)| format!("--set={key}={value}")));
    arguments
}

fn check(path: &Path, of: &[(&str, &str)]) -> Value {
    answer(&check_arguments("array", path, of))
}

/// The number of examples of each class in both splits.
fn counts(found: &Value) -> Vec<u64> {
    let mut counts = Vec::new();
    for split in found["splits"].as_array().unwrap() {
        for (class, count) in split["classes"].as_array().unwrap().iter().enumerate() {
            counts.resize(counts.len().max(class + 1), 0);
            counts[class] += count.as_u64().unwrap();
        }
    }
    counts
}

/// The elements of labels, one after another.
fn bytes_of<const N: usize>(labels: impl Iterator<Item = [u8; N]>) -> Vec<u8> {
    labels.flatten().collect()
}

fn wide(text: &str, characters: usize, is_big: bool) -> Vec<u8> {
    let mut codes: Vec<u32> = text.chars().map(u32::from).collect();
    codes.resize(characters, 0);
    let bytes = |code: u32| {
        if is_big {
            code.to_be_bytes()
        } else {
            code.to_le_bytes()
        }
    };
    codes.into_iter().flat_map(bytes).collect()
}

#[test]
fn labels_of_every_kind_are_classes_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("x.npy"), images(100)).unwrap();
    let ten = |names: [&str; 10]| json!(names);
    let large = [
        "16777216", "16777217", "16777218", "16777219", "16777220", "16777221", "16777222",
        "16777223", "16777224", "16777225",
    ];
    let animals = [
        "Ähre", "ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis",
    ];
    let mut sorted = animals;
    sorted.sort_unstable();
    let each = |i: u64| i % 10;
    let text = |characters, is_big| {
        (0..100)
            .flat_map(move |i| wide(animals[i % 10], characters, is_big))
            .collect::<Vec<u8>>()
    };
    let narrow: Vec<u8> = (0..100)
        .flat_map(|i| {
            let mut name = animals[i % 10].as_bytes().to_vec();
            name.resize(6, 0);
            name
        })
        .collect();
    let numbers = Value::Null;
    let cases: Vec<(&str, &[usize], Vec<u8>, Value)> = vec![
        (
            "<i8",
            &[100],
            bytes_of((0..100).map(|i| (16_777_216 + each(i)).to_le_bytes())),
            ten(large),
        ),
        (
            ">i4",
            &[100, 1],
            bytes_of((0..100).map(|i| (16_777_216 + each(i) as i32).to_be_bytes())),
            ten(large),
        ),
        (
            "<u8",
            &[100],
            bytes_of((0..100).map(|i| (u64::MAX - 9 + each(i)).to_le_bytes())),
            json!(
                (0..10)
                    .map(|i| (u64::MAX - 9 + i).to_string())
                    .collect::<Vec<_>>()
            ),
        ),
        (
            "|i1",
            &[100],
            (0..100).map(|i| (each(i) as i8 - 5) as u8).collect(),
            ten(["-5", "-4", "-3", "-2", "-1", "0", "1", "2", "3", "4"]),
        ),
        (
            "<f8",
            &[100],
            bytes_of((0..100).map(|i| (each(i) as f64).to_le_bytes())),
            numbers.clone(),
        ),
        (
            ">u2",
            &[100, 1],
            bytes_of((0..100).map(|i| (each(i) as u16).to_be_bytes())),
            numbers,
        ),
        ("<U4", &[100], text(4, false), ten(sorted)),
        (">U9", &[100, 1], text(9, true), ten(sorted)),
        ("|S6", &[100], narrow, ten(sorted)),
    ];
    for (descr, shape, elements, names) in cases {
        for is_fortran in [false, true] {
            let labels = npy(descr, is_fortran, shape, &elements);
            fs::write(at("y.npy"), &labels).unwrap();
            fs::write(at("y.npy.gz"), gzip(&labels)).unwrap();
            fs::write(at("both.npz"), npz(&[("x", images(100)), ("y", labels)])).unwrap();
            let (beside, zipped) = (
                at("y.npy").display().to_string(),
                at("y.npy.gz").display().to_string(),
            );
            for (path, labels) in [
                ("x.npy", beside.as_str()),
                ("x.npy", &zipped),
                ("both.npz", "y"),
            ] {
                let found = check(&at(path), &[("data.labels", labels)]);
                assert_eq!(found["preparation"]["classes"], names, "{descr}");
                assert_eq!(counts(&found), [10; 10], "{descr} {path}");
            }
        }
    }
    let booleans = npy(
        "|b1",
        false,
        &[100],
        &(0..100).map(|i| u8::from(i < 30)).collect::<Vec<_>>(),
    );
    fs::write(at("y.npy"), booleans).unwrap();
    let labels = at("y.npy").display().to_string();
    assert_eq!(
        counts(&check(&at("x.npy"), &[("data.labels", &labels)])),
        [70, 30]
    );
    // Other files of classes: IDX, and text with a class a line.
    write_idx(&at("y.idx"), &[100], &[vec![3; 60], vec![1; 40]].concat());
    fs::write(at("y.idx.gz"), gzip(&fs::read(at("y.idx")).unwrap())).unwrap();
    for name in ["y.idx", "y.idx.gz"] {
        let labels = at(name).display().to_string();
        assert_eq!(
            counts(&check(&at("x.npy"), &[("data.labels", &labels)])),
            [0, 40, 0, 60]
        );
    }
    let lines: String = (0..100)
        .map(|i| format!("{}\r\n", ["10", "9"][i % 2]))
        .collect();
    fs::write(at("y.txt"), format!("label\r\n{lines}")).unwrap();
    let labels = at("y.txt").display().to_string();
    let found = check(&at("x.npy"), &[("data.labels", &labels)]);
    assert_eq!(counts(&found), [0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 50]);
}

#[test]
fn labels_that_are_not_classes_are_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("x.npy"), images(10)).unwrap();
    let labels = at("y.npy").display().to_string();
    let floats =
        |number: f32| bytes_of((0..10).map(|i| (if i == 7 { number } else { 1.0 }).to_le_bytes()));
    for (descr, shape, elements, parts) in [
        (
            "<f4",
            &[10][..],
            floats(0.5),
            ["label 7 is 0.5", "astype(int)", "data.labels"],
        ),
        (
            "<f4",
            &[10],
            floats(f32::NAN),
            ["label 7 is NaN", "astype(int)", "data.labels"],
        ),
        (
            "<f4",
            &[10],
            floats(16_777_218.0),
            ["label 7 is 16777218", "beyond the integers", "data.labels"],
        ),
        (
            "|u1",
            &[10, 3],
            vec![0; 30],
            ["[10, 3]", "argmax", "data.labels"],
        ),
        (
            "|u1",
            &[11],
            vec![0; 11],
            ["11 labels for 10 images", "", "data.labels"],
        ),
        (
            "|u1",
            &[9],
            vec![0; 9],
            ["9 labels for 10 images", "", "data.labels"],
        ),
        (
            "|u1",
            &[10],
            vec![0; 8],
            ["ends within label", "", "data.labels"],
        ),
        (
            "|O",
            &[10],
            vec![0x80; 90],
            ["which are not read", "astype(str)", "data.labels"],
        ),
        (
            "<M8[D]",
            &[10],
            vec![0; 80],
            ["dates or times", "astype", "data.labels"],
        ),
    ] {
        fs::write(at("y.npy"), npy(descr, false, shape, &elements)).unwrap();
        refused(
            &check_arguments("array", &at("x.npy"), &[("data.labels", &labels)]),
            &parts,
        );
    }
}

/// A thousand classes go through every command that names, draws or counts them.
#[test]
fn a_thousand_classes_are_told_apart_and_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let labels = |first: u32| {
        npy(
            "<i4",
            false,
            &[3000],
            &bytes_of((0..3000).map(|i| (first + i % 1000).to_le_bytes())),
        )
    };
    for (name, first, names) in [
        ("dense", 0, Value::Null),
        (
            "far",
            70_000,
            json!((70_000..71_000).map(|n| n.to_string()).collect::<Vec<_>>()),
        ),
    ] {
        let path = at(&format!("{name}.npz"));
        fs::write(&path, npz(&[("x", images(3000)), ("y", labels(first))])).unwrap();
        let found = check(&path, &[]);
        assert_eq!(
            found["preparation"]
                .get("classes")
                .cloned()
                .unwrap_or_default(),
            names
        );
        assert_eq!(counts(&found), [3; 1000]);
    }
    let run = at("run");
    let of = [
        ("model.encoder", "[16, 3]"),
        ("train.epochs", "1"),
        ("data.exclude_classes", "[\"999\"]"),
    ];
    let summary = answer(&train("array", &at("dense.npz"), &run, &of));
    assert!(summary["metrics"]["test_anomaly_roc_auc"].is_number());
    let run = run.display().to_string();
    succeed(&["evaluate", &run]);
    succeed(&["report", &run]);
    let page = fs::read_to_string(at("run/report.html")).unwrap();
    let others = page.matches(" other classes</li>").count();
    assert_eq!(others, 1, "the legend is cut off");
    succeed(&["map", &run, "--projection=pca"]);
    succeed(&["neighbours", &run]);
    let text: Vec<String> = check_arguments("array", &at("far.npz"), &[]);
    let text = succeed(
        &text
            .into_iter()
            .filter(|argument| argument != "--json")
            .collect::<Vec<_>>(),
    );
    assert!(
        text.contains("classes: 70000, 70001") && text.contains("and 900 more"),
        "{text}"
    );
}

#[test]
fn labels_of_a_table_stay_text_and_integers_stay_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    for (names, expected) in [
        (["9", "10", "300"], json!(["9", "10", "300"])),
        (["1.0", "1", "2"], json!(["1", "1.0", "2"])),
        (["9", "10", "1"], Value::Null),
    ] {
        let lines: String = (0..60)
            .map(|i| format!("{i},{},{}\n", i * i % 17, names[i % 3]))
            .collect();
        fs::write(&path, format!("a,b,kind\n{lines}")).unwrap();
        let found = answer(&check_arguments("table", &path, &[("data.labels", "kind")]));
        assert_eq!(
            found["preparation"]
                .get("classes")
                .cloned()
                .unwrap_or_default(),
            expected
        );
    }
}

#[test]
fn both_orders_are_the_same_examples() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let doubles: Vec<[u8; 8]> = (0..600)
        .map(|i| f64::from(i).sqrt().to_le_bytes())
        .collect();
    let big: Vec<[u8; 4]> = (0..600).map(|i: i32| (i * 7).to_be_bytes()).collect();
    let bytes: Vec<[u8; 1]> = pixels(600).into_iter().map(|pixel| [pixel]).collect();
    // Whatever is known of two files of the same examples is the same, checksums included.
    let same = |descr: &str, shape: &[usize], c: Vec<u8>, fortran: Vec<u8>| {
        let (c, fortran) = (
            npy(descr, false, shape, &c),
            npy(descr, true, shape, &fortran),
        );
        fs::write(at("c.npy"), &c).unwrap();
        fs::write(at("f.npy"), &fortran).unwrap();
        fs::write(at("f.npy.gz"), gzip(&fortran)).unwrap();
        fs::write(at("f.npz"), npz(&[("x", fortran)])).unwrap();
        let range = [("data.range", "[-1, 5000]")];
        let of: &[_] = if descr == "|u1" { &[] } else { &range };
        let expected = check(&at("c.npy"), of);
        assert!(expected["splits"][0]["greatest"] != expected["splits"][0]["least"]);
        for name in ["f.npy", "f.npy.gz", "f.npz"] {
            let found = check(&at(name), of);
            assert_eq!(
                found["splits"], expected["splits"],
                "{descr} {shape:?} {name}"
            );
        }
    };
    for shape in [
        &[20, 30][..],
        &[20, 5, 6],
        &[10, 5, 4, 3],
        &[10, 3, 5, 4],
        &[20, 30, 1, 1],
        &[600, 1],
    ] {
        same(
            "|u1",
            shape,
            bytes.concat(),
            to_fortran(shape, &bytes).concat(),
        );
        same(
            "<f8",
            shape,
            doubles.concat(),
            to_fortran(shape, &doubles).concat(),
        );
        same(">i4", shape, big.concat(), to_fortran(shape, &big).concat());
    }
    // Through a trained network, files and pipes alike, and one example alone.
    let shape = [40, 4, 6];
    let elements = pixels(960);
    let c = npy("|u1", false, &shape, &elements);
    let fortran = npy("|u1", true, &shape, &to_fortran(&shape, &elements));
    fs::write(at("c.npy"), &c).unwrap();
    fs::write(at("f.npy"), &fortran).unwrap();
    succeed(&train(
        "array",
        &at("f.npy"),
        &at("run"),
        &[("model.encoder", "[24, 5]")],
    ));
    succeed(&apply(
        "encode",
        &at("run"),
        &at("c.npy"),
        &at("c-codes.npy"),
    ));
    succeed(&apply(
        "encode",
        &at("run"),
        &at("f.npy"),
        &at("f-codes.npy"),
    ));
    let codes = fs::read(at("c-codes.npy")).unwrap();
    assert_eq!(fs::read(at("f-codes.npy")).unwrap(), codes);
    for sent in [&c, &fortran, &gzip(&c), &gzip(&fortran)] {
        assert_eq!(piped(&at("run"), sent), codes);
    }
    let one = npy("|u1", true, &[4, 6], &to_fortran(&[4, 6], &elements[..24]));
    fs::write(at("one.npy"), one).unwrap();
    succeed(&apply(
        "encode",
        &at("run"),
        &at("one.npy"),
        &at("one-codes.npy"),
    ));
    let codes_of = |bytes: &[u8]| -> Vec<f32> {
        let (codes, _) = bytes[256..276].as_chunks();
        codes.iter().map(|&code| f32::from_le_bytes(code)).collect()
    };
    let one = codes_of(&fs::read(at("one-codes.npy")).unwrap());
    // Products of matrices with one row are added up in another order.
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * b.abs();
    assert!(one.iter().zip(&codes_of(&codes)).all(close), "{one:?}");
    // What is cut off, or goes on, is not made up or left out.
    fs::write(at("cut.npy"), &fortran[..fortran.len() - 1]).unwrap();
    refused(
        &apply("encode", &at("run"), &at("cut.npy"), &at("x.npy")),
        &["is truncated: 959 bytes"],
    );
    for array in [&c, &fortran] {
        fs::write(at("long.npy"), [&array[..], &[0]].concat()).unwrap();
        refused(
            &apply("encode", &at("run"), &at("long.npy"), &at("x.npy")),
            &["more follows", "one array a file"],
        );
    }
}

/// The codes of what comes through a pipe.
fn piped(run: &Path, sent: &[u8]) -> Vec<u8> {
    let mut encode = program(&["encode", "--input=-", "--out=-", "--format=npy", "--quiet"]);
    let output = run_with_input(encode.arg(run), sent);
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn gzipped_files_are_what_is_in_them() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let array = images(50);
    fs::write(at("x.npy"), &array).unwrap();
    // Also in several members, and under a name that says nothing.
    fs::write(at("x.npy.gz"), gzip(&array)).unwrap();
    fs::write(at("x"), [gzip(&array[..100]), gzip(&array[100..])].concat()).unwrap();
    let expected = check(&at("x.npy"), &[]);
    for name in ["x.npy.gz", "x"] {
        assert_eq!(
            check(&at(name), &[])["splits"],
            expected["splits"],
            "{name}"
        );
    }
    let lines: String = (0..60).map(|i| format!("{i},{}\n", i * i % 17)).collect();
    let table = format!("a,b\n{lines}");
    fs::write(at("t.csv"), &table).unwrap();
    fs::write(at("t.csv.gz"), gzip(table.as_bytes())).unwrap();
    let of = |name: &str| answer(&check_arguments("table", &at(name), &[]));
    assert_eq!(of("t.csv.gz")["splits"], of("t.csv")["splits"]);
    assert_eq!(of("t.csv.gz")["preparation"]["columns"], json!(["a", "b"]));

    let damaged = |name: &str, bytes: &[u8], parts: &[&str]| {
        fs::write(at(name), bytes).unwrap();
        refused(&check_arguments("array", &at(name), &[]), parts);
    };
    // So much that its beginning is whole where its end is cut off.
    let noise = (0..32_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect::<Vec<_>>();
    let array = npy("|u1", false, &[2000, 4, 4], &noise);
    let zipped = gzip(&array);
    damaged(
        "cut.npy.gz",
        &zipped[..zipped.len() - 20],
        &["ends within example"],
    );
    let mut wrong = zipped.clone();
    let checksum = wrong.len() - 8;
    wrong[checksum] ^= 1;
    damaged("wrong.npy.gz", &wrong, &["checksum"]);
    damaged(
        "long.npy.gz",
        &gzip(&[&array[..], &[0; 9]].concat()),
        &["more follows"],
    );
    damaged("no.npy.gz", &[0x1f, 0x8b, 7, 7], &["damaged gzip"]);
    damaged("twice.npy.gz", &gzip(&zipped), &["gunzip"]);
    damaged("x.npz.gz", &gzip(&npz(&[("x", array)])), &["gunzip"]);
}

#[test]
fn arrays_of_an_archive_are_found_by_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.npz");
    let write = |arrays: &[(&str, Vec<u8>)]| fs::write(&path, npz(arrays)).unwrap();
    let y = |count: usize, classes: u8| {
        npy(
            "|u1",
            false,
            &[count],
            &(0..count).map(|i| i as u8 % classes).collect::<Vec<_>>(),
        )
    };
    let other = |count: usize| npy("|u1", false, &[count, 4, 4], &vec![9; count * 16]);
    let sum = |found: &Value| -> u64 {
        let splits = found["splits"].as_array().unwrap();
        splits
            .iter()
            .map(|split| split["images"].as_u64().unwrap())
            .sum()
    };

    // The usual names, whatever stands before them, and the only array that can be examples.
    for name in ["x", "X", "data", "images"] {
        write(&[
            ("another", other(7)),
            ("kinds", y(40, 4)),
            (name, images(40)),
        ]);
        let found = check(&path, &[("data.labels", "kinds")]);
        assert_eq!((sum(&found), counts(&found)), (40, vec![10; 4]), "{name}");
    }
    let names = npy("<U3", false, &[3], &wide("catdogeel", 9, false));
    write(&[
        ("names", names),
        ("id", y(40, 40)),
        ("features", images(40)),
        ("labels", y(40, 2)),
    ]);
    let found = check(&path, &[]);
    assert_eq!((sum(&found), counts(&found)), (40, vec![20; 2]));
    // What data.labels names is not taken for examples, whatever its shape.
    write(&[
        ("kind", npy("|u1", false, &[40, 1], &[7; 40])),
        ("features", images(40)),
    ]);
    assert_eq!(counts(&check(&path, &[("data.labels", "kind")]))[7], 40);

    // Keys name arrays in the file; both orders of writing give the same list.
    write(&[("b", images(30)), ("a", images(20)), ("y", y(30, 3))]);
    let found = check(&path, &[("data.array", "b"), ("data.labels", "y")]);
    assert_eq!((sum(&found), counts(&found)), (30, vec![10; 3]));
    let list = "`b` (30, 4, 4) uint8, `a` (20, 4, 4) uint8, `y` (30,) uint8";
    for _ in 0..5 {
        refused(&check_arguments("array", &path, &[]), &[list, "data.array"]);
    }
    refused(
        &check_arguments("array", &path, &[("data.array", "c")]),
        &["no array `c`", list, "data.array"],
    );
    let of = [("data.array", "b"), ("data.labels", "z")];
    refused(
        &check_arguments("array", &path, &of),
        &["no array `z`", "data.labels", "b, a, y"],
    );
    // An array in the file comes before a file of that name.
    let of = [("data.array", "b"), ("data.labels", "a")];
    refused(
        &check_arguments("array", &path, &of),
        &["array `a`", "data.labels"],
    );
    let sparse = ["data", "indices", "indptr", "format", "shape"].map(|name| (name, y(9, 9)));
    write(&sparse);
    refused(
        &check_arguments("array", &path, &[]),
        &["sparse", "toarray"],
    );
}

#[test]
fn splits_of_an_archive_are_found_by_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let y = |count: usize, classes: u8| {
        npy(
            "|u1",
            false,
            &[count, 1],
            &(0..count).map(|i| i as u8 % classes).collect::<Vec<_>>(),
        )
    };
    let splits = |found: &Value| {
        let of = |split: usize| {
            let split = &found["splits"][split];
            (split["images"].as_u64().unwrap(), split["classes"].clone())
        };
        (of(0), of(1))
    };
    for [x_train, x_test, y_train, y_test] in [
        ["x_train", "x_test", "y_train", "y_test"],
        ["X_train", "X_test", "y_train", "y_test"],
        ["train_images", "test_images", "train_labels", "test_labels"],
    ] {
        let arrays = [
            (y_train, y(40, 2)),
            (x_test, images(30)),
            ("val_images", images(5)),
            (x_train, images(40)),
            (y_test, y(30, 3)),
            ("others", y(30, 5)),
        ];
        fs::write(at("a.npz"), npz(&arrays)).unwrap();
        let found = check(&at("a.npz"), &[]);
        assert_eq!(
            splits(&found),
            ((40, json!([20, 20])), (30, json!([10, 10, 10])))
        );
        let found = check(
            &at("a.npz"),
            &[("data.test_labels", "others"), ("data.labels", y_train)],
        );
        assert_eq!(splits(&found).1, (30, json!([6, 6, 6, 6, 6])));
    }
    fs::write(
        at("a.npz"),
        npz(&[("x_train", images(40)), ("y_train", y(40, 4))]),
    )
    .unwrap();
    assert_eq!(counts(&check(&at("a.npz"), &[])), [10; 4]);
    // Test examples in another archive have their classes in it, under the same name or one of their own.
    fs::write(
        at("train.npz"),
        npz(&[("X", images(40)), ("kind", y(40, 4))]),
    )
    .unwrap();
    fs::write(
        at("test.npz"),
        npz(&[("X", images(30)), ("kind", y(30, 3)), ("other", y(30, 5))]),
    )
    .unwrap();
    let test = at("test.npz").display().to_string();
    let of = [("data.test_path", test.as_str()), ("data.labels", "kind")];
    let found = check(&at("train.npz"), &of);
    assert_eq!(
        splits(&found),
        ((40, json!([10, 10, 10, 10])), (30, json!([10, 10, 10])))
    );
    let found = check(
        &at("train.npz"),
        &[of[0], of[1], ("data.test_labels", "other")],
    );
    assert_eq!(splits(&found).1, (30, json!([6, 6, 6, 6, 6])));
    // And through training, a run that opens again.
    let run = at("run");
    let of = [of[0], of[1], ("model.encoder", "[16, 4]")];
    succeed(&train("array", &at("train.npz"), &run, &of));
    let run_name = run.display().to_string();
    succeed(&["evaluate", &run_name]);
    succeed(&apply("encode", &run, &at("test.npz"), &at("codes.npy")));
    succeed(&apply("score", &run, &at("test.npz"), &at("scores.csv")));
    let again = [
        "train".to_owned(),
        "--resume".into(),
        run_name,
        "--set=train.epochs=3".into(),
        "--quiet".into(),
    ];
    let output = hourglass(&again);
    assert!(output.status.success(), "{output:?}");
}

/// What stands beside the examples and is to be predicted is not their class.
#[test]
fn targets_beside_the_examples_are_ignored_with_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("a.npz");
    let floats = npy(
        "<f8",
        false,
        &[50],
        &bytes_of((0..50).map(|i| (f64::from(i) * 0.3).to_le_bytes())),
    );
    let prices = npy(
        "<i8",
        false,
        &[50],
        &bytes_of((0..50i64).map(|i| (1000 + i * 13).to_le_bytes())),
    );
    let one_hot = npy("|u1", false, &[50, 3], &[0; 150]);
    for (y, part) in [
        (floats, "label 1 is 0.3"),
        (prices, "50 values in 50 examples"),
        (one_hot, "[50, 3]"),
    ] {
        fs::write(&path, npz(&[("x", images(50)), ("y", y)])).unwrap();
        let arguments = check_arguments("array", &path, &[]);
        assert!(check(&path, &[])["splits"][0].get("classes").is_none());
        let message = told(&arguments);
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 1, "{message}");
        assert!(lines[0].starts_with("warning: "), "{message}");
        for part in [part, "array `y`", "not used as classes"] {
            assert!(message.contains(part), "{message}");
        }
    }
    // Asked for, integers are classes however many there are.
    let prices = npy(
        "<i8",
        false,
        &[50],
        &bytes_of((0..50i64).map(|i| (1000 + i * 13).to_le_bytes())),
    );
    fs::write(&path, npz(&[("x", images(50)), ("y", prices)])).unwrap();
    assert_eq!(counts(&check(&path, &[("data.labels", "y")])), [1; 50]);
}

/// The parser of earlier versions tried every way to read brackets within brackets, which never ended.
#[test]
fn headers_that_nest_are_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("x.npy"), images(10)).unwrap();
    let labels = at("y.npy").display().to_string();
    for (depth, version) in [(60, 1), (100_000, 2)] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in [
            format!("{{'descr': {nested}, 'fortran_order': False, 'shape': (3,), }}"),
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {nested}, }}"),
            nested.replace('[', "(").replace(']', ")"),
        ] {
            let array = header(version, &text, &[0; 48]);
            fs::write(at("y.npy"), &array).unwrap();
            fs::write(at("y.npy.gz"), gzip(&array)).unwrap();
            fs::write(
                at("a.npz"),
                npz(&[("x", array.clone()), ("y", array.clone())]),
            )
            .unwrap();
            let begun = Instant::now();
            for name in ["y.npy", "y.npy.gz", "a.npz"] {
                let output = hourglass(&check_arguments("array", &at(name), &[]));
                let message = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(2), "{message}");
                let is_told =
                    message.contains("header is damaged") || message.contains("structured");
                assert!(is_told && message.contains("hint:"), "{message}");
            }
            refused(
                &check_arguments("array", &at("x.npy"), &[("data.labels", &labels)]),
                &["data.labels"],
            );
            // Four programs, on a machine that has other work.
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
    }
    let fields =
        "{'descr': [('größe', '<f8'), ('name', '<U8')], 'fortran_order': False, 'shape': (3,), }";
    fs::write(at("y.npy"), header(3, fields, &[0; 120])).unwrap();
    refused(
        &check_arguments("array", &at("y.npy"), &[]),
        &["structured", "structured_to_unstructured"],
    );
}
