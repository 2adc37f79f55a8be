//! The commands that documents and configs show are commands that the program takes.

use std::path::PathBuf;

use clap::Parser;
use hourglass::cli::{Cli, Command};
use hourglass::config::{Config, Study};

use crate::support;

const CALL: &str = "cargo run --release";

/// The arguments of every `cargo run --release … -- …` line, the quoting of a shell undone. Lines with
/// a variable of the shell are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .filter(|line| line.starts_with(CALL) && !line.contains('$'))
        .filter_map(|line| line.split_once(" -- "))
        .map(|(_, arguments)| shlex::split(arguments).expect("balanced quotes"))
        .collect()
}

#[test]
fn every_command_shown_is_understood_and_its_config_is_right() {
    let documents = ["README.md", "docs/lecture.md", "docs/comparison.md"]
        .map(|file| support::root().join(file));
    let mut files = support::configs(&support::root().join("configs"));
    files.extend(documents);
    let mut shown = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let file = file.display();
        for arguments in commands(&text) {
            let all = std::iter::once("hourglass".to_owned()).chain(arguments.clone());
            let parsed = Cli::try_parse_from(all);
            let parsed = parsed.unwrap_or_else(|error| panic!("{file}: {arguments:?}: {error}"));
            let place = |config: Option<PathBuf>| config.map(|path| support::root().join(path));
            let checked = match parsed.command {
                Command::Train(train) => {
                    Config::load(place(train.new.config).as_deref(), &train.new.overrides).map(drop)
                }
                Command::Compare(compare) => {
                    Study::load(place(compare.config).as_deref(), &compare.study.overrides)
                        .map(drop)
                }
                Command::Sweep(sweep) => {
                    Study::load(place(Some(sweep.config)).as_deref(), &sweep.study.overrides)
                        .map(drop)
                }
                _ => Ok(()),
            };
            checked.unwrap_or_else(|error| panic!("{file}: {arguments:?}: {error}"));
            shown += 1;
        }
    }
    assert!(shown > 50, "only {shown} commands were found");
}
