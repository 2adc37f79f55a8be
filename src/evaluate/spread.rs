//! Figures over several seeds.

use statrs::statistics::Statistics;

use super::Figures;

/// A figure over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    pub name: String,
    pub mean: f64,
    /// Of the sample; none where there is one run.
    pub standard_deviation: Option<f64>,
    pub count: usize,
}

/// Mean and spread of the figures that all runs have.
pub fn spreads(runs: &[Figures]) -> Vec<Spread> {
    let names = runs.first().into_iter().flat_map(Figures::iter);
    let spread = |(name, _): (&str, f64)| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| run.get(name)).collect();
        values.map(|values| Spread {
            name: name.to_owned(),
            mean: Statistics::mean(&values),
            standard_deviation: (values.len() > 1).then(|| Statistics::std_dev(&values)),
            count: values.len(),
        })
    };
    names.filter_map(spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample_and_needs_two_runs() {
        let run = |value| Figures::from_iter([("a", value), ("b", 1.0)]);
        let [a, b] = &spreads(&[run(1.0), run(2.0), run(6.0)])[..] else {
            panic!("two figures");
        };
        assert_eq!((a.name.as_str(), a.mean, a.count), ("a", 3.0, 3));
        assert!((a.standard_deviation.unwrap() - 7f64.sqrt()).abs() < 1e-12);
        assert_eq!(b.standard_deviation, Some(0.0));
        assert_eq!(spreads(&[run(1.0)])[0].standard_deviation, None);
        assert_eq!(spreads(&[]), []);
        // What one run has not is a figure of none.
        let other = Figures::from_iter([("b", 3.0)]);
        assert_eq!(spreads(&[run(1.0), other]).len(), 1);
    }
}
