//! How the code is used: its histogram, and what each of its units draws.

use std::path::Path;

use plotters::prelude::*;

use super::drawing::{self, Area, BLUE, FAINT, INK, PictureError, Thumbnail};
use crate::data::Shape;

/// What the picture shows.
pub struct CodePicture<'a> {
    pub title: &'a str,
    /// Every code element of every image.
    pub codes: &'a [f32],
    /// What the decoder draws when one unit alone is on, unit by unit: pixels in [0, 1],
    /// `[units, height, width, channels]` row-major.
    pub on: &'a [f32],
    /// What it draws when all are off, `[height, width, channels]`.
    pub off: &'a [f32],
    pub shape: Shape,
}

const WIDTH: u32 = 1200;
const HISTOGRAM_HEIGHT: u32 = 440;
const BINS: usize = 60;
const MARGIN: usize = 24;
const GAP: usize = 6;
/// Side of a drawing on the picture, about, in pixels.
const DRAWING_SIDE: usize = 64;
const CAPTION_HEIGHT: usize = 40;
/// More units than this are left out of the picture.
pub const MOST_UNITS: usize = 256;

/// Draws a histogram of the code's elements, with the share that is exactly zero in its caption,
/// above the units' drawings.
///
/// # Errors
/// The file cannot be written.
pub fn code(path: &Path, picture: &CodePicture<'_>) -> Result<(), PictureError> {
    let drawing_size = picture.shape.size();
    let units = (picture.on.len() / drawing_size).min(MOST_UNITS);
    let thumbnail = Thumbnail::new(picture.shape, DRAWING_SIDE);
    let (shown_height, shown_width) = thumbnail.size();
    let columns = ((WIDTH as usize - 2 * MARGIN) / (shown_width + GAP)).max(1);
    let lines = units.div_ceil(columns);
    let drawings_height = CAPTION_HEIGHT + lines * (shown_height + GAP) + MARGIN;
    let size = (WIDTH, HISTOGRAM_HEIGHT + drawings_height as u32);
    drawing::save(path, size, |area| {
        let (upper, lower) = area.split_vertically(HISTOGRAM_HEIGHT);
        histogram(&upper, picture).map_err(|error| error.to_string())?;
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let caption = "what each unit adds to a drawing: white more, black less, grey nothing";
            lower.draw_text(caption, &drawing::font(20, INK), (MARGIN as i32, 0))?;
            let shown = picture.on.chunks_exact(drawing_size).take(units);
            for (unit, on) in shown.enumerate() {
                let pixels = &difference(on, picture.off);
                let left = MARGIN + unit % columns * (shown_width + GAP);
                let top = CAPTION_HEIGHT + unit / columns * (shown_height + GAP);
                thumbnail.draw(&lower, pixels, (left, top))?;
            }
            Ok(())
        };
        draw().map_err(|error| error.to_string())
    })
}

/// The difference of two drawings around mid-grey, stretched to the whole range.
pub fn difference(on: &[f32], off: &[f32]) -> Vec<f32> {
    let most = on.iter().zip(off).map(|(on, off)| (on - off).abs());
    let scale = 0.5 / most.fold(f32::MIN_POSITIVE, f32::max);
    let around_grey = |(on, off): (&f32, &f32)| 0.5 + scale * (on - off);
    on.iter().zip(off).map(around_grey).collect()
}

fn histogram<'a>(area: &Area<'a>, picture: &CodePicture<'_>) -> Result<(), drawing::DrawError<'a>> {
    let codes: Vec<f32> = picture
        .codes
        .iter()
        .copied()
        .filter(|x| x.is_finite())
        .collect();
    let zeros = codes.iter().filter(|&&element| element == 0.0).count();
    let share = 100.0 * zeros as f64 / codes.len().max(1) as f64;
    let least = codes.iter().copied().fold(0.0, f32::min);
    let most = codes.iter().copied().fold(0.0, f32::max).max(least + 1e-6);
    let bin_width = f64::from(most - least) / BINS as f64;
    let mut counts = [0usize; BINS];
    for &element in &codes {
        let bin = (f64::from(element - least) / bin_width) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let caption = format!("{}; {share:.1} % of the code is zero", picture.title);
    // One decade below a single element, so that its bar is seen.
    const FLOOR: f64 = 0.5;
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN as i32)
        .caption(
            &caption,
            drawing::title(&caption, 24, WIDTH as usize - 2 * MARGIN),
        )
        .x_label_area_size(56)
        .y_label_area_size(104)
        .build_cartesian_2d(
            f64::from(least)..f64::from(most),
            (FLOOR..highest * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.12))
        .axis_style(FAINT)
        .y_labels(6)
        .label_style(drawing::font(18, INK))
        .axis_desc_style(drawing::font(20, INK))
        .x_desc("value of a code element")
        .y_desc("elements")
        .y_label_formatter(&|count| format!("{count:.0}"))
        .draw()?;
    chart.draw_series(counts.iter().enumerate().map(|(bin, &count)| {
        let left = f64::from(least) + bin as f64 * bin_width;
        let corners = [(left, FLOOR), (left + bin_width, (count as f64).max(FLOOR))];
        Rectangle::new(corners, BLUE.mix(0.8).filled())
    }))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_units_drawing_is_stretched_around_grey_and_a_dead_one_is_grey() {
        assert_eq!(difference(&[0.5, 0.3, 0.4], &[0.4; 3])[2], 0.5);
        let stretched = difference(&[0.6, 0.3, 0.4], &[0.4; 3]);
        assert!((stretched[0] - 1.0).abs() < 1e-6 && (stretched[1] - 0.25).abs() < 1e-6);
        assert_eq!(difference(&[0.4; 3], &[0.4; 3]), [0.5; 3]);
    }
}
