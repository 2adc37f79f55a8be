//! Tables as spreadsheets, pandas and R write them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{apply, csv, json as answer, settings, told, train};
use crate::support::{hourglass, refused, succeed};

/// The arguments of `data check` on a table whose columns are scaled by what is least and greatest.
fn check(path: &Path, of: &[(&str, &str)]) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "data",
        "check",
        "--json",
        "--config=configs/own/table.toml",
        "--set=data.scale=min_max",
    ]
    .map(String::from)
    .into();
    arguments.push(format!("--set=data.path={}", path.display()));
    arguments.extend(settings(of));
    arguments
}

fn numbers(of: &Value) -> Vec<f64> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

/// The least and the greatest number of each column.
fn ranges(found: &Value) -> Vec<(f64, f64)> {
    let scaling = &found["preparation"]["scaling"];
    let ranges = numbers(&scaling["offset"])
        .into_iter()
        .zip(numbers(&scaling["scale"]));
    ranges.map(|(least, span)| (least, least + span)).collect()
}

fn texts(of: &Value) -> Vec<&str> {
    of.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// A heading and two lines, which are repeated twenty times, so that every split has both.
fn table(heading: &str, one: &str, other: &str) -> String {
    heading.to_owned() + &format!("{one}\n{other}\n").repeat(20)
}

fn utf_16(text: &str, mark: &[u8], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.iter()
        .copied()
        .chain(text.encode_utf16().flat_map(unit))
        .collect()
}

/// What a table is like, its bytes, and the names of its columns.
type Case<'a> = (&'a str, Vec<u8>, Option<[&'a str; 2]>);

#[test]
fn what_is_certain_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let plain = table("height,weight\n", "1.5,10.25", "2.5,20.75");
    let german = table("height;weight\n", "1,5;10,25", "2,5;20,75");
    let latin = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
    let text = String::into_bytes;
    let unnamed = |one: &str, other: &str| table("", one, other).into_bytes();
    let cases: Vec<Case<'_>> = vec![
        ("commas", text(plain.clone()), Some(["height", "weight"])),
        (
            "semicolons",
            text(german.clone()),
            Some(["height", "weight"]),
        ),
        (
            "Windows",
            text(german.replace('\n', "\r\n")),
            Some(["height", "weight"]),
        ),
        (
            "old Macs",
            text(german.replace('\n', "\r")),
            Some(["height", "weight"]),
        ),
        (
            "tabs",
            text(german.replace(';', "\t")),
            Some(["height", "weight"]),
        ),
        (
            "pipes",
            text(plain.replace(',', "|")),
            Some(["height", "weight"]),
        ),
        (
            "spaces",
            text(plain.replace(',', "   ")),
            Some(["height", "weight"]),
        ),
        (
            "Excel",
            text(format!("sep=;\r\n{german}")),
            Some(["height", "weight"]),
        ),
        (
            "a quoted heading",
            text(table(
                "\"height; cm; at birth; raw\",\"weight\"\n",
                "1.5,10.25",
                "2.5,20.75",
            )),
            Some(["height; cm; at birth; raw", "weight"]),
        ),
        (
            "quoted numbers",
            unnamed("\"1,5\",\"10,25\"", "\"2,5\",\"20,75\""),
            None,
        ),
        (
            "quoted points",
            unnamed("\"1.5\" , \"10.25\"", " 2.5 , 20.75 "),
            None,
        ),
        (
            "signs and powers",
            unnamed("+1.5,1025e-2", "2.5e0,+2.075E1"),
            None,
        ),
        (
            "only fractions have commas",
            unnamed("1,5;10,25", "2,5;20,75"),
            None,
        ),
        (
            "trailing separators",
            unnamed("1.5,10.25,", "2.5,20.75,"),
            None,
        ),
        (
            "trailing separators below names",
            text(table("height;weight;\r\n", "1,5;10,25;", "2,5;20,75;")),
            Some(["height", "weight"]),
        ),
        (
            "a mark",
            text(format!("\u{feff}{plain}")),
            Some(["height", "weight"]),
        ),
        (
            "numpy.savetxt",
            text(format!("# height,{}", &plain[7..])),
            Some(["height", "weight"]),
        ),
        (
            "a remark",
            text(format!("# made by; a, b\n{plain}")),
            Some(["height", "weight"]),
        ),
        (
            "UTF-16",
            utf_16(&german, &[0xff, 0xfe], u16::to_le_bytes),
            Some(["height", "weight"]),
        ),
        (
            "big UTF-16",
            utf_16(&plain, &[0xfe, 0xff], u16::to_be_bytes),
            Some(["height", "weight"]),
        ),
        (
            "bare UTF-16",
            utf_16(&plain, &[], u16::to_le_bytes),
            Some(["height", "weight"]),
        ),
        (
            "UTF-8",
            text(plain.replace("height", "Größe")),
            Some(["Größe", "weight"]),
        ),
        (
            "Latin-1",
            latin(&german.replace("height", "Größe")),
            Some(["Größe", "weight"]),
        ),
    ];
    for (name, bytes, names) in cases {
        fs::write(&path, bytes).unwrap();
        let found = answer(&check(&path, &[]));
        assert_eq!(
            ranges(&found),
            [(1.5, 2.5), (10.25, 20.75)],
            "{name}: {found}"
        );
        assert_eq!(found["unreadable"], json!([]), "{name}");
        let columns = found["preparation"].get("columns").cloned();
        assert_eq!(columns, names.map(|names| json!(names)), "{name}");
        let examples: u64 = (0..2)
            .map(|i| found["splits"][i]["images"].as_u64().unwrap())
            .sum();
        assert_eq!(examples, 40, "{name}");
        let warnings = texts(&found["warnings"]).join("\n");
        let is_guess = name == "Latin-1";
        assert_eq!(
            warnings.contains("Windows-1252, where it holds `Größe`; data.encoding"),
            is_guess,
            "{name}: {warnings}"
        );
    }
    // A text without a name of its own has a `#` in it.
    let pokemon = table("#,attack,speed\n", "1,1.5,2", "2,2.5,3");
    fs::write(&path, pokemon).unwrap();
    let found = answer(&check(&path, &[]));
    assert_eq!(
        found["preparation"]["columns"],
        json!(["#", "attack", "speed"])
    );
}

