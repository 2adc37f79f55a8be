//! Dense layers one after another, forwards and backwards.

use ndarray::{ArrayView2, s};

use super::formulas::{activation_text, apply, sides};
use super::{Formulas, Gradient, Matrix};
use crate::model::Activation;
use crate::model::parameters::Tensors;

/// Where a layer's weights and biases are among the parameters.
#[derive(Clone, Debug)]
pub struct Place {
    pub weight: String,
    pub bias: String,
    /// Whether the layer uses the weights of another, transposed.
    pub is_transposed: bool,
}

/// Layers of which each but the last is followed by the same activation, and then by a mask of
/// dropout where there is one. What follows the last is the network's affair.
#[derive(Clone, Debug)]
pub struct Stack {
    pub places: Vec<Place>,
    pub activation: Activation,
}

/// What a forward pass went through, layer by layer.
pub struct Trace {
    /// `h`, the input of each layer.
    inputs: Vec<Matrix>,
    /// `f = h W + b`, the sums of each layer.
    sums: Vec<Matrix>,
    /// Of each layer but the last, where units are left out.
    masks: Vec<Option<Matrix>>,
}

impl Trace {
    /// The sums of the last layer.
    pub fn output(&self) -> &Matrix {
        &self.sums[self.sums.len() - 1]
    }
}

/// The masks of dropout, used up layer by layer.
pub struct Masks<'a> {
    /// `[examples, hidden units of all layers]`
    all: Option<&'a Matrix>,
    used: usize,
}

impl<'a> Masks<'a> {
    pub fn new(all: Option<&'a Matrix>) -> Self {
        Self { all, used: 0 }
    }

    fn next(&mut self, units: usize) -> Option<Matrix> {
        let columns = self.used..self.used + units;
        self.used += units;
        Some(self.all?.slice(s![.., columns]).to_owned())
    }
}

impl Stack {
    /// Layers under the names that a network's module `module` gives them.
    pub fn of(module: &str, depth: usize, activation: Activation) -> Self {
        let place = |layer| Place {
            weight: format!("{module}.layers.{layer}.weight"),
            bias: format!("{module}.layers.{layer}.bias"),
            is_transposed: false,
        };
        Self {
            places: (0..depth).map(place).collect(),
            activation,
        }
    }

    /// `f₁ = x W₁ + b₁, h₁ = a(f₁), f₂ = h₁ W₂ + b₂, …`; notes on which `sides` of their kinks the
    /// units are.
    pub fn forward(
        &self,
        parameters: &Tensors,
        x: &Matrix,
        masks: &mut Masks<'_>,
        on_sides: &mut Vec<bool>,
    ) -> Trace {
        let mut trace = Trace {
            inputs: Vec::new(),
            sums: Vec::new(),
            masks: Vec::new(),
        };
        let mut h = x.clone();
        for (layer, place) in self.places.iter().enumerate() {
            if let Some(f) = trace.sums.last() {
                on_sides.extend(sides(self.activation, f));
                h = apply(self.activation, f);
                let mask = masks.next(h.ncols());
                if let Some(mask) = &mask {
                    h *= mask;
                }
                trace.masks.push(mask);
            }
            let f = h.dot(&self.weight(parameters, layer)) + tensor(parameters, &place.bias);
            trace.inputs.push(h.clone());
            trace.sums.push(f);
        }
        trace
    }

    /// From `∂L/∂f` of the last layer back to the first: the gradients of all weights and biases go
    /// to `found`, and `∂L/∂x` is returned. `text` says in plain text where `∂L/∂f` came from.
    pub fn backward(
        &self,
        parameters: &Tensors,
        trace: &Trace,
        formulas: &Formulas,
        d_f: Matrix,
        text: &str,
        found: &mut Vec<Gradient>,
    ) -> Matrix {
        let (mut d_f, mut text) = (d_f, text.to_owned());
        let mut layer = self.places.len() - 1;
        loop {
            let place = &self.places[layer];
            let how = format!("Σ ∂L/∂f, ∂L/∂f = {text}");
            add(found, &place.bias, "∂L/∂b", &how, (formulas.bias)(&d_f));
            let d_weight = (formulas.weight)(&trace.inputs[layer], &d_f);
            let (how, d_weight) = match place.is_transposed {
                false => ("hᵀ ∂L/∂f", d_weight),
                true => ("(hᵀ ∂L/∂f)ᵀ", d_weight.reversed_axes()),
            };
            add(found, &place.weight, "∂L/∂W", how, d_weight);
            let d_h = (formulas.input)(&self.weight(parameters, layer).to_owned(), &d_f);
            if layer == 0 {
                return d_h;
            }
            layer -= 1;
            let (d_h, arriving) = match &trace.masks[layer] {
                None => (d_h, "∂L/∂h"),
                Some(mask) => (d_h * mask, "∂L/∂h · mask"),
            };
            d_f = (formulas.activation)(self.activation, &trace.sums[layer], &d_h);
            text = activation_text(self.activation, arriving);
        }
    }

    fn weight<'a>(&self, parameters: &'a Tensors, layer: usize) -> ArrayView2<'a, f64> {
        let place = &self.places[layer];
        let weight = tensor(parameters, &place.weight);
        match place.is_transposed {
            false => weight.view(),
            true => weight.t(),
        }
    }
}

/// Notes a gradient. A parameter that is used in two places gets one from each.
fn add(found: &mut Vec<Gradient>, name: &str, what: &str, how: &str, values: Matrix) {
    match found.iter_mut().find(|gradient| gradient.name == name) {
        Some(gradient) => {
            gradient.formula = format!("{} + {how}", gradient.formula);
            gradient.values += &values;
        }
        None => found.push(Gradient {
            name: name.to_owned(),
            formula: format!("{what} = {how}"),
            values,
        }),
    }
}

fn tensor<'a>(parameters: &'a Tensors, name: &str) -> &'a Matrix {
    parameters
        .get(name)
        .unwrap_or_else(|| panic!("the network has no {name}"))
}
