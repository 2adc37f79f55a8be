//! What an experiment is: its examples, its network and its objective.

use std::path::PathBuf;

use serde::Serialize;

use crate::baselines;
use crate::data::{Corruption, GreyWeights, Images, Preparation, Source, Spirals};
use crate::model::{Activation, autoencoder, classifier, variational};
use crate::objective::{self, Reconstruction, Sparsity};

/// Examples, network and objective, which depend on each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Experiment {
    /// Images from their codes.
    Autoencoder {
        data: Images,
        model: autoencoder::Architecture,
        objective: ReconstructionObjective,
    },
    /// Images from distributions over codes.
    Variational {
        data: Images,
        model: variational::Architecture,
        objective: VariationalObjective,
    },
    /// Points to classes; the objective is always the cross-entropy.
    Classifier {
        data: Points,
        model: classifier::Architecture,
    },
    /// Images from codes that no network was trained to find.
    Baseline {
        data: Images,
        model: baselines::Architecture,
    },
}

/// Which points to generate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "dataset", rename = "spirals")]
pub struct Points {
    #[serde(flatten)]
    pub spirals: Spirals,
    /// Training points held out for validation.
    pub validation: usize,
}

/// What training an autoencoder minimises.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReconstructionObjective {
    pub reconstruction: Reconstruction,
    /// A penalty on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
    /// Noise on the inputs, for denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

/// What training a variational autoencoder minimises: the negative evidence lower bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariationalObjective {
    /// Factor on the divergence from the prior; 1 is the bound.
    pub kl_weight: f64,
    /// Noise on the inputs, for denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

impl Experiment {
    /// Training examples held out for validation.
    pub fn validation(&self) -> usize {
        match self {
            Self::Classifier { data, .. } => data.validation,
            _ => self.images().map_or(0, |data| data.validation),
        }
    }

    /// Returns whether there may be examples to validate with: some are held out, or a folder of images may be called so, which
    /// is found out when it is read.
    pub fn may_have_validation(&self) -> bool {
        let are_images = self
            .images()
            .is_some_and(|data| data.source == Source::Images);
        self.validation() > 0 || are_images
    }

    /// Reduces the examples to at most so many, besides those for validation.
    pub fn take_only(&mut self, examples: usize) {
        // Points cost nothing.
        if let Some(data) = self.images_mut() {
            let all = data.limit.unwrap_or(usize::MAX);
            data.limit = Some(all.min(examples + data.validation));
            data.test_limit = Some(1);
        }
    }

    /// Multiplies the number of units of all hidden layers, the code among them.
    pub fn widen(&mut self, factor: usize) {
        let widen = |sizes: &mut [usize]| sizes.iter_mut().for_each(|size| *size *= factor);
        let (encoder, decoder) = match self {
            Self::Autoencoder { model, .. } => (&mut model.encoder, &mut model.decoder),
            Self::Variational { model, .. } => (&mut model.encoder, &mut model.decoder),
            Self::Classifier { model, .. } => {
                let outputs = model.layers.len() - 1;
                return widen(&mut model.layers[1..outputs]);
            }
            Self::Baseline { model, .. } => return widen(&mut model.encoder[1..]),
        };
        widen(&mut encoder[1..]);
        let outputs = decoder.len() - 1;
        widen(&mut decoder[..outputs]);
    }

    /// Floating-point operations of the matrix products that an example takes part in when a network is
    /// trained by gradients: a multiplication and an addition for each weight, forwards, for the gradient of the
    /// weights, and for that of the layer's input unless it is the network's.
    pub fn operations_per_example(&self) -> usize {
        let weights = |sizes: &[usize], activation: Activation, last_units: usize| {
            let depth = sizes.len() - 1;
            let layer = |index: usize| match index + 1 == depth {
                true => sizes[index] * last_units,
                false => sizes[index] * sizes[index + 1] * activation.pieces(),
            };
            (0..depth).map(layer).collect::<Vec<_>>()
        };
        let code_to_output = |decoder: &[usize], activation| {
            let outputs = *decoder.last().expect("a decoder has sizes");
            weights(decoder, activation, outputs)
        };
        let layers = match self {
            Self::Autoencoder { model, .. } => {
                let code = model.code_size() * model.code_activation.pieces();
                let mut layers = weights(&model.encoder, model.activation, code);
                layers.extend(code_to_output(&model.decoder, model.activation));
                layers
            }
            Self::Variational { model, .. } => {
                let mut layers = weights(&model.encoder, model.activation, 2 * model.code_size());
                layers.extend(code_to_output(&model.decoder, model.activation));
                layers
            }
            Self::Classifier { model, .. } => code_to_output(&model.layers, model.activation),
            Self::Baseline { .. } => return 0,
        };
        6 * layers.iter().sum::<usize>() - 2 * layers[0]
    }

    /// The same with its images elsewhere.
    pub fn set_path(&mut self, path: Option<PathBuf>) {
        if let Some(data) = self.images_mut() {
            data.path = path;
        }
    }

    /// Reads images as versions did that ignored transparency, reduced 16 bits to 8 and weighed greys by Rec. 709: for their runs.
    pub fn read_images_as_earlier_versions(&mut self) {
        let own = self.images_mut().and_then(|data| data.own.as_mut());
        if let Some(fit) = own.and_then(|own| own.fit.as_mut()) {
            fit.background = None;
            fit.grey_weights = fit.grayscale.then_some(GreyWeights::Rec709);
        }
    }

