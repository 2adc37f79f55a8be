//! Where a figure stands between the least possible and what any fool could do.

use serde_json::Value;

use crate::config::Config;
use crate::report::metrics::description;
use crate::report::page::ImageSubject;
use crate::report::references::{Reference, pca_mse_per_pixel};
use crate::report::text::figure;

/// A line with marks.
#[derive(Debug)]
pub struct Scale {
    /// What is measured, in words.
    pub description: String,
    pub marks: Vec<Mark>,
}

/// A mark, and where its label is.
#[derive(Debug)]
pub struct Mark {
    pub kind: &'static str,
    pub label: String,
    /// From the left, in percent.
    pub at: f64,
    /// Of a mark that is a range, how long it is, in percent.
    pub length: f64,
    /// Of SVG's text, at the ends of the line so that the label stays within.
    pub anchor: &'static str,
}

impl Mark {
    /// A mark of one value, to be placed by [`Scale::new`].
    pub fn new(kind: &'static str, label: String, value: f64) -> Self {
        Self::range(kind, label, value, value)
    }

    /// A mark of all values between two.
    pub fn range(kind: &'static str, label: String, least: f64, greatest: f64) -> Self {
        Self {
            kind,
            label,
            at: least,
            length: greatest - least,
            anchor: "middle",
        }
    }
}

/// Room beyond the outermost marks, in percent.
const ROOM: f64 = 2.0;

impl Scale {
    /// A line from the least to the greatest of its marks; none where a value is not finite or all are one.
    pub fn new(description: String, mut marks: Vec<Mark>) -> Option<Self> {
        let least = marks
            .iter()
            .map(|mark| mark.at)
            .fold(f64::INFINITY, f64::min);
        let greatest = marks
            .iter()
            .map(|mark| mark.at + mark.length)
            .fold(f64::NEG_INFINITY, f64::max);
        let are_finite = marks
            .iter()
            .all(|mark| mark.at.is_finite() && mark.length.is_finite());
        let width = greatest - least;
        if !are_finite || width.is_nan() || width <= 0.0 {
            return None;
        }
        let share = (100.0 - 2.0 * ROOM) / width;
        for mark in &mut marks {
            mark.at = ROOM + share * (mark.at - least);
            mark.length *= share;
            mark.anchor = match mark.at {
                at if at < 30.0 => "start",
                at if at > 70.0 => "end",
                _ => "middle",
            };
        }
        Some(Self { description, marks })
    }
}

/// The least error possible in a metric, if it is known.
pub fn floor(metric: &str, images: &ImageSubject<'_>) -> Option<f64> {
    match metric {
        "bce_nats_per_pixel" => Some(images.entropy),
        "negative_elbo_nats_per_image" => {
            Some(images.entropy * images.images.pixels_per_image() as f64)
        }
        _ => None,
    }
}

/// The test error between the least possible and that of always drawing the mean image.
pub fn images_scale(
    config: &Config,
    summary: &Value,
    images: &ImageSubject<'_>,
    references: &[Reference],
) -> Option<Scale> {
    let pixels = images.images.pixels_per_image() as f64;
    let (mean_bce, mean_mse) = images.mean_image;
    let (metric, mean_image) = match config.experiment.error_metric() {
        metric @ "bce_nats_per_pixel" => (metric, mean_bce),
        metric @ "negative_elbo_nats_per_image" => (metric, mean_bce * pixels),
        metric @ "squared_error_per_image" => (metric, mean_mse * pixels),
        // Baselines minimise what the mean image has no figure for.
        _ => ("mse_per_pixel", mean_mse),
    };
    let name = format!("test_{metric}");
    let found = summary["metrics"][&name].as_f64()?;
    let floor = floor(metric, images);
    let mut marks = vec![
        Mark::new("run", format!("this network {}", figure(found)), found),
        Mark::new(
            "floor",
            match floor {
                Some(floor) => format!("least possible {}", figure(floor)),
                None => "exact 0".into(),
            },
            floor.unwrap_or(0.0),
        ),
        Mark::new(
            "mean",
            format!("the mean image each time {}", figure(mean_image)),
            mean_image,
        ),
    ];
    let known = references.iter().find(|reference| reference.metric == name);
    if let Some(known) = known.filter(|known| known.greatest.is_finite()) {
        let label = format!("reference {}", known.range());
        marks.push(Mark::range("reference", label, known.least, known.greatest));
    } else if let Some(pca) = config
        .experiment
        .images()
        .and_then(|data| pca_mse_per_pixel(data, images.code_size()))
        .filter(|_| metric == "mse_per_pixel" || metric == "squared_error_per_image")
    {
        let scale = if metric == "mse_per_pixel" {
            1.0
        } else {
            pixels
        };
        let label = format!("PCA of as many numbers {}", figure(scale * pca));
        marks.push(Mark::new("reference", label, scale * pca));
    }
    Scale::new(format!("Test {}", description(metric)), marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_in_proportion_and_their_labels_within() {
        let mark = |value| Mark::new("run", String::new(), value);
        let marks = vec![
            mark(1.0),
            mark(2.0),
            Mark::range("reference", String::new(), 1.5, 1.6),
            mark(3.0),
        ];
        let scale = Scale::new("error".into(), marks).unwrap();
        let at: Vec<f64> = scale.marks.iter().map(|mark| mark.at).collect();
        assert_eq!((at[0], at[1], at[3]), (2.0, 50.0, 98.0));
        assert!((scale.marks[2].length - 4.8).abs() < 1e-9);
        let anchors: Vec<_> = scale.marks.iter().map(|mark| mark.anchor).collect();
        assert_eq!(anchors, ["start", "middle", "start", "end"]);
    }

    #[test]
    fn there_is_no_line_through_one_place_or_none() {
        let mark = |value| Mark::new("run", String::new(), value);
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(1.0)]).is_none());
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(f64::NAN)]).is_none());
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(f64::INFINITY)]).is_none());
    }
}
