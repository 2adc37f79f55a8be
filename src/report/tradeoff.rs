//! Errors against what is paid for them, such as the size of a code.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::drawing::{self, FAINT, INK, PictureError, SERIES_COLOURS};
use super::metrics::description;

const SIZE: (u32, u32) = (1200, 750);
/// Room around the points, as a share of what lies between them.
const ROOM: f64 = 0.06;
/// The error axis has this share more above, for the legend.
const LEGEND: f64 = 0.35;
const LABEL_HEIGHT: u32 = 20;
/// Lines across the picture, about.
const TICKS: f64 = 7.0;

/// The points of one method.
pub struct Tradeoff {
    pub name: String,
    /// What is paid, in its order, and the error.
    pub points: Vec<(String, f64)>,
    /// What is suggested to be paid.
    pub suggested: Option<String>,
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

/// Draws the errors against what is paid, whose values stand evenly spaced, with a ring around what is suggested. The
/// errors are on a logarithmic scale where all of them are above 0.
///
/// # Errors
/// No error is finite, or the file cannot be written.
pub fn tradeoff(path: &Path, picture: &TradeoffPicture<'_>) -> Result<(), PictureError> {
    let mut values: Vec<&str> = Vec::new();
    for (value, _) in picture.curves.iter().flat_map(|curve| &curve.points) {
        if !values.contains(&value.as_str()) {
            values.push(value);
        }
    }
    let errors = || {
        let all = picture.curves.iter().flat_map(|curve| &curve.points);
        all.map(|(_, error)| *error)
            .filter(|error| can_be_drawn(*error))
    };
    if errors().next().is_none() {
        return Err(PictureError::Failed {
            path: path.to_owned(),
            message: "there is no finite error to draw".into(),
        });
    }
    let scale = Scale::of(&errors().collect::<Vec<_>>());
    let ends = (
        -ROOM * values.len() as f64,
        values.len() as f64 - 1.0 + ROOM * values.len() as f64,
    );
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
                .y_label_area_size(120)
                .build_cartesian_2d(ends.0..ends.1, scale.lower..scale.upper)?;
            let words = match scale.is_logarithmic {
                true => ", logarithmic",
                false => "",
            };
            // Lines and labels are drawn below: the library's would stand where no value is.
            chart
                .configure_mesh()
                .disable_mesh()
                .set_all_tick_mark_size(0)
                .axis_style(FAINT)
                .x_label_formatter(&|_| String::new())
                .y_label_formatter(&|_| String::new())
                .label_style(drawing::font(LABEL_HEIGHT, INK))
                .axis_desc_style(drawing::font(22, INK))
                .x_desc(picture.key)
                .y_desc(format!("test {}{words}", description(picture.metric)))
                .draw()?;
            for (place, text) in scale.ticks() {
                let line = [(ends.0, place), (ends.1, place)];
                chart.draw_series([PathElement::new(line, BLACK.mix(0.12))])?;
                let (x, y) = chart.backend_coord(&(ends.0, place));
                let beside = Pos::new(HPos::Right, VPos::Center);
                let label = drawing::font(LABEL_HEIGHT, INK).pos(beside);
                area.draw_text(&text, &label, (x - 10, y))?;
            }
            for (index, value) in values.iter().enumerate() {
                let (x, y) = chart.backend_coord(&(index as f64, scale.lower));
                let below = Pos::new(HPos::Center, VPos::Top);
                let label = drawing::font(LABEL_HEIGHT, INK).pos(below);
                area.draw_text(value, &label, (x, y + 10))?;
            }
            for (curve, colour) in picture.curves.iter().zip(SERIES_COLOURS.iter().cycle()) {
                let at = |value: &str| values.iter().position(|known| *known == value);
                let points = curve
                    .points
                    .iter()
                    .filter(|(_, error)| can_be_drawn(*error));
                let drawn: Vec<(f64, f64)> = points
                    .clone()
                    .filter_map(|(value, error)| Some((at(value)? as f64, scale.at(*error))))
                    .collect();
                let style = colour.stroke_width(3);
                let label = match &curve.suggested {
                    None => curve.name.clone(),
                    Some(suggested) => format!("{} (suggested: {suggested})", curve.name),
                };
                let lines = drawn
                    .windows(2)
                    .map(|pair| PathElement::new(pair.to_vec(), style));
                chart
                    .draw_series(lines)?
                    .label(label)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 28, y)], style));
                let dots = drawn
                    .iter()
                    .map(|&point| Circle::new(point, 5, colour.filled()));
                chart.draw_series(dots)?;
                let ringed = points.zip(&drawn);
                let ringed =
                    ringed.filter(|((value, _), _)| Some(value) == curve.suggested.as_ref());
                chart.draw_series(ringed.map(|(_, &point)| Circle::new(point, 11, style)))?;
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

