//! A comparison as JSON.

use serde_json::{Map, Value, json};

use super::Compared;
use super::verdict::Verdict;
use crate::config::Study;

/// What `compare.json` holds: of each method the means of its figures under their names, beside them how they spread.
pub fn document(study: &Study, compared: &[Compared], verdict: &Verdict) -> Value {
    let methods: Vec<Value> = compared.iter().map(method).collect();
    json!({
        "name": study.name,
        "methods": methods,
        "verdict": verdict.sentences,
        "rules": verdict.rules,
    })
}

fn method(compared: &Compared) -> Value {
    let mut method = Map::new();
    method.insert("method".into(), json!(compared.method));
    method.insert("code_size".into(), json!(compared.code_size));
    if !compared.values.is_empty() {
        method.insert("values".into(), json!(compared.values));
    }
    method.insert("runs".into(), json!(compared.runs));
    let mut spread = Map::new();
    for figure in &compared.figures {
        method.insert(figure.name.clone(), json!(figure.mean));
        if let Some(deviation) = figure.standard_deviation {
            spread.insert(figure.name.clone(), json!(deviation));
        }
    }
    method.insert("standard_deviations".into(), Value::Object(spread));
    Value::Object(method)
}
