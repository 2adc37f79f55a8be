//! The pictures that each kind of experiment leaves in its run directory.

use std::path::{Path, PathBuf};

use burn::module::Module;

use crate::baselines::Baseline;
use crate::data::{ImageSet, Noise, Shape};
use crate::error::Error;
use crate::evaluate::{
    CodeDistribution, Evaluator, Scope, class_probabilities, entropy_nats_per_pixel,
};
use crate::model::{Classifier, Codec, Variational};
use crate::objective::Reconstruction;
use crate::report::{self, CodePicture, Grid, RegionsPicture, Row};
use crate::run_directory::RunDirectory;
use crate::task::{
    BaselineTask, ClassificationTask, ImageExamples, Measured, ReconstructionTask, Subset,
    VariationalTask,
};

/// Test images in `reconstructions.png`: one of each digit.
pub const SHOWN: usize = 10;
/// Images in `samples.png`.
pub const SAMPLES: usize = 100;
/// Images along each side of `manifold.png`.
pub const MANIFOLD_SIDE: usize = 20;

/// Examples on which networks can be shown.
pub trait Pictures<M: Module>: Measured<M> {
    /// Draws what a trained network makes of the test examples; gives the files.
    fn draw(&self, network: &M, run: &RunDirectory, title: &str) -> Result<Vec<PathBuf>, Error>;

    /// Draws only what is cheap enough for every epoch.
    fn glance(&self, network: &M, run: &RunDirectory, title: &str) -> Result<Vec<PathBuf>, Error>;

    /// The least error that any network can have on the test examples, if that is known.
    fn floor(&self) -> Option<f64>;
}

impl<M: Module + Codec> Pictures<M> for ReconstructionTask {
    fn draw(&self, network: &M, run: &RunDirectory, title: &str) -> Result<Vec<PathBuf>, Error> {
        draw_codec(&self.images, network, run, title)
    }

    fn glance(&self, network: &M, run: &RunDirectory, title: &str) -> Result<Vec<PathBuf>, Error> {
        draw_some(&self.images, network, run, title)
    }

    fn floor(&self) -> Option<f64> {
        (self.reconstruction == Reconstruction::BinaryCrossEntropy)
            .then(|| entropy_nats_per_pixel(&self.images.splits.test))
    }
}

impl Pictures<Variational> for VariationalTask {
    fn draw(
        &self,
        network: &Variational,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        let mut pictures = draw_codec(&self.images, network, run, title)?;
        let test = &self.images.splits.test;
        let space = CodeSpace {
            title,
            evaluator: self.images.evaluator(),
            network,
            codes: &CodeDistribution::Standard {
                code_size: self.code_size,
            },
            shape: test.shape(),
        };
        space.draw_samples(&run.samples(), SAMPLES, self.images.seed)?;
        pictures.push(run.samples());
        if self.code_size == 2 {
            space.draw_manifold(&run.manifold(), MANIFOLD_SIDE)?;
            pictures.push(run.manifold());
        }
        Ok(pictures)
    }

    fn glance(
        &self,
        network: &Variational,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        draw_some(&self.images, network, run, title)
    }

    /// The divergence could vanish, but the entropy of the pixels stays.
    fn floor(&self) -> Option<f64> {
        let test = &self.images.splits.test;
        Some(entropy_nats_per_pixel(test) * test.pixels_per_image() as f64)
    }
}

impl Pictures<Baseline> for BaselineTask {
    fn draw(
        &self,
        network: &Baseline,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        draw_codec(&self.images, network, run, title)
    }

    fn glance(
        &self,
        network: &Baseline,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        draw_some(&self.images, network, run, title)
    }

    fn floor(&self) -> Option<f64> {
        None
    }
}

