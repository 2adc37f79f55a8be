//! How the code is used.

use super::Bar;
use crate::evaluate::{UnitStatistics, unit_statistics};
use crate::report::text::figure;

pub struct CodeView {
    pub bars: Vec<Bar>,
    pub least: String,
    pub greatest: String,
    pub zero_percent: String,
    pub units: Vec<UnitRow>,
    pub units_left_out: usize,
}

pub struct UnitRow {
    pub unit: usize,
    pub mean: String,
    pub standard_deviation: String,
    pub zero_percent: String,
    pub middle: String,
    pub range: String,
}

/// Units in the table of units.
const MOST_UNITS: usize = 256;
/// Bars of the code's histogram.
const BINS: usize = 60;

pub fn code_view(codes: &[f32], code_size: usize) -> CodeView {
    let finite = || codes.iter().copied().filter(|element| element.is_finite());
    let least = finite().fold(0.0, f32::min);
    let greatest = finite().fold(least + 1e-6, f32::max);
    let mut counts = [0usize; BINS];
    for element in finite().filter(|&element| element != 0.0) {
        let share = f64::from(element - least) / f64::from(greatest - least);
        counts[((BINS as f64 * share) as usize).min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let width = 100.0 / BINS as f64;
    let bar = |(bin, &count): (usize, &usize)| {
        let height = 100.0 * count as f64 / most;
        Bar {
            left: width * bin as f64,
            width: 0.9 * width,
            top: 100.0 - height,
            height,
        }
    };
    let zeros = codes.iter().filter(|&&element| element == 0.0).count();
    let units = unit_statistics(codes, code_size);
    let row = |(unit, statistics): (usize, &UnitStatistics)| UnitRow {
        unit: unit + 1,
        mean: figure(statistics.mean),
        standard_deviation: figure(statistics.standard_deviation),
        zero_percent: format!("{:.1}", 100.0 * statistics.zero_fraction),
        middle: format!("{:.2} to {:.2}", statistics.middle.0, statistics.middle.1),
        range: format!("{:.2} to {:.2}", statistics.least, statistics.greatest),
    };
    CodeView {
        bars: counts.iter().enumerate().map(bar).collect(),
        least: figure(least.into()),
        greatest: figure(greatest.into()),
        zero_percent: format!("{:.1}", 100.0 * zeros as f64 / codes.len() as f64),
        units_left_out: units.len().saturating_sub(MOST_UNITS),
        units: units.iter().take(MOST_UNITS).enumerate().map(row).collect(),
    }
}
