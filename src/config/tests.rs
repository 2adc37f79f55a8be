//! Configs as a whole: defaults, contradictions, remedies.

use super::*;
use crate::train::Adam;

fn deep() -> &'static str {
    StockConfig::named("deep").text
}

#[test]
fn the_lecture_is_the_default_and_names_its_numbers() {
    let config = Config::load(None, &[]).unwrap();
    assert_eq!(config.experiment.shape(), "784-128-32-128-784");
    let train = config.train.unwrap();
    assert_eq!((train.epochs, train.batch_size), (5, 32));
    let adam = Adam {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-7,
    };
    assert_eq!(train.optimizer, Optimizer::Adam(adam));
}

#[test]
fn a_resolved_config_reads_back_as_itself() {
    let autoencoder = [
        "data.path=/some where/\"x\"",
        "data.limit=7",
        "data.test_limit=3",
        "model.decoder=[32, 9, 784]",
        "backend=ndarray",
        "seed=7",
        "model.activation=leaky_relu",
        "model.code_activation=sigmoid",
        "objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
        "objective.corruption={ kind = 'salt_and_pepper', fraction = 0.1 }",
        "data.validation=2",
        "train.optimizer={ kind = 'adamw', weight_decay = 0.1 }",
        "train.schedule={ kind = 'step', every_epochs = 2 }",
        "train.early_stopping={ patience = 2 }",
        "train.warmup_steps=5",
        "train.clip_gradient_norm=1",
        "train.evaluate_training=true",
        "model.dropout=0.5",
    ];
    let variational = [
        "model={ kind = 'variational', encoder = [784, 30, 4], dropout = 0.1 }",
        "objective={ kl_weight = 2, corruption = { kind = 'masking' } }",
    ];
    let classifier = [
        "model={ kind = 'classifier', layers = [2, 9, 4], activation = 'tanh' }",
        "data={ classes = 4, points_per_class = 7, noise = 0, validation = 3 }",
        "objective={}",
    ];
    let slopes = [
        "model.activation={ kind = 'leaky_relu', slope = 0.01 }",
        "model.code_activation=leaky_relu",
        "model.output={ kind = 'leaky_relu', slope = 1 }",
        "objective.reconstruction=mse",
    ];
    let gelus = [
        "model.activation=gelu",
        "model.code_activation=gelu_tanh",
        "model.output=gelu",
        "objective.reconstruction=mse",
    ];
    let tied = ["model={ tied = true, encoder = [784, 30, 4] }"];
    let spirals = "[model]\nkind = \"classifier\"\nlayers = [2, 9, 3]\n";
    for (text, overrides) in [
        (deep(), &autoencoder[..]),
        (deep(), &tied),
        (deep(), &slopes),
        (deep(), &gelus),
        (deep(), &variational),
        (spirals, &classifier),
    ] {
        let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
        let config = Config::parse("written", text, &overrides).unwrap();
        let again = Config::parse("resolved", &config.to_toml(), &[]).unwrap();
        assert_eq!(again, config);
        assert_eq!(again.to_toml(), config.to_toml());
        // As that of a run, too.
        let again = Config::parse_of_run("resolved", &config.to_toml(), &[]).unwrap();
        assert_eq!(again, config);
    }
}

#[test]
fn a_word_replaces_a_table_and_a_kind_a_word() {
    let activation = |text: &str, overrides: &[&str]| {
        let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
        let config = Config::parse("written", text, &overrides).unwrap();
        match config.experiment {
            Experiment::Autoencoder { model, .. } => model.activation,
            other => panic!("{other:?}"),
        }
    };
    let table = "[model.activation]\nkind = \"leaky_relu\"\nslope = 0.3\n";
    let word = "[model]\nactivation = \"leaky_relu\"\n";
    let leaky = |slope| Activation::LeakyRelu { slope };
    assert_eq!(activation(table, &[]), leaky(0.3));
    assert_eq!(
        activation(table, &["model.activation=tanh"]),
        Activation::Tanh
    );
    assert_eq!(
        activation(table, &["model.activation.slope=0.2"]),
        leaky(0.2)
    );
    assert_eq!(activation(word, &[]), leaky(0.1));
    assert_eq!(
        activation(word, &["model.activation.slope=0.2"]),
        leaky(0.2)
    );
    assert_eq!(
        activation(word, &["model.activation.kind=elu"]),
        Activation::Elu
    );
    // In a study, methods are put on top of what they share.
    let study = "[model]\nactivation = { kind = \"leaky_relu\", slope = 0.3 }\n\
                 [method.a.model]\nactivation = \"tanh\"\n[method.b.model.activation]\nslope = 0.2\n";
    let study = Study::parse("written", study, &[]).unwrap();
    for (method, expected) in study.methods.iter().zip([Activation::Tanh, leaky(0.2)]) {
        match &method.points[0].configs[0].experiment {
            Experiment::Autoencoder { model, .. } => assert_eq!(model.activation, expected),
            other => panic!("{other:?}"),
        }
    }
}

