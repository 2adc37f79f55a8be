//! What can be trained: a network with its examples, its objective and its figures.
//!
//! A [`Task`] is the seam between the training loop, which knows about none of these, and the kinds
//! of experiment, which know nothing of steps and epochs.

mod baseline;
mod classification;
mod images;
mod reconstruction;
mod variational;

use burn::module::Module;
use burn::tensor::{Device, ExecutionError, Tensor};

pub use baseline::BaselineTask;
pub use classification::{ClassificationTask, PointBatch};
pub use images::ImageExamples;
pub use reconstruction::ReconstructionTask;
pub use variational::{VariationalBatch, VariationalTask};

use crate::data::{Checksum, Preparation};
use crate::evaluate::{Figures, Scope};

/// Examples that networks `M` can be measured on.
pub trait Measured<M: Module> {
    /// The number of examples in a subset.
    fn examples(&self, subset: Subset) -> usize;

    /// The name of what training reports and is judged by, with unit and reduction; [`figures`]
    /// holds it for every subset.
    ///
    /// [`figures`]: Measured::figures
    fn error_metric(&self) -> &'static str;

    /// What a network without gradients is worth on a subset of the examples; `None` when the
    /// subset is empty.
    ///
    /// # Errors
    /// The device fails.
    fn figures(
        &self,
        network: &M,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError>;

    /// What the examples were read from.
    fn checksums(&self) -> &[Checksum];

    /// The error of each training example by which anomalies are scored; `None` where there is no code, or no training
    /// example.
    ///
    /// # Errors
    /// The device fails.
    fn training_errors(&self, _network: &M) -> Result<Option<Vec<f64>>, ExecutionError> {
        Ok(None)
    }

    /// How they were made of what the files hold, where there are files.
    fn preparation(&self) -> Option<&Preparation> {
        None
    }
}

/// A kind of experiment that trains networks `M`.
pub trait Task<M: Module>: Measured<M> + Sync {
    /// What the gradients of some examples are made of, on one device.
    type Batch;

    /// Where batches can be; the first is the device that networks and all else lie on. Several of the same are
    /// several workers.
    fn devices(&self) -> &[Device];

    /// The training examples at `indices`, as a step of `epoch` sees them, on the device of that number.
    fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> Self::Batch;

    /// The loss of a network, which records its gradients, on a batch that holds a `share` of a step's examples: the
    /// losses of all batches of a step add up to that of the step. It is [`WHOLE`] where there is one batch.
    fn loss(&self, network: &M, batch: Self::Batch, share: f64) -> Loss;
}

/// The share of a batch that holds all examples of its step.
pub const WHOLE: f64 = 1.0;

/// The part in a step's mean of the mean of a batch.
fn part(mean: Tensor<1>, share: f64) -> Tensor<1> {
    // A product with one would change no bit either, but be work.
    match share == WHOLE {
        true => mean,
        false => mean.mul_scalar(share),
    }
}

/// The loss of a step, on the device.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What is minimised, penalties included; carries the gradients.
    pub minimised: Tensor<1>,
    /// What is reported: the error metric of the batch, without gradients.
    pub error: Tensor<1>,
    /// What is minimised is the sum of these; without gradients.
    pub terms: Vec<Term>,
}

impl Loss {
    /// The same on another device; must carry no gradients.
    pub fn to_device(self, device: &Device) -> Self {
        let moved = |tensor: Tensor<1>| tensor.to_device(device);
        Self {
            minimised: moved(self.minimised),
            error: moved(self.error),
            terms: self
                .terms
                .into_iter()
                .map(|Term { name, value }| Term {
                    name,
                    value: moved(value),
                })
                .collect(),
        }
    }
}

/// A part of a loss, as it is weighted in it.
#[derive(Clone, Debug)]
pub struct Term {
    pub name: &'static str,
    pub value: Tensor<1>,
}

impl Term {
    /// A copy of a part of a loss, for those who look for what went wrong in it.
    fn new(name: &'static str, value: &Tensor<1>) -> Self {
        Self {
            name,
            value: value.clone().without_autodiff(),
        }
    }
}

/// A part of an experiment's examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    Training,
    Validation,
    Test,
}
