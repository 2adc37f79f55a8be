//! Reconstruction and code figures, summed image by image in `f64`.

use rayon::prelude::*;

use super::cross_entropy::{CrossEntropy, entropy_nats};
use super::{Figures, Scope, ssim};
use crate::data::{ImageSet, Noise, Shape};
use crate::model::Activation;

/// The error below which an image counts as exact; its PSNR is then 100 dB rather than infinite.
const EXACT_MSE: f64 = 1e-10;

/// By which the same sums may differ.
const ROUNDING: f32 = 1e-6;
/// Images that are looked at at a time where memory need not hold all.
const IMAGES_AT_A_TIME: usize = 1000;

/// What was measured on a split. Means over its images, names carry unit and reduction.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// Binary cross-entropy figures, where the output is between 0 and 1.
    pub bce: Option<BinaryCrossEntropy>,
    /// Squared difference of pixels in [0, 1], mean over pixels.
    pub mse_per_pixel: f64,
    /// The same with outputs below 0 and above 1 taken for 0 and 1, where outputs are not bound to be between.
    pub clipped_mse_per_pixel: Option<f64>,
    /// `‖x − x̂‖²`, the lecture's scale.
    pub squared_error_per_image: f64,
    /// `10 log₁₀(1 / mse)` of each image, averaged; only of what is between 0 and 1.
    pub psnr_db: Option<f64>,
    /// Structural similarity, 1 for equal images; not measured in a quick evaluation, nor on
    /// images smaller than its window, nor on what is not between 0 and 1.
    pub ssim: Option<f64>,
    /// Mean of all code elements.
    pub code_mean: f64,
    /// Share of code elements that are exactly zero.
    pub code_zero_fraction: f64,
    /// Code units that are exactly zero for every image.
    pub code_dead_units: usize,
    /// Code units that are the same for every image, where images differ.
    pub code_constant_units: usize,
}

/// Binary cross-entropy between grey pixels, read as probabilities, and outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryCrossEntropy {
    /// Mean over pixels: Keras' convention.
    pub nats_per_pixel: f64,
    /// Sum over pixels: the lecture's convention.
    pub nats_per_image: f64,
    /// Above the entropy of the grey pixels, which is the least any model can reach.
    pub excess_nats_per_pixel: f64,
}

impl Metrics {
    /// The figures under their names.
    pub fn figures(&self) -> Figures {
        let bce = self.bce.map(|bce| {
            [
                ("bce_nats_per_pixel", bce.nats_per_pixel),
                ("bce_nats_per_image", bce.nats_per_image),
                ("excess_bce_nats_per_pixel", bce.excess_nats_per_pixel),
            ]
        });
        let clipped = self.clipped_mse_per_pixel;
        let always = [("squared_error_per_image", self.squared_error_per_image)];
        let psnr = self.psnr_db.map(|psnr| ("psnr_db", psnr));
        let code = [
            ("code_mean", self.code_mean),
            ("code_zero_fraction", self.code_zero_fraction),
            ("code_dead_units", self.code_dead_units as f64),
        ];
        // The usual number is not worth a line.
        let constant = (self.code_constant_units > 0)
            .then_some(("code_constant_units", self.code_constant_units as f64));
        bce.into_iter()
            .flatten()
            .chain([("mse_per_pixel", self.mse_per_pixel)])
            .chain(clipped.map(|clipped| ("clipped_mse_per_pixel", clipped)))
            .chain(always)
            .chain(psnr)
            .chain(self.ssim.map(|ssim| ("ssim", ssim)))
            .chain(code)
            .chain(constant)
            .collect()
    }
}

/// Sums over the images seen so far.
pub(super) struct Sums {
    shape: Shape,
    in_unit_range: bool,
    output: Activation,
    images: usize,
    total: ImageErrors,
    ssim: Option<f64>,
    /// By unit of the code, whether any image has made it other than zero.
    code_alive: Vec<bool>,
    /// By unit of the code, its least and greatest value.
    code_ranges: Vec<(f32, f32)>,
    /// The first image, as long as all are like it.
    only_image: Option<Vec<f32>>,
    code_elements: usize,
    code_sum: f64,
    code_zeros: usize,
}

#[derive(Clone, Copy, Default)]
struct ImageErrors {
    /// Sum over pixels.
    bce: f64,
    /// Sum over pixels.
    entropy: f64,
    /// Sum over pixels.
    squared_error: f64,
    /// The same of outputs between 0 and 1.
    clipped_squared_error: f64,
    psnr_db: f64,
    ssim: Option<f64>,
}

