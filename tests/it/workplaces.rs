//! Where processes of tests stand: each test in a directory of its own, none in the checkout.

use std::fs;

use crate::support::{self, program_in};

/// What a process leaves where it stands must not be left in the checkout, nor found there.
#[test]
fn every_process_of_a_test_is_started_by_the_harness() {
    let directory = support::root().join("tests/it");
    let harness = directory.join("support.rs");
    // Written so that this file holds none of them.
    let forbidden = [
        concat!("Command", "::new("),
        concat!("CARGO_BIN_EXE", "_hourglass\"))"),
        concat!("current", "_dir("),
    ];
    let mut found = Vec::new();
    let mut files = support::configs(&directory);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    assert!(files.len() > 50, "{}", files.len());
    for file in files.iter().filter(|file| **file != harness) {
        let text = fs::read_to_string(file).unwrap();
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|part| line.contains(part)) {
                found.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "start processes with support::program, tool or tests: {found:#?}"
    );
}

#[test]
#[should_panic(expected = "is in the checkout")]
fn the_harness_starts_nothing_in_the_checkout() {
    program_in(support::root(), &["train"]);
}

#[test]
#[should_panic(expected = "is in the checkout")]
fn the_harness_starts_nothing_below_the_checkout() {
    program_in(&support::root().join("artifacts"), &["train"]);
}

#[test]
fn two_tests_do_not_share_a_workplace() {
    let here = || {
        let output = support::tool("pwd").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let elsewhere = std::thread::spawn(here).join().unwrap();
    assert_ne!(here(), elsewhere);
    assert_eq!(here(), here());
}
