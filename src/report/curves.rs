//! Training and test error over the epochs.

use std::path::Path;

use plotters::prelude::*;

use super::drawing::{self, BLUE, FAINT, GREEN, INK, PictureError, VERMILION};
use crate::objective::Reconstruction;
use crate::train::EpochRecord;

/// Room beside the first and last epoch, in epochs.
const SIDE: f64 = 0.2;
const SIZE: (u32, u32) = (1200, 750);

/// One curve: its name, colour and values by epoch.
struct Curve {
    name: &'static str,
    colour: RGBColor,
    values: Vec<f64>,
}

/// Draws the error of each epoch, and with `floor` the least error possible as a dashed line.
///
/// # Errors
/// The file cannot be written.
pub fn curves(
    path: &Path,
    title: &str,
    reconstruction: Reconstruction,
    history: &[EpochRecord],
    floor: Option<f64>,
) -> Result<(), PictureError> {
    let curves = curves_of(reconstruction, history);
    let values = || {
        curves
            .iter()
            .flat_map(|curve| &curve.values)
            .copied()
            .chain(floor)
    };
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(f64::NEG_INFINITY, f64::max);
    let room = 0.08 * (most - least).max(1e-3 * most.abs()).max(1e-9);
    let epochs = history.len();
    let (first, last) = (1.0 - SIDE, epochs as f64 + SIDE);
    drawing::save(path, SIZE, |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let mut chart = ChartBuilder::on(area)
                .margin(24)
                .margin_right(48)
                .caption(title, drawing::font(26, INK))
                .x_label_area_size(64)
                .y_label_area_size(104)
                .build_cartesian_2d(first..last, least - room..most + room)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(WHITE)
                .bold_line_style(BLACK.mix(0.12))
                .axis_style(FAINT)
                .x_labels(epochs.clamp(2, 12))
                .x_label_formatter(&|epoch| match epoch.fract().abs() < 1e-9 {
                    true => format!("{epoch:.0}"),
                    false => String::new(),
                })
                .y_labels(8)
                .y_label_formatter(&|error| format!("{error:.4}"))
                .label_style(drawing::font(20, INK))
                .axis_desc_style(drawing::font(22, INK))
                .x_desc("epoch")
                .y_desc(description(reconstruction))
                .draw()?;
            for curve in &curves {
                let points = || (1..).map(f64::from).zip(curve.values.iter().copied());
                let style = curve.colour.stroke_width(3);
                chart
                    .draw_series(LineSeries::new(points(), style))?
                    .label(format!("{} ({:.4})", curve.name, curve.values[epochs - 1]))
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 28, y)], style));
                let dots = points().map(|point| Circle::new(point, 5, curve.colour.filled()));
                chart.draw_series(dots)?;
            }
            if let Some(floor) = floor {
                let ends = [(first, floor), (last, floor)];
                let style = FAINT.stroke_width(2);
                chart
                    .draw_series(DashedLineSeries::new(ends, 8, 6, style))?
                    .label(format!(
                        "least possible: the test pixels’ entropy ({floor:.4})"
                    ))
                    .legend(move |(x, y)| {
                        plotters::element::DashedPathElement::new(
                            [(x, y), (x + 28, y)],
                            8,
                            6,
                            style,
                        )
                    });
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .legend_area_size(40)
                .margin(16)
                .background_style(WHITE.mix(0.85))
                .label_font(drawing::font(22, INK))
                .draw()?;
            Ok(())
        };
        match epochs {
            0 => Err("there is no epoch to draw".into()),
            _ => draw().map_err(|error| error.to_string()),
        }
    })
}

fn curves_of(reconstruction: Reconstruction, history: &[EpochRecord]) -> Vec<Curve> {
    let mut curves = vec![
        Curve {
            name: "training, mean during the epoch",
            colour: BLUE,
            values: history.iter().map(|epoch| epoch.train_loss).collect(),
        },
        Curve {
            name: "test",
            colour: VERMILION,
            values: history
                .iter()
                .map(|epoch| epoch.test.error(reconstruction))
                .collect(),
        },
    ];
    let validation: Vec<f64> = history
        .iter()
        .filter_map(|epoch| Some(epoch.validation.as_ref()?.error(reconstruction)))
        .collect();
    if validation.len() == history.len() {
        curves.push(Curve {
            name: "validation",
            colour: GREEN,
            values: validation,
        });
    }
    curves
}

fn description(reconstruction: Reconstruction) -> &'static str {
    match reconstruction {
        Reconstruction::BinaryCrossEntropy => "binary cross-entropy, nats per pixel",
        Reconstruction::MeanSquaredError => "squared error per pixel",
        Reconstruction::SquaredError => "squared error per image",
    }
}