#[test]
fn what_is_not_certain_is_refused_with_the_key_that_decides() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let refuse = |text: &[u8], parts: &[&str]| {
        fs::write(&path, text).unwrap();
        refused(&check(&path, &[]), parts);
    };
    let body = |one: &str, other: &str| table("", one, other).into_bytes();
    refuse(
        &body("1,234;5", "2,345;6"),
        &[
            "line 2: column 1 holds `2,345`, which is 2.345 or 2345",
            "data.decimal",
        ],
    );
    refuse(
        &body("1.234,5;1", "2.345,6;2"),
        &["line 1: column 1 is not a number: `1.234,5` (thousands separators"],
    );
    refuse(
        &body("1,5;1.5", "2,5;2.5"),
        &["mixes decimal points and decimal commas: line 2 holds `2.5`, line 2 `2,5`"],
    );
    refuse(
        &table("price\n", "1,5", "2,5").into_bytes(),
        &[
            "one column with decimal commas or as two columns (line 2: `1,5`)",
            "data.decimal = \",\"",
        ],
    );
    for (cell, cause) in [
        ("$5", "currency"),
        ("5 €", "currency"),
        ("5%", "percent"),
        ("1_000", "thousands"),
        ("inf", "it is not finite"),
    ] {
        let text = table("price,weight\n", &format!("{cell},1"), &format!("{cell},2"));
        let place = format!("line 2: column 1 (`price`) is not a number: `{cell}` (");
        refuse(text.as_bytes(), &[&place, cause]);
    }
    refuse(
        b"a,b\n1,2,3,4\n5,6,7,8\n",
        &["line 1 has 2 fields where those below have 4", "decimal"],
    );
    refuse(
        b"My report\na,b,c\n1,2,3\n4,5,6\n",
        &["line 1 has 1 field", "#"],
    );
    refuse(b"\xff\xfe\0\0a\0\0\0", &["UTF-32"]);
    refuse(
        b"a,b\x81\n1,2\n",
        &["neither UTF-8 nor Windows-1252", "data.encoding"],
    );
    refuse(b"PK\x03\x04 a workbook", &["is a spreadsheet", "CSV"]);
    // What decides makes it readable.
    let reads = |text: &str, of: &[(&str, &str)], expected: &[(f64, f64)]| {
        fs::write(&path, text).unwrap();
        assert_eq!(ranges(&answer(&check(&path, of))), expected, "{text}");
    };
    let german = ("data.decimal", "','");
    reads(
        &table("", "1,234;5", "2,345;6"),
        &[german],
        &[(1.234, 2.345), (5.0, 6.0)],
    );
    reads(&table("price\n", "1,5", "2,5"), &[german], &[(1.5, 2.5)]);
    reads(
        &table("price\n", "1,5", "2,7"),
        &[
            ("data.separator", "','"),
            ("data.header", "false"),
            ("data.max_unreadable_fraction", "1"),
        ],
        &[(1.0, 2.0), (5.0, 7.0)],
    );
    reads(
        &table("", "1:5", "2:7"),
        &[("data.separator", "':'")],
        &[(1.0, 2.0), (5.0, 7.0)],
    );
    // Other kinds of data have no such keys, nor are these names of anything.
    for (key, value) in [
        ("separator", "';'"),
        ("decimal", "','"),
        ("encoding", "latin-1"),
        ("drop_columns", "[1]"),
    ] {
        let key = format!("data.{key}");
        let of = [(key.as_str(), value)];
        refused(
            &train("array", &path, Path::new("nowhere"), &of),
            &[&key, "needs data.dataset = \"csv\""],
        );
    }
    for (key, value) in [
        ("separator", "ab"),
        ("decimal", ";"),
        ("encoding", "klingon"),
        ("drop_columns", "[0]"),
    ] {
        let key = format!("data.{key}");
        refused(
            &check(&path, &[(&key, value)]),
            &[&format!("`{key}` must be")],
        );
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let text = "# made by a program\n\nkind,height,weight\ncat,1,2\n\n\"a\nb\",3,4\n  \ncat,x,5\ncat,6\n\n\ncat,7,NA\ncat,,8\n,,\ncat,9,10\n";
    let expected = json!([
        { "name": "line 9", "reason": "column 2 (`height`) is not a number: `x`" },
        { "name": "line 10", "reason": "has 2 fields where others have 3" },
        { "name": "line 13", "reason": "column 3 (`weight`) is missing: `NA`" },
        { "name": "line 14", "reason": "column 2 (`height`) is empty: its value is missing" },
        { "name": "line 15", "reason": "all its fields are empty" },
    ]);
    let of = [
        ("data.labels", "kind"),
        ("data.max_unreadable_fraction", "0.9"),
    ];
    for end in ["\n", "\r\n", "\r"] {
        for excel in ["", "sep=,\n"] {
            let text = excel.to_owned() + text;
            let shift = excel.len() / 6;
            fs::write(&path, text.replace('\n', end)).unwrap();
            let found = answer(&check(&path, &of));
            let mut expected = expected.clone();
            for line in expected.as_array_mut().unwrap() {
                let number: usize = line["name"].as_str().unwrap()[5..].parse().unwrap();
                line["name"] = json!(format!("line {}", number + shift));
            }
            assert_eq!(found["unreadable"], expected, "{end:?} {excel:?}");
        }
    }
}