impl Pictures<Classifier> for ClassificationTask {
    fn draw(
        &self,
        network: &Classifier,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        let figures = self.figures(network, Subset::Test, Scope::Quick)?;
        let accuracy = figures.and_then(|figures| figures.get("accuracy"));
        let picture = RegionsPicture {
            title: &format!(
                "{title}, its training points, its regions; {:.1} % of test points right",
                100.0 * accuracy.unwrap_or_default()
            ),
            probabilities: &class_probabilities(network, &report::cells(), 2, &self.devices[0])?,
            points: &self.points.train,
        };
        report::regions(&run.regions(), &picture)?;
        Ok(vec![run.regions()])
    }

    fn glance(
        &self,
        network: &Classifier,
        run: &RunDirectory,
        title: &str,
    ) -> Result<Vec<PathBuf>, Error> {
        self.draw(network, run, title)
    }

    fn floor(&self) -> Option<f64> {
        None
    }
}

/// Draws reconstructions of some test images, and the code of all of them.
fn draw_codec(
    images: &ImageExamples,
    network: &dyn Codec,
    run: &RunDirectory,
    title: &str,
) -> Result<Vec<PathBuf>, Error> {
    let mut pictures = draw_some(images, network, run, title)?;
    let test = &images.splits.test;
    draw_code(&run.code(), title, &images.evaluator(), network, test)?;
    pictures.push(run.code());
    Ok(pictures)
}

/// Draws reconstructions of some test images.
fn draw_some(
    images: &ImageExamples,
    network: &dyn Codec,
    run: &RunDirectory,
    title: &str,
) -> Result<Vec<PathBuf>, Error> {
    let test = &images.splits.test;
    draw_reconstructions(
        &run.reconstructions(),
        title,
        &images.evaluator(),
        network,
        &test.select(&test.one_of_each_class(SHOWN)),
        images.evaluation_noise().as_ref(),
    )?;
    Ok(vec![run.reconstructions()])
}

/// Draws `images` above their reconstructions by `model`; with `noise`, between them what the
/// network saw.
pub fn draw_reconstructions(
    out: &Path,
    title: &str,
    evaluator: &Evaluator<'_>,
    model: &dyn Codec,
    images: &ImageSet,
    noise: Option<&Noise>,
) -> Result<(), Error> {
    let mut originals = images.all();
    let mut reconstructed = evaluator.reconstruct(model, images, noise)?;
    let corrupted = noise.map(|noise| {
        let mut pixels = originals.clone();
        noise.apply(&mut pixels, &(0..images.count()).collect::<Vec<_>>());
        pixels
    });
    let mut corrupted = corrupted;
    if !images.in_unit_range() {
        // Numbers that are no pixels go from black to white as far as those of the originals reach.
        let (least, greatest) = range(&originals);
        let all = [
            Some(&mut originals),
            Some(&mut reconstructed),
            corrupted.as_mut(),
        ];
        for number in all.into_iter().flatten().flatten() {
            *number = (*number - least) / (greatest - least).max(f32::MIN_POSITIVE);
        }
    }
    let row = |label, pixels| Row { label, pixels };
    let rows = match &corrupted {
        None => vec![
            row("original", &originals),
            row("reconstruction", &reconstructed),
        ],
        Some(corrupted) => vec![
            row("original", &originals),
            row("corrupted", corrupted),
            row("restored", &reconstructed),
        ],
    };
    Ok(report::reconstructions(out, title, &rows, images.shape())?)
}

/// The least and the greatest of some numbers.
fn range(numbers: &[f32]) -> (f32, f32) {
    let bounds = (f32::INFINITY, f32::NEG_INFINITY);
    numbers.iter().fold(bounds, |(least, greatest), &x| {
        (least.min(x), greatest.max(x))
    })
}

