//! Baselines: their mathematics, and the figures that other tools give.

use std::ops::ControlFlow;

use burn::tensor::Device;
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use hourglass::baselines::{
    Architecture, Baseline, Kind, Look, Passes, Pca, PrincipalAxes, ProbabilisticPca, TopicModel,
};
use hourglass::batches::Batches;
use hourglass::data::{self, ImageSet, Source, Split};
use hourglass::device::{self, Backend};
use hourglass::evaluate::{Evaluator, LabelledCodes, Scope, usefulness};
use hourglass::model::Codec;
use hourglass::model::parameters::parameters;
use ndarray::Array2;
use proptest::prelude::*;

use crate::support;

/// As scikit-learn 1.9 finds them; from `tests/golden/baselines.py`: K, squared error per pixel on the test digits, the same
/// of pixels clipped to [0, 1].
const PCA: [(usize, f64, f64); 6] = [
    (2, 0.055669, 0.055474),
    (4, 0.047903, 0.047368),
    (8, 0.037441, 0.036412),
    (16, 0.026860, 0.025380),
    (32, 0.016828, 0.015207),
    (64, 0.009047, 0.007751),
];
const NEIGHBOURS_ON_PCA_32: f64 = 0.9756;
const PROBE_ON_PCA_32: f64 = 0.9005;
const LOG_LIKELIHOOD_OF_PPCA_32: f64 = 409.415;

fn mnist(split: Split) -> ImageSet {
    let directory = support::root().join("data/mnist");
    data::read_split(Source::Mnist, &directory, split)
        .unwrap()
        .0
}

fn cpu() -> Device {
    let backend = Backend::LOCAL
        .iter()
        .find(|(_, backend)| backend.is_compiled_in());
    device::open(backend.unwrap().1).unwrap().device
}

fn go_on(_: Look) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn encode(model: &dyn Codec, images: &ImageSet, device: &Device) -> Vec<f32> {
    let evaluator = Evaluator {
        device,
        batch_size: 500,
    };
    evaluator.encode(model, images).unwrap()
}

fn mse(model: &dyn Codec, images: &ImageSet, device: &Device) -> f64 {
    let evaluator = Evaluator {
        device,
        batch_size: 500,
    };
    evaluator
        .evaluate(model, images, None, Scope::Quick)
        .unwrap()
        .mse_per_pixel
}

#[test]
fn pca_of_mnist_is_scikit_learns_to_four_digits_and_its_codes_tell_digits_apart_as_well() {
    let (train, test, device) = (mnist(Split::Train), mnist(Split::Test), cpu());
    let axes = PrincipalAxes::of_images(&train).unwrap();
    let evaluator = Evaluator {
        device: &device,
        batch_size: 500,
    };
    for (size, error, clipped) in PCA {
        let pca = Pca::new(&axes, size, &device);
        let found = evaluator.evaluate(&pca, &test, None, Scope::Quick).unwrap();
        assert!(
            (found.mse_per_pixel - error).abs() < 6e-7,
            "K = {size}: {found:?}"
        );
        let found = found.clipped_mse_per_pixel.unwrap();
        assert!(
            (found - clipped).abs() < 6e-7,
            "K = {size}: clipped {found}"
        );
    }
    let probabilistic = ProbabilisticPca::new(&axes, 32, &device).unwrap();
    let likelihood = -probabilistic
        .negative_log_likelihood_nats_per_image(&test)
        .unwrap();
    // scikit-learn's variances have the divisor n − 1.
    assert!(
        (likelihood - LOG_LIKELIHOOD_OF_PPCA_32).abs() < 0.01,
        "{likelihood}"
    );
    let pca = Pca::new(&axes, 32, &device);
    let (codes, test_codes) = (encode(&pca, &train, &device), encode(&pca, &test, &device));
    let train = LabelledCodes {
        codes: &codes,
        classes: train.labels().unwrap(),
    };
    let test = LabelledCodes {
        codes: &test_codes,
        classes: test.labels().unwrap(),
    };
    let useful = usefulness(train, test, 32);
    let neighbours = useful.get("five_neighbours_accuracy").unwrap();
    let probe = useful.get("linear_probe_accuracy").unwrap();
    assert!(
        (neighbours - NEIGHBOURS_ON_PCA_32).abs() < 2e-4,
        "{neighbours}"
    );
    assert!((probe - PROBE_ON_PCA_32).abs() < 5e-4, "{probe}");
}

