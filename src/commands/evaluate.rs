//! `evaluate`: every metric of a trained network on the test images.

use serde_json::{Map, Value, json};

use super::{Loaded, answer, check_width, load_data};
use crate::cli;
use crate::error::Error;
use crate::report::text::{figure, table};

pub fn run(arguments: cli::Evaluate) -> Result<(), Error> {
    let loaded = Loaded::open(&arguments.run)?;
    let data = load_data(&loaded.config)?;
    check_width(&loaded.config, (data.test.height(), data.test.width()))?;
    let metrics = loaded.evaluator().evaluate(&loaded.model, &data.test)?;
    let named = metrics.named("test");
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
