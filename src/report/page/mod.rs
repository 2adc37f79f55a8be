//! One HTML file of a run with its network inside: what happened, and something to play with.

mod picture;
mod play;
mod scale;
mod script;
mod view;

use serde_json::{Map, Value};

pub use play::Precision;

use crate::config::Config;
use crate::data::{ImageSet, PointSet};
use crate::evaluate::{Answers, ByImage, Plane};
use crate::model::{PortableCodec, PortableLayer, Stage};

/// What a page is made of.
#[derive(Debug)]
pub struct Page<'a> {
    pub config: &'a Config,
    /// What `summary.json` says.
    pub summary: &'a Value,
    pub training_examples: usize,
    /// What `metrics.jsonl` says.
    pub history: &'a [Map<String, Value>],
    /// How the weights are written; what suits their number where none is chosen.
    pub precision: Option<Precision>,
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
    /// `[class][found]`
    pub counts: Vec<Vec<usize>>,
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
}

impl Subject<'_> {
    /// The number of classes, 0 where there are none.
    fn classes(&self) -> usize {
        match self {
            Self::Images(images) => {
                let greatest = images.images.labels().into_iter().flatten().max();
                greatest.map_or(0, |&class| usize::from(class) + 1)
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