/// Random images of 3 × 4 pixels.
fn images() -> impl Strategy<Value = ImageSet> {
    proptest::collection::vec(any::<u8>(), 12 * 10..12 * 60).prop_map(|mut pixels| {
        pixels.truncate(pixels.len() / 12 * 12);
        // Pixels that depend on others, so that there is something to be found.
        for image in pixels.chunks_exact_mut(12) {
            for pixel in 6..12 {
                image[pixel] = image[pixel - 6] / 2 + image[pixel] / 8;
            }
        }
        ImageSet::new(3, 4, pixels, None)
    })
}

/// `[rows, columns]` of a parameter by the last part of its name.
fn parameter<M: burn::module::Module>(model: &M, name: &str) -> Array2<f64> {
    let all = parameters(model).unwrap();
    let mut found = all.iter().filter(|(full, _)| full.ends_with(name));
    found.next().unwrap().1.clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn components_are_orthonormal_and_errors_fall_to_what_is_left_out(images in images()) {
        let device = cpu();
        let axes = PrincipalAxes::of_images(&images).unwrap();
        let mut last = f64::INFINITY;
        for size in 1..=12 {
            let pca = Pca::new(&axes, size, &device);
            let components = parameter(&pca, "components");
            let products = components.dot(&components.t());
            for ((row, column), &product) in products.indexed_iter() {
                let expected = f64::from(u8::from(row == column));
                prop_assert!((product - expected).abs() < 1e-5);
            }
            let error = mse(&pca, &images, &device);
            prop_assert!(error <= last + 1e-9, "K = {size}: {error} after {last}");
            prop_assert!((error - axes.left_out(size) / 12.0).abs() < 1e-6);
            last = error;
        }
        prop_assert!(last < 1e-9);
    }

    /// Against the density of N(μ, Wᵀ W + σ² I), written out.
    #[test]
    fn the_likelihood_is_that_of_the_gaussian_and_the_code_the_mean_of_its_posterior(images in images(), size in 1..6usize) {
        let device = cpu();
        let axes = PrincipalAxes::of_images(&images).unwrap();
        let Some(model) = ProbabilisticPca::new(&axes, size, &device) else {
            return Ok(());
        };
        let weight = parameter(&model, "weight");
        let mean = parameter(&model, "mean");
        let noise = parameter(&model, "noise_variance")[[0, 0]];
        let w = Mat::from_fn(size, 12, |row, column| weight[[row, column]]);
        let identity = |size: usize| Mat::<f64>::identity(size, size);
        let covariance = w.transpose() * &w + faer::Scale(noise) * identity(12);
        let decomposed = covariance.self_adjoint_eigen(Side::Lower).unwrap();
        let log_determinant: f64 = decomposed.S().column_vector().iter().map(|v| v.ln()).sum();
        let solver = covariance.partial_piv_lu();
        let posterior = (&w * w.transpose() + faer::Scale(noise) * identity(size)).partial_piv_lu();
        let codes = encode(&model, &images, &device);
        let mut sum = 0.0;
        for index in 0..images.count() {
            let image = images.image(index);
            let centred = Mat::from_fn(12, 1, |row, _| f64::from(image[row]) - mean[[0, row]]);
            let distance = (centred.transpose() * solver.solve(&centred))[(0, 0)];
            sum += 0.5 * (12.0 * (2.0 * std::f64::consts::PI).ln() + log_determinant + distance);
            let expected = posterior.solve(&w * &centred);
            for unit in 0..size {
                let found = f64::from(codes[index * size + unit]);
                prop_assert!((found - expected[(unit, 0)]).abs() < 1e-3 * (1.0 + found.abs()));
            }
        }
        let expected = sum / images.count() as f64;
        let found = model.negative_log_likelihood_nats_per_image(&images).unwrap();
        prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{found} {expected}");
        // On the images that it was fitted to, in closed form; what is lost is the rounding of its parameters.
        let known = axes.negative_log_likelihood_nats_per_image(size);
        prop_assert!((found - known).abs() < 1e-3 * (1.0 + known.abs()), "{found} {known}");
    }

    /// In single precision, so up to its rounding.
    #[test]
    fn the_divergence_of_a_topic_model_never_rises(images in images(), size in 1..5usize, seed in 0..9u64) {
        let device = cpu();
        let batches = Batches::new(&device);
        let passes = Passes { most: 40, between_looks: 1 };
        let mut looks = Vec::new();
        let fitted = TopicModel::fit(&images, &batches, size, passes, seed, &device, &mut |look| {
            looks.push(look.objective);
            ControlFlow::Continue(())
        });
        let topics = parameter(&fitted.unwrap(), "topics");
        prop_assert!(looks.iter().all(|&look| look > -1e-6));
        for pair in looks.windows(2) {
            prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-5) + 1e-6, "{looks:?}");
        }
        for topic in topics.rows() {
            prop_assert!((topic.sum() - 1.0).abs() < 1e-5);
            prop_assert!(topic.iter().all(|&share| share > 0.0));
        }
    }
}

