//! Three answers to the same question: a gradient derived by hand, by autodiff, and by differences.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::ExecutionError;
use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

use crate::backpropagation::{Derivation, Formulas, Gradient, Matrix};
use crate::model::parameters::{self, Tensors};
use crate::random::{self, Purpose};
use crate::task::{Loss, Subset, Task, WHOLE};

/// Largest relative difference of a gradient in `f32` by autodiff from one in `f64` by hand.
pub const AUTODIFF_TOLERANCE: f64 = 1e-4;
/// Largest relative difference of central differences in `f64` from a gradient by hand.
pub const DIFFERENCES_TOLERANCE: f64 = 1e-6;
/// Half the distance between the two losses of a difference. The error of the formula grows with its
/// square, that of rounding with its inverse.
const STEP: f64 = 1e-4;
/// How many units in the last place of the loss its rounding may come to in a difference.
const ROUNDINGS: f64 = 4.0;
/// Initial biases are zero, where much is symmetric; here they are uniform on ± this.
const BIAS: f64 = 0.1;

/// How to check.
#[derive(Clone, Copy)]
pub struct Check {
    pub seed: u64,
    /// Coordinates of each tensor that differences are taken at; of smaller tensors all.
    pub coordinates: usize,
    /// The formulas to check.
    pub formulas: Formulas,
}

/// What was found of one network.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// The loss by hand.
    pub loss: f64,
    /// How far the backend's loss is from it, as a share of it.
    pub loss_difference: f64,
    /// From the first layer to the last.
    pub tensors: Vec<TensorFindings>,
}

/// What was found of one parameter tensor. A difference is relative to the gradient's absolute
/// value, or to the root mean square of the tensor's gradients where that is larger.
#[derive(Clone, Debug, Serialize)]
pub struct TensorFindings {
    pub tensor: String,
    pub shape: [usize; 2],
    /// The formula of the gradient by hand.
    pub formula: String,
    /// Largest difference between the gradients by hand and by autodiff, over all coordinates.
    pub autodiff_difference: f64,
    /// Largest difference between the gradients by hand and by differences, over those checked.
    pub central_difference: f64,
    /// How much of that rounding of the loss explains, which is not held against it.
    pub central_resolution: f64,
    /// Coordinates at which differences were taken.
    pub checked: usize,
    /// Coordinates that were left out, because the loss bends between its two values.
    pub set_aside: usize,
    pub verdict: Verdict,
    /// By which one factor the wrong gradient differs from the others, where there is such a factor.
    pub factor: Option<f64>,
}

/// Which of the three is wrong. Differences are those of the loss by hand, so that they are a witness
/// only where the [losses agree](Findings::losses_agree).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Agree,
    /// Autodiff and differences agree with each other.
    FormulaWrong,
    /// The formula and differences agree with each other.
    AutodiffWrong,
    /// The formula and autodiff agree with each other.
    DifferencesWrong,
    AllDiffer,
    /// The formula and autodiff agree, and every coordinate tried was at a kink.
    NotDifferentiable,
}

impl Verdict {
    fn is_fault(self) -> bool {
        !matches!(self, Self::Agree | Self::NotDifferentiable)
    }
}

impl Findings {
    /// Whether all three agree on every tensor, and the losses too.
    pub fn agree(&self) -> bool {
        let is_fault = |found: &TensorFindings| found.verdict.is_fault();
        self.losses_agree() && !self.tensors.iter().any(is_fault)
    }

    /// Whether the loss by hand is the loss of the backend. Where it is not, they are different
    /// functions, and nothing can be said about their gradients.
    pub fn losses_agree(&self) -> bool {
        self.loss_difference <= AUTODIFF_TOLERANCE
    }

    /// Where backpropagation goes wrong first: what it comes to after that may only be wrong
    /// because of it.
    pub fn first_wrong(&self) -> Option<&TensorFindings> {
        let mut backwards = self.tensors.iter().rev();
        backwards.find(|found| found.verdict.is_fault())
    }
}

