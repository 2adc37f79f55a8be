//! `gradcheck`: gradients by hand, by autodiff and by differences.

use std::fmt::Write as _;

use burn::tensor::{ExecutionError, Tensor};
use serde_json::{Value, json};

use super::answer;
use super::prepare::{Examples, Prepared, prepare};
use crate::backpropagation::{Autoencoder, Classifier, Formulas, Matrix, Variational};
use crate::batches::Pairs;
use crate::cli;
use crate::config::{Config, Experiment};
use crate::device::{self, OpenDevice};
use crate::error::Error;
use crate::gradcheck::{
    AUTODIFF_TOLERANCE, Check, DIFFERENCES_TOLERANCE, Findings, TensorFindings, Verdict, check,
};
use crate::model::DropoutMasks;
use crate::report::text::{figure, table};

/// What is checked when no config is named: every network of the lecture and every objective.
const CONFIGS: [(&str, &str); 6] = [
    ("configs/deep.toml", include_str!("../../configs/deep.toml")),
    (
        "configs/linear.toml",
        include_str!("../../configs/linear.toml"),
    ),
    (
        "configs/shallow.toml",
        include_str!("../../configs/shallow.toml"),
    ),
    (
        "configs/sparse.toml",
        include_str!("../../configs/sparse.toml"),
    ),
    (
        "configs/variational.toml",
        include_str!("../../configs/variational.toml"),
    ),
    (
        "configs/spirals.toml",
        include_str!("../../configs/spirals.toml"),
    ),
];

pub fn run(arguments: &cli::Gradcheck) -> Result<(), Error> {
    let mut configs = match &arguments.config {
        Some(path) => vec![Config::load(Some(path), &arguments.overrides)?],
        None => CONFIGS
            .iter()
            .map(|(name, text)| Config::parse(name, text, &[]))
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
        answer(&format!("{:#}\n", json!({ "networks": documents })))?;
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
    let prepared = prepare(config, opened, Examples::All)?;
    let experiment = &config.experiment;
    Ok(match (prepared, experiment) {
        (Prepared::Autoencoder(network, task), Experiment::Autoencoder { model, .. }) => {
            check(&settings, &task, network, examples, |(pairs, masks)| {
                let batch = batch(pairs, masks)?;
                Ok(Autoencoder::new(
                    model,
                    task.reconstruction,
                    task.sparsity,
                    batch,
                ))
            })?
        }
        (Prepared::Tied(network, task), Experiment::Autoencoder { model, .. }) => {
            check(&settings, &task, network, examples, |(pairs, masks)| {
                let batch = batch(pairs, masks)?;
                Ok(Autoencoder::new(
                    model,
                    task.reconstruction,
                    task.sparsity,
                    batch,
                ))
            })?
        }
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
        _ => unreachable!("an experiment prepares a network of its own kind"),
    })
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
    if let Some(found) = findings.first_wrong() {
        let _ = writeln!(text, "{}", diagnosis(found));
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
    }
}

/// Where it begins to go wrong, and how.
fn diagnosis(found: &TensorFindings) -> String {
    let factor = found.factor.map_or(String::new(), |factor| {
        format!(", {factor:.4} times what the other two agree on")
    });
    let what = match found.verdict {
        Verdict::FormulaWrong => format!("the formula {} is wrong{factor}", found.formula),
        Verdict::AutodiffWrong => format!("autodiff is wrong{factor}"),
        Verdict::DifferencesWrong => "the loss by hand is not the loss of its formulas".into(),
        Verdict::AllDiffer | Verdict::Agree => "no two of the three agree".into(),
    };
    format!("backwards it begins at {}: {what}", found.tensor)
}
