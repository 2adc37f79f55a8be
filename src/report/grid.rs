//! Images side by side.

use std::path::Path;

use super::drawing::{self, FAINT, PictureError, Thumbnail};
use crate::data::Shape;

const MARGIN: usize = 24;
const TITLE_HEIGHT: usize = 44;
const NOTE_HEIGHT: usize = 32;
/// So that the title has room.
const LEAST_WIDTH: usize = 640;

/// Images of one size in rows of `columns`.
pub struct Grid<'a> {
    pub title: &'a str,
    /// What the images are, under the title.
    pub note: &'a str,
    /// In [0, 1], `[images, height, width, channels]` row-major.
    pub pixels: &'a [f32],
    pub shape: Shape,
    pub columns: usize,
    /// Side of an image on the picture, about, in pixels.
    pub side: usize,
    /// White between images, in pixels.
    pub gap: usize,
}

/// Draws the grid.
///
/// # Errors
/// The file cannot be written.
pub fn grid(path: &Path, grid: &Grid<'_>) -> Result<(), PictureError> {
    let images = grid.pixels.len() / grid.shape.size();
    let thumbnail = Thumbnail::new(grid.shape, grid.side);
    let (cell_height, cell_width) = thumbnail.size();
    let (cell_height, cell_width) = (cell_height + grid.gap, cell_width + grid.gap);
    let columns = grid.columns.min(images).max(1);
    let rows = images.div_ceil(columns);
    let above = MARGIN + TITLE_HEIGHT + NOTE_HEIGHT;
    let size = (
        (2 * MARGIN + columns * cell_width - grid.gap).max(LEAST_WIDTH),
        above + rows * cell_height - grid.gap + MARGIN,
    );
    drawing::save(path, (size.0 as u32, size.1 as u32), |area| {
        let draw = || -> Result<(), drawing::DrawError<'_>> {
            let left = MARGIN as i32;
            let title = drawing::title(grid.title, 22, size.0 - 2 * MARGIN);
            area.draw_text(grid.title, &title, (left, left))?;
            let note_top = (MARGIN + TITLE_HEIGHT - 8) as i32;
            area.draw_text(grid.note, &drawing::font(18, FAINT), (left, note_top))?;
            let all = grid.pixels.chunks_exact(grid.shape.size());
            for (index, pixels) in all.enumerate() {
                let left = MARGIN + index % columns * cell_width;
                let top = above + index / columns * cell_height;
                thumbnail.draw(area, pixels, (left, top))?;
            }
            Ok(())
        };
        draw().map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two and one of one, told apart by their greys.
    #[test]
    fn images_stand_in_rows_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("grid.png");
        let pixels = [0.0, 0.2, 0.4, 0.6, 0.8];
        let picture = Grid {
            title: "",
            note: "",
            pixels: &pixels,
            shape: Shape::grey(1, 1),
            columns: 2,
            side: 10,
            gap: 3,
        };
        grid(&path, &picture).unwrap();
        let drawn = image::open(&path).unwrap().into_rgb8();
        let above = MARGIN + TITLE_HEIGHT + NOTE_HEIGHT;
        for (index, pixel) in pixels.iter().enumerate() {
            let (x, y) = (MARGIN + index % 2 * 13, above + index / 2 * 13);
            let grey = (pixel * 255.0f32).round() as u8;
            assert_eq!(drawn.get_pixel(x as u32 + 9, y as u32 + 9).0, [grey; 3]);
            assert_eq!(drawn.get_pixel(x as u32 + 10, y as u32).0, [255; 3]);
        }
    }
}
