//! A training that was stopped anywhere ends with the bits of one that was not.

use std::path::Path;

use burn::tensor::Device;
use hourglass::data::{Corruption, ImageSet, Spirals};
use hourglass::device::OpenDevice;
use hourglass::model::autoencoder::Architecture;
use hourglass::model::weights::{self, Network};
use hourglass::model::{
    Activation, Autoencoder, Classifier, Dropout, TiedAutoencoder, Variational, classifier,
    variational,
};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::task::{
    ClassificationTask, ImageExamples, ReconstructionTask, Task, VariationalTask,
};
use hourglass::train::checkpoint::{self, Checkpoint, Checkpoints, Policy};
use hourglass::train::{
    Adam, EarlyStopping, EpochRecord, Fit, Optimizer, Progress, Schedule, Training,
};

use crate::support;

/// 23 images, so that the last batch of 4 is short: 6 steps an epoch, 18 in all.
fn images(opened: &OpenDevice) -> ImageExamples {
    let pixels = (0..23 * 12).map(|i| (i * 37 % 256) as u8).collect();
    let mut images = support::image_examples(&ImageSet::new(3, 4, pixels, None), &opened.device);
    images.splits.validation = Some(images.splits.test.clone());
    images
}

/// What a training gives, without times.
type Outcome = (String, Vec<String>);

fn outcome<M: Network, T: Task<M>>(mut training: Training<'_, M, T>) -> Outcome {
    while training.advance().unwrap().is_some() {}
    let fitted = training.finish();
    let untimed = |record: &EpochRecord| {
        let record = EpochRecord {
            train_seconds: 0.0,
            evaluate_seconds: 0.0,
            samples_per_second: 0.0,
            ..record.clone()
        };
        serde_json::to_string(&record).unwrap()
    };
    (
        weights::fingerprint(&fitted.network).unwrap(),
        fitted.history.iter().map(untimed).collect(),
    )
}

/// The same training through a checkpoint on disk after each of its steps.
fn stopped_at_every_step<M: Network, T: Task<M>>(
    opened: &OpenDevice,
    settings: &Fit,
    task: &T,
    network: &dyn Fn(u64) -> M,
    directory: &Path,
) -> Outcome {
    let mut training = Training::new(settings, task, network(1));
    loop {
        let step = training.step();
        while training.step() == step || !training.is_at_rest() {
            if training.advance().unwrap().is_none() {
                return outcome(training);
            }
        }
        let mut checkpoints = Checkpoints::new(
            directory,
            Policy::default(),
            String::new(),
            support::origin(opened),
            &Progress::default(),
        );
        checkpoints.save(&mut training).unwrap();
        let (_, newest) = checkpoint::list(directory).unwrap().remove(0);
        // With other weights until those of the checkpoint are read.
        let saved = Checkpoint::read(&newest)
            .unwrap()
            .saved(&network(2))
            .unwrap();
        training = Training::restore(settings, task, saved, &opened.device).unwrap();
    }
}

fn check<M: Network, T: Task<M>>(
    what: &str,
    opened: &OpenDevice,
    settings: &Fit,
    task: &T,
    network: &dyn Fn(u64) -> M,
) {
    let expected = outcome(Training::new(settings, task, network(1)));
    let directory = tempfile::tempdir().unwrap();
    let found = stopped_at_every_step(opened, settings, task, network, directory.path());
    let what = format!("{what} on {}", opened.backend.name());
    assert_eq!(expected.1.len(), 3, "{what}");
    assert_eq!(found, expected, "{what}");
    let kept = checkpoint::list(directory.path()).unwrap().len();
    assert!((2..=3).contains(&kept), "{what}: {kept} checkpoints");
}

/// Exactness is promised for the CPU; Mesa's software Vulkan happens to be exact too.
#[test]
fn every_optimizer_goes_on_to_the_last_bit() {
    let adam = Adam {
        learning_rate: 0.01,
        ..Adam::default()
    };
    let optimizers = [
        (
            "sgd",
            Optimizer::Sgd {
                learning_rate: 0.1,
                momentum: 0.0,
            },
        ),
        (
            "momentum",
            Optimizer::Sgd {
                learning_rate: 0.1,
                momentum: 0.9,
            },
        ),
        ("adam", Optimizer::Adam(adam)),
        (
            "adamw",
            Optimizer::AdamW {
                adam,
                weight_decay: 0.01,
            },
        ),
        (
            "rmsprop",
            Optimizer::RmsProp {
                learning_rate: 0.01,
                decay: 0.9,
                epsilon: 1e-7,
            },
        ),
    ];
    for opened in support::backends() {
        let task = ReconstructionTask {
            images: images(&opened),
            reconstruction: Reconstruction::BinaryCrossEntropy,
            sparsity: None,
        };
        for (name, optimizer) in optimizers {
            let network =
                |seed| Autoencoder::new(&support::architecture(&[12, 7, 3]), seed, &opened.device);
            check(name, &opened, &support::fit(optimizer), &task, &network);
        }
    }
}

