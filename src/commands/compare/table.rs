//! A comparison as a table.

use super::{Compared, Role};
use crate::evaluate::{NEIGHBOURS_ACCURACY, PROBE_ACCURACY, Spread};
use crate::report::text::{table, thousands};

/// One line for each method; what a method has no figure of stays empty.
pub fn text(compared: &[Compared]) -> String {
    let head = [
        "method",
        "K",
        "squared error/pixel",
        "of PCA",
        "PSNR dB",
        "SSIM",
        "excess BCE/pixel",
        "5 neighbours",
        "linear probe",
        "fitted in s",
        "encodes/s",
        "parameters",
        "unused units",
    ];
    let mut rows = vec![head.map(String::from)];
    for method in compared {
        let cell = |name: &str, show: &dyn Fn(&Spread) -> String| {
            method.get(name).map_or(String::new(), show)
        };
        let decimals = |digits: usize| move |spread: &Spread| rounded(spread, 1.0, digits);
        let percent = |spread: &Spread| format!("{} %", rounded(spread, 100.0, 2));
        let count = |spread: &Spread| thousands(spread.mean.round() as u64);
        let neighbours = format!("test_{NEIGHBOURS_ACCURACY}");
        let probe = format!("test_{PROBE_ACCURACY}");
        rows.push([
            method.method.clone(),
            method.code_size.to_string(),
            cell("test_mse_per_pixel", &decimals(5)),
            ratio_to_pca(method, compared),
            cell("test_psnr_db", &decimals(2)),
            cell("test_ssim", &decimals(3)),
            cell("test_excess_bce_nats_per_pixel", &decimals(5)),
            cell(&neighbours, &percent),
            cell(&probe, &percent),
            cell("train_seconds", &|spread| format!("{:.1}", spread.mean)),
            cell("encode_images_per_second", &count),
            cell("parameters", &count),
            cell("test_code_unused_units", &decimals(1)),
        ]);
    }
    table(&rows)
}

/// A mean, and behind ± the standard deviation where there is one.
fn rounded(spread: &Spread, scale: f64, digits: usize) -> String {
    let mean = format!("{:.digits$}", scale * spread.mean);
    match spread.standard_deviation {
        None => mean,
        Some(deviation) => format!("{mean} ± {:.digits$}", scale * deviation),
    }
}

/// The squared error as a share of that of PCA with a code of the same size.
fn ratio_to_pca(method: &Compared, all: &[Compared]) -> String {
    let error = |method: &Compared| Some(method.get("test_mse_per_pixel")?.mean);
    let is_pca = |other: &&Compared| other.kind == Role::Pca && other.code_size == method.code_size;
    let pca = all.iter().find(is_pca).and_then(error);
    match (error(method), pca) {
        (Some(error), Some(pca)) => format!("{:.2}", error / pca),
        _ => String::new(),
    }
}
