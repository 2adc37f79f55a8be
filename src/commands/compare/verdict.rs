//! What a comparison says in plain words, and by which rules.

use super::{Compared, Role};
use crate::evaluate::{NEIGHBOURS_ACCURACY, PROBE_ACCURACY, Spread};
use crate::report::text::{figure, with_spread};

/// Differences of fewer standard errors may be chance.
const STANDARD_ERRORS: f64 = 2.0;

/// Sentences, and the rules that they follow.
pub struct Verdict {
    pub sentences: Vec<String>,
    pub rules: Vec<String>,
}

/// Says, at each size of the code, who reconstructs best, who is fitted fastest, and whose codes classes are told by.
pub fn verdict(compared: &[Compared]) -> Verdict {
    let mut sizes: Vec<usize> = compared
        .iter()
        .filter(|method| method.kind != Role::Pixels)
        .map(|method| method.code_size)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let pixels = compared.iter().find(|method| method.kind == Role::Pixels);
    let mut sentences = Vec::new();
    for size in sizes {
        let there = |method: &&Compared| method.code_size == size && method.kind != Role::Pixels;
        let methods: Vec<&Compared> = compared.iter().filter(there).collect();
        sentences.extend(reconstruction(size, &methods));
        sentences.extend(speed(size, &methods));
        for (metric, how) in [
            (NEIGHBOURS_ACCURACY, "by their five nearest neighbours"),
            (PROBE_ACCURACY, "by a linear classifier"),
        ] {
            sentences.extend(classes(
                size,
                &methods,
                pixels,
                &format!("test_{metric}"),
                how,
            ));
        }
        sentences.extend(likelihoods(size, &methods));
    }
    let rules = vec![
        format!(
            "Two figures differ when they are more than {STANDARD_ERRORS} standard errors of their difference apart; \
             the errors come from the spread over seeds and, for shares of test images, from their number. \
             Where a method has one seed though chance plays a part, its spread is not known and taken for none."
        ),
        "Ratios are of means. Squared errors are of test pixels in [0, 1], outputs not clipped."
            .to_owned(),
    ];
    Verdict { sentences, rules }
}

const ERROR: &str = "test_mse_per_pixel";

/// Methods that have a figure, best first; `sign` is −1 where more is better.
fn ranked<'a>(
    methods: &[&'a Compared],
    metric: &str,
    sign: f64,
) -> Vec<(&'a Compared, &'a Spread)> {
    let with = |method: &&'a Compared| method.get(metric).map(|figure| (*method, figure));
    let mut ranked: Vec<_> = methods.iter().filter_map(with).collect();
    ranked.sort_by(|(_, a), (_, b)| (sign * a.mean).total_cmp(&(sign * b.mean)));
    ranked
}

/// The methods that cannot be told from the best, the best first, and the first that can.
type Leaders<'a> = (
    Vec<(&'a Compared, &'a Spread)>,
    Option<(&'a Compared, &'a Spread)>,
);

fn leaders<'a>(ranked: &[(&'a Compared, &'a Spread)], images: Option<f64>) -> Leaders<'a> {
    let Some((_, best)) = ranked.first() else {
        return (Vec::new(), None);
    };
    let end = ranked
        .iter()
        .position(|(_, other)| differ(best, other, images));
    let end = end.unwrap_or(ranked.len());
    (ranked[..end].to_vec(), ranked.get(end).copied())
}

/// Whether two figures are further apart than chance puts them; `images` where they are shares of so many.
fn differ(a: &Spread, b: &Spread, images: Option<f64>) -> bool {
    let variance = |spread: &Spread| {
        let seeds = spread.standard_deviation.unwrap_or(0.0).powi(2) / spread.count as f64;
        let counted = images.map_or(0.0, |images| spread.mean * (1.0 - spread.mean) / images);
        seeds + counted
    };
    (a.mean - b.mean).abs() > STANDARD_ERRORS * (variance(a) + variance(b)).sqrt()
}