/// Checks the gradients of a task's loss on some of its training examples, all of them where there
/// are fewer; `by_hand` derives the loss of a batch.
///
/// # Errors
/// The device fails.
///
/// # Panics
/// The derivation is of another network.
pub fn check<M: Module, T: Task<M>, D: Derivation>(
    settings: &Check,
    task: &T,
    network: M,
    examples: usize,
    by_hand: impl FnOnce(&T::Batch) -> Result<D, ExecutionError>,
) -> Result<Findings, ExecutionError> {
    let network = with_biases(network, settings.seed)?.train();
    let at = parameters::parameters(&network)?;
    // Evenly over all that there are, for points come class by class.
    let all = task.examples(Subset::Training);
    let examples = examples.min(all);
    let indices: Vec<usize> = (0..examples).map(|index| index * all / examples).collect();
    let batch = task.batch(1, &indices, 0);
    let derivation = by_hand(&batch)?;

    let Loss { minimised, .. } = task.loss(&network, batch, WHOLE);
    let loss_there: f64 = minimised.clone().try_into_data()?.iter::<f64>().sum();
    let gradients = GradientsParams::from_grads(minimised.backward(), &network);
    let autodiff = parameters::gradients(&network, &gradients)?;

    let loss = derivation.loss(&at).value;
    let rounding = ROUNDINGS * f64::EPSILON * loss.abs() / STEP;
    let by_hand = derivation.gradients(&at, &settings.formulas);
    let tensors = at
        .iter()
        .enumerate()
        .map(|(index, (name, values))| {
            let gradient = by_hand
                .iter()
                .find(|gradient| gradient.name == name)
                .unwrap_or_else(|| panic!("the derivation has no {name}"));
            let zeros = Matrix::zeros(values.raw_dim());
            let autodiff = autodiff.get(name).unwrap_or(&zeros);
            let coordinates = coordinates(gradient, settings, index as u64);
            let central = central_differences(&derivation, &at, name, &coordinates);
            compare(gradient, autodiff, &central, rounding)
        })
        .collect();
    Ok(Findings {
        loss,
        loss_difference: (loss_there - loss).abs() / loss.abs(),
        tensors,
    })
}

/// The network with biases other than zero.
fn with_biases<M: Module>(network: M, seed: u64) -> Result<M, ExecutionError> {
    let mut tensors = parameters::parameters(&network)?;
    let mut stream = random::stream(seed, Purpose::GradientCheck, 0, 0);
    let biases = tensors.iter_mut().filter(|(name, _)| name.contains("bias"));
    for (_, values) in biases {
        values.mapv_inplace(|_| BIAS * (2.0 * stream.random::<f64>() - 1.0));
    }
    Ok(parameters::with_parameters(network, &tensors))
}

/// Where differences are taken: half of the places at random, half where there is a gradient.
fn coordinates(gradient: &Gradient, settings: &Check, tensor: u64) -> Vec<usize> {
    let size = gradient.values.len();
    if size <= settings.coordinates {
        return (0..size).collect();
    }
    let stream = random::stream(settings.seed, Purpose::GradientCheck, 1, tensor);
    let order = random::permutation(size, stream);
    let values = gradient.values.as_standard_layout();
    let is_flat = |&&index: &&usize| values.as_slice().is_some_and(|all| all[index] == 0.0);
    let (any, others) = order.split_at(settings.coordinates / 2);
    let mut others: Vec<usize> = others.to_vec();
    // Stable, so the order stays random among those with a gradient and those without.
    others.sort_by_key(|index| is_flat(&index));
    let more = others.into_iter().take(settings.coordinates - any.len());
    any.iter().copied().chain(more).collect()
}

/// `(L(w + ε) − L(w − ε)) / 2ε` at each coordinate of a tensor; `None` where a kink lies between.
fn central_differences(
    derivation: &impl Derivation,
    at: &Tensors,
    name: &str,
    coordinates: &[usize],
) -> Vec<(usize, Option<f64>)> {
    let difference = |moved: &mut Tensors, &index: &usize| {
        let mut loss_at = |by: f64| {
            let values = moved.get_mut(name).expect("a tensor of the network");
            let place = values.as_slice_mut().expect("rows in order").get_mut(index);
            let place = place.expect("a coordinate of the tensor");
            let before = *place;
            *place = before + by;
            let loss = derivation.loss(moved);
            let values = moved.get_mut(name).expect("a tensor of the network");
            values.as_slice_mut().expect("rows in order")[index] = before;
            loss
        };
        let (above, below) = (loss_at(STEP), loss_at(-STEP));
        let is_smooth = above.sides == below.sides;
        (
            index,
            is_smooth.then(|| (above.value - below.value) / (2.0 * STEP)),
        )
    };
    coordinates
        .par_iter()
        .map_init(|| at.clone(), difference)
        .collect()
}

