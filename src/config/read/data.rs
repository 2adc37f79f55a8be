//! The keys under `data`.

use std::path::PathBuf;

use toml::Value;

use crate::config::Points;
use crate::config::settings::Settings;
use crate::data::{
    Background, ColumnName, Decimal, Dialect, Fit, GreyWeights, Images, Numbers, Own, Resize,
    Scale, Separator, Source, Spirals, TestSplit, encoding_named,
};

/// The name of the generated data set.
const SPIRALS: &str = "spirals";
/// Points that fit any memory and are still seen as more than any plane needs.
const MOST_POINTS: usize = 10_000_000;

/// Reads which images to use.
pub fn images(settings: &mut Settings) -> Images {
    let mut sources: Vec<_> = Source::NAMES
        .map(|(name, source)| (name, Some(source)))
        .into();
    sources.push((SPIRALS, None));
    let source = settings.choice("data.dataset", &sources);
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
    let own = own(settings, source);
    let transpose = match source {
        Source::Idx => settings.flag("data.transpose").unwrap_or(false),
        _ => {
            settings.refuse("data.transpose", "needs data.dataset = \"idx\"");
            false
        }
    };
    let exclude_classes = classes(settings);
    let limit = settings.count("data.limit", 1);
    let test_limit = settings.count("data.test_limit", 1);
    let validation = settings.count("data.validation", 0).unwrap_or(0);
    if validation > 0
        && own
            .as_ref()
            .is_some_and(|own| own.validation_path.is_some())
    {
        let hint = "remove one of the two";
        settings.problem(
            "data.validation",
            "contradicts data.validation_path",
            Some(hint.into()),
        );
    }

    if source != Source::Mnist && path.is_none() {
        let (name, what) = match source {
            Source::Idx => ("idx", "path = \"DIR\" with the four IDX files"),
            Source::Images => ("images", "path = \"DIR\" with the pictures"),
            Source::Array => ("array", "path = \"FILE.npy\" or \"FILE.npz\""),
            _ => ("csv", "path = \"FILE.csv\""),
        };
        settings.problem(
            "data.dataset",
            format!("= \"{name}\" needs `data.path`"),
            Some(format!("add {what} under [data]")),
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
        transpose,
        own,
        exclude_classes,
        limit,
        test_limit,
        validation,
    }
}

/// Reads which classes are left out of training: names, or numbers.
fn classes(settings: &mut Settings) -> Vec<String> {
    let expected = "a list of classes, such as [3] or [\"cat\"]";
    let classes = settings.read("data.exclude_classes", expected, |value| {
        let class = |item: &toml::Value| match item {
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::String(name) => Some(name.clone()),
            _ => None,
        };
        value
            .as_array()?
            .iter()
            .map(class)
            .collect::<Option<Vec<_>>>()
    });
    classes.unwrap_or_default()
}

/// Reads how data that the user brings are read.
fn own(settings: &mut Settings, source: Source) -> Option<Own> {
    if source.is_idx() {
        for key in OF_OWN
            .iter()
            .chain(&OF_PICTURES)
            .chain(&OF_BOTH)
            .chain(&OF_NUMBERS)
            .chain(&OF_ARRAYS)
            .chain(&OF_TABLES)
        {
            let why = "belongs to data.dataset = \"images\", \"array\" or \"csv\"";
            settings.refuse(&format!("data.{key}"), why);
        }
        return None;
    }
    let test_path = settings.text("data.test_path").map(PathBuf::from);
    let test = match test_path {
        Some(path) => {
            refuse_unless(
                settings,
                "data.test_fraction",
                &Value::Float(TestSplit::DEFAULT_SHARE),
                "means nothing beside data.test_path",
            );
            TestSplit::Path(path)
        }
        None => {
            let share = "a fraction between 0 and 1";
            let fraction = settings.number("data.test_fraction", share, |share| {
                share > 0.0 && share < 1.0
            });
            TestSplit::Fraction(fraction.unwrap_or(TestSplit::DEFAULT_SHARE))
        }
    };
    let fit = match source {
        Source::Images => Some(fit(settings)),
        _ => {
            OF_PICTURES.iter().for_each(|key| {
                settings.refuse(&format!("data.{key}"), "needs data.dataset = \"images\"");
            });
            None
        }
    };
    let numbers = match source {
        Source::Images => {
            for key in OF_NUMBERS.iter().chain(&OF_ARRAYS).chain(&OF_TABLES) {
                settings.refuse(
                    &format!("data.{key}"),
                    "needs data.dataset = \"array\" or \"csv\"",
                );
            }
            None
        }
        _ => Some(numbers(settings, source)),
    };
    let validation_path = match source {
        Source::Images => settings.text("data.validation_path").map(PathBuf::from),
        _ => None,
    };
    Some(Own {
        test,
        validation_path,
        strict: settings.flag("data.strict").unwrap_or(false),
        max_unreadable_fraction: settings.number(
            "data.max_unreadable_fraction",
            "a fraction from 0 to 1",
            |share| (0.0..=1.0).contains(&share),
        ),
        memory_budget_mb: settings.count("data.memory_budget_mb", 1),
        fit,
        numbers,
        known: None,
    })
}

const OF_OWN: [&str; 5] = [
    "test_path",
    "test_fraction",
    "strict",
    "max_unreadable_fraction",
    "memory_budget_mb",
];
const OF_PICTURES: [&str; 7] = [
    "resize",
    "crop",
    "grayscale",
    "invert",
    "background",
    "grey_weights",
    "validation_path",
];
/// Of pictures and of numbers.
const OF_BOTH: [&str; 1] = ["range"];
const OF_NUMBERS: [&str; 3] = ["labels", "shape", "scale"];
const OF_ARRAYS: [&str; 2] = ["array", "test_labels"];
const OF_TABLES: [&str; 5] = ["header", "drop_columns", "encoding", "separator", "decimal"];
/// Pixels of a side.
const MOST_PIXELS: i64 = 8192;

/// Refuses a key that has no effect, but for the value that earlier versions wrote into the `config.toml` of
/// every run whether or not it had an effect: their runs must open.
fn refuse_unless(settings: &mut Settings, key: &str, written: &Value, why: &str) {
    if settings.value(key) == Some(written) {
        settings.ignore(key);
    } else {
        settings.refuse(key, why);
    }
}

fn fit(settings: &mut Settings) -> Fit {
    let usual = Fit::default();
    let expected = "a side or [height, width], from 1 to 8192 pixels";
    let resize = settings.read("data.resize", expected, |value| {
        let side = |value: &toml::Value| {
            let side = value
                .as_integer()
                .filter(|side| (1..=MOST_PIXELS).contains(side));
            side.map(|side| side as usize)
        };
        match value.as_array().map(Vec::as_slice) {
            None => side(value).map(|side| (side, side)),
            Some([height, width]) => side(height).zip(side(width)),
            Some(_) => None,
        }
    });
    let resize = match resize {
        Some(size) => Some(Resize {
            size,
            crop: settings.flag("data.crop").unwrap_or(true),
        }),
        None => {
            let why = "means nothing without data.resize";
            refuse_unless(settings, "data.crop", &Value::Boolean(true), why);
            None
        }
    };
    let grayscale = settings.flag("data.grayscale").unwrap_or(usual.grayscale);
    let grey_weights = match grayscale {
        true => settings
            .choice("data.grey_weights", &GreyWeights::NAMES)
            .or(usual.grey_weights),
        false => {
            settings.refuse("data.grey_weights", "means nothing where colours stay");
            None
        }
    };
    let expected = "\"white\", \"black\", a grey from 0 to 255 or [red, green, blue]";
    let background = settings.read("data.background", expected, |value| {
        value.clone().try_into::<Background>().ok()
    });
    Fit {
        resize,
        grayscale,
        invert: settings.flag("data.invert").unwrap_or(usual.invert),
        background: background.or(usual.background),
        grey_weights,
        range: range(settings),
    }
}

/// Reads the numbers that become 0 and 1.
fn range(settings: &mut Settings) -> Option<(f64, f64)> {
    let expected = "[low, high], two numbers with low < high";
    settings.read("data.range", expected, |value| {
        let number = |value: &toml::Value| {
            let number = value
                .as_float()
                .or(value.as_integer().map(|integer| integer as f64));
            number.filter(|number| number.is_finite())
        };
        let [low, high] = value.as_array()?.as_slice() else {
            return None;
        };
        let range = (number(low)?, number(high)?);
        (range.0 < range.1 && (range.1 - range.0).is_finite()).then_some(range)
    })
}

fn numbers(settings: &mut Settings, source: Source) -> Numbers {
    let others: &[&str] = match source {
        Source::Csv => &OF_ARRAYS,
        _ => &OF_TABLES,
    };
    for key in others {
        let why = match source {
            Source::Csv => "needs data.dataset = \"array\"",
            _ => "needs data.dataset = \"csv\"",
        };
        settings.refuse(&format!("data.{key}"), why);
    }
    let expected = "[height, width] or [height, width, channels], with 1 or 3 channels";
    let shape = settings.read("data.shape", expected, |value| {
        let size = |item: &toml::Value| {
            item.as_integer()
                .filter(|size| (1..=MOST_PIXELS * MOST_PIXELS).contains(size))
        };
        let sizes: Vec<i64> = value.as_array()?.iter().map(size).collect::<Option<_>>()?;
        let suits = matches!(sizes[..], [_, _] | [_, _, 1 | 3]);
        suits.then(|| sizes.into_iter().map(|size| size as usize).collect())
    });
    let range = range(settings);
    if range.is_some() {
        settings.refuse("data.scale", "contradicts data.range");
    }
    // A column may be given by its number.
    let labels = settings.read(
        "data.labels",
        "a file, an array of the same .npz, or a column of a table by name or by number from 1",
        |value| {
            let number = value
                .as_integer()
                .filter(|number| *number > 0 && source == Source::Csv);
            number
                .map(|number| number.to_string())
                .or_else(|| value.as_str().map(str::to_owned))
        },
    );
    Numbers {
        array: settings.text("data.array"),
        labels,
        test_labels: settings.text("data.test_labels"),
        header: settings.flag("data.header"),
        drop_columns: drop_columns(settings),
        dialect: dialect(settings),
        shape: shape.unwrap_or_default(),
        range,
        scale: settings.choice("data.scale", &Scale::NAMES),
    }
}

/// Reads which columns of a table are not read.
fn drop_columns(settings: &mut Settings) -> Vec<ColumnName> {
    let expected = "a list of columns, by name or by number from 1, such as [1, \"id\"]";
    let columns = settings.read("data.drop_columns", expected, |value| {
        let column = |item: &toml::Value| match item {
            toml::Value::String(name) => Some(ColumnName::Name(name.clone())),
            toml::Value::Integer(number) => usize::try_from(*number)
                .ok()
                .filter(|&number| number > 0)
                .map(ColumnName::Number),
            _ => None,
        };
        value
            .as_array()?
            .iter()
            .map(column)
            .collect::<Option<Vec<_>>>()
    });
    columns.unwrap_or_default()
}

/// Reads how a table is written.
fn dialect(settings: &mut Settings) -> Dialect {
    let encoding = "the name of an encoding, such as \"utf-8\", \"utf-16\" or \"windows-1252\"";
    let separator = "one of \",\", \";\", \"tab\", \"|\", \"space\", or another single character";
    Dialect {
        encoding: settings.read("data.encoding", encoding, |value| {
            let name = value.as_str()?;
            encoding_named(name).map(|_| name.to_owned())
        }),
        separator: settings.read("data.separator", separator, |value| {
            Separator::named(value.as_str()?)
        }),
        decimal: settings.choice("data.decimal", &Decimal::NAMES),
    }
}

/// Reads which points to generate.
pub fn points(settings: &mut Settings) -> Points {
    let mut all: Vec<_> = Source::NAMES.map(|(name, _)| (name, false)).into();
    all.push((SPIRALS, true));
    if settings.choice("data.dataset", &all) == Some(false) {
        settings.problem(
            "data.dataset",
            "must be \"spirals\" for a classifier",
            Some("set data.dataset = \"spirals\", or model.kind = \"autoencoder\"".into()),
        );
    }
    let others = [
        "path",
        "limit",
        "test_limit",
        "exclude_classes",
        "transpose",
    ];
    for key in others
        .iter()
        .chain(&OF_OWN)
        .chain(&OF_PICTURES)
        .chain(&OF_BOTH)
        .chain(&OF_NUMBERS)
        .chain(&OF_ARRAYS)
        .chain(&OF_TABLES)
    {
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
