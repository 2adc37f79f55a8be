//! Several experiments in one file: methods that share what is written outside of them, and grids over keys.

use std::collections::HashSet;
use std::path::Path;

use toml::Value;

use super::settings::Settings;
use super::spelling::closest;
use super::{Config, ConfigError, Experiment, MOST_BYTES, Origin, Problem, read};
use crate::baselines;
use crate::files;

/// The comparison that `compare` makes when no file is named.
const COMPARISON: &str = include_str!("../../configs/comparisons/methods.toml");
const COMPARISON_NAME: &str = "configs/comparisons/methods.toml";

/// More runs than these are a mistake in a grid.
const MOST_RUNS: usize = 10_000;
/// Points of a grid with mistakes after which no more of them are looked for: most are the same at each point.
const MOST_FAILED: usize = 100;

/// Experiments that are run to be looked at together.
#[derive(Clone, Debug)]
pub struct Study {
    /// Heads what is shown of its runs.
    pub name: String,
    pub methods: Vec<Method>,
    /// The keys that its grid changes, in order.
    pub keys: Vec<String>,
}

/// Experiments that differ in the keys of the grid and in their seeds alone.
#[derive(Clone, Debug)]
pub struct Method {
    pub name: String,
    pub points: Vec<Point>,
}

/// A point of the grid: one experiment with one seed or more.
#[derive(Clone, Debug)]
pub struct Point {
    /// What the keys of the grid are here.
    pub values: Vec<Value>,
    /// By seed; each has a name of its own.
    pub configs: Vec<Config>,
}

impl Study {
    /// The name of the directory of its runs under `artifacts/`.
    pub fn directory_name(&self) -> String {
        read::directory_name(&self.name)
    }

    /// Reads a study, or the comparison of all methods, and applies `--set` overrides to it.
    ///
    /// # Errors
    /// The file cannot be read, or any of its settings is wrong; then all mistakes are listed.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        let (name, text) = match path {
            None => (COMPARISON_NAME.to_owned(), COMPARISON.to_owned()),
            Some(path) => {
                let text = files::read_text(path, MOST_BYTES)?;
                (path.display().to_string(), text)
            }
        };
        Self::parse(&name, &text, overrides).map_err(ConfigError::Problems)
    }

    /// Reads the text of a study; `file` names it in messages.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Self, Vec<Problem>> {
        let mut common = Settings::parse(file, text)?;
        read::version::modernise(&mut common, text, false);
        let written = common.names_in("method");
        for argument in overrides {
            common.set(argument);
        }
        let name = read::name(&mut common);
        let seeds = common.count("seeds", 1).unwrap_or(1);
        common.forget("seeds");
        let mut problems = Vec::new();
        let axes = axes(common.take("grid"), &mut problems);
        let mut methods: Vec<(String, Settings)> = common
            .names_in("method")
            .into_iter()
            .map(|name| {
                let own = common.take(&format!("method.{name}"));
                (name, own)
            })
            .collect();
        problems.extend(common.take_problems());
        problems.extend(unknown_methods(&methods, &written));
        if methods.is_empty() {
            methods.push((name.clone(), Settings::default()));
        }

        let runs = axes
            .iter()
            .fold(methods.len().saturating_mul(seeds), |runs, axis| {
                runs.saturating_mul(axis.values.len())
            });
        if runs > MOST_RUNS {
            let message = format!("the study asks for {runs} runs, more than {MOST_RUNS}");
            problems.push(Problem {
                origin: axes.first().map(|axis| axis.origin.clone()),
                message,
                hint: Some("give its grid fewer values".into()),
            });
            return Err(problems);
        }
        let mut study = Self {
            name,
            methods: Vec::new(),
            keys: axes.iter().map(|axis| axis.key.clone()).collect(),
        };
        for (name, own) in methods {
            let mut points = Vec::new();
            let mut failed = 0;
            for place in product(&axes) {
                if failed >= MOST_FAILED {
                    break;
                }
                let mut settings = common.clone();
                settings.overlay(&own);
                for (axis, value) in axes.iter().zip(&place) {
                    settings.put(&axis.key, value.clone(), &axis.origin);
                }
                let config = read::config(&mut settings);
                // TOML has no greater number.
                if config.seed.saturating_add(seeds as u64 - 1) > i64::MAX as u64 {
                    let why = format!("= {seeds} exceeds the largest seed, {}", i64::MAX);
                    settings.problem("seeds", why, Some("lower `seed`".into()));
                }
                match settings.finish() {
                    Ok(()) => points.push(point(&name, &axes, place, &config, seeds)),
                    Err(found) => {
                        problems.extend(found);
                        failed += 1;
                    }
                }
            }
            let method = Method { name, points };
            problems.extend(unusable_names(&method, &own, &axes));
            study.methods.push(method);
        }
        // What methods share is wrong for all of them at once.
        let mut known = HashSet::new();
        let is_new = |problem: &Problem| known.insert(problem.to_string());
        let mut once: Vec<Problem> = problems.into_iter().filter(is_new).collect();
        once.sort_by_key(|problem| Problem::order(problem.origin.as_ref()));
        match once.is_empty() {
            true => Ok(study),
            false => Err(once),
        }
    }

    /// All runs in order.
    pub fn configs(&self) -> impl Iterator<Item = &Config> {
        let points = self.methods.iter().flat_map(|method| &method.points);
        points.flat_map(|point| &point.configs)
    }
}