impl Sums {
    pub fn new(images: &ImageSet, output: Activation) -> Self {
        Self {
            shape: images.shape(),
            in_unit_range: images.in_unit_range(),
            output,
            images: 0,
            total: ImageErrors::default(),
            ssim: None,
            code_alive: Vec::new(),
            code_ranges: Vec::new(),
            only_image: None,
            code_elements: 0,
            code_sum: 0.0,
            code_zeros: 0,
        }
    }

    /// Adds images, given the network's answers (logits of a sigmoid, else outputs) and codes, all row-major.
    pub fn add(&mut self, images: &[f32], answers: &[f32], code: &[f32], scope: Scope) {
        let size = self.shape.size();
        // Collected before they are added, so that the sum does not depend on the threads.
        let errors: Vec<ImageErrors> = images
            .par_chunks_exact(size)
            .zip(answers.par_chunks_exact(size))
            .map(|(image, answers)| self.measure(image, answers, scope))
            .collect();
        let count = errors.len();
        for errors in errors {
            self.total.bce += errors.bce;
            self.total.entropy += errors.entropy;
            self.total.squared_error += errors.squared_error;
            self.total.clipped_squared_error += errors.clipped_squared_error;
            self.total.psnr_db += errors.psnr_db;
            if let Some(ssim) = errors.ssim {
                *self.ssim.get_or_insert(0.0) += ssim;
            }
        }
        if self.images == 0 {
            self.only_image = Some(images[..size].to_vec());
        }
        if let Some(only) = &self.only_image
            && images
                .chunks_exact(size)
                .any(|image| image != only.as_slice())
        {
            self.only_image = None;
        }
        self.images += count;
        self.code_elements += code.len();
        self.code_sum += code.iter().copied().map(f64::from).sum::<f64>();
        let units = code.len() / count;
        self.code_alive.resize(units, false);
        self.code_ranges
            .resize(units, (f32::INFINITY, f32::NEG_INFINITY));
        for code in code.chunks_exact(units) {
            let each = self.code_alive.iter_mut().zip(&mut self.code_ranges);
            for ((alive, range), &element) in each.zip(code) {
                *alive |= element != 0.0;
                *range = (range.0.min(element), range.1.max(element));
            }
        }
        self.code_zeros += code.iter().filter(|&&element| element == 0.0).count();
    }

    fn measure(&self, pixels: &[f32], answers: &[f32], scope: Scope) -> ImageErrors {
        let mut errors = ImageErrors::default();
        let mut output = Vec::with_capacity(pixels.len());
        let mut cross_entropy = CrossEntropy::default();
        for (&pixel, &answer) in pixels.iter().zip(answers) {
            let (x, answer) = (f64::from(pixel), f64::from(answer));
            let x_hat = match self.output {
                Activation::Sigmoid => cross_entropy.add(x, answer),
                _ => answer,
            };
            errors.squared_error += (x - x_hat) * (x - x_hat);
            errors.clipped_squared_error += (x - x_hat.clamp(0.0, 1.0)).powi(2);
            output.push(x_hat);
        }
        if self.output == Activation::Sigmoid {
            errors.bce = cross_entropy.nats();
            errors.entropy = entropy_nats(pixels);
        }
        let mse = errors.squared_error / pixels.len() as f64;
        errors.psnr_db = psnr_db(mse);
        if scope == Scope::Full && self.in_unit_range {
            let x: Vec<f64> = pixels.iter().copied().map(f64::from).collect();
            errors.ssim = ssim::ssim(&x, &output, self.shape);
        }
        errors
    }

    pub fn finish(self) -> Metrics {
        let images = self.images as f64;
        let pixels = images * self.shape.size() as f64;
        let total = self.total;
        Metrics {
            bce: (self.output == Activation::Sigmoid).then(|| BinaryCrossEntropy {
                nats_per_pixel: total.bce / pixels,
                nats_per_image: total.bce / images,
                excess_nats_per_pixel: (total.bce - total.entropy) / pixels,
            }),
            mse_per_pixel: total.squared_error / pixels,
            clipped_mse_per_pixel: (self.in_unit_range && self.output != Activation::Sigmoid)
                .then(|| total.clipped_squared_error / pixels),
            squared_error_per_image: total.squared_error / images,
            psnr_db: self.in_unit_range.then(|| total.psnr_db / images),
            ssim: self.ssim.map(|sum| sum / images),
            code_mean: self.code_sum / self.code_elements as f64,
            code_zero_fraction: self.code_zeros as f64 / self.code_elements as f64,
            code_dead_units: self.code_alive.iter().filter(|alive| !**alive).count(),
            code_constant_units: match self.only_image {
                Some(_) => 0,
                None => self.code_ranges.iter().filter(is_constant).count(),
            },
        }
    }
}

