//! What the page's script is given: the network, examples to play with, and the answers that it must give.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{ImageSubject, PointSubject, Precision, Subject};
use crate::config::Config;
use crate::data::{Corruption, PointSet, Source};
use crate::evaluate::{Direction, Plane, unit_statistics};
use crate::model::{PortableLayer, Stage};
use crate::report::drawing::class_colour;
use crate::report::log::{EVALUATED_TRAINING, TIMES};
use crate::report::metrics::description;
use crate::report::regions::REACH;

/// The script's data.
#[derive(Debug, Serialize)]
pub struct Data {
    /// Of the classes, as CSS writes them.
    colours: Vec<String>,
    /// Of the curves, counted from 1.
    epochs: Vec<u64>,
    curves: Vec<Curves>,
    /// The epoch whose weights were kept, where it is not the last.
    kept_epoch: Option<u64>,
    check: Check,
    play: Play,
}

/// A figure over the epochs.
#[derive(Debug, Serialize)]
pub struct Curves {
    metric: String,
    description: String,
    series: Vec<Series>,
    floor: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Series {
    name: &'static str,
    /// A number of the style's.
    colour: u8,
    dashed: bool,
    values: Vec<Option<f64>>,
}

#[derive(Debug, Serialize)]
struct Check {
    vectors: usize,
    tolerance: f64,
    precision: Precision,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Play {
    Images(Box<PlayImages>),
    Points(PlayPoints),
}

#[derive(Debug, Serialize)]
struct PlayImages {
    height: usize,
    width: usize,
    channels: usize,
    precision: Precision,
    encoder: Vec<PlayStage>,
    decoder: Vec<PlayStage>,
    code_range: [Option<f32>; 2],
    units: Vec<PlayUnit>,
    error: PlayError,
    digits: PlayDigits,
    plane: Option<PlayPlane>,
    settings: PlaySettings,
    check: CodecVectors,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum PlayStage {
    Dense {
        inputs: usize,
        outputs: usize,
        pieces: usize,
        activation: &'static str,
        /// Below zero, of a leaky rectifier.
        #[serde(skip_serializing_if = "Option::is_none")]
        slope: Option<f64>,
        weight: String,
        /// Few, and so always in single precision.
        bias: String,
    },
    FoldIn {
        pixels: usize,
        updates: usize,
        tiny: f32,
        least: f32,
        topics: String,
    },
}

#[derive(Debug, Serialize)]
struct PlayUnit {
    low: f32,
    high: f32,
    rms: f64,
}

#[derive(Debug, Serialize)]
struct PlayError {
    metric: &'static str,
    quantiles: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct PlayDigits {
    pixels: String,
    /// Whether a pixel is one byte, from 0 to 255, or a number of four.
    are_bytes: bool,
    labels: Option<Vec<u32>>,
    indices: Vec<usize>,
}

#[derive(Debug, Serialize)]
struct PlayPlane {
    origin: Vec<f64>,
    axes: [Vec<f64>; 2],
    points: String,
    labels: Option<Vec<u32>>,
    bounds: Bounds,
}

#[derive(Debug, Serialize)]
struct Bounds {
    x: [f64; 2],
    y: [f64; 2],
}

#[derive(Debug, Serialize)]
struct PlaySettings {
    noise: PlayNoise,
    /// Whether images are scaled and moved as MNIST's were.
    centred: bool,
    /// What the images are called.
    noun: &'static str,
}

#[derive(Debug, Serialize)]
struct PlayNoise {
    kind: &'static str,
    amount: f64,
}

#[derive(Debug, Serialize)]
struct CodecVectors {
    codes: String,
    outputs: String,
}

#[derive(Debug, Serialize)]
struct PlayPoints {
    precision: Precision,
    layers: Vec<PlayStage>,
    reach: f32,
    train: PlaySplit,
    test: PlaySplit,
    check: ClassifierVectors,
}

#[derive(Debug, Serialize)]
struct PlaySplit {
    coordinates: String,
    classes: String,
}

#[derive(Debug, Serialize)]
struct ClassifierVectors {
    points: String,
    probabilities: String,
}

/// Parts of the test errors between quantiles.
const QUANTILES: usize = 100;
/// Colours of classes in a page; further classes have the same again.
const MOST_COLOURS: usize = 1000;
/// Codes on the map.
pub const MOST_POINTS: usize = 2000;
/// Noise to begin with where the network was trained without.
const NO_NOISE: PlayNoise = PlayNoise {
    kind: "gaussian",
    amount: 0.0,
};

impl Data {
    /// The data of a run.
    pub fn new(
        config: &Config,
        history: &[Map<String, Value>],
        kept_epoch: Option<u64>,
        floor: Option<f64>,
        precision: Precision,
        subject: &Subject<'_>,
    ) -> Self {
        let play = match subject {
            Subject::Images(images) => {
                Play::Images(Box::new(PlayImages::new(config, precision, images)))
            }
            Subject::Points(points) => Play::Points(PlayPoints::new(precision, points)),
        };
        let hexadecimal = |class| {
            let colour = class_colour(class);
            format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
        };
        Self {
            colours: (0..subject.classes().clamp(1, MOST_COLOURS))
                .map(hexadecimal)
                .collect(),
            epochs: history
                .iter()
                .filter_map(|epoch| epoch.get("epoch")?.as_u64())
                .collect(),
            curves: curves(history, config.experiment.error_metric(), floor),
            kept_epoch,
            check: Check {
                vectors: subject.vectors(),
                tolerance: subject.tolerance(precision),
                precision,
            },
            play,
        }
    }

