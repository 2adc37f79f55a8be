//! The meaning of tensor names in PyTorch and Keras.

/// The separators between the parts of a name.
const SEPARATORS: [char; 4] = ['.', '/', '\\', ':'];
/// The layers of Keras' `.weights.h5` number their tensors.
const KERAS_3: &str = "vars";

/// The role of a tensor in a layer, by the last part of its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// PyTorch's weight, `[outputs, inputs]`.
    Weight,
    /// Keras' weight, `[inputs, outputs]`.
    Kernel,
    Bias,
}

fn parts(name: &str) -> Vec<&str> {
    name.split(SEPARATORS).collect()
}

fn is_number(part: &str) -> bool {
    part.parse::<u32>().is_ok()
}

impl Role {
    /// Of `encoder.0.weight`, `dense_1/kernel:0` or `layers/dense/vars/0`.
    pub fn of(name: &str) -> Option<Self> {
        let parts = parts(name);
        let at = parts.iter().rposition(|part| !is_number(part))?;
        match (parts[at], &parts[at + 1..]) {
            ("weight", _) => Some(Self::Weight),
            ("kernel", _) | (KERAS_3, ["0"]) => Some(Self::Kernel),
            ("bias", _) | (KERAS_3, ["1"]) => Some(Self::Bias),
            _ => None,
        }
    }
}

/// The name of a tensor's layer: all parts before the one that says what it is to it.
pub fn stem(name: &str) -> &str {
    let mut stem = name;
    loop {
        let (before, last) = stem.rsplit_once(SEPARATORS).unwrap_or(("", stem));
        stem = before;
        if !is_number(last) || stem.is_empty() {
            return stem;
        }
    }
}

/// The first parts, with what follows each, that the names have in common.
pub fn common_prefixes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let names: Vec<&str> = names.collect();
    let Some(first) = names.first() else {
        return Vec::new();
    };
    let ends = first.match_indices(SEPARATORS).map(|(at, _)| at + 1);
    ends.map(|end| &first[..end])
        .take_while(|prefix| names.iter().all(|name| name.starts_with(prefix)))
        .collect()
}

/// Whether it is of a decoder, and then its numbers, none before any: `dense` comes before `dense_1`, and that before
/// `dense_10`.
pub fn order(stem: &str) -> (bool, Vec<Option<u64>>) {
    let parts = parts(stem);
    let is_decoder = parts.contains(&"decoder");
    let numbers = parts.iter().map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    (is_decoder, numbers.collect())
}

