//! The commands that documents, configs and `--help` show are commands that the program takes.

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use hourglass::cli::{Cli, Command, Data};
use hourglass::config::{Config, Study};

use crate::support;

const CALL: &str = "cargo run --release";
const PROGRAM: &str = "hourglass";
/// What stands behind so many blanks in an example explains it.
const BEFORE_A_NOTE: &str = "   ";

/// The arguments of every `cargo run --release … -- …` and `hourglass …` line, the quoting of a shell undone. Lines with
/// a variable of the shell are left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .filter(|line| !line.contains('$'));
    let mut commands = Vec::new();
    for line in lines {
        // Of several in a pipe, or one after another, any may be one of ours.
        let is_first = line.starts_with(CALL) || line.starts_with("hourglass ");
        if !is_first && !line.contains("| hourglass ") {
            continue;
        }
        let line = line
            .split_once(BEFORE_A_NOTE)
            .map_or(line, |(line, _)| line);
        let words = shlex::split(line).unwrap_or_else(|| panic!("quotes in {line}"));
        let parts = words.split(|word| ["|", "&&", ";"].contains(&word.as_str()));
        commands.extend(parts.filter_map(arguments));
    }
    commands
}

/// The arguments of one command, if it is one of ours: what stands before the place that its output goes to.
fn arguments(words: &[String]) -> Option<Vec<String>> {
    let end = words.iter().position(|word| word == ">" || word == "#");
    let words = &words[..end.unwrap_or(words.len())];
    let is_call = words.starts_with(&["cargo".to_owned(), "run".to_owned()]);
    match words.first()?.as_str() {
        PROGRAM => Some(words[1..].to_vec()),
        "cargo" if is_call => {
            let place = words.iter().position(|word| word == "--")?;
            Some(words[place + 1..].to_vec())
        }
        _ => None,
    }
}

/// Demands that a command is understood, and that the files and the keys of configs that it names exist.
fn check(place: &str, arguments: &[String]) {
    let all = std::iter::once(PROGRAM.to_owned()).chain(arguments.iter().cloned());
    let parsed = Cli::try_parse_from(all);
    let parsed = parsed.unwrap_or_else(|error| panic!("{place}: {arguments:?}: {error}"));
    for argument in arguments {
        let value = argument.rsplit('=').next().unwrap_or_default();
        if value.starts_with("configs/") || value.starts_with("data/") {
            assert!(
                support::root().join(value).exists(),
                "{place}: {arguments:?}: there is no {value}"
            );
        }
    }
    let here = |config: Option<PathBuf>| config.map(|path| support::root().join(path));
    let config = |file: Option<PathBuf>, keys: &[String]| {
        Config::load(here(file).as_deref(), keys).map(drop)
    };
    let study =
        |file: Option<PathBuf>, keys: &[String]| Study::load(here(file).as_deref(), keys).map(drop);
    let checked = match parsed.command {
        // Only these keys may change, of a config that is not here.
        Command::Train(train) if train.resume.is_some() => Ok(()),
        Command::Train(train) => config(train.new.config, &train.new.overrides),
        Command::Import(import) => config(import.new.config, &import.new.overrides),
        Command::Gradcheck(check) => config(check.config, &check.overrides),
        Command::Bench(bench) => config(bench.config, &bench.overrides),
        Command::Data(Data::Check(check)) => config(check.config, &check.overrides),
        Command::Compare(compare) => study(compare.config, &compare.study.overrides),
        Command::Sweep(sweep) => study(Some(sweep.config), &sweep.study.overrides),
        _ => Ok(()),
    };
    checked.unwrap_or_else(|error| panic!("{place}: {arguments:?}: {error}"));
}

/// What a document has a shell run.
fn blocks(text: &str) -> String {
    let mut is_within = false;
    let mut lines = String::new();
    for line in text.lines() {
        match line.trim_start().starts_with("```") {
            true => is_within = line.trim() == "```sh",
            false if is_within => lines += &format!("{line}\n"),
            false => {}
        }
    }
    lines
}

