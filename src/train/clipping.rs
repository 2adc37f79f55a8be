//! Gradient clipping by global norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients of `model` together so that their norm is at most `most`:
///
/// ```text
/// g ← g · min(1, most / ‖g‖),    ‖g‖² = Σ over all parameters
/// ```
///
/// Gives the norm before, which stays on the device; where it is infinite, gradients become zero. (Burn's own clipping by norm takes each parameter by itself, which
/// changes the direction of the step.)
///
/// # Source
/// Pascanu, Mikolov, Bengio 2013, *On the difficulty of training recurrent neural networks*,
/// algorithm 1.
pub fn clip_global_norm<M: Module>(
    gradients: &mut GradientsParams,
    model: &M,
    most: f64,
) -> Option<Tensor<1>> {
    let mut sum = SumOfSquares {
        gradients,
        sum: None,
    };
    model.visit(&mut sum);
    let norm = sum.sum?.sqrt();
    // Where the norm is smaller, most / max(‖g‖, most) is 1.
    let scale = norm.clone().clamp_min(most).recip().mul_scalar(most);
    model.visit(&mut Scale { gradients, scale });
    Some(norm)
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(parameter.id) {
            let squares = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                None => squares,
                Some(sum) => sum + squares,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    scale: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(parameter.id) {
            let scale = self.scale.clone().reshape([1; D]);
            self.gradients.register(parameter.id, gradient * scale);
        }
    }
}