    /// The same with its images where those of `moved` are.
    pub fn move_data(&mut self, moved: &Images) {
        if let Some(data) = self.images_mut() {
            data.path = moved.path.clone();
            let tests = data.own.as_mut().zip(moved.own.as_ref());
            if let Some((own, moved)) = tests
                && own.test.path().is_some()
                && moved.test.path().is_some()
            {
                own.test = moved.test.clone();
            }
        }
    }

    /// The same with its examples prepared as those that a run was trained on.
    pub fn prepare_as(&mut self, known: Preparation) {
        let own = self.images_mut().and_then(|data| data.own.as_mut());
        if let Some(own) = own {
            own.known = Some(Box::new(known));
        }
    }

    fn images_mut(&mut self) -> Option<&mut Images> {
        match self {
            Self::Autoencoder { data, .. }
            | Self::Variational { data, .. }
            | Self::Baseline { data, .. } => Some(data),
            Self::Classifier { .. } => None,
        }
    }

    /// The images that it uses, if it uses images.
    pub fn images(&self) -> Option<&Images> {
        match self {
            Self::Autoencoder { data, .. }
            | Self::Variational { data, .. }
            | Self::Baseline { data, .. } => Some(data),
            Self::Classifier { .. } => None,
        }
    }

    /// The name of what training reports and is judged by, with unit and reduction.
    pub fn error_metric(&self) -> &'static str {
        match self {
            Self::Autoencoder { objective, .. } => objective.reconstruction.metric(),
            Self::Variational { .. } => objective::NEGATIVE_ELBO,
            Self::Classifier { .. } => objective::CROSS_ENTROPY,
            Self::Baseline { model, .. } => model.kind.objective(),
        }
    }

    /// Whether a layer of it has an activation.
    pub fn uses(&self, activation: Activation) -> bool {
        match self {
            Self::Autoencoder { model, .. } => {
                [model.activation, model.code_activation, model.output].contains(&activation)
            }
            Self::Variational { model, .. } => model.activation == activation,
            Self::Classifier { model, .. } => model.activation == activation,
            Self::Baseline { .. } => false,
        }
    }

    /// Whether images are compared by the cross-entropy of their pixels.
    pub fn minimises_cross_entropy(&self) -> bool {
        match self {
            Self::Autoencoder { objective, .. } => {
                objective.reconstruction == Reconstruction::BinaryCrossEntropy
            }
            Self::Variational { .. } => true,
            Self::Classifier { .. } | Self::Baseline { .. } => false,
        }
    }

    /// Whether what is minimised of a batch is a sum of what is minimised of its parts.
    pub fn is_additive(&self) -> bool {
        match self {
            Self::Autoencoder { objective, .. } => {
                objective.sparsity.is_none_or(Sparsity::is_additive)
            }
            Self::Variational { .. } | Self::Classifier { .. } | Self::Baseline { .. } => true,
        }
    }

    /// The noise on its inputs, if it is to remove noise.
    pub fn corruption(&self) -> Option<Corruption> {
        match self {
            Self::Autoencoder { objective, .. } => objective.corruption,
            Self::Variational { objective, .. } => objective.corruption,
            Self::Classifier { .. } | Self::Baseline { .. } => None,
        }
    }

    /// Whether what the network is shown has to be between 0 and 1: it is compared as probabilities, or noise is clipped there.
    pub fn needs_unit_range(&self) -> bool {
        let is_clipped = !matches!(self.corruption(), None | Some(Corruption::Masking { .. }));
        let is_bounded = match self {
            Self::Autoencoder { model, .. } => model.output == Activation::Sigmoid,
            Self::Variational { .. } => true,
            Self::Classifier { .. } => false,
            Self::Baseline { model, .. } => model.kind == baselines::Kind::TopicModel,
        };
        is_bounded || is_clipped
    }

    /// The numbers of a code, if the network has one.
    pub fn code_size(&self) -> Option<usize> {
        match self {
            Self::Autoencoder { model, .. } => Some(model.code_size()),
            Self::Variational { model, .. } => Some(model.code_size()),
            Self::Baseline { model, .. } => Some(model.code_size()),
            Self::Classifier { .. } => None,
        }
    }

    /// The least and the greatest number that a reconstruction can hold.
    pub fn output_range(&self) -> (f32, f32) {
        match self {
            Self::Autoencoder { model, .. } => model.output.range(),
            Self::Variational { .. } => Activation::Sigmoid.range(),
            Self::Classifier { .. } | Self::Baseline { .. } => Activation::Linear.range(),
        }
    }

    /// All layer sizes, from the input to the output.
    pub fn layer_sizes(&self) -> Vec<usize> {
        let joined = |encoder: &[usize], decoder: &[usize]| [encoder, &decoder[1..]].concat();
        match self {
            Self::Autoencoder { model, .. } => joined(&model.encoder, &model.decoder),
            Self::Variational { model, .. } => joined(&model.encoder, &model.decoder),
            Self::Classifier { model, .. } => model.layers.clone(),
            Self::Baseline { model, .. } => {
                let [pixels, code] = model.encoder;
                vec![pixels, code, pixels]
            }
        }
    }

    /// All layer sizes, as one writes them: `784-128-32-128-784`.
    pub fn shape(&self) -> String {
        match self {
            Self::Autoencoder { model, .. } => model.shape(),
            Self::Variational { model, .. } => model.shape(),
            Self::Classifier { model, .. } => model.shape(),
            Self::Baseline { model, .. } => model.shape(),
        }
    }
}
