//! Every file under `configs/` is a whole experiment.

use std::path::Path;

use hourglass::config::{Config, Study};

use crate::support;

/// The file's name in the repository, after a check of the comment that it opens with.
fn named(file: &Path, command: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let name = file
        .strip_prefix(support::root())
        .unwrap()
        .display()
        .to_string();
    let comment: String = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .collect();
    let command = format!("cargo run --release -- {command} --config {name}");
    assert!(comment.contains(&command), "{name} should show `{command}`");
    assert!(
        comment.contains("--set") || comment.contains("--backend"),
        "{name} shows no override"
    );
    name
}

#[test]
fn every_config_says_what_it_is_and_trains_two_steps() {
    let files = support::configs(&support::root().join("configs"));
    let files: Vec<_> = files
        .iter()
        .filter(|file| {
            file.parent()
                .is_some_and(|parent| parent.ends_with("configs"))
        })
        .collect();
    assert!(files.len() >= 17);
    let directory = tempfile::tempdir().unwrap();
    for (index, file) in files.iter().enumerate() {
        named(file, "train");
        let config = Config::load(Some(file), &[]).unwrap();
        // A baseline takes no steps; of so few images it finds as many components as it is asked for.
        let batch_size = config.train.as_ref().map_or(32, |train| train.batch_size);
        let two_steps = config.experiment.validation() + 2 * batch_size;
        let mut settings = match config.experiment.images() {
            Some(_) => vec![
                format!("--set=data.limit={two_steps}"),
                "--set=data.test_limit=20".to_owned(),
            ],
            None => vec![
                format!("--set=data.points_per_class={}", two_steps / 3),
                "--set=data.test_points_per_class=20".to_owned(),
            ],
        };
        if config.train.is_some() {
            settings.push("--set=train.epochs=1".to_owned());
        }
        let out = directory.path().join(index.to_string());
        settings.extend([
            "train".to_owned(),
            format!("--config={}", file.display()),
            format!("--out={}", out.display()),
        ]);
        settings.rotate_right(3);
        support::succeed(&settings);
    }
}

/// Every comparison and sweep, on a few images and with few values in its grid.
#[test]
fn every_study_says_what_it_is_and_runs() {
    let directory = tempfile::tempdir().unwrap();
    for (folder, command, result) in [
        ("comparisons", "compare", "compare.json"),
        ("sweeps", "sweep", "sweep.json"),
    ] {
        let files = support::configs(&support::root().join("configs").join(folder));
        assert!(!files.is_empty());
        for file in files {
            let name = named(&file, command);
            let study = Study::load(Some(&file), &[]).unwrap();
            let out = directory.path().join(&study.name);
            let mut arguments = vec![
                command.to_owned(),
                format!("--config={name}"),
                format!("--out={}", out.display()),
                "--set=seeds=1".to_owned(),
                "--set=data.test_limit=40".to_owned(),
                "--json".to_owned(),
            ];
            let validation = study.configs().next().unwrap().experiment.validation();
            arguments.push(format!("--set=data.limit={}", validation + 150));
            if study.keys == ["model.code_size"] {
                arguments.push("--set=grid.model.code_size=[2, 4]".to_owned());
            }
            if study.keys == ["data.exclude_classes"] {
                arguments.push("--set=grid.data.exclude_classes=[[0], [1]]".to_owned());
            }
            for method in &study.methods {
                if method.points[0].configs[0].train.is_some() {
                    let name = &method.name;
                    arguments.push(format!("--set=method.{name}.train.epochs=1"));
                }
            }
            let text = support::succeed(&arguments);
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(document["name"], study.name);
            assert!(out.join(result).is_file());
        }
    }
}