/// `a`, `a and b`, `a, b and c`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn reconstruction(size: usize, methods: &[&Compared]) -> Option<String> {
    let ranked = ranked(methods, ERROR, 1.0);
    let (leaders, next) = leaders(&ranked, None);
    let (best, error) = *leaders.first()?;
    let names: Vec<&str> = leaders
        .iter()
        .map(|(method, _)| method.method.as_str())
        .collect();
    let verb = match names.len() {
        1 => "reconstructs",
        _ => "reconstruct",
    };
    let mut sentence = format!("At K = {size}, {} {verb} best", list(&names));
    if names.len() > 1 {
        sentence += " and cannot be told apart";
    }
    let pca = ranked.iter().find(|(method, _)| method.kind == Role::Pca);
    match pca.filter(|(pca, _)| !std::ptr::eq(*pca, best)) {
        Some((pca, pca_error)) => {
            let ratio = error.mean / pca_error.mean;
            sentence += &format!(
                ": {} has {ratio:.2} of {}'s squared error ({} against {})",
                best.method,
                pca.method,
                with_spread(error),
                with_spread(pca_error)
            );
        }
        None => {
            sentence += &format!(
                ": the squared error of {} is {}",
                best.method,
                with_spread(error)
            );
            if let Some((next, next_error)) = next {
                let ratio = next_error.mean / error.mean;
                sentence += &format!(", that of {} {ratio:.2} times as much", next.method);
            }
        }
    }
    Some(sentence + ".")
}

fn speed(size: usize, methods: &[&Compared]) -> Option<String> {
    let (best, _) = *ranked(methods, ERROR, 1.0).first()?;
    let time = best.get("train_seconds")?;
    let pca = methods.iter().find(|method| method.kind == Role::Pca);
    let other = match pca.filter(|pca| !std::ptr::eq(**pca, best)) {
        Some(pca) => *pca,
        None => ranked(methods, "train_seconds", 1.0)
            .into_iter()
            .map(|(method, _)| method)
            .find(|method| !std::ptr::eq(*method, best))?,
    };
    let other_time = other.get("train_seconds")?;
    let (quick, slow) = match other_time.mean <= time.mean {
        true => ((other, other_time), (best, time)),
        false => ((best, time), (other, other_time)),
    };
    Some(format!(
        "At K = {size}, {} is fitted {:.1} times faster than {} ({:.1} s against {:.1} s).",
        quick.0.method,
        slow.1.mean / quick.1.mean,
        slow.0.method,
        quick.1.mean,
        slow.1.mean
    ))
}

/// Test images that accuracies are shares of: enough to know how far chance moves them.
const IMAGES: &str = "test_images";

fn classes(
    size: usize,
    methods: &[&Compared],
    pixels: Option<&Compared>,
    metric: &str,
    how: &str,
) -> Option<String> {
    let ranked = ranked(methods, metric, -1.0);
    let (method, _) = *ranked.first()?;
    let images = method.get(IMAGES).map(|images| images.mean);
    let (leaders, _) = leaders(&ranked, images);
    let (_, accuracy) = *leaders.first()?;
    let names: Vec<&str> = leaders
        .iter()
        .map(|(method, _)| method.method.as_str())
        .collect();
    let percent = |spread: &Spread| format!("{:.2} %", 100.0 * spread.mean);
    let mut sentence = match &names[..] {
        [only] => format!(
            "At K = {size}, told {how}, {} of the test images are of their class with the codes of {only}",
            percent(accuracy)
        ),
        _ => format!(
            "At K = {size}, told {how}, up to {} of the test images are of their class, with the codes of {}, which \
             cannot be told apart",
            percent(accuracy),
            list(&names)
        ),
    };
    if let Some(plain) = pixels.and_then(|pixels| pixels.get(metric)) {
        let judged = match (differ(accuracy, plain, images), accuracy.mean > plain.mean) {
            (false, _) => "no different from",
            (true, true) => "better than",
            (true, false) => "worse than",
        };
        sentence += &format!(": {judged} the {} of the pixels themselves", percent(plain));
    }
    Some(sentence + ".")
}

