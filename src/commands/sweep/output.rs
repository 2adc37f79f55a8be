//! The results of a sweep as a table, as JSON and as a picture.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::results::{PointResults, Results, number};
use crate::config::shown;
use crate::error::Error;
use crate::evaluate::Spread;
use crate::files;
use crate::report::text::{table, with_spread};
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
                        "chosen_by": method.chosen_by,
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

    /// Draws the error of each method against the values of a grid of one key.
    ///
    /// # Errors
    /// There is nothing to draw, or the file cannot be written.
    pub fn draw(&self, directory: &Path) -> Result<Option<PathBuf>, Error> {
        let [key] = &self.study.keys[..] else {
            return Ok(None);
        };
        let name = format!("test_{}", self.metric);
        let mut curves = Vec::new();
        for method in &self.methods {
            let points = method.points.iter().filter_map(|point| {
                let value = point.point.values.first()?;
                let order = number(point.point).unwrap_or(f64::INFINITY);
                Some((order, shown(value), point.get(&name)?.mean))
            });
            let mut points: Vec<(f64, String, f64)> = points.collect();
            // Numbers in their order, words in that of the file.
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let suggested = method.suggested;
            let suggested =
                suggested.map(|found| shown(&method.points[found.point].point.values[0]));
            curves.push(Tradeoff {
                name: method.method.name.clone(),
                points: points
                    .into_iter()
                    .map(|(_, value, error)| (value, error))
                    .collect(),
                suggested,
            });
        }
        let most = curves.iter().map(|curve| curve.points.len()).max();
        if most.unwrap_or(0) < 2 {
            return Ok(None);
        }
        let path = directory.join("sweep.png");
        files::unlink(&path)?;
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
                let show = |spread: Option<&Spread>| spread.map_or(String::new(), with_spread);
                let mut row = vec![method.method.name.clone()];
                row.extend(results.point.values.iter().map(shown));
                row.push(show(results.get(&format!("test_{}", self.metric))));
                let seconds = results.get("train_seconds");
                row.push(seconds.map_or(String::new(), |s| format!("{:.1}", s.mean)));
                let chosen = method.chosen_by.as_ref().and_then(|name| results.get(name));
                row.push(chosen.map_or(String::new(), |chosen| {
                    format!("{} {}", chosen.name, with_spread(chosen))
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
        if self.study.keys.len() == 1 && self.methods.iter().all(|m| m.suggested.is_none()) {
            text += "\nNothing is suggested: that takes numbers, and an error on other than test images.\n";
        }
        if let Some(rule) = self.rule() {
            text += &format!("\n{rule}\n");
            for method in &self.methods {
                if let Some(suggested) = method.suggested.filter(|suggested| suggested.is_last) {
                    let value = shown(&method.points[suggested.point].point.values[0]);
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
        let methods = self
            .methods
            .iter()
            .filter(|method| method.suggested.is_some());
        let mut names: Vec<&str> = methods
            .filter_map(|method| method.chosen_by.as_deref())
            .collect();
        names.dedup();
        if names.is_empty() {
            return None;
        }
        Some(format!(
            "Suggested is the least value of {} whose {} is at most {} % above the least of its method; test images \
             choose nothing.",
            self.study.keys.first()?,
            names.join(" or "),
            (1e8 * self.tolerance).round() / 1e6
        ))
    }
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
