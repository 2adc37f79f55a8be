//! `evaluate`: every metric of a trained network on the test images.

use serde_json::{Map, Value, json};

use super::{Loaded, answer, check_width, load_data};
use crate::cli;
use crate::config::Config;
use crate::data::ImageSet;
use crate::error::Error;
use crate::evaluate::{Evaluator, input_psnr_db};
use crate::model::Autoencoder;
use crate::report::text::{figure, table};

pub fn run(arguments: &cli::Evaluate) -> Result<(), Error> {
    let loaded = Loaded::open(&arguments.run)?;
    let data = load_data(&loaded.config)?;
    check_width(&loaded.config, (data.test.height(), data.test.width()))?;
    let named = figures(
        &loaded.config,
        &loaded.evaluator(),
        &loaded.model,
        &data.test,
    )?;
    if arguments.json {
        let metrics: Map<String, Value> = named
            .into_iter()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        let document = json!({
            "name": loaded.config.name,
            "backend": loaded.opened.backend.name(),
            "images": data.test.count(),
            "metrics": metrics,
        });
        answer(&format!("{document:#}\n"))
    } else {
        let rows: Vec<_> = named
            .into_iter()
            .map(|(name, value)| [name, figure(value)])
            .collect();
        answer(&table(&rows))
    }
}

/// Every figure on the test images, under its name. An experiment with corruption is measured on
/// clean images, then on corrupted ones.
pub fn figures(
    config: &Config,
    evaluator: &Evaluator<'_>,
    model: &Autoencoder,
    images: &ImageSet,
) -> Result<Vec<(String, f64)>, Error> {
    let mut figures = evaluator.evaluate(model, images, None)?.named("test");
    if let Some(noise) = config.evaluation_noise() {
        let before = input_psnr_db(images, &noise);
        figures.push(("test_corrupted_input_psnr_db".into(), before));
        let corrupted = evaluator.evaluate(model, images, Some(&noise))?;
        figures.extend(corrupted.named("test_corrupted"));
    }
    Ok(figures)
}
