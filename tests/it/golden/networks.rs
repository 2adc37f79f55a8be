//! Loss and all gradients of every objective and network.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use hourglass::data::{PointSet, Preparation, Shape, Splits, UnreadableExamples};
use hourglass::model::{
    Activation, Classifier, DropoutMasks, TiedAutoencoder, Variational, classifier, variational,
};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::task::{
    ClassificationTask, Loss, PointBatch, Task, VariationalBatch, VariationalTask, WHOLE,
};
use serde_json::Value;

use super::{
    ALL, all_close, architecture, close, filled, golden, images, network, numbers, rows, take,
    task, tensors,
};
use crate::support;

/// Compares a loss and its gradients with the file's.
fn compare<M: Module>(what: &str, network: &M, loss: &Loss, expected: &Value) {
    let value: Vec<f64> = loss.minimised.clone().into_data().iter::<f64>().collect();
    close(what, &value, &numbers(&expected["loss"]), 1e-6, 0.0);
    let gradients = GradientsParams::from_grads(loss.minimised.backward(), network);
    let gradients = take(network, Some(&gradients));
    let expected = tensors(&expected["gradients"]);
    all_close(what, &gradients, &expected, 2e-5, 2e-8);
}

#[test]
fn losses_and_all_gradients_are_pytorchs() {
    use Reconstruction::{BinaryCrossEntropy, MeanSquaredError, SquaredError};
    let l1 = |reduction| {
        Some(Sparsity::L1 {
            weight: 0.01,
            reduction,
        })
    };
    let kl = Sparsity::KullbackLeibler {
        weight: 0.1,
        target: 0.05,
    };
    let objectives = [
        ("bce", BinaryCrossEntropy, None),
        ("mse", MeanSquaredError, None),
        ("squared_error", SquaredError, None),
        (
            "bce_and_l1_batch_sum",
            BinaryCrossEntropy,
            l1(Reduction::BatchSum),
        ),
        (
            "bce_and_l1_batch_mean",
            BinaryCrossEntropy,
            l1(Reduction::BatchMean),
        ),
        ("bce_and_kl", BinaryCrossEntropy, Some(kl)),
    ];
    let golden = golden();
    assert_eq!(
        golden["objectives"].as_object().unwrap().len(),
        objectives.len()
    );
    for opened in support::backends() {
        let device = &opened.device;
        for (name, reconstruction, sparsity) in objectives {
            let code_activation = match sparsity {
                Some(Sparsity::KullbackLeibler { .. }) => Activation::Sigmoid,
                _ => Activation::Relu,
            };
            let task = task(&golden, reconstruction, sparsity, device);
            let network = network(&golden, code_activation, device).train();
            let loss = task.loss(&network, task.images.batch(1, &ALL, 0), WHOLE);
            let what = format!("{name} on {}", opened.backend.name());
            compare(&what, &network, &loss, &golden["objectives"][name]);
        }
    }
}

#[test]
fn dropout_gives_pytorchs_gradients_for_the_same_masks() {
    let golden = golden();
    let expected = &golden["networks"]["dropout"];
    for opened in support::backends() {
        let device = &opened.device;
        let task = task(&golden, Reconstruction::BinaryCrossEntropy, None, device);
        let network = network(&golden, Activation::Relu, device).train();
        let masks = DropoutMasks::new(rows(&expected["masks"], device));
        let (pairs, _) = task.images.batch(1, &ALL, 0);
        let loss = task.loss(&network, (pairs, masks), WHOLE);
        let what = format!("dropout on {}", opened.backend.name());
        compare(&what, &network, &loss, expected);
    }
}

#[test]
fn tied_weights_have_pytorchs_gradients() {
    let golden = golden();
    let expected = &golden["networks"]["tied"];
    for opened in support::backends() {
        let device = &opened.device;
        let task = task(&golden, Reconstruction::BinaryCrossEntropy, None, device);
        let network = TiedAutoencoder::new(&architecture(Activation::Relu), 0, device);
        let network = filled(network, &expected["weights"]).train();
        let loss = task.loss(&network, task.images.batch(1, &ALL, 0), WHOLE);
        let what = format!("tied on {}", opened.backend.name());
        compare(&what, &network, &loss, expected);
    }
}

fn variational(golden: &Value, name: &str, device: &Device) -> (Variational, VariationalTask) {
    let expected = &golden["networks"][name];
    let architecture = variational::Architecture {
        encoder: vec![7, 5, 3],
        decoder: vec![3, 5, 7],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    let network = Variational::new(&architecture, 0, device);
    let task = VariationalTask {
        images: images(golden, device),
        code_size: 3,
        kl_weight: expected["kl_weight"].as_f64().unwrap(),
    };
    (filled(network, &expected["weights"]), task)
}

#[test]
fn the_evidence_bound_has_pytorchs_terms_and_gradients() {
    let golden = golden();
    for opened in support::backends() {
        let device = &opened.device;
        for name in ["variational", "variational_weighted"] {
            let expected = &golden["networks"][name];
            let what = format!("{name} on {}", opened.backend.name());
            let (network, task) = variational(&golden, name, device);
            let network = network.train();
            let (pairs, masks) = task.images.batch(1, &ALL, 0);
            let batch = VariationalBatch {
                pairs,
                masks,
                epsilon: rows(&expected["epsilon"], device),
            };
            let loss = task.loss(&network, batch, WHOLE);
            // What is reported is the bound itself, whatever its divergence weighs in training.
            let error: Vec<f64> = loss.error.clone().into_data().iter::<f64>().collect();
            let term = |name: &str| expected[name].as_f64().unwrap();
            let bound = term("expected_bce") + term("kl");
            close(&what, &error, &[bound], 1e-6, 0.0);
            compare(&what, &network, &loss, expected);
        }
    }
}

#[test]
fn the_cross_entropy_has_pytorchs_gradients() {
    let golden = golden();
    let expected = &golden["networks"]["classifier"];
    let classes: Vec<i32> = numbers(&expected["classes"])
        .iter()
        .map(|&class| class as i32)
        .collect();
    let architecture = classifier::Architecture {
        layers: vec![2, 5, 3],
        activation: Activation::Relu,
        dropout: 0.0,
    };
    for opened in support::backends() {
        let device = &opened.device;
        let none = PointSet::new(2, Vec::new(), Vec::new());
        let task = ClassificationTask {
            points: Splits {
                train: none.clone(),
                validation: None,
                test: none,
                checksums: Vec::new(),
                preparation: Preparation::of_images(Shape::row(2)),
                unreadable: UnreadableExamples::new(),
                warnings: Vec::new(),
                scaled_by: None,
            },
            devices: vec![device.clone()],
            dropout: None,
        };
        let network = Classifier::new(&architecture, 0, device);
        let network = filled(network, &expected["weights"]).train();
        let batch = PointBatch {
            points: rows(&expected["points"], device),
            classes: Tensor::<1, Int>::from_data(TensorData::new(classes.clone(), [6]), device),
            masks: DropoutMasks::none(),
        };
        let loss = task.loss(&network, batch, WHOLE);
        let what = format!("classifier on {}", opened.backend.name());
        compare(&what, &network, &loss, expected);
    }
}
