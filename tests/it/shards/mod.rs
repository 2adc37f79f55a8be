//! Batches that are cut, and computed by several workers.

mod program;

use burn::module::Module;
use hourglass::batches::Batches;
use hourglass::data::{Corruption, ImageSet, Spirals};
use hourglass::device::{self, DeviceError, OpenDevice, Place};
use hourglass::model::parameters::{Tensors, parameters};
use hourglass::model::weights::{self, Network};
use hourglass::model::{
    Activation, Autoencoder, Classifier, Dropout, TiedAutoencoder, Variational, classifier,
    variational,
};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::task::{
    ClassificationTask, ImageExamples, ReconstructionTask, Task, VariationalTask,
};
use hourglass::train::{Adam, Fit, Optimizer, StepExamples, Trainer, Training};

use crate::support;

/// 23 images, so that the last batch of 7 has two, fewer than there are shards.
fn images(opened: &OpenDevice, workers: usize) -> ImageExamples {
    let pixels = (0..23 * 12).map(|i| (i * 37 % 256) as u8).collect();
    let images = ImageSet::new(3, 4, pixels, None);
    let mut images = support::image_examples(&images, &opened.device);
    images.corruption = Some(Corruption::Gaussian { sigma: 0.4 });
    images.dropout = Some(Dropout {
        rate: 0.25,
        units: 17,
        seed: 3,
    });
    support::with_workers(images, workers)
}

fn sparse(opened: &OpenDevice, workers: usize, reduction: Reduction) -> ReconstructionTask {
    ReconstructionTask {
        images: images(opened, workers),
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: Some(Sparsity::L1 {
            weight: 1e-3,
            reduction,
        }),
    }
}

fn bound(opened: &OpenDevice, workers: usize) -> VariationalTask {
    VariationalTask {
        images: images(opened, workers),
        code_size: 2,
        kl_weight: 0.5,
    }
}

fn classes(opened: &OpenDevice, workers: usize) -> ClassificationTask {
    let spirals = Spirals {
        classes: 3,
        points_per_class: 8,
        test_points_per_class: 8,
        noise: 0.2,
    };
    ClassificationTask {
        points: spirals.generate(0, 3),
        devices: vec![opened.device.clone(); workers],
        dropout: None,
    }
}

fn autoencoder(opened: &OpenDevice) -> Autoencoder {
    Autoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device)
}

fn variational(opened: &OpenDevice) -> Variational {
    let shape = variational::Architecture {
        encoder: vec![12, 7, 2],
        decoder: vec![2, 7, 12],
        activation: Activation::Tanh,
        dropout: 0.0,
    };
    Variational::new(&shape, 1, &opened.device)
}

