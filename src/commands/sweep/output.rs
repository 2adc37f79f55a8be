//! The results of a sweep as a table, as JSON and as a picture.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::results::{PointResults, Results, chosen_by, number};
use crate::error::Error;
use crate::evaluate::Spread;
use crate::report::text::{figure, table};
use crate::report::{self, Tradeoff, TradeoffPicture};

impl Results<'_> {
    /// What `sweep.json` holds.
    pub fn document(&self) -> Value {
        let methods: Vec<Value> = self
            .methods
            .iter()
            .map(|method| {
                let points: Vec<Value> = method.points.iter().map(|p| self.point(p)).collect();
                let suggested = method.suggested.map(|suggested| {
                    let results = &method.points[suggested.point];
                    json!({
                        "value": results.point.values[0],
                        "is_greatest_tried": suggested.is_last,
                        "chosen_by": chosen_by(results, &self.metric).map(|chosen| &chosen.name),
                    })
                });
                json!({ "method": method.method.name, "points": points, "suggested": suggested })
            })
            .collect();
        json!({
            "name": self.study.name,
            "metric": self.metric,
            "keys": self.study.keys,
            "methods": methods,
            "rule": self.rule(),
        })
    }

    fn point(&self, results: &PointResults<'_>) -> Value {
        let keys = self.study.keys.iter();
        let values: Map<String, Value> = keys
            .zip(&results.point.values)
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let mut means = Map::new();
        let mut deviations = Map::new();
        for figure in &results.figures {
            means.insert(figure.name.clone(), json!(figure.mean));
            if let Some(deviation) = figure.standard_deviation {
                deviations.insert(figure.name.clone(), json!(deviation));
            }
        }
        let configs = results.point.configs.iter();
        let runs: Vec<&str> = configs.map(|config| config.name.as_str()).collect();
        let failures: Vec<Value> = results
            .failures
            .iter()
            .map(|(run, message)| json!({ "run": run, "message": message }))
            .collect();
        json!({
            "values": values,
            "runs": runs,
            "metrics": means,
            "standard_deviations": deviations,
            "failures": failures,
        })
    }

    /// Draws the error of each method against the numbers of a grid of one key.
    pub fn draw(&self, directory: &Path) -> Result<Option<PathBuf>, Error> {
        let name = format!("test_{}", self.metric);
        let mut curves = Vec::new();
        for method in &self.methods {
            let points: Vec<(f64, f64)> = method
                .points
                .iter()
                .filter_map(|point| Some((number(point.point)?, point.get(&name)?.mean)))
                .collect();
            let suggested = method
                .suggested
                .and_then(|suggested| number(method.points[suggested.point].point));
            curves.push(Tradeoff {
                name: method.method.name.clone(),
                points,
                suggested,
            });
        }
        let most = curves.iter().map(|curve| curve.points.len()).max();
        let [key] = &self.study.keys[..] else {
            return Ok(None);
        };
        if most.unwrap_or(0) < 2 {
            return Ok(None);
        }
        let path = directory.join("sweep.png");
        let picture = TradeoffPicture {
            title: &format!("{}: test error against {key}", self.study.name),
            key,
            metric: &self.metric,
            curves: &curves,
        };
        report::tradeoff(&path, &picture)?;
        Ok(Some(path))
    }

    /// A table, and how values were chosen; `left` are the files to look at.
    pub fn text(&self, left: &[PathBuf]) -> String {
        let mut head = vec!["method".to_owned()];
        head.extend(self.study.keys.iter().cloned());
        let remaining = [
            &format!("test_{}", self.metric),
            "fitted in s",
            "chosen by",
            "",
        ];
        head.extend(remaining.map(str::to_owned));
        let mut rows = vec![head];
        for method in &self.methods {
            for (index, results) in method.points.iter().enumerate() {
                let show = |spread: Option<&Spread>| match spread {
                    None => String::new(),
                    Some(spread) => match spread.standard_deviation {
                        None => figure(spread.mean),
                        Some(deviation) => format!("{} ± {deviation:.1e}", figure(spread.mean)),
                    },
                };
                let mut row = vec![method.method.name.clone()];
                row.extend(results.point.values.iter().cloned());
                row.push(show(results.get(&format!("test_{}", self.metric))));
                let seconds = results.get("train_seconds");
                row.push(seconds.map_or(String::new(), |s| format!("{:.1}", s.mean)));
                let chosen = chosen_by(results, &self.metric);
                let chosen = chosen.filter(|_| method.suggested.is_some());
                row.push(chosen.map_or(String::new(), |chosen| {
                    format!("{} {}", chosen.name, show(Some(chosen)))
                }));
                let remark = match (&results.failures[..], method.suggested) {
                    ([(_, message), ..], _) => format!("failed: {}", first_line(message)),
                    ([], Some(suggested)) if suggested.point == index => "suggested".to_owned(),
                    _ => String::new(),
                };
                row.push(remark);
                rows.push(row);
            }
        }
        let mut text = table(&rows);
        if let Some(rule) = self.rule() {
            text += &format!("\n{rule}\n");
            for method in &self.methods {
                if let Some(suggested) = method.suggested.filter(|suggested| suggested.is_last) {
                    let value = &method.points[suggested.point].point.values[0];
                    text += &format!(
                        "For {} that is {value}, the greatest that was tried; a greater one may be better still.\n",
                        method.method.name
                    );
                }
            }
        }
        text += "\nlook at\n";
        for path in left {
            text += &format!("  {}\n", path.display());
        }
        text
    }

    /// How a value is suggested, if any is.
    fn rule(&self) -> Option<String> {
        self.methods.iter().find_map(|method| method.suggested)?;
        Some(format!(
            "Suggested is the least value of {} whose error, as the column `chosen by` has it, is at most {} % above the \
             least of its method; test images choose nothing.",
            self.study.keys.first()?,
            figure_of_percent(100.0 * self.tolerance)
        ))
    }
}

fn figure_of_percent(percent: f64) -> String {
    format!("{}", (percent * 1e6).round() / 1e6)
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
