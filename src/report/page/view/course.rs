//! The course of training: its epochs.

use serde_json::{Map, Value};

use crate::report::text::{figure, thousands};

pub struct EpochTable {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Lines of the table of epochs, and points of its curves.
const MOST_EPOCHS: usize = 500;

/// The epoch whose weights were kept, where it is not the last.
pub fn kept_epoch(summary: &Value) -> Option<u64> {
    let kept = summary["kept_epoch"].as_u64()?;
    (summary["epochs"].as_u64() != Some(kept)).then_some(kept)
}

/// Epochs that are evenly spread, the last among them, where there are too many to be shown.
pub fn thinned(history: &[Map<String, Value>]) -> Vec<Map<String, Value>> {
    let count = history.len();
    if count <= MOST_EPOCHS {
        return history.to_vec();
    }
    let index = |place: usize| place * (count - 1) / (MOST_EPOCHS - 1);
    (0..MOST_EPOCHS)
        .map(|place| history[index(place)].clone())
        .collect()
}

pub fn epoch_table(history: &[Map<String, Value>], all: usize) -> EpochTable {
    let columns: Vec<String> = history
        .first()
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect();
    let cell = |value: Option<&Value>| match value {
        Some(Value::Number(number)) => match number.as_u64() {
            Some(whole) => thousands(whole),
            None => figure(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => "not finite".into(),
    };
    let rows = history
        .iter()
        .map(|epoch| columns.iter().map(|name| cell(epoch.get(name))).collect());
    EpochTable {
        title: match history.len() == all {
            true => "All epochs as a table".into(),
            false => format!(
                "{} of {} epochs as a table",
                history.len(),
                thousands(all as u64)
            ),
        },
        rows: rows.collect(),
        columns,
    }
}
