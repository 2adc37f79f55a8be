//! The commands that documents and configs show are commands that the program takes.

use clap::Parser;
use hourglass::cli::{Cli, Command};
use hourglass::config::Config;

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
    let mut files = vec!["README.md".into(), "docs/lecture.md".into()];
    for entry in std::fs::read_dir(support::root().join("configs")).unwrap() {
        files.push(format!("configs/{}", entry.unwrap().file_name().display()));
    }
    let mut shown = 0;
    for file in files {
        let text = std::fs::read_to_string(support::root().join(&file)).unwrap();
        for arguments in commands(&text) {
            let all = std::iter::once("hourglass".to_owned()).chain(arguments.clone());
            let parsed = Cli::try_parse_from(all);
            let parsed = parsed.unwrap_or_else(|error| panic!("{file}: {arguments:?}: {error}"));
            if let Command::Train(train) = parsed.command {
                let config = train.config.map(|path| support::root().join(path));
                Config::load(config.as_deref(), &train.overrides)
                    .unwrap_or_else(|error| panic!("{file}: {arguments:?}: {error}"));
            }
            shown += 1;
        }
    }
    assert!(shown > 50, "only {shown} commands were found");
}
