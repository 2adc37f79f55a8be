//! Numbers that are not numbers: found at their step, named, and stopped or left out.

use burn::tensor::{Device, ExecutionError};
use hourglass::batches::Pairs;
use hourglass::data::{Checksum, ImageSet};
use hourglass::device::OpenDevice;
use hourglass::evaluate::{Figures, Scope};
use hourglass::model::autoencoder::Architecture;
use hourglass::model::weights;
use hourglass::model::{Activation, Autoencoder, Codec, DropoutMasks};
use hourglass::objective::Reconstruction;
use hourglass::random::{self, Purpose};
use hourglass::task::{Loss, Measured, ReconstructionTask, Subset, Task, Term};
use hourglass::train::{Adam, Fit, Fitted, NonFinite, Optimizer, TrainError, Training};

use crate::support;

/// What goes wrong in a step that sees the image of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Loss,
    /// The loss is finite and its gradient is not.
    Gradient,
    /// Both are finite, and the square of the gradient is not.
    Square,
}

const POISONED: usize = 40;

struct Poisoned {
    task: ReconstructionTask,
    fault: Fault,
}

impl Measured<Autoencoder> for Poisoned {
    fn examples(&self, subset: Subset) -> usize {
        Measured::<Autoencoder>::examples(&self.task, subset)
    }

    fn error_metric(&self) -> &'static str {
        Measured::<Autoencoder>::error_metric(&self.task)
    }

    fn figures(
        &self,
        network: &Autoencoder,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        self.task.figures(network, subset, scope)
    }

    fn checksums(&self) -> &[Checksum] {
        Measured::<Autoencoder>::checksums(&self.task)
    }
}

impl Task<Autoencoder> for Poisoned {
    type Batch = ((Pairs, DropoutMasks), bool);

    fn devices(&self) -> &[Device] {
        Task::<Autoencoder>::devices(&self.task)
    }

    fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> Self::Batch {
        let batch = Task::<Autoencoder>::batch(&self.task, epoch, indices, device);
        (batch, indices.contains(&POISONED))
    }

    fn loss(&self, network: &Autoencoder, (batch, is_poisoned): Self::Batch, share: f64) -> Loss {
        let input = batch.0.input.clone();
        let mut loss = self.task.loss(network, batch, share);
        if !is_poisoned {
            return loss;
        }
        let code = network.encode(input.autodiff()).mul_scalar(100.0);
        let zero = (code.clone() - code.detach()).sum();
        let poison = match self.fault {
            Fault::None => return loss,
            Fault::Square => {
                loss.minimised = loss.minimised.mul_scalar(1e32);
                return loss;
            }
            Fault::Loss => zero.log().mul_scalar(-1.0),
            // 10³⁸ times 100 is more than `f32` holds.
            Fault::Gradient => zero.add_scalar(1e-38).log(),
        };
        loss.terms.push(Term {
            name: "poison",
            value: poison.clone().without_autodiff(),
        });
        loss.minimised = loss.minimised + poison;
        loss
    }
}

/// In batches of two: 60 steps an epoch, and a reading in it besides the last.
const IMAGES: usize = 120;

fn task(opened: &OpenDevice, fault: Fault) -> Poisoned {
    let pixels = (0..IMAGES * 12).map(|i| (i * 37 % 256) as u8).collect();
    let images = ImageSet::new(3, 4, pixels, None);
    Poisoned {
        task: ReconstructionTask {
            // A second worker for those that have shards.
            images: support::with_workers(support::image_examples(&images, &opened.device), 2),
            reconstruction: Reconstruction::BinaryCrossEntropy,
            sparsity: None,
        },
        fault,
    }
}

fn fit(non_finite: NonFinite, shards: usize) -> Fit {
    let adam = Adam {
        learning_rate: 0.01,
        ..Adam::default()
    };
    Fit {
        seed: 5,
        epochs: 2,
        batch_size: 2,
        shards,
        non_finite,
        ..support::fit(Optimizer::Adam(adam))
    }
}

fn network(opened: &OpenDevice) -> Autoencoder {
    // Through which every gradient passes, where a rectifier stops some.
    let architecture = Architecture {
        activation: Activation::Tanh,
        code_activation: Activation::Tanh,
        ..support::architecture(&[12, 7, 3])
    };
    Autoencoder::new(&architecture, 1, &opened.device)
}

/// The step, counted from 1, of the first epoch that sees the poisoned image.
fn poisoned_step() -> usize {
    let order = random::permutation(IMAGES, random::stream(5, Purpose::Order, 1, 0));
    order.iter().position(|&index| index == POISONED).unwrap() / 2 + 1
}

