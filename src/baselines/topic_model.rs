//! A topic model of images: each is a document, each pixel a word that occurs as often as it is bright.

use std::ops::ControlFlow;

use burn::module::{Module, Param};
use burn::tensor::{Device, ExecutionError, Tensor, TensorData};
use rand::RngExt;
use rayon::prelude::*;

use super::{BaselineError, Look};
use crate::batches::Batches;
use crate::data::ImageSet;
use crate::model::{
    Activation, Codec, DropoutMasks, FoldIn, PortableCodec, PortableLayer, Stage, numbers,
};
use crate::random::{self, Purpose};

/// Probabilistic latent semantic analysis, which is non-negative matrix factorisation with the generalised
/// Kullback-Leibler divergence.
///
/// ```text
/// x̂ = h T    h ≥ 0, rows of T are distributions over pixels
/// ```
///
/// `h` says how much of an image's ink comes from each topic.
///
/// # Source
/// Hofmann 1999, *Probabilistic Latent Semantic Indexing*; Lee and Seung 2001, *Algorithms for Non-negative Matrix
/// Factorization*; that they are one: Gaussier and Goutte 2005.
#[derive(Module, Debug)]
pub struct TopicModel {
    /// T, `[topics, pixels]`
    topics: Param<Tensor<2>>,
}

/// How long to look for topics.
#[derive(Clone, Copy, Debug)]
pub struct Passes {
    /// Over the images.
    pub most: usize,
    /// From one look at the objective to the next, which makes an accelerator wait.
    pub between_looks: usize,
}

impl Default for Passes {
    fn default() -> Self {
        Self {
            most: 200,
            between_looks: 10,
        }
    }
}

/// Updates of an image's code while topics stay as they are ("folding in").
const FOLD_IN_UPDATES: usize = 50;
/// Images that are worked on at a time: few enough to stay in a CPU's caches.
const IMAGES_AT_A_TIME: usize = 500;
/// Passes end when a look finds the objective better by less than this share of it.
const LEAST_IMPROVEMENT: f64 = 2e-3;
/// Of the images, one in so many is enough for topics to begin with.
const SHARE_OF_FEW: usize = 10;
/// Fewer than this would mislead them.
const LEAST_IMAGES_A_TOPIC: usize = 20;
/// Share of every topic that is spread over all pixels in the end, so that one which no training image inked is
/// not impossible.
const SMOOTHING: f64 = 1e-4;
/// Keeps 0 / 0 from being NaN.
const TINY: f32 = 1e-12;
/// What is less becomes this: most elements fall towards 0 for ever, and a processor takes a hundred times as long for
/// subnormal numbers.
const LEAST_ELEMENT: f32 = 1e-15;

impl TopicModel {
    pub(super) fn empty(pixels: usize, code_size: usize, device: &Device) -> Self {
        Self {
            topics: Param::from_tensor(Tensor::zeros([code_size, pixels], device)),
        }
    }

    /// Finds topics of `images` by expectation maximisation from a random beginning. The divergence never rises.
    ///
    /// # Errors
    /// All images are black, the listener breaks it off, or the device fails.
    pub fn fit(
        images: &ImageSet,
        batches: &Batches,
        code_size: usize,
        passes: Passes,
        seed: u64,
        device: &Device,
        listener: &mut dyn FnMut(Look) -> ControlFlow<()>,
    ) -> Result<Self, BaselineError> {
        let mut chunks = images.chunks(IMAGES_AT_A_TIME);
        if chunks.all(|chunk| chunk.iter().all(|&pixel| pixel == 0.0)) {
            return Err(BaselineError::Black);
        }
        let topics = random_topics(images.pixels_per_image(), code_size, seed, device);
        let examples = Examples { images, batches };
        // A few images know roughly what the topics are, in a tenth of the time.
        let order = random::stream(seed, Purpose::Topics, 1, 0);
        let mut few = random::permutation(images.count(), order);
        few.truncate(images.count() / SHARE_OF_FEW);
        let unheard = &mut |_: Look| ControlFlow::Continue(());
        let topics = match few.len() >= LEAST_IMAGES_A_TOPIC * code_size {
            true => examples.maximise(topics, &few, passes, unheard)?,
            false => topics,
        };
        let all: Vec<usize> = (0..images.count()).collect();
        let topics = examples.maximise(topics, &all, passes, listener)?;
        let even_share = SMOOTHING / images.pixels_per_image() as f64;
        let topics = topics.mul_scalar(1.0 - SMOOTHING).add_scalar(even_share);
        Ok(Self {
            topics: Param::from_tensor(topics),
        })
    }
}

