//! The axes along which images, or codes, vary, in order of how much.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::BaselineError;
use crate::data::ImageSet;
use crate::memory;

/// Rows that are centred and multiplied at a time: some megabytes of pixels.
const ROWS_AT_A_TIME: usize = 1000;
/// Square matrices that the decomposition holds at once.
const MATRICES: u64 = 4;

/// The eigenvectors of a covariance.
///
/// ```text
/// S = 1/n Σ (x − μ)(x − μ)ᵀ = V Λ Vᵀ
/// ```
#[derive(Clone, Debug)]
pub struct PrincipalAxes {
    /// μ, by element of a row.
    pub mean: Vec<f64>,
    /// The diagonal of Λ, greatest first.
    pub variances: Vec<f64>,
    /// V, an axis a column, each of length 1 with its greatest element above 0.
    pub axes: Mat<f64>,
}

impl PrincipalAxes {
    /// The principal axes of `images`, exactly and all at once.
    ///
    /// # Errors
    /// Images are too large for it.
    ///
    /// # Source
    /// Pearson 1901; the decomposition is faer's.
    pub fn of_images(images: &ImageSet) -> Result<Self, BaselineError> {
        let pixels = images.pixels_per_image();
        let mut sums = vec![0.0; pixels];
        for chunk in images.chunks(ROWS_AT_A_TIME) {
            for image in chunk.chunks_exact(pixels) {
                for (sum, &pixel) in sums.iter_mut().zip(image) {
                    *sum += f64::from(pixel);
                }
            }
        }
        let count = images.count() as f64;
        let mean = sums.into_iter().map(|sum| sum / count);
        Self::of(
            images.chunks(ROWS_AT_A_TIME),
            images.count(),
            mean.collect(),
        )
    }

    /// The principal axes of `codes`, `[codes, width]` row-major.
    ///
    /// # Errors
    /// They are too wide for it, or not finite.
    pub fn of_codes(codes: &[f32], width: usize) -> Result<Self, BaselineError> {
        let mut mean = vec![0.0; width];
        let count = (codes.len() / width) as f64;
        for code in codes.chunks_exact(width) {
            for (mean, &element) in mean.iter_mut().zip(code) {
                *mean += f64::from(element) / count;
            }
        }
        Self::of(
            codes.chunks(ROWS_AT_A_TIME * width),
            codes.len() / width,
            mean,
        )
    }

    /// Those of so many rows, which come some at a time.
    fn of<R: AsRef<[f32]>>(
        rows: impl Iterator<Item = R>,
        count: usize,
        mean: Vec<f64>,
    ) -> Result<Self, BaselineError> {
        let width = mean.len();
        let needed = MATRICES * 8 * (width as u64).pow(2);
        let most = memory::most_bytes();
        if needed > most {
            return Err(BaselineError::TooLarge {
                width,
                needed,
                most,
            });
        }
        let covariance = covariance(rows, count, &mean);
        // The sums of a decomposition depend on how many threads share them, so one does it all.
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let decompose = || covariance.self_adjoint_eigen(Side::Lower);
        let decomposed = match alone {
            Ok(alone) => alone.install(decompose),
            Err(_) => decompose(),
        };
        let decomposed = decomposed.map_err(|_| BaselineError::Eigenvalues(width))?;
        let ascending = decomposed.S().column_vector();
        // Rounding makes the variance of what never changes a little less than nothing.
        let variances = (0..width).rev().map(|axis| ascending[axis].max(0.0));
        let variances = variances.collect();
        let mut axes = decomposed.U().reverse_cols().to_owned();
        for axis in 0..width {
            if greatest(axes.col(axis).iter().copied()) < 0.0 {
                let column = axes.col_mut(axis).iter_mut();
                column.for_each(|element| *element = -*element);
            }
        }
        Ok(Self {
            mean,
            variances,
            axes,
        })
    }

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

/// The element that is furthest from 0.
fn greatest(elements: impl Iterator<Item = f64>) -> f64 {
    elements.fold(0.0, |greatest: f64, element| {
        match element.abs() > greatest.abs() {
            true => element,
            false => greatest,
        }
    })
}

fn covariance<R: AsRef<[f32]>>(
    rows: impl Iterator<Item = R>,
    count: usize,
    mean: &[f64],
) -> Mat<f64> {
    let width = mean.len();
    let mut covariance = Mat::zeros(width, width);
    let mut centred = Vec::new();
    for block in rows {
        centred.clear();
        for row in block.as_ref().chunks_exact(width) {
            let elements = row.iter().zip(mean);
            centred.extend(elements.map(|(&element, mean)| f64::from(element) - mean));
        }
        let rows = MatRef::from_row_major_slice(&centred, centred.len() / width, width);
        matmul(
            covariance.as_mut(),
            Accum::Add,
            rows.transpose(),
            rows,
            1.0 / count as f64,
            Par::rayon(0),
        );
    }
    covariance
}