/// Topics that were alike once would stay alike for ever.
#[test]
fn topics_differ_also_where_the_first_images_are_black() {
    let device = cpu();
    let mut pixels = vec![0; 30 * 4];
    for image in 0..60 {
        let mut square = [0; 4];
        square[image % 4] = 200;
        pixels.extend(square);
    }
    let images = ImageSet::new(2, 2, pixels, None);
    let batches = Batches::new(&device);
    let passes = Passes::default();
    let fitted = TopicModel::fit(&images, &batches, 4, passes, 1, &device, &mut go_on).unwrap();
    let topics = parameter(&fitted, "topics");
    for (index, topic) in topics.rows().into_iter().enumerate() {
        for other in topics.rows().into_iter().skip(index + 1) {
            let distance: f64 = topic.iter().zip(other).map(|(a, b)| (a - b).abs()).sum();
            assert!(distance > 0.1, "{topics}");
        }
    }
}

/// The covariance of 784 pixels is large enough to be shared among threads.
#[test]
fn the_bits_of_pca_do_not_depend_on_threads() {
    let mut images = mnist(Split::Train);
    images.truncate(2500);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let axes = pool.install(|| PrincipalAxes::of_images(&images).unwrap());
        (axes.variances.clone(), Pca::new(&axes, 20, &cpu()))
    };
    let (variances, one) = on(1);
    let (others, three) = on(3);
    assert_eq!(variances, others);
    assert_eq!(
        parameter(&one, "components"),
        parameter(&three, "components")
    );
}

#[test]
fn a_topic_model_gives_every_drop_of_ink_to_a_topic_on_every_backend() {
    let mut images = mnist(Split::Train);
    images.truncate(300);
    for opened in support::backends() {
        let device = &opened.device;
        let batches = Batches::new(device);
        let mut looks = Vec::new();
        let model = TopicModel::fit(
            &images,
            &batches,
            6,
            Passes {
                most: 60,
                between_looks: 5,
            },
            1,
            device,
            &mut |look| {
                looks.push(look.objective);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        assert!(looks.len() > 2);
        for pair in looks.windows(2) {
            assert!(pair[1] <= pair[0] * (1.0 + 1e-6), "{looks:?}");
        }
        let codes = encode(&model, &images, device);
        for (index, code) in codes.chunks_exact(6).enumerate() {
            let ink: f64 = images.image(index).iter().map(|&p| f64::from(p)).sum();
            let told: f64 = code.iter().copied().map(f64::from).sum();
            assert!((ink - told).abs() < 1e-3 * ink, "{ink} {told}");
        }
    }
}

/// Whatever the backend, the same baseline but for rounding.
#[test]
fn baselines_are_alike_on_every_backend() {
    let mut images = mnist(Split::Train);
    images.truncate(500);
    for kind in [Kind::Pca, Kind::ProbabilisticPca, Kind::TopicModel] {
        let architecture = Architecture {
            kind,
            encoder: [784, 5],
            iterations: Some(10),
        };
        let errors: Vec<f64> = support::backends()
            .iter()
            .map(|opened| {
                let device = &opened.device;
                let batches = Batches::new(device);
                let fitted = Baseline::fit(&architecture, &images, &batches, 3, device, &mut go_on);
                mse(&fitted.unwrap(), &images, device)
            })
            .collect();
        for error in &errors {
            assert!(
                (error - errors[0]).abs() < 1e-4 * errors[0],
                "{kind:?}: {errors:?}"
            );
        }
    }
}
