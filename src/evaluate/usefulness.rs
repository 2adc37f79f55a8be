//! What codes are good for: how well they tell classes apart that no code was made for.

use burn::tensor::ExecutionError;

use super::{Evaluator, Figures, LinearProbe, Neighbours};
use crate::data::ImageSet;
use crate::model::Codec;

/// Of the classifier by nearest neighbours.
pub const NEIGHBOURS: usize = 5;
/// The share of images whose class most of the five nearest training codes have.
pub const NEIGHBOURS_ACCURACY: &str = "five_neighbours_accuracy";
/// The share of images whose class a linear classifier of codes finds.
pub const PROBE_ACCURACY: &str = "linear_probe_accuracy";

/// Codes with the classes of their images.
#[derive(Clone, Copy, Debug)]
pub struct LabelledCodes<'a> {
    /// `[images, width]`, row-major.
    pub codes: &'a [f32],
    pub classes: &'a [u32],
}

impl Evaluator<'_> {
    /// How many of the `test` images are classified rightly by their codes and those of `train`; none without classes.
    ///
    /// # Errors
    /// The device fails.
    pub fn usefulness(
        &self,
        model: &dyn Codec,
        train: &ImageSet,
        test: &ImageSet,
    ) -> Result<Option<Figures>, ExecutionError> {
        let (Some(train_classes), Some(test_classes)) = (train.labels(), test.labels()) else {
            return Ok(None);
        };
        let (train_codes, test_codes) = (self.encode(model, train)?, self.encode(model, test)?);
        let train = LabelledCodes {
            codes: &train_codes,
            classes: train_classes,
        };
        let test = LabelledCodes {
            codes: &test_codes,
            classes: test_classes,
        };
        let width = test_codes.len() / test_classes.len();
        Ok(Some(usefulness(train, test, width)))
    }
}

/// How many of the `test` images are classified rightly by the codes of `train`: by their nearest neighbours, and by a
/// linear classifier, which has no metric where codes are not finite or classes too many to fit it in minutes.
pub fn usefulness(train: LabelledCodes<'_>, test: LabelledCodes<'_>, width: usize) -> Figures {
    let share = |found: &[u32]| {
        let pairs = found.iter().zip(test.classes);
        let right = pairs.filter(|(found, class)| found == class).count();
        right as f64 / test.classes.len() as f64
    };
    let neighbours = Neighbours::new(train.codes, width);
    let mut figures = Figures::default();
    let found = neighbours.classify(train.classes, test.codes, NEIGHBOURS);
    figures.push(NEIGHBOURS_ACCURACY, share(&found));
    if is_probed(&train, width)
        && let Ok(probe) = LinearProbe::fit(train.codes, width, train.classes)
    {
        figures.push(PROBE_ACCURACY, share(&probe.classify(test.codes)));
    }
    figures
}

/// Returns whether a probe is fitted in minutes: its iterations take a product for each code, class and unit.
fn is_probed(train: &LabelledCodes<'_>, width: usize) -> bool {
    /// Classes up to which it always is.
    const FEW_CLASSES: usize = 256;
    /// Products of an iteration, of which there are up to 300.
    const MOST_PRODUCTS: usize = 4_000_000_000;
    let classes = train
        .classes
        .iter()
        .max()
        .map_or(0, |&class| class as usize + 1);
    let products = classes
        .checked_mul(width + 1)
        .and_then(|products| products.checked_mul(train.classes.len()));
    classes <= FEW_CLASSES || products.is_some_and(|products| products <= MOST_PRODUCTS)
}
