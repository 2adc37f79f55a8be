//! What autoencoders are compared with: methods that find a code without training a network.
//!
//! Each is a Burn module that encodes and decodes as networks do, so whatever measures, draws or
//! stores a network does the same with a baseline.

mod pca;
mod principal_axes;
mod probabilistic_pca;
mod topic_model;

use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};
use serde::Serialize;
use thiserror::Error;

pub use pca::Pca;
pub use principal_axes::PrincipalAxes;
pub use probabilistic_pca::ProbabilisticPca;
pub use topic_model::{Passes, TopicModel, kl_divergence_nats_per_image, perplexity};

use crate::batches::Batches;
use crate::data::ImageSet;
use crate::model::weights::Network;
use crate::model::{Activation, Codec, DropoutMasks, PortableCodec, PortableLayer, Stage};

/// Which baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Principal component analysis.
    Pca,
    /// A normal distribution over codes and normal noise on pixels.
    ProbabilisticPca,
    /// Images as documents whose words are pixels.
    TopicModel,
}

impl Kind {
    /// The least and greatest value that a code element can have.
    pub fn code_range(self) -> (f32, f32) {
        match self {
            Self::Pca | Self::ProbabilisticPca => (f32::NEG_INFINITY, f32::INFINITY),
            Self::TopicModel => (0.0, f32::INFINITY),
        }
    }

    /// The name of what fitting minimises on the training images, with unit and reduction.
    pub fn objective(self) -> &'static str {
        match self {
            Self::Pca => "mse_per_pixel",
            Self::ProbabilisticPca => NEGATIVE_LOG_LIKELIHOOD,
            Self::TopicModel => KL_DIVERGENCE,
        }
    }
}

/// `−ln p(x)` of a density over images of pixels in [0, 1].
pub const NEGATIVE_LOG_LIKELIHOOD: &str = "negative_log_likelihood_nats_per_image";
/// `Σ x ln(x / x̂) − x + x̂`, the generalised Kullback-Leibler divergence.
pub const KL_DIVERGENCE: &str = "kl_divergence_nats_per_image";

/// A baseline and its size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Architecture {
    pub kind: Kind,
    /// Pixels of an image, and numbers in a code.
    pub encoder: [usize; 2],
    /// The most passes over the images, where a method takes more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
}

impl Architecture {
    /// The width of the input and output.
    pub fn input_size(&self) -> usize {
        self.encoder[0]
    }

    /// The width of the code.
    pub fn code_size(&self) -> usize {
        self.encoder[1]
    }

    /// Checks that the training examples span as many components as are requested.
    ///
    /// n examples span n − 1 dimensions around their mean. PCA counts the mean as one more, as scikit-learn does;
    /// probabilistic PCA needs one dimension for its noise.
    ///
    /// # Errors
    /// There are too few examples.
    pub fn check_examples(&self, examples: usize) -> Result<(), BaselineError> {
        let [pixels, code_size] = self.encoder;
        let (name, spare) = match self.kind {
            Kind::Pca => ("PCA", 0),
            Kind::ProbabilisticPca => ("probabilistic PCA", 2),
            // Topics may outnumber documents.
            Kind::TopicModel => return Ok(()),
        };
        let needed = (code_size + spare).max(2);
        if examples >= needed {
            return Ok(());
        }
        let most = match examples {
            0 | 1 => 0,
            _ => examples - spare,
        };
        Err(BaselineError::TooFewExamples {
            name,
            code_size,
            examples,
            needed,
            possible: [pixels, most.min(pixels)],
        })
    }

    /// All sizes, as one writes them: `784-32-784`.
    pub fn shape(&self) -> String {
        let [pixels, code] = self.encoder;
        format!("{pixels}-{code}-{pixels}")
    }
}

/// Why a baseline cannot be fitted.
#[derive(Debug, Error)]
pub enum BaselineError {
    #[error("the eigenvalues of the covariance of {0} numbers were not found")]
    Eigenvalues(usize),
    #[error("principal axes of {width} numbers take {needed} bytes of memory; {most} may be used")]
    TooLarge {
        width: usize,
        needed: u64,
        most: u64,
    },
    #[error(
        "{code_size} components leave nothing of {images} images over, so there is no noise to estimate"
    )]
    NoNoise { code_size: usize, images: usize },
    #[error(
        "{name} of {code_size} components needs at least {needed} training examples, found {examples}"
    )]
    TooFewExamples {
        name: &'static str,
        code_size: usize,
        examples: usize,
        needed: usize,
        /// Pixels of an image, and the greatest code size that the examples allow.
        possible: [usize; 2],
    },
    #[error("the images are black; a topic model needs some that are not")]
    Black,
    #[error("stopped as asked")]
    Stopped,
    #[error("the device failed: {}", crate::device::cause(.0))]
    Execution(#[from] ExecutionError),
}

