//! What metrics are called in words.

/// A metric's name in words, with its unit; its split is left out.
pub fn description(metric: &str) -> String {
    let words = match metric {
        "bce_nats_per_pixel" => "binary cross-entropy, nats per pixel",
        "bce_nats_per_image" => "binary cross-entropy, nats per image",
        "excess_bce_nats_per_pixel" => "cross-entropy above the least possible, nats per pixel",
        "mse_per_pixel" => "squared error per pixel",
        "clipped_mse_per_pixel" => "squared error per pixel, outputs clipped to [0, 1]",
        "squared_error_per_image" => "squared error per image",
        "psnr_db" => "peak signal-to-noise ratio, dB",
        "input_psnr_db" => "peak signal-to-noise ratio of the input, dB",
        "ssim" => "structural similarity, 1 for equal images",
        "code_mean" => "mean of the code’s elements",
        "code_zero_fraction" => "share of the code’s elements that is exactly 0",
        "code_dead_units" => "code units that are 0 for every image",
        "code_constant_units" => "code units that are the same for every image",
        "code_active_units" => "code units that say something about the image",
        "negative_elbo_nats_per_image" => "negative evidence lower bound, nats per image",
        "expected_bce_nats_per_image" => "expected binary cross-entropy, nats per image",
        "kl_nats_per_image" => "divergence from the prior, nats per image",
        "cross_entropy_nats_per_example" => "cross-entropy, nats per example",
        "anomaly_roc_auc" => "area under the ROC curve, the excluded classes found by their errors",
        "accuracy" => "share of examples classified rightly",
        "negative_log_likelihood_nats_per_image" => "negative log-likelihood, nats per image",
        "kl_divergence_nats_per_image" => "Kullback-Leibler divergence, nats per image",
        other => {
            return match other.strip_prefix("corrupted_") {
                Some(rest) => format!("{}, from inputs with noise", description(rest)),
                None => other.replace('_', " "),
            };
        }
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_told_by_its_name() {
        assert_eq!(
            description("corrupted_mse_per_pixel"),
            "squared error per pixel, from inputs with noise"
        );
        assert_eq!(description("something_new"), "something new");
    }
}