/// Files of a directory with this ending.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = support::configs(directory);
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files
}

#[test]
fn every_command_shown_is_understood_and_its_config_is_right() {
    let root = support::root();
    let mut documents = files(&root.join("docs"), "md");
    let others = [
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "artifacts/README.md",
    ];
    documents.extend(others.map(|file| root.join(file)));
    documents.extend(support::configs(&root.join("configs")));
    let mut shown = 0;
    for file in documents {
        let mut text = std::fs::read_to_string(&file).unwrap();
        if file.extension().is_some_and(|ending| ending == "md") {
            text = blocks(&text);
        }
        for arguments in commands(&text) {
            check(&file.display().to_string(), &arguments);
            shown += 1;
        }
    }
    assert!(shown > 100, "only {shown} commands were found");
}

/// Each command of the program and those below it, with its name as it is typed.
fn all_commands(command: &clap::Command, name: &str, found: &mut Vec<(String, String)>) {
    let texts = [
        command.get_before_help(),
        command.get_before_long_help(),
        command.get_about(),
        command.get_long_about(),
        command.get_after_help(),
        command.get_after_long_help(),
    ];
    let of_options = command
        .get_arguments()
        .flat_map(|argument| [argument.get_help(), argument.get_long_help()]);
    let texts = texts.into_iter().chain(of_options).flatten();
    let text = texts.map(|text| format!("{text}\n")).collect();
    found.push((name.to_owned(), text));
    for below in command.get_subcommands() {
        all_commands(below, &format!("{name} {}", below.get_name()), found);
    }
}

#[test]
fn every_example_of_help_is_understood_and_its_files_exist() {
    let mut found = Vec::new();
    all_commands(&Cli::command(), PROGRAM, &mut found);
    assert!(found.len() > 25, "{}", found.len());
    let mut shown = 0;
    for (name, text) in &found {
        let commands = commands(text);
        let has_examples = !text.contains("Example") || !commands.is_empty();
        assert!(has_examples, "{name}: none of its examples is found");
        for arguments in commands {
            check(&format!("{name} --help"), &arguments);
            shown += 1;
        }
    }
    assert!(shown > 70, "only {shown} examples were found");
}

/// Where a sentence or a hint names a command, its options exist. What it leaves out, such as the run, may be missing.
#[test]
fn commands_within_sentences_have_options_that_exist() {
    let root = support::root();
    let mut sources = files(&root.join("src"), "rs");
    sources.extend(files(&root.join("docs"), "md"));
    sources.push(root.join("README.md"));
    let mut shown = 0;
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        for command in quoted.filter(|command| command.starts_with("hourglass ")) {
            // What is put in when the program runs, and how a long line goes on.
            let command = command.replace("\\\n", " ").replace("{}", "x");
            let Some(words) = shlex::split(&command) else {
                continue;
            };
            let Err(error) = Cli::try_parse_from(&words) else {
                shown += 1;
                continue;
            };
            let is_unknown = [
                ErrorKind::UnknownArgument,
                ErrorKind::InvalidSubcommand,
                ErrorKind::ArgumentConflict,
            ];
            let place = file.display();
            assert!(
                !is_unknown.contains(&error.kind()),
                "{place}: {command}: {error}"
            );
            shown += 1;
        }
    }
    assert!(shown > 20, "only {shown} were found");
}

#[test]
fn examples_are_found_in_pipes_and_without_their_notes() {
    let text = "# hourglass train --quiet    it's quiet
  cat x | hourglass encode a --input - --out - > codes.npy
  hourglass train --config 'my file.toml' && hourglass sample a
  hourglasses are old; a word about hourglass train
  echo $X | hourglass train
cargo run --release --features remote -- serve --backend wgpu    # there";
    let found = commands(text);
    let expected: [&[&str]; 5] = [
        &["train", "--quiet"],
        &["encode", "a", "--input", "-", "--out", "-"],
        &["train", "--config", "my file.toml"],
        &["sample", "a"],
        &["serve", "--backend", "wgpu"],
    ];
    assert_eq!(found, expected);
}