/// Whether a unit's least and greatest value are the same but for rounding.
fn is_constant(&(least, greatest): &&(f32, f32)) -> bool {
    greatest - least <= ROUNDING * least.abs().max(greatest.abs())
}

/// What drawing the mean of the `train` images each time would come to on `test`: binary cross-entropy in nats and
/// squared error, means over pixels.
pub fn mean_image_errors(train: &ImageSet, test: &ImageSet) -> (f64, f64) {
    let pixels = train.pixels_per_image();
    let sums = |images: &ImageSet, of: fn(f64) -> f64| {
        let mut sums = vec![0.0; pixels];
        for chunk in images.chunks(IMAGES_AT_A_TIME) {
            for image in chunk.chunks_exact(pixels) {
                for (sum, &pixel) in sums.iter_mut().zip(image) {
                    *sum += of(pixel.into());
                }
            }
        }
        sums
    };
    let train_count = train.count() as f64;
    let mean: Vec<f64> = sums(train, |x| x)
        .iter()
        .map(|sum| sum / train_count)
        .collect();
    let (ones, squares) = (sums(test, |x| x), sums(test, |x| x * x));
    let count = test.count() as f64;
    let (mut bce, mut squared_error) = (0.0, 0.0);
    for ((&mean, &ones), &squares) in mean.iter().zip(&ones).zip(&squares) {
        // What was black in every training image may be otherwise in a test image, which shall cost, but not without bound.
        let p = mean.clamp(1e-7, 1.0 - 1e-7);
        bce -= ones * p.ln() + (count - ones) * (1.0 - p).ln();
        squared_error += squares - 2.0 * mean * ones + count * mean * mean;
    }
    let all = count * pixels as f64;
    (bce / all, squared_error / all)
}

fn psnr_db(mse: f64) -> f64 {
    -10.0 * mse.max(EXACT_MSE).log10()
}

/// The mean PSNR of images that `noise` has corrupted, before any network has seen them.
pub fn input_psnr_db(images: &ImageSet, noise: &Noise) -> f64 {
    let each: Vec<f64> = (0..images.count())
        .into_par_iter()
        .map(|index| {
            let clean = images.gather(&[index]);
            let mut noisy = clean.clone();
            noise.apply(&mut noisy, &[index]);
            let pairs = clean.iter().zip(&noisy);
            let sum: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
            psnr_db(sum / clean.len() as f64)
        })
        .collect();
    each.iter().sum::<f64>() / each.len() as f64
}

