//! `interpolate`: what lies between images in code space.

use std::path::PathBuf;

use super::{open_trained, picture_at};
use crate::apply::Trained;
use crate::cli;
use crate::data::{ImageSet, Pixels};
use crate::error::Error;
use crate::report::{self, Grid};
use crate::run_directory::RunDirectory;

pub fn run(arguments: cli::Interpolate) -> Result<(), Error> {
    let inputs = match &arguments.input[..] {
        [] => None,
        [first, last] => Some([first, last]),
        more => return Err(Error::NotTwoInputs(more.len())),
    };
    let loaded = open_trained(&arguments.run)?;
    let (out, _lock) = loaded.place_for_picture(arguments.out, RunDirectory::interpolation)?;
    let ends = match inputs {
        Some(inputs) => own_ends(&loaded, inputs, &arguments.fitting)?,
        None => {
            let test = loaded.test_images()?;
            let wanted = 2 * usize::from(arguments.rows);
            if test.count() < wanted {
                return Err(Error::TooFewImages {
                    wanted,
                    found: test.count(),
                });
            }
            test.select(&test.one_of_each_class(wanted))
        }
    };
    let steps = usize::from(arguments.steps);
    let evaluator = loaded.evaluator();
    let codes = evaluator.encode(&*loaded.network, &ends)?;
    let code_size = codes.len() / ends.count();
    let between = between(&codes, code_size, steps);
    let decoded = evaluator.decode(&*loaded.network, &between, code_size)?;

    let size = ends.pixels_per_image();
    let mut pixels = Vec::new();
    for (row, decoded) in decoded.chunks_exact(steps * size).enumerate() {
        pixels.extend(ends.image(2 * row));
        pixels.extend_from_slice(decoded);
        pixels.extend(ends.image(2 * row + 1));
    }
    let grid = Grid {
        title: &loaded.config.title(),
        note: "an image, the images of codes from its code to another’s, and the other image",
        pixels: &pixels,
        shape: ends.shape(),
        columns: steps + 2,
        side: 84,
        gap: 6,
    };
    report::grid(&out, &grid)?;
    picture_at(&out, arguments.json)
}

/// The first image of each of two files.
fn own_ends(
    loaded: &Trained,
    inputs: [&PathBuf; 2],
    fitting: &cli::Fitting,
) -> Result<ImageSet, Error> {
    let [first, last] =
        inputs.map(|path| loaded.read_images(std::slice::from_ref(path), fitting, false, 1));
    let (first, last) = (first?, last?);
    let pixels = [first.image(0), last.image(0)].concat();
    Ok(ImageSet::with(first.shape(), Pixels::Numbers(pixels), None))
}

/// `steps` codes on the line from the first of each two codes to the second, both included.
fn between(codes: &[f32], code_size: usize, steps: usize) -> Vec<f32> {
    let mut between = Vec::new();
    for pair in codes.chunks_exact(2 * code_size) {
        let (first, last) = pair.split_at(code_size);
        for step in 0..steps {
            let share = step as f32 / (steps - 1) as f32;
            let elements = first.iter().zip(last);
            between.extend(elements.map(|(first, last)| (1.0 - share) * first + share * last));
        }
    }
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_evenly_from_one_to_the_other() {
        let codes = [0.0, 4.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0];
        let expected = [0.0, 4.0, 1.0, 2.0, 2.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(between(&codes, 2, 3), expected);
    }
}
