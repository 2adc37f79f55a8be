//! What the page says, as its template takes it: a file for each part of the page.

mod code;
mod confusion;
mod course;
mod figures;
mod heading;
mod images;
mod proof;
mod scale;

use askama::Template;

use super::play::Data;
use super::{Page, Subject, script};
use crate::report::references::references;
use course::{EpochTable, epoch_table, kept_epoch, thinned};
use figures::{FigureRow, figure_rows};
use heading::{Fact, facts, kind, lead, silhouette};
use images::{ImagesView, images_view};
use proof::{config_text, receipt};
use scale::{Scale, floor, images_scale};

#[derive(Template)]
#[template(path = "page.html")]
struct View<'a> {
    policy: String,
    // Elements of their own, which the template only places.
    style: String,
    data: String,
    script: String,
    version: &'static str,
    name: &'a str,
    kind: String,
    shape: String,
    /// Heights of the drawn layers, in percent.
    silhouette: Vec<Bar>,
    lead: String,
    facts: Vec<Fact>,
    scale: Option<Scale>,
    figures: Vec<FigureRow>,
    /// Which columns the figures have.
    has_training: bool,
    has_validation: bool,
    has_references: bool,
    sources: Vec<String>,
    has_curves: bool,
    epochs: EpochTable,
    images: Option<ImagesView>,
    precision: &'static str,
    config: String,
    receipt: Vec<(String, String)>,
}

/// A bar of a drawing, in percent of it.
#[derive(Clone, Debug)]
struct Bar {
    left: f64,
    width: f64,
    top: f64,
    height: f64,
}

pub fn render(page: &Page<'_>) -> String {
    let (config, summary) = (page.config, page.summary);
    let precision = page.precision;
    let history = thinned(page.history);
    let references = references(config);
    let scale = match &page.subject {
        Subject::Images(images) => images_scale(config, summary, images, &references),
        Subject::Points(_) => None,
    };
    let floor = match &page.subject {
        Subject::Images(images) => floor(config.experiment.error_metric(), images),
        Subject::Points(_) => None,
    };
    let mut sources = Vec::new();
    let figures = figure_rows(summary, &references, &mut sources);
    let has_curves = !history.is_empty() && config.train.is_some();
    let course = if has_curves { &history[..] } else { &[] };
    let kept_epoch = kept_epoch(summary);
    let data = Data::new(config, course, kept_epoch, floor, precision, &page.subject).to_json();
    let view = View {
        policy: script::policy(),
        style: format!("<style>{}</style>", script::STYLE),
        data: format!(r#"<script type="application/json" id="data">{data}</script>"#),
        script: format!(r#"<script type="module">{}</script>"#, *script::SCRIPT),
        version: env!("CARGO_PKG_VERSION"),
        name: &config.name,
        kind: kind(config),
        silhouette: silhouette(&config.experiment.layer_sizes()),
        shape: config.experiment.shape(),
        lead: lead(page),
        facts: facts(page),
        scale,
        has_training: figures.iter().any(|row| row.train_evaluated.is_some()),
        has_validation: figures.iter().any(|row| row.validation.is_some()),
        has_references: figures.iter().any(|row| !row.references.is_empty()),
        figures,
        sources,
        has_curves,
        epochs: epoch_table(&history, page.history.len()),
        images: match &page.subject {
            Subject::Images(images) => Some(images_view(config, images)),
            Subject::Points(_) => None,
        },
        precision: precision.name(),
        config: config_text(config),
        receipt: receipt(&summary["receipt"]),
    };
    view.render().expect("text takes what is written to it")
}
