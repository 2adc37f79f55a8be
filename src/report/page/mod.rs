//! One HTML file of a run with its network inside: what happened, and something to play with.

mod picture;
mod play;
mod precision;
mod script;
mod view;

use serde_json::{Map, Value};
use thiserror::Error;

use play::MOST_POINTS;
pub use precision::Precision;

use crate::config::Config;
use crate::data::{ImageSet, PointSet};
use crate::evaluate::{Answers, ByImage, Confusion, Plane};
use crate::model::{PortableCodec, PortableLayer, Stage, run_stages};
use precision::largest_difference;

/// What a page is made of.
#[derive(Debug)]
pub struct Page<'a> {
    pub config: &'a Config,
    /// What `summary.json` says.
    pub summary: &'a Value,
    pub training_examples: usize,
    /// What `metrics.jsonl` says.
    pub history: &'a [Map<String, Value>],
    pub precision: Precision,
    pub subject: Subject<'a>,
}

/// What the network is about.
#[derive(Debug)]
pub enum Subject<'a> {
    Images(Box<ImageSubject<'a>>),
    Points(PointSubject<'a>),
}

/// A network that encodes and decodes images.
#[derive(Debug)]
pub struct ImageSubject<'a> {
    pub network: PortableCodec,
    /// The least and the greatest value that a code element can have.
    pub code_range: (f32, f32),
    /// The test images.
    pub images: &'a ImageSet,
    pub by_image: ByImage,
    /// Of images to play with, their places among the test images.
    pub digits: Vec<usize>,
    /// What the network answers to the first of them: the page must answer the same.
    pub answers: Answers,
    pub exhibits: Vec<Exhibit>,
    pub look_alikes: Option<LookAlikes>,
    pub plane: Option<Plane>,
    /// What drawing the mean training image each time would come to: binary cross-entropy in nats and squared error,
    /// per pixel.
    pub mean_image: (f64, f64),
    /// The least binary cross-entropy possible, in nats per pixel: the entropy of the grey pixels.
    pub entropy: f64,
}

/// Test images above their reconstructions.
#[derive(Debug)]
pub struct Exhibit {
    pub title: &'static str,
    /// Their places among the test images.
    pub indices: Vec<usize>,
    /// What the network saw, where noise was on it: `[images, pixels]` row-major.
    pub corrupted: Option<Vec<f32>>,
    /// `[images, pixels]`, row-major.
    pub reconstructed: Vec<f32>,
}

/// Which classes the training images have whose codes are nearest to those of test images.
#[derive(Debug)]
pub struct LookAlikes {
    /// Votes for each image.
    pub neighbours: usize,
    /// Training images that were asked.
    pub asked: usize,
    /// The share of the test images that are found to be of their class.
    pub share_right: f64,
    /// None where there are too many classes for a table.
    pub confusion: Option<Confusion>,
}

/// A network that classifies points of the plane.
#[derive(Debug)]
pub struct PointSubject<'a> {
    pub layers: Vec<PortableLayer>,
    pub train: &'a PointSet,
    pub test: &'a PointSet,
    pub classes: usize,
    /// Points whose probabilities the page must find: `[points, 2]`, row-major.
    pub vectors: Vec<f32>,
    /// `[points, classes]`, row-major.
    pub probabilities: Vec<f64>,
}

impl ImageSubject<'_> {
    fn code_size(&self) -> usize {
        self.by_image.codes.len() / self.images.count()
    }

    /// The plane of codes and what of it is shown, along each axis, if there is one: it must lie in the code space, and
    /// the codes not on a line.
    fn map_plane(&self) -> Option<(&Plane, [[f64; 2]; 2])> {
        let plane = self.plane.as_ref().filter(|plane| plane.basis.is_some())?;
        let points = &plane.points[..plane.points.len().min(MOST_POINTS)];
        let bounds = |axis: usize| {
            let values = || points.iter().map(|point| point[axis]);
            let least = values().fold(f64::INFINITY, f64::min);
            let most = values().fold(f64::NEG_INFINITY, f64::max);
            let room = 0.05 * (most - least);
            (room > 0.0).then_some([least - room, most + room])
        };
        Some((plane, [bounds(0)?, bounds(1)?]))
    }

    fn rounding(&self, precision: Precision) -> f64 {
        let network = precision.rounded_codec(&self.network);
        let (pixels, code_size) = (self.images.pixels_per_image(), self.code_size());
        let codes = self.answers.codes.chunks_exact(code_size);
        let outputs = self.answers.outputs.chunks_exact(pixels);
        let each = self.digits.iter().zip(codes.zip(outputs));
        each.map(|(&index, (code, output))| {
            let image = self.images.image(index).into_iter();
            let image: Vec<f64> = image.map(f64::from).collect();
            let (_, found) = run_stages(&network.encoder, &image);
            let (_, drawn) = run_stages(&network.decoder, &found);
            largest_difference(&found, code).max(largest_difference(&drawn, output))
        })
        .fold(0.0, f64::max)
    }
}

