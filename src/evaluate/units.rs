//! How each unit of a code is used.

/// What one unit of the code is over the images of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitStatistics {
    pub mean: f64,
    pub standard_deviation: f64,
    pub root_mean_square: f64,
    /// Share of images for which it is exactly 0.
    pub zero_fraction: f64,
    pub least: f32,
    pub greatest: f32,
    /// Nine of ten images are between.
    pub middle: (f32, f32),
}

/// Statistics of each unit over `codes`, `[images, code size]` row-major.
///
/// # Panics
/// There is no image.
pub fn unit_statistics(codes: &[f32], code_size: usize) -> Vec<UnitStatistics> {
    assert!(codes.len() >= code_size, "no image");
    let of = |unit: usize| {
        let mut values: Vec<f32> = codes
            .iter()
            .skip(unit)
            .step_by(code_size)
            .copied()
            .collect();
        values.sort_by(f32::total_cmp);
        let count = values.len() as f64;
        let mean_of = |number: &dyn Fn(f64) -> f64| {
            values
                .iter()
                .map(|&value| number(value.into()))
                .sum::<f64>()
                / count
        };
        let mean = mean_of(&|value| value);
        let quantile = |share: f64| values[(share * (count - 1.0)).round() as usize];
        UnitStatistics {
            mean,
            standard_deviation: mean_of(&|value| (value - mean).powi(2)).sqrt(),
            root_mean_square: mean_of(&|value| value * value).sqrt(),
            zero_fraction: mean_of(&|value| f64::from(u8::from(value == 0.0))),
            least: quantile(0.0),
            greatest: quantile(1.0),
            middle: (quantile(0.05), quantile(0.95)),
        }
    };
    (0..code_size).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_by_its_own_values() {
        // Units of 0 … 20 and of ±1.
        let codes: Vec<f32> = (0..21u8)
            .flat_map(|i| [f32::from(i), if i % 2 == 0 { 1.0 } else { -1.0 }])
            .collect();
        let [rising, turning] = &unit_statistics(&codes, 2)[..] else {
            panic!("two units");
        };
        assert_eq!(
            (rising.least, rising.greatest, rising.mean),
            (0.0, 20.0, 10.0)
        );
        assert_eq!(rising.middle, (1.0, 19.0));
        assert!((rising.zero_fraction - 1.0 / 21.0).abs() < 1e-12);
        assert!((rising.standard_deviation.powi(2) - (21.0 * 21.0 - 1.0) / 12.0).abs() < 1e-9);
        assert_eq!(
            (turning.root_mean_square, turning.zero_fraction),
            (1.0, 0.0)
        );
    }
}
