//! Errors over the epochs.

use std::path::Path;

use plotters::prelude::*;

use super::drawing::{self, BLUE, FAINT, GREEN, INK, PictureError, VERMILION};
use super::metrics::description;
use crate::evaluate::Direction;
use crate::train::EpochRecord;

/// Room beside the first and last epoch, as a share of the epochs between.
const SIDE: f64 = 0.03;
/// Of the legend, as a share of the plane that curves are drawn in: its width, and the height of a line.
const LEGEND_WIDTH: f64 = 0.6;
const LEGEND_LINE: f64 = 0.046;
const SIZE: (u32, u32) = (1200, 750);
/// Each epoch of a run of so many is marked with a dot.
const MOST_DOTS: usize = 40;

/// One curve.
pub struct Curve {
    pub name: String,
    pub colour: RGBColor,
    pub is_dashed: bool,
    /// By epoch, from the first.
    pub values: Vec<f64>,
}

/// Curves of the same figure.
pub struct CurvesPicture<'a> {
    pub title: &'a str,
    /// What is drawn, as a metric's name.
    pub metric: &'a str,
    pub curves: &'a [Curve],
    /// The least error possible, if it is known.
    pub floor: Option<f64>,
}

/// Far above any error. Axes of what is near the end of what `f64` holds have no steps, and are sought for ever.
const LARGEST: f64 = 1e100;

/// Draws the curves, and the least error possible as a dashed line.
///
/// # Errors
/// The file cannot be written.
pub fn curves(path: &Path, picture: &CurvesPicture<'_>) -> Result<(), PictureError> {
    let curves = picture.curves;
    let values = || {
        let drawn = curves.iter().flat_map(|curve| &curve.values).copied();
        drawn.chain(picture.floor).filter(|value| value.is_finite())
    };
    if let Some(value) = values().find(|value| value.abs() > LARGEST) {
        return Err(PictureError::Failed {
            path: path.to_owned(),
            message: format!("the curves hold a value of {value:e}, too large to draw"),
        });
    }
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(f64::NEG_INFINITY, f64::max);
    let room = 0.08 * (most - least).max(1e-3 * most.abs()).max(1e-9);
    let (mut lower, mut upper) = (least - room, most + room);
    let epochs = curves
        .iter()
        .map(|curve| curve.values.len())
        .max()
        .unwrap_or(0);
    // Curves end where they are best, so the legend keeps away from there.
    // Where one of them would still run below it, the axis grows.
    let beside = curves.iter().flat_map(|curve| {
        let first = (epochs as f64 * (1.0 - LEGEND_WIDTH)) as usize;
        curve.values.iter().skip(first).copied()
    });
    let entries = curves.len() + usize::from(picture.floor.is_some());
    let height = (LEGEND_LINE * (entries + 1) as f64).min(0.6);
    let legend = match Direction::of(picture.metric) {
        Some(Direction::MoreIsBetter) => {
            let lowest = beside.fold(f64::INFINITY, f64::min);
            lower = lower.min((lowest - height * upper) / (1.0 - height));
            SeriesLabelPosition::LowerRight
        }
        _ => {
            let highest = beside.fold(f64::NEG_INFINITY, f64::max);
            upper = upper.max((highest - height * lower) / (1.0 - height));
            SeriesLabelPosition::UpperRight
        }
    };
    let side = (SIDE * epochs as f64).max(0.1);
    let (first, last) = (1.0 - side, epochs as f64 + side);
    drawing::save(path, SIZE, |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let mut chart = ChartBuilder::on(area)
                .margin(24)
                .margin_right(48)
                .caption(
                    picture.title,
                    drawing::title(picture.title, 26, SIZE.0 as usize - 72),
                )
                .x_label_area_size(64)
                .y_label_area_size(104)
                .build_cartesian_2d(first..last, lower..upper)?;
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
                .y_label_formatter(&|error| short(*error))
                .label_style(drawing::font(20, INK))
                .axis_desc_style(drawing::font(22, INK))
                .x_desc("epoch")
                .y_desc(description(picture.metric))
                .draw()?;
            for curve in curves {
                let points = || (1..).map(f64::from).zip(curve.values.iter().copied());
                let style = curve.colour.stroke_width(3);
                let Some(&value) = curve.values.last() else {
                    continue;
                };
                let label = format!("{} ({})", curve.name, short(value));
                match curve.is_dashed {
                    true => chart
                        .draw_series(DashedLineSeries::new(points(), 8, 6, style))?
                        .label(label)
                        .legend(dashed_legend(style)),
                    // One by one: where a curve turns sharply, joined segments would run past its points.
                    false => chart
                        .draw_series(
                            points()
                                .zip(points().skip(1))
                                .map(|(from, to)| PathElement::new([from, to], style)),
                        )?
                        .label(label)
                        .legend(move |(x, y)| PathElement::new([(x, y), (x + 28, y)], style)),
                };
                if epochs <= MOST_DOTS {
                    let dots = points().map(|point| Circle::new(point, 5, curve.colour.filled()));
                    chart.draw_series(dots)?;
                }
            }
            if let Some(floor) = picture.floor {
                let ends = [(first, floor), (last, floor)];
                let style = FAINT.stroke_width(2);
                chart
                    .draw_series(DashedLineSeries::new(ends, 8, 6, style))?
                    .label(format!(
                        "least possible: the test pixels’ entropy ({})",
                        short(floor)
                    ))
                    .legend(dashed_legend(style));
            }
            chart
                .configure_series_labels()
                .position(legend)
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

type Dashes =
    plotters::element::DashedPathElement<<[(i32, i32); 2] as IntoIterator>::IntoIter, i32>;

fn dashed_legend(style: ShapeStyle) -> impl Fn((i32, i32)) -> Dashes {
    move |(x, y)| Dashes::new([(x, y), (x + 28, y)], 8, 6, style)
}

/// The curves of one run: its training error, and what was measured after each epoch.
pub fn curves_of(history: &[EpochRecord], error_metric: &str) -> Vec<Curve> {
    let measured = |name: &str, colour, pick: &dyn Fn(&EpochRecord) -> Option<f64>| Curve {
        name: name.into(),
        colour,
        is_dashed: false,
        values: history.iter().filter_map(pick).collect(),
    };
    let curves = [
        measured("training, mean during the epoch", BLUE, &|epoch| {
            Some(epoch.train_loss)
        }),
        Curve {
            is_dashed: true,
            ..measured("training, after the epoch", BLUE, &|epoch| {
                epoch.training.as_ref()?.get(error_metric)
            })
        },
        measured("test", VERMILION, &|epoch| epoch.test.get(error_metric)),
        measured("validation", GREEN, &|epoch| {
            epoch.validation.as_ref()?.get(error_metric)
        }),
    ];
    curves
        .into_iter()
        .filter(|curve| curve.values.len() == history.len())
        .collect()
}

/// Four digits for what is small, fewer behind the point for what is large.
fn short(value: f64) -> String {
    match value.abs() >= 10.0 {
        true => format!("{value:.2}"),
        false => format!("{value:.4}"),
    }
}
