//! Errors against what is paid for them, such as the size of a code.

use std::path::Path;

use plotters::prelude::*;

use super::curves::description;
use super::drawing::{self, FAINT, INK, PictureError, SERIES_COLOURS};

const SIZE: (u32, u32) = (1200, 750);
/// Room around the points, as a share of what lies between them on a logarithmic scale.
const ROOM: f64 = 0.06;
/// The error axis has this share more above, for the legend.
const LEGEND: f64 = 0.35;

/// The points of one method.
pub struct Tradeoff {
    pub name: String,
    /// What is paid and the error, both above 0 where they are to be drawn.
    pub points: Vec<(f64, f64)>,
    /// What is suggested to be paid.
    pub suggested: Option<f64>,
}

/// What the picture shows.
pub struct TradeoffPicture<'a> {
    pub title: &'a str,
    /// What is paid.
    pub key: &'a str,
    /// What the error is, as a metric's name.
    pub metric: &'a str,
    pub curves: &'a [Tradeoff],
}

/// Draws the errors against what is paid, both on logarithmic scales, with a ring around what is suggested.
///
/// # Errors
/// No point can be drawn, or the file cannot be written.
pub fn tradeoff(path: &Path, picture: &TradeoffPicture<'_>) -> Result<(), PictureError> {
    let can_be_drawn = |(x, y): &&(f64, f64)| {
        let fits = |value: f64| value.is_finite() && value > 1e-30 && value < 1e30;
        fits(*x) && fits(*y)
    };
    let points = || {
        let all = picture.curves.iter().flat_map(|curve| &curve.points);
        all.filter(can_be_drawn)
    };
    if points().next().is_none() {
        return Err(PictureError::Failed {
            path: path.to_owned(),
            message: "there is no point with both numbers above 0 to draw".into(),
        });
    }
    let (left, right) = range(points().map(|(x, _)| *x), 0.0);
    let (lower, upper) = range(points().map(|(_, y)| *y), LEGEND);
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
                .y_label_area_size(112)
                .build_cartesian_2d((left..right).log_scale(), (lower..upper).log_scale())?;
            let mut ticks: Vec<f64> = points().map(|(x, _)| *x).collect();
            ticks.sort_by(f64::total_cmp);
            ticks.dedup();
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(WHITE)
                .bold_line_style(BLACK.mix(0.12))
                .axis_style(FAINT)
                // The points' own places are written below; those of a scale mean nothing.
                .x_label_formatter(&|_| String::new())
                .y_labels(10)
                .y_label_formatter(&|error| plain(*error))
                .label_style(drawing::font(20, INK))
                .axis_desc_style(drawing::font(22, INK))
                .x_desc(format!("{}, logarithmic", picture.key))
                .y_desc(format!("test {}, logarithmic", description(picture.metric)))
                .draw()?;
            let bottom = chart.plotting_area().get_pixel_range().1.end;
            for tick in ticks {
                let (x, _) = chart.backend_coord(&(tick, lower));
                let text = format!("{tick}");
                let style = drawing::font(20, INK);
                let half = drawing::width(&text, 20) as i32 / 2;
                area.draw_text(&text, &style, (x - half, bottom + 8))?;
            }
            for (curve, colour) in picture.curves.iter().zip(SERIES_COLOURS.iter().cycle()) {
                let drawn: Vec<(f64, f64)> =
                    curve.points.iter().filter(can_be_drawn).copied().collect();
                let style = colour.stroke_width(3);
                let label = match curve.suggested {
                    None => curve.name.clone(),
                    Some(suggested) => format!("{} (suggested: {suggested})", curve.name),
                };
                chart
                    .draw_series(
                        drawn
                            .windows(2)
                            .map(|pair| PathElement::new(pair.to_vec(), style)),
                    )?
                    .label(label)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 28, y)], style));
                chart.draw_series(
                    drawn
                        .iter()
                        .map(|&point| Circle::new(point, 5, colour.filled())),
                )?;
                let ringed = drawn.iter().filter(|(x, _)| Some(*x) == curve.suggested);
                chart.draw_series(ringed.map(|&point| Circle::new(point, 11, style)))?;
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
        draw().map_err(|error| error.to_string())
    })
}

/// A number without the zeros behind it.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What lies around values on a logarithmic scale, with `more` above.
fn range(values: impl Iterator<Item = f64> + Clone, more: f64) -> (f64, f64) {
    let least = values.clone().fold(f64::INFINITY, f64::min).ln();
    let most = values.fold(f64::NEG_INFINITY, f64::max).ln();
    let between = (most - least).max(0.1);
    let room = ROOM * between;
    ((least - room).exp(), (most + room + more * between).exp())
}
