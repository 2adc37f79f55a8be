//! The same digits through every method, and what units of every code draw.

use super::{Compared, Outputs};
use crate::apply::Trained;
use crate::commands::pictures::{CodeUnits, SHOWN};
use crate::commands::prepare::load_test_images;
use crate::data::ImageSet;
use crate::device;
use crate::error::Error;
use crate::report::{self, Row};
use crate::run_directory::RunDirectory;

/// Draws both pictures, a row for each method that has a run.
pub fn draw(out: &Outputs, name: &str, compared: &[Compared]) -> Result<(), Error> {
    let mut originals: Option<ImageSet> = None;
    let mut restored = Vec::new();
    let mut units = Vec::new();
    for method in compared {
        let Some(path) = method.runs.first() else {
            continue;
        };
        let run = RunDirectory::open(path)?;
        let config = run.config(&[])?;
        let opened = device::open(config.backend)?;
        let trained = Trained::of(run, config, opened)?;
        let (config, network, evaluator) = (&trained.config, &trained.network, trained.evaluator());
        let input_size = trained.input_size;
        let data = config.experiment.images().ok_or(Error::NothingToCompare)?;
        let images = load_test_images(config, data, input_size)?;
        let shown = images.select(&images.one_of_each_class(SHOWN));
        // Methods with images of another size have rows of their own in no picture.
        let first = originals.get_or_insert_with(|| shown.clone());
        if first.shape() != shown.shape() {
            continue;
        }
        let label = format!("{}, K = {}", method.method, method.code_size);
        let pixels = evaluator.reconstruct(&**network, &shown, None)?;
        restored.push((label.clone(), pixels));
        let code = CodeUnits::of(evaluator.encode(&**network, &images)?, images.count());
        let (on, off) = code.draw(&evaluator, &**network, &code.loudest(SHOWN))?;
        let drawings = on.chunks_exact(input_size);
        let drawings = drawings.flat_map(|on| report::difference(on, &off));
        units.push((label, drawings.collect::<Vec<_>>()));
    }
    let Some(shown) = originals else {
        return Ok(());
    };
    restored.insert(0, ("original".to_owned(), shown.all()));
    let picture = |path, title: &str, rows: &[(String, Vec<f32>)]| {
        let row = |(label, pixels)| Row { label, pixels };
        let rows: Vec<Row<'_>> = rows
            .iter()
            .map(|(label, pixels)| row((label, pixels)))
            .collect();
        report::reconstructions(path, title, &rows, shown.shape())
    };
    let title = format!("{name}: the same test images through every code");
    picture(&out.reconstructions, &title, &restored)?;
    let title = format!(
        "{name}: what the {SHOWN} strongest units of each code add; white more, black less, grey nothing"
    );
    picture(&out.units, &title, &units)?;
    Ok(())
}