/// Beyond these, axes have no steps.
fn can_be_drawn(error: f64) -> bool {
    error.abs() < 1e30 && (error == 0.0 || error.abs() > 1e-30)
}

/// Where errors stand on the picture.
#[derive(Debug)]
struct Scale {
    is_logarithmic: bool,
    lower: f64,
    upper: f64,
}

impl Scale {
    fn of(errors: &[f64]) -> Self {
        let is_logarithmic = errors.iter().all(|error| *error > 0.0);
        let scale = Self {
            is_logarithmic,
            lower: 0.0,
            upper: 0.0,
        };
        let places = || errors.iter().map(|error| scale.at(*error));
        let least = places().fold(f64::INFINITY, f64::min);
        let most = places().fold(f64::NEG_INFINITY, f64::max);
        let between = match most > least {
            true => most - least,
            false => 0.1 * most.abs().max(1e-3),
        };
        Self {
            is_logarithmic,
            lower: least - ROOM * between,
            upper: most + (ROOM + LEGEND) * between,
        }
    }

    fn at(&self, error: f64) -> f64 {
        match self.is_logarithmic {
            true => error.ln(),
            false => error,
        }
    }

    /// Round errors across the picture, where they stand and what they are.
    fn ticks(&self) -> Vec<(f64, String)> {
        let within = |place: &f64| (self.lower..=self.upper).contains(place);
        let mut ticks: Vec<f64> = Vec::new();
        match self.is_logarithmic {
            true => {
                let decades = (self.lower / 10f64.ln()).floor() as i32
                    ..=(self.upper / 10f64.ln()).ceil() as i32;
                let wide = decades.clone().count() > 4;
                let factors: &[f64] = if wide {
                    &[1.0]
                } else {
                    &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]
                };
                for decade in decades {
                    ticks.extend(factors.iter().map(|factor| factor * 10f64.powi(decade)));
                }
            }
            false => {
                let rough = (self.upper - self.lower) / TICKS;
                let decade = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
                let step = step
                    .into_iter()
                    .find(|step| *step >= rough)
                    .unwrap_or(rough);
                let first = (self.lower / step).ceil() as i64;
                let last = (self.upper / step).floor() as i64;
                ticks.extend((first..=last).map(|index| index as f64 * step));
            }
        }
        let placed = ticks
            .into_iter()
            .map(|error| (self.at(error), plain(error)));
        placed.filter(|(place, _)| within(place)).collect()
    }
}

/// A number without the zeros behind it.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_errors_within_the_picture() {
        let texts = |errors: &[f64]| {
            let scale = Scale::of(errors);
            let ticks = scale.ticks();
            assert!(
                ticks
                    .iter()
                    .all(|(place, _)| (scale.lower..=scale.upper).contains(place))
            );
            ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts(&[0.01, 0.03]), ["0.01", "0.015", "0.02", "0.03"]);
        let linear = texts(&[-400.0, -100.0]);
        assert!(
            linear.contains(&"-400".to_owned()) && linear.contains(&"0".to_owned()),
            "{linear:?}"
        );
        assert!(!texts(&[0.5, 0.5]).is_empty() && !texts(&[0.0]).is_empty());
    }

    /// A ring stands around what is suggested, further up where the error is greater.
    #[test]
    fn errors_stand_in_the_order_of_what_is_paid() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tradeoff.png");
        let curve = Tradeoff {
            name: "a".into(),
            points: [("0", -1.0), ("relu", -3.0), ("8", f64::NAN)]
                .map(|(value, error)| (value.into(), error))
                .into(),
            suggested: Some("relu".into()),
        };
        let picture = TradeoffPicture {
            title: "",
            key: "k",
            metric: "m",
            curves: &[curve],
        };
        tradeoff(&path, &picture).unwrap();
        let drawn = image::open(&path).unwrap().into_rgb8();
        let RGBColor(r, g, b) = SERIES_COLOURS[0];
        let is_blue = |x: u32, y: u32| drawn.get_pixel(x, y).0 == [r, g, b];
        // The legend stands at the upper right.
        let rows = |columns: std::ops::Range<u32>| {
            let all = (150..SIZE.1).filter(move |&y| columns.clone().any(|x| is_blue(x, y)));
            all.collect::<Vec<_>>()
        };
        let (left, right) = (rows(150..400), rows(500..800));
        assert!(left[0] < right[0], "an error of -1 is above one of -3");
        assert!(!rows(150..800).is_empty());
        let picture = TradeoffPicture {
            curves: &[],
            ..picture
        };
        assert!(tradeoff(&path, &picture).is_err());
    }
}
