//! Gradients by hand, by autodiff and by differences, through the real binary.

mod faults;

use std::path::Path;

use serde_json::Value;

use crate::support::{self, refused, succeed, write_squares};

/// Promised of every network that agrees, whatever the program itself is content with.
const AUTODIFF_TOLERANCE: f64 = 1e-4;
const DIFFERENCES_TOLERANCE: f64 = 1e-6;

/// Runs `gradcheck --json` and demands that all agree, within the tolerances, at enough coordinates.
fn agree(arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["gradcheck", "--json"], arguments].concat();
    let document: Value = serde_json::from_str(&succeed(&arguments)).unwrap();
    let networks = document["networks"].as_array().unwrap().clone();
    for network in &networks {
        assert_eq!(network["agree"], true, "{arguments:?}");
        let number = |value: &Value| value.as_f64().unwrap();
        assert!(number(&network["loss_difference"]) <= 1e-5);
        for tensor in network["tensors"].as_array().unwrap() {
            assert!(
                number(&tensor["autodiff_difference"]) <= AUTODIFF_TOLERANCE,
                "{tensor}"
            );
            assert!(
                number(&tensor["central_difference"]) <= DIFFERENCES_TOLERANCE,
                "{tensor}"
            );
            let size = number(&tensor["shape"][0]) * number(&tensor["shape"][1]);
            let checked = number(&tensor["checked"]);
            let all = checked + number(&tensor["set_aside"]);
            assert_eq!(all, size.min(256.0), "{tensor}");
            assert!(checked >= 0.75 * size.min(256.0), "{tensor}");
        }
    }
    networks
}

#[test]
fn the_lectures_networks_agree_on_every_backend() {
    for opened in support::backends() {
        let networks = agree(&["--backend", opened.backend.name()]);
        let names: Vec<_> = networks.iter().map(|network| &network["name"]).collect();
        let expected = [
            "deep",
            "linear",
            "shallow",
            "sparse",
            "variational",
            "spirals",
        ];
        assert_eq!(names, expected);
        for tensor in networks[0]["tensors"].as_array().unwrap() {
            assert!(tensor["formula"].as_str().unwrap().contains("∂L/∂f"));
        }
    }
}

/// Everything that a config can ask for, on images of 12 × 12 pixels.
#[test]
fn every_objective_and_activation_agrees_on_every_backend() {
    let directory = tempfile::tempdir().unwrap();
    let data = write_squares(&directory.path().join("data"), 40, 20);
    let data = format!("--set=data.path={}", data.display());
    let images = [data.as_str(), "--set=data.dataset=idx"];
    let small = [
        "--config=configs/deep.toml",
        "--set=model.encoder=[144, 12, 6]",
    ];
    let variational = [
        "--config=configs/variational.toml",
        "--set=model.encoder=[144, 12, 6]",
        "--set=objective.kl_weight=0.5",
        "--set=model.dropout=0.3",
        "--set=objective.corruption={ kind = 'masking' }",
    ];
    let spirals = [
        "--config=configs/spirals.toml",
        "--set=model.layers=[2, 9, 7, 3]",
        "--set=model.activation=maxout",
        "--set=model.dropout=0.2",
    ];
    let l1 = |reduction| {
        format!(
            "--set=objective.sparsity={{ kind = 'l1', weight = 0.1, reduction = '{reduction}' }}"
        )
    };
    let (sum, mean) = (l1("batch_sum"), l1("batch_mean"));
    let autoencoders: [&[&str]; 11] = [
        &[
            "--set=model.activation=tanh",
            "--set=model.output=tanh",
            "--set=objective.reconstruction=mse",
        ],
        &[
            "--set=model.activation=sigmoid",
            "--set=model.code_activation=linear",
            &sum,
        ],
        &[
            "--set=model.activation=leaky_relu",
            "--set=model.output=relu",
            "--set=objective.reconstruction=squared_error",
        ],
        &[
            "--set=model.activation=elu",
            &mean,
            "--set=objective.corruption={ kind = 'gaussian' }",
        ],
        &[
            "--set=model.activation=maxout",
            "--set=model.output=maxout",
            "--set=objective.reconstruction=mse",
        ],
        &["--set=model.activation=gelu", "--set=model.dropout=0.4"],
        &[
            "--set=model.activation=gelu_tanh",
            "--set=model.code_activation=gelu",
            "--set=model.output=gelu",
            "--set=objective.reconstruction=mse",
        ],
        &["--set=model.activation={ kind = \"leaky_relu\", slope = 0.3 }"],
        &["--set=model.activation=silu", "--set=model.tied=true", &sum],
        &[
            "--set=model.tied=true",
            "--set=model.dropout=0.3",
            "--set=model.output=linear",
            "--set=objective.reconstruction=squared_error",
        ],
        &[
            "--set=model.code_activation=sigmoid",
            "--set=objective.sparsity={ kind = 'kullback_leibler', weight = 0.3 }",
        ],
    ];
    for opened in support::backends() {
        let backend = ["--backend", opened.backend.name()];
        for more in autoencoders {
            agree(&[&small, more, &images, &backend].concat());
        }
        agree(&[&variational, &images[..], &backend].concat());
        agree(&[&spirals[..], &backend].concat());
    }
}

#[test]
fn what_cannot_be_checked_is_refused() {
    refused(&["gradcheck", "--set", "seed=1"], &["--config"]);
    refused(&["gradcheck", "--examples", "0"], &["1..=1000"]);
    let missing = Path::new("configs/none.toml").display().to_string();
    refused(&["gradcheck", "--config", &missing], &["none.toml"]);
    // A deep network of sigmoids has gradients that are tiny beside the loss, and all are right.
    let sigmoids = [
        "--config",
        "configs/deep.toml",
        "--set=model.activation=sigmoid",
    ];
    let encoder = "--set=model.encoder=[784, 64, 48, 32, 16, 8]";
    succeed(&[&["gradcheck"], &sigmoids[..], &[encoder]].concat());
    // Fewer points than asked for are all used.
    let few = "--set=data.points_per_class=2";
    agree(&["--config", "configs/spirals.toml", few, "--examples", "50"]);
}
