//! The final figures on all splits, beside what others reached.

use serde_json::Value;

use crate::evaluate::Direction;
use crate::report::log::EVALUATED_TRAINING;
use crate::report::metrics::description;
use crate::report::references::Reference;
use crate::report::text::figure;

/// A figure on all splits.
pub struct FigureRow {
    pub description: String,
    pub metric: String,
    pub train: Option<String>,
    pub train_evaluated: Option<String>,
    pub validation: Option<String>,
    pub test: Option<String>,
    pub references: Vec<ReferenceCell>,
}

pub struct ReferenceCell {
    /// Of the figure on training examples rather than the test figure.
    pub is_training: bool,
    /// With how far from it one seed may be.
    pub value: String,
    pub verdict: &'static str,
    /// The number of its source.
    pub mark: usize,
}

/// All figures of the summary, those of one metric in a row.
pub fn figure_rows(
    summary: &Value,
    references: &[Reference],
    sources: &mut Vec<String>,
) -> Vec<FigureRow> {
    let Some(metrics) = summary["metrics"].as_object() else {
        return Vec::new();
    };
    let prefixes = [EVALUATED_TRAINING, "train", "validation", "test"];
    let mut names: Vec<&str> = Vec::new();
    for name in metrics.keys() {
        let mut split = prefixes
            .iter()
            .filter_map(|prefix| name.strip_prefix(prefix)?.strip_prefix('_'));
        if let Some(metric) = split.next()
            && metric != "seconds"
            && !names.contains(&metric)
        {
            names.push(metric);
        }
    }
    let value = |prefix: &str, metric: &str| -> Option<String> {
        let found = metrics.get(&format!("{prefix}_{metric}"))?;
        let text = |value: f64| match metric.ends_with("units") {
            true => value.to_string(),
            false => figure(value),
        };
        Some(found.as_f64().map_or_else(|| "not finite".into(), text))
    };
    let mut cell = |prefix: &str, metric: &str| {
        let name = format!("{prefix}_{metric}");
        let known = references
            .iter()
            .find(|reference| reference.metric == name)?;
        let at = sources.iter().position(|source| *source == known.source);
        let mark = at.unwrap_or_else(|| {
            sources.push(known.source.clone());
            sources.len() - 1
        });
        let found = metrics.get(&name).and_then(Value::as_f64);
        Some(ReferenceCell {
            is_training: prefix == "train",
            value: match known.tolerance > 0.0 {
                true => format!(
                    "{} ± {} %",
                    known.range(),
                    figure_of_percent(known.tolerance)
                ),
                false => known.range(),
            },
            verdict: found.map_or("not finite", |found| verdict(known, metric, found)),
            mark: mark + 1,
        })
    };
    let rows = names.into_iter().map(|metric| {
        let references = [cell("test", metric), cell("train", metric)];
        FigureRow {
            description: description(metric),
            metric: metric.to_owned(),
            train: value("train", metric),
            train_evaluated: value(EVALUATED_TRAINING, metric),
            validation: value("validation", metric),
            test: value("test", metric),
            references: references.into_iter().flatten().collect(),
        }
    });
    rows.collect()
}

/// A share in percent, without digits that say nothing.
fn figure_of_percent(share: f64) -> f64 {
    (1000.0 * share).round() / 10.0
}

fn verdict(reference: &Reference, metric: &str, found: f64) -> &'static str {
    if reference.holds(found) {
        return "met";
    }
    match (Direction::of(metric), found < reference.least) {
        (Some(Direction::LessIsBetter), true) | (Some(Direction::MoreIsBetter), false) => "better",
        (Some(_), _) => "worse",
        (None, _) => "different",
    }
}
