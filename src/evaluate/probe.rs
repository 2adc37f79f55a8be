//! How well a linear classifier tells the classes of codes apart.

use std::cell::{Ref, RefCell};

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use pulp::Arch;
use rayon::prelude::*;

use crate::kernels::math::exp_of_negative;

/// Parts that codes are cut into, whatever the number of threads, so that the order of sums does not depend on it.
const PARTS: usize = 64;
/// Numbers that a thread works on at a time: half a megabyte, to stay in its cache.
const NUMBERS_AT_A_TIME: usize = 65_536;
/// Earlier steps that L-BFGS remembers.
const MEMORY: usize = 10;
const MOST_ITERATIONS: u64 = 300;
/// It ends where the gradient, a mean over codes, is no longer than this.
const GRADIENT_TOLERANCE: f64 = 1e-5;
/// It ends where a step makes the loss, in nats, no smaller than by this.
const LOSS_TOLERANCE: f64 = 1e-7;

/// Multinomial logistic regression from codes to classes.
///
/// ```text
/// P(y|z) = softmax(W z + b)        −1/n Σ ln P(yᵢ|zᵢ) + 1/(2n) |W|²
/// ```
///
/// Codes are centred and divided by their root mean square, all elements by the same, so that the small penalty means
/// the same to every method.
///
/// # Source
/// Alain and Bengio 2016, *Understanding intermediate layers using linear classifier probes*; minimised with L-BFGS,
/// Liu and Nocedal 1989.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// `[classes, width + 1]` row-major, the bias last.
    weights: Vec<f64>,
    mean: Vec<f64>,
    scale: f64,
}

impl LinearProbe {
    /// Fits a probe to codes `[codes, width]`, row-major, of known classes.
    ///
    /// # Errors
    /// The codes are not finite.
    pub fn fit(codes: &[f32], width: usize, classes: &[u32]) -> Result<Self, Error> {
        // A line search among numbers that are none would never end.
        if !codes.iter().all(|element| element.is_finite()) {
            return Err(Error::msg("the codes are not finite"));
        }
        let count = classes.len() as f64;
        let mut mean = vec![0.0; width];
        for code in codes.chunks_exact(width) {
            for (mean, &element) in mean.iter_mut().zip(code) {
                *mean += f64::from(element) / count;
            }
        }
        let square: f64 = codes
            .chunks_exact(width)
            .flat_map(|code| code.iter().zip(&mean))
            .map(|(&element, mean)| (f64::from(element) - mean).powi(2))
            .sum();
        let rms = (square / codes.len() as f64).sqrt();
        let scale = if rms > 0.0 { rms.recip() } else { 1.0 };
        let most = classes.iter().max().copied().unwrap_or_default();
        let loss = Loss {
            codes,
            classes,
            mean: &mean,
            scale,
            outputs: most as usize + 1,
        };
        let begin = vec![0.0; loss.outputs * (width + 1)];
        let problem = Problem {
            loss,
            last: RefCell::default(),
        };
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
            .with_tolerance_grad(GRADIENT_TOLERANCE)?
            .with_tolerance_cost(LOSS_TOLERANCE)?;
        let result = Executor::new(problem, solver)
            .configure(|state| state.param(begin.clone()).max_iters(MOST_ITERATIONS))
            .run()?;
        let weights = result.state().get_best_param().cloned();
        Ok(Self {
            weights: weights.unwrap_or(begin),
            mean,
            scale,
        })
    }

    /// The most probable class of each of `codes`.
    pub fn classify(&self, codes: &[f32]) -> Vec<u32> {
        let width = self.mean.len();
        let outputs = self.weights.len() / (width + 1);
        let block = |codes: &[f32]| {
            let inputs = inputs(codes, &self.mean, self.scale);
            let logits = logits(&inputs, &self.weights, outputs);
            let each = logits.chunks_exact(outputs);
            let class = |logits: &[f64]| {
                let best = (1..outputs).fold(0, |best, class| match logits[class] > logits[best] {
                    true => class,
                    false => best,
                });
                best as u32
            };
            each.map(class).collect::<Vec<_>>()
        };
        let blocks = codes.par_chunks((NUMBERS_AT_A_TIME / width.max(outputs)).max(1) * width);
        blocks.flat_map_iter(block).collect()
    }
}

