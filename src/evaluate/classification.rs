//! How well a classifier classifies.

use burn::tensor::{Device, ExecutionError, Tensor, TensorData};

use super::{Figures, read};
use crate::data::PointSet;
use crate::model::{Classifier, DropoutMasks};

/// Points that are classified at a time.
const POINTS_AT_A_TIME: usize = 10_000;

/// `−ln P(y|x)`, and the share of points whose most probable class is their own.
///
/// # Errors
/// The device fails.
pub fn classification(
    model: &Classifier,
    points: &PointSet,
    device: &Device,
) -> Result<Figures, ExecutionError> {
    let logits = logits(model, points.coordinates(), points.width(), device)?;
    Ok(figures(&logits, points.classes()))
}

/// The probability of each class at each of the points, `[points, classes]` row-major.
///
/// # Errors
/// The device fails.
pub fn class_probabilities(
    model: &Classifier,
    coordinates: &[f32],
    width: usize,
    device: &Device,
) -> Result<Vec<f64>, ExecutionError> {
    let logits = logits(model, coordinates, width, device)?;
    let classes = logits.len() / (coordinates.len() / width);
    let each = logits.chunks_exact(classes);
    Ok(each
        .flat_map(|logits| {
            let log_sum = log_sum_exp(logits);
            logits
                .iter()
                .map(move |&logit| (f64::from(logit) - log_sum).exp())
        })
        .collect())
}

/// `[points, classes]`, row-major.
fn logits(
    model: &Classifier,
    coordinates: &[f32],
    width: usize,
    device: &Device,
) -> Result<Vec<f32>, ExecutionError> {
    let mut logits = Vec::new();
    for coordinates in coordinates.chunks(POINTS_AT_A_TIME * width) {
        let points = TensorData::new(coordinates.to_vec(), [coordinates.len() / width, width]);
        let points = Tensor::from_data(points, device);
        logits.extend(read(model.logits(points, &mut DropoutMasks::none()))?);
    }
    Ok(logits)
}

fn figures(logits: &[f32], classes: &[u32]) -> Figures {
    let count = classes.len();
    let mut cross_entropy = 0.0;
    let mut right = 0;
    let each = logits.chunks_exact(logits.len() / count);
    for (logits, &class) in each.zip(classes) {
        let class = class as usize;
        cross_entropy += log_sum_exp(logits) - f64::from(logits[class]);
        right += usize::from(greatest(logits) == class);
    }
    Figures::from_iter([
        (
            "cross_entropy_nats_per_example",
            cross_entropy / count as f64,
        ),
        ("accuracy", right as f64 / count as f64),
    ])
}

/// `ln Σ exp f`, without overflow.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let greatest = f64::from(logits[greatest(logits)]);
    let sum: f64 = logits
        .iter()
        .map(|&logit| (f64::from(logit) - greatest).exp())
        .sum();
    greatest + sum.ln()
}

/// The class of the greatest logit, the first of equals.
fn greatest(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, class| match logits[class] > logits[best] {
        true => class,
        false => best,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross_entropy(figures: &Figures) -> f64 {
        figures.get("cross_entropy_nats_per_example").unwrap()
    }

    /// Two points: one right with P = ½, one wrong with P = ¼ for its own class.
    #[test]
    fn accuracy_counts_and_cross_entropy_averages() {
        let logits = [0.5f32, 0.25, 0.25, 0.25, 0.75, 0.0].map(f32::ln);
        let figures = figures(&logits, &[0, 0]);
        let expected = (2f64.ln() + 4f64.ln()) / 2.0;
        assert!((cross_entropy(&figures) - expected).abs() < 1e-7);
        assert_eq!(figures.get("accuracy"), Some(0.5));
    }

    #[test]
    fn large_logits_stay_finite_and_what_is_no_number_shows() {
        assert_eq!(cross_entropy(&figures(&[1e30, 0.0], &[0])), 0.0);
        assert_eq!(
            cross_entropy(&figures(&[1e30, 0.0], &[1])),
            f64::from(1e30f32)
        );
        assert!(cross_entropy(&figures(&[f32::NAN, 0.0], &[1])).is_nan());
        assert!(cross_entropy(&figures(&[0.0, f32::NAN], &[0])).is_nan());
    }
}