#[test]
fn a_missing_value_in_a_single_column_is_no_blank_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    fs::write(&path, "x\n1.5\n\"\"\n2.5\n\n3.5\n").unwrap();
    let found = answer(&check(&path, &[]));
    let reason = "column 1 (`x`) is empty: its value is missing";
    let expected = json!([{ "name": "line 3", "reason": reason }]);
    assert_eq!(found["unreadable"], expected);
}

#[test]
fn a_table_that_is_mostly_unreadable_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let lines = |good: usize, all: usize| -> String {
        let line = |i: usize| match i {
            _ if i < good => format!("{i},{}\n", i * i),
            _ if i.is_multiple_of(100) => "1,2,3\n".into(),
            _ => format!("{i},n/k{i}\n"),
        };
        "a,b\n".to_owned() + &(0..all).map(line).collect::<String>()
    };
    fs::write(at("t.csv"), lines(5, 400)).unwrap();
    let encoder = ("model.encoder", "[2, 4, 1]");
    let parts = [
        "395 of 400 examples cannot be read, more than the fraction 0.5",
        "392 such as line 7: column 2 (`b`) is not a number: `n/k5`",
        "3 such as line 102: has 3 fields where others have 2",
        "data.max_unreadable_fraction",
    ];
    refused(
        &train("table", &at("t.csv"), &at("run"), &[encoder]),
        &parts,
    );
    refused(&check(&at("t.csv"), &[]), &parts);
    assert!(!at("run").exists());
    let allowed = ("data.max_unreadable_fraction", "0.99");
    succeed(&train(
        "table",
        &at("t.csv"),
        &at("allowed"),
        &[encoder, allowed],
    ));
    // A share of exactly that is allowed.
    fs::write(at("half.csv"), lines(20, 40)).unwrap();
    succeed(&train("table", &at("half.csv"), &at("run"), &[encoder]));
    let strict = ("data.strict", "true");
    refused(
        &train("table", &at("half.csv"), &at("strict"), &[encoder, strict]),
        &["20 of 40 examples cannot be read, the first is line 22"],
    );
    // What the network is applied to has the same bound, and leaves nothing.
    for command in ["encode", "reconstruct", "score"] {
        refused(
            &apply(command, &at("run"), &at("t.csv"), &at("out.csv")),
            &parts[..3],
        );
        assert!(!at("out.csv").exists(), "{command}");
        succeed(&apply(command, &at("run"), &at("half.csv"), &at("out.csv")));
        assert_eq!(csv(&at("out.csv")).len(), 21, "{command}");
        fs::remove_file(at("out.csv")).unwrap();
        succeed(&apply(
            command,
            &at("allowed"),
            &at("t.csv"),
            &at("out.csv"),
        ));
        fs::remove_file(at("out.csv")).unwrap();
    }
    fs::write(at("codes.csv"), "code_0\n1\nx\ny\n").unwrap();
    let decode = apply("decode", &at("run"), &at("codes.csv"), &at("out.csv"));
    refused(&decode, &["2 of 3 examples cannot be read"]);
    assert!(!at("out.csv").exists());
    // Images too.
    fs::create_dir(at("images")).unwrap();
    for number in 0..40u8 {
        let file = at("images").join(format!("{number:02}.png"));
        match number < 15 {
            true => image::GrayImage::from_pixel(4, 4, image::Luma([6 * number]))
                .save(&file)
                .unwrap(),
            false => fs::write(&file, b"\x89PNG\r\n\x1a\n").unwrap(),
        }
    }
    let of = [
        ("data.resize", "4"),
        ("model.encoder", "[16, 4]"),
        ("train.batch_size", "4"),
    ];
    refused(
        &train("images", &at("images"), &at("pictures"), &of),
        &[
            "25 of 40 examples cannot be read",
            "data.max_unreadable_fraction",
        ],
    );
}