#[test]
fn every_kind_of_training_goes_on_to_the_last_bit() {
    let adam = Optimizer::Adam(Adam {
        learning_rate: 0.01,
        ..Adam::default()
    });
    for opened in support::backends() {
        let device: &Device = &opened.device;
        let everything = Fit {
            schedule: Schedule::Cosine { last: 0.1 },
            warmup_steps: 4,
            clip_gradient_norm: Some(0.01),
            early_stopping: Some(EarlyStopping {
                patience: 5,
                // So much that the first epoch stays the best, and has to be kept.
                least_improvement: 1e9,
            }),
            evaluate_training: true,
            shards: 3,
            ..support::fit(adam)
        };
        let mut noisy = images(&opened);
        noisy.corruption = Some(Corruption::Gaussian { sigma: 0.4 });
        noisy.dropout = Some(Dropout {
            rate: 0.25,
            units: 17,
            seed: 3,
        });
        let sparse = ReconstructionTask {
            images: noisy,
            reconstruction: Reconstruction::MeanSquaredError,
            sparsity: Some(Sparsity::L1 {
                weight: 1e-3,
                reduction: Reduction::BatchMean,
            }),
        };
        let architecture = support::architecture(&[12, 7, 3]);
        let plain = |seed| Autoencoder::new(&architecture, seed, device);
        check("everything", &opened, &everything, &sparse, &plain);
        let tied = |seed| TiedAutoencoder::new(&architecture, seed, device);
        check("tied", &opened, &support::fit(adam), &sparse, &tied);

        let bound = VariationalTask {
            images: images(&opened),
            code_size: 2,
            kl_weight: 0.5,
        };
        let shape = variational::Architecture {
            encoder: vec![12, 7, 2],
            decoder: vec![2, 7, 12],
            activation: Activation::Tanh,
            dropout: 0.0,
        };
        let network = |seed| Variational::new(&shape, seed, device);
        check(
            "variational",
            &opened,
            &support::fit(adam),
            &bound,
            &network,
        );

        let spirals = Spirals {
            classes: 3,
            points_per_class: 8,
            test_points_per_class: 8,
            noise: 0.2,
        };
        let classes = ClassificationTask {
            points: spirals.generate(1, 3),
            devices: vec![device.clone()],
            dropout: None,
        };
        let shape = classifier::Architecture {
            layers: vec![2, 9, 3],
            activation: Activation::Relu,
            dropout: 0.0,
        };
        let network = |seed| Classifier::new(&shape, seed, device);
        check(
            "classifier",
            &opened,
            &support::fit(adam),
            &classes,
            &network,
        );
    }
}

/// A state of another network or optimizer is refused, with the name of what does not fit.
#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let opened = &support::backends()[0];
    let task = ReconstructionTask {
        images: images(opened),
        reconstruction: Reconstruction::BinaryCrossEntropy,
        sparsity: None,
    };
    let network =
        |sizes: &[usize]| Autoencoder::new(&support::architecture(sizes), 1, &opened.device);
    let adam = support::fit(Optimizer::Adam(Adam::default()));
    let mut training = Training::new(&adam, &task, network(&[12, 7, 3]));
    for _ in 0..4 {
        training.advance().unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let text = || "name = \"x\"".to_owned();
    Checkpoints::new(
        directory.path(),
        Policy::default(),
        text(),
        support::origin(opened),
        &Progress::default(),
    )
    .save(&mut training)
    .unwrap();
    let (step, path) = checkpoint::list(directory.path()).unwrap().remove(0);
    assert_eq!(step, 3);
    let checkpoint = Checkpoint::read(&path).unwrap();
    assert_eq!(checkpoint.config, text());

    let other = checkpoint.saved(&network(&[12, 8, 3])).err().unwrap();
    assert!(other.to_string().contains("shape"), "{other}");
    let restore = |fit: &Fit, network: Autoencoder| {
        let saved = checkpoint.saved(&network).unwrap();
        Training::restore(fit, &task, saved, &opened.device)
            .err()
            .map(|error| error.to_string())
    };
    let same = network(&[12, 7, 3]);
    assert_eq!(restore(&adam, same.clone()), None);
    let sgd = support::fit(Optimizer::Sgd {
        learning_rate: 0.1,
        momentum: 0.9,
    });
    let error = restore(&sgd, same.clone()).unwrap();
    assert!(error.contains("unknown to this optimizer"), "{error}");
    let large = Fit {
        batch_size: 12,
        ..adam
    };
    let error = restore(&large, same).unwrap();
    assert!(error.contains("3 steps of 2"), "{error}");
}

#[test]
fn nothing_that_is_not_finite_is_saved() {
    let opened = &support::backends()[0];
    let task = ReconstructionTask {
        images: images(opened),
        reconstruction: Reconstruction::MeanSquaredError,
        sparsity: None,
    };
    let fit = support::fit(Optimizer::Sgd {
        learning_rate: 1e38,
        momentum: 0.0,
    });
    let architecture = Architecture {
        output: Activation::Linear,
        ..support::architecture(&[12, 7, 3])
    };
    let network = Autoencoder::new(&architecture, 1, &opened.device);
    let mut training = Training::new(&fit, &task, network);
    for _ in 0..4 {
        training.advance().unwrap();
    }
    let error = training.save().err().unwrap().to_string();
    assert!(error.contains("epoch 1, step 2 of the run"), "{error}");
}