/// The name of a layer without what [`order`] looks at: of names that are alike but for that, it is known which comes first.
pub fn skeleton(stem: &str) -> String {
    let parts = parts(stem).into_iter().map(|part| match part {
        "encoder" | "decoder" => "",
        other => other
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('_'),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The output of a layer of a variational network's encoder, by its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    Mu,
    LogVar,
    /// `σ` or `ln σ`, which is half of `ln σ²`.
    Deviation,
}

impl Meaning {
    /// By the last part of a layer's name that says something: `fc_mu`, `z_log_var`, `encoder.logvar.0`.
    pub fn of(stem: &str) -> Option<Self> {
        parts(stem).into_iter().rev().find_map(Self::of_part)
    }

    fn of_part(part: &str) -> Option<Self> {
        let part = part.to_ascii_lowercase();
        let plain: String = part.chars().filter(char::is_ascii_alphanumeric).collect();
        let has_word = |words: &[&str]| part.split(['_', '-']).any(|word| words.contains(&word));
        let contains = |words: &[&str]| words.iter().any(|word| plain.contains(word));
        let letters = plain.trim_end_matches(|c: char| c.is_ascii_digit());
        let squared = [
            "logsigma2",
            "lnsigma2",
            "logsigmasq",
            "lnsigmasq",
            "logstd2",
        ];
        if contains(&["logvar", "lnvar"]) || contains(&squared) || has_word(&["var"]) {
            Some(Self::LogVar)
        } else if contains(&["logsigma", "lnsigma", "logstd", "lnstd"])
            || has_word(&["sigma", "std", "stddev", "scale"])
        {
            Some(Self::Deviation)
        } else if letters.ends_with("mu")
            || letters.ends_with("mean")
            || letters.ends_with("means")
            || has_word(&["mu", "mean", "loc"])
        {
            Some(Self::Mu)
        } else {
            None
        }
    }
}

/// Whether two layers are numbered as the halves of one, as `fc21` and `fc22` are in PyTorch's example.
pub fn are_numbered_halves(first: &str, second: &str) -> bool {
    match (first.strip_suffix('1'), second.strip_suffix('2')) {
        (Some(a), Some(b)) => {
            let ends_with_number = a
                .trim_end_matches(['_', '-', '.'])
                .ends_with(|c: char| c.is_ascii_digit());
            a == b && ends_with_number
        }
        _ => false,
    }
}

/// Whether a tensor is of what Keras saves with the layers: an optimizer, random numbers, and means of losses.
pub fn is_beside_layers(name: &str) -> bool {
    let is_beside = |part: &&str| {
        part.starts_with("optimizer")
            || part.starts_with("seed_generator")
            || part.ends_with("_tracker")
    };
    parts(name).iter().any(is_beside)
}

/// Returns whether it is a counter rather than a parameter of the network.
pub fn is_counter(name: &str) -> bool {
    const COUNTERS: [&str; 8] = [
        "n_averaged",
        "num_batches_tracked",
        "iteration",
        "iterations",
        "global_step",
        "step",
        "epoch",
        "learning_rate",
    ];
    let parts = parts(name);
    let last = parts.iter().rfind(|part| !is_number(part));
    last.is_some_and(|last| COUNTERS.contains(last))
}

/// The layer that a tensor belongs to if it is not dense, and the remedy.
pub fn other_layer(name: &str, role: Option<Role>, dimensions: usize) -> Option<&'static str> {
    const STATISTICS: [&str; 4] = [
        "running_mean",
        "running_var",
        "moving_mean",
        "moving_variance",
    ];
    const PARAMETRISED: [&str; 6] = [
        "weight_g",
        "weight_v",
        "weight_orig",
        "weight_u",
        "original0",
        "original1",
    ];
    let parts = parts(name);
    let last = *parts.iter().rfind(|part| !is_number(part))?;
    let is_weight = matches!(role, Some(Role::Weight | Role::Kernel));
    let keras_normalisation = parts
        .iter()
        .any(|part| part.to_ascii_lowercase().contains("normalization"));
    if STATISTICS.contains(&last) {
        Some("belongs to a batch normalisation")
    } else if PARAMETRISED.contains(&last) {
        Some(
            "is part of a parametrized weight, which torch.nn.utils.parametrize.remove_parametrizations merges",
        )
    } else if ["gamma", "beta"].contains(&last) || keras_normalisation {
        Some("belongs to a normalisation")
    } else if last.starts_with("weight_ih") || last.starts_with("weight_hh") {
        Some("belongs to a recurrent layer")
    } else if last == "in_proj_weight" {
        Some("belongs to an attention layer")
    } else if is_weight && dimensions == 1 {
        Some("has one dimension, as in a normalisation or a PReLU")
    } else if is_weight && dimensions > 2 {
        Some("belongs to a convolution")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_are_alike_are_told_by_their_numbers_alone() {
        let in_order = |names: &[&str]| {
            let stems: Vec<&str> = names.iter().map(|name| stem(name)).collect();
            let pairs = stems.windows(2);
            assert!(
                pairs
                    .into_iter()
                    .all(|pair| order(pair[0]) < order(pair[1])),
                "{names:?}"
            );
            let known = stems
                .iter()
                .all(|stem| skeleton(stem) == skeleton(stems[0]));
            assert!(known, "{names:?}");
        };
        in_order(&[
            "dense/kernel",
            "dense_1/kernel",
            "dense_2/kernel",
            "dense_10/kernel",
        ]);
        in_order(&["layers/dense/vars/0", "layers/dense_1/vars/0"]);
        in_order(&["fc.weight", "fc2.weight", "fc10.weight"]);
        in_order(&[
            "encoder.2.weight",
            "encoder.4.weight",
            "decoder.0.weight",
            "decoder.2.weight",
        ]);
        in_order(&[
            "autoencoder.encoder.0.weight",
            "autoencoder.decoder.0.weight",
        ]);
        for (a, b) in [("enc1", "dec1"), ("a.0", "b.0"), ("x1y", "x2z")] {
            assert_ne!(skeleton(a), skeleton(b));
        }
    }

    #[test]
    fn roles_and_layers_are_told_by_the_end_of_a_name() {
        for (name, role, layer) in [
            ("encoder.0.weight", Some(Role::Weight), "encoder.0"),
            ("dense_1/kernel:0", Some(Role::Kernel), "dense_1"),
            (
                "layers/dense_1/vars/0",
                Some(Role::Kernel),
                "layers/dense_1",
            ),
            ("layers.dense.vars.1", Some(Role::Bias), "layers.dense"),
            ("layers\\dense\\vars\\1", Some(Role::Bias), "layers\\dense"),
            ("layers/norm/vars/2", None, "layers/norm"),
            ("a.bias", Some(Role::Bias), "a"),
            ("0.weight", Some(Role::Weight), "0"),
            ("weight", Some(Role::Weight), ""),
            ("running_mean", None, ""),
            ("7", None, ""),
        ] {
            assert_eq!(Role::of(name), role, "{name}");
            assert_eq!(stem(name), layer, "{name}");
        }
    }

    #[test]
    fn means_and_variances_are_told_by_their_names() {
        use Meaning::{Deviation, LogVar, Mu};
        for (meaning, names) in [
            (
                Some(Mu),
                &[
                    "mu",
                    "fc_mu",
                    "z_mean",
                    "encoder.mean.0",
                    "fc1_mu",
                    "hidden2mu",
                    "linear_means",
                    "FC_mean",
                    "loc",
                ][..],
            ),
            (
                Some(LogVar),
                &[
                    "log_var",
                    "logvar",
                    "fc_logvar",
                    "z_log_var",
                    "fc_var",
                    "hidden2logvar",
                    "log_sigma2",
                    "FC_logvar",
                    "linear_log_var",
                ],
            ),
            (
                Some(Deviation),
                &["log_sigma", "logstd", "fc_std", "z_log_sigma", "sigma"],
            ),
            (
                None,
                &["fc21", "fc3", "encoder.0", "decoder", "block", "formula1"],
            ),
        ] {
            for name in names {
                assert_eq!(Meaning::of(name), meaning, "{name}");
            }
        }
        assert_eq!(Meaning::of("mean_field.log_var"), Some(LogVar));
        assert!(are_numbered_halves("fc21", "fc22"));
        assert!(are_numbered_halves("vae.fc31", "vae.fc32"));
        assert!(are_numbered_halves("fc2_1", "fc2_2"));
        assert!(!are_numbered_halves("fc1", "fc2"));
        assert!(!are_numbered_halves("fc21", "fc32"));
    }

    #[test]
    fn prefixes_are_whole_parts() {
        let prefixes = |names: &[&'static str]| common_prefixes(names.iter().copied());
        assert_eq!(
            prefixes(&[
                "module._orig_mod.encoder.0.weight",
                "module._orig_mod.enc.0.bias"
            ]),
            ["module.", "module._orig_mod."]
        );
        assert!(prefixes(&["fc1.weight", "fc2.weight"]).is_empty());
        assert!(prefixes(&[]).is_empty());
    }
}
