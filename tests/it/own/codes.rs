//! What stands beside codes, and what writing them must not destroy.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};

use super::{apply, csv, train};
use crate::parity::{read_npy, write_npy};
use crate::support::{program, refused, run_with_input, succeed, train_squares, write_squares};

/// A table of two columns with classes and names.
fn write_table(path: &Path, rows: usize) {
    let row = |i: usize| {
        format!(
            "x{i},{}.5,{},{}\n",
            i * 7 % 11,
            i * i % 5,
            ["cat", "dog"][i % 2]
        )
    };
    fs::write(
        path,
        "name,a,b,kind\n".to_owned() + &(0..rows).map(row).collect::<String>(),
    )
    .unwrap();
}

const OF_TABLE: [(&str, &str); 2] = [("model.encoder", "[2, 4, 2]"), ("data.labels", "kind")];

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn column(table: &[Vec<String>], name: &str) -> Vec<String> {
    let place = table[0].iter().position(|column| column == name).unwrap();
    table[1..].iter().map(|row| row[place].clone()).collect()
}

#[test]
fn names_and_classes_go_with_the_codes_and_decode_reads_them_back() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_table(&at("t.csv"), 40);
    succeed(&train("table", &at("t.csv"), &at("run"), &OF_TABLE));
    succeed(&apply("encode", &at("run"), &at("t.csv"), &at("codes.csv")));
    let table = csv(&at("codes.csv"));
    assert_eq!(table[0], ["name", "class", "code_0", "code_1"]);
    assert_eq!(&table[2][..2], ["x1", "dog"]);
    let told = succeed(&apply("encode", &at("run"), &at("t.csv"), &at("codes.npy")));
    for ending in ["npy", "names.txt", "classes.txt"] {
        assert!(told.contains(&format!("codes.{ending}\n")), "{told}");
    }
    assert_eq!(lines(&at("codes.names.txt")), column(&table, "name"));
    assert_eq!(lines(&at("codes.classes.txt")), column(&table, "class"));
    assert!(!at("codes.splits.txt").exists());
    succeed(&apply(
        "decode",
        &at("run"),
        &at("codes.csv"),
        &at("one.npy"),
    ));
    succeed(&apply(
        "decode",
        &at("run"),
        &at("codes.npy"),
        &at("other.npy"),
    ));
    assert_eq!(read_npy(&at("one.npy")), read_npy(&at("other.npy")));
    assert_eq!(lines(&at("one.names.txt")), column(&table, "name"));

    // Inputs without classes beside one that has some, and one alone.
    fs::write(at("bare.csv"), "name,a,b\ny,1.5,2\n").unwrap();
    let mut both = apply("encode", &at("run"), &at("bare.csv"), &at("both.csv"));
    both.insert(3, format!("--input={}", at("t.csv").display()));
    succeed(&both);
    let classes = column(&csv(&at("both.csv")), "class");
    assert_eq!(classes[..3], ["", "cat", "dog"]);
    succeed(&apply(
        "encode",
        &at("run"),
        &at("bare.csv"),
        &at("bare-codes.csv"),
    ));
    assert_eq!(csv(&at("bare-codes.csv"))[0], ["name", "code_0", "code_1"]);

    // Folders are classes.
    for number in 0..20u8 {
        let folder = at("images").join(["a", "b"][usize::from(number % 2)]);
        fs::create_dir_all(&folder).unwrap();
        GrayImage::from_pixel(4, 4, Luma([12 * number]))
            .save(folder.join(format!("{number}.png")))
            .unwrap();
    }
    let of = [
        ("data.resize", "4"),
        ("model.encoder", "[16, 4]"),
        ("train.batch_size", "4"),
    ];
    succeed(&train("images", &at("images"), &at("pictures"), &of));
    succeed(&apply(
        "encode",
        &at("pictures"),
        &at("images"),
        &at("p.csv"),
    ));
    let table = csv(&at("p.csv"));
    for (name, class) in column(&table, "name").iter().zip(column(&table, "class")) {
        assert_eq!(name.split('/').next(), Some(class.as_str()));
    }
}

