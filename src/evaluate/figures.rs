//! Figures under their names.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Figures of one split, in the order in which they are shown. A name says what was measured, its
/// unit and its reduction, such as `bce_nats_per_pixel`.
///
/// As JSON an object, in which numbers that JSON does not have are the strings `inf`, `-inf` and `NaN`, so that
/// nothing changes on the way there and back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Map<String, Value>", try_from = "Map<String, Value>")]
pub struct Figures(Vec<(String, f64)>);

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    LessIsBetter,
    MoreIsBetter,
}

impl Direction {
    /// That of a metric by its name; none for statistics, which are neither good nor bad.
    pub fn of(metric: &str) -> Option<Self> {
        const MORE: [&str; 4] = ["accuracy", "psnr_db", "ssim", "roc_auc"];
        const LESS: [&str; 8] = [
            "bce",
            "mse",
            "squared_error",
            "cross_entropy",
            "negative_elbo",
            "negative_log_likelihood",
            "kl_divergence",
            "perplexity",
        ];
        let holds = |parts: &[&str]| parts.iter().any(|part| metric.contains(part));
        match (holds(&MORE), holds(&LESS)) {
            (true, _) => Some(Self::MoreIsBetter),
            (false, true) => Some(Self::LessIsBetter),
            (false, false) => None,
        }
    }
}

impl Figures {
    /// Adds a figure.
    pub fn push(&mut self, name: impl Into<String>, value: f64) {
        self.0.push((name.into(), value));
    }

    /// The figure of a name.
    pub fn get(&self, name: &str) -> Option<f64> {
        let mut figures = self.0.iter();
        figures.find_map(|(known, value)| (known == name).then_some(*value))
    }

    /// The same figures, each name behind `prefix` and an underscore.
    pub fn prefixed(&self, prefix: &str) -> Self {
        let figures = self.0.iter();
        Self(
            figures
                .map(|(name, value)| (format!("{prefix}_{name}"), *value))
                .collect(),
        )
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl From<Figures> for Map<String, Value> {
    fn from(figures: Figures) -> Self {
        let value = |value: f64| match value.is_finite() {
            true => json!(value),
            false => json!(value.to_string()),
        };
        let figures = figures.into_iter();
        figures
            .map(|(name, figure)| (name, value(figure)))
            .collect()
    }
}

impl TryFrom<Map<String, Value>> for Figures {
    type Error = String;

    fn try_from(map: Map<String, Value>) -> Result<Self, String> {
        let number = |value: &Value| match value {
            Value::String(text) => text.parse().ok().filter(|number: &f64| !number.is_finite()),
            other => other.as_f64(),
        };
        map.into_iter()
            .map(|(name, value)| match number(&value) {
                Some(number) => Ok((name, number)),
                None => Err(format!("`{name}` is {value}, not a number")),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }
}

impl<N: Into<String>> FromIterator<(N, f64)> for Figures {
    fn from_iter<I: IntoIterator<Item = (N, f64)>>(figures: I) -> Self {
        Self(
            figures
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }
}

impl Extend<(String, f64)> for Figures {
    fn extend<I: IntoIterator<Item = (String, f64)>>(&mut self, figures: I) {
        self.0.extend(figures);
    }
}

impl IntoIterator for Figures {
    type Item = (String, f64);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
