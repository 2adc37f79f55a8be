//! Every key, in every combination that is accepted: a resolved config reads back as itself.
//!
//! **A key that is added to `read/` needs a line in [`table`]**: the key, and the values that it may have. The test
//! fails without it. It also fails where a line's values are never accepted, alone or beside other keys.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use toml::{Table, Value};

use super::settings::Settings;
use super::{Config, Experiment, Origin, Problem, Study, read};

type Values = BoxedStrategy<Value>;
type Written = BTreeMap<&'static str, Value>;

/// All keys of a config, each with values that it may have: some of them in every context, others beside some keys only.
///
/// What one key refuses beside another need not be known here: a key that the reader complains of is left out and the
/// rest is tried again. [`choice`] asks the reader itself for the names that it knows.
fn table() -> Vec<(&'static str, Values)> {
    let mut table = vec![
        ("name", name()),
        ("seed", seed()),
        ("backend", choice("backend", &[])),
        ("model.kind", choice("model.kind", &[])),
        ("model.encoder", sizes(&[784, 30, 2], &[32, 4, 2])),
        ("model.decoder", sizes(&[32, 4, 2], &[784, 30])),
        ("model.code_size", whole(1..=8)),
        ("model.layers", sizes(&[2], &[3, 4])),
        ("model.iterations", whole(1..=1000)),
        ("model.tied", flag()),
        ("model.dropout", real(0.0, 0.99)),
        ("model.initial_bias.code", real(-3.0, 3.0)),
        ("model.initial_bias.output", real(-3.0, 3.0)),
        (
            "objective.reconstruction",
            choice("objective.reconstruction", &[]),
        ),
        ("objective.kl_weight", real(0.0, 10.0)),
    ];
    table.extend(activations());
    table.extend(data());
    table.extend(noise_and_sparsity());
    table.extend(training());
    table
}

/// The keys of the activations, each a word, or a kind with a slope.
fn activations() -> Vec<(&'static str, Values)> {
    let [hidden, code, output] =
        ["model.activation", "model.code_activation", "model.output"].map(|key| choice(key, &[]));
    let slope = || real(0.0, 1.0);
    vec![
        ("model.activation", hidden.clone()),
        ("model.activation.kind", hidden),
        ("model.activation.slope", slope()),
        ("model.code_activation", code.clone()),
        ("model.code_activation.kind", code),
        ("model.code_activation.slope", slope()),
        ("model.output", output.clone()),
        ("model.output.kind", output),
        ("model.output.slope", slope()),
    ]
}

/// The keys under `data`.
fn data() -> Vec<(&'static str, Values)> {
    vec![
        ("data.dataset", choice("data.dataset", &[])),
        ("data.path", text()),
        ("data.exclude_classes", classes()),
        ("data.limit", whole(1..=1000)),
        ("data.test_limit", whole(1..=1000)),
        ("data.validation", whole(0..=1200)),
        // User data.
        ("data.test_path", text()),
        ("data.test_fraction", real(0.01, 0.99)),
        ("data.strict", flag()),
        ("data.max_unreadable_fraction", real(0.0, 1.0)),
        ("data.memory_budget_mb", whole(1..=100_000)),
        // Images.
        ("data.resize", resize()),
        ("data.crop", flag()),
        ("data.grayscale", flag()),
        ("data.invert", flag()),
        ("data.background", background()),
        (
            "data.grey_weights",
            choice(
                "data.grey_weights",
                &["data={ dataset = \"images\", path = \"x\", grey_weights = \"?\" }"],
            ),
        ),
        ("data.validation_path", text()),
        // IDX files.
        ("data.transpose", flag()),
        // Arrays and tables.
        ("data.array", text()),
        ("data.labels", prop_oneof![text(), whole(1..=9)].boxed()),
        ("data.test_labels", text()),
        ("data.header", flag()),
        (
            "data.drop_columns",
            vec(prop_oneof![text(), whole(1..=9)], 1..4)
                .prop_map(Value::Array)
                .boxed(),
        ),
        (
            "data.encoding",
            words(&["utf-8", "UTF-16", "latin-1", "windows-1252"]),
        ),
        ("data.separator", words(&[",", ";", "|", "tab", "space"])),
        (
            "data.decimal",
            choice(
                "data.decimal",
                &["data={ dataset = \"csv\", path = \"x\", decimal = \"?\" }"],
            ),
        ),
        ("data.shape", shape()),
        ("data.range", range()),
        (
            "data.scale",
            choice(
                "data.scale",
                &["data={ dataset = \"csv\", path = \"x\", scale = \"?\" }"],
            ),
        ),
        // Generated points.
        ("data.classes", whole(2..=100)),
        ("data.points_per_class", whole(1..=1000)),
        ("data.test_points_per_class", whole(1..=1000)),
        ("data.noise", real(0.0, 2.0)),
    ]
}

