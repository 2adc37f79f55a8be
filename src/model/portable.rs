//! Networks as numbers on the host: what a program without Burn needs to run one.

use burn::tensor::{ExecutionError, Tensor};

use super::Activation;

/// A dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct PortableLayer {
    pub inputs: usize,
    /// Units after the activation.
    pub outputs: usize,
    /// `[inputs, outputs × pieces of the activation]`, row-major.
    pub weight: Vec<f32>,
    /// `[outputs × pieces of the activation]`
    pub bias: Vec<f32>,
    pub activation: Activation,
}

/// The code of a topic model, which takes several looks at an image.
///
/// ```text
/// h₀ = Σ x / topics    hₜ₊₁ = max(hₜ (x / (hₜ T + tiny)) Tᵀ, least)
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FoldIn {
    /// T, `[topics, pixels]`, row-major.
    pub topics: Vec<f32>,
    pub pixels: usize,
    pub updates: usize,
    pub tiny: f32,
    pub least: f32,
}

/// A part of a network, which takes what the part before it gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    Dense(PortableLayer),
    FoldIn(FoldIn),
}

/// A network that encodes and decodes.
#[derive(Clone, Debug, PartialEq)]
pub struct PortableCodec {
    /// From an image to its code.
    pub encoder: Vec<Stage>,
    /// From a code to an image.
    pub decoder: Vec<Stage>,
}

impl PortableLayer {
    /// A layer of tensors on a device.
    ///
    /// # Shapes
    /// `weight: [inputs, outputs × pieces]`, `bias: [outputs × pieces]`
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn read(
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        activation: Activation,
    ) -> Result<Self, ExecutionError> {
        let [inputs, width] = weight.dims();
        Ok(Self {
            inputs,
            outputs: width / activation.pieces(),
            weight: numbers(weight)?,
            bias: match bias {
                Some(bias) => numbers(bias)?,
                None => vec![0.0; width],
            },
            activation,
        })
    }

    /// `y = x A + b` without an activation.
    ///
    /// # Shapes
    /// `weight: [inputs, outputs]`, row-major; `bias: [outputs]`
    pub fn linear(inputs: usize, weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self {
            inputs,
            outputs: bias.len(),
            weight,
            bias,
            activation: Activation::Linear,
        }
    }

    /// The same with the first `count` of its units alone.
    pub(super) fn first_units(&self, count: usize) -> Self {
        let (pieces, width) = (self.activation.pieces(), self.bias.len());
        let kept = count * pieces;
        let rows = self.weight.chunks_exact(width);
        Self {
            outputs: count,
            weight: rows.flat_map(|row| &row[..kept]).copied().collect(),
            bias: self.bias[..kept].to_vec(),
            ..*self
        }
    }
}

/// Runs stages one after another, in double precision; the last without its activation and with it.
///
/// # Panics
/// The input is not as wide as the first stage takes.
pub fn run_stages(stages: &[Stage], input: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut logits = input.to_vec();
    let mut values = input.to_vec();
    for stage in stages {
        (logits, values) = match stage {
            Stage::Dense(layer) => layer.run(&values),
            Stage::FoldIn(fold_in) => {
                let code = fold_in.run(&values);
                (code.clone(), code)
            }
        };
    }
    (logits, values)
}

impl PortableLayer {
    fn run(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        assert_eq!(x.len(), self.inputs, "the layer's width");
        let mut sums: Vec<f64> = self.bias.iter().copied().map(f64::from).collect();
        for (row, &x) in self.weight.chunks_exact(self.bias.len()).zip(x) {
            for (sum, &weight) in sums.iter_mut().zip(row) {
                *sum += x * f64::from(weight);
            }
        }
        let pieces = sums.chunks_exact(self.activation.pieces());
        let logits: Vec<f64> = pieces
            .map(|pieces| pieces.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            .collect();
        let values = logits.iter().map(|&h| self.activation.value(h)).collect();
        (logits, values)
    }
}

impl FoldIn {
    fn run(&self, x: &[f64]) -> Vec<f64> {
        let topics: Vec<&[f32]> = self.topics.chunks_exact(self.pixels).collect();
        let ink: f64 = x.iter().sum();
        let mut code = vec![ink / topics.len() as f64; topics.len()];
        for _ in 0..self.updates {
            let mut ratios = vec![f64::from(self.tiny); self.pixels];
            for (&code, topic) in code.iter().zip(&topics) {
                for (sum, &share) in ratios.iter_mut().zip(*topic) {
                    *sum += code * f64::from(share);
                }
            }
            for (ratio, &x) in ratios.iter_mut().zip(x) {
                *ratio = x / *ratio;
            }
            for (code, topic) in code.iter_mut().zip(&topics) {
                let pairs = ratios.iter().zip(*topic);
                let factor: f64 = pairs.map(|(ratio, &share)| ratio * f64::from(share)).sum();
                *code = (*code * factor).max(self.least.into());
            }
        }
        code
    }
}

/// The elements of a tensor on the host, row-major.
///
/// # Errors
/// The device fails.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ExecutionError> {
    Ok(tensor.try_into_data()?.iter::<f32>().collect())
}