/// Judges one tensor; `rounding` is how far rounding of the loss can move a difference.
fn compare(
    gradient: &Gradient,
    autodiff: &Matrix,
    differences: &[(usize, Option<f64>)],
    rounding: f64,
) -> TensorFindings {
    let by_hand: Vec<f64> = gradient.values.iter().copied().collect();
    let autodiff: Vec<f64> = autodiff.iter().copied().collect();
    let checked: Vec<(usize, f64)> = differences
        .iter()
        .filter_map(|(index, value)| Some((*index, (*value)?)))
        .collect();
    // Of the two that are known everywhere the larger one, so that a gradient which is wrong by being
    // small does not set its own scale.
    let typical = root_mean_square(&by_hand).max(root_mean_square(&autodiff));
    let relative = |difference: f64, expected: f64, typical: f64| match difference {
        0.0 => 0.0,
        difference => difference / expected.abs().max(typical),
    };
    let beyond_rounding = |found: f64, expected: f64| {
        let difference = (found - expected).abs() - rounding;
        if difference < 0.0 { 0.0 } else { difference }
    };

    let pairs = autodiff.iter().zip(&by_hand);
    let autodiff_difference = largest(pairs.map(|(b, a)| relative((b - a).abs(), *a, typical)));
    let central = |difference: &dyn Fn(f64, f64) -> f64| {
        largest(checked.iter().map(|(index, c)| {
            let a = by_hand[*index];
            relative(difference(*c, a), a, typical)
        }))
    };
    let central_difference = central(&|c, a| (c - a).abs());
    let others = largest(checked.iter().map(|(index, c)| {
        let b = autodiff[*index];
        relative(beyond_rounding(b, *c), *c, root_mean_square(&autodiff))
    }));
    let verdict = match (
        autodiff_difference <= AUTODIFF_TOLERANCE,
        central(&beyond_rounding) <= DIFFERENCES_TOLERANCE,
    ) {
        (true, _) if checked.is_empty() => Verdict::NotDifferentiable,
        (true, true) => Verdict::Agree,
        (true, false) => Verdict::DifferencesWrong,
        (false, true) if !checked.is_empty() => Verdict::AutodiffWrong,
        (false, false) if others <= AUTODIFF_TOLERANCE => Verdict::FormulaWrong,
        (false, _) => Verdict::AllDiffer,
    };
    let at =
        |values: &[f64]| -> Vec<f64> { checked.iter().map(|(index, _)| values[*index]).collect() };
    let right: Vec<f64> = checked.iter().map(|(_, value)| *value).collect();
    let factor = match verdict {
        Verdict::FormulaWrong => factor(&at(&by_hand), &right),
        Verdict::AutodiffWrong => factor(&at(&autodiff), &right),
        _ => None,
    };
    let (rows, columns) = gradient.values.dim();
    TensorFindings {
        tensor: gradient.name.clone(),
        shape: [rows, columns],
        formula: gradient.formula.clone(),
        autodiff_difference,
        central_difference,
        central_resolution: relative(rounding, 0.0, typical),
        checked: checked.len(),
        set_aside: differences.len() - checked.len(),
        verdict,
        factor,
    }
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

/// The largest of absolute values; not a number if any is not.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values
        .max_by(f64::total_cmp)
        .map_or(0.0, |most| if most.is_nan() { f64::NAN } else { most })
}

