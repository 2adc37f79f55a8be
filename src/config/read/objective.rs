//! The keys under `objective`.

use crate::config::settings::Settings;
use crate::config::{ReconstructionObjective, VariationalObjective};
use crate::data::Corruption;
use crate::model::Activation;
use crate::model::autoencoder::Architecture;
use crate::objective::{Reconstruction, Reduction, Sparsity};

/// Reads what an autoencoder minimises.
pub fn reconstruction(settings: &mut Settings, model: &Architecture) -> ReconstructionObjective {
    settings.refuse("objective.kl_weight", "needs model.kind = \"variational\"");
    let reconstruction = settings
        .choice("objective.reconstruction", &Reconstruction::NAMES)
        .unwrap_or(Reconstruction::BinaryCrossEntropy);
    if reconstruction == Reconstruction::BinaryCrossEntropy && model.output != Activation::Sigmoid {
        settings.problem(
            "objective.reconstruction",
            "= \"bce\" needs outputs between 0 and 1",
            Some("set model.output = \"sigmoid\", or objective.reconstruction = \"mse\"".into()),
        );
    }
    ReconstructionObjective {
        reconstruction,
        sparsity: sparsity(settings, model),
        corruption: corruption(settings),
    }
}

/// Reads what a variational autoencoder minimises.
pub fn variational(settings: &mut Settings) -> VariationalObjective {
    // The only reconstruction error here that is a log-likelihood, as the evidence bound needs.
    settings.choice("objective.reconstruction", &[("bce", ())]);
    settings.refuse(
        "objective.sparsity",
        "means nothing to a variational autoencoder",
    );
    let key = "objective.kl_weight";
    let kl_weight = settings.number(key, "a number of at least 0", |x| x >= 0.0);
    VariationalObjective {
        kl_weight: kl_weight.unwrap_or(1.0),
        corruption: corruption(settings),
    }
}

fn sparsity(settings: &mut Settings, model: &Architecture) -> Option<Sparsity> {
    const SECTION: &str = "objective.sparsity";
    let is_l1 = settings.kind(SECTION, &[("l1", true), ("kullback_leibler", false)])?;
    let weight = settings
        .number("objective.sparsity.weight", "a number of at least 0", |x| {
            x >= 0.0
        })
        .unwrap_or(1e-5);
    if is_l1 {
        let key = "objective.sparsity.reduction";
        let reduction = settings.choice(key, &Reduction::NAMES);
        if reduction.is_none() && !settings.has(key) {
            let hint = "add reduction = \"batch_sum\" (Keras' older behaviour) or \"batch_mean\"";
            settings.problem(SECTION, "needs a reduction", Some(hint.into()));
        }
        let reduction = reduction.unwrap_or(Reduction::BatchMean);
        return Some(Sparsity::L1 { weight, reduction });
    }
    if model.code_activation != Activation::Sigmoid {
        settings.problem(
            "objective.sparsity.kind",
            "= \"kullback_leibler\" needs a code between 0 and 1",
            Some("set model.code_activation = \"sigmoid\"".into()),
        );
    }
    let between = |x| 0.0 < x && x < 1.0;
    let target = settings
        .number(
            "objective.sparsity.target",
            "a number between 0 and 1",
            between,
        )
        .unwrap_or(0.05);
    Some(Sparsity::KullbackLeibler { weight, target })
}

fn corruption(settings: &mut Settings) -> Option<Corruption> {
    const KINDS: [(&str, Corruption); 3] = [
        ("gaussian", Corruption::Gaussian { sigma: 0.4 }),
        ("masking", Corruption::Masking { fraction: 0.25 }),
        (
            "salt_and_pepper",
            Corruption::SaltAndPepper { fraction: 0.25 },
        ),
    ];
    let kind = settings.kind("objective.corruption", &KINDS)?;
    let fraction = |settings: &mut Settings, default| {
        let expected = "a number from 0 to 1";
        let share = |x| (0.0..=1.0).contains(&x);
        settings
            .number("objective.corruption.fraction", expected, share)
            .unwrap_or(default)
    };
    Some(match kind {
        Corruption::Gaussian { sigma } => Corruption::Gaussian {
            sigma: settings
                .number(
                    "objective.corruption.sigma",
                    "a number of at least 0",
                    |x| x >= 0.0,
                )
                .unwrap_or(sigma),
        },
        Corruption::Masking { fraction: default } => Corruption::Masking {
            fraction: fraction(settings, default),
        },
        Corruption::SaltAndPepper { fraction: default } => Corruption::SaltAndPepper {
            fraction: fraction(settings, default),
        },
    })
}
