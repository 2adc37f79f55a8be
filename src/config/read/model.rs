//! The keys under `model`.

use crate::baselines;
use crate::config::Points;
use crate::config::settings::Settings;
use crate::model::autoencoder::{self, InitialBias};
use crate::model::{Activation, classifier, variational};

/// Weights of 4 GiB, and Adam's state twice as much again.
const MOST_PARAMETERS: u128 = 1 << 30;

/// Reads an autoencoder.
pub fn autoencoder(settings: &mut Settings) -> autoencoder::Architecture {
    refuse_layers(settings);
    let (encoder, decoder) = encoder_and_decoder(settings, &[784, 128, 32]);
    let hidden = activation(settings, "model.activation", Activation::Relu);
    let architecture = autoencoder::Architecture {
        tied: settings.flag("model.tied").unwrap_or(false),
        activation: hidden,
        code_activation: activation(settings, "model.code_activation", hidden),
        output: activation(settings, "model.output", Activation::Sigmoid),
        dropout: dropout(settings),
        initial_bias: InitialBias {
            code: bias(settings, "code"),
            output: bias(settings, "output"),
        },
        encoder,
        decoder,
    };
    check_tied(settings, &architecture);
    check_dropout(settings, architecture.dropout, architecture.hidden_units());
    architecture
}

/// Reads a variational autoencoder.
pub fn variational(settings: &mut Settings) -> variational::Architecture {
    refuse_layers(settings);
    for key in ["model.tied", "model.code_activation", "model.initial_bias"] {
        settings.refuse(key, "means nothing to a variational autoencoder");
    }
    // Pixels are probabilities here, so this may be said but not changed.
    settings.choice("model.output", &[("sigmoid", ())]);
    let (encoder, decoder) = encoder_and_decoder(settings, &[784, 400, 20]);
    let architecture = variational::Architecture {
        activation: activation(settings, "model.activation", Activation::Relu),
        dropout: dropout(settings),
        encoder,
        decoder,
    };
    check_dropout(settings, architecture.dropout, architecture.hidden_units());
    architecture
}

/// Reads a classifier of points.
pub fn classifier(settings: &mut Settings, points: &Points) -> classifier::Architecture {
    let keys = [
        "encoder",
        "decoder",
        "code_size",
        "iterations",
        "tied",
        "code_activation",
        "output",
        "initial_bias",
    ];
    for key in keys {
        settings.refuse(
            &format!("model.{key}"),
            "means nothing to a classifier, whose sizes are `model.layers`",
        );
    }
    let classes = points.spirals.classes;
    let layers = settings
        .sizes("model.layers")
        .unwrap_or_else(|| vec![2, 100, classes]);
    if layers.first() != Some(&2) {
        settings.problem(
            "model.layers",
            format!(
                "must begin with 2, the coordinates of a point, not with {}",
                layers[0]
            ),
            None,
        );
    }
    if let Some(&last) = layers.last().filter(|&&last| last != classes) {
        settings.problem(
            "model.layers",
            format!("must end with {classes}, the number of classes, not with {last}"),
            Some("change it, or data.classes".into()),
        );
    }
    check_size(settings, "model.layers", parameters(&layers));
    let architecture = classifier::Architecture {
        activation: activation(settings, "model.activation", Activation::Relu),
        dropout: dropout(settings),
        layers,
    };
    check_dropout(settings, architecture.dropout, architecture.hidden_units());
    architecture
}

/// Reads a baseline.
pub fn baseline(settings: &mut Settings, kind: baselines::Kind) -> baselines::Architecture {
    refuse_layers(settings);
    let keys = [
        "decoder",
        "tied",
        "activation",
        "code_activation",
        "output",
        "dropout",
        "initial_bias",
    ];
    for key in keys {
        settings.refuse(
            &format!("model.{key}"),
            "means nothing to a baseline, which has no layers between pixels and code",
        );
    }
    let mut iterations = None;
    match kind {
        baselines::Kind::TopicModel => iterations = settings.count("model.iterations", 1),
        _ => settings.refuse("model.iterations", "needs model.kind = \"topic_model\""),
    }
    let sizes = encoder(settings, &[784, 32]);
    let encoder = match sizes[..] {
        [pixels, code] => [pixels, code],
        _ => {
            settings.problem(
                "model.encoder",
                format!("must be the pixels and the code size of a baseline, found {sizes:?}"),
                Some("write model.encoder = [784, 32]".into()),
            );
            [784, 32]
        }
    };
    let [pixels, code] = encoder;
    if code > pixels || (code == pixels && kind == baselines::Kind::ProbabilisticPca) {
        settings.problem(
            "model.encoder",
            format!(
                "has a code of {code} numbers for {pixels} pixels, which leaves nothing to model"
            ),
            Some("take a smaller code".into()),
        );
    }
    check_size(
        settings,
        "model.encoder",
        (pixels as u128 + 1) * code as u128,
    );
    baselines::Architecture {
        kind,
        encoder,
        iterations,
    }
}

