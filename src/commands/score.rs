//! `score`: examples ranked by how badly they are reconstructed.

use std::fmt::Write as _;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::applied::{check_not_an_input, check_standard_output, each_piece};
use super::prepare::load_trained_on;
use super::{answer, answer_json, open_trained};
use crate::apply::Trained;
use crate::cli;
use crate::data::{NAME_COLUMN, STANDARD_INPUT};
use crate::error::Error;
use crate::evaluate::quantile;
use crate::files::{self, Pending};
use crate::report::text::{figure, table, thousands};
use crate::run_directory::RunError;

/// What is known of each example, in their order.
#[derive(Default)]
struct Scores {
    names: Vec<String>,
    classes: Vec<String>,
    errors: Vec<f64>,
}

pub fn run(arguments: &cli::Score) -> Result<(), Error> {
    if !(0.0..=1.0).contains(&arguments.quantile) {
        return Err(Error::Quantile(arguments.quantile));
    }
    if let Some(out) = &arguments.out {
        check_standard_output(out, arguments.json)?;
    }
    let trained = open_trained(&arguments.run)?;
    if let Some(out) = &arguments.out {
        check_not_an_input(out, &arguments.brought.input)?;
        if out != Path::new(STANDARD_INPUT) {
            // That it cannot be written is found out before the work.
            drop(Pending::begin(out)?);
        }
    }
    let (threshold, training) = match arguments.threshold {
        Some(threshold) => (threshold, None),
        None => {
            let errors =
                training_errors(&trained).map_err(|error| Error::NoThreshold(Box::new(error)))?;
            let threshold = quantile(&errors, arguments.quantile);
            let above = errors.iter().filter(|error| **error > threshold).count();
            (threshold, Some((above, errors.len())))
        }
    };
    let begun = Instant::now();
    let mut scores = Scores::default();
    let mut metric = "";
    let remarks = each_piece(&trained, &arguments.brought, "scoring", &mut |piece| {
        let found = trained.errors(&piece.examples)?;
        metric = found.metric;
        let first = scores.errors.len();
        scores.errors.extend(found.errors);
        match piece.names {
            Some(names) => scores.names.extend(names),
            None => scores
                .names
                .extend((first..scores.errors.len()).map(|number| number.to_string())),
        }
        // Inputs without classes beside others have none.
        let classes = piece.classes.unwrap_or_default();
        scores.classes.extend(classes);
        scores.classes.resize(scores.errors.len(), String::new());
        Ok(())
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let mut ranked: Vec<usize> = (0..scores.errors.len()).collect();
    ranked.sort_by(|&a, &b| scores.errors[b].total_cmp(&scores.errors[a]));
    if let Some(out) = &arguments.out {
        write(out, &scores, &ranked, threshold, metric)?;
        if out == Path::new(STANDARD_INPUT) {
            return Ok(());
        }
    }
    let anomalous = scores
        .errors
        .iter()
        .filter(|error| **error > threshold)
        .count();
    let greatest = &ranked[..arguments.count.min(ranked.len())];
    let (examples, per_second) = (scores.errors.len(), scores.errors.len() as f64 / seconds);
    if arguments.json {
        let example =
            |&index: &usize| json!({ "name": scores.names[index], "error": scores.errors[index] });
        return answer_json(&json!({
            "metric": metric,
            "threshold": threshold,
            "quantile": arguments.threshold.is_none().then_some(arguments.quantile),
            "training_examples": training.map(|(_, examples)| examples),
            "training_examples_above": training.map(|(above, _)| above),
            "examples": examples,
            "anomalous": anomalous,
            "greatest": greatest.iter().map(example).collect::<Vec<_>>(),
            "unreadable": remarks.unreadable,
            "unreadable_examples": remarks.unreadable.len(),
            "warnings": remarks.warnings,
            "seconds": seconds,
            "examples_per_second": per_second,
            "file": arguments.out,
        }));
    }
    let mut text = String::new();
    if let Some(out) = &arguments.out {
        let _ = writeln!(text, "{}", out.display());
    }
    let from = match training {
        None => "as given".into(),
        Some((above, examples)) => format!(
            "exceeded by {} of {} training examples ({:.2} %)",
            thousands(above as u64),
            thousands(examples as u64),
            100.0 * above as f64 / examples as f64
        ),
    };
    let _ = writeln!(
        text,
        "{} of {} examples are anomalous: {metric} above {}, {from}\n",
        thousands(anomalous as u64),
        thousands(examples as u64),
        figure(threshold)
    );
    let rows: Vec<[String; 3]> = greatest
        .iter()
        .map(|&index| {
            let class = scores.classes.get(index).cloned().unwrap_or_default();
            [
                figure(scores.errors[index]),
                scores.names[index].clone(),
                class,
            ]
        })
        .collect();
    text.push_str(&table(&rows));
    let _ = writeln!(
        text,
        "\nscored in {seconds:.2} s, {} examples a second",
        thousands(per_second.round() as u64)
    );
    answer(&text)
}

/// The errors of the examples that the network was trained on, as far as they are finite: those that were measured when
/// training ended, or, of a run of an earlier version, measured now on the data that its receipt names.
fn training_errors(trained: &Trained) -> Result<Vec<f64>, Error> {
    let errors = match trained.run.training_errors()? {
        Some(errors) => errors,
        None => measured(trained)?,
    };
    let errors: Vec<f64> = errors.into_iter().filter(|it| it.is_finite()).collect();
    match errors.is_empty() {
        true => Err(RunError::NoTrainingErrors(trained.run.path().to_owned()).into()),
        false => Ok(errors),
    }
}

/// Measures them. Overrides may say where the data are now, but not which of them were trained on.
fn measured(trained: &Trained) -> Result<Vec<f64>, Error> {
    let given = trained.config.experiment.images();
    let given = given.ok_or_else(|| trained.no_code())?;
    let mut config = trained.run.config(&[])?;
    config.experiment.move_data(given);
    let data = config.experiment.images();
    let data = data.ok_or_else(|| trained.no_code())?;
    let splits = load_trained_on(&trained.run, &config, data, trained.input_size)?;
    Ok(trained.errors(&splits.train)?.errors)
}

fn write(
    out: &Path,
    scores: &Scores,
    ranked: &[usize],
    threshold: f64,
    metric: &str,
) -> Result<(), Error> {
    let mut ranks = vec![0; ranked.len()];
    for (rank, &index) in ranked.iter().enumerate() {
        ranks[index] = rank + 1;
    }
    let has_classes = scores.classes.iter().any(|class| !class.is_empty());
    let write = |to: &mut dyn io::Write| -> csv::Result<()> {
        let mut writer = csv::Writer::from_writer(to);
        let class = has_classes.then_some("class");
        writer.write_record([NAME_COLUMN].into_iter().chain(class).chain([
            metric,
            "rank",
            "anomalous",
        ]))?;
        for (index, error) in scores.errors.iter().enumerate() {
            let fields = [
                error.to_string(),
                ranks[index].to_string(),
                u8::from(*error > threshold).to_string(),
            ];
            let class = has_classes.then(|| scores.classes[index].as_str());
            let fields = fields.iter().map(String::as_str);
            writer.write_record(
                [scores.names[index].as_str()]
                    .into_iter()
                    .chain(class)
                    .chain(fields),
            )?;
        }
        writer.flush()?;
        Ok(())
    };
    let at = |error: csv::Error| files::at(out)(error.into());
    if out == Path::new(STANDARD_INPUT) {
        return match write(&mut io::stdout().lock()).map_err(csv::Error::into_kind) {
            // A reader that has seen enough is no error.
            Err(csv::ErrorKind::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(csv::ErrorKind::Io(error)) => Err(files::at(out)(error).into()),
            _ => Ok(()),
        };
    }
    let mut pending = Pending::begin(out)?;
    write(&mut BufWriter::new(pending.file())).map_err(at)?;
    Ok(pending.commit()?)
}
