//! `compare`: methods side by side, measured alike.

mod document;
mod measure;
mod pictures;
mod table;
mod verdict;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::runs::{Outcome, Runner, open_study};
use super::{answer, answer_json, say};
use crate::cli;
use crate::config::{Config, Point, Study, shown};
use crate::data::Images;
use crate::error::Error;
use crate::evaluate::Spread;
use crate::files;
use crate::signals::Interruption;
use measure::Measurements;
use verdict::Verdict;

/// The figures of a method at one size of its code.
pub struct Compared {
    /// Its name, and behind it what the grid changes beside the size of the code.
    pub method: String,
    /// What the keys of the grid are.
    pub values: Map<String, Value>,
    pub kind: Role,
    pub code_size: usize,
    /// A run for each seed, the first of which is drawn.
    pub runs: Vec<PathBuf>,
    pub figures: Vec<Spread>,
}

/// What verdicts must know of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Images themselves, as a code that says everything.
    Pixels,
    Pca,
    ProbabilisticPca,
    Variational,
    Other,
}

impl Compared {
    /// The figure of a name.
    pub fn get(&self, name: &str) -> Option<&Spread> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

pub fn run(arguments: &cli::Compare, quiet: bool) -> Result<(), Error> {
    let (study, directory) = open_study(arguments.config.as_deref(), &arguments.study)?;
    let out = Outputs::in_directory(&directory);
    check_images(&study)?;
    let interruption = Interruption::watch()?;
    // One at a time and with all threads, since their times are compared.
    let runner = Runner {
        directory,
        jobs: Some(1),
        devices: Vec::new(),
        key: None,
        force: arguments.study.force,
        quiet,
    };
    let configs: Vec<&Config> = study.configs().collect();
    let outcomes = runner.run(&configs, &interruption)?;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let mut outcomes = outcomes.into_iter();
    let mut measurements = Measurements::default();
    let mut compared: Vec<Compared> = Vec::new();
    for method in &study.methods {
        for point in &method.points {
            let each: Vec<Outcome> = outcomes.by_ref().take(point.configs.len()).collect();
            let mut runs = Vec::new();
            let mut figures = Vec::new();
            for (config, outcome) in point.configs.iter().zip(each) {
                let Ok(summary) = outcome else { continue };
                if interruption.is_requested() {
                    return Err(Error::StudyInterrupted {
                        done: configs.len(),
                        all: configs.len(),
                    });
                }
                if !quiet {
                    say(&format!("measuring {}", config.name));
                }
                let path = runner.path(config);
                figures.push(measurements.measure(config, &path, &summary)?);
                runs.push(path);
            }
            if let Some(config) = point.configs.first().filter(|_| !runs.is_empty()) {
                let name = name(&method.name, &study.keys, point);
                let values = study.keys.iter().cloned().zip(point.values.iter());
                let values = values.map(|(key, value)| (key, json!(value))).collect();
                compared.push(measure::compared(name, values, config, runs, &figures));
            }
        }
    }
    if let Some(pixels) = measurements.pixels() {
        compared.insert(0, pixels);
    }
    let verdict = verdict::verdict(&compared);
    let mut drawn = Vec::new();
    for file in [&out.json, &out.reconstructions, &out.units] {
        files::unlink(file)?;
    }
    if failed < configs.len() {
        pictures::draw(&out, &study.name, &compared)?;
        drawn.extend([&out.reconstructions, &out.units]);
    }
    let document: Value = document::document(&study, &compared, &verdict);
    files::write(&out.json, format!("{document:#}\n").as_bytes())?;
    if arguments.json {
        answer_json(&document)?;
    } else {
        answer(&text(&compared, &verdict, &out, &drawn))?;
    }
    match failed {
        0 => Ok(()),
        failed => Err(Error::RunsFailed {
            failed,
            all: configs.len(),
        }),
    }
}

/// All methods must see the same images, or their figures are of different things.
fn check_images(study: &Study) -> Result<(), Error> {
    let mut first: Option<(&Config, &Images)> = None;
    for config in study.configs() {
        let images = config.experiment.images().ok_or(Error::NothingToCompare)?;
        let (known, same) = *first.get_or_insert((config, images));
        if same != images {
            return Err(Error::OtherImages {
                first: known.name.clone(),
                other: config.name.clone(),
            });
        }
    }
    Ok(())
}

/// A method at a point of the grid: the size of the code is told apart from its name.
fn name(method: &str, keys: &[String], point: &Point) -> String {
    const SIZES: [&str; 2] = ["model.code_size", "model.encoder"];
    let others = keys.iter().zip(&point.values);
    let others = others.filter(|(key, _)| !SIZES.contains(&key.as_str()));
    others.fold(method.to_owned(), |name, (key, value)| {
        let key = key.rsplit('.').next().unwrap_or(key);
        format!("{name}, {key} = {}", shown(value))
    })
}

fn text(compared: &[Compared], verdict: &Verdict, out: &Outputs, drawn: &[&PathBuf]) -> String {
    let mut text = table::text(compared);
    for part in [&verdict.sentences, &verdict.rules] {
        text.push('\n');
        for line in part {
            text += line;
            text.push('\n');
        }
    }
    text += "\nlook at\n";
    for path in drawn.iter().copied().chain([&out.json]) {
        text += &format!("  {}\n", path.display());
    }
    text
}

/// Where results go.
pub struct Outputs {
    pub json: PathBuf,
    pub reconstructions: PathBuf,
    pub units: PathBuf,
}

impl Outputs {
    fn in_directory(directory: &Path) -> Self {
        Self {
            json: directory.join("compare.json"),
            reconstructions: directory.join("compare.png"),
            units: directory.join("units.png"),
        }
    }
}
