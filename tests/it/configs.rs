//! Every file under `configs/` is a whole experiment.

use std::path::{Path, PathBuf};

use hourglass::config::Config;

use crate::support;

fn configs(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(configs(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn every_config_says_what_it_is_and_trains_two_steps() {
    let files = configs(&support::root().join("configs"));
    assert!(files.len() >= 14);
    let directory = tempfile::tempdir().unwrap();
    for (index, file) in files.iter().enumerate() {
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
        let command = format!("cargo run --release -- train --config {name}");
        assert!(
            comment.contains(&command),
            "{name} should open with `{command}`"
        );
        assert!(
            comment.contains("--set") || comment.contains("--backend"),
            "{name} shows no override"
        );

        let config = Config::load(Some(file), &[]).unwrap();
        let two_steps = config.experiment.validation() + 2 * config.train.batch_size;
        let sizes = match config.experiment.images() {
            Some(_) => [
                format!("--set=data.limit={two_steps}"),
                "--set=data.test_limit=20".to_owned(),
            ],
            None => [
                format!("--set=data.points_per_class={}", two_steps / 3),
                "--set=data.test_points_per_class=20".to_owned(),
            ],
        };
        let [training, test] = sizes;
        support::succeed(&[
            "train".to_owned(),
            format!("--config={}", file.display()),
            training,
            test,
            "--set=train.epochs=1".to_owned(),
            format!(
                "--out={}",
                directory.path().join(index.to_string()).display()
            ),
        ]);
    }
}
