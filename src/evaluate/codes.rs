//! Where in the code space the codes of images are, and codes drawn from there.

use rand::RngExt;
use rand_distr::StandardNormal;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::random::{self, Purpose};

/// A normal distribution over codes.
#[derive(Clone, Debug)]
pub enum CodeDistribution {
    /// The prior of a variational network: independent standard normals.
    Standard { code_size: usize },
    /// A normal with the mean and covariance of known codes, for networks without a prior.
    Fitted(FittedCodes),
}

/// Codes that a normal distribution is fitted to.
#[derive(Clone, Debug)]
pub struct FittedCodes {
    /// `[codes, code size]`, row-major, each less the mean.
    centred: Vec<f32>,
    mean: Vec<f64>,
    /// Of each unit.
    standard_deviation: Vec<f64>,
    /// The least and greatest value that a code element can have.
    range: (f32, f32),
}

impl CodeDistribution {
    /// A normal fitted to `codes`, `[codes, code size]`; what is drawn stays within `range`.
    pub fn fitted(codes: &[f32], code_size: usize, range: (f32, f32)) -> Self {
        let count = (codes.len() / code_size) as f64;
        let mut mean = vec![0.0; code_size];
        let mut square = vec![0.0; code_size];
        for code in codes.chunks_exact(code_size) {
            for (unit, &element) in code.iter().enumerate() {
                mean[unit] += f64::from(element) / count;
            }
        }
        let mut centred = Vec::with_capacity(codes.len());
        for code in codes.chunks_exact(code_size) {
            for (unit, &element) in code.iter().enumerate() {
                let difference = f64::from(element) - mean[unit];
                square[unit] += difference * difference / count;
                centred.push(difference as f32);
            }
        }
        Self::Fitted(FittedCodes {
            centred,
            mean,
            standard_deviation: square.into_iter().map(f64::sqrt).collect(),
            range,
        })
    }

    /// The width of a code.
    pub fn code_size(&self) -> usize {
        match self {
            Self::Standard { code_size } => *code_size,
            Self::Fitted(codes) => codes.mean.len(),
        }
    }

    /// Draws `count` codes, `[count, code size]` row-major; code `i` depends on `seed` and `i` alone.
    pub fn draw(&self, count: usize, seed: u64) -> Vec<f32> {
        let indices: Vec<usize> = (0..count).collect();
        match self {
            Self::Standard { code_size } => {
                random::rows(seed, Purpose::Sample, 0, &indices, *code_size, |stream| {
                    stream.sample(StandardNormal)
                })
            }
            Self::Fitted(codes) => indices.iter().flat_map(|&i| codes.draw(i, seed)).collect(),
        }
    }

    /// Codes of two units on a grid of `side × side` even quantiles, in rows from the top, whose
    /// second unit falls; the middle of the distribution is as dense as it is probable.
    ///
    /// # Panics
    /// When codes do not have two units.
    ///
    /// # Source
    /// Kingma and Welling 2014, *Auto-Encoding Variational Bayes*, appendix A and figure 4.
    pub fn quantile_grid(&self, side: usize) -> Vec<f32> {
        assert_eq!(self.code_size(), 2, "a plane");
        let standard = Normal::standard();
        let place = |unit: usize, index: usize| {
            let quantile = standard.inverse_cdf((index as f64 + 0.5) / side as f64);
            match self {
                Self::Standard { .. } => quantile as f32,
                Self::Fitted(codes) => codes.at(unit, quantile),
            }
        };
        let cells = (0..side).flat_map(|row| (0..side).map(move |column| (column, row)));
        cells
            .flat_map(|(column, row)| [place(0, column), place(1, side - 1 - row)])
            .collect()
    }
}

