//! `gradcheck`: gradients by hand, by autodiff and by differences.

use std::fmt::Write as _;

use burn::tensor::{ExecutionError, Tensor};
use serde_json::{Value, json};

use super::prepare::{Examples, Prepared, prepare};
use super::{answer, answer_json};
use crate::backpropagation::{Autoencoder, Classifier, Formulas, Matrix, Variational};
use crate::batches::Pairs;
use crate::cli;
use crate::config::{Config, Experiment, StockConfig};
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::gradcheck::{
    AUTODIFF_TOLERANCE, Check, DIFFERENCES_TOLERANCE, Findings, Verdict, check,
};
use crate::model::DropoutMasks;
use crate::model::autoencoder::Architecture;
use crate::report::text::{figure, table};
use crate::task::ReconstructionTask;

/// What is checked when no config is named: the lecture's networks and their objectives.
const CONFIGS: [&str; 6] = [
    "deep",
    "linear",
    "shallow",
    "sparse",
    "variational",
    "spirals",
];

pub fn run(arguments: &cli::Gradcheck) -> Result<(), Error> {
    let mut configs = match &arguments.config {
        Some(path) => vec![Config::load(Some(path), &arguments.overrides)?],
        None => CONFIGS
            .into_iter()
            .map(StockConfig::named)
            .map(|stock| Config::parse(stock.file, stock.text, &[]))
            .collect::<Result<_, _>>()
            .map_err(crate::config::ConfigError::Problems)?,
    };
    let examples = usize::from(arguments.examples);
    for config in &mut configs {
        config.backend = arguments.backend.unwrap_or(config.backend);
        config.experiment.take_only(examples);
    }
    let mut all = Vec::new();
    for config in configs {
        let opened = device::open(config.backend)?;
        let findings = findings(&config, &opened, arguments)?;
        if !arguments.json {
            answer(&text(&config, &opened, &findings))?;
        }
        all.push((config, opened, findings));
    }
    if arguments.json {
        let documents: Vec<_> = all.iter().map(document).collect();
        answer_json(&json!({ "networks": documents }))?;
    }
    let wrong = all.iter().filter(|(_, _, findings)| !findings.agree());
    match wrong.count() {
        0 => Ok(()),
        count => Err(Error::GradientsDiffer(count)),
    }
}

fn findings(
    config: &Config,
    opened: &OpenDevice,
    arguments: &cli::Gradcheck,
) -> Result<Findings, Error> {
    let settings = Check {
        seed: config.seed,
        coordinates: arguments.coordinates.into(),
        formulas: Formulas::LECTURE,
    };
    let examples = usize::from(arguments.examples);
    let prepared = prepare(config, opened, Examples::Known)?;
    let experiment = &config.experiment;
    Ok(match (prepared, experiment) {
        (Prepared::Autoencoder(network, task), Experiment::Autoencoder { model, .. }) => check(
            &settings,
            &task,
            network,
            examples,
            autoencoder(model, &task),
        )?,
        (Prepared::Tied(network, task), Experiment::Autoencoder { model, .. }) => check(
            &settings,
            &task,
            network,
            examples,
            autoencoder(model, &task),
        )?,
        (Prepared::Variational(network, task), Experiment::Variational { model, .. }) => {
            check(&settings, &task, network, examples, |read| {
                let batch = batch(&read.pairs, &read.masks)?;
                let epsilon = matrix(&read.epsilon)?;
                Ok(Variational::new(model, task.kl_weight, batch, epsilon))
            })?
        }
        (Prepared::Classifier(network, task), Experiment::Classifier { model, .. }) => {
            check(&settings, &task, network, examples, |read| {
                let classes = read.classes.clone().try_into_data()?;
                let classes = classes.iter::<i64>().map(|class| class as usize).collect();
                let masks = read.masks.factors().map(matrix).transpose()?;
                Ok(Classifier::new(
                    model,
                    matrix(&read.points)?,
                    classes,
                    masks,
                ))
            })?
        }
        (Prepared::Baseline(..), _) => return Err(Error::NotTrained),
        _ => unreachable!("an experiment prepares a network of its own kind"),
    })
}

/// Derives the loss of an autoencoder, tied or not, on a batch.
fn autoencoder(
    model: &Architecture,
    task: &ReconstructionTask,
) -> impl FnOnce(&(Pairs, DropoutMasks)) -> Result<Autoencoder, ExecutionError> {
    |(pairs, masks)| {
        let batch = batch(pairs, masks)?;
        Ok(Autoencoder::new(
            model,
            task.reconstruction,
            task.sparsity,
            batch,
        ))
    }
}

/// What a step sees, read back from the device.
fn batch(
    pairs: &Pairs,
    masks: &DropoutMasks,
) -> Result<(Matrix, Matrix, Option<Matrix>), ExecutionError> {
    let masks = masks.factors().map(matrix).transpose()?;
    Ok((matrix(&pairs.input)?, matrix(&pairs.target)?, masks))
}

