//! Codes as points in a plane, coloured by their classes.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::drawing::{self, Area, FAINT, INK, PictureError, class_colour};

/// Side of a plane on the picture, in pixels.
const SIDE: usize = 860;
const MARGIN: usize = 24;
const TITLE_HEIGHT: usize = 44;
const CAPTION_HEIGHT: usize = 36;
const POINT_RADIUS: i32 = 3;
const POINT_OPACITY: f64 = 0.55;
const LABEL_HEIGHT: u32 = 26;
/// More classes than these are not named on the picture.
const MOST_NAMED: usize = 30;

/// One plane of the picture.
pub struct MapPanel<'a> {
    pub caption: &'a str,
    pub points: &'a [[f64; 2]],
}

/// What the picture shows.
pub struct MapPicture<'a> {
    pub title: &'a str,
    pub panels: &'a [MapPanel<'a>],
    /// The class of each point, if known.
    pub classes: Option<&'a [u32]>,
}

/// Draws the planes beside each other, each point in the colour of its class, whose name stands in its middle.
///
/// # Errors
/// The file cannot be written.
pub fn map(path: &Path, picture: &MapPicture<'_>) -> Result<(), PictureError> {
    let panels = picture.panels.len().max(1);
    let size = (
        MARGIN + panels * (SIDE + MARGIN),
        MARGIN + TITLE_HEIGHT + CAPTION_HEIGHT + SIDE + MARGIN,
    );
    drawing::save(path, (size.0 as u32, size.1 as u32), |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let title = drawing::title(picture.title, 24, size.0 - 2 * MARGIN);
            area.draw_text(picture.title, &title, (MARGIN as i32, MARGIN as i32))?;
            for (index, panel) in picture.panels.iter().enumerate() {
                let left = MARGIN + index * (SIDE + MARGIN);
                draw_panel(area, panel, picture.classes, (left, MARGIN + TITLE_HEIGHT))?;
            }
            Ok(())
        };
        draw().map_err(|error| error.to_string())
    })
}

fn draw_panel<'a>(
    area: &Area<'a>,
    panel: &MapPanel<'_>,
    classes: Option<&[u32]>,
    (left, top): (usize, usize),
) -> Result<(), drawing::DrawError<'a>> {
    let caption = drawing::title(panel.caption, 20, SIDE);
    area.draw_text(panel.caption, &caption, (left as i32, top as i32))?;
    let top = top + CAPTION_HEIGHT;
    let frame = [
        (left as i32, top as i32),
        ((left + SIDE) as i32, (top + SIDE) as i32),
    ];
    area.draw(&Rectangle::new(frame, FAINT.stroke_width(1)))?;
    let place = Placement::of(panel.points, (left, top));
    let class = |index: usize| classes.map_or(0, |classes| classes[index]);
    for (index, &point) in panel.points.iter().enumerate() {
        if !point.iter().all(|coordinate| coordinate.is_finite()) {
            continue;
        }
        let style = class_colour(class(index) as usize)
            .mix(POINT_OPACITY)
            .filled();
        area.draw(&Circle::new(place.at(point), POINT_RADIUS, style))?;
    }
    let Some(classes) = classes else {
        return Ok(());
    };
    let mut known: Vec<u32> = classes.to_vec();
    known.sort_unstable();
    known.dedup();
    if known.len() > MOST_NAMED {
        return Ok(());
    }
    for class in known {
        let of_class = panel
            .points
            .iter()
            .zip(classes)
            .filter(|(_, other)| **other == class);
        let own: Vec<[f64; 2]> = of_class
            .map(|(point, _)| *point)
            .filter(|point| point.iter().all(|coordinate| coordinate.is_finite()))
            .collect();
        if own.is_empty() {
            continue;
        }
        let middle = [0, 1].map(|axis| median(own.iter().map(|point| point[axis]).collect()));
        let (x, y) = place.at(middle);
        let text = class.to_string();
        let centred = Pos::new(HPos::Center, VPos::Center);
        // White around the name parts it from the points below.
        for (dx, dy) in [(-2, 0), (2, 0), (0, -2), (0, 2)] {
            let halo = drawing::font(LABEL_HEIGHT, WHITE).pos(centred);
            area.draw_text(&text, &halo, (x + dx, y + dy))?;
        }
        let name = drawing::font(LABEL_HEIGHT, INK).pos(centred);
        area.draw_text(&text, &name, (x, y))?;
    }
    Ok(())
}

