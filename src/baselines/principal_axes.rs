//! The axes along which images vary, in order of how much.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::BaselineError;
use crate::data::{ImageSet, to_unit};
use crate::memory;

/// Images that are centred and multiplied at a time: some megabytes.
const IMAGES_AT_A_TIME: usize = 1000;
/// Matrices of `pixels × pixels` that the decomposition holds at once.
const MATRICES: u64 = 4;

/// The eigenvectors of the images' covariance.
///
/// ```text
/// S = 1/n Σ (x − μ)(x − μ)ᵀ = V Λ Vᵀ
/// ```
#[derive(Clone, Debug)]
pub struct PrincipalAxes {
    /// μ, by pixel.
    pub mean: Vec<f64>,
    /// The diagonal of Λ, greatest first.
    pub variances: Vec<f64>,
    /// V, an axis a column, each of length 1 with its greatest element above 0.
    pub axes: Mat<f64>,
}

/// Finds the principal axes of `images`, exactly and all at once.
///
/// # Errors
/// Images are too large for it.
///
/// # Source
/// Pearson 1901; the decomposition is faer's.
pub fn principal_axes(images: &ImageSet) -> Result<PrincipalAxes, BaselineError> {
    let pixels = images.pixels_per_image();
    let needed = MATRICES * 8 * (pixels as u64).pow(2);
    let most = memory::most_bytes();
    if needed > most {
        return Err(BaselineError::TooLarge {
            pixels,
            needed,
            most,
        });
    }
    let mean = mean(images);
    let covariance = covariance(images, &mean);
    let decomposed = covariance
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| BaselineError::Eigenvalues(pixels))?;
    let ascending = decomposed.S().column_vector();
    // Rounding makes the variance of pixels that never change a little less than nothing.
    let variances = (0..pixels).rev().map(|axis| ascending[axis].max(0.0));
    let variances = variances.collect();
    let mut axes = decomposed.U().reverse_cols().to_owned();
    for axis in 0..pixels {
        let greatest = axes.col(axis).iter().fold(0.0, |greatest: f64, &element| {
            match element.abs() > greatest.abs() {
                true => element,
                false => greatest,
            }
        });
        if greatest < 0.0 {
            axes.col_mut(axis)
                .iter_mut()
                .for_each(|element| *element = -*element);
        }
    }
    Ok(PrincipalAxes {
        mean,
        variances,
        axes,
    })
}

impl PrincipalAxes {
    /// The variance along all axes but the first `code_size`: the squared error per image, over the images that
    /// the axes were found from, of what can be said with the first.
    pub fn left_out(&self, code_size: usize) -> f64 {
        self.variances[code_size..].iter().sum()
    }

    /// The mean of the variances along all axes but the first `code_size`, which is the most likely variance of
    /// noise that is alike on all pixels.
    pub fn noise_variance(&self, code_size: usize) -> f64 {
        self.left_out(code_size) / (self.variances.len() - code_size) as f64
    }

    /// What probabilistic PCA reaches on the images that the axes were found from.
    ///
    /// ```text
    /// ½ (d ln 2π + Σ ln λₖ + (d − K) ln σ² + d)
    /// ```
    ///
    /// # Source
    /// Tipping and Bishop 1999, *Probabilistic Principal Component Analysis*, equation 10 at its maximum.
    pub fn negative_log_likelihood_nats_per_image(&self, code_size: usize) -> f64 {
        let pixels = self.variances.len() as f64;
        let along: f64 = self.variances[..code_size].iter().map(|v| v.ln()).sum();
        let across = (pixels - code_size as f64) * self.noise_variance(code_size).ln();
        0.5 * (pixels * (2.0 * std::f64::consts::PI).ln() + along + across + pixels)
    }

    /// The first `code_size` axes one after another, each by pixel.
    pub(super) fn first(&self, code_size: usize) -> impl Iterator<Item = f64> + '_ {
        (0..code_size).flat_map(|axis| self.axes.col(axis).iter().copied())
    }
}

fn mean(images: &ImageSet) -> Vec<f64> {
    let mut sums = vec![0u64; images.pixels_per_image()];
    for image in images.pixels().chunks_exact(images.pixels_per_image()) {
        for (sum, &pixel) in sums.iter_mut().zip(image) {
            *sum += u64::from(pixel);
        }
    }
    let count = images.count() as f64;
    let sums = sums.into_iter();
    sums.map(|sum| sum as f64 / 255.0 / count).collect()
}

fn covariance(images: &ImageSet, mean: &[f64]) -> Mat<f64> {
    let pixels = mean.len();
    let count = images.count() as f64;
    let mut covariance = Mat::zeros(pixels, pixels);
    let mut centred = Vec::new();
    for block in images.pixels().chunks(IMAGES_AT_A_TIME * pixels) {
        centred.clear();
        for image in block.chunks_exact(pixels) {
            let differences = image.iter().zip(mean);
            centred.extend(differences.map(|(&pixel, mean)| f64::from(to_unit(pixel)) - mean));
        }
        let rows = MatRef::from_row_major_slice(&centred, centred.len() / pixels, pixels);
        matmul(
            covariance.as_mut(),
            Accum::Add,
            rows.transpose(),
            rows,
            1.0 / count,
            Par::rayon(0),
        );
    }
    covariance
}