#[test]
fn a_run_reads_tables_in_its_dialect_and_in_others_that_are_certain() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let lines = |one: &str| -> String {
        let rows = (0..40).map(|i| format!("{}.{};{}.25\n", i, i % 7 + 1, i * 3 % 11));
        format!(
            "height;weight\n{}",
            rows.collect::<String>().replace('.', one)
        )
    };
    fs::write(at("german.csv"), lines(",")).unwrap();
    fs::write(at("english.csv"), lines(".").replace(';', ",")).unwrap();
    let encoder = ("model.encoder", "[2, 4, 1]");
    let keys = [
        encoder,
        ("data.separator", ";"),
        ("data.decimal", "','"),
        ("data.encoding", "utf-8"),
    ];
    succeed(&train("table", &at("german.csv"), &at("given"), &keys));
    succeed(&train("table", &at("german.csv"), &at("found"), &[encoder]));
    for (run, is_given) in [("given", true), ("found", false)] {
        let config = fs::read_to_string(at(run).join("config.toml")).unwrap();
        for key in [
            "separator = \";\"",
            "decimal = \",\"",
            "encoding = \"utf-8\"",
        ] {
            assert_eq!(config.contains(key), is_given, "{config}");
        }
        let codes = |input: &str| {
            succeed(&apply("encode", &at(run), &at(input), &at("codes.csv")));
            fs::read(at("codes.csv")).unwrap()
        };
        assert_eq!(codes("german.csv"), codes("english.csv"), "{run}");
        succeed(&["evaluate".to_owned(), at(run).display().to_string()]);
        let again = [
            "train".to_owned(),
            "--quiet".into(),
            format!("--config={}", at(run).join("config.toml").display()),
            format!("--out={}", at(&format!("{run}-again")).display()),
        ];
        succeed(&again);
    }
    // What can be read in two ways is read as the run's keys say.
    fs::write(
        at("thousand.csv"),
        "height;weight\n1,234;2,345\n3,456;4,567\n",
    )
    .unwrap();
    let encode = |run: &str| apply("encode", &at(run), &at("thousand.csv"), &at("codes.csv"));
    refused(&encode("found"), &["is 1.234 or 1234"]);
    succeed(&encode("given"));
}

