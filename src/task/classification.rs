//! Classifiers: points to their classes.

use burn::tensor::{Device, ExecutionError, Int, Tensor, TensorData};

use super::{Loss, Measured, Subset, Task, Term, part};
use crate::batches::tensor;
use crate::data::{Checksum, PointSet, Splits};
use crate::evaluate::{Figures, Scope, classification};
use crate::model::{Classifier, Dropout, DropoutMasks};
use crate::objective::{CROSS_ENTROPY, cross_entropy_nats};

/// Telling the classes of points apart.
#[derive(Debug)]
pub struct ClassificationTask {
    pub points: Splits<PointSet>,
    /// Where steps are computed; all else on the first.
    pub devices: Vec<Device>,
    pub dropout: Option<Dropout>,
}

/// What one step of a classifier needs.
#[derive(Debug)]
pub struct PointBatch {
    /// `[batch, coordinates]`
    pub points: Tensor<2>,
    /// `[batch]`
    pub classes: Tensor<1, Int>,
    pub masks: DropoutMasks,
}

impl ClassificationTask {
    fn subset(&self, subset: Subset) -> Option<&PointSet> {
        match subset {
            Subset::Training => Some(&self.points.train),
            Subset::Validation => self.points.validation.as_ref(),
            Subset::Test => Some(&self.points.test),
        }
    }
}

impl Measured<Classifier> for ClassificationTask {
    fn examples(&self, subset: Subset) -> usize {
        self.subset(subset).map_or(0, PointSet::count)
    }

    fn error_metric(&self) -> &'static str {
        CROSS_ENTROPY
    }

    fn figures(
        &self,
        network: &Classifier,
        subset: Subset,
        _: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        self.subset(subset)
            .map(|points| classification(network, points, &self.devices[0]))
            .transpose()
    }

    fn checksums(&self) -> &[Checksum] {
        &self.points.checksums
    }
}

impl Task<Classifier> for ClassificationTask {
    type Batch = PointBatch;

    fn devices(&self) -> &[Device] {
        &self.devices
    }

    fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> PointBatch {
        let device = &self.devices[device];
        let points = self.points.train.select(indices);
        let classes: Vec<i32> = points.classes().iter().map(|&class| class as i32).collect();
        let classes = TensorData::new(classes, [indices.len()]);
        PointBatch {
            points: tensor(points.coordinates().to_vec(), indices.len(), device),
            classes: Tensor::from_data(classes, device),
            masks: match &self.dropout {
                None => DropoutMasks::none(),
                Some(dropout) => dropout.masks(epoch, indices, device),
            },
        }
    }

    fn loss(&self, network: &Classifier, mut batch: PointBatch, share: f64) -> Loss {
        let logits = network.logits(batch.points.autodiff(), &mut batch.masks);
        let error = cross_entropy_nats(logits, batch.classes.autodiff());
        let minimised = part(error, share);
        Loss {
            error: minimised.clone().without_autodiff(),
            terms: vec![Term::new(CROSS_ENTROPY, &minimised)],
            minimised,
        }
    }
}