/// The mean entropy of grey pixels read as probabilities: the least binary cross-entropy that any
/// reconstruction of them can have.
///
/// ```text
/// −x ln x − (1 − x) ln(1 − x)
/// ```
pub fn entropy_nats_per_pixel(images: &ImageSet) -> f64 {
    let chunks = images.chunks(IMAGES_AT_A_TIME);
    let nats: f64 = chunks.map(|chunk| entropy_nats(&chunk)).sum();
    nats / (images.count() * images.pixels_per_image()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Pixels, to_unit};

    fn measure(output: Activation, pixels: &[u8], logits: &[f32], code: &[f32]) -> Metrics {
        let images = ImageSet::new(1, 2, pixels.to_vec(), None);
        let mut sums = Sums::new(&images, output);
        sums.add(&images.all(), logits, code, Scope::Full);
        sums.finish()
    }

    /// What stands for the range of pixels means nothing to other numbers.
    #[test]
    fn numbers_beyond_0_and_1_have_a_squared_error_and_no_more() {
        let numbers = Pixels::Numbers(vec![-2.0, 3.0]);
        let rows = ImageSet::with(Shape::row(2), numbers, None).beyond_unit_range();
        let mut sums = Sums::new(&rows, Activation::Linear);
        sums.add(&rows.all(), &[0.0, 0.0], &[1.0], Scope::Full);
        let metrics = sums.finish();
        assert_eq!(metrics.squared_error_per_image, 13.0);
        assert_eq!(
            (metrics.psnr_db, metrics.ssim, metrics.clipped_mse_per_pixel),
            (None, None, None)
        );
    }

    #[test]
    fn constant_code_units_are_counted_where_images_differ() {
        let constant = |second_image: [u8; 2]| {
            let pixels = [[0, 255], second_image].concat();
            let images = ImageSet::new(1, 2, pixels, None);
            let mut sums = Sums::new(&images, Activation::Sigmoid);
            // Dead, saturated, saturated but for rounding, alive; a batch each.
            for (index, code) in [[0.0, -1.0, 0.5, 1.0], [0.0, -1.0, 0.500_000_1, 2.0]]
                .iter()
                .enumerate()
            {
                sums.add(&images.gather(&[index]), &[0.0; 2], code, Scope::Full);
            }
            sums.finish()
        };
        let found = constant([255, 0]);
        assert_eq!((found.code_constant_units, found.code_dead_units), (3, 1));
        let name = "code_constant_units";
        assert_eq!(found.figures().get(name), Some(3.0));
        // Equal images have equal codes.
        assert_eq!(constant([0, 255]).figures().get(name), None);
    }

    /// Worked by hand: pixels 0 and 1, both answered with σ(0) = ½, cost ln 2 each.
    #[test]
    fn indecision_costs_ln_2_a_pixel() {
        let metrics = measure(Activation::Sigmoid, &[0, 255], &[0.0, 0.0], &[0.0, 3.0]);
        let bce = metrics.bce.unwrap();
        assert!((bce.nats_per_pixel - 2f64.ln()).abs() < 1e-15);
        assert!((bce.nats_per_image - 2.0 * 2f64.ln()).abs() < 1e-15);
        assert_eq!(bce.excess_nats_per_pixel, bce.nats_per_pixel);
        assert_eq!(metrics.mse_per_pixel, 0.25);
        assert_eq!(metrics.squared_error_per_image, 0.5);
        assert!((metrics.psnr_db.unwrap() - 10.0 * 4f64.log10()).abs() < 1e-12);
        assert_eq!(
            metrics.ssim, None,
            "an image of two pixels is smaller than the window"
        );
        assert_eq!((metrics.code_mean, metrics.code_zero_fraction), (1.5, 0.5));
    }

    /// The logit of a grey pixel is its best answer: nothing above the entropy is left.
    #[test]
    fn the_best_answer_to_grey_leaves_no_excess() {
        let logit = |pixel: u8| {
            let x = f64::from(to_unit(pixel));
            (x / (1.0 - x)).ln() as f32
        };
        let metrics = measure(
            Activation::Sigmoid,
            &[51, 204],
            &[logit(51), logit(204)],
            &[1.0],
        );
        let bce = metrics.bce.unwrap();
        assert!(bce.excess_nats_per_pixel.abs() < 1e-12, "{bce:?}");
        let images = ImageSet::new(1, 2, vec![51, 204], None);
        assert!((bce.nats_per_pixel - entropy_nats_per_pixel(&images)).abs() < 1e-12);
        assert!(metrics.psnr_db.unwrap() > 99.0);
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let metrics = measure(Activation::Sigmoid, &[0, 255], &[1e30, -1e30], &[1.0]);
        assert!((metrics.bce.unwrap().nats_per_pixel / 1e30 - 1.0).abs() < 1e-6);
        let metrics = measure(Activation::Sigmoid, &[0, 255], &[-1e30, 1e30], &[1.0]);
        assert_eq!(metrics.bce.unwrap().nats_per_pixel, 0.0);
    }

    #[test]
    fn an_unbounded_output_has_no_cross_entropy() {
        let metrics = measure(Activation::Linear, &[0, 255], &[0.5, 1.0], &[1.0]);
        assert_eq!(metrics.bce, None);
        assert_eq!(metrics.squared_error_per_image, 0.25);
        assert!(
            metrics
                .figures()
                .iter()
                .all(|(name, _)| !name.contains("bce"))
        );
    }

    #[test]
    fn the_mean_image_is_compared_with_every_test_image() {
        let images = |pixels: &[u8]| ImageSet::new(1, 2, pixels.to_vec(), None);
        // Means of 0.5 and 0.2.
        let train = images(&[0, 51, 255, 51]);
        let test = images(&[255, 0, 0, 51]);
        let (bce, squared_error) = mean_image_errors(&train, &test);
        let cross = |x: f64, p: f64| -(x * p.ln() + (1.0 - x) * (1.0 - p).ln());
        let expected = (2.0 * cross(1.0, 0.5) + cross(0.0, 0.2) + cross(0.2, 0.2)) / 4.0;
        assert!((bce - expected).abs() < 1e-7, "{bce} {expected}");
        assert!((squared_error - (0.25 + 0.25 + 0.04) / 4.0).abs() < 1e-7);
    }
}