fn classifier(opened: &OpenDevice) -> Classifier {
    let shape = classifier::Architecture {
        layers: vec![2, 9, 3],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    Classifier::new(&shape, 1, &opened.device)
}

/// The network after one step of gradient descent, and the errors that are reported and minimised.
fn step<M: Module, T: Task<M>>(task: &T, network: &M, shards: usize) -> (Tensors, [f64; 2]) {
    let plain = Optimizer::Sgd {
        learning_rate: 1.0,
        momentum: 0.0,
    };
    let mut trainer = Trainer {
        optimizer: plain.init(),
        clip_gradient_norm: None,
        shards,
    };
    let examples = StepExamples {
        epoch: 1,
        indices: &[4, 11, 2, 9, 0, 6, 17],
    };
    let (network, loss) = trainer.step(task, network.clone().train(), examples, 1.0);
    let number = |tensor: burn::tensor::Tensor<1>| f64::from(tensor.into_scalar::<f32>());
    let error = number(loss.error);
    let minimised = loss.minimised.map_or(error, number);
    (parameters(&network).unwrap(), [error, minimised])
}

fn check_gradients<M: Module, T: Task<M>>(what: &str, task: &T, network: &M) {
    let before = parameters(network).unwrap();
    let (whole, losses) = step(task, network, 1);
    for shards in [2, 3, 7] {
        let (cut, cut_losses) = step(task, network, shards);
        for (found, expected) in cut_losses.iter().zip(losses) {
            let difference = (found / expected - 1.0).abs();
            assert!(
                difference < 1e-6,
                "{what}, {shards} shards: {cut_losses:?}, {losses:?}"
            );
        }
        for (((name, before), (_, whole)), (_, cut)) in
            before.iter().zip(whole.iter()).zip(cut.iter())
        {
            let gradient = before - whole;
            let largest = gradient.fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(largest > 0.0, "{what}: no gradient of {name}");
            let difference = (whole - cut).fold(0.0, |most: f64, value| most.max(value.abs()));
            assert!(
                difference < 1e-5 * largest.max(0.01),
                "{what}, {shards} shards: {name} is {difference:e} off, its gradient {largest:e}"
            );
        }
    }
}

/// Of uneven shards too, for every kind of network and of what is minimised.
#[test]
fn gradients_of_shards_add_up_to_those_of_the_batch() {
    for opened in support::backends() {
        let on = |what: &str| format!("{what} on {}", opened.backend.name());
        let network = autoencoder(&opened);
        for reduction in [Reduction::BatchSum, Reduction::BatchMean] {
            let task = sparse(&opened, 1, reduction);
            check_gradients(&on(&format!("{reduction:?}")), &task, &network);
        }
        check_gradients(&on("bound"), &bound(&opened, 1), &variational(&opened));
        check_gradients(&on("classes"), &classes(&opened, 1), &classifier(&opened));
    }
}

fn outcome<M: Network, T: Task<M>>(task: &T, network: M, shards: usize) -> (String, Vec<f64>) {
    let adam = Optimizer::Adam(Adam {
        learning_rate: 0.01,
        ..Adam::default()
    });
    let settings = Fit {
        batch_size: 7,
        shards,
        clip_gradient_norm: Some(0.5),
        ..support::fit(adam)
    };
    let mut training = Training::new(&settings, task, network);
    while training.advance().unwrap().is_some() {}
    let fitted = training.finish();
    let losses = fitted.history.iter().map(|epoch| epoch.train_loss);
    (
        weights::fingerprint(&fitted.network).unwrap(),
        losses.collect(),
    )
}

/// Bits belong to the number of shards; by how many workers they are computed is the machine's affair.
#[test]
fn one_two_and_three_workers_give_the_same_bits() {
    let processors = |opened: &OpenDevice| !opened.backend.is_accelerator();
    for opened in support::backends().into_iter().filter(processors) {
        let outcomes = |workers| {
            let task = sparse(&opened, workers, Reduction::BatchSum);
            let tied = TiedAutoencoder::new(&support::architecture(&[12, 7, 3]), 1, &opened.device);
            [
                outcome(&task, autoencoder(&opened), 3),
                outcome(&task, tied, 3),
                outcome(&bound(&opened, workers), variational(&opened), 3),
                outcome(&classes(&opened, workers), classifier(&opened), 3),
            ]
        };
        let one = outcomes(1);
        for workers in [2, 3, 5] {
            assert_eq!(
                outcomes(workers),
                one,
                "{workers} on {}",
                opened.backend.name()
            );
        }
        // Sums in another order, as soon as the order is another.
        let whole = outcome(
            &sparse(&opened, 1, Reduction::BatchSum),
            autoencoder(&opened),
            1,
        );
        assert_ne!(whole.0, one[0].0);
    }
}

/// An adapter that is named in two ways is two devices to Burn, between which weights and gradients go.
#[test]
fn two_devices_of_an_accelerator_train_as_one() {
    let places = ["wgpu", "wgpu:0"].map(|place| place.parse::<Place>().unwrap());
    let both = match device::open_all(&places, None) {
        Ok(both) => both,
        Err(DeviceError::NotCompiledIn(_)) => return,
        Err(error) => {
            // `backends` says whether that may be.
            assert!(
                !support::backends()
                    .iter()
                    .any(|it| it.backend.is_accelerator()),
                "{error}"
            );
            return;
        }
    };
    assert_ne!(both.workers[0], both.workers[1]);
    let mut task = sparse(&both, 2, Reduction::BatchMean);
    task.images.devices = both.workers.clone();
    let on = |device| Batches::resident(device, &task.images.splits.train, 1000);
    task.images.batches = both.workers.iter().map(on).collect();
    let network = autoencoder(&both);
    check_gradients("two devices", &task, &network);
    let one = sparse(&both, 1, Reduction::BatchMean);
    let (expected, losses) = step(&one, &network, 2);
    let (found, found_losses) = step(&task, &network, 2);
    assert_eq!(found_losses, losses);
    for ((name, expected), (_, found)) in expected.iter().zip(found.iter()) {
        assert_eq!(found, expected, "{name}");
    }
}
