//! Which classes look alike.

use crate::report::page::LookAlikes;
use crate::report::text::thousands;

pub struct ConfusionView {
    pub note: String,
    pub classes: Vec<usize>,
    pub rows: Vec<ConfusionRow>,
}

pub struct ConfusionRow {
    pub class: usize,
    pub right: String,
    pub cells: Vec<ConfusionCell>,
}

pub struct ConfusionCell {
    pub count: usize,
    /// From 0, none of the class's images, to 7, all.
    pub level: usize,
    pub is_right: bool,
}

/// Classes of a table of confusions that can still be read.
const MOST_CLASSES: usize = 20;
/// Shades of a table of confusions.
const MOST_LEVEL: f64 = 7.0;

pub fn confusion_view(alike: &LookAlikes) -> Option<ConfusionView> {
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