fn refuse_layers(settings: &mut Settings) {
    let why = "needs model.kind = \"classifier\"; an autoencoder has `model.encoder`";
    settings.refuse("model.layers", why);
}

/// An activation: a name, or a table of a kind and, for a leaky ReLU, a slope.
fn activation(settings: &mut Settings, key: &str, default: Activation) -> Activation {
    let (kind, slope) = (format!("{key}.kind"), format!("{key}.slope"));
    // A kind is set on top of a name by --set, and is then what counts.
    let name = settings.choice(key, &Activation::NAMES);
    let chosen = settings.choice(&kind, &Activation::NAMES).or(name);
    let activation = chosen.unwrap_or(default);
    let Some(default_slope) = activation.leaky_slope() else {
        let what = activation.name();
        settings.refuse(
            &slope,
            &format!("means nothing to \"{what}\"; only \"leaky_relu\" has a slope"),
        );
        return activation;
    };
    let from_0_to_1 = |slope: f64| (0.0..=1.0).contains(&slope);
    let given = settings.number(&slope, "a number from 0 to 1", from_0_to_1);
    Activation::LeakyRelu {
        slope: given.unwrap_or(default_slope),
    }
}

fn bias(settings: &mut Settings, layer: &str) -> f64 {
    let key = format!("model.initial_bias.{layer}");
    settings.number(&key, "a number", |_| true).unwrap_or(0.0)
}

fn dropout(settings: &mut Settings) -> f64 {
    let expected = "a number of at least 0 and below 1";
    settings
        .number("model.dropout", expected, |x| (0.0..1.0).contains(&x))
        .unwrap_or(0.0)
}

fn encoder_and_decoder(settings: &mut Settings, default: &[usize]) -> (Vec<usize>, Vec<usize>) {
    settings.refuse("model.iterations", "needs model.kind = \"topic_model\"");
    let encoder = encoder(settings, default);
    let mirrored: Vec<usize> = encoder.iter().rev().copied().collect();
    let mut decoder = settings
        .sizes("model.decoder")
        .unwrap_or_else(|| mirrored.clone());
    if settings.has("model.code_size") {
        decoder[0] = mirrored[0];
    }
    for (what, end, expected) in [
        ("begin", decoder.first(), mirrored.first()),
        ("end", decoder.last(), mirrored.last()),
    ] {
        if let (Some(end), Some(expected)) = (end, expected)
            && end != expected
        {
            let meaning = match what {
                "begin" => "the width of the code",
                _ => "the width of the input",
            };
            settings.problem(
                "model.decoder",
                format!("must {what} with {expected}, {meaning}, not with {end}"),
                Some(format!("leave it out to mirror the encoder: {mirrored:?}")),
            );
        }
    }
    check_size(
        settings,
        "model.encoder",
        parameters(&encoder) + parameters(&decoder),
    );
    (encoder, decoder)
}

/// The sizes from the input to the code, whose width `model.code_size` changes.
fn encoder(settings: &mut Settings, default: &[usize]) -> Vec<usize> {
    let mut encoder = settings
        .sizes("model.encoder")
        .unwrap_or_else(|| default.to_vec());
    if let Some(code_size) = settings.count("model.code_size", 1) {
        *encoder.last_mut().expect("there are two sizes or more") = code_size;
    }
    encoder
}

/// The weights and biases between layers of these sizes.
fn parameters(sizes: &[usize]) -> u128 {
    let pairs = sizes.windows(2);
    pairs
        .map(|pair| (pair[0] as u128 + 1) * pair[1] as u128)
        .sum()
}

fn check_size(settings: &mut Settings, key: &str, parameters: u128) {
    if parameters > MOST_PARAMETERS {
        settings.problem(
            key,
            format!(
                "makes a network of {parameters} parameters; at most {MOST_PARAMETERS} are possible"
            ),
            Some("take smaller layers".into()),
        );
    }
}

fn check_tied(settings: &mut Settings, architecture: &autoencoder::Architecture) {
    if !architecture.tied {
        return;
    }
    let mirror = architecture.encoder.iter().rev();
    if !architecture.decoder.iter().eq(mirror) {
        settings.problem(
            "model.tied",
            "needs a decoder that mirrors the encoder",
            Some("leave model.decoder out".into()),
        );
    }
    let activations = [
        architecture.activation,
        architecture.code_activation,
        architecture.output,
    ];
    if activations.iter().any(|activation| activation.pieces() > 1) {
        settings.problem(
            "model.tied",
            "and \"maxout\" exclude each other: a maxout layer has two weights a unit",
            Some("choose another activation, or tied = false".into()),
        );
    }
}

fn check_dropout(settings: &mut Settings, dropout: f64, hidden_units: usize) {
    if dropout > 0.0 && hidden_units == 0 {
        settings.problem(
            "model.dropout",
            "finds no hidden layer (the code is never left out)",
            Some("add a hidden layer, or leave it out".into()),
        );
    }
}