/// Where points of a plane are on the picture: both axes to the same scale.
struct Placement {
    middle: [f64; 2],
    scale: f64,
    centre: (f64, f64),
}

impl Placement {
    fn of(points: &[[f64; 2]], (left, top): (usize, usize)) -> Self {
        let range = |axis: usize| {
            let values = points
                .iter()
                .map(|point| point[axis])
                .filter(|x| x.is_finite());
            let least = values.clone().fold(f64::INFINITY, f64::min);
            let most = values.fold(f64::NEG_INFINITY, f64::max);
            match least <= most {
                true => (least, most),
                false => (0.0, 0.0),
            }
        };
        let ranges = [range(0), range(1)];
        let widest = ranges
            .iter()
            .map(|(least, most)| most - least)
            .fold(0.0, f64::max);
        let within = SIDE as f64 - 6.0 * f64::from(POINT_RADIUS);
        Self {
            middle: ranges.map(|(least, most)| (least + most) / 2.0),
            scale: if widest > 0.0 { within / widest } else { 0.0 },
            centre: (
                left as f64 + SIDE as f64 / 2.0,
                top as f64 + SIDE as f64 / 2.0,
            ),
        }
    }

    /// The second axis points upwards.
    fn at(&self, point: [f64; 2]) -> (i32, i32) {
        let x = self.centre.0 + self.scale * (point[0] - self.middle[0]);
        let y = self.centre.1 - self.scale * (point[1] - self.middle[1]);
        (x.round() as i32, y.round() as i32)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four corners, each in the colour of its class, with the second axis upwards.
    #[test]
    fn points_stand_where_they_belong_in_the_colours_of_their_classes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("map.png");
        // Of each class two: its name stands at the greater of both coordinates, away from the first.
        let points = [
            [-1.0, -1.0],
            [0.0, 0.0],
            [1.0, -1.0],
            [0.2, -0.8],
            [-1.0, 1.0],
            [-0.8, 0.2],
            [0.2, 0.8],
            [1.0, 1.0],
        ];
        let panel = MapPanel {
            caption: "",
            points: &points,
        };
        let classes = [0, 0, 1, 1, 2, 2, 3, 3];
        let picture = MapPicture {
            title: "",
            panels: &[panel],
            classes: Some(&classes),
        };
        map(&path, &picture).unwrap();
        let drawn = image::open(&path).unwrap().into_rgb8();
        let place = Placement::of(&points, (MARGIN, MARGIN + TITLE_HEIGHT + CAPTION_HEIGHT));
        let (_, upper) = place.at([0.0, 1.0]);
        let (_, lower) = place.at([0.0, -1.0]);
        assert!(upper < lower);
        for (&point, &class) in points.iter().zip(&classes).step_by(2) {
            let (x, y) = place.at(point);
            let around = (-3..=3).flat_map(|dx| (-3..=3).map(move |dy| (dx, dy)));
            let found = around.map(|(dx, dy)| drawn.get_pixel((x + dx) as u32, (y + dy) as u32).0);
            let RGBColor(r, g, b) = class_colour(class as usize);
            let tinted = |c: u8| 255.0 - POINT_OPACITY * (255.0 - f64::from(c));
            let expected = [tinted(r), tinted(g), tinted(b)];
            let close = |pixel: [u8; 3]| {
                pixel
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| (f64::from(*a) - b).abs() < 3.0)
            };
            assert!(found.into_iter().any(close), "class {class}");
        }
    }

    #[test]
    fn points_that_are_alike_or_not_finite_are_drawn_in_the_middle_or_not_at_all() {
        let place = Placement::of(&[[2.0, 3.0]; 4], (0, 0));
        assert_eq!(place.at([2.0, 3.0]), (SIDE as i32 / 2, SIDE as i32 / 2));
        let place = Placement::of(&[[f64::NAN, 0.0]], (0, 0));
        assert_eq!(place.scale, 0.0);
    }
}
