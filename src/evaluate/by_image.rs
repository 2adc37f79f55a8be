//! Errors and codes image by image, where the figures of a whole split do not say enough.

use std::collections::BTreeMap;

use burn::tensor::ExecutionError;

use super::cross_entropy::{bce_nats, entropy_nats};
use super::{Evaluator, read};
use crate::batches::tensor;
use crate::data::{ImageSet, Noise};
use crate::model::{Activation, Codec};

/// By what an image is compared with its reconstruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// Between grey pixels, read as probabilities, and outputs.
    CrossEntropy,
    /// The same above the entropy of the pixels, which no reconstruction can change: the divergence of the outputs from them,
    /// 0 if they are equal.
    ExcessCrossEntropy,
    Squared,
}

impl ImageError {
    /// That which anomalies are found by, given whether training minimised cross-entropy.
    pub fn of_anomalies(by_cross_entropy: bool) -> Self {
        match by_cross_entropy {
            true => Self::ExcessCrossEntropy,
            false => Self::Squared,
        }
    }
}

/// What a network makes of each image of a split.
#[derive(Clone, Debug)]
pub struct ByImage {
    /// The name of the error: `bce_nats_per_pixel`, `excess_bce_nats_per_pixel` or `mse_per_pixel`.
    pub metric: &'static str,
    /// Between each image and its reconstruction.
    pub errors: Vec<f64>,
    /// `[images, code size]`, row-major.
    pub codes: Vec<f32>,
}

/// What a network answers to inputs.
#[derive(Clone, Debug)]
pub struct Answers {
    /// `[inputs, code size]`, row-major.
    pub codes: Vec<f32>,
    /// `[inputs, pixels]`, row-major, as the network gives them.
    pub outputs: Vec<f32>,
}

/// The error of the images of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassError {
    pub class: u32,
    pub images: usize,
    pub mean: f64,
    /// Of the images, not of their mean.
    pub standard_deviation: f64,
}

impl Evaluator<'_> {
    /// Reconstructs each of `images`, seen through `noise` if there is any, and compares it with the clean one: by `error`, or by
    /// squared error where outputs are no probabilities.
    ///
    /// # Errors
    /// The device fails.
    pub fn by_image(
        &self,
        model: &dyn Codec,
        images: &ImageSet,
        noise: Option<&Noise>,
        error: ImageError,
    ) -> Result<ByImage, ExecutionError> {
        let gives_logits = model.output_activation() == Activation::Sigmoid;
        let error = match gives_logits {
            true => error,
            false => ImageError::Squared,
        };
        let pixels = images.pixels_per_image();
        let (mut errors, mut codes) = (Vec::with_capacity(images.count()), Vec::new());
        self.run(model, images, noise, |clean, answers, code| {
            codes.extend(code);
            let pairs = clean.chunks_exact(pixels).zip(answers.chunks_exact(pixels));
            for (image, answers) in pairs {
                let sum = match (error, gives_logits) {
                    (ImageError::CrossEntropy, _) => bce_nats(image, answers),
                    (ImageError::ExcessCrossEntropy, _) => {
                        bce_nats(image, answers) - entropy_nats(image)
                    }
                    (ImageError::Squared, true) => {
                        squared_error(image, answers, |z| 1.0 / (1.0 + (-z).exp()))
                    }
                    (ImageError::Squared, false) => squared_error(image, answers, |output| output),
                };
                errors.push(sum / pixels as f64);
            }
        })?;
        Ok(ByImage {
            metric: match error {
                ImageError::CrossEntropy => "bce_nats_per_pixel",
                ImageError::ExcessCrossEntropy => "excess_bce_nats_per_pixel",
                ImageError::Squared => "mse_per_pixel",
            },
            errors,
            codes,
        })
    }

    /// Codes and outputs for `inputs`, `[inputs, pixels]` row-major.
    ///
    /// # Errors
    /// The device fails.
    pub fn answers(
        &self,
        model: &dyn Codec,
        inputs: &[f32],
        pixels: usize,
    ) -> Result<Answers, ExecutionError> {
        let mut answers = Answers {
            codes: Vec::new(),
            outputs: Vec::new(),
        };
        for inputs in inputs.chunks(self.batch_size.saturating_mul(pixels)) {
            let inputs = tensor(inputs.to_vec(), inputs.len() / pixels, self.device);
            let reconstructed = model.forward(inputs);
            let outputs = model.output_activation().apply(reconstructed.logits);
            answers.codes.extend(read(reconstructed.code)?);
            answers.outputs.extend(read(outputs)?);
        }
        Ok(answers)
    }
}

impl ByImage {
    /// The indices of the images, those of the least error first.
    pub fn ranked(&self) -> Vec<usize> {
        let mut ranked: Vec<usize> = (0..self.errors.len()).collect();
        ranked.sort_by(|&a, &b| self.errors[a].total_cmp(&self.errors[b]));
        ranked
    }

    /// The errors that part the images into `parts` of as many each, the least and the greatest included.
    pub fn quantiles(&self, parts: usize) -> Vec<f64> {
        let ranked = self.ranked();
        let last = ranked.len() - 1;
        (0..=parts)
            .map(|part| self.errors[ranked[part * last / parts]])
            .collect()
    }

    /// The errors of each class that there is, in order of class.
    pub fn by_class(&self, classes: &[u32]) -> Vec<ClassError> {
        let mut of_classes = BTreeMap::<u32, Vec<f64>>::new();
        for (&error, &class) in self.errors.iter().zip(classes) {
            of_classes.entry(class).or_default().push(error);
        }
        let of = |(class, errors): (u32, Vec<f64>)| {
            let count = errors.len() as f64;
            let mean = errors.iter().sum::<f64>() / count;
            let square = errors
                .iter()
                .map(|error| (error - mean).powi(2))
                .sum::<f64>();
            ClassError {
                class,
                images: errors.len(),
                mean,
                standard_deviation: (square / (count - 1.0).max(1.0)).sqrt(),
            }
        };
        of_classes.into_iter().map(of).collect()
    }
}

/// The number that a share of others is not above.
///
/// # Panics
/// There are no numbers.
pub fn quantile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

fn squared_error(image: &[f32], answers: &[f32], output: fn(f64) -> f64) -> f64 {
    let pairs = image.iter().zip(answers);
    pairs
        .map(|(&pixel, &answer)| (f64::from(pixel) - output(answer.into())).powi(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(errors: &[f64]) -> ByImage {
        ByImage {
            metric: "mse_per_pixel",
            errors: errors.to_vec(),
            codes: Vec::new(),
        }
    }

    #[test]
    fn quantiles_go_from_the_least_to_the_greatest() {
        let errors = errors(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(errors.ranked(), [1, 3, 4, 2, 0]);
        assert_eq!(errors.quantiles(4), [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(errors.quantiles(2), [1.0, 3.0, 5.0]);
    }

    #[test]
    fn a_share_of_the_numbers_is_not_above_their_quantile() {
        let numbers: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let of = |share| quantile(&numbers, share);
        assert_eq!(
            [of(0.99), of(0.5), of(1.0), of(0.0)],
            [99.0, 50.0, 100.0, 1.0]
        );
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn classes_have_the_mean_and_the_spread_of_their_images() {
        let [three, seven] = &errors(&[1.0, 9.0, 3.0]).by_class(&[3, 7, 3])[..] else {
            panic!("two classes");
        };
        assert_eq!((three.class, three.images, three.mean), (3, 2, 2.0));
        assert!((three.standard_deviation - 2f64.sqrt()).abs() < 1e-12);
        assert_eq!((seven.mean, seven.standard_deviation), (9.0, 0.0));
    }
}