    /// As JSON that can stand within an element of HTML.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("these types have a form as JSON");
        // Within JSON such characters occur in strings alone, where they may be written so.
        json.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
    }
}

/// All figures that every epoch has on test or training examples, the one that was minimised first.
fn curves(history: &[Map<String, Value>], error_metric: &str, floor: Option<f64>) -> Vec<Curves> {
    const SPLITS: [(&str, &str, u8, bool); 4] = [
        ("train", "training, mean during the epoch", 0, false),
        (EVALUATED_TRAINING, "training, after the epoch", 0, true),
        ("validation", "validation", 2, false),
        ("test", "test", 1, false),
    ];
    let mut metrics = vec![error_metric.to_owned()];
    for name in history.iter().flat_map(Map::keys) {
        let Some(metric) = name.strip_prefix("test_") else {
            continue;
        };
        if !metrics.iter().any(|known| known == metric) {
            metrics.push(metric.to_owned());
        }
    }
    metrics.retain(|metric| !TIMES.contains(&metric.as_str()));
    let all = metrics.into_iter().map(|metric| {
        let series = SPLITS.iter().filter_map(|&(prefix, name, colour, dashed)| {
            let name_there = format!("{prefix}_{metric}");
            let values = history
                .iter()
                .map(|epoch| Some(epoch.get(&name_there)?.as_f64()));
            Some(Series {
                name,
                colour,
                dashed,
                values: values.collect::<Option<_>>()?,
            })
        });
        let series: Vec<Series> = series.collect();
        Curves {
            description: match Direction::of(&metric) {
                Some(Direction::LessIsBetter) => {
                    format!("{}, less is better", description(&metric))
                }
                Some(Direction::MoreIsBetter) => {
                    format!("{}, more is better", description(&metric))
                }
                None => description(&metric),
            },
            floor: floor.filter(|_| metric == error_metric),
            metric,
            series,
        }
    });
    all.filter(|curves| {
        let mut values = curves.series.iter().flat_map(|series| &series.values);
        values.any(Option::is_some)
    })
    .collect()
}

impl PlayImages {
    fn new(config: &Config, precision: Precision, subject: &ImageSubject<'_>) -> Self {
        let images = subject.images;
        let code_size = subject.code_size();
        let bound = |bound: f32| bound.is_finite().then_some(bound);
        let units = unit_statistics(&subject.by_image.codes, code_size);
        let digits = images.select(&subject.digits);
        let shape = images.shape();
        let noise = match config.experiment.corruption() {
            None => NO_NOISE,
            Some(Corruption::Gaussian { sigma }) => PlayNoise {
                kind: "gaussian",
                amount: sigma,
            },
            Some(Corruption::Masking { fraction }) => PlayNoise {
                kind: "masking",
                amount: fraction,
            },
            Some(Corruption::SaltAndPepper { fraction }) => PlayNoise {
                kind: "salt_and_pepper",
                amount: fraction,
            },
        };
        let source = config.experiment.images().map(|images| images.source);
        let are_digits = source == Some(Source::Mnist);
        Self {
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
            precision,
            encoder: stages(&subject.network.encoder, precision),
            decoder: stages(&subject.network.decoder, precision),
            code_range: [bound(subject.code_range.0), bound(subject.code_range.1)],
            units: units
                .iter()
                .map(|unit| PlayUnit {
                    low: unit.least,
                    high: unit.greatest,
                    rms: unit.root_mean_square,
                })
                .collect(),
            error: PlayError {
                metric: subject.by_image.metric,
                quantiles: subject.by_image.quantiles(QUANTILES),
            },
            digits: PlayDigits {
                pixels: match digits.are_bytes() {
                    true => STANDARD.encode(bytes(&digits.all())),
                    false => Precision::F32.encode(&digits.all()),
                },
                are_bytes: digits.are_bytes(),
                labels: digits.labels().map(<[u32]>::to_vec),
                indices: subject.digits.clone(),
            },
            plane: subject
                .map_plane()
                .map(|(plane, bounds)| PlayPlane::new(plane, bounds, images.labels())),
            settings: PlaySettings {
                noise,
                centred: are_digits,
                noun: if are_digits { "digits" } else { "images" },
            },
            check: CodecVectors {
                codes: Precision::F32.encode(&subject.answers.codes),
                outputs: Precision::F32.encode(&subject.answers.outputs),
            },
        }
    }
}

impl PlayPlane {
    fn new(plane: &Plane, bounds: [[f64; 2]; 2], labels: Option<&[u32]>) -> Self {
        let basis = plane.basis.as_ref().expect("a map lies in the code space");
        let points = &plane.points[..plane.points.len().min(MOST_POINTS)];
        let numbers: Vec<f32> = points.iter().flatten().map(|&x| x as f32).collect();
        let [x, y] = bounds;
        Self {
            origin: basis.origin.clone(),
            axes: basis.axes.clone(),
            points: Precision::F32.encode(&numbers),
            labels: labels.map(|labels| labels[..points.len()].to_vec()),
            bounds: Bounds { x, y },
        }
    }
}

impl PlayPoints {
    fn new(precision: Precision, subject: &PointSubject<'_>) -> Self {
        let split = |points: &PointSet| PlaySplit {
            coordinates: Precision::F32.encode(points.coordinates()),
            // Points have at most 100 classes.
            classes: STANDARD.encode(
                points
                    .classes()
                    .iter()
                    .map(|&class| class as u8)
                    .collect::<Vec<_>>(),
            ),
        };
        let probabilities: Vec<f32> = subject.probabilities.iter().map(|&p| p as f32).collect();
        Self {
            precision,
            layers: subject
                .layers
                .iter()
                .map(|layer| dense(layer, precision))
                .collect(),
            reach: REACH,
            train: split(subject.train),
            test: split(subject.test),
            check: ClassifierVectors {
                points: Precision::F32.encode(&subject.vectors),
                probabilities: Precision::F32.encode(&probabilities),
            },
        }
    }
}

/// Pixels in [0, 1] that were bytes.
fn bytes(pixels: &[f32]) -> Vec<u8> {
    pixels.iter().map(|x| (255.0 * x).round() as u8).collect()
}

fn stages(stages: &[Stage], precision: Precision) -> Vec<PlayStage> {
    let each = stages.iter().map(|stage| match stage {
        Stage::Dense(layer) => dense(layer, precision),
        Stage::FoldIn(fold_in) => PlayStage::FoldIn {
            pixels: fold_in.pixels,
            updates: fold_in.updates,
            tiny: fold_in.tiny,
            least: fold_in.least,
            topics: precision.encode(&fold_in.topics),
        },
    });
    each.collect()
}

fn dense(layer: &PortableLayer, precision: Precision) -> PlayStage {
    PlayStage::Dense {
        inputs: layer.inputs,
        outputs: layer.outputs,
        pieces: layer.activation.pieces(),
        activation: layer.activation.name(),
        slope: layer.activation.leaky_slope(),
        weight: precision.encode(&layer.weight),
        bias: Precision::F32.encode(&layer.bias),
    }
}
