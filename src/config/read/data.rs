//! The keys under `data`.

use std::path::PathBuf;

use crate::config::settings::Settings;
use crate::config::{Images, Points};
use crate::data::{Source, Spirals};

/// The name of the generated data set.
const SPIRALS: &str = "spirals";
/// Points that fit any memory and are still seen as more than any plane needs.
const MOST_POINTS: usize = 10_000_000;

/// Reads which images to use.
pub fn images(settings: &mut Settings) -> Images {
    let sources = Source::NAMES.map(|(name, source)| (name, Some(source)));
    let [mnist, idx] = sources;
    let source = settings.choice("data.dataset", &[mnist, idx, (SPIRALS, None)]);
    if source == Some(None) {
        settings.problem(
            "data.dataset",
            "= \"spirals\" are points, not images",
            Some("set model.kind = \"classifier\", or data.dataset = \"mnist\"".into()),
        );
    }
    for key in [
        "classes",
        "points_per_class",
        "test_points_per_class",
        "noise",
    ] {
        settings.refuse(&format!("data.{key}"), "needs data.dataset = \"spirals\"");
    }
    let source = source.flatten().unwrap_or(Source::Mnist);
    let path = settings.text("data.path").map(PathBuf::from);
    let limit = settings.count("data.limit", 1);
    let test_limit = settings.count("data.test_limit", 1);
    let validation = settings.count("data.validation", 0).unwrap_or(0);

    if source == Source::Idx && path.is_none() {
        let hint = "add path = \"DIR\" with the four IDX files under [data]";
        settings.problem(
            "data.dataset",
            "= \"idx\" needs `data.path`",
            Some(hint.into()),
        );
    }
    if let Some(limit) = limit.filter(|&limit| validation >= limit) {
        let hint = "lower it or raise `data.limit`";
        settings.problem(
            "data.validation",
            format!("= {validation} leaves none of the {limit} images of `data.limit` to train on"),
            Some(hint.into()),
        );
    }
    Images {
        source,
        path,
        limit,
        test_limit,
        validation,
    }
}

/// Reads which points to generate.
pub fn points(settings: &mut Settings) -> Points {
    let all = [("mnist", false), ("idx", false), (SPIRALS, true)];
    if settings.choice("data.dataset", &all) == Some(false) {
        settings.problem(
            "data.dataset",
            "must be \"spirals\" for a classifier",
            Some("set data.dataset = \"spirals\", or model.kind = \"autoencoder\"".into()),
        );
    }
    for key in ["path", "limit", "test_limit"] {
        settings.refuse(&format!("data.{key}"), "means nothing to generated points");
    }
    let classes = settings.read("data.classes", "a whole number from 2 to 100", |value| {
        let classes = value
            .as_integer()
            .filter(|classes| (2..=100).contains(classes));
        classes.map(|classes| classes as usize)
    });
    let spirals = Spirals {
        classes: classes.unwrap_or(3),
        points_per_class: settings.count("data.points_per_class", 1).unwrap_or(100),
        test_points_per_class: settings
            .count("data.test_points_per_class", 1)
            .unwrap_or(1000),
        noise: settings
            .number("data.noise", "a number of at least 0", |x| x >= 0.0)
            .unwrap_or(0.2),
    };
    for (key, per_class) in [
        ("data.points_per_class", spirals.points_per_class),
        ("data.test_points_per_class", spirals.test_points_per_class),
    ] {
        if per_class.saturating_mul(spirals.classes) > MOST_POINTS {
            settings.problem(
                key,
                format!("makes more than {MOST_POINTS} points"),
                Some("lower it".into()),
            );
        }
    }
    let validation = settings.count("data.validation", 0).unwrap_or(0);
    let available = spirals.points_per_class.saturating_mul(spirals.classes);
    if validation >= available {
        settings.problem(
            "data.validation",
            format!("= {validation} leaves none of the {available} points to train on"),
            Some("lower it or raise `data.points_per_class`".into()),
        );
    }
    Points {
        spirals,
        validation,
    }
}
