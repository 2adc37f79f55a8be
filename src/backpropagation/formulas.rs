//! The lecture's formulas, one function each.

use ndarray::{Axis, Zip, concatenate, s};

use super::Matrix;
use crate::model::{Activation, ELU_ALPHA, normal_cdf};
use crate::objective::{LEAST_ACTIVATION, Reconstruction, Reduction, Sparsity};

/// What backpropagation is made of. They are fields so that a test can put a wrong one in a right
/// one's place and see it caught.
#[derive(Clone, Copy)]
pub struct Formulas {
    /// `∂L/∂W = hᵀ ∂L/∂f` of `f = h W + b`.
    pub weight: fn(h: &Matrix, d_f: &Matrix) -> Matrix,
    /// `∂L/∂b = Σ ∂L/∂f`, over the examples.
    pub bias: fn(d_f: &Matrix) -> Matrix,
    /// `∂L/∂h = ∂L/∂f Wᵀ`.
    pub input: fn(weight: &Matrix, d_f: &Matrix) -> Matrix,
    /// `∂L/∂f = ∂L/∂h · a′(f)` of `h = a(f)`: for a ReLU the mask `1(f > 0)`.
    pub activation: fn(Activation, f: &Matrix, d_h: &Matrix) -> Matrix,
    /// `∂L/∂f` of a reconstruction error between `x` and `x̂ = output(f)`.
    pub reconstruction: fn(Reconstruction, Activation, f: &Matrix, x: &Matrix) -> Matrix,
    /// `∂L/∂f = (p − 1(y = k)) / n` of `−ln P(y|x)` under a softmax.
    pub softmax: fn(f: &Matrix, classes: &[usize]) -> Matrix,
    /// `∂L/∂h` of a penalty on the code `h`.
    pub sparsity: fn(Sparsity, code: &Matrix) -> Matrix,
    /// `∂L/∂μ = μ / n`, `∂L/∂ ln σ² = ½ (σ² − 1) / n` of the divergence from the standard normal.
    pub divergence: fn(mu: &Matrix, log_var: &Matrix) -> (Matrix, Matrix),
}

impl Formulas {
    /// The right ones.
    pub const LECTURE: Self = Self {
        weight,
        bias,
        input,
        activation,
        reconstruction,
        softmax,
        sparsity,
        divergence,
    };
}

fn weight(h: &Matrix, d_f: &Matrix) -> Matrix {
    h.t().dot(d_f)
}

fn bias(d_f: &Matrix) -> Matrix {
    d_f.sum_axis(Axis(0)).insert_axis(Axis(0))
}

fn input(weight: &Matrix, d_f: &Matrix) -> Matrix {
    d_f.dot(&weight.t())
}

fn activation(activation: Activation, f: &Matrix, d_h: &Matrix) -> Matrix {
    let slope: fn(f64) -> f64 = match activation {
        Activation::Linear => |_| 1.0,
        Activation::Sigmoid => |f| sigmoid(f) * (1.0 - sigmoid(f)),
        Activation::Tanh => |f| 1.0 - f.tanh().powi(2),
        Activation::Relu => |f| if f > 0.0 { 1.0 } else { 0.0 },
        Activation::LeakyRelu { slope } => {
            return d_h * &f.mapv(|f| if f > 0.0 { 1.0 } else { slope });
        }
        Activation::Elu => |f| if f > 0.0 { 1.0 } else { ELU_ALPHA * f.exp() },
        Activation::Gelu => |f| normal_cdf(f) + f * (-0.5 * f * f).exp() * NORMAL_DENSITY_AT_ZERO,
        Activation::GeluTanh => |f| {
            let (tanh, inner_slope) = (
                gelu_inner(f).tanh(),
                GELU_SCALE * (1.0 + 3.0 * GELU_CUBE * f * f),
            );
            0.5 * (1.0 + tanh) + 0.5 * f * (1.0 - tanh * tanh) * inner_slope
        },
        Activation::Silu => |f| sigmoid(f) + f * sigmoid(f) * (1.0 - sigmoid(f)),
        Activation::Maxout => return to_larger_piece(f, d_h),
    };
    d_h * &f.mapv(slope)
}

/// Of each two pieces the larger one gets all of the gradient, the first where they are equal.
fn to_larger_piece(f: &Matrix, d_h: &Matrix) -> Matrix {
    let mut d_f = Matrix::zeros(f.raw_dim());
    let (first, second) = (f.slice(s![.., ..;2]), f.slice(s![.., 1..;2]));
    let first_is_larger = Zip::from(first)
        .and(second)
        .map_collect(|a, b| f64::from(a >= b));
    d_f.slice_mut(s![.., ..;2])
        .assign(&(d_h * &first_is_larger));
    d_f.slice_mut(s![.., 1..;2])
        .assign(&(d_h * &(1.0 - first_is_larger)));
    d_f
}