impl PointSubject<'_> {
    fn rounding(&self, precision: Precision) -> f64 {
        let layers: Vec<Stage> = self.layers.iter().cloned().map(Stage::Dense).collect();
        let layers = precision.rounded_stages(&layers);
        let points = self.vectors.chunks_exact(2);
        let each = points.zip(self.probabilities.chunks_exact(self.classes));
        each.map(|(point, expected)| {
            let point: Vec<f64> = point.iter().copied().map(f64::from).collect();
            let (logits, _) = run_stages(&layers, &point);
            let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let exponentials: Vec<f64> = logits
                .iter()
                .map(|logit| (logit - greatest).exp())
                .collect();
            let sum: f64 = exponentials.iter().sum();
            let found: Vec<f64> = exponentials
                .iter()
                .map(|exponential| exponential / sum)
                .collect();
            let expected: Vec<f32> = expected
                .iter()
                .map(|&probability| probability as f32)
                .collect();
            largest_difference(&found, &expected)
        })
        .fold(0.0, f64::max)
    }
}

/// Weights that are too coarse for their network.
#[derive(Debug, Error)]
#[error(
    "with {} weights the page's network would be {difference:.1e} from the trained one, more than {:.0e}",
    precision.name(),
    tolerance
)]
pub struct TooCoarse {
    precision: Precision,
    difference: f64,
    tolerance: f64,
}

impl TooCoarse {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self.precision {
            Precision::F16 => "leave --weights out, or give --weights f32",
            Precision::F32 => {
                "its numbers may be too large or not finite; `hourglass evaluate` says what they are like"
            }
        }
    }
}

/// The most that the trained network's own sums may be off for a page to be made of it.
const MOST_OFF: f64 = 1e-3;

/// Numbers of a network that a page can hold in single precision: 1.4 MB of base64.
const MOST_EXACT: usize = 260_000;

impl Subject<'_> {
    /// How the weights are written where nothing else is asked for: exactly, unless there are many and rounding hardly
    /// changes what the network gives.
    pub fn suiting_precision(&self) -> Precision {
        let is_small = self.numbers() <= MOST_EXACT;
        match is_small || self.check_rounding(Precision::F16).is_err() {
            true => Precision::F32,
            false => Precision::F16,
        }
    }

    /// Whether the network with such weights is the trained one but for rounding.
    ///
    /// # Errors
    /// It is not.
    pub fn check_rounding(&self, precision: Precision) -> Result<(), TooCoarse> {
        let (difference, tolerance) = (self.rounding(precision), self.tolerance(precision));
        match difference <= tolerance {
            true => Ok(()),
            false => Err(TooCoarse {
                precision,
                difference,
                tolerance,
            }),
        }
    }

    /// The largest difference from the trained network that the page takes for rounding. Where the trained network's own
    /// sums, in single precision, are further than that from exact ones, a page with all of its weights may be too.
    fn tolerance(&self, precision: Precision) -> f64 {
        match precision {
            Precision::F16 => precision.tolerance(),
            Precision::F32 => {
                let own = 1.5 * self.rounding(precision);
                precision.tolerance().max(own.min(MOST_OFF))
            }
        }
    }

    /// How far the network with rounded weights and exact sums is from the trained one, over the test vectors.
    fn rounding(&self, precision: Precision) -> f64 {
        match self {
            Self::Images(images) => images.rounding(precision),
            Self::Points(points) => points.rounding(precision),
        }
    }

    /// The number of classes, 0 where there are none.
    fn classes(&self) -> usize {
        match self {
            Self::Images(images) => {
                let greatest = images.images.labels().into_iter().flatten().max();
                greatest.map_or(0, |&class| class as usize + 1)
            }
            Self::Points(points) => points.classes,
        }
    }

    /// The number of test vectors.
    fn vectors(&self) -> usize {
        match self {
            Self::Images(images) => images.answers.codes.len() / images.code_size(),
            Self::Points(points) => points.vectors.len() / 2,
        }
    }

    /// Numbers that the network consists of.
    fn numbers(&self) -> usize {
        let layer = |layer: &PortableLayer| layer.weight.len() + layer.bias.len();
        match self {
            Self::Images(images) => {
                let stages = images.network.encoder.iter().chain(&images.network.decoder);
                stages
                    .map(|stage| match stage {
                        Stage::Dense(dense) => layer(dense),
                        Stage::FoldIn(fold_in) => fold_in.topics.len(),
                    })
                    .sum()
            }
            Self::Points(points) => points.layers.iter().map(layer).sum(),
        }
    }
}

impl Page<'_> {
    /// The page as HTML.
    pub fn render(&self) -> String {
        view::render(self)
    }
}