fn likelihoods(size: usize, methods: &[&Compared]) -> Option<String> {
    let of = |kind| methods.iter().find(|method| method.kind == kind);
    let (pca, network) = (of(Role::ProbabilisticPca)?, of(Role::Variational)?);
    let density = pca.get("test_negative_log_likelihood_nats_per_image")?;
    let bound = network.get("test_negative_elbo_nats_per_image")?;
    Some(format!(
        "At K = {size}, the {} nats per image of {} and the bound of {} of {} are not comparable: the first is of a \
         density of grey values, the second of probabilities that pixels are white.",
        figure(density.mean),
        pca.method,
        figure(bound.mean),
        network.method
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(name: &str, kind: Role, figures: &[(&str, f64, f64)]) -> Compared {
        let figures = figures.iter().map(|&(name, mean, deviation)| Spread {
            name: name.to_owned(),
            mean,
            standard_deviation: (deviation > 0.0).then_some(deviation),
            count: if deviation > 0.0 { 3 } else { 1 },
        });
        Compared {
            method: name.to_owned(),
            kind,
            code_size: 32,
            values: serde_json::Map::new(),
            runs: Vec::new(),
            figures: figures.collect(),
        }
    }

    #[test]
    fn the_best_is_named_with_its_share_of_pcas_error_and_its_time() {
        let pca = method(
            "pca",
            Role::Pca,
            &[(ERROR, 0.0168, 0.0), ("train_seconds", 1.0, 0.0)],
        );
        let deep = method(
            "deep",
            Role::Other,
            &[(ERROR, 0.0084, 0.0004), ("train_seconds", 4.0, 0.1)],
        );
        let said = verdict(&[pca, deep]).sentences;
        assert_eq!(
            said,
            [
                "At K = 32, deep reconstructs best: deep has 0.50 of pca's squared error \
                 (0.0084000 ± 4.0e-4 against 0.016800).",
                "At K = 32, pca is fitted 4.0 times faster than deep (1.0 s against 4.0 s).",
            ]
        );
    }

    #[test]
    fn what_chance_may_have_done_is_not_told_as_a_difference() {
        let a = method("a", Role::Other, &[(ERROR, 0.0084, 0.0004)]);
        let b = method("b", Role::Other, &[(ERROR, 0.0086, 0.0004)]);
        let c = method("c", Role::Other, &[(ERROR, 0.0099, 0.0004)]);
        let said = verdict(&[c, a, b]).sentences;
        assert_eq!(
            said[0],
            "At K = 32, a and b reconstruct best and cannot be told apart: the squared error of a \
             is 0.0084000 ± 4.0e-4, that of c 1.18 times as much."
        );
    }

    #[test]
    fn shares_are_as_uncertain_as_their_number_makes_them() {
        let metric = format!("test_{PROBE_ACCURACY}");
        let with = |name, kind, accuracy| {
            method(
                name,
                kind,
                &[(&metric, accuracy, 0.0), (IMAGES, 10_000.0, 0.0)],
            )
        };
        let pixels = with("pixels", Role::Pixels, 0.92);
        let close = verdict(&[pixels, with("a", Role::Other, 0.925)]).sentences;
        assert!(close[0].contains("92.50 %") && close[0].contains("no different from the 92.00 %"));
        let pixels = with("pixels", Role::Pixels, 0.92);
        let far = verdict(&[pixels, with("a", Role::Other, 0.95)]).sentences;
        assert!(far[0].contains("better than"), "{far:?}");
    }

    #[test]
    fn each_size_of_the_code_is_judged_by_itself() {
        let of_size = |name, size, error| Compared {
            code_size: size,
            ..method(name, Role::Other, &[(ERROR, error, 0.0)])
        };
        let said = verdict(&[
            of_size("a", 8, 0.02),
            of_size("b", 8, 0.03),
            of_size("a", 32, 0.015),
            of_size("b", 32, 0.01),
        ])
        .sentences;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("At K = 8, a reconstructs best"));
        assert!(said[1].starts_with("At K = 32, b reconstructs best"));
    }

    #[test]
    fn densities_and_probabilities_are_not_compared() {
        let pca = method(
            "ppca",
            Role::ProbabilisticPca,
            &[("test_negative_log_likelihood_nats_per_image", -409.4, 0.0)],
        );
        let network = method(
            "vae",
            Role::Variational,
            &[("test_negative_elbo_nats_per_image", 105.0, 0.1)],
        );
        let said = verdict(&[pca, network]).sentences;
        assert!(said[0].contains("not comparable"), "{said:?}");
    }
}