/// What a probe minimises.
struct Loss<'a> {
    /// `[codes, width]`
    codes: &'a [f32],
    classes: &'a [u32],
    mean: &'a [f64],
    scale: f64,
    outputs: usize,
}

/// A loss as the solver asks for it.
struct Problem<'a> {
    loss: Loss<'a>,
    /// What was asked for last: a line search wants the loss and its gradient at the same place.
    last: RefCell<Evaluated>,
}

/// The loss and its gradient at some weights.
#[derive(Clone, Default)]
struct Evaluated {
    weights: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
}

impl Problem<'_> {
    fn evaluated(&self, weights: &[f64]) -> Ref<'_, Evaluated> {
        if self.last.borrow().weights != weights {
            *self.last.borrow_mut() = self.loss.evaluate(weights);
        }
        self.last.borrow()
    }
}

impl Loss<'_> {
    fn evaluate(&self, weights: &[f64]) -> Evaluated {
        let width = self.mean.len();
        let columns = width + 1;
        let count = self.classes.len() as f64;
        let codes_per_part = self.classes.len().div_ceil(PARTS).max(1);
        let parts: Vec<(f64, Vec<f64>)> = self
            .codes
            .par_chunks(codes_per_part * width)
            .zip(self.classes.par_chunks(codes_per_part))
            .map(|(codes, classes)| self.evaluate_part(weights, codes, classes))
            .collect();
        let mut loss = 0.0;
        let mut gradient = vec![0.0; weights.len()];
        for (part_loss, part) in &parts {
            loss += part_loss / count;
            for (sum, element) in gradient.iter_mut().zip(part) {
                *sum += element / count;
            }
        }
        for (index, weight) in weights.iter().enumerate() {
            let is_bias = index % columns == width;
            if !is_bias {
                loss += weight * weight / (2.0 * count);
                gradient[index] += weight / count;
            }
        }
        Evaluated {
            weights: weights.to_vec(),
            loss,
            gradient,
        }
    }

    /// The sum of the cross-entropies of some codes, and its gradient.
    fn evaluate_part(&self, weights: &[f64], codes: &[f32], classes: &[u32]) -> (f64, Vec<f64>) {
        let width = self.mean.len();
        let columns = width + 1;
        // Of many classes the logits are more than the codes.
        let at_a_time = (NUMBERS_AT_A_TIME / columns.max(self.outputs)).max(1);
        let mut loss = 0.0;
        let mut gradient = vec![0.0; weights.len()];
        let blocks = codes.chunks(at_a_time * width);
        for (codes, classes) in blocks.zip(classes.chunks(at_a_time)) {
            let inputs = inputs(codes, self.mean, self.scale);
            let mut logits = logits(&inputs, weights, self.outputs);
            let each = logits.chunks_exact_mut(self.outputs).zip(classes);
            // In vectors, and so with no call of the C library, whose `exp` takes ten times as long where a matrix
            // product has left the upper halves of vector registers in use.
            Arch::new().dispatch(|| {
                for (logits, &class) in each {
                    loss += softmax_less_class(logits, class as usize);
                }
            });
            let differences = MatRef::from_row_major_slice(&logits, classes.len(), self.outputs);
            matmul(
                MatMut::from_row_major_slice_mut(&mut gradient, self.outputs, columns),
                Accum::Add,
                differences.transpose(),
                MatRef::from_row_major_slice(&inputs, classes.len(), columns),
                1.0,
                Par::Seq,
            );
        }
        (loss, gradient)
    }
}