impl FittedCodes {
    /// `mean + 1/√n Σ ξᵢ (cᵢ − mean)` with standard normal ξ has the codes' mean and covariance,
    /// without any matrix to be taken apart.
    fn draw(&self, index: usize, seed: u64) -> Vec<f32> {
        let code_size = self.mean.len();
        let mut stream = random::stream(seed, Purpose::Sample, 0, index as u64);
        let mut sum = vec![0.0; code_size];
        for code in self.centred.chunks_exact(code_size) {
            let xi: f64 = stream.sample(StandardNormal);
            for (sum, &element) in sum.iter_mut().zip(code) {
                *sum += xi * f64::from(element);
            }
        }
        let scale = ((self.centred.len() / code_size) as f64).sqrt().recip();
        let drawn = sum.iter().zip(&self.mean);
        drawn
            .map(|(sum, mean)| self.within(mean + scale * sum))
            .collect()
    }

    /// `quantile` standard deviations from the mean of a unit.
    fn at(&self, unit: usize, quantile: f64) -> f32 {
        self.within(self.mean[unit] + self.standard_deviation[unit] * quantile)
    }

    fn within(&self, element: f64) -> f32 {
        (element as f32).clamp(self.range.0, self.range.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYWHERE: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

    /// Mean and covariance of pairs.
    fn moments(codes: &[f32]) -> ([f64; 2], [f64; 3]) {
        let count = (codes.len() / 2) as f64;
        let pairs = || {
            codes
                .chunks_exact(2)
                .map(|c| [f64::from(c[0]), f64::from(c[1])])
        };
        let mean = [0, 1].map(|unit| pairs().map(|pair| pair[unit]).sum::<f64>() / count);
        let covariance = [(0, 0), (0, 1), (1, 1)].map(|(a, b)| {
            pairs()
                .map(|pair| (pair[a] - mean[a]) * (pair[b] - mean[b]))
                .sum::<f64>()
                / count
        });
        (mean, covariance)
    }

    #[test]
    fn what_is_drawn_has_the_mean_and_covariance_of_the_codes() {
        // Correlated: the second unit is half the first plus something of its own.
        let codes: Vec<f32> = (0..200)
            .flat_map(|i| {
                let (a, b) = ((i % 20) as f32 / 4.0, (i / 20) as f32 / 3.0);
                [a + 1.0, 0.5 * a - b]
            })
            .collect();
        let drawn = CodeDistribution::fitted(&codes, 2, ANYWHERE).draw(20_000, 3);
        let ((mean, covariance), (drawn_mean, drawn_covariance)) =
            (moments(&codes), moments(&drawn));
        for (a, b) in mean.iter().zip(drawn_mean) {
            assert!((a - b).abs() < 0.05, "{mean:?} {drawn_mean:?}");
        }
        for (a, b) in covariance.iter().zip(drawn_covariance) {
            assert!((a - b).abs() < 0.08, "{covariance:?} {drawn_covariance:?}");
        }
    }

    #[test]
    fn what_is_drawn_stays_in_the_range_of_the_code() {
        let codes = [0.0, 1.0, 0.0, 0.0, 3.0, 0.0];
        let drawn = CodeDistribution::fitted(&codes, 2, (0.0, f32::INFINITY)).draw(500, 1);
        assert!(drawn.iter().all(|&element| element >= 0.0) && drawn.contains(&0.0));
    }

    #[test]
    fn more_codes_begin_with_the_same_ones() {
        let prior = CodeDistribution::Standard { code_size: 3 };
        assert_eq!(prior.draw(2, 1)[..], prior.draw(5, 1)[..6]);
        assert_ne!(prior.draw(2, 1), prior.draw(2, 2));
    }

    /// Φ⁻¹(1/6), Φ⁻¹(1/2) and Φ⁻¹(5/6), as scipy.stats.norm.ppf gives them.
    #[test]
    fn the_grid_takes_even_quantiles_from_the_upper_left() {
        const SIXTH: f32 = -0.967_421_6;
        let grid = CodeDistribution::Standard { code_size: 2 }.quantile_grid(3);
        let close = |a: &[f32], b: [f32; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-5;
        assert_eq!(grid.len(), 18);
        assert!(close(&grid[..2], [SIXTH, -SIXTH]));
        assert!(close(&grid[2..4], [0.0, -SIXTH]));
        assert!(close(&grid[8..10], [0.0, 0.0]));
        assert!(close(&grid[16..], [-SIXTH, SIXTH]));
    }
}