/// What topics are found in.
struct Examples<'a> {
    images: &'a ImageSet,
    batches: &'a Batches,
}

impl Examples<'_> {
    /// Expectation maximisation on the images at `indices`, which begins with `topics` and the ink of each image
    /// shared evenly among them.
    fn maximise(
        &self,
        mut topics: Tensor<2>,
        indices: &[usize],
        limits: Passes,
        listener: &mut dyn FnMut(Look) -> ControlFlow<()>,
    ) -> Result<Tensor<2>, BaselineError> {
        let blocks = || indices.chunks(IMAGES_AT_A_TIME);
        let x = |block: &[usize]| self.batches.gather(self.images, block);
        let code_size = topics.dims()[0];
        let mut codes: Vec<Tensor<2>> = blocks().map(|block| even(&x(block), code_size)).collect();
        let mut last = f64::INFINITY;
        for passes in 1..=limits.most {
            let mut ink = topics.zeros_like();
            for (code, block) in codes.iter_mut().zip(blocks()) {
                let ratio = ratio(&x(block), code, &topics);
                // Both updates from the same expectation.
                ink = ink + code.clone().transpose().matmul(ratio.clone());
                *code = updated(code, ratio, &topics);
            }
            topics = distributions(topics * ink);
            if !passes.is_multiple_of(limits.between_looks) && passes < limits.most {
                continue;
            }
            let mut sum = 0.0;
            for (code, block) in codes.iter().zip(blocks()) {
                let x_hat = read(code.clone().matmul(topics.clone()))?;
                sum += divergences(self.images, block, &x_hat).iter().sum::<f64>();
            }
            let objective = sum / indices.len() as f64;
            if listener(Look { passes, objective }).is_break() {
                return Err(BaselineError::Stopped);
            }
            if last - objective < LEAST_IMPROVEMENT * objective {
                break;
            }
            last = objective;
        }
        Ok(topics)
    }
}

/// Its code is found by folding in: the topics stay, the code is updated a fixed number of times.
impl Codec for TopicModel {
    fn encode_masked(&self, x: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        let topics = self.topics.val();
        let begin = even(&x, topics.dims()[0]);
        (0..FOLD_IN_UPDATES).fold(begin, |code, _| {
            let ratio = ratio(&x, &code, &topics);
            updated(&code, ratio, &topics)
        })
    }

    fn logits_masked(&self, code: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        code.matmul(self.topics.val())
    }

    fn output_activation(&self) -> Activation {
        Activation::Linear
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        let [code_size, pixels] = self.topics.val().dims();
        let topics = numbers(self.topics.val())?;
        let decode = PortableLayer::linear(code_size, topics.clone(), vec![0.0; pixels]);
        let encode = FoldIn {
            topics,
            pixels,
            updates: FOLD_IN_UPDATES,
            tiny: TINY,
            least: LEAST_ELEMENT,
        };
        Ok(PortableCodec {
            encoder: vec![Stage::FoldIn(encode)],
            decoder: vec![Stage::Dense(decode)],
        })
    }
}

/// Random distributions over pixels, `[topics, pixels]`.
fn random_topics(pixels: usize, code_size: usize, seed: u64, device: &Device) -> Tensor<2> {
    let indices: Vec<usize> = (0..code_size).collect();
    let values = random::rows(seed, Purpose::Topics, 0, &indices, pixels, |stream| {
        stream.random_range(0.5f32..1.5)
    });
    distributions(Tensor::from_data(
        TensorData::new(values, [code_size, pixels]),
        device,
    ))
}

