//! The version of hourglass that a config is written for, and what its words meant then.

use toml::Value;

use crate::config::settings::Settings;

/// The key that says it.
pub const KEY: &str = "hourglass";

/// What begins the configs of runs of hourglass 0.1, which do not say their version.
const HEADER_OF_0_1: &str =
    "# The resolved config of this run; training with it repeats the run.\n\nname = ";

/// Since then `gelu` is the form with the error function; it was the one with tanh.
const EXACT_GELU: (u32, u32) = (0, 2);

/// The keys that name an activation.
const ACTIVATIONS: [&str; 3] = ["model.activation", "model.code_activation", "model.output"];

/// Puts words of today in the place of those of the version that a config was written for: by its key `hourglass`, or else
/// 0.1 for what `is_of_a_run` and the text of a run of that version; other configs are of today. To be called before
/// overrides, which are of today.
pub fn modernise(settings: &mut Settings, text: &str, is_of_a_run: bool) {
    let expected = "a version such as \"0.2.0\"";
    let version = settings.read(KEY, expected, |value| version(value.as_str()?));
    let is_older = match version {
        Some(version) => version < EXACT_GELU,
        None => is_of_a_run || text.starts_with(HEADER_OF_0_1),
    };
    if is_older {
        settings.change_values(
            |key| {
                let key = key.strip_suffix(".kind").unwrap_or(key);
                ACTIVATIONS.iter().any(|&known| {
                    let before = key.strip_suffix(known);
                    before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
                })
            },
            with_tanh,
        );
    }
}

/// The major and the minor number.
fn version(text: &str) -> Option<(u32, u32)> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match numbers?[..] {
        [major, minor] | [major, minor, _] => Some((major, minor)),
        _ => None,
    }
}

fn with_tanh(value: &mut Value) {
    match value {
        Value::String(name) if name == "gelu" => *name = "gelu_tanh".into(),
        Value::Array(values) => values.iter_mut().for_each(with_tanh),
        _ => {}
    }
}
