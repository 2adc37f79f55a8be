//! Figures that others reached with the repository's experiments.

use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use crate::config::{Config, Experiment, StockConfig, Train};
use crate::data::Images;
use crate::train::checkpoint::Policy;

/// What others reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The full name of a figure, such as `test_bce_nats_per_pixel`.
    pub metric: String,
    pub least: f64,
    /// The same as the least where one value is known, infinite where it is a bound.
    pub greatest: f64,
    /// How far a seed may be from it, as a share.
    pub tolerance: f64,
    /// Who reached it, and how.
    pub source: String,
}

impl Reference {
    /// As it is written: a value, a range or a bound.
    pub fn range(&self) -> String {
        match (self.least, self.greatest) {
            (least, greatest) if greatest.is_infinite() => format!("at least {least}"),
            (least, greatest) if least == greatest => least.to_string(),
            (least, greatest) => format!("{least} to {greatest}"),
        }
    }

    /// Whether a figure is as near as one seed can be expected to be.
    pub fn holds(&self, figure: f64) -> bool {
        let room = |bound: f64| self.tolerance * bound.abs();
        let above = self.least - room(self.least);
        let below = match self.greatest.is_finite() {
            true => self.greatest + room(self.greatest),
            false => self.greatest,
        };
        (above..=below).contains(&figure)
    }
}

#[derive(Deserialize)]
struct File {
    sources: Table,
    pca_test_mse_per_pixel: Table,
    experiment: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    config: String,
    #[serde(default)]
    set: Vec<String>,
    figures: Vec<Figure>,
}

#[derive(Deserialize)]
struct Figure {
    metric: String,
    reference: Option<Vec<f64>>,
    least: Option<f64>,
    #[serde(default)]
    tolerance: f64,
    source: Option<String>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("references.toml"))
        .expect("the file of references is as it should be")
});

/// What is known of an experiment that is one of the repository's, but for its seed, backend and where things lie.
pub fn references(config: &Config) -> Vec<Reference> {
    let is_it = |known: &&Known| {
        let stock = StockConfig::named(&known.config);
        let known = Config::parse(stock.file, stock.text, &known.set);
        known.is_ok_and(|known| what_matters(&known) == what_matters(config))
    };
    let Some(known) = FILE.experiment.iter().find(is_it) else {
        return Vec::new();
    };
    let figures = known.figures.iter();
    figures.filter_map(Figure::reference).collect()
}

impl Figure {
    fn reference(&self) -> Option<Reference> {
        let (least, greatest) = match (&self.reference, self.least) {
            (Some(values), _) => (
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ),
            (None, Some(least)) => (least, f64::INFINITY),
            (None, None) => return None,
        };
        let source = self.source.as_ref().and_then(|key| FILE.sources.get(key));
        Some(Reference {
            metric: self.metric.clone(),
            least,
            greatest,
            tolerance: self.tolerance,
            source: source.and_then(Value::as_str).unwrap_or_default().into(),
        })
    }
}

/// An experiment without what does not change its figures.
fn what_matters(config: &Config) -> (Experiment, Option<Train>) {
    let mut experiment = config.experiment.clone();
    experiment.set_path(None);
    let train = config.train.clone().map(|train| Train {
        checkpoints: Policy::default(),
        ..train
    });
    (experiment, train)
}

/// The squared error per pixel on MNIST's test digits of principal component analysis with a code of that size, where
/// it is known and `data` are all of MNIST's images.
pub fn pca_mse_per_pixel(data: &Images, code_size: usize) -> Option<f64> {
    let is_all = data.source == crate::data::Source::Mnist
        && data.limit.is_none()
        && data.test_limit.is_none()
        && data.validation == 0;
    let known = FILE.pca_test_mse_per_pixel.get(&code_size.to_string());
    known.filter(|_| is_all).and_then(Value::as_float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(overrides: &[&str]) -> Config {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        Config::load(None, &overrides).unwrap()
    }

    #[test]
    fn an_experiment_is_known_by_what_changes_its_figures() {
        let found = references(&deep(&[
            "seed=7",
            "name=mine",
            "train.checkpoints.every_steps=100",
        ]));
        let bce = found
            .iter()
            .find(|reference| reference.metric == "test_bce_nats_per_pixel")
            .unwrap();
        assert_eq!((bce.least, bce.greatest), (0.0864, 0.0879));
        assert!(bce.holds(0.0850) && bce.holds(0.0895) && !bce.holds(0.0840) && !bce.holds(0.09));
        assert!(bce.source.contains("PyTorch"));
        for other in ["train.epochs=6", "model.activation=tanh", "data.limit=1000"] {
            assert!(references(&deep(&[other])).is_empty(), "{other}");
        }
        let sparse = StockConfig::named("sparse");
        let mean = ["objective.sparsity.reduction=batch_mean".to_owned()];
        let mean = Config::parse(sparse.file, sparse.text, &mean).unwrap();
        let code_mean = |config| {
            let found = references(config);
            let of = found.iter().find(|each| each.metric == "test_code_mean");
            of.unwrap().least
        };
        assert_eq!(code_mean(&mean), 5.19);
    }

    #[test]
    fn every_reference_is_of_an_experiment_that_there_is() {
        for known in &FILE.experiment {
            let stock = StockConfig::named(&known.config);
            assert!(Config::parse(stock.file, stock.text, &known.set).is_ok());
            for figure in &known.figures {
                let source = figure.source.as_ref();
                assert!(source.is_none_or(|key| FILE.sources.contains_key(key)));
                assert!(figure.reference.is_none() || source.is_some());
            }
        }
    }

    #[test]
    fn pca_is_known_for_all_of_mnist_alone() {
        let mse = |overrides: &[&str]| {
            let config = deep(overrides);
            pca_mse_per_pixel(config.experiment.images().unwrap(), 32)
        };
        assert_eq!(mse(&[]), Some(0.01683));
        assert_eq!(mse(&["data.limit=100"]), None);
        let config = deep(&[]);
        assert_eq!(
            pca_mse_per_pixel(config.experiment.images().unwrap(), 33),
            None
        );
    }
}