/// The one factor by which the wrong gradients differ from the right ones, if there is one.
fn factor(wrong: &[f64], right: &[f64]) -> Option<f64> {
    let products: f64 = wrong
        .iter()
        .zip(right)
        .map(|(wrong, right)| wrong * right)
        .sum();
    let squares: f64 = right.iter().map(|right| right * right).sum();
    let factor = products / squares;
    let rest: f64 = wrong
        .iter()
        .zip(right)
        .map(|(wrong, right)| (wrong - factor * right).powi(2))
        .sum();
    let explained = rest.sqrt() <= 1e-3 * (factor * factor * squares).sqrt();
    (factor.is_finite() && explained).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(by_hand: &[f64], autodiff: &[f64], central: &[Option<f64>]) -> TensorFindings {
        let row =
            |values: &[f64]| Matrix::from_shape_vec((1, values.len()), values.to_vec()).unwrap();
        let gradient = Gradient {
            name: "bias".into(),
            formula: "formula".into(),
            values: row(by_hand),
        };
        let central: Vec<_> = central.iter().copied().enumerate().collect();
        compare(&gradient, &row(autodiff), &central, 1e-12)
    }

    const RIGHT: [f64; 3] = [1.0, -2.0, 0.5];

    #[test]
    fn the_one_that_stands_alone_is_wrong() {
        let central = RIGHT.map(Some);
        let other = [1.0, -2.0, 0.6];
        let verdict = |a: &[f64], b: &[f64], c: &[Option<f64>]| judge(a, b, c).verdict;
        assert_eq!(verdict(&RIGHT, &RIGHT, &central), Verdict::Agree);
        assert_eq!(verdict(&other, &RIGHT, &central), Verdict::FormulaWrong);
        assert_eq!(verdict(&RIGHT, &other, &central), Verdict::AutodiffWrong);
        assert_eq!(
            verdict(&RIGHT, &RIGHT, &other.map(Some)),
            Verdict::DifferencesWrong
        );
        assert_eq!(verdict(&RIGHT, &other, &[Some(3.0); 3]), Verdict::AllDiffer);
        // Gradients that vanish or explode do not set the scale that they are judged by.
        assert_eq!(verdict(&[0.0; 3], &RIGHT, &central), Verdict::FormulaWrong);
        assert_eq!(
            verdict(&RIGHT.map(|g| 1e9 * g), &RIGHT, &central),
            Verdict::FormulaWrong
        );
        assert_eq!(verdict(&RIGHT, &[0.0; 3], &central), Verdict::AutodiffWrong);
    }

    #[test]
    fn what_is_not_a_number_is_never_right() {
        let central = RIGHT.map(Some);
        let not = [f64::NAN, -2.0, 0.5];
        assert_eq!(
            judge(&RIGHT, &not, &central).verdict,
            Verdict::AutodiffWrong
        );
        assert!(judge(&not, &RIGHT, &central).verdict.is_fault());
        assert!(judge(&RIGHT, &RIGHT, &not.map(Some)).verdict.is_fault());
    }

    #[test]
    fn kinks_are_counted_and_nothing_is_said_where_there_is_nothing_else() {
        let found = judge(&RIGHT, &RIGHT, &[Some(1.0), None, Some(0.5)]);
        assert_eq!(
            (found.checked, found.set_aside, found.verdict),
            (2, 1, Verdict::Agree)
        );
        let found = judge(&RIGHT, &RIGHT, &[None; 3]);
        assert_eq!(found.verdict, Verdict::NotDifferentiable);
        assert_eq!(
            judge(&RIGHT, &[1.0; 3], &[None; 3]).verdict,
            Verdict::AllDiffer
        );
    }

    #[test]
    fn the_factor_of_a_constant_mistake_is_found() {
        let central = RIGHT.map(Some);
        let found = judge(&RIGHT.map(|g| -4.0 * g), &RIGHT, &central);
        assert!((found.factor.unwrap() + 4.0).abs() < 1e-12);
        assert_eq!(judge(&[1.0, 2.0, 0.5], &RIGHT, &central).factor, None);
    }

    #[test]
    fn rounding_of_the_loss_is_not_held_against_small_gradients() {
        let small = RIGHT.map(|g| 1e-7 * g);
        let rounded = small.map(|g| Some(g + 5e-13));
        let found = judge(&small, &small, &rounded);
        assert_eq!(found.verdict, Verdict::Agree);
        assert!(found.central_resolution > DIFFERENCES_TOLERANCE);
    }
}
