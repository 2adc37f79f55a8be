//! Structural similarity.

use crate::data::Shape;

/// The window: 11 × 11, Gaussian with σ = 1.5.
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// `(K₁ L)²` and `(K₂ L)²` with K₁ = 0.01, K₂ = 0.03 and pixels in [0, 1].
const C1: f64 = 1e-4;
const C2: f64 = 9e-4;

/// The mean structural similarity of two images with pixels in [0, 1], over all windows that lie
/// wholly inside, and over its channels; `None` when the image is smaller than the window.
///
/// ```text
/// SSIM = (2 μx μy + C₁)(2 σxy + C₂) / ((μx² + μy² + C₁)(σx² + σy² + C₂))
/// ```
///
/// # Shapes
/// Both `[height, width, channels]`, row-major.
///
/// # Source
/// Wang, Bovik, Sheikh, Simoncelli 2004, *Image Quality Assessment: From Error Visibility to
/// Structural Similarity*, with its constants.
pub fn ssim(x: &[f64], y: &[f64], shape: Shape) -> Option<f64> {
    let Shape {
        height,
        width,
        channels,
    } = shape;
    if channels > 1 {
        let channel = |image: &[f64], first| -> Vec<f64> {
            image
                .iter()
                .skip(first)
                .step_by(channels)
                .copied()
                .collect()
        };
        let each = (0..channels).map(|first| {
            let (x, y) = (channel(x, first), channel(y, first));
            ssim(&x, &y, Shape::grey(height, width))
        });
        let sum: Option<f64> = each.sum();
        return sum.map(|sum| sum / channels as f64);
    }
    if height < WINDOW || width < WINDOW {
        return None;
    }
    let product =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let blur = |image: &[f64]| gaussian(image, height, width);
    let (mean_x, mean_y) = (blur(x), blur(y));
    let (xx, yy, xy) = (
        blur(&product(x, x)),
        blur(&product(y, y)),
        blur(&product(x, y)),
    );
    let sum: f64 = (0..mean_x.len())
        .map(|i| {
            let (mx, my) = (mean_x[i], mean_y[i]);
            let (vx, vy) = (xx[i] - mx * mx, yy[i] - my * my);
            let covariance = xy[i] - mx * my;
            (2.0 * mx * my + C1) * (2.0 * covariance + C2)
                / ((mx * mx + my * my + C1) * (vx + vy + C2))
        })
        .sum();
    Some(sum / mean_x.len() as f64)
}

/// Gaussian means over all windows inside the image, rows then columns.
fn gaussian(image: &[f64], height: usize, width: usize) -> Vec<f64> {
    let weights = weights();
    let inner = width - WINDOW + 1;
    let mut rows = vec![0.0; height * inner];
    for (row, out) in image.chunks_exact(width).zip(rows.chunks_exact_mut(inner)) {
        for (shift, weight) in weights.iter().enumerate() {
            for (out, pixel) in out.iter_mut().zip(&row[shift..]) {
                *out += weight * pixel;
            }
        }
    }
    let mut means = vec![0.0; (height - WINDOW + 1) * inner];
    for (top, out) in means.chunks_exact_mut(inner).enumerate() {
        for (shift, weight) in weights.iter().enumerate() {
            let row = &rows[(top + shift) * inner..][..inner];
            for (out, value) in out.iter_mut().zip(row) {
                *out += weight * value;
            }
        }
    }
    means
}

fn weights() -> [f64; WINDOW] {
    let centre = (WINDOW / 2) as f64;
    let mut weights: [f64; WINDOW] =
        std::array::from_fn(|i| (-(i as f64 - centre).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images by formula, so that `tests/golden/ssim.py` can make the very same ones.
    fn pair(height: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
        let pixel = |i: usize, a: usize, b: usize| ((i * a + i * i * b) % 256) as f64 / 255.0;
        let x = (0..height * width).map(|i| pixel(i, 7, 3)).collect();
        let y = (0..height * width)
            .map(|i| 0.7 * pixel(i, 7, 3) + 0.3 * pixel(i, 11, 5))
            .collect();
        (x, y)
    }

    /// Expected values from `tests/golden/ssim.py`, scikit-image 0.25.2.
    #[test]
    fn agrees_with_scikit_image() {
        for (height, width, expected) in
            [(28, 28, 0.9139059282204729), (11, 17, 0.8822519833368556)]
        {
            let (x, y) = pair(height, width);
            let found = ssim(&x, &y, Shape::grey(height, width)).unwrap();
            assert!(
                (found - expected).abs() < 1e-10,
                "{height}×{width}: {found}"
            );
        }
    }

    #[test]
    fn equal_images_are_wholly_similar_and_small_ones_have_no_window() {
        let (x, y) = pair(28, 28);
        assert!((ssim(&x, &x, Shape::grey(28, 28)).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(ssim(&y[..100], &y[..100], Shape::grey(10, 10)), None);
    }
}