/// Draws what the code looks like on `images`, and what each of its units adds to the decoder's drawing.
fn draw_code(
    out: &Path,
    title: &str,
    evaluator: &Evaluator<'_>,
    model: &dyn Codec,
    images: &ImageSet,
) -> Result<(), Error> {
    let units = CodeUnits::of(evaluator.encode(model, images)?, images.count());
    let shown: Vec<usize> = (0..units.count().min(report::MOST_UNITS)).collect();
    let (on, off) = units.draw(evaluator, model, &shown)?;
    let picture = CodePicture {
        title,
        codes: &units.codes,
        on: &on,
        off: &off,
        shape: images.shape(),
    };
    Ok(report::code(out, &picture)?)
}

/// Codes of images, to see what their units do.
pub struct CodeUnits {
    /// `[images, units]`
    codes: Vec<f32>,
    /// The root mean square of each unit.
    rms: Vec<f64>,
}

impl CodeUnits {
    /// Of the codes of so many images.
    pub fn of(codes: Vec<f32>, images: usize) -> Self {
        let units = codes.len() / images;
        let mut rms = vec![0.0; units];
        for code in codes.chunks_exact(units) {
            for (sum, &element) in rms.iter_mut().zip(code) {
                *sum += f64::from(element).powi(2);
            }
        }
        for sum in &mut rms {
            *sum = (*sum / images as f64).sqrt();
        }
        Self { codes, rms }
    }

    fn count(&self) -> usize {
        self.rms.len()
    }

    /// The units of the greatest root mean square, the greatest first.
    pub fn loudest(&self, most: usize) -> Vec<usize> {
        let mut units: Vec<usize> = (0..self.count()).collect();
        units.sort_by(|&a, &b| self.rms[b].total_cmp(&self.rms[a]));
        units.truncate(most);
        units
    }

    /// What the decoder draws when each of `units` alone is on, at its root mean square, and what it draws when all are
    /// off: `[units, pixels]` and `[pixels]`.
    pub fn draw(
        &self,
        evaluator: &Evaluator<'_>,
        model: &dyn Codec,
        units: &[usize],
    ) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let width = self.count();
        let mut alone = vec![0.0; (units.len() + 1) * width];
        for (row, &unit) in units.iter().enumerate() {
            alone[row * width + unit] = self.rms[unit] as f32;
        }
        let mut on = evaluator.decode(model, &alone, width)?;
        let off = on.split_off(on.len() / (units.len() + 1) * units.len());
        Ok((on, off))
    }
}

/// A network's code space, to draw images from.
pub struct CodeSpace<'a> {
    pub title: &'a str,
    pub evaluator: Evaluator<'a>,
    pub network: &'a dyn Codec,
    pub codes: &'a CodeDistribution,
    pub shape: Shape,
}

impl CodeSpace<'_> {
    /// Draws the images of `count` random codes.
    pub fn draw_samples(&self, out: &Path, count: usize, seed: u64) -> Result<(), Error> {
        let note = match self.codes {
            CodeDistribution::Standard { .. } => "codes drawn from the prior, a standard normal",
            CodeDistribution::Fitted(_) => {
                "codes drawn from a normal fitted to the codes of the test images"
            }
        };
        let columns = (count as f64).sqrt().ceil() as usize;
        self.draw_grid(out, note, &self.codes.draw(count, seed), columns, 4)
    }

    /// Draws the images of codes of two units on a grid of `side × side`.
    pub fn draw_manifold(&self, out: &Path, side: usize) -> Result<(), Error> {
        let note =
            "even quantiles of the first code unit from left to right, of the second upwards";
        self.draw_grid(out, note, &self.codes.quantile_grid(side), side, 0)
    }

    fn draw_grid(
        &self,
        out: &Path,
        note: &str,
        codes: &[f32],
        columns: usize,
        gap: usize,
    ) -> Result<(), Error> {
        let code_size = self.codes.code_size();
        let grid = Grid {
            title: self.title,
            note,
            pixels: &self.evaluator.decode(self.network, codes, code_size)?,
            shape: self.shape,
            columns,
            side: 56,
            gap,
        };
        Ok(report::grid(out, &grid)?)
    }
}