/// A key of the grid with the values that it takes.
struct Axis {
    key: String,
    values: Vec<Value>,
    origin: Origin,
}

fn axes(mut grid: Settings, problems: &mut Vec<Problem>) -> Vec<Axis> {
    let mut axes = Vec::new();
    for key in grid.keys() {
        let values = grid.read(&key, "a list of values in a grid", |value| {
            value.as_array().filter(|list| !list.is_empty()).cloned()
        });
        let origin = grid.place(&key).cloned();
        if let (Some(values), Some(origin)) = (values, origin) {
            axes.push(Axis {
                key,
                values,
                origin,
            });
        }
    }
    problems.extend(grid.take_problems());
    axes
}

/// All combinations of values, the last key changing fastest.
fn product(axes: &[Axis]) -> Vec<Vec<Value>> {
    axes.iter().fold(vec![Vec::new()], |places, axis| {
        let longer = |place: Vec<Value>| {
            axis.values.iter().map(move |value| {
                let mut longer = place.clone();
                longer.push(value.clone());
                longer
            })
        };
        places.into_iter().flat_map(longer).collect()
    })
}

/// Methods that an override speaks of and the file does not have.
fn unknown_methods(methods: &[(String, Settings)], written: &[String]) -> Vec<Problem> {
    let unknown = methods
        .iter()
        .filter(|(name, _)| !written.is_empty() && !written.contains(name));
    unknown
        .filter_map(|(name, own)| {
            let keys = own.keys();
            let origin = own.place(keys.first()?).cloned();
            let meant = closest(name, written.iter().map(String::as_str));
            Some(Problem {
                origin,
                message: format!("there is no method `{name}`"),
                hint: meant.map(|meant| format!("did you mean `method.{meant}`?")),
            })
        })
        .collect()
}

/// Runs that cannot be told apart by their names, or whose names are none for a directory.
fn unusable_names(method: &Method, own: &Settings, axes: &[Axis]) -> Vec<Problem> {
    let in_grid = axes.first().map(|axis| axis.origin.clone());
    let keys = own.keys();
    let in_method = keys.first().and_then(|key| own.place(key)).cloned();
    let mut known: HashSet<&str> = HashSet::new();
    let mut problems = Vec::new();
    let configs = method.points.iter().flat_map(|point| &point.configs);
    for name in configs.map(|config| config.name.as_str()) {
        if !read::is_plain_name(name) {
            problems.push(Problem {
                origin: in_method.clone().or(in_grid.clone()),
                message: format!("`{name}` cannot be the name of a run"),
                hint: Some(
                    "name methods with letters, digits, `.`, `_` and `-`, and give short values"
                        .into(),
                ),
            });
            break;
        }
        if !known.insert(name) {
            problems.push(Problem {
                origin: in_grid.clone(),
                message: format!("two runs would be called `{name}`"),
                hint: Some("give each value once, and such that their names differ".into()),
            });
            break;
        }
    }
    problems
}

/// One point of a method, with as many seeds as make a difference.
fn point(method: &str, axes: &[Axis], values: Vec<Value>, config: &Config, seeds: usize) -> Point {
    let mut name = method.to_owned();
    for (axis, value) in axes.iter().zip(&values) {
        let key = axis.key.rsplit('.').next().unwrap_or(&axis.key);
        name += &format!("-{key}-{}", plain(&shown(value)));
    }
    // Which images are held out depends on the seed, too.
    let is_random = match &config.experiment {
        experiment if experiment.validation() > 0 => true,
        Experiment::Baseline { model, .. } => model.kind == baselines::Kind::TopicModel,
        _ => true,
    };
    let seeds = if is_random { seeds } else { 1 };
    let configs = (0..seeds as u64)
        .map(|number| config.seed + number)
        .map(|seed| Config {
            name: format!("{name}-seed-{seed}"),
            seed,
            ..config.clone()
        })
        .collect();
    Point { values, configs }
}

