//! What the page says, as its template takes it.

use std::collections::BTreeSet;

use askama::Template;
use serde_json::{Map, Value};

use super::picture::data_address;
use super::play::Data;
use super::scale::{Mark, Scale};
use super::{Exhibit, ImageSubject, Page, Subject, script};
use crate::baselines;
use crate::config::{Config, Experiment};
use crate::data::to_unit;
use crate::evaluate::{ClassError, Direction, unit_statistics};
use crate::report::log::EVALUATED_TRAINING;
use crate::report::metrics::description;
use crate::report::references::{Reference, pca_mse_per_pixel, references};
use crate::report::text::{figure, thousands};

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

/// One of the figures that head the page.
struct Fact {
    label: &'static str,
    value: String,
    note: String,
}

/// A figure on all splits.
struct FigureRow {
    description: String,
    metric: String,
    train: Option<String>,
    train_evaluated: Option<String>,
    validation: Option<String>,
    test: Option<String>,
    references: Vec<ReferenceCell>,
}

struct ReferenceCell {
    /// Of the figure on training examples rather than the test figure.
    is_training: bool,
    /// With how far from it one seed may be.
    value: String,
    verdict: &'static str,
    /// The number of its source.
    mark: usize,
}

struct EpochTable {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What a page of images has besides.
struct ImagesView {
    noun: &'static str,
    test_images: String,
    code_size: usize,
    is_denoising: bool,
    has_plane: bool,
    plane_points: String,
    plane_caption: String,
    /// Width and height of an exhibited image.
    thumbnail: (usize, usize),
    exhibits: Vec<ExhibitView>,
    error_description: String,
    classes: Vec<ClassRow>,
    confusion: Option<ConfusionView>,
    code: CodeView,
}

struct ExhibitView {
    title: &'static str,
    items: Vec<ExhibitItem>,
}

struct ExhibitItem {
    class: Option<u8>,
    index: usize,
    error: String,
    original: String,
    corrupted: Option<String>,
    reconstructed: String,
}

struct ClassRow {
    class: u8,
    images: String,
    mean: String,
    standard_deviation: String,
    /// Of the greatest mean, in percent.
    percent: f64,
}

struct ConfusionView {
    note: String,
    classes: Vec<usize>,
    rows: Vec<ConfusionRow>,
}

struct ConfusionRow {
    class: usize,
    right: String,
    cells: Vec<ConfusionCell>,
}

struct ConfusionCell {
    count: usize,
    /// From 0, none of the class's images, to 7, all.
    level: usize,
    is_right: bool,
}

struct CodeView {
    bars: Vec<Bar>,
    least: String,
    greatest: String,
    zero_percent: String,
    units: Vec<UnitRow>,
    units_left_out: usize,
}

struct UnitRow {
    unit: usize,
    mean: String,
    standard_deviation: String,
    zero_percent: String,
    middle: String,
    range: String,
}

/// Lines of the table of epochs, and points of its curves.
const MOST_EPOCHS: usize = 500;
/// Classes of a table of confusions that can still be read.
const MOST_CLASSES: usize = 20;
/// Shades of a table of confusions.
const MOST_LEVEL: f64 = 7.0;
/// Units in the table of units.
const MOST_UNITS: usize = 256;
/// Pixels on the screen of the longer side of an exhibited image.
const THUMBNAIL_SIDE: usize = 56;
/// Bars of the code's histogram.
const BINS: usize = 60;

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

/// The epoch whose weights were kept, where it is not the last.
fn kept_epoch(summary: &Value) -> Option<u64> {
    let kept = summary["kept_epoch"].as_u64()?;
    (summary["epochs"].as_u64() != Some(kept)).then_some(kept)
}

/// The config without the directory of its data, which says something of a machine and nothing of the run.
fn config_text(config: &Config) -> String {
    let mut told = config.clone();
    told.experiment.set_path(None);
    let text = told.to_toml();
    match config
        .experiment
        .images()
        .is_some_and(|data| data.path.is_some())
    {
        true => format!("# data.path, the directory of the images, is left out here.\n\n{text}"),
        false => text,
    }
}

/// What a kind of network is called.
fn kind(config: &Config) -> String {
    match &config.experiment {
        Experiment::Autoencoder {
            model, objective, ..
        } => {
            let depth = match model.encoder.len() {
                ..=2 => "single-layer",
                _ => "deep",
            };
            let mut words = Vec::new();
            words.extend(objective.corruption.map(|_| "denoising"));
            words.extend(objective.sparsity.map(|_| "sparse"));
            words.push(depth);
            let mut text = format!("{} autoencoder", words.join(", "));
            if model.tied {
                text.push_str(" with tied weights");
            }
            capitalised(&text)
        }
        Experiment::Variational { objective, .. } => match objective.corruption {
            Some(_) => "Denoising variational autoencoder".into(),
            None => "Variational autoencoder".into(),
        },
        Experiment::Classifier { .. } => "Softmax classifier".into(),
        Experiment::Baseline { model, .. } => match model.kind {
            baselines::Kind::Pca => "Principal component analysis",
            baselines::Kind::ProbabilisticPca => "Probabilistic principal component analysis",
            baselines::Kind::TopicModel => "Topic model",
        }
        .into(),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// A bar for each layer, as high as the square root of its units says, so that 784 and 32 can both be seen.
fn silhouette(sizes: &[usize]) -> Vec<Bar> {
    let sizes: Vec<f64> = sizes.iter().map(|&size| size as f64).collect();
    let most = sizes.iter().copied().fold(1.0, f64::max).sqrt();
    let step = 100.0 / sizes.len().max(1) as f64;
    let bar = |(index, size): (usize, &f64)| {
        let height = (100.0 * size.sqrt() / most).max(4.0);
        Bar {
            left: step * (index as f64 + 0.35),
            width: 0.3 * step,
            top: (100.0 - height) / 2.0,
            height,
        }
    };
    sizes.iter().enumerate().map(bar).collect()
}

fn lead(page: &Page<'_>) -> String {
    let summary = page.summary;
    let seconds = summary["metrics"]["train_seconds"]
        .as_f64()
        .unwrap_or_default();
    let environment = &summary["receipt"];
    let on = format!(
        "on {} ({})",
        environment["backend"].as_str().unwrap_or_default(),
        environment["device"].as_str().unwrap_or_default()
    );
    let examples = thousands(page.training_examples as u64);
    let epochs = summary["epochs"].as_u64().unwrap_or_default();
    if let Some(file) = environment["imported"]["file"].as_str() {
        return format!(
            "Its weights were trained elsewhere and imported from {file}. It was measured {on}."
        );
    }
    let epochs = match epochs {
        1 => "1 epoch".to_owned(),
        more => format!("{} epochs", thousands(more)),
    };
    let kept = match kept_epoch(summary) {
        Some(kept) => {
            format!(" The weights are those of epoch {kept}, the best by its validation examples.")
        }
        None => String::new(),
    };
    match (&page.subject, &page.config.train) {
        (Subject::Images(images), Some(_)) => format!(
            "It squeezes an image of {} pixels through a code of {} and draws it again. Trained for {epochs} on \
             {examples} images in {seconds:.1} seconds {on}.{kept}",
            images.images.pixels_per_image(),
            images.code_size(),
        ),
        (Subject::Images(images), None) => format!(
            "It says an image of {} pixels in a code of {} and draws it again. Fitted to {examples} images in \
             {seconds:.1} seconds {on}.",
            images.images.pixels_per_image(),
            images.code_size(),
        ),
        (Subject::Points(points), _) => format!(
            "It tells {} classes of points in the plane apart. Trained for {epochs} on {examples} points in \
             {seconds:.1} seconds {on}.{kept}",
            points.classes,
        ),
    }
}

fn facts(page: &Page<'_>) -> Vec<Fact> {
    let metrics = &page.summary["metrics"];
    let test = |name: &str| metrics[format!("test_{name}")].as_f64();
    let error_metric = page.config.experiment.error_metric();
    let mut facts = Vec::new();
    if let Some(accuracy) = test("accuracy") {
        facts.push(Fact {
            label: "Classified rightly",
            value: format!("{:.1} %", 100.0 * accuracy),
            note: "of the test points".into(),
        });
    }
    if let Some(error) = test(error_metric) {
        facts.push(Fact {
            label: "Test error",
            value: figure(error),
            note: match page.config.experiment.corruption() {
                Some(_) => format!("{}, from inputs without noise", description(error_metric)),
                None => description(error_metric),
            },
        });
    }
    if let Some(error) = test(&format!("corrupted_{error_metric}")) {
        facts.push(Fact {
            label: "Test error, noise removed",
            value: figure(error),
            note: format!("{}, from inputs with noise", description(error_metric)),
        });
    }
    if let Subject::Images(images) = &page.subject {
        let zeros = test("code_zero_fraction").unwrap_or_default();
        facts.push(Fact {
            label: "Code",
            value: match images.code_size() {
                1 => "1 number".into(),
                more => format!("{more} numbers"),
            },
            note: format!(
                "stand for {} pixels; {:.1} % of the numbers are exactly 0",
                images.images.pixels_per_image(),
                100.0 * zeros
            ),
        });
        if let Some(alike) = &images.look_alikes {
            facts.push(Fact {
                label: "Look-alikes",
                value: format!("{:.1} %", 100.0 * alike.share_right()),
                note: format!(
                    "of the test images have the class of most of the {} nearest of {} training codes",
                    alike.neighbours,
                    thousands(alike.asked as u64)
                ),
            });
        }
    }
    if let Some(speed) = metrics["samples_per_second"]
        .as_f64()
        .filter(|_| page.config.train.is_some())
    {
        facts.push(Fact {
            label: "Speed",
            value: thousands(speed.round() as u64),
            note: "training examples a second".into(),
        });
    }
    let parameters = page.summary["receipt"]["parameters"]
        .as_u64()
        .unwrap_or_default();
    facts.push(Fact {
        label: "Parameters",
        value: thousands(parameters),
        note: "numbers that were learned".into(),
    });
    facts
}

impl super::LookAlikes {
    fn share_right(&self) -> f64 {
        let all: usize = self.counts.iter().flatten().sum();
        let each = self.counts.iter().enumerate();
        let right: usize = each.map(|(class, found)| found[class]).sum();
        right as f64 / all.max(1) as f64
    }
}

/// The least error possible in a metric, if it is known.
fn floor(metric: &str, images: &ImageSubject<'_>) -> Option<f64> {
    match metric {
        "bce_nats_per_pixel" => Some(images.entropy),
        "negative_elbo_nats_per_image" => {
            Some(images.entropy * images.images.pixels_per_image() as f64)
        }
        _ => None,
    }
}

/// The test error between the least possible and that of always drawing the mean image.
fn images_scale(
    config: &Config,
    summary: &Value,
    images: &ImageSubject<'_>,
    references: &[Reference],
) -> Option<Scale> {
    let pixels = images.images.pixels_per_image() as f64;
    let (mean_bce, mean_mse) = images.mean_image;
    let (metric, mean_image) = match config.experiment.error_metric() {
        metric @ "bce_nats_per_pixel" => (metric, mean_bce),
        metric @ "negative_elbo_nats_per_image" => (metric, mean_bce * pixels),
        metric @ "squared_error_per_image" => (metric, mean_mse * pixels),
        // Baselines minimise what the mean image has no figure for.
        _ => ("mse_per_pixel", mean_mse),
    };
    let name = format!("test_{metric}");
    let found = summary["metrics"][&name].as_f64()?;
    let floor = floor(metric, images);
    let mut marks = vec![
        Mark::new("run", format!("this network {}", figure(found)), found),
        Mark::new(
            "floor",
            match floor {
                Some(floor) => format!("least possible {}", figure(floor)),
                None => "exact 0".into(),
            },
            floor.unwrap_or(0.0),
        ),
        Mark::new(
            "mean",
            format!("the mean image each time {}", figure(mean_image)),
            mean_image,
        ),
    ];
    let known = references.iter().find(|reference| reference.metric == name);
    if let Some(known) = known.filter(|known| known.greatest.is_finite()) {
        let label = format!("reference {}", range(known));
        marks.push(Mark::range("reference", label, known.least, known.greatest));
    } else if let Some(pca) = config
        .experiment
        .images()
        .and_then(|data| pca_mse_per_pixel(data, images.code_size()))
        .filter(|_| metric == "mse_per_pixel" || metric == "squared_error_per_image")
    {
        let scale = if metric == "mse_per_pixel" {
            1.0
        } else {
            pixels
        };
        let label = format!("PCA of as many numbers {}", figure(scale * pca));
        marks.push(Mark::new("reference", label, scale * pca));
    }
    Scale::new(format!("Test {}", description(metric)), marks)
}

fn range(reference: &Reference) -> String {
    match (reference.least, reference.greatest) {
        (least, greatest) if greatest.is_infinite() => format!("at least {least}"),
        (least, greatest) if least == greatest => least.to_string(),
        (least, greatest) => format!("{least} to {greatest}"),
    }
}

/// All figures of the summary, those of one metric in a row.
fn figure_rows(
    summary: &Value,
    references: &[Reference],
    sources: &mut Vec<String>,
) -> Vec<FigureRow> {
    let Some(metrics) = summary["metrics"].as_object() else {
        return Vec::new();
    };
    let prefixes = [EVALUATED_TRAINING, "train", "validation", "test"];
    let mut names: Vec<&str> = Vec::new();
    for name in metrics.keys() {
        let mut split = prefixes
            .iter()
            .filter_map(|prefix| name.strip_prefix(prefix)?.strip_prefix('_'));
        if let Some(metric) = split.next()
            && metric != "seconds"
            && !names.contains(&metric)
        {
            names.push(metric);
        }
    }
    let value = |prefix: &str, metric: &str| -> Option<String> {
        let found = metrics.get(&format!("{prefix}_{metric}"))?;
        let text = |value: f64| match metric.ends_with("units") {
            true => value.to_string(),
            false => figure(value),
        };
        Some(found.as_f64().map_or_else(|| "not finite".into(), text))
    };
    let mut cell = |prefix: &str, metric: &str| {
        let name = format!("{prefix}_{metric}");
        let known = references
            .iter()
            .find(|reference| reference.metric == name)?;
        let at = sources.iter().position(|source| *source == known.source);
        let mark = at.unwrap_or_else(|| {
            sources.push(known.source.clone());
            sources.len() - 1
        });
        let found = metrics.get(&name).and_then(Value::as_f64);
        Some(ReferenceCell {
            is_training: prefix == "train",
            value: match known.tolerance > 0.0 {
                true => format!(
                    "{} ± {} %",
                    range(known),
                    figure_of_percent(known.tolerance)
                ),
                false => range(known),
            },
            verdict: found.map_or("not finite", |found| verdict(known, metric, found)),
            mark: mark + 1,
        })
    };
    let rows = names.into_iter().map(|metric| {
        let references = [cell("test", metric), cell("train", metric)];
        FigureRow {
            description: description(metric),
            metric: metric.to_owned(),
            train: value("train", metric),
            train_evaluated: value(EVALUATED_TRAINING, metric),
            validation: value("validation", metric),
            test: value("test", metric),
            references: references.into_iter().flatten().collect(),
        }
    });
    rows.collect()
}

/// A share in percent, without digits that say nothing.
fn figure_of_percent(share: f64) -> f64 {
    (1000.0 * share).round() / 10.0
}

fn verdict(reference: &Reference, metric: &str, found: f64) -> &'static str {
    if reference.holds(found) {
        return "met";
    }
    match (Direction::of(metric), found < reference.least) {
        (Some(Direction::LessIsBetter), true) | (Some(Direction::MoreIsBetter), false) => "better",
        (Some(_), _) => "worse",
        (None, _) => "different",
    }
}

/// Epochs that are evenly spread, the last among them, where there are too many to be shown.
fn thinned(history: &[Map<String, Value>]) -> Vec<Map<String, Value>> {
    let count = history.len();
    if count <= MOST_EPOCHS {
        return history.to_vec();
    }
    let index = |place: usize| place * (count - 1) / (MOST_EPOCHS - 1);
    (0..MOST_EPOCHS)
        .map(|place| history[index(place)].clone())
        .collect()
}

fn epoch_table(history: &[Map<String, Value>], all: usize) -> EpochTable {
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

fn images_view(config: &Config, images: &ImageSubject<'_>) -> ImagesView {
    let test = images.images;
    let classes = test.labels().map(|labels| images.by_image.by_class(labels));
    let is_mnist = config
        .experiment
        .images()
        .is_some_and(|data| data.source == crate::data::Source::Mnist);
    let noun = if is_mnist { "digit" } else { "image" };
    let plane = images.map_plane().map(|(plane, _)| plane);
    let longest = test.height().max(test.width());
    let side = |length: usize| (THUMBNAIL_SIDE * length).div_ceil(longest);
    ImagesView {
        noun,
        test_images: thousands(test.count() as u64),
        code_size: images.code_size(),
        is_denoising: config.experiment.corruption().is_some(),
        has_plane: plane.is_some(),
        plane_points: thousands(test.count().min(super::MOST_POINTS) as u64),
        thumbnail: (side(test.width()), side(test.height())),
        plane_caption: match images.code_size() {
            2 => "the two code units".into(),
            _ => format!(
                "the two directions in which codes vary most: {:.0} % of their variance",
                100.0
                    * plane
                        .and_then(|plane| plane.variance_share)
                        .unwrap_or_default()
            ),
        },
        exhibits: images
            .exhibits
            .iter()
            .map(|exhibit| exhibit_view(exhibit, images))
            .collect(),
        error_description: description(images.by_image.metric),
        classes: class_rows(&classes.unwrap_or_default()),
        confusion: images.look_alikes.as_ref().and_then(confusion_view),
        code: code_view(&images.by_image.codes, images.code_size()),
    }
}

fn exhibit_view(exhibit: &Exhibit, images: &ImageSubject<'_>) -> ExhibitView {
    let test = images.images;
    let size = (test.height(), test.width());
    let pixels = test.pixels_per_image();
    let part = |all: &[f32], place: usize| data_address(&all[place * pixels..][..pixels], size);
    let item = |(place, &index): (usize, &usize)| {
        let original: Vec<f32> = test.image(index).iter().copied().map(to_unit).collect();
        ExhibitItem {
            class: test.labels().map(|labels| labels[index]),
            index,
            error: figure(images.by_image.errors[index]),
            original: data_address(&original, size),
            corrupted: exhibit.corrupted.as_ref().map(|all| part(all, place)),
            reconstructed: part(&exhibit.reconstructed, place),
        }
    };
    ExhibitView {
        title: exhibit.title,
        items: exhibit.indices.iter().enumerate().map(item).collect(),
    }
}

fn class_rows(classes: &[ClassError]) -> Vec<ClassRow> {
    let most = classes
        .iter()
        .map(|class| class.mean)
        .fold(f64::MIN_POSITIVE, f64::max);
    let row = |class: &ClassError| ClassRow {
        class: class.class,
        images: thousands(class.images as u64),
        mean: figure(class.mean),
        standard_deviation: figure(class.standard_deviation),
        percent: 100.0 * class.mean / most,
    };
    classes.iter().map(row).collect()
}

fn confusion_view(alike: &super::LookAlikes) -> Option<ConfusionView> {
    let counts = &alike.counts;
    // Labels may leave numbers out.
    let occurs = |class: &usize| {
        counts[*class].iter().any(|&count| count > 0)
            || counts.iter().any(|found| found[*class] > 0)
    };
    let classes: Vec<usize> = (0..counts.len()).filter(occurs).collect();
    if classes.len() > MOST_CLASSES {
        return None;
    }
    let row = |&class: &usize| {
        let found = &counts[class];
        let all: usize = found.iter().sum();
        let share = |count: usize| count as f64 / all.max(1) as f64;
        let cell = |&other: &usize| ConfusionCell {
            count: found[other],
            // A few are seen too: the level grows with the square root.
            level: (MOST_LEVEL * share(found[other]).sqrt()).ceil() as usize,
            is_right: other == class,
        };
        ConfusionRow {
            class,
            right: match all {
                0 => "no image".into(),
                _ => format!("{:.1} %", 100.0 * share(found[class])),
            },
            cells: classes.iter().map(cell).collect(),
        }
    };
    Some(ConfusionView {
        note: format!(
            "Each test image is given the class that most of the {} training images have whose codes are nearest, \
             of {} that were asked.",
            alike.neighbours,
            thousands(alike.asked as u64)
        ),
        rows: classes.iter().map(row).collect(),
        classes,
    })
}

fn code_view(codes: &[f32], code_size: usize) -> CodeView {
    let finite = || codes.iter().copied().filter(|element| element.is_finite());
    let least = finite().fold(0.0, f32::min);
    let greatest = finite().fold(least + 1e-6, f32::max);
    let mut counts = [0usize; BINS];
    for element in finite().filter(|&element| element != 0.0) {
        let share = f64::from(element - least) / f64::from(greatest - least);
        counts[((BINS as f64 * share) as usize).min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let width = 100.0 / BINS as f64;
    let bar = |(bin, &count): (usize, &usize)| {
        let height = 100.0 * count as f64 / most;
        Bar {
            left: width * bin as f64,
            width: 0.9 * width,
            top: 100.0 - height,
            height,
        }
    };
    let zeros = codes.iter().filter(|&&element| element == 0.0).count();
    let units = unit_statistics(codes, code_size);
    let row = |(unit, statistics): (usize, &crate::evaluate::UnitStatistics)| UnitRow {
        unit: unit + 1,
        mean: figure(statistics.mean),
        standard_deviation: figure(statistics.standard_deviation),
        zero_percent: format!("{:.1}", 100.0 * statistics.zero_fraction),
        middle: format!("{:.2} to {:.2}", statistics.middle.0, statistics.middle.1),
        range: format!("{:.2} to {:.2}", statistics.least, statistics.greatest),
    };
    CodeView {
        bars: counts.iter().enumerate().map(bar).collect(),
        least: figure(least.into()),
        greatest: figure(greatest.into()),
        zero_percent: format!("{:.1}", 100.0 * zeros as f64 / codes.len() as f64),
        units_left_out: units.len().saturating_sub(MOST_UNITS),
        units: units.iter().take(MOST_UNITS).enumerate().map(row).collect(),
    }
}

/// The receipt as lines of a table.
fn receipt(receipt: &Value) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in receipt.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => {
                for item in items {
                    if let (Some(file), Some(sha256)) =
                        (item["file"].as_str(), item["sha256"].as_str())
                    {
                        if seen.insert(file) {
                            lines.push((format!("SHA-256 of {file}"), sha256.to_owned()));
                        }
                    } else if let Some(step) = item["after_step"].as_u64() {
                        lines.push((words(name), format!("after step {}", thousands(step))));
                    } else if let Some(word) = item.as_str() {
                        lines.push((words(name), word.to_owned()));
                    } else {
                        lines.push((words(name), item.to_string()));
                    }
                }
            }
            Value::String(text) => lines.push((words(name), text.clone())),
            Value::Object(file) if file.contains_key("sha256") => {
                let text = |key: &str| file.get(key).and_then(Value::as_str).unwrap_or_default();
                lines.push((format!("{} from", words(name)), text("file").to_owned()));
                lines.push((
                    format!("SHA-256 of {}", text("file")),
                    text("sha256").to_owned(),
                ));
            }
            other => lines.push((words(name), other.to_string())),
        }
    }
    lines
}

/// A key as one says it.
fn words(key: &str) -> String {
    let (key, is_hash) = match key.strip_suffix("_sha256") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let key = key.replace('_', " ");
    if is_hash {
        format!("SHA-256 of {key}")
    } else {
        key
    }
}