/// The keys under `objective.sparsity` and `objective.corruption`.
fn noise_and_sparsity() -> Vec<(&'static str, Values)> {
    vec![
        (
            "objective.sparsity.kind",
            choice("objective.sparsity.kind", &[]),
        ),
        ("objective.sparsity.weight", real(0.0, 2.0)),
        (
            "objective.sparsity.reduction",
            choice(
                "objective.sparsity.reduction",
                &["objective.sparsity={ kind = \"l1\", reduction = \"?\" }"],
            ),
        ),
        ("objective.sparsity.target", real(0.01, 0.99)),
        (
            "objective.corruption.kind",
            choice("objective.corruption.kind", &[]),
        ),
        ("objective.corruption.sigma", real(0.0, 3.0)),
        ("objective.corruption.fraction", real(0.0, 1.0)),
    ]
}

/// The keys under `train`.
fn training() -> Vec<(&'static str, Values)> {
    vec![
        ("train.epochs", whole(1..=1000)),
        ("train.batch_size", whole(1..=5000)),
        ("train.shards", whole(1..=8)),
        ("train.warmup_steps", whole(0..=1000)),
        ("train.clip_gradient_norm", real(0.01, 100.0)),
        ("train.non_finite", choice("train.non_finite", &[])),
        ("train.evaluate_training", flag()),
        ("train.optimizer.kind", choice("train.optimizer.kind", &[])),
        ("train.optimizer.learning_rate", real(1e-9, 10.0)),
        ("train.optimizer.epsilon", real(1e-12, 1.0)),
        ("train.optimizer.beta_1", real(0.0, 0.99)),
        ("train.optimizer.beta_2", real(0.0, 0.9999)),
        ("train.optimizer.weight_decay", real(0.0, 0.9)),
        ("train.optimizer.momentum", real(0.0, 0.99)),
        ("train.optimizer.decay", real(0.0, 0.99)),
        ("train.schedule.kind", choice("train.schedule.kind", &[])),
        ("train.schedule.last", real(0.0, 1.0)),
        ("train.schedule.every_epochs", whole(1..=100)),
        ("train.schedule.factor", real(0.01, 2.0)),
        ("train.checkpoints.every_epochs", whole(0..=10)),
        ("train.checkpoints.every_steps", whole(0..=1000)),
        ("train.checkpoints.every_seconds", whole(0..=1000)),
        ("train.checkpoints.keep", whole(1..=10)),
        ("train.early_stopping.patience", whole(1..=10)),
        ("train.early_stopping.least_improvement", real(0.0, 1.0)),
    ]
}

/// The names that the reader accepts at a key, by its own account of them; `overrides` bring about that it is read at
/// all, with `?` in its place.
fn choice(key: &str, overrides: &[&str]) -> Values {
    let usual = format!("{key}=?");
    let overrides: Vec<String> = match overrides {
        [] => vec![usual],
        given => given.iter().map(|&text| text.to_owned()).collect(),
    };
    let problems = Config::parse("probe", "", &overrides).unwrap_err();
    let begin = format!("`{key}` must be one of ");
    let list = problems.iter().find_map(|problem| {
        let names = problem.message.strip_prefix(&begin)?;
        names.split_once(", found").map(|(names, _)| names)
    });
    let names = list.unwrap_or_else(|| panic!("{key}: {problems:?}"));
    let names = names.split(", ").map(|name| name.trim_matches('"').into());
    select(names.collect::<Vec<String>>())
        .prop_map(Value::String)
        .boxed()
}

