//! Images above their reconstructions.

use std::path::Path;

use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::drawing::{self, FAINT, PictureError, Thumbnail};
use crate::data::Shape;

/// One row of the picture: its label, and as many images as the other rows have.
pub struct Row<'a> {
    pub label: &'a str,
    /// Pixels in [0, 1], `[images, height, width, channels]` row-major.
    pub pixels: &'a [f32],
}

/// Side of an image on the picture, about, in pixels.
const IMAGE_SIDE: usize = 112;
const IMAGES_PER_LINE: usize = 10;
/// So that the title has room above a single image.
const LEAST_COLUMNS: usize = 4;
const GAP: usize = 8;
const MARGIN: usize = 24;
const LEAST_LABELS_WIDTH: usize = 150;
const LABEL_HEIGHT: u32 = 18;
const LABEL_GAP: usize = 16;
const TITLE_HEIGHT: usize = 44;
const LINE_GAP: usize = 24;

/// Draws the rows under each other, ten images to a line.
///
/// # Errors
/// The file cannot be written.
pub fn reconstructions(
    path: &Path,
    title: &str,
    rows: &[Row<'_>],
    shape: Shape,
) -> Result<(), PictureError> {
    let images = rows
        .first()
        .map_or(0, |row| row.pixels.len() / shape.size());
    let thumbnail = Thumbnail::new(shape, IMAGE_SIDE);
    let (shown_height, shown_width) = thumbnail.size();
    let (cell_height, cell_width) = (shown_height + GAP, shown_width + GAP);
    let widest = rows
        .iter()
        .map(|row| drawing::width(row.label, LABEL_HEIGHT));
    let labels_width = widest.max().map_or(0, |widest| widest + LABEL_GAP);
    let labels_width = labels_width.max(LEAST_LABELS_WIDTH);
    let lines = images.div_ceil(IMAGES_PER_LINE);
    let line_height = rows.len() * cell_height + LINE_GAP;
    let columns = images.clamp(LEAST_COLUMNS, IMAGES_PER_LINE);
    let size = (
        2 * MARGIN + labels_width + columns * cell_width - GAP,
        2 * MARGIN + TITLE_HEIGHT + lines * line_height - LINE_GAP - GAP,
    );
    drawing::save(path, (size.0 as u32, size.1 as u32), |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let style = drawing::title(title, 22, size.0 - 2 * MARGIN);
            area.draw_text(title, &style, (MARGIN as i32, MARGIN as i32))?;
            for line in 0..lines {
                for (index, row) in rows.iter().enumerate() {
                    let top = MARGIN + TITLE_HEIGHT + line * line_height + index * cell_height;
                    let middle = (top + shown_height / 2) as i32;
                    let label =
                        drawing::font(LABEL_HEIGHT, FAINT).pos(Pos::new(HPos::Left, VPos::Center));
                    area.draw_text(row.label, &label, (MARGIN as i32, middle))?;
                    let first = line * IMAGES_PER_LINE;
                    let shown = row.pixels.chunks_exact(shape.size());
                    for (column, pixels) in shown.skip(first).take(IMAGES_PER_LINE).enumerate() {
                        let left = MARGIN + labels_width + column * cell_width;
                        thumbnail.draw(area, pixels, (left, top))?;
                    }
                }
            }
            Ok(())
        };
        draw().map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel of every image is a square of its own grey, and gaps stay white.
    #[test]
    fn the_picture_shows_each_pixel_where_it_belongs() {
        let (height, width) = (2, 3);
        let scale = IMAGE_SIDE / width;
        let originals: Vec<f32> = (0..12 * height * width)
            .map(|i| (i % 11) as f32 / 10.0)
            .collect();
        let inverted: Vec<f32> = originals.iter().map(|pixel| 1.0 - pixel).collect();
        let row = |label, pixels| Row { label, pixels };
        let rows = [
            row("original", &originals),
            row("reconstruction", &inverted),
        ];
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("picture.png");
        reconstructions(&path, "title", &rows, Shape::grey(height, width)).unwrap();
        let picture = image::open(&path).unwrap().into_rgb8();

        // Twelve images make two lines of two rows each.
        let line_height = 2 * (height * scale + GAP) + LINE_GAP;
        for (index, row) in rows.iter().enumerate() {
            for (i, pixel) in row.pixels.iter().enumerate() {
                let (number, place) = (i / (height * width), i % (height * width));
                let (line, column) = (number / IMAGES_PER_LINE, number % IMAGES_PER_LINE);
                let left = MARGIN + LEAST_LABELS_WIDTH + column * (width * scale + GAP);
                let top =
                    MARGIN + TITLE_HEIGHT + line * line_height + index * (height * scale + GAP);
                let (x, y) = (left + place % width * scale, top + place / width * scale);
                let grey = (pixel * 255.0).round() as u8;
                for (dx, dy) in [
                    (0, 0),
                    (scale - 1, 0),
                    (0, scale - 1),
                    (scale - 1, scale - 1),
                ] {
                    let found = picture.get_pixel((x + dx) as u32, (y + dy) as u32);
                    assert_eq!(found.0, [grey; 3], "image {number}, pixel {place}");
                }
                if place % width == width - 1 && column + 1 < IMAGES_PER_LINE {
                    let gap = picture.get_pixel((x + scale) as u32, y as u32);
                    assert!(gap.0 == [255; 3] || x + scale >= picture.width() as usize);
                }
            }
        }
        let title = (MARGIN..MARGIN + 24)
            .flat_map(|y| (MARGIN..MARGIN + 60).map(move |x| (x as u32, y as u32)))
            .any(|(x, y)| picture.get_pixel(x, y).0[0] < 100);
        assert!(title, "the title is drawn");
    }
}
