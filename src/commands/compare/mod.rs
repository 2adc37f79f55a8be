//! `compare`: methods side by side, measured alike.

mod document;
mod measure;
mod pictures;
mod table;
mod verdict;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::runs::{Outcome, Runner};
use super::{answer, answer_json, say};
use crate::cli;
use crate::config::{Config, Study};
use crate::error::Error;
use crate::evaluate::Spread;
use crate::files;
use crate::signals::Interruption;
use crate::workers;
use measure::Bench;
use verdict::Verdict;

/// The figures of a method at one size of its code.
pub struct Compared {
    pub method: String,
    pub kind: Kind,
    pub code_size: usize,
    /// A run for each seed, the first of which is drawn.
    pub runs: Vec<PathBuf>,
    pub figures: Vec<Spread>,
}

/// What verdicts must know of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    let study = Study::load(arguments.config.as_deref(), &overrides(arguments))?;
    let directory = match &arguments.out {
        Some(out) => out.clone(),
        None => Path::new("artifacts").join(&study.name),
    };
    let out = Outputs::check(&directory)?;
    if study
        .configs()
        .any(|config| config.experiment.images().is_none())
    {
        return Err(Error::NothingToCompare);
    }
    let interruption = Interruption::watch()?;
    // One at a time and with all threads, since their times are compared.
    let runner = Runner {
        directory,
        jobs: 1,
        threads: workers::threads(),
        force: arguments.force,
        quiet,
    };
    let configs: Vec<&Config> = study.configs().collect();
    let outcomes = runner.run(&configs, &interruption)?;
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let mut outcomes = outcomes.into_iter();
    let mut bench = Bench::default();
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
                figures.push(bench.measure(config, &path, &summary)?);
                runs.push(path);
            }
            if let Some(config) = point.configs.first().filter(|_| !runs.is_empty()) {
                compared.push(measure::compared(&method.name, config, runs, &figures));
            }
        }
    }
    if let Some(pixels) = bench.pixels() {
        compared.insert(0, pixels);
    }
    let verdict = verdict::verdict(&compared);
    let mut drawn = Vec::new();
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

fn overrides(arguments: &cli::Compare) -> Vec<String> {
    let mut overrides = arguments.overrides.clone();
    let backend = arguments
        .backend
        .map(|backend| format!("backend={}", backend.name()));
    overrides.extend(backend);
    overrides
}

/// Where results go.
pub struct Outputs {
    pub json: PathBuf,
    pub reconstructions: PathBuf,
    pub units: PathBuf,
}

impl Outputs {
    /// Those in a directory, which is made before the slow work.
    fn check(directory: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(directory).map_err(files::at(directory))?;
        Ok(Self {
            json: directory.join("compare.json"),
            reconstructions: directory.join("compare.png"),
            units: directory.join("units.png"),
        })
    }
}
