//! Settings to checked values, one section a file; mistakes go to the settings.

mod data;
mod model;
mod objective;
mod train;
pub mod version;

use super::settings::Settings;
use super::{Config, Experiment};
use crate::baselines;
use crate::device::Backend;

/// Characters.
const MOST_OF_A_NAME: usize = 100;

/// The kinds of network, by their names.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Autoencoder,
    Variational,
    Classifier,
    Baseline(baselines::Kind),
}

const KINDS: [(&str, Kind); 6] = [
    ("autoencoder", Kind::Autoencoder),
    ("variational", Kind::Variational),
    ("classifier", Kind::Classifier),
    ("pca", Kind::Baseline(baselines::Kind::Pca)),
    (
        "probabilistic_pca",
        Kind::Baseline(baselines::Kind::ProbabilisticPca),
    ),
    ("topic_model", Kind::Baseline(baselines::Kind::TopicModel)),
];

/// Reads every setting. Where one is wrong, a default stands in until `finish` reports it.
pub fn config(settings: &mut Settings) -> Config {
    let name = name(settings);
    let seed = settings.seed("seed").unwrap_or(42);
    let backend = settings
        .choice("backend", &Backend::LOCAL)
        .unwrap_or(Backend::Flex);
    let experiment = experiment(settings);
    let train = match experiment {
        Experiment::Baseline { .. } => {
            settings.refuse(
                "train",
                "means nothing to a baseline, which is not trained by gradients",
            );
            None
        }
        _ => Some(train::train(settings, &experiment)),
    };
    Config {
        name,
        seed,
        backend,
        experiment,
        train,
    }
}

/// Reads what the experiment, or a study, is called.
pub fn name(settings: &mut Settings) -> String {
    let expected = "a text of 1 to 100 characters in one line";
    let name = settings.read("name", expected, |value| {
        let name = value.as_str().filter(|name| is_name(name));
        name.map(str::to_owned)
    });
    name.unwrap_or_else(|| "unnamed".into())
}

fn is_name(name: &str) -> bool {
    (1..=MOST_OF_A_NAME).contains(&name.chars().count())
        && name.trim() == name
        && !name.contains(char::is_control)
}

/// The name of a directory, safe on every system, for what has a name: the name itself where it is one.
pub fn directory_name(name: &str) -> String {
    let mut first = true;
    let safe = name.chars().map(|character| {
        let others = if first { "" } else { "._-" };
        first = false;
        match character.is_ascii_alphanumeric() || others.contains(character) {
            true => character,
            false => '_',
        }
    });
    safe.collect()
}

fn experiment(settings: &mut Settings) -> Experiment {
    let kind = settings.choice("model.kind", &KINDS);
    if kind.is_none() && settings.has("model.kind") {
        // What the other keys should be depends on what was meant.
        for section in ["data", "model", "objective", "train.early_stopping"] {
            settings.forget(section);
        }
    }
    match kind.unwrap_or(Kind::Autoencoder) {
        Kind::Autoencoder => {
            let data = data::images(settings);
            let model = model::autoencoder(settings);
            let objective = objective::reconstruction(settings, &model);
            Experiment::Autoencoder {
                data,
                model,
                objective,
            }
        }
        Kind::Variational => Experiment::Variational {
            data: data::images(settings),
            model: model::variational(settings),
            objective: objective::variational(settings),
        },
        Kind::Classifier => {
            let data = data::points(settings);
            settings.refuse(
                "objective",
                "means nothing to a classifier, which minimises the cross-entropy of its classes",
            );
            let model = model::classifier(settings, &data);
            Experiment::Classifier { data, model }
        }
        Kind::Baseline(kind) => {
            let data = data::images(settings);
            settings.refuse(
                "objective",
                "means nothing to a baseline, which has one of its own",
            );
            let model = model::baseline(settings, kind);
            Experiment::Baseline { data, model }
        }
    }
}

/// Whether a name is safe as that of a directory on every system.
pub fn is_plain_name(name: &str) -> bool {
    directory_name(name) == name && !name.starts_with('_') && name.len() <= MOST_OF_A_NAME
}
