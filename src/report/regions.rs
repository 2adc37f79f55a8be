//! Where in the plane a classifier sees which class.

use std::path::Path;

use plotters::prelude::*;

use super::drawing::{self, FAINT, INK, PictureError, class_colour};
use crate::data::PointSet;

/// Cells along each side of the plane.
const CELLS: usize = 180;
/// The plane shown: this far from the centre in each direction.
pub const REACH: f32 = 1.25;
const SIZE: (u32, u32) = (900, 960);
/// How much of a class's colour its region has where it is certain.
const TINT: f64 = 0.55;

/// What the picture shows.
pub struct RegionsPicture<'a> {
    pub title: &'a str,
    /// The probability of each class in each of the [`cells`], `[cells, classes]` row-major.
    pub probabilities: &'a [f64],
    pub points: &'a PointSet,
}

/// The centres of the plane's cells, row by row from below: `[cells, 2]`.
pub fn cells() -> Vec<f32> {
    let centre = |index: usize| REACH * (2.0 * (index as f32 + 0.5) / CELLS as f32 - 1.0);
    let rows = (0..CELLS).flat_map(|row| (0..CELLS).map(move |column| (column, row)));
    rows.flat_map(|(column, row)| [centre(column), centre(row)])
        .collect()
}

/// Draws each cell in the colours of its classes, as much of each as it is probable, and the points
/// on top, each in the colour of its own.
///
/// # Errors
/// The file cannot be written.
pub fn regions(path: &Path, picture: &RegionsPicture<'_>) -> Result<(), PictureError> {
    let classes = picture.probabilities.len() / (CELLS * CELLS);
    let side = f64::from(2.0 * REACH) / CELLS as f64;
    let range = -f64::from(REACH)..f64::from(REACH);
    drawing::save(path, SIZE, |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let mut chart = ChartBuilder::on(area)
                .margin(24)
                .caption(
                    picture.title,
                    drawing::title(picture.title, 24, SIZE.0 as usize - 48),
                )
                .x_label_area_size(44)
                .y_label_area_size(64)
                .build_cartesian_2d(range.clone(), range)?;
            let all = picture.probabilities.chunks_exact(classes);
            chart.draw_series(all.enumerate().map(|(cell, probabilities)| {
                let (column, row) = (cell % CELLS, cell / CELLS);
                let corner = |index| side * index as f64 - f64::from(REACH);
                let (left, low) = (corner(column), corner(row));
                let corners = [(left, low), (left + side, low + side)];
                Rectangle::new(corners, mixture(probabilities).filled())
            }))?;
            chart
                .configure_mesh()
                .disable_mesh()
                .axis_style(FAINT)
                .x_labels(5)
                .y_labels(5)
                .label_style(drawing::font(18, INK))
                .draw()?;
            let each = picture.points.coordinates().chunks_exact(2);
            for (point, &class) in each.zip(picture.points.classes()) {
                let at = (f64::from(point[0]), f64::from(point[1]));
                let colour = class_colour(class as usize).filled();
                chart.draw_series([
                    Circle::new(at, 5, WHITE.filled()),
                    Circle::new(at, 4, colour),
                ])?;
            }
            Ok(())
        };
        draw().map_err(|error| error.to_string())
    })
}

/// The colours of the classes on white, each as strong as its class is probable.
fn mixture(probabilities: &[f64]) -> RGBColor {
    let channel = |pick: fn(RGBColor) -> u8| {
        let each = probabilities.iter().enumerate();
        let mixed: f64 = each
            .map(|(class, probability)| probability * f64::from(pick(class_colour(class))))
            .sum();
        (255.0 + TINT * (mixed - 255.0)).round() as u8
    };
    RGBColor(channel(|c| c.0), channel(|c| c.1), channel(|c| c.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SERIES_COLOURS;

    #[test]
    fn certainty_is_strong_and_doubt_lies_between() {
        let sure = mixture(&[1.0, 0.0]);
        let RGBColor(r, ..) = SERIES_COLOURS[0];
        assert_eq!(
            sure.0,
            (255.0 + TINT * (f64::from(r) - 255.0)).round() as u8
        );
        let other = mixture(&[0.0, 1.0]);
        let doubt = mixture(&[0.5, 0.5]);
        let between = (f64::from(sure.0) + f64::from(other.0)) / 2.0;
        assert!((f64::from(doubt.0) - between).abs() <= 1.0);
    }

    #[test]
    fn cells_cover_the_plane_evenly_around_its_centre() {
        let cells = cells();
        assert_eq!(cells.len(), 2 * CELLS * CELLS);
        assert!(cells.iter().sum::<f32>().abs() < 1e-1);
        assert!(cells[0] == cells[1] && cells[0] > -REACH && cells[0] < -REACH + 0.02);
        assert!(
            cells[2] > cells[0] && cells[3] == cells[1],
            "columns go first"
        );
    }
}
