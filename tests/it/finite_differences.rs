//! Every loss and penalty against central differences, in double precision.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use hourglass::model::{Activation, Posterior};
use hourglass::objective::{
    Reconstruction, Reduction, Sparsity, cross_entropy_nats, kl_nats_per_image,
};
use hourglass::task::WHOLE;

/// Half the distance between the two values of a difference. The error of the formula falls with its
/// square, that of rounding grows with its inverse; here they are about equal.
const STEP: f64 = 1e-5;
/// Largest difference allowed, relative to the largest derivative, or absolute where that is below 1.
const TOLERANCE: f64 = 1e-7;

fn scalar(value: Tensor<1>) -> f64 {
    value.into_data().iter::<f64>().sum()
}

/// Compares the gradient of `loss` at `[3, columns]` numbers with central differences.
fn check(what: &str, at: &[f64], loss: impl Fn(Tensor<2>) -> Tensor<1>) {
    let device = Device::flex().autodiff();
    let shape = [3, at.len() / 3];
    let tensor = |values: &[f64]| {
        let data = TensorData::new(values.to_vec(), shape);
        Tensor::<2>::from_data(data, (&device, DType::F64))
    };
    let x = tensor(at).require_grad();
    let gradients = loss(x.clone()).backward();
    let gradient = x.grad(&gradients).unwrap().into_data();
    let gradient: Vec<f64> = gradient.iter::<f64>().collect();
    let largest = gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
    assert!(largest > 0.0, "{what}: nothing to compare");
    for (index, found) in gradient.iter().enumerate() {
        let shifted = |by: f64| {
            let mut at = at.to_vec();
            at[index] += by;
            scalar(loss(tensor(&at)))
        };
        let expected = (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP);
        assert!(
            (found - expected).abs() <= TOLERANCE * largest.max(1.0),
            "{what}[{index}]: {found} by backpropagation, {expected} by differences"
        );
    }
}

/// Numbers on both sides of zero, none at a kink.
const LOGITS: [f64; 12] = [
    -4.0, -1.3, -0.6, -0.2, 0.1, 0.4, 0.9, 1.5, 2.2, 3.0, -2.1, 5.0,
];
const GREY: [f64; 12] = [0.0, 1.0, 0.2, 0.5, 0.9, 0.0, 1.0, 0.7, 0.3, 0.1, 0.6, 0.8];

fn constant(values: &[f64]) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [3, values.len() / 3]);
    Tensor::from_data(data, (&Device::flex().autodiff(), DType::F64))
}

#[test]
fn reconstruction_errors_descend_along_their_gradients() {
    use Activation::{Linear, Sigmoid, Tanh};
    use Reconstruction::{BinaryCrossEntropy, MeanSquaredError, SquaredError};
    for (kind, output) in [
        (BinaryCrossEntropy, Sigmoid),
        (MeanSquaredError, Sigmoid),
        (MeanSquaredError, Linear),
        (SquaredError, Tanh),
    ] {
        let loss = |logits| kind.loss(logits, output, constant(&GREY));
        check(&format!("{kind:?} of {output:?}"), &LOGITS, loss);
    }
}

#[test]
fn penalties_descend_along_their_gradients() {
    for reduction in [Reduction::BatchSum, Reduction::BatchMean] {
        let weight = 0.3;
        let l1 = Sparsity::L1 { weight, reduction };
        check(&format!("{l1:?}"), &LOGITS, |code| l1.penalty(code, WHOLE));
    }
    let kl = Sparsity::KullbackLeibler {
        weight: 0.3,
        target: 0.05,
    };
    check("activation penalty", &GREY, |code| kl.penalty(code, WHOLE));
}

#[test]
fn the_divergence_descends_along_its_gradients() {
    let mu = |mu| Posterior {
        mu,
        log_var: constant(&LOGITS),
    };
    check("divergence by μ", &GREY, |at| kl_nats_per_image(&mu(at)));
    let log_var = |log_var| Posterior {
        mu: constant(&LOGITS),
        log_var,
    };
    check("divergence by ln σ²", &GREY, |at| {
        kl_nats_per_image(&log_var(at))
    });
}

#[test]
fn a_sampled_code_passes_gradients_to_mean_and_variance() {
    let epsilon = || {
        constant(&[
            0.3, -1.0, 2.0, 0.5, -0.2, 1.1, -0.7, 0.9, 0.1, -1.6, 0.4, 1.3,
        ])
    };
    let squares = |posterior: Posterior| posterior.sample(epsilon()).square().sum();
    check("sample by μ", &GREY, |mu| {
        squares(Posterior {
            mu,
            log_var: constant(&LOGITS),
        })
    });
    check("sample by ln σ²", &GREY, |log_var| {
        squares(Posterior {
            mu: constant(&LOGITS),
            log_var,
        })
    });
}

#[test]
fn the_cross_entropy_descends_along_its_gradients() {
    let classes = TensorData::new(vec![0i32, 3, 1], [3]);
    let classes = Tensor::<1, Int>::from_data(classes, &Device::flex().autodiff());
    check("cross-entropy", &LOGITS, |logits| {
        cross_entropy_nats(logits, classes.clone())
    });
}

/// The divergence of what already is a standard normal, and the penalty of what already has the
/// target activation, are zero, and so are their gradients.
#[test]
fn divergences_vanish_where_there_is_nothing_to_diverge_from() {
    let with_gradient = |values: &[f64; 6]| constant(values).require_grad();
    let flat = |x: &Tensor<2>, gradients: &burn::tensor::Gradients| {
        let gradient = x.grad(gradients).unwrap().into_data();
        gradient.iter::<f64>().all(|g| g.abs() < 1e-12)
    };
    let (mu, log_var) = (with_gradient(&[0.0; 6]), with_gradient(&[0.0; 6]));
    let divergence = kl_nats_per_image(&Posterior {
        mu: mu.clone(),
        log_var: log_var.clone(),
    });
    assert_eq!(scalar(divergence.clone()), 0.0);
    let gradients = divergence.backward();
    assert!(flat(&mu, &gradients) && flat(&log_var, &gradients));
    let penalty = Sparsity::KullbackLeibler {
        weight: 1.0,
        target: 0.25,
    };
    let code = with_gradient(&[0.25; 6]);
    let penalty = penalty.penalty(code.clone(), WHOLE);
    assert!(scalar(penalty.clone()).abs() < 1e-12);
    assert!(flat(&code, &penalty.backward()));
}

#[test]
fn activations_have_the_slopes_of_their_curves() {
    for (name, activation) in Activation::NAMES {
        if activation.pieces() > 1 {
            continue;
        }
        check(name, &LOGITS, |h| {
            // Not the sum alone: each slope meets another factor.
            activation.apply(h).square().sum()
        });
    }
}