fn reconstruction(kind: Reconstruction, output: Activation, f: &Matrix, x: &Matrix) -> Matrix {
    let (examples, pixels) = (x.nrows() as f64, x.ncols() as f64);
    match kind {
        // Through the sigmoid and the cross-entropy at once.
        Reconstruction::BinaryCrossEntropy => (f.mapv(sigmoid) - x) / (examples * pixels),
        Reconstruction::MeanSquaredError => {
            let d_output = 2.0 * (apply(output, f) - x) / (examples * pixels);
            activation(output, f, &d_output)
        }
        Reconstruction::SquaredError => {
            let d_output = 2.0 * (apply(output, f) - x) / examples;
            activation(output, f, &d_output)
        }
    }
}

fn softmax(f: &Matrix, classes: &[usize]) -> Matrix {
    let mut d_f = probabilities(f);
    for (row, &class) in classes.iter().enumerate() {
        d_f[[row, class]] -= 1.0;
    }
    d_f / f.nrows() as f64
}

fn sparsity(sparsity: Sparsity, code: &Matrix) -> Matrix {
    let examples = code.nrows() as f64;
    match sparsity {
        Sparsity::L1 { weight, reduction } => {
            let sign = |&element: &f64| {
                if element == 0.0 {
                    0.0
                } else {
                    element.signum()
                }
            };
            code.map(sign)
                * match reduction {
                    Reduction::BatchSum => weight,
                    Reduction::BatchMean => weight / examples,
                }
        }
        Sparsity::KullbackLeibler { weight, target } => {
            let mean = code.mean_axis(Axis(0)).expect("a batch is not empty");
            let kept = mean.mapv(|mean| mean.clamp(LEAST_ACTIVATION, 1.0 - LEAST_ACTIVATION));
            let d_mean = kept.mapv(|mean| (1.0 - target) / (1.0 - mean) - target / mean);
            // Where the mean is kept from the ends, it does not move.
            let inside =
                |mean: f64| f64::from((LEAST_ACTIVATION..=1.0 - LEAST_ACTIVATION).contains(&mean));
            let d_mean = d_mean * mean.mapv(inside) * (weight / examples);
            Matrix::zeros(code.raw_dim()) + d_mean
        }
    }
}

fn divergence(mu: &Matrix, log_var: &Matrix) -> (Matrix, Matrix) {
    let examples = mu.nrows() as f64;
    (
        mu / examples,
        (log_var.mapv(f64::exp) - 1.0) / (2.0 * examples),
    )
}

/// `h = a(f)`.
pub fn apply(activation: Activation, f: &Matrix) -> Matrix {
    let value: fn(f64) -> f64 = match activation {
        Activation::Linear => |f| f,
        Activation::Sigmoid => sigmoid,
        Activation::Tanh => f64::tanh,
        Activation::Relu => |f| f.max(0.0),
        Activation::LeakyRelu { slope } => {
            return f.mapv(|f| if f > 0.0 { f } else { slope * f });
        }
        Activation::Elu => |f| if f > 0.0 { f } else { ELU_ALPHA * f.exp_m1() },
        Activation::Gelu => |f| f * normal_cdf(f),
        Activation::GeluTanh => |f| 0.5 * f * (1.0 + gelu_inner(f).tanh()),
        Activation::Silu => |f| f * sigmoid(f),
        Activation::Maxout => {
            let (first, second) = (f.slice(s![.., ..;2]), f.slice(s![.., 1..;2]));
            return Zip::from(first).and(second).map_collect(|a, b| a.max(*b));
        }
    };
    f.mapv(value)
}

/// How `∂L/∂f` comes from what arrives at `h = a(f)`, such as `∂L/∂h`, in plain text.
pub fn activation_text(activation: Activation, arriving: &str) -> String {
    let slope = match activation {
        Activation::Linear => return arriving.into(),
        Activation::Sigmoid => "σ(f) (1 − σ(f))".into(),
        Activation::Tanh => "(1 − tanh² f)".into(),
        Activation::Relu => "1(f > 0)".into(),
        Activation::LeakyRelu { slope } => format!("(1 if f > 0, else {slope})"),
        Activation::Elu => format!("(1 if f > 0, else {ELU_ALPHA} exp f)"),
        Activation::Maxout => "1(f is the larger)".into(),
        Activation::Gelu => "(Φ(f) + f φ(f))".into(),
        Activation::GeluTanh => "gelu′(f)".into(),
        Activation::Silu => "(σ(f) + f σ(f) (1 − σ(f)))".into(),
    };
    format!("{arriving} {slope}")
}