/// The ink of each image shared evenly among its topics: `[images, pixels] → [images, topics]`.
fn even(x: &Tensor<2>, code_size: usize) -> Tensor<2> {
    let ink = x.clone().sum_dim(1).div_scalar(code_size as f64);
    ink.repeat_dim(1, code_size)
}

/// `x / (h T)`, by how much each pixel should be brighter.
fn ratio(x: &Tensor<2>, code: &Tensor<2>, topics: &Tensor<2>) -> Tensor<2> {
    let x_hat = code.clone().matmul(topics.clone());
    x.clone() / x_hat.add_scalar(TINY)
}

/// `h ← h (x / (h T)) Tᵀ`; since topics add up to 1, there is nothing to divide by.
fn updated(code: &Tensor<2>, ratio: Tensor<2>, topics: &Tensor<2>) -> Tensor<2> {
    let updated = code.clone() * ratio.matmul(topics.clone().transpose());
    updated.clamp_min(LEAST_ELEMENT)
}

/// Rows that add up to 1.
fn distributions(rows: Tensor<2>) -> Tensor<2> {
    let sums = rows.clone().sum_dim(1).add_scalar(TINY);
    (rows / sums).clamp_min(LEAST_ELEMENT)
}

fn read(tensor: Tensor<2>) -> Result<Vec<f32>, ExecutionError> {
    let data = tensor.try_into_data()?;
    Ok(data.try_into_vec_as().expect("pixels are numbers"))
}

/// `Σ x ln(x / x̂) − x + x̂` of the images at `indices`, whose reconstructions are `x_hat`, each in nats.
fn divergences(images: &ImageSet, indices: &[usize], x_hat: &[f32]) -> Vec<f64> {
    indices
        .par_iter()
        .zip(x_hat.par_chunks_exact(images.pixels_per_image()))
        .map(|(&index, x_hat)| kl_divergence_nats(&images.image(index), x_hat))
        .collect()
}

/// What a pixel of a reconstruction is at least taken for, so that a black one is unlikely rather than impossible.
const LEAST_PIXEL: f32 = 1e-10;

fn kl_divergence_nats(pixels: &[f32], x_hat: &[f32]) -> f64 {
    let each = pixels.iter().zip(x_hat);
    each.map(|(&pixel, &x_hat)| {
        let (x, x_hat) = (f64::from(pixel), f64::from(x_hat.max(LEAST_PIXEL)));
        match pixel {
            0.0 => x_hat,
            _ => x * (x / x_hat).ln() - x + x_hat,
        }
    })
    .sum()
}

/// The mean over `images` of the generalised Kullback-Leibler divergence from their reconstructions, `[images, pixels]`.
pub fn kl_divergence_nats_per_image(images: &ImageSet, x_hat: &[f32]) -> f64 {
    let indices: Vec<usize> = (0..images.count()).collect();
    let each = divergences(images, &indices, x_hat);
    each.iter().sum::<f64>() / images.count() as f64
}

/// `exp(−Σ x ln p / Σ x)` over all pixels of `images`, where `p` is a pixel's share of the reconstruction: between
/// how many equally likely pixels the model is in doubt where the next drop of ink falls.
///
/// # Source
/// Blei, Ng, Jordan 2003, *Latent Dirichlet Allocation*, section 7.1.
pub fn perplexity(images: &ImageSet, x_hat: &[f32]) -> f64 {
    let size = images.pixels_per_image();
    let each: Vec<(f64, f64)> = x_hat
        .par_chunks_exact(size)
        .enumerate()
        .map(|(index, x_hat)| {
            let pixels = images.image(index);
            let least = x_hat.iter().map(|pixel| f64::from(pixel.max(LEAST_PIXEL)));
            let all: f64 = least.clone().sum();
            let inked = pixels.iter().zip(least).filter(|(pixel, _)| **pixel > 0.0);
            inked.fold((0.0, 0.0), |(nats, ink), (&pixel, x_hat)| {
                let x = f64::from(pixel);
                (nats - x * (x_hat / all).ln(), ink + x)
            })
        })
        .collect();
    let nats: f64 = each.iter().map(|(nats, _)| nats).sum();
    let ink: f64 = each.iter().map(|(_, ink)| ink).sum();
    (nats / ink).exp()
}
