//! What a step sees is the same on every backend.

use burn::tensor::Tensor;
use hourglass::batches::Batches;
use hourglass::data::{Corruption, ImageSet};
use hourglass::device::OpenDevice;
use hourglass::model::Dropout;
use hourglass::task::{ImageExamples, Task, VariationalTask};

use crate::support;

/// Twenty images of 3 × 4 pixels, all greys among them.
fn images() -> ImageSet {
    let pixels = (0..240).map(|i| (i * 37 % 256) as u8).collect();
    ImageSet::new(3, 4, pixels, None)
}

fn examples(opened: &OpenDevice, corruption: Option<Corruption>) -> ImageExamples {
    let bytes = images().bytes_as_numbers();
    let mut examples = support::image_examples(&images(), &opened.device);
    if let Some(largest) = opened.keeps(bytes) {
        examples.batches = vec![Batches::resident(&opened.device, &images(), largest)];
    }
    examples.seed = 7;
    examples.corruption = corruption;
    examples.dropout = Some(Dropout {
        rate: 0.25,
        units: 5,
        seed: 7,
    });
    examples
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

const INDICES: [usize; 3] = [4, 19, 0];

#[test]
fn corruption_stays_in_range_and_is_the_same_on_every_backend() {
    for corruption in [
        Corruption::Gaussian { sigma: 0.4 },
        Corruption::Masking { fraction: 0.5 },
        Corruption::SaltAndPepper { fraction: 0.5 },
    ] {
        let mut first = None;
        for opened in support::backends() {
            let (pairs, _) = examples(&opened, Some(corruption)).batch(2, &INDICES, 0);
            let (input, target) = (numbers(pairs.input), numbers(pairs.target));
            assert_eq!(target, images().gather(&INDICES));
            assert_ne!(input, target);
            assert!(input.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
            let reference = first.get_or_insert_with(|| input.clone());
            assert_eq!(reference, &input, "{}", opened.backend.name());
        }
    }
}

#[test]
fn dropout_masks_and_latent_noise_are_the_same_on_every_backend_and_new_in_each_epoch() {
    let mut first = None;
    for opened in support::backends() {
        let images = examples(&opened, None);
        let ones = || Tensor::<2>::ones([3, 5], &opened.device);
        let masks = |epoch| numbers(images.batch(epoch, &INDICES, 0).1.apply(ones()));
        let (mask, later) = (masks(1), masks(2));
        assert!(mask.iter().all(|&m| m == 0.0 || m == 1.0 / 0.75));
        assert_ne!(mask, later);

        let task = VariationalTask {
            images: examples(&opened, None),
            code_size: 4,
            kl_weight: 1.0,
        };
        let epsilon = |epoch| numbers(task.batch(epoch, &INDICES, 0).epsilon);
        assert_ne!(epsilon(1), epsilon(2));
        let drawn = (mask, later, epsilon(1));
        let reference = first.get_or_insert_with(|| drawn.clone());
        assert_eq!(reference, &drawn, "{}", opened.backend.name());
    }
}

/// 20,000 draws: the standard error of a share of 0.25 is 0.003.
#[test]
fn dropout_leaves_out_its_share_and_keeps_the_mean() {
    let opened = &support::backends()[0];
    let dropout = Dropout {
        rate: 0.25,
        units: 1000,
        seed: 1,
    };
    let indices: Vec<usize> = (0..20).collect();
    let ones = Tensor::<2>::ones([20, 1000], &opened.device);
    let mask = numbers(dropout.masks(1, &indices, &opened.device).apply(ones));
    let zeros = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 20_000.0;
    let mean = mask.iter().copied().map(f64::from).sum::<f64>() / 20_000.0;
    assert!((zeros - 0.25).abs() < 0.015, "{zeros}");
    assert!((mean - 1.0).abs() < 0.02, "{mean}");
}

/// The layers of a network use up the masks one after another.
#[test]
fn each_hidden_layer_takes_the_next_columns_of_the_mask() {
    let opened = &support::backends()[0];
    let mask: Vec<f32> = (0..10).map(|i| i as f32).collect();
    let mask = hourglass::batches::tensor(mask, 2, &opened.device);
    let mut masks = hourglass::model::DropoutMasks::new(mask);
    let ones = |units| Tensor::<2>::ones([2, units], &opened.device);
    assert_eq!(numbers(masks.apply(ones(2))), [0.0, 1.0, 5.0, 6.0]);
    assert_eq!(
        numbers(masks.apply(ones(3))),
        [2.0, 3.0, 4.0, 7.0, 8.0, 9.0]
    );
}

/// A step's pixels are those of the images at its indices, whether all images lie on the device, in one tensor
/// or in several, or each batch is copied there.
#[test]
fn a_batch_is_the_images_at_its_indices_however_it_gets_to_the_device() {
    let expected = images().gather(&INDICES);
    for opened in support::backends() {
        for batches in [
            Batches::resident(&opened.device, &images(), u64::MAX),
            // Twenty rows of 48 bytes, by seven, and by one.
            Batches::resident(&opened.device, &images(), 7 * 48 + 40),
            Batches::resident(&opened.device, &images(), 1),
            Batches::new(&opened.device),
        ] {
            let pairs = batches.pairs(&images(), &INDICES, None);
            assert_eq!(numbers(pairs.input), expected, "{}", opened.backend.name());
            assert_eq!(numbers(pairs.target), expected, "{}", opened.backend.name());
        }
    }
}
