//! The softmax classifier.

use super::formulas::probabilities;
use super::layers::{Masks, Stack, Trace};
use super::{Derivation, Formulas, Gradient, Loss, Matrix};
use crate::model::classifier::Architecture;
use crate::model::parameters::Tensors;

/// `−ln P(y|x)`, a mean over the examples, with `P(k|x) = exp f_k / Σⱼ exp f_j`.
pub struct Classifier {
    stack: Stack,
    input: Matrix,
    classes: Vec<usize>,
    masks: Option<Matrix>,
}

impl Classifier {
    /// The loss of such a network on a batch of points `[examples, coordinates]` and their classes;
    /// `masks` of dropout `[examples, hidden units]`.
    pub fn new(
        architecture: &Architecture,
        input: Matrix,
        classes: Vec<usize>,
        masks: Option<Matrix>,
    ) -> Self {
        Self {
            stack: Stack::of(
                "stack",
                architecture.layers.len() - 1,
                architecture.activation,
            ),
            input,
            classes,
            masks,
        }
    }

    fn forward(&self, parameters: &Tensors) -> (Trace, Vec<bool>) {
        let mut sides = Vec::new();
        let mut masks = Masks::new(self.masks.as_ref());
        let trace = self
            .stack
            .forward(parameters, &self.input, &mut masks, &mut sides);
        (trace, sides)
    }
}

impl Derivation for Classifier {
    fn loss(&self, parameters: &Tensors) -> Loss {
        let (trace, sides) = self.forward(parameters);
        let p = probabilities(trace.output());
        let each = self.classes.iter().enumerate();
        let nats: f64 = each.map(|(row, &class)| -p[[row, class]].ln()).sum();
        Loss {
            value: nats / self.classes.len() as f64,
            sides,
        }
    }

    fn gradients(&self, parameters: &Tensors, formulas: &Formulas) -> Vec<Gradient> {
        let (trace, _) = self.forward(parameters);
        let d_f = (formulas.softmax)(trace.output(), &self.classes);
        let mut found = Vec::new();
        let text = "(p − 1(y = k)) / n";
        self.stack
            .backward(parameters, &trace, formulas, d_f, text, &mut found);
        found
    }
}
