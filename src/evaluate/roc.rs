//! How well a score tells anomalies from what is usual.

/// The name of the area under the curve where anomalies are found by their reconstruction error.
pub const ANOMALY_ROC_AUC: &str = "anomaly_roc_auc";

/// The area under the receiver operating characteristic: the share of pairs of an anomaly and a usual example of which the
/// anomaly has the greater score, ties counting half. `None` unless there are both.
///
/// # Source
/// Hanley and McNeil 1982, *The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC) Curve*: it is the
/// statistic of Wilcoxon, Mann and Whitney.
pub fn roc_auc(scores: &[f64], is_anomaly: impl Fn(usize) -> bool) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut anomalies = 0usize;
    let mut ranks = 0.0;
    let mut below = 0usize;
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let found = tied.iter().filter(|&&index| is_anomaly(index)).count();
        anomalies += found;
        // The mean of the ranks from `below + 1` on.
        ranks += found as f64 * (below as f64 + (tied.len() as f64 + 1.0) / 2.0);
        below += tied.len();
    }
    let usual = scores.len() - anomalies;
    if anomalies == 0 || usual == 0 {
        return None;
    }
    let (anomalies, usual) = (anomalies as f64, usual as f64);
    Some((ranks - anomalies * (anomalies + 1.0) / 2.0) / (anomalies * usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_share_of_pairs_in_the_right_order(
            examples in prop::collection::vec((0u8..8, any::<bool>()), 0..40),
        ) {
            let scores: Vec<f64> = examples.iter().map(|(score, _)| f64::from(*score)).collect();
            let (mut right, mut pairs) = (0.0, 0.0);
            for (high, _) in examples.iter().filter(|example| example.1) {
                for (low, _) in examples.iter().filter(|example| !example.1) {
                    pairs += 1.0;
                    right += if high > low { 1.0 } else if high == low { 0.5 } else { 0.0 };
                }
            }
            let found = roc_auc(&scores, |index| examples[index].1);
            match pairs > 0.0 {
                true => prop_assert!((found.unwrap() - right / pairs).abs() < 1e-12),
                false => prop_assert_eq!(found, None),
            }
        }
    }
}
