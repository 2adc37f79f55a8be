//! Faults planted one at a time, each of which is caught and named.

use burn::tensor::Tensor;
use hourglass::backpropagation::{self, Formulas, Matrix};
use hourglass::data::{ImageSet, Spirals};
use hourglass::gradcheck::{Check, Findings, Verdict, check};
use hourglass::model::{Activation, Autoencoder, Classifier, Variational, classifier, variational};
use hourglass::objective::{Reconstruction, Reduction, Sparsity};
use hourglass::task::{ClassificationTask, ReconstructionTask, VariationalTask};

use crate::support;

/// Examples in the batch of the planted faults.
const EXAMPLES: usize = 5;
const PIXELS: usize = 12;
const L1: Sparsity = Sparsity::L1 {
    weight: 0.1,
    reduction: Reduction::BatchSum,
};

fn images() -> ImageSet {
    let pixels = (0..EXAMPLES * PIXELS).map(|i| (i * 37 % 256) as u8);
    ImageSet::new(3, 4, pixels.collect(), None)
}

fn matrix(tensor: &Tensor<2>) -> Matrix {
    let [rows, columns] = tensor.dims();
    let values = tensor.clone().into_data().iter::<f64>().collect();
    Matrix::from_shape_vec((rows, columns), values).unwrap()
}

/// Checks a sparse 12-12-12-12-12 network, square so that a missing transpose changes no shape and only
/// the numbers can show it, with `formulas` by hand and `sparsity` in the loss that autodiff sees.
fn findings(formulas: Formulas, sparsity: Sparsity) -> Findings {
    let opened = &support::backends()[0];
    let architecture = support::architecture(&[PIXELS; 3]);
    let reconstruction = Reconstruction::BinaryCrossEntropy;
    let task = ReconstructionTask {
        images: support::image_examples(&images(), &opened.device),
        reconstruction,
        sparsity: Some(sparsity),
    };
    let settings = Check {
        seed: 1,
        coordinates: 256,
        formulas,
    };
    let network = Autoencoder::new(&architecture, 1, &opened.device);
    check(&settings, &task, network, EXAMPLES, |(pairs, _)| {
        let batch = (matrix(&pairs.input), matrix(&pairs.target), None);
        Ok(backpropagation::Autoencoder::new(
            &architecture,
            reconstruction,
            Some(L1),
            batch,
        ))
    })
    .unwrap()
}

/// The tensor at which backpropagation goes wrong first, who is wrong there, and the factor.
fn first_wrong(findings: &Findings) -> (&str, Verdict, Option<f64>) {
    let found = findings.first_wrong().expect("a fault");
    (
        &found.tensor,
        found.verdict,
        found.factor.map(|factor| (factor * 1e3).round() / 1e3),
    )
}

#[test]
fn nothing_is_found_where_nothing_is_planted() {
    let findings = findings(Formulas::LECTURE, L1);
    assert!(
        findings.agree() && findings.first_wrong().is_none(),
        "{findings:?}"
    );
}

#[test]
fn a_wrong_sign_is_caught() {
    let wrong = Formulas {
        weight: |h, d_f| -(Formulas::LECTURE.weight)(h, d_f),
        ..Formulas::LECTURE
    };
    let findings = findings(wrong, L1);
    assert_eq!(
        first_wrong(&findings),
        ("decoder.layers.1.weight", Verdict::FormulaWrong, Some(-1.0))
    );
    assert!(findings.first_wrong().unwrap().formula.contains("hᵀ ∂L/∂f"));
    // The biases are as right as before.
    let biases = findings
        .tensors
        .iter()
        .filter(|found| found.tensor.ends_with("bias"));
    assert!(
        biases
            .map(|found| found.verdict)
            .all(|verdict| verdict == Verdict::Agree)
    );
}

#[test]
fn a_missing_transpose_is_caught() {
    let wrong = Formulas {
        input: |weight, d_f| d_f.dot(weight),
        ..Formulas::LECTURE
    };
    let findings = findings(wrong, L1);
    assert_eq!(
        first_wrong(&findings),
        ("decoder.layers.0.bias", Verdict::FormulaWrong, None)
    );
}

#[test]
fn a_missing_mask_is_caught() {
    let wrong = Formulas {
        activation: |_, _, d_h| d_h.clone(),
        ..Formulas::LECTURE
    };
    let findings = findings(wrong, L1);
    assert_eq!(
        first_wrong(&findings),
        ("decoder.layers.0.bias", Verdict::FormulaWrong, None)
    );
    assert!(findings.first_wrong().unwrap().formula.contains("1(f > 0)"));
}

#[test]
fn a_wrong_mean_is_caught_with_its_factor() {
    let wrong = Formulas {
        reconstruction: |kind, output, f, x| {
            f.nrows() as f64 * (Formulas::LECTURE.reconstruction)(kind, output, f, x)
        },
        ..Formulas::LECTURE
    };
    let findings = findings(wrong, L1);
    let factor = Some(EXAMPLES as f64);
    assert_eq!(
        first_wrong(&findings),
        ("decoder.layers.1.bias", Verdict::FormulaWrong, factor)
    );
    assert!(findings.first_wrong().unwrap().formula.contains("/ (n d)"));
}