fn matrix(tensor: &Tensor<2>) -> Result<Matrix, ExecutionError> {
    let [rows, columns] = tensor.dims();
    let values: Vec<f64> = tensor.clone().try_into_data()?.iter::<f64>().collect();
    Ok(Matrix::from_shape_vec((rows, columns), values).expect("a whole matrix"))
}

fn document((config, opened, findings): &(Config, OpenDevice, Findings)) -> Value {
    json!({
        "name": config.name,
        "shape": config.experiment.shape(),
        "error": config.experiment.error_metric(),
        "backend": opened.backend.name(),
        "agree": findings.agree(),
        "autodiff_tolerance": AUTODIFF_TOLERANCE,
        "central_tolerance": DIFFERENCES_TOLERANCE,
        "loss": findings.loss,
        "loss_difference": findings.loss_difference,
        "tensors": findings.tensors,
    })
}

fn text(config: &Config, opened: &OpenDevice, findings: &Findings) -> String {
    let mut text = format!(
        "{}, {}, {}: loss {}, {} off on the backend\n",
        config.title(),
        config.experiment.error_metric(),
        opened.backend.name(),
        figure(findings.loss),
        difference(findings.loss_difference),
    );
    let head = [
        "tensor",
        "autodiff",
        "differences",
        "checked",
        "at a kink",
        "verdict",
        "formula",
    ];
    let mut rows = vec![head.map(String::from)];
    for found in &findings.tensors {
        rows.push([
            found.tensor.clone(),
            difference(found.autodiff_difference),
            difference(found.central_difference),
            found.checked.to_string(),
            found.set_aside.to_string(),
            verdict(found.verdict).into(),
            found.formula.clone(),
        ]);
    }
    text.push_str(&table(&rows));
    let unseen = findings
        .tensors
        .iter()
        .filter(|found| found.central_resolution > DIFFERENCES_TOLERANCE);
    for found in unseen {
        let _ = writeln!(
            text,
            "{}: its gradients are so small beside the loss that differences resolve them only to {}",
            found.tensor,
            difference(found.central_resolution)
        );
    }
    if let Some(diagnosis) = diagnosis(findings) {
        let _ = writeln!(text, "{diagnosis}");
    }
    text.push('\n');
    text
}

fn difference(value: f64) -> String {
    format!("{value:.1e}")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agree => "agree",
        Verdict::FormulaWrong => "formula wrong",
        Verdict::AutodiffWrong => "autodiff wrong",
        Verdict::DifferencesWrong => "differences off",
        Verdict::AllDiffer => "all differ",
        Verdict::NotDifferentiable => "at a kink",
    }
}

/// Where it begins to go wrong, and how.
fn diagnosis(findings: &Findings) -> Option<String> {
    if !findings.losses_agree() {
        return Some(
            "the loss by hand and that of the backend differ, so their gradients have to".into(),
        );
    }
    let found = findings.first_wrong()?;
    let factor = found.factor.map_or(String::new(), |factor| {
        format!(", {factor:.4} times what the other two agree on")
    });
    let what = match found.verdict {
        Verdict::Agree | Verdict::NotDifferentiable => return None,
        Verdict::FormulaWrong => format!("the formula {} is wrong{factor}", found.formula),
        Verdict::AutodiffWrong => format!("autodiff is wrong{factor}"),
        Verdict::DifferencesWrong => "the differences alone are off".into(),
        Verdict::AllDiffer => "no two of the three agree".into(),
    };
    Some(format!("backwards it begins at {}: {what}", found.tensor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::TensorFindings;

    fn findings(verdicts: [Verdict; 2], loss_difference: f64) -> Findings {
        let tensors = verdicts
            .iter()
            .enumerate()
            .map(|(layer, verdict)| TensorFindings {
                tensor: format!("layer{layer}"),
                shape: [1, 1],
                formula: "∂L/∂b = Σ ∂L/∂f".into(),
                autodiff_difference: 0.0,
                central_difference: 0.0,
                central_resolution: 0.0,
                checked: 1,
                set_aside: 0,
                verdict: *verdict,
                factor: Some(-1.0),
            });
        Findings {
            loss: 1.0,
            loss_difference,
            tensors: tensors.collect(),
        }
    }

    #[test]
    fn the_diagnosis_names_the_last_layer_that_is_wrong_and_how() {
        use Verdict::{Agree, AllDiffer, AutodiffWrong, FormulaWrong};
        assert_eq!(diagnosis(&findings([Agree, Agree], 0.0)), None);
        let says = |verdicts, loss: f64, parts: &[&str]| {
            let text = diagnosis(&findings(verdicts, loss)).unwrap();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        };
        says(
            [AllDiffer, FormulaWrong],
            0.0,
            &["layer1", "Σ ∂L/∂f", "-1.0000 times"],
        );
        says(
            [AutodiffWrong, Agree],
            0.0,
            &["layer0", "autodiff is wrong"],
        );
        says([Agree, AllDiffer], 0.0, &["no two"]);
        says([Agree, Agree], 0.1, &["the loss by hand"]);
    }
}