impl BaselineError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::TooFewExamples { possible: [_, 0], .. } => "give more examples",
            Self::TooFewExamples { possible: [pixels, most], .. } => {
                return format!(
                    "set model.code_size = {most} or lower (model.encoder = [{pixels}, {most}]), or give more examples"
                );
            }
            Self::Eigenvalues(_) => {
                "they may not be finite; `hourglass evaluate` says what the codes are like, `hourglass data check` the images"
            }
            Self::TooLarge { .. } => "take smaller images or codes",
            Self::NoNoise { .. } => "lower model.code_size, or take more images",
            Self::Black => "check the images with `hourglass data check`",
            Self::Stopped => "fit it again",
            Self::Execution(_) => "see `hourglass devices`, or use --backend flex",
        }
        .into()
    }
}

/// A fitted baseline.
#[derive(Module, Debug)]
pub enum Baseline {
    Pca(Pca),
    ProbabilisticPca(ProbabilisticPca),
    TopicModel(TopicModel),
}

/// A look at what is minimised, after a pass over the images.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Passes so far.
    pub passes: usize,
    pub objective: f64,
}

impl Baseline {
    /// A baseline that knows nothing yet, to load parameters into.
    pub fn empty(architecture: &Architecture, device: &Device) -> Self {
        let [pixels, code_size] = architecture.encoder;
        match architecture.kind {
            Kind::Pca => Self::Pca(Pca::empty(pixels, code_size, device)),
            Kind::ProbabilisticPca => {
                Self::ProbabilisticPca(ProbabilisticPca::empty(pixels, code_size, device))
            }
            Kind::TopicModel => Self::TopicModel(TopicModel::empty(pixels, code_size, device)),
        }
    }

    /// Fits a baseline to `images`, whose batches on the device are `batches`; `seed` gives random
    /// beginnings. Each look at the objective is told to `listener`, which may break off.
    ///
    /// # Errors
    /// The images do not allow it, the listener breaks it off, or the device fails.
    pub fn fit(
        architecture: &Architecture,
        images: &ImageSet,
        batches: &Batches,
        seed: u64,
        device: &Device,
        listener: &mut dyn FnMut(Look) -> ControlFlow<()>,
    ) -> Result<Self, BaselineError> {
        let code_size = architecture.code_size();
        let mut closed_form = |objective| {
            let passes = 1;
            let answer = listener(Look { passes, objective });
            match answer.is_break() {
                true => Err(BaselineError::Stopped),
                false => Ok(()),
            }
        };
        Ok(match architecture.kind {
            Kind::Pca => {
                let axes = PrincipalAxes::of_images(images)?;
                closed_form(axes.left_out(code_size) / images.pixels_per_image() as f64)?;
                Self::Pca(Pca::new(&axes, code_size, device))
            }
            Kind::ProbabilisticPca => {
                let axes = PrincipalAxes::of_images(images)?;
                let model = ProbabilisticPca::new(&axes, code_size, device).ok_or(
                    BaselineError::NoNoise {
                        code_size,
                        images: images.count(),
                    },
                )?;
                closed_form(axes.negative_log_likelihood_nats_per_image(code_size))?;
                Self::ProbabilisticPca(model)
            }
            Kind::TopicModel => {
                let usual = Passes::default();
                let passes = Passes {
                    most: architecture.iterations.unwrap_or(usual.most),
                    ..usual
                };
                let fitted =
                    TopicModel::fit(images, batches, code_size, passes, seed, device, listener)?;
                Self::TopicModel(fitted)
            }
        })
    }

    fn codec(&self) -> &dyn Codec {
        match self {
            Self::Pca(model) => model,
            Self::ProbabilisticPca(model) => model,
            Self::TopicModel(model) => model,
        }
    }
}

impl Network for Baseline {}

impl Codec for Baseline {
    fn encode_masked(&self, x: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.codec().encode_masked(x, masks)
    }

    fn logits_masked(&self, code: Tensor<2>, masks: &mut DropoutMasks) -> Tensor<2> {
        self.codec().logits_masked(code, masks)
    }

    fn output_activation(&self) -> Activation {
        self.codec().output_activation()
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        self.codec().portable()
    }
}

/// Rows of numbers in single precision on a device.
fn rows(values: impl IntoIterator<Item = f64>, rows: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    let columns = values.len() / rows;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}

/// `z = (x − μ) A`, `x̂ = μ + z B` as two layers.
///
/// # Shapes
/// `encode` (A): `[pixels, code size]`, `decode` (B): `[code size, pixels]`, `mean` (μ): `[pixels]`
fn affine(encode: Vec<f32>, decode: Vec<f32>, mean: Vec<f32>) -> PortableCodec {
    let pixels = mean.len();
    let code_size = decode.len() / pixels;
    let mut bias = vec![0.0; code_size];
    for (row, &mean) in encode.chunks_exact(code_size).zip(&mean) {
        for (bias, &element) in bias.iter_mut().zip(row) {
            *bias -= f64::from(mean) * f64::from(element);
        }
    }
    let bias = bias.into_iter().map(|bias| bias as f32).collect();
    let stage = |layer| vec![Stage::Dense(layer)];
    PortableCodec {
        encoder: stage(PortableLayer::linear(pixels, encode, bias)),
        decoder: stage(PortableLayer::linear(code_size, decode, mean)),
    }
}
