//! Ten steps of every optimizer, and clipped gradients.

use burn::module::Module;
use burn::optim::GradientsParams;
use hourglass::model::Activation;
use hourglass::objective::Reconstruction;
use hourglass::task::{Task, WHOLE};
use hourglass::train::{Adam, Optimizer, StepExamples, Trainer, clip_global_norm};

use super::{ALL, all_close, close, golden, network, numbers, take, task, tensors};
use crate::support;

#[test]
fn ten_steps_of_every_optimizer_are_pytorchs() {
    let adam = |epsilon| Adam {
        learning_rate: 1e-2,
        epsilon,
        ..Adam::default()
    };
    let sgd = |learning_rate, momentum| Optimizer::Sgd {
        learning_rate,
        momentum,
    };
    let adamw = Optimizer::AdamW {
        adam: adam(1e-2),
        weight_decay: 0.1,
    };
    let rmsprop = Optimizer::RmsProp {
        learning_rate: 1e-2,
        decay: 0.9,
        epsilon: 1e-2,
    };
    let optimizers = [
        ("sgd", sgd(0.5, 0.0)),
        ("momentum", sgd(0.1, 0.9)),
        ("adam", Optimizer::Adam(adam(1e-7))),
        ("adam_with_large_epsilon", Optimizer::Adam(adam(1e-2))),
        ("adamw", adamw),
        ("rmsprop", rmsprop),
    ];
    let golden = golden();
    assert_eq!(
        golden["optimizers"].as_object().unwrap().len(),
        optimizers.len()
    );
    for opened in support::backends() {
        for (name, optimizer, shards) in optimizers
            .into_iter()
            .flat_map(|(name, it)| [1, 2].map(|shards| (name, it, shards)))
        {
            let expected = &golden["optimizers"][name];
            let what = format!("{name}, {shards} shards, on {}", opened.backend.name());
            let mut trainer = Trainer {
                shards,
                optimizer: optimizer.init(),
                clip_gradient_norm: None,
            };
            let kind = Reconstruction::BinaryCrossEntropy;
            let task = task(&golden, kind, None, &opened.device);
            let mut model = network(&golden, Activation::Relu, &opened.device).train();
            let mut losses = Vec::new();
            let examples = StepExamples {
                epoch: 1,
                indices: &ALL,
            };
            for _ in 0..10 {
                let rate = optimizer.learning_rate();
                let (trained, loss) = trainer.step(&task, model, examples, rate);
                model = trained;
                losses.extend(loss.error.into_data().iter::<f64>());
            }
            close(&what, &losses, &numbers(&expected["losses"]), 2e-6, 0.0);
            let weights = take(&model.valid(), None);
            all_close(&what, &weights, &tensors(&expected["weights"]), 1e-5, 2e-6);
        }
    }
}

#[test]
fn gradients_are_clipped_by_their_global_norm_as_in_pytorch() {
    let golden = golden();
    let expected = &golden["clipped"];
    let norm = expected["norm"].as_f64().unwrap();
    for opened in support::backends() {
        let model = network(&golden, Activation::Relu, &opened.device).train();
        let kind = Reconstruction::BinaryCrossEntropy;
        let task = task(&golden, kind, None, &opened.device);
        let gradients = |most: f64| {
            let loss = task
                .loss(&model, task.images.batch(1, &ALL, 0), WHOLE)
                .minimised;
            let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
            clip_global_norm(&mut gradients, &model, most);
            take(&model, Some(&gradients))
        };
        let what = opened.backend.name();
        all_close(
            what,
            &gradients(0.05),
            &tensors(&expected["gradients"]),
            2e-5,
            2e-8,
        );
        // A norm that is small enough stays as it is.
        let unclipped = tensors(&golden["objectives"]["bce"]["gradients"]);
        all_close(what, &gradients(1.01 * norm), &unclipped, 2e-5, 2e-8);
    }
}

/// The two values of epsilon must differ by more than the tolerance above, or it tests nothing.
#[test]
fn the_golden_runs_tell_two_epsilons_apart() {
    let golden = golden();
    let weights = |name: &str| tensors(&golden["optimizers"][name]["weights"]);
    let (first, second) = (weights("adam"), weights("adam_with_large_epsilon"));
    let difference = first["decoder.2.bias"]
        .iter()
        .zip(&second["decoder.2.bias"])
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    assert!(difference > 1e-3, "{difference}");
}
