//! What heads a page: what it is about, and its main figures.

use super::Bar;
use super::course::kept_epoch;
use crate::baselines;
use crate::config::{Config, Experiment};
use crate::report::metrics::description;
use crate::report::page::{Page, Subject};
use crate::report::text::{figure, thousands};

/// One of the figures that head the page.
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    pub note: String,
}

/// What a kind of network is called.
pub fn kind(config: &Config) -> String {
    match &config.experiment {
        Experiment::Autoencoder {
            model, objective, ..
        } => {
            let depth = match model.encoder.len() {
                ..=2 => "single-layer",
                _ => "deep",
            };
            let mut words = Vec::new();
            words.extend(objective.corruption.map(|_| "denoising"));
            words.extend(objective.sparsity.map(|_| "sparse"));
            words.push(depth);
            let mut text = format!("{} autoencoder", words.join(", "));
            if model.tied {
                text.push_str(" with tied weights");
            }
            capitalised(&text)
        }
        Experiment::Variational { objective, .. } => match objective.corruption {
            Some(_) => "Denoising variational autoencoder".into(),
            None => "Variational autoencoder".into(),
        },
        Experiment::Classifier { .. } => "Softmax classifier".into(),
        Experiment::Baseline { model, .. } => match model.kind {
            baselines::Kind::Pca => "Principal component analysis",
            baselines::Kind::ProbabilisticPca => "Probabilistic principal component analysis",
            baselines::Kind::TopicModel => "Topic model",
        }
        .into(),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// A bar for each layer, as high as the square root of its units says, so that 784 and 32 can both be seen.
pub fn silhouette(sizes: &[usize]) -> Vec<Bar> {
    let sizes: Vec<f64> = sizes.iter().map(|&size| size as f64).collect();
    let most = sizes.iter().copied().fold(1.0, f64::max).sqrt();
    let step = 100.0 / sizes.len().max(1) as f64;
    let bar = |(index, size): (usize, &f64)| {
        let height = (100.0 * size.sqrt() / most).max(4.0);
        Bar {
            left: step * (index as f64 + 0.35),
            width: 0.3 * step,
            top: (100.0 - height) / 2.0,
            height,
        }
    };
    sizes.iter().enumerate().map(bar).collect()
}

pub fn lead(page: &Page<'_>) -> String {
    let summary = page.summary;
    let seconds = summary["metrics"]["train_seconds"]
        .as_f64()
        .unwrap_or_default();
    let environment = &summary["receipt"];
    let on = format!(
        "on {} ({})",
        environment["backend"].as_str().unwrap_or_default(),
        environment["device"].as_str().unwrap_or_default()
    );
    let examples = thousands(page.training_examples as u64);
    let epochs = summary["epochs"].as_u64().unwrap_or_default();
    if let Some(file) = environment["imported"]["file"].as_str() {
        return format!(
            "Its weights were trained elsewhere and imported from {file}. It was measured {on}."
        );
    }
    let epochs = match epochs {
        1 => "1 epoch".to_owned(),
        more => format!("{} epochs", thousands(more)),
    };
    let kept = match kept_epoch(summary) {
        Some(kept) => {
            format!(" The weights are those of epoch {kept}, the best by its validation examples.")
        }
        None => String::new(),
    };
    match (&page.subject, &page.config.train) {
        (Subject::Images(images), Some(_)) => format!(
            "It squeezes an image of {} pixels through a code of {} and draws it again. Trained for {epochs} on \
             {examples} images in {seconds:.1} seconds {on}.{kept}",
            images.images.pixels_per_image(),
            images.code_size(),
        ),
        (Subject::Images(images), None) => format!(
            "It says an image of {} pixels in a code of {} and draws it again. Fitted to {examples} images in \
             {seconds:.1} seconds {on}.",
            images.images.pixels_per_image(),
            images.code_size(),
        ),
        (Subject::Points(points), _) => format!(
            "It tells {} classes of points in the plane apart. Trained for {epochs} on {examples} points in \
             {seconds:.1} seconds {on}.{kept}",
            points.classes,
        ),
    }
}

pub fn facts(page: &Page<'_>) -> Vec<Fact> {
    let metrics = &page.summary["metrics"];
    let test = |name: &str| metrics[format!("test_{name}")].as_f64();
    let error_metric = page.config.experiment.error_metric();
    let mut facts = Vec::new();
    if let Some(accuracy) = test("accuracy") {
        facts.push(Fact {
            label: "Classified rightly",
            value: format!("{:.1} %", 100.0 * accuracy),
            note: "of the test points".into(),
        });
    }
    if let Some(error) = test(error_metric) {
        facts.push(Fact {
            label: "Test error",
            value: figure(error),
            note: match page.config.experiment.corruption() {
                Some(_) => format!("{}, from inputs without noise", description(error_metric)),
                None => description(error_metric),
            },
        });
    }
    if let Some(error) = test(&format!("corrupted_{error_metric}")) {
        facts.push(Fact {
            label: "Test error, noise removed",
            value: figure(error),
            note: format!("{}, from inputs with noise", description(error_metric)),
        });
    }
    if let Subject::Images(images) = &page.subject {
        let zeros = test("code_zero_fraction").unwrap_or_default();
        facts.push(Fact {
            label: "Code",
            value: match images.code_size() {
                1 => "1 number".into(),
                more => format!("{more} numbers"),
            },
            note: format!(
                "stand for {} pixels; {:.1} % of the numbers are exactly 0",
                images.images.pixels_per_image(),
                100.0 * zeros
            ),
        });
        if let Some(alike) = &images.look_alikes {
            facts.push(Fact {
                label: "Look-alikes",
                value: format!("{:.1} %", 100.0 * alike.share_right),
                note: format!(
                    "of the test images have the class of most of the {} nearest of {} training codes",
                    alike.neighbours,
                    thousands(alike.asked as u64)
                ),
            });
        }
    }
    if let Some(speed) = metrics["samples_per_second"]
        .as_f64()
        .filter(|_| page.config.train.is_some())
    {
        facts.push(Fact {
            label: "Speed",
            value: thousands(speed.round() as u64),
            note: "training examples a second".into(),
        });
    }
    let parameters = page.summary["receipt"]["parameters"]
        .as_u64()
        .unwrap_or_default();
    facts.push(Fact {
        label: "Parameters",
        value: thousands(parameters),
        note: "numbers that were learned".into(),
    });
    facts
}
