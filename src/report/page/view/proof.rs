//! What a run was made from: its config and its receipt.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::Config;
use crate::report::text::thousands;

/// The config without the directory of its data, which says something of a machine and nothing of the run.
pub fn config_text(config: &Config) -> String {
    let mut told = config.clone();
    told.experiment.set_path(None);
    let text = told.to_toml();
    match config
        .experiment
        .images()
        .is_some_and(|data| data.path.is_some())
    {
        true => format!("# data.path, the directory of the images, is left out here.\n\n{text}"),
        false => text,
    }
}

/// The receipt as lines of a table.
pub fn receipt(receipt: &Value) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in receipt.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => {
                for item in items {
                    if let (Some(file), Some(sha256)) =
                        (item["file"].as_str(), item["sha256"].as_str())
                    {
                        if seen.insert(file) {
                            lines.push((format!("SHA-256 of {file}"), sha256.to_owned()));
                        }
                    } else if let Some(step) = item["after_step"].as_u64() {
                        lines.push((words(name), format!("after step {}", thousands(step))));
                    } else if let Some(word) = item.as_str() {
                        lines.push((words(name), word.to_owned()));
                    } else {
                        lines.push((words(name), item.to_string()));
                    }
                }
            }
            Value::String(text) => lines.push((words(name), text.clone())),
            Value::Object(file) if file.contains_key("sha256") => {
                let text = |key: &str| file.get(key).and_then(Value::as_str).unwrap_or_default();
                lines.push((format!("{} from", words(name)), text("file").to_owned()));
                lines.push((
                    format!("SHA-256 of {}", text("file")),
                    text("sha256").to_owned(),
                ));
            }
            other => lines.push((words(name), other.to_string())),
        }
    }
    lines
}

/// A key as one says it.
fn words(key: &str) -> String {
    let (key, is_hash) = match key.strip_suffix("_sha256") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let key = key.replace('_', " ");
    if is_hash {
        format!("SHA-256 of {key}")
    } else {
        key
    }
}
