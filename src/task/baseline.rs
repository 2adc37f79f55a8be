//! Baselines: images from codes that no network was trained to find.

use burn::tensor::ExecutionError;

use super::{ImageExamples, Measured, Subset};
use crate::baselines::{
    Architecture, Baseline, KL_DIVERGENCE, NEGATIVE_LOG_LIKELIHOOD, kl_divergence_nats_per_image,
    perplexity,
};
use crate::data::{Checksum, Preparation};
use crate::evaluate::{Figures, Scope};

/// Images that a baseline is fitted to and measured on.
#[derive(Debug)]
pub struct BaselineTask {
    pub images: ImageExamples,
    pub model: Architecture,
}

/// Besides what any code is measured by, what the baseline itself minimises.
impl Measured<Baseline> for BaselineTask {
    fn examples(&self, subset: Subset) -> usize {
        self.images.count(subset)
    }

    fn error_metric(&self) -> &'static str {
        self.model.kind.objective()
    }

    fn figures(
        &self,
        model: &Baseline,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        let Some(images) = self.images.subset(subset) else {
            return Ok(None);
        };
        let mut figures = Figures::default();
        match model {
            Baseline::Pca(_) => {}
            Baseline::ProbabilisticPca(model) => figures.push(
                NEGATIVE_LOG_LIKELIHOOD,
                model.negative_log_likelihood_nats_per_image(images)?,
            ),
            Baseline::TopicModel(model) => {
                let x_hat = self.images.evaluator().outputs(model, images)?;
                figures.push(KL_DIVERGENCE, kl_divergence_nats_per_image(images, &x_hat));
                figures.push("perplexity", perplexity(images, &x_hat));
            }
        }
        let more = self.images.reconstruction_figures(model, subset, scope)?;
        figures.extend(more.unwrap_or_default());
        Ok(Some(figures))
    }

    fn checksums(&self) -> &[Checksum] {
        &self.images.splits.checksums
    }

    fn training_errors(&self, network: &Baseline) -> Result<Option<Vec<f64>>, ExecutionError> {
        self.images.training_errors(network)
    }

    fn preparation(&self) -> Option<&Preparation> {
        Some(&self.images.splits.preparation)
    }
}