#[test]
fn an_index_is_reported_and_one_key_drops_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let rows = |heading: &str, index: fn(usize) -> String| -> String {
        let row = |i: usize| format!("{}{}.5,{}\n", index(i), i * 7 % 11, i * i % 5);
        heading.to_owned() + &(0..40).map(row).collect::<String>()
    };
    let warned = |text: &str| {
        fs::write(at("t.csv"), text).unwrap();
        let found = answer(&check(&at("t.csv"), &[]));
        texts(&found["warnings"]).join("\n")
    };
    let used = "it is used as a feature; data.drop_columns";
    for (text, expected) in [
        (
            rows(",a,b\n", |i| format!("{i},")),
            "the first column has no name and counts 0, 1, 2, …; it is used as a feature; data.drop_columns = [1] drops it",
        ),
        (
            rows("Unnamed: 0,a,b\n", |i| format!("{i},")),
            "the first column has no name and counts 0, 1, 2, …; it is used as a feature; data.drop_columns = [1] drops it",
        ),
        (
            rows("\"a\",\"b\"\n", |i| format!("\"{}\",", i + 1)),
            "the first column has no name and counts 1, 2, 3, …; it is used as a feature; data.drop_columns = [1] drops it",
        ),
        (
            rows("", |i| format!("{i},")),
            "the first column has no name and counts 0, 1, 2, …; it is used as a feature; data.drop_columns = [1] drops it",
        ),
        (
            rows(",a,b\n", |i| format!("{},", i * 17 % 41)),
            "the first column has no name and holds a different whole number in each line; it is used as a feature; data.drop_columns = [1] drops it",
        ),
        (
            rows("Id,a,b\n", |i| format!("{},", i + 7)),
            "the column `Id` counts 7, 8, 9, …; it is used as a feature; data.drop_columns = [\"Id\"] drops it",
        ),
        (
            rows("a,a\n", |_| String::new()),
            "the columns 1 and 2 are both called `a`",
        ),
    ] {
        let warnings = warned(&text);
        assert!(warnings.contains(expected), "{text}\n{warnings}");
    }
    for harmless in [
        rows("a,b\n", |_| String::new()),
        rows("", |_| String::new()),
        rows("id,a,b\n", |i| format!("{},", i % 3)),
    ] {
        let warnings = warned(&harmless);
        assert!(!warnings.contains(used), "{warnings}");
    }

    // Training says so; with the column dropped it says nothing, and the network has an input less.
    fs::write(at("pandas.csv"), rows(",a,b\n", |i| format!("{i},"))).unwrap();
    fs::write(
        at("again.csv"),
        rows("Unnamed: 0,a,b\n", |i| format!("{},", 90 - i)),
    )
    .unwrap();
    fs::write(at("bare.csv"), rows("a,b\n", |_| String::new())).unwrap();
    let message = told(&train(
        "table",
        &at("pandas.csv"),
        &at("all"),
        &[("model.encoder", "[3, 4, 1]")],
    ));
    assert!(
        message.contains("warning: ") && message.contains(used),
        "{message}"
    );
    let of = [("model.encoder", "[2, 4, 1]"), ("data.drop_columns", "[1]")];
    let message = told(&train("table", &at("pandas.csv"), &at("run"), &of));
    assert!(!message.contains("warning"), "{message}");
    let input: Value = serde_json::from_slice(&fs::read(at("run/input.json")).unwrap()).unwrap();
    assert_eq!(input["columns"], json!(["a", "b"]));
    assert_eq!(input["dropped"], json!([{ "name": "", "number": 1 }]));
    let codes = |input: &str| {
        succeed(&apply("encode", &at("run"), &at(input), &at("codes.csv")));
        fs::read(at("codes.csv")).unwrap()
    };
    assert_eq!(codes("pandas.csv"), codes("bare.csv"));
    assert_eq!(codes("pandas.csv"), codes("again.csv"));
    let score = apply("score", &at("run"), &at("bare.csv"), &at("scores.csv"));
    succeed(&score);

    // By name, and of a table without names.
    fs::write(at("named.csv"), rows("id,a,b\n", |i| format!("{i},"))).unwrap();
    let of = [
        ("model.encoder", "[2, 4, 1]"),
        ("data.drop_columns", "['id']"),
    ];
    assert!(!told(&train("table", &at("named.csv"), &at("named"), &of)).contains("warning"));
    fs::write(at("nameless.csv"), rows("", |i| format!("{i},"))).unwrap();
    fs::write(at("nameless-bare.csv"), rows("", |_| String::new())).unwrap();
    let of = [("model.encoder", "[2, 4, 1]"), ("data.drop_columns", "[1]")];
    succeed(&train("table", &at("nameless.csv"), &at("nameless"), &of));
    for (run, with, without) in [
        ("named", "named.csv", "bare.csv"),
        ("nameless", "nameless.csv", "nameless-bare.csv"),
    ] {
        let codes = |input: &str| {
            succeed(&apply("encode", &at(run), &at(input), &at("codes.csv")));
            fs::read(at("codes.csv")).unwrap()
        };
        assert_eq!(codes(with), codes(without), "{run}");
    }
    for (columns, parts) in [
        (
            "['nr']",
            &[
                "has no column `nr` (data.drop_columns)",
                "its columns are id, a, b",
            ][..],
        ),
        ("[4]", &["has no column 4 (data.drop_columns)"]),
        ("[1, 2, 3]", &["has no column of numbers"]),
    ] {
        let of = [("data.drop_columns", columns)];
        refused(&check(&at("named.csv"), &of), parts);
    }
}