/// Checks a 2-5-3 classifier of spirals with `formulas` by hand.
fn findings_of_a_classifier(formulas: Formulas) -> Findings {
    let opened = &support::backends()[0];
    let architecture = classifier::Architecture {
        layers: vec![2, 5, 3],
        activation: Activation::Tanh,
        dropout: 0.0,
    };
    let spirals = Spirals {
        classes: 3,
        points_per_class: 10,
        test_points_per_class: 10,
        noise: 0.2,
    };
    let task = ClassificationTask {
        points: spirals.generate(0, 1),
        devices: vec![opened.device.clone()],
        dropout: None,
    };
    let settings = Check {
        seed: 1,
        coordinates: 256,
        formulas,
    };
    let network = Classifier::new(&architecture, 1, &opened.device);
    check(&settings, &task, network, 9, |batch| {
        let classes = batch.classes.clone().into_data();
        let classes = classes.iter::<i64>().map(|class| class as usize).collect();
        Ok(backpropagation::Classifier::new(
            &architecture,
            matrix(&batch.points),
            classes,
            None,
        ))
    })
    .unwrap()
}

#[test]
fn a_forgotten_class_and_a_forgotten_bias_are_caught() {
    assert!(findings_of_a_classifier(Formulas::LECTURE).agree());
    // p instead of p − 1(y = k).
    let wrong = Formulas {
        softmax: |f, classes| {
            let mut d_f = (Formulas::LECTURE.softmax)(f, classes);
            for (row, &class) in classes.iter().enumerate() {
                d_f[[row, class]] += 1.0 / f.nrows() as f64;
            }
            d_f
        },
        ..Formulas::LECTURE
    };
    let findings = findings_of_a_classifier(wrong);
    assert_eq!(
        first_wrong(&findings),
        ("stack.layers.1.bias", Verdict::FormulaWrong, None)
    );
    // The mean over the examples instead of the sum.
    let wrong = Formulas {
        bias: |d_f| (Formulas::LECTURE.bias)(d_f) / d_f.nrows() as f64,
        ..Formulas::LECTURE
    };
    let findings = findings_of_a_classifier(wrong);
    let (tensor, verdict, factor) = first_wrong(&findings);
    assert_eq!(
        (tensor, verdict, factor),
        ("stack.layers.1.bias", Verdict::FormulaWrong, Some(0.111))
    );
}

#[test]
fn a_divergence_with_the_wrong_sign_is_caught() {
    let opened = &support::backends()[0];
    let architecture = variational::Architecture {
        encoder: vec![PIXELS, 6, 3],
        decoder: vec![3, 6, PIXELS],
        activation: Activation::Tanh,
        dropout: 0.0,
    };
    let findings = |formulas| {
        let task = VariationalTask {
            images: support::image_examples(&images(), &opened.device),
            code_size: 3,
            kl_weight: 1.0,
        };
        let settings = Check {
            seed: 1,
            coordinates: 256,
            formulas,
        };
        let network = Variational::new(&architecture, 1, &opened.device);
        check(&settings, &task, network, EXAMPLES, |read| {
            let batch = (matrix(&read.pairs.input), matrix(&read.pairs.target), None);
            let epsilon = matrix(&read.epsilon);
            Ok(backpropagation::Variational::new(
                &architecture,
                1.0,
                batch,
                epsilon,
            ))
        })
        .unwrap()
    };
    assert!(findings(Formulas::LECTURE).agree());
    let wrong = Formulas {
        divergence: |mu, log_var| {
            let (d_mu, d_log_var) = (Formulas::LECTURE.divergence)(mu, log_var);
            (d_mu, -d_log_var)
        },
        ..Formulas::LECTURE
    };
    // The decoder does not see the divergence; the encoder's last layer does.
    let findings = findings(wrong);
    assert_eq!(
        first_wrong(&findings),
        ("encoder.layers.1.bias", Verdict::FormulaWrong, None)
    );
    assert!(
        findings
            .first_wrong()
            .unwrap()
            .formula
            .contains("½ (σ² − 1)")
    );
}

#[test]
fn a_penalty_with_the_wrong_reduction_is_caught_by_hand_and_in_autodiff() {
    let wrong = Formulas {
        sparsity: |sparsity, code| {
            (Formulas::LECTURE.sparsity)(sparsity, code) / code.nrows() as f64
        },
        ..Formulas::LECTURE
    };
    // Where the penalty acts first, backwards: at the code.
    let (tensor, verdict, _) = {
        let findings = findings(wrong, L1);
        let (tensor, verdict, factor) = first_wrong(&findings);
        (tensor.to_owned(), verdict, factor)
    };
    assert_eq!(
        (tensor.as_str(), verdict),
        ("encoder.layers.1.bias", Verdict::FormulaWrong)
    );

    let mean = Sparsity::L1 {
        weight: 0.1,
        reduction: Reduction::BatchMean,
    };
    let findings = findings(Formulas::LECTURE, mean);
    let (tensor, verdict, _) = first_wrong(&findings);
    assert_eq!(
        (tensor, verdict),
        ("encoder.layers.1.bias", Verdict::AutodiffWrong)
    );
    assert!(findings.loss_difference > 1e-3 && !findings.agree());
}