/// What a penalty adds to what arrives at the code `h`, in plain text.
pub fn sparsity_text(sparsity: Sparsity) -> &'static str {
    match sparsity {
        Sparsity::L1 { reduction, .. } => match reduction {
            Reduction::BatchSum => "λ sign h",
            Reduction::BatchMean => "λ sign h / n",
        },
        Sparsity::KullbackLeibler { .. } => "λ ((1 − ρ) / (1 − ρ̂) − ρ / ρ̂) / n",
    }
}

/// How `∂L/∂f` comes from the reconstruction error, in plain text; `n` examples of `d` pixels.
pub fn reconstruction_text(kind: Reconstruction, output: Activation) -> String {
    let arriving = match kind {
        Reconstruction::BinaryCrossEntropy => return "(σ(f) − x) / (n d)".into(),
        Reconstruction::MeanSquaredError => "2/(n d) (x̂ − x)",
        Reconstruction::SquaredError => "2/n (x̂ − x)",
    };
    activation_text(output, arriving)
}

/// On which side of its kink each unit is; empty for activations without one. (The slope of an ELU
/// does not jump at zero but bends, which is enough to spoil a difference.)
pub fn sides(activation: Activation, f: &Matrix) -> Vec<bool> {
    match activation {
        Activation::Relu | Activation::LeakyRelu { .. } | Activation::Elu => {
            f.iter().map(|&f| f > 0.0).collect()
        }
        Activation::Maxout => {
            let (first, second) = (f.slice(s![.., ..;2]), f.slice(s![.., 1..;2]));
            first.iter().zip(&second).map(|(a, b)| a >= b).collect()
        }
        _ => Vec::new(),
    }
}

/// The reconstruction error of `x̂ = output(f)`, a mean over the examples.
pub fn reconstruction_error(
    kind: Reconstruction,
    output: Activation,
    f: &Matrix,
    x: &Matrix,
) -> f64 {
    let (examples, pixels) = (x.nrows() as f64, x.ncols() as f64);
    match kind {
        // −x ln σ(f) − (1 − x) ln(1 − σ(f)), which never overflows in this form.
        Reconstruction::BinaryCrossEntropy => {
            let nats = Zip::from(f)
                .and(x)
                .map_collect(|f, x| f.max(0.0) - x * f + (-f.abs()).exp().ln_1p());
            nats.sum() / (examples * pixels)
        }
        Reconstruction::MeanSquaredError => squares(&(apply(output, f) - x)) / (examples * pixels),
        Reconstruction::SquaredError => squares(&(apply(output, f) - x)) / examples,
    }
}

/// The value of a penalty.
pub fn penalty(sparsity: Sparsity, code: &Matrix) -> f64 {
    match sparsity {
        Sparsity::L1 { weight, reduction } => {
            let sum = code.mapv(f64::abs).sum();
            match reduction {
                Reduction::BatchSum => weight * sum,
                Reduction::BatchMean => weight * sum / code.nrows() as f64,
            }
        }
        Sparsity::KullbackLeibler { weight, target } => {
            let mean = code.mean_axis(Axis(0)).expect("a batch is not empty");
            let divergence = |mean: &f64| {
                let mean = mean.clamp(LEAST_ACTIVATION, 1.0 - LEAST_ACTIVATION);
                target * (target / mean).ln()
                    + (1.0 - target) * ((1.0 - target) / (1.0 - mean)).ln()
            };
            weight * mean.iter().map(divergence).sum::<f64>()
        }
    }
}

/// `P(k|x)`, a row of which adds up to one.
pub fn probabilities(f: &Matrix) -> Matrix {
    let mut p = f.clone();
    for mut row in p.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        row.mapv_inplace(|f| (f - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    p
}

/// The two halves of a matrix' columns.
pub fn halves(both: &Matrix) -> (Matrix, Matrix) {
    let size = both.ncols() / 2;
    (
        both.slice(s![.., ..size]).to_owned(),
        both.slice(s![.., size..]).to_owned(),
    )
}

/// Two matrices side by side.
pub fn side_by_side(left: &Matrix, right: &Matrix) -> Matrix {
    concatenate![Axis(1), *left, *right]
}

fn squares(difference: &Matrix) -> f64 {
    difference.mapv(|d| d * d).sum()
}

/// `σ(f) = 1 / (1 + e⁻ᶠ)`
fn sigmoid(f: f64) -> f64 {
    1.0 / (1.0 + (-f).exp())
}

/// `1 / √(2π)`
const NORMAL_DENSITY_AT_ZERO: f64 =
    0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;

/// `√(2/π)`, and the factor of the cube, of GELU's approximation with a tanh.
const GELU_SCALE: f64 = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
const GELU_CUBE: f64 = 0.044_715;

fn gelu_inner(f: f64) -> f64 {
    GELU_SCALE * (f + GELU_CUBE * f.powi(3))
}