fn flag() -> Values {
    any::<bool>().prop_map(Value::Boolean).boxed()
}

fn whole(range: std::ops::RangeInclusive<i64>) -> Values {
    range.prop_map(Value::Integer).boxed()
}

/// Numbers from `low` to `high`, whole ones as integers too, both ends often.
fn real(low: f64, high: f64) -> Values {
    let whole = (low.ceil() as i64)..=(high.floor() as i64);
    let any = prop_oneof![4 => low..high, 1 => Just(low), 1 => Just(high)].prop_map(Value::Float);
    match whole.is_empty() {
        true => any.boxed(),
        false => prop_oneof![3 => any, 1 => whole.prop_map(Value::Integer)].boxed(),
    }
}

fn seed() -> Values {
    prop_oneof![0..=i64::MAX, Just(0), Just(i64::MAX)]
        .prop_map(Value::Integer)
        .boxed()
}

/// Characters that are special somewhere: in TOML, in a shell, in a path, on a terminal.
fn odd() -> impl Strategy<Value = char> {
    let special = "\"'\\#=[]{}.,:/-_~$%&*? \t\r\n\0\u{1b}\u{7f}\u{85}\u{feff}\u{202e}é😀\u{10ffff}";
    prop_oneof![
        2 => proptest::char::range('a', 'z'),
        2 => select(special.chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ]
}

/// Paths and names of arrays and columns.
fn text() -> Values {
    vec(odd(), 0..12)
        .prop_map(|characters| Value::String(characters.into_iter().collect()))
        .boxed()
}

/// One of these words.
fn words(words: &[&'static str]) -> Values {
    let word = select(words.to_vec());
    word.prop_map(|word| Value::String(word.into())).boxed()
}

fn name() -> Values {
    vec(odd(), 1..100)
        .prop_map(|characters| {
            let name: String = characters.into_iter().filter(|c| !c.is_control()).collect();
            Value::String(name.trim().to_owned())
        })
        .boxed()
}

fn classes() -> Values {
    let class = prop_oneof![whole(0..=12), text()];
    vec(class, 0..3).prop_map(Value::Array).boxed()
}

fn integers(numbers: Vec<i64>) -> Value {
    Value::Array(numbers.into_iter().map(Value::Integer).collect())
}

/// Layers that begin and end with some of these.
fn sizes(first: &[i64], last: &[i64]) -> Values {
    let ends = (select(first.to_vec()), select(last.to_vec()));
    let hidden = prop_oneof![Just(vec![]), vec(1..=40_i64, 0..3)];
    (ends, hidden)
        .prop_map(|((first, last), hidden)| integers([vec![first], hidden, vec![last]].concat()))
        .boxed()
}

fn resize() -> Values {
    let side = 1..=8192_i64;
    let both =
        (side.clone(), side.clone()).prop_map(|(height, width)| integers(vec![height, width]));
    prop_oneof![side.prop_map(Value::Integer), both].boxed()
}

fn background() -> Values {
    let names = select(vec!["white", "black"]).prop_map(|name| Value::String(name.into()));
    let grey = (0..=255_i64).prop_map(Value::Integer);
    let colour = vec(0..=255_i64, 3).prop_map(integers);
    prop_oneof![names, grey, colour].boxed()
}

fn shape() -> Values {
    let channels = select(vec![None, Some(1), Some(3)]);
    let sizes = (1..=100_i64, 1..=100_i64, channels);
    sizes
        .prop_map(|(height, width, channels)| {
            integers([height, width].into_iter().chain(channels).collect())
        })
        .boxed()
}

fn range() -> Values {
    let numbers = (-1e9..1e9_f64, 1e-6..1e9_f64, any::<bool>());
    numbers
        .prop_map(|(low, width, are_whole)| match are_whole {
            true => integers(vec![low as i64, low as i64 + 1 + width as i64]),
            false => Value::Array(vec![Value::Float(low), Value::Float(low + 1.0 + width)]),
        })
        .boxed()
}

/// Keys with values, more often than not those that say what the others mean.
fn written() -> impl Strategy<Value = Written> {
    let entries = table().into_iter().map(|(key, values)| {
        let often =
            ["model.kind", "data.dataset", "data.path"].contains(&key) || key.ends_with(".kind");
        let probability = if often { 0.8 } else { 0.35 };
        weighted(probability, values.prop_map(move |value| (key, value)))
    });
    let entries: Vec<_> = entries.collect();
    entries.prop_map(|entries| entries.into_iter().flatten().collect())
}

/// What became of keys: the config, those that are left, and those that the reader asked for.
struct Accepted {
    config: Config,
    written: Written,
    asked: BTreeSet<String>,
}

/// The config of these keys but for those that the reader complains of.
fn accepted(mut written: Written) -> Option<Accepted> {
    loop {
        let mut settings = Settings::default();
        for (key, value) in &written {
            settings.put(key, value.clone(), &Origin::Override((*key).into()));
        }
        let config = read::config(&mut settings);
        let asked = settings.asked().clone();
        let Err(problems) = settings.finish() else {
            return Some(Accepted {
                config,
                written,
                asked,
            });
        };
        let before = written.len();
        for problem in &problems {
            leave_out(&mut written, problem);
        }
        if written.len() == before {
            return None;
        }
    }
}

/// Leaves out the key that a problem is about, or all keys of the section that it is about.
fn leave_out(written: &mut Written, problem: &Problem) {
    let key = problem.message.split('`').nth(1).unwrap_or_default();
    let section = match written.contains_key(key) || written.keys().any(|it| is_inside(it, key)) {
        true => key,
        // It is about a key that is missing beside others of its section.
        false => key.rsplit_once('.').map_or(key, |(section, _)| section),
    };
    written.retain(|it, _| *it != section && !is_inside(it, section));
}

fn is_inside(key: &str, section: &str) -> bool {
    key.strip_prefix(section)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn assert_reads_back(config: &Config) {
    let text = config.to_toml();
    let again = Config::parse("resolved", &text, &[])
        .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    assert_eq!(&again, config, "{text}");
    assert_eq!(again.to_toml(), text);
    let third = Config::parse("resolved", &again.to_toml(), &[]).expect("the same text");
    assert_eq!(&third, config, "{text}");
}

fn runner(cases: u32) -> TestRunner {
    let cases = Cases {
        cases,
        failure_persistence: None,
        ..Cases::default()
    };
    TestRunner::new_with_rng(cases, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The kind of network and of data.
fn combination(config: &Config) -> (String, String) {
    let table: Table = toml::from_str(&config.to_toml()).unwrap();
    let text = |section: &str, key: &str| table[section][key].as_str().unwrap().to_owned();
    let tied = match &config.experiment {
        Experiment::Autoencoder { model, .. } if model.tied => "tied ",
        _ => "",
    };
    (
        format!("{tied}{}", text("model", "kind")),
        text("data", "dataset"),
    )
}

#[test]
fn whatever_is_accepted_reads_back_as_itself() {
    let asked = RefCell::new(BTreeSet::new());
    let reached = RefCell::new(BTreeSet::new());
    let combinations = RefCell::new(BTreeSet::new());
    let choices = RefCell::new(BTreeMap::<&str, BTreeSet<String>>::new());
    let outcome = runner(4000).run(&written(), |written| {
        let given = written.clone();
        for (key, value) in &given {
            if let Some(name) = value.as_str().filter(|_| key.ends_with("kind")) {
                let mut choices = choices.borrow_mut();
                choices.entry(key).or_default().insert(name.to_owned());
            }
        }
        let Some(accepted) = accepted(written) else {
            return Err(TestCaseError::reject("a contradiction of several keys"));
        };
        asked.borrow_mut().extend(accepted.asked);
        for (key, value) in &accepted.written {
            reached.borrow_mut().insert((*key).to_owned());
            if let Some(name) = value.as_str().filter(|_| key.ends_with("kind")) {
                let mut choices = choices.borrow_mut();
                choices.entry(key).or_default().remove(name);
                choices
                    .entry(key)
                    .or_default()
                    .insert(format!("{name} accepted"));
            }
        }
        combinations
            .borrow_mut()
            .insert(combination(&accepted.config));
        assert_reads_back(&accepted.config);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let keys: BTreeSet<String> = table().into_iter().map(|(key, _)| key.into()).collect();
    assert_eq!(
        asked.into_inner(),
        keys,
        "keys that are read, and those of the table"
    );
    assert_eq!(
        reached.into_inner(),
        keys,
        "keys that were accepted, and those of the table"
    );
    for (key, names) in choices.into_inner() {
        for name in names.iter().filter(|name| !name.ends_with(" accepted")) {
            let known = names.contains(&format!("{name} accepted"));
            assert!(known, "{key} = {name:?} was never accepted");
        }
    }
    // Each of five kinds with each of five data sets, tied networks too, and the classifier.
    let combinations = combinations.into_inner();
    assert_eq!(combinations.len(), 31, "{combinations:?}");
}

/// A value at a dotted key. A word in the place of a section, such as that of an activation, makes room for it.
fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Table::new().into());
            if !inner.is_table() {
                *inner = Table::new().into();
            }
            put(inner.as_table_mut().expect("a section"), rest, value);
        }
    }
}

#[test]
fn every_config_of_a_study_reads_back_as_itself() {
    let (keys, values): (Vec<_>, Vec<_>) = table().into_iter().unzip();
    let axis = (0..keys.len()).prop_flat_map(move |place| {
        let values = vec(values[place].clone(), 1..4);
        (Just(keys[place]), values)
    });
    let studies = RefCell::new(0);
    let all = (written(), written(), axis, 1..4_i64);
    let outcome = runner(1500).run(&all, |(first, second, (key, values), seeds)| {
        let mut study = Table::new();
        put(&mut study, "name", Value::String("study".into()));
        put(&mut study, "seeds", Value::Integer(seeds));
        put(&mut study, &format!("grid.{key}"), Value::Array(values));
        for (method, written) in [("first", first), ("second", second)] {
            let Some(accepted) = accepted(written) else {
                return Err(TestCaseError::reject("a contradiction of several keys"));
            };
            for (key, value) in accepted.written {
                put(&mut study, &format!("method.{method}.{key}"), value);
            }
        }
        let text = toml::to_string(&study).unwrap();
        if let Ok(study) = Study::parse("study", &text, &[]) {
            *studies.borrow_mut() += 1;
            study.configs().for_each(assert_reads_back);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(studies.into_inner() > 100);
}

/// Runs that earlier versions wrote have keys without effect, always with the same value.
#[test]
fn keys_without_effect_open_as_earlier_versions_wrote_them() {
    let images = "name = \"x\"\n[data]\ndataset = \"images\"\npath = \"x\"\n";
    for (more, is_accepted) in [
        ("test_path = \"y\"\ntest_fraction = 0.1\n", true),
        ("test_path = \"y\"\ntest_fraction = 0.2\n", false),
        ("crop = true\n", true),
        ("crop = false\n", false),
        (
            "test_path = \"y\"\ntest_fraction = 0.1\ncrop = true\n",
            true,
        ),
        ("resize = 4\ncrop = false\n", true),
    ] {
        let read = Config::parse("old", &format!("{images}{more}"), &[]);
        assert_eq!(read.is_ok(), is_accepted, "{more}{read:?}");
        if let Ok(config) = read {
            assert_reads_back(&config);
        }
    }
}

/// The greatest seed that TOML can write has no next.
#[test]
fn a_study_has_no_seed_that_its_configs_cannot_say() {
    let text = format!("seed = {}\nseeds = 2\n", i64::MAX);
    let problems = Study::parse("study", &text, &[]).unwrap_err();
    assert!(problems[0].message.contains("`seeds`"), "{problems:?}");
}

/// Classes are written as text, which is longer than the numbers of a list that can just be read.
#[test]
fn a_config_that_a_run_could_not_read_again_is_refused() {
    let classes = |count: usize| {
        let classes = vec!["1"; count].join(",");
        Config::parse("x", &format!("data.exclude_classes = [{classes}]"), &[])
    };
    assert_reads_back(&classes(1000).unwrap());
    let problems = classes(400_000).unwrap_err();
    assert!(
        problems[0].message.contains("more than a run can hold"),
        "{problems:?}"
    );
}