/// Trains to the end, waiting for the device after each step or only where it must.
fn train(
    opened: &OpenDevice,
    fault: Fault,
    non_finite: NonFinite,
    shards: usize,
    settle: bool,
) -> Result<Fitted<Autoencoder>, TrainError> {
    let (fit, task) = (fit(non_finite, shards), task(opened, fault));
    let mut training = Training::new(&fit, &task, network(opened));
    while training.advance()?.is_some() {
        if settle {
            training.settle()?;
        }
    }
    Ok(training.finish())
}

#[test]
fn the_step_the_term_and_the_rate_are_named() {
    let expected = poisoned_step();
    assert_ne!(expected % 50, 0, "the reading after it is a later one");
    for opened in support::backends() {
        for (fault, shards, term) in [
            (Fault::Loss, 1, "`poison`"),
            (Fault::Gradient, 1, "the gradient of `encoder.layers."),
            (Fault::Loss, 2, "`poison`"),
            (Fault::Gradient, 2, "the gradient of `encoder.layers."),
        ] {
            let error = train(&opened, fault, NonFinite::Stop, shards, false);
            let error = error
                .err()
                .unwrap_or_else(|| panic!("{} {term}", opened.backend.name()));
            let TrainError::NotFinite {
                what,
                value,
                epoch,
                step,
                learning_rate,
            } = error
            else {
                panic!("{error}");
            };
            assert!(what.starts_with(term), "{what}");
            assert!(!value.is_finite());
            assert_eq!((epoch, step, learning_rate), (1, expected, 0.01));
        }
    }
}

#[test]
fn a_step_is_left_out_whenever_it_is_found_and_counted() {
    for opened in support::backends() {
        let clean = train(&opened, Fault::None, NonFinite::Stop, 1, false).unwrap();
        for (fault, shards) in [(Fault::Loss, 1), (Fault::Gradient, 1), (Fault::Loss, 2)] {
            let fitted = train(&opened, fault, NonFinite::SkipStep, shards, false).unwrap();
            let skipped = fitted.history.iter().map(|epoch| epoch.skipped_steps);
            let skipped: Vec<_> = skipped.collect();
            assert_eq!(skipped, [1, 1], "{} {fault:?}", opened.backend.name());
            let fingerprint = weights::fingerprint(&fitted.network).unwrap();
            assert_ne!(fingerprint, weights::fingerprint(&clean.network).unwrap());
            // Found at once, it leaves the same.
            let settled = train(&opened, fault, NonFinite::SkipStep, shards, true).unwrap();
            assert_eq!(fingerprint, weights::fingerprint(&settled.network).unwrap());
            let losses = |fitted: &Fitted<Autoencoder>| {
                let each = fitted.history.iter().map(|epoch| epoch.train_loss);
                each.collect::<Vec<_>>()
            };
            assert_eq!(losses(&fitted), losses(&settled));
            let close = losses(&fitted)[1] / losses(&clean)[1] - 1.0;
            assert!(close.abs() < 0.05, "{close}");
        }
    }
}

/// The device is waited for at other moments and nothing changes.
#[test]
fn looking_changes_nothing() {
    for opened in support::backends() {
        let [seldom, often] = [false, true].map(|settle| {
            let fitted = train(&opened, Fault::None, NonFinite::Stop, 1, settle).unwrap();
            let loss = fitted.history[1].train_loss;
            (weights::fingerprint(&fitted.network).unwrap(), loss)
        });
        assert_eq!(seldom, often, "{}", opened.backend.name());
    }
}

/// What is too large for a square makes Adam stand still without a word, unless it is looked for: before a checkpoint,
/// and where there is none at the end of an epoch.
#[test]
fn an_infinite_square_is_not_saved() {
    let opened = &support::backends()[0];
    let fit = fit(NonFinite::Stop, 1);
    let task = task(opened, Fault::Square);
    let mut training = Training::new(&fit, &task, network(opened));
    let error = loop {
        match training.advance() {
            Ok(_) => {}
            Err(error) => break error,
        }
        if let Err(error) = training.save() {
            break error;
        }
    };
    let at_the_end = train(opened, Fault::Square, NonFinite::Stop, 1, false).unwrap_err();
    for (error, step) in [(error, poisoned_step()), (at_the_end, 60)] {
        let message = error.to_string();
        assert!(
            message.contains("the optimizer's `") && message.contains(&format!("step {step} ")),
            "{message}"
        );
        assert!(message.contains("moment_2` became inf"), "{message}");
    }
}