#[test]
fn the_splits_of_a_run_are_marked() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_table(&at("t.csv"), 40);
    let of = [
        &OF_TABLE[..],
        &[("data.validation", "6"), ("data.test_fraction", "0.25")],
    ]
    .concat();
    succeed(&train("table", &at("t.csv"), &at("run"), &of));
    let encode = |split: &str, out: &str| {
        let run = at("run").display().to_string();
        let out = format!("--out={}", at(out).display());
        vec!["encode".to_owned(), run, format!("--split={split}"), out]
    };
    succeed(&encode("all", "all.csv"));
    let all = csv(&at("all.csv"));
    assert_eq!(all[0], ["name", "class", "split", "code_0", "code_1"]);
    let splits = column(&all, "split");
    let count = |split: &str| splits.iter().filter(|found| *found == split).count();
    assert_eq!(
        (count("train"), count("validation"), count("test")),
        (24, 6, 10)
    );
    // The codes and classes are those of the example of that name.
    succeed(&apply("encode", &at("run"), &at("t.csv"), &at("file.csv")));
    let mut file: Vec<_> = csv(&at("file.csv"))[1..].to_vec();
    let mut marked: Vec<_> = all[1..]
        .iter()
        .map(|row| [&row[..2], &row[3..]].concat())
        .collect();
    for table in [&mut file, &mut marked] {
        table.sort();
    }
    assert_eq!(file, marked);
    // One of them alone, in both formats.
    succeed(&encode("test", "test.csv"));
    let rows: Vec<_> = all
        .iter()
        .filter(|row| row[2] == "test" || row[2] == "split")
        .cloned()
        .collect();
    assert_eq!(csv(&at("test.csv")), rows);
    succeed(&encode("all", "all.npy"));
    assert_eq!(lines(&at("all.splits.txt")), splits);
    assert_eq!(lines(&at("all.names.txt")), column(&all, "name"));
    assert_eq!(lines(&at("all.classes.txt")), column(&all, "class"));
    succeed(&apply("decode", &at("run"), &at("all.csv"), &at("one.npy")));
    succeed(&apply(
        "decode",
        &at("run"),
        &at("all.npy"),
        &at("other.npy"),
    ));
    assert_eq!(read_npy(&at("one.npy")), read_npy(&at("other.npy")));

    let both = [&encode("test", "x.csv")[..], &["--input=t.csv".into()]].concat();
    refused(&both, &["--split", "--input"]);
    refused(
        &[&encode("all", "x.csv")[..2], &["--out=x.csv".into()]].concat(),
        &["--input"],
    );
    // Never over the data.
    refused(&encode("test", "t.csv"), &["is an input too"]);
    // Other data are not those of the run.
    write_table(&at("t.csv"), 41);
    refused(&encode("test", "x.csv"), &["not those that", "data.path"]);
    assert!(!at("x.csv").exists());

    // IDX files have numbers for classes and names.
    let data = write_squares(&at("data"), 60, 20);
    succeed(&train_squares(&data, &at("squares"), &["--quiet"]));
    let out = format!("--out={}", at("squares.csv").display());
    let run = at("squares").display().to_string();
    succeed(&[
        "encode".to_owned(),
        run.clone(),
        "--split=all".into(),
        out.clone(),
    ]);
    let table = csv(&at("squares.csv"));
    assert_eq!(&table[61][..3], ["0", "0", "test"]);
    assert_eq!(&table[64][..3], ["3", "3", "test"]);
    assert_eq!(table.len(), 81);
    refused(
        &["encode".to_owned(), run, "--split=validation".into(), out],
        &["no validation split", "data.validation"],
    );
}

