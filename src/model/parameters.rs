//! The parameters of a network by their names, and gradients with respect to them.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{ExecutionError, Tensor, TensorData};
use ndarray::Array2;

/// Tensors of a network in its own order, under the names of its modules such as
/// `encoder.layers.0.weight`: weights `[inputs, outputs]`, biases `[1, outputs]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(Vec<(String, Array2<f64>)>);

impl Tensors {
    /// Adds a tensor.
    pub fn push(&mut self, name: impl Into<String>, values: Array2<f64>) {
        self.0.push((name.into(), values));
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Array2<f64>> {
        let mut all = self.0.iter();
        all.find_map(|(known, values)| (known == name).then_some(values))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Array2<f64>> {
        let mut all = self.0.iter_mut();
        all.find_map(|(known, values)| (known == name).then_some(values))
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array2<f64>)> {
        self.0.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Array2<f64>)> {
        self.0
            .iter_mut()
            .map(|(name, values)| (name.as_str(), values))
    }
}

/// Names and shapes of the parameters of a network; nothing is read from the device.
pub fn shapes<M: Module>(network: &M) -> Vec<(String, Vec<usize>)> {
    #[derive(Default)]
    struct Shapes {
        shapes: Vec<(String, Vec<usize>)>,
        path: Vec<String>,
    }
    impl ModuleVisitor for Shapes {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let shape = parameter.val().dims().to_vec();
            self.shapes.push((self.path.join("."), shape));
        }
    }
    let mut visitor = Shapes::default();
    network.visit(&mut visitor);
    visitor.shapes
}

/// The parameters of a network.
///
/// # Errors
/// The device fails.
pub fn parameters<M: Module>(network: &M) -> Result<Tensors, ExecutionError> {
    take(network, None)
}

/// The gradients with respect to the parameters of a network; one that nothing depends on has none.
///
/// # Errors
/// The device fails.
pub fn gradients<M: Module>(
    network: &M,
    gradients: &GradientsParams,
) -> Result<Tensors, ExecutionError> {
    take(network, Some(gradients))
}

/// `network` with other values for its parameters.
///
/// # Panics
/// One of them is missing.
pub fn with_parameters<M: Module>(network: M, parameters: &Tensors) -> M {
    network.map(&mut Put {
        parameters,
        path: Vec::new(),
    })
}

fn take<M: Module>(
    network: &M,
    gradients: Option<&GradientsParams>,
) -> Result<Tensors, ExecutionError> {
    let mut visitor = Take {
        gradients,
        taken: Ok(Tensors::default()),
        path: Vec::new(),
    };
    network.visit(&mut visitor);
    visitor.taken
}

struct Take<'a> {
    gradients: Option<&'a GradientsParams>,
    taken: Result<Tensors, ExecutionError>,
    path: Vec<String>,
}

impl ModuleVisitor for Take<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            None => Some(parameter.val()),
            Some(gradients) => gradients.get::<D>(parameter.id),
        };
        let (Some(tensor), Ok(taken)) = (tensor, &mut self.taken) else {
            return;
        };
        let columns = tensor.dims()[D - 1];
        match tensor.try_into_data() {
            Ok(data) => {
                let values: Vec<f64> = data.iter::<f64>().collect();
                let shape = (values.len() / columns, columns);
                let values = Array2::from_shape_vec(shape, values).expect("whole rows");
                taken.push(self.path.join("."), values);
            }
            Err(error) => self.taken = Err(error),
        }
    }
}

struct Put<'a> {
    parameters: &'a Tensors,
    path: Vec<String>,
}

impl ModuleMapper for Put<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let values = self
            .parameters
            .get(&name)
            .unwrap_or_else(|| panic!("no values for {name}"));
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let (shape, device) = (parameter.val().dims(), parameter.val().device());
        parameter.map(|_| Tensor::from_data(TensorData::new(values.clone(), shape), &device))
    }
}