/// Makes logits the gradient of the cross-entropy with respect to them, `P(y) − 1(y = class)`, and gives the cross-entropy.
#[inline(always)]
fn softmax_less_class(logits: &mut [f64], class: usize) -> f64 {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = logits[class] - most;
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = f64::from(exp_of_negative::<false>((*logit - most) as f32));
        sum += *logit;
    }
    for probability in logits.iter_mut() {
        *probability /= sum;
    }
    logits[class] -= 1.0;
    sum.ln() - own
}

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, weights: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.evaluated(weights).loss)
    }
}

impl Gradient for Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, weights: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.evaluated(weights).gradient.clone())
    }
}

/// Codes centred and scaled, each with a 1 for the bias behind it: `[codes, width + 1]`.
fn inputs(codes: &[f32], mean: &[f64], scale: f64) -> Vec<f64> {
    let mut inputs = Vec::with_capacity(codes.len() + codes.len() / mean.len());
    for code in codes.chunks_exact(mean.len()) {
        let each = code.iter().zip(mean);
        inputs.extend(each.map(|(&element, mean)| (f64::from(element) - mean) * scale));
        inputs.push(1.0);
    }
    inputs
}

/// `[codes, outputs]`
fn logits(inputs: &[f64], weights: &[f64], outputs: usize) -> Vec<f64> {
    let columns = weights.len() / outputs;
    let codes = inputs.len() / columns;
    let mut logits = Mat::<f64>::zeros(outputs, codes);
    matmul(
        logits.as_mut(),
        Accum::Replace,
        MatRef::from_row_major_slice(weights, outputs, columns),
        MatRef::from_row_major_slice(inputs, codes, columns).transpose(),
        1.0,
        Par::Seq,
    );
    (0..codes)
        .flat_map(|code| logits.col_as_slice(code).iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds on the corners of a triangle, and one point in the wrong one.
    #[test]
    fn classes_that_a_plane_parts_are_told_apart() {
        let mut codes = Vec::new();
        let mut classes = Vec::new();
        for index in 0..300 {
            let class = index % 3;
            let (x, y) = [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)][class];
            let wobble = (index as f32 * 0.7).sin();
            codes.extend([x + wobble, y - wobble * 0.5, 0.0]);
            classes.push(class as u32);
        }
        let probe = LinearProbe::fit(&codes, 3, &classes).unwrap();
        assert_eq!(probe.classify(&codes), classes);
        assert_eq!(probe.classify(&[8.0, 1.0, 0.0]), [1]);
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let codes = [0.5, 1.0, -2.0, 0.0, 3.0, 1.5, 0.2, -0.7];
        let classes = [0, 1, 2, 1];
        let loss = Loss {
            codes: &codes,
            classes: &classes,
            mean: &[0.1, -0.2],
            scale: 0.8,
            outputs: 3,
        };
        let weights: Vec<f64> = (0..9).map(|i| (f64::from(i) * 1.3).sin()).collect();
        let gradient = loss.evaluate(&weights).gradient;
        for index in 0..weights.len() {
            // Exponentials are taken in single precision.
            let step = 1e-2;
            let at = |shift: f64| {
                let mut moved = weights.clone();
                moved[index] += shift;
                loss.evaluate(&moved).loss
            };
            let difference = (at(step) - at(-step)) / (2.0 * step);
            assert!(
                (difference - gradient[index]).abs() < 1e-4,
                "{index}: {difference} {}",
                gradient[index]
            );
        }
    }

    #[test]
    fn one_class_or_codes_that_are_all_alike_are_no_trouble() {
        for broken in [f32::NAN, f32::INFINITY] {
            assert!(LinearProbe::fit(&[1.0, broken, 0.0], 1, &[0, 1, 1]).is_err());
        }
        let probe = LinearProbe::fit(&[1.0, 1.0, 1.0], 1, &[0, 0, 0]).unwrap();
        assert_eq!(probe.classify(&[1.0, 5.0]), [0, 0]);
        let probe = LinearProbe::fit(&[1.0, 1.0, 1.0], 1, &[0, 1, 1]).unwrap();
        assert_eq!(probe.classify(&[1.0]), [1]);
    }
}