/// A value as a person writes it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value as a part of a directory's name.
fn plain(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let parts = value.split(|c: char| !is_plain(c));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str, overrides: &[&str]) -> Vec<String> {
        let overrides: Vec<String> = overrides.iter().map(|each| (*each).to_owned()).collect();
        let problems = Study::parse("s.toml", text, &overrides).unwrap_err();
        problems.iter().map(Problem::to_string).collect()
    }

    const STUDY: &str = "name = \"s\"\nseeds = 2\nseed = 7\n[data]\nlimit = 100\n\n[grid]\nmodel.code_size = [2, 4]\n\n\
        [method.zeta]\nmodel.kind = \"pca\"\n\n[method.deep]\ntrain = { epochs = 1 }\n";

    #[test]
    fn methods_share_what_is_outside_and_keep_their_order() {
        let study = Study::parse("s.toml", STUDY, &["method.deep.train.epochs=3".into()]).unwrap();
        let names: Vec<_> = study.configs().map(|config| config.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "zeta-code_size-2-seed-7",
                "zeta-code_size-4-seed-7",
                "deep-code_size-2-seed-7",
                "deep-code_size-2-seed-8",
                "deep-code_size-4-seed-7",
                "deep-code_size-4-seed-8",
            ]
        );
        let last = study.configs().last().unwrap();
        assert_eq!(last.experiment.shape(), "784-128-4-128-784");
        assert_eq!(last.experiment.images().unwrap().limit, Some(100));
        assert_eq!(last.train.as_ref().unwrap().epochs, 3);
        assert_eq!(study.methods[1].points[0].values, [Value::Integer(2)]);
        assert_eq!(study.keys, ["model.code_size"]);
    }

    #[test]
    fn a_config_is_a_study_of_one_method() {
        let text = include_str!("../../configs/deep.toml");
        let study = Study::parse("deep.toml", text, &["grid.train.batch_size=[8,16]".into()]);
        let study = study.unwrap();
        let shapes = study.configs().map(|config| {
            let batch_size = config.train.as_ref().unwrap().batch_size;
            (config.name.clone(), batch_size)
        });
        let shapes: Vec<_> = shapes.collect();
        assert_eq!(shapes[0], ("deep-batch_size-8-seed-42".into(), 8));
        assert_eq!(shapes[1], ("deep-batch_size-16-seed-42".into(), 16));
    }

    #[test]
    fn every_run_of_a_study_is_named_so_that_its_config_can_be_read_again() {
        let text = format!("{STUDY}[grid.model]\nencoder = [[784, 64, 8], [784, 8]]\n")
            .replace("model.code_size = [2, 4]\n", "");
        let study = Study::parse("s.toml", &text, &[]).unwrap_err();
        // PCA has no hidden layer; told once, where the grid says it.
        assert_eq!(study.len(), 1, "{study:?}");
        let text = text.replace("[784, 64, 8], ", "");
        let study = Study::parse("s.toml", &text, &[]).unwrap();
        for config in study.configs() {
            let again = Config::parse("again.toml", &config.to_toml(), &[]).unwrap();
            assert_eq!(&again, config);
        }
    }

    #[test]
    fn mistakes_are_told_once_and_at_their_place() {
        let text = STUDY.replace("limit = 100", "limt = 100");
        assert_eq!(
            messages(&text, &[]),
            ["s.toml:5:1: unknown key `data.limt`\n  hint: did you mean `data.limit`?"]
        );
        let found = messages(STUDY, &["method.zeta.train.epochs=3", "grid.seed=5"]);
        assert_eq!(found.len(), 2, "{found:?}");
        let train = "--set method.zeta.train.epochs=3: `train` means nothing";
        assert!(found[1].contains(train), "{found:?}");
        assert!(found[0].contains("`seed` must be a list of values in a grid, found 5"));
        let found = messages(STUDY, &["grid.seed=[1, -2]"]);
        assert!(
            found[0].contains("`seed` must be a whole number"),
            "{found:?}"
        );
        let found = messages(STUDY, &["seeds=4000"]);
        assert!(found[0].contains("more than 10000"), "{found:?}");
        let found = messages("[method.\"a/x\"]\nmodel.kind = \"pca\"\n", &[]);
        assert!(found[0].starts_with("s.toml:2:"), "{found:?}");
        assert!(
            found[0].contains("`a/x-seed-42` cannot be the name"),
            "{found:?}"
        );
        let found = messages(STUDY, &["method.deap.train.epochs=3"]);
        assert!(found[0].contains("no method `deap`"), "{found:?}");
        assert!(
            found[0].contains("did you mean `method.deep`?"),
            "{found:?}"
        );
        let found = messages(STUDY, &["method.zeta=pca"]);
        assert!(
            found[0].contains("`method.zeta` must be a section"),
            "{found:?}"
        );
        let found = messages(STUDY, &["grid=[2, 4]"]);
        assert!(found[0].contains("`grid` must be a section"), "{found:?}");
    }

    #[test]
    fn runs_that_would_share_a_directory_are_refused() {
        let found = messages(STUDY, &["grid.model.code_size=[8, 8]"]);
        assert!(found[0].contains("two runs would be called"), "{found:?}");
        let signs = "grid.model.initial_bias.output=[-1, 1]";
        let text = include_str!("../../configs/deep.toml");
        let study = Study::parse("deep.toml", text, &[signs.into()]).unwrap();
        let names: Vec<_> = study.configs().map(|config| config.name.as_str()).collect();
        assert_eq!(names, ["deep-output--1-seed-42", "deep-output-1-seed-42"]);
    }
}
