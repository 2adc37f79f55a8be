//! Noise on images, for denoising.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::Serialize;

use crate::random::{self, Purpose};

/// How an input is corrupted before the network sees it; the target stays clean.
///
/// # Source
/// Vincent, Larochelle, Lajoie, Bengio, Manzagol 2010, *Stacked Denoising Autoencoders*, section
/// 3.3; the lecture's Gaussian noise of σ = 0.4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Corruption {
    /// Adds normal noise of standard deviation `sigma` to each pixel, clipped to [0, 1].
    Gaussian { sigma: f64 },
    /// Sets a `fraction` of the pixels to 0, each by itself.
    Masking { fraction: f64 },
    /// Sets a `fraction` of the pixels to 0 or 1, each with even odds.
    SaltAndPepper { fraction: f64 },
}

impl Corruption {
    /// Corrupts pixels in [0, 1] in place; they stay there.
    pub fn apply(self, pixels: &mut [f32], stream: &mut impl Rng) {
        match self {
            Self::Gaussian { sigma } => {
                let sigma = sigma as f32;
                for pixel in pixels {
                    let noise: f32 = stream.sample(StandardNormal);
                    *pixel = (*pixel + sigma * noise).clamp(0.0, 1.0);
                }
            }
            Self::Masking { fraction } => {
                for pixel in pixels {
                    if stream.random::<f64>() < fraction {
                        *pixel = 0.0;
                    }
                }
            }
            Self::SaltAndPepper { fraction } => {
                for pixel in pixels {
                    let draw = stream.random::<f64>();
                    if draw < fraction {
                        *pixel = if draw < 0.5 * fraction { 0.0 } else { 1.0 };
                    }
                }
            }
        }
    }
}

/// A corruption with the key of its random streams. Each image has a stream of its own, so its
/// noise depends neither on its batch nor on the number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    pub corruption: Corruption,
    pub seed: u64,
    pub purpose: Purpose,
    pub epoch: u64,
}

impl Noise {
    /// The noise of an epoch of training.
    pub fn of_epoch(corruption: Corruption, seed: u64, epoch: usize) -> Self {
        Self {
            corruption,
            seed,
            purpose: Purpose::Noise,
            epoch: epoch as u64,
        }
    }

    /// The noise of every evaluation and picture.
    pub fn of_evaluation(corruption: Corruption, seed: u64) -> Self {
        Self {
            corruption,
            seed,
            purpose: Purpose::EvaluationNoise,
            epoch: 0,
        }
    }

    /// Corrupts the images at `indices`, whose pixels in [0, 1] follow each other in `batch`.
    pub fn apply(&self, batch: &mut [f32], indices: &[usize]) {
        if indices.is_empty() {
            return;
        }
        let images = batch.par_chunks_exact_mut(batch.len() / indices.len());
        images.zip(indices).for_each(|(pixels, &index)| {
            let mut stream = random::stream(self.seed, self.purpose, self.epoch, index as u64);
            self.corruption.apply(pixels, &mut stream);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(corruption: Corruption) -> Noise {
        Noise::of_epoch(corruption, 1, 1)
    }

    fn corrupted(corruption: Corruption, clean: f32, images: usize) -> Vec<f32> {
        let mut batch = vec![clean; 100 * images];
        let indices: Vec<usize> = (0..images).collect();
        noise(corruption).apply(&mut batch, &indices);
        batch
    }

    fn share(pixels: &[f32], value: f32) -> f64 {
        pixels.iter().filter(|&&pixel| pixel == value).count() as f64 / pixels.len() as f64
    }

    /// 100,000 draws: the standard error of a share of 0.3 is 0.0014.
    #[test]
    fn each_kind_does_what_its_name_says() {
        let grey = corrupted(Corruption::Gaussian { sigma: 0.1 }, 0.5, 1000);
        let mean = grey.iter().sum::<f32>() / grey.len() as f32;
        let variance = grey.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / grey.len() as f32;
        assert!((mean - 0.5).abs() < 0.002 && (variance.sqrt() - 0.1).abs() < 0.002);

        // Half of the noise on black is below black, and clipped.
        let black = corrupted(Corruption::Gaussian { sigma: 0.4 }, 0.0, 1000);
        assert!((share(&black, 0.0) - 0.5).abs() < 0.008);
        assert!(black.iter().all(|pixel| (0.0..=1.0).contains(pixel)));

        let masked = corrupted(Corruption::Masking { fraction: 0.3 }, 0.5, 1000);
        assert!((share(&masked, 0.0) - 0.3).abs() < 0.008);
        assert!((share(&masked, 0.5) - 0.7).abs() < 0.008);

        let salted = corrupted(Corruption::SaltAndPepper { fraction: 0.3 }, 0.5, 1000);
        assert!((share(&salted, 0.0) - 0.15).abs() < 0.006);
        assert!((share(&salted, 1.0) - 0.15).abs() < 0.006);
    }

    #[test]
    fn an_images_noise_is_its_own_in_every_batch_and_new_in_every_epoch() {
        let corruption = Corruption::Gaussian { sigma: 0.4 };
        let mut together = vec![0.5; 30];
        noise(corruption).apply(&mut together, &[7, 8, 9]);
        let mut alone = vec![0.5; 10];
        noise(corruption).apply(&mut alone, &[8]);
        assert_eq!(alone, together[10..20]);
        assert_ne!(together[..10], together[10..20]);
        let mut later = vec![0.5; 10];
        Noise::of_epoch(corruption, 1, 2).apply(&mut later, &[8]);
        assert_ne!(later, alone);
    }
}