#[test]
fn files_beside_the_codes_are_never_an_input() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_table(&at("t.csv"), 40);
    succeed(&train("table", &at("t.csv"), &at("run"), &OF_TABLE));
    let codes: String = (0..5).map(|i| format!("{i},{}\n", i * i)).collect();
    for ending in ["names.txt", "classes.txt", "splits.txt"] {
        let input = at(&format!("tab.{ending}"));
        for command in ["encode", "denoise", "reconstruct", "decode"] {
            match command {
                "decode" => fs::write(&input, &codes).unwrap(),
                _ => write_table(&input, 5),
            }
            let before = fs::read(&input).unwrap();
            refused(
                &apply(command, &at("run"), &input, &at("tab.npy")),
                &[
                    &format!("tab.{ending}: is an input too, which would be lost"),
                    "--out",
                ],
            );
            assert_eq!(fs::read(&input).unwrap(), before);
            assert!(!at("tab.npy").exists());
            // Under another name, and as CSV, nothing is in the way.
            succeed(&apply(command, &at("run"), &input, &at("tab.csv")));
        }
        // Through a link, it is the same file.
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&input, at(&format!("link.{ending}"))).unwrap();
            refused(
                &apply("encode", &at("run"), &input, &at("link.npy")),
                &["is an input too"],
            );
        }
        fs::remove_file(&input).unwrap();
    }
    for command in ["encode", "score", "reconstruct", "denoise"] {
        let arguments = apply(command, &at("run"), &at("t.csv"), &at("t.csv"));
        refused(&arguments, &["is an input too"]);
    }
}

#[test]
fn what_fails_leaves_nothing_and_half_a_row_nowhere() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let numbers = |rows: usize| -> Vec<f32> {
        (0..16 * rows)
            .map(|i| (i * 37 % 101) as f32 / 100.0)
            .collect()
    };
    write_npy(&at("x.npy"), &[100, 4, 4], &numbers(100));
    succeed(&train(
        "array",
        &at("x.npy"),
        &at("run"),
        &[("model.encoder", "[16, 8, 4]")],
    ));
    // Nothing comes in.
    for command in ["encode", "decode", "denoise", "reconstruct", "score"] {
        for format in ["--format=csv", "--format=npy"] {
            let mut started = program(&[command, "--input=-", "--out=-", "--quiet"]);
            started.arg(at("run"));
            if command != "score" {
                started.arg(format);
            }
            let output = run_with_input(&mut started, b"");
            assert_eq!(output.status.code(), Some(2), "{command} {format}");
            assert_eq!(output.stdout, b"", "{command} {format}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("is empty"));
        }
    }
    // A number in the second block is none.
    let mut bad = numbers(6000);
    bad[16 * 5000] = f32::NAN;
    write_npy(&at("bad.npy"), &[6000, 4, 4], &bad);
    for (command, out) in [
        ("encode", "out.npy"),
        ("encode", "out.csv"),
        ("denoise", "out.npy"),
        ("reconstruct", "out.csv"),
        ("reconstruct", "folder"),
        ("score", "out.csv"),
    ] {
        refused(
            &apply(command, &at("run"), &at("bad.npy"), &at(out)),
            &["example 5000 is not finite"],
        );
        assert!(!at(out).exists(), "{command} {out}");
    }
    // A folder that is there stays as it is.
    succeed(&apply(
        "reconstruct",
        &at("run"),
        &at("x.npy"),
        &at("folder"),
    ));
    let before = super::files(&at("folder"));
    assert_eq!(before.len(), 100);
    let first = fs::read(at("folder/000000.png")).unwrap();
    let mut over = apply("reconstruct", &at("run"), &at("bad.npy"), &at("folder"));
    over.push("--force".into());
    refused(&over, &["not finite"]);
    assert_eq!(super::files(&at("folder")), before);
    assert_eq!(fs::read(at("folder/000000.png")).unwrap(), first);
    // On standard output there are whole rows.
    let output =
        crate::support::hourglass(&apply("encode", &at("run"), &at("bad.npy"), Path::new("-")));
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
    assert!(
        text.ends_with('\n') && rows.iter().all(|fields| *fields == 5),
        "{}",
        rows.len()
    );
    // Text of both kinds goes through a pipe.
    let mut encode = program(&["encode", "--input=-", "--out=-", "--quiet"]);
    encode.arg(at("run"));
    let output = run_with_input(&mut encode, &fs::read(at("x.npy")).unwrap());
    assert!(output.status.success());
    assert!(output.stdout.starts_with(b"name,code_0,"));
}