#[test]
fn the_decision_about_the_first_line_is_printed_and_doubtful_ones_are_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let decided = |text: &str| {
        fs::write(&path, text).unwrap();
        let found = answer(&check(&path, &[]));
        let texts = |key: &str| texts(&found[key]).join("\n");
        (
            texts("decisions"),
            texts("warnings"),
            found["preparation"].get("columns").cloned(),
        )
    };
    let years = table("2019,2020,2021\n", "1.5,2.5,3.5", "0.5,0.25,7.5");
    let (decisions, warnings, columns) = decided(&years);
    assert!(decisions.contains("line 1 is read as names"), "{decisions}");
    assert!(
        warnings.contains("line 1 is read as names, because its numbers count (2019, 2020, 2021) and those below are fractions; data.header = true or false decides"),
        "{warnings}"
    );
    assert_eq!(columns, Some(json!(["2019", "2020", "2021"])));
    let (_, warnings, columns) = decided(&table("5,9\n", "1.5,2.5", "0.5,0.25"));
    assert!(
        warnings.contains("line 1 is read as data, because"),
        "{warnings}"
    );
    assert_eq!(columns, None);
    let (_, warnings, columns) = decided(&table("a,,c\n", "1,2,3", "2,5,4"));
    assert!(
        warnings.contains("line 1 is read as names") && warnings.contains("column 2"),
        "{warnings}"
    );
    assert_eq!(columns, Some(json!(["a", "", "c"])));
    let (decisions, warnings, _) = decided(&table("a,b\n", "1,2", "2,5"));
    assert!(
        decisions.contains(
            "line 1 is read as names, because it holds `a` where other lines hold numbers"
        ),
        "{decisions}"
    );
    assert!(
        decisions.contains("2 fields per line, separated by `,`, decimal points, UTF-8"),
        "{decisions}"
    );
    assert_eq!(warnings, "");
    let (decisions, warnings, _) = decided(&table("", "1,2", "2,5"));
    assert!(decisions.contains("line 1 is read as data"), "{decisions}");
    assert_eq!(warnings, "");
    // Training warns as well, and the key decides without a word.
    fs::write(&path, years).unwrap();
    let run = directory.path().join("run");
    let encoder = ("model.encoder", "[3, 4, 1]");
    let arguments = train("table", &path, &run, &[encoder]);
    assert!(
        told(&arguments).contains("warning: ")
            && told(&[&arguments[..], &["--force".into()]].concat())
                .contains("data.header = true or false decides")
    );
    let run = directory.path().join("decided");
    let header = ("data.header", "false");
    assert!(!told(&train("table", &path, &run, &[encoder, header])).contains("data.header"));
    // For people too.
    let mut check = check(&path, &[]);
    check.retain(|argument| argument != "--json");
    let output = hourglass(&check);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("line 1 is read as names"), "{text}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("warning: ")
    );
}
