//! An optimizer for all parameters of a network, with a state that can be taken out and put back.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{
    DynOptimizer, DynState, GradientsParams, LearningRate, Optimizer, StateSink, StateSource,
};
use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_pack::Scalar;
use thiserror::Error;

use crate::model::parameters::shapes;

/// One rule of optimization and what it keeps of every parameter, under the parameter's name.
///
/// (Burn's own names parameters by numbers that differ in every process, and puts a saved state on the
/// default device, which on a machine without a graphics adapter may not exist.)
#[derive(Clone)]
pub struct NetworkOptimizer {
    rule: Arc<dyn DynOptimizer>,
    states: BTreeMap<String, DynState>,
}

/// The state of an optimizer on the host: tensors of the parameters' shapes and scalars, each named by
/// its parameter and what it is, such as `encoder.layers.0.weight.momentum.moment_1`.
#[derive(Clone, Debug, Default)]
pub struct OptimizerState {
    pub tensors: BTreeMap<String, TensorData>,
    pub scalars: BTreeMap<String, Scalar>,
}

/// Why a state does not belong to an optimizer of a network.
#[derive(Debug, Error, PartialEq)]
pub enum OptimizerStateError {
    #[error("`{name}` is {found}, its parameter is f32 {expected:?}")]
    Shape {
        name: String,
        found: String,
        expected: Vec<usize>,
    },
    #[error("the optimizer's state of `{0}` is incomplete")]
    Incomplete(String),
    #[error("`{0}` belongs to no parameter of this network or is unknown to this optimizer")]
    Unknown(String),
}

impl<O: Optimizer> From<O> for NetworkOptimizer {
    fn from(rule: O) -> Self {
        Self {
            rule: Arc::new(rule),
            states: BTreeMap::new(),
        }
    }
}

impl NetworkOptimizer {
    /// The network after one step along its gradients; a parameter without gradient stays.
    pub fn step<M: Module>(
        &mut self,
        learning_rate: LearningRate,
        network: M,
        gradients: GradientsParams,
    ) -> M {
        network.map(&mut Step {
            optimizer: self,
            learning_rate,
            gradients,
            path: Vec::new(),
        })
    }

    /// A copy of the state; waits for the device.
    pub fn state(&self) -> OptimizerState {
        let mut sink = StateSink::default();
        for (name, state) in &self.states {
            self.rule.state_flatten(name, state, &mut sink);
        }
        OptimizerState {
            tensors: sink.tensors.into_iter().collect(),
            scalars: sink.scalars.into_iter().collect(),
        }
    }

    /// The same rule with a state that was taken out for `network`, on `device`.
    ///
    /// # Errors
    /// The state is not one of this rule for this network.
    pub fn with_state<M: Module>(
        mut self,
        state: &OptimizerState,
        network: &M,
        device: &Device,
    ) -> Result<Self, OptimizerStateError> {
        self.states.clear();
        for (name, shape) in shapes(network) {
            let within = format!("{name}.");
            let scalars = entries(&state.scalars, &within);
            let tensors = entries(&state.tensors, &within);
            if scalars.is_empty() && tensors.is_empty() {
                continue;
            }
            let mut source = StateSource::new(scalars);
            for (name, data) in tensors {
                if data.dtype() != DType::F32 || data.shape().to_vec() != shape {
                    return Err(OptimizerStateError::Shape {
                        name,
                        found: format!("{:?} {:?}", data.dtype(), data.shape()),
                        expected: shape,
                    });
                }
                source.insert_tensor(name, data);
            }
            let restored = self
                .rule
                .state_unflatten(shape.len(), &name, &mut source, device);
            let restored = restored.ok_or_else(|| OptimizerStateError::Incomplete(name.clone()))?;
            self.states.insert(name, restored);
        }
        // Whatever was not understood would be lost without a word.
        let understood = self.state();
        let tensors = state.tensors.keys();
        let unknown = tensors
            .filter(|name| !understood.tensors.contains_key(*name))
            .chain(
                state
                    .scalars
                    .keys()
                    .filter(|name| !understood.scalars.contains_key(*name)),
            )
            .next();
        match unknown {
            None => Ok(self),
            Some(name) => Err(OptimizerStateError::Unknown(name.clone())),
        }
    }
}

fn entries<T: Clone>(all: &BTreeMap<String, T>, within: &str) -> BTreeMap<String, T> {
    all.range(within.to_owned()..)
        .take_while(|(name, _)| name.starts_with(within))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

struct Step<'a> {
    optimizer: &'a mut NetworkOptimizer,
    learning_rate: LearningRate,
    gradients: GradientsParams,
    path: Vec<String>,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, weights, mapper) = parameter.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, weights, mapper);
        };
        let name = self.path.join(".");
        let NetworkOptimizer { rule, states } = &mut *self.optimizer;
        let requires_gradient = weights.is_require_grad();
        let (weights, state) = rule.step_dyn(
            D,
            self.learning_rate,
            weights.inner().into_bridge(),
            gradient.into_bridge(),
            // Taken out, so that the rule may change it in place.
            states.remove(&name),
        );
        if let Some(state) = state {
            states.insert(name, state);
        }
        let weights = Tensor::from_inner(Tensor::from_bridge(weights));
        let weights = match requires_gradient {
            true => weights.require_grad(),
            false => weights,
        };
        Param::from_mapped_value(id, weights, mapper)
    }
}