/// What has no meaning for a kind of network is refused, not ignored.
#[test]
fn keys_of_other_kinds_are_refused_with_the_reason() {
    let problems = |overrides: &[&str]| -> Vec<String> {
        let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
        let problems = Config::parse("none", "", &overrides).unwrap_err();
        problems.iter().map(Problem::to_string).collect()
    };
    let every = |overrides: &[&str], parts: &[&str]| {
        let found = problems(overrides);
        assert_eq!(found.len(), parts.len(), "{found:?}");
        for (problem, part) in found.iter().zip(parts) {
            assert!(problem.contains(part), "{problem}");
        }
    };
    every(
        &[
            "model.layers=[2, 3]",
            "objective.kl_weight=1",
            "data.noise=0.1",
        ],
        &["needs data.dataset", "`model.encoder`", "\"variational\""],
    );
    every(
        &[
            "model.kind=variational",
            "model.tied=true",
            "model.output=relu",
            "objective.reconstruction=mse",
            "objective.sparsity={ kind = 'l1', reduction = 'batch_sum' }",
        ],
        &["means nothing", "\"sigmoid\"", "\"bce\"", "means nothing"],
    );
    every(
        &[
            "model.kind=classifier",
            "model.encoder=[784, 3]",
            "data.limit=5",
            "data.dataset=mnist",
            "objective.reconstruction=bce",
            "objective.corruption={ kind = 'masking' }",
        ],
        &[
            "\"spirals\"",
            "generated",
            "cross-entropy",
            "`model.layers`",
        ],
    );
    every(&["data.dataset=spirals"], &["points, not images"]);
    // What else is right depends on the kind that was meant.
    let meant = "did you mean \"variational\"?";
    every(
        &[
            "model.kind=varational",
            "model.layers=[2, 3]",
            "objective.kl_weight=1",
        ],
        &[meant],
    );
    every(
        &["model.kind=vae", "objective.kl_weight=1"],
        &["\"classifier\""],
    );
}

#[test]
fn tied_weights_dropout_and_points_have_their_conditions() {
    let refused = |overrides: &[&str], part: &str| {
        let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
        let error = Config::load(None, &overrides).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(&["model.tied=true", "model.decoder=[32, 784]"], "mirrors");
    refused(&["model.tied=true", "model.activation=maxout"], "maxout");
    refused(&["model.dropout=1"], "below 1");
    refused(&["model.dropout=-0.1"], "at least 0");
    refused(
        &["model.dropout=0.5", "model.encoder=[784, 32]"],
        "no hidden layer",
    );
    refused(&["train.evaluate_training=1"], "true or false");
    let classifier = |more: &[&str], part: &str| {
        let all = [
            &["model={ kind = 'classifier' }", "objective={}", "data={}"],
            more,
        ];
        refused(&all.concat(), part);
    };
    classifier(&["model.layers=[3, 9, 3]"], "begin with 2");
    classifier(&["model.layers=[2, 9, 4]"], "end with 3");
    classifier(&["data.classes=1"], "from 2 to 100");
    classifier(&["data.noise=-1"], "at least 0");
    classifier(&["data.validation=300"], "leaves none");
    classifier(&["data.points_per_class=4000000"], "more than");
}

#[test]
fn what_needs_something_else_says_so() {
    let refused = |overrides: &[&str], part: &str| {
        let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let error = Config::load(None, &overrides).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(
        &["train.early_stopping={ patience = 2 }"],
        "data.validation",
    );
    refused(
        &["train.early_stopping={ least_improvement = 1 }"],
        "data.validation",
    );
    refused(
        &["objective.sparsity={ kind = 'kullback_leibler' }"],
        "model.code_activation = \"sigmoid\"",
    );
    refused(
        &["objective.sparsity={ kind = 'l1', reduction = 'sum' }"],
        "batch_mean",
    );
    refused(
        &["objective.corruption={ kind = 'masking', fraction = 2 }"],
        "from 0 to 1",
    );
    refused(
        &["train.optimizer={ kind = 'sgd', beta_1 = 0.9 }"],
        "unknown key",
    );
    refused(&["model.encoder=[784, 4000000000]"], "smaller layers");
    refused(&["train.epochs=5000000000"], "whole number");
}

#[test]
fn contradictions_are_all_reported_at_once_with_their_remedies() {
    let text = "name = \" x\"\n[data]\ndataset = \"idx\"\nlimit = 5\nvalidation = 5\n\
                [model]\nencoder = [8, 4]\ndecoder = [3, 7]\noutput = \"linear\"\n\
                [objective]\nreconstruction = \"bce\"\n[train]\nepochs = 0\n\
                optimizer = { kind = \"adam\", learning_rate = -1, beta_1 = 1.0, epsilon = nan }\n\
                early_stopping = { patience = 0 }\nschedule = { last = 2 }\n\
                clip_gradient_norm = 0\n[objective.corruption]\nkind = \"gaussian\"\n\
                sigma = -0.1\n[objective.sparsity]\nkind = \"l1\"\n";
    let problems = Config::parse("a.toml", text, &[]).unwrap_err();
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.message.split('`').nth(1).unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "name",
            "data.dataset",
            "data.validation",
            "model.decoder",
            "model.decoder",
            "objective.reconstruction",
            "train.epochs",
            "train.optimizer.learning_rate",
            "train.optimizer.beta_1",
            "train.optimizer.epsilon",
            "train.early_stopping.patience",
            "train.schedule",
            "train.schedule.last",
            "train.clip_gradient_norm",
            "objective.corruption.sigma",
            "objective.sparsity",
        ]
    );
}

#[test]
fn a_name_may_say_anything_and_its_directory_is_safe() {
    let config = |name: &str| Config::load(None, &[format!("name={name:?}")]);
    let directory = |name| config(name).unwrap().directory_name();
    assert_eq!(directory("deep-2_b.1"), "deep-2_b.1");
    assert_eq!(directory("My digits, übung 3"), "My_digits___bung_3");
    assert_eq!(
        directory("<script>alert(1)</script>"),
        "_script_alert_1___script_"
    );
    assert_eq!(directory(".."), "_.");
    assert_eq!(directory("-v"), "_v");
    for bad in ["", " ", "two\nlines", "x ", "\u{1b}[2J"] {
        assert!(config(bad).is_err(), "{bad:?}");
    }
    assert!(config(&"x".repeat(101)).is_err());
}
