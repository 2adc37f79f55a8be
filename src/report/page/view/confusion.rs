//! Which classes look alike.

use crate::evaluate::Confusion;
use crate::report::page::LookAlikes;
use crate::report::text::thousands;

pub struct ConfusionView {
    pub note: String,
    pub classes: Vec<u32>,
    pub rows: Vec<ConfusionRow>,
}

pub struct ConfusionRow {
    pub class: u32,
    pub right: String,
    pub cells: Vec<ConfusionCell>,
}

pub struct ConfusionCell {
    pub count: usize,
    /// From 0, none of the class's images, to 7, all.
    pub level: usize,
    pub is_right: bool,
}

/// Shades of a table of confusions.
const MOST_LEVEL: f64 = 7.0;

pub fn confusion_view(alike: &LookAlikes) -> Option<ConfusionView> {
    let Confusion { classes, counts } = alike.confusion.as_ref()?;
    let row = |(place, found): (usize, &Vec<usize>)| {
        let all: usize = found.iter().sum();
        let share = |count: usize| count as f64 / all.max(1) as f64;
        let cell = |(other, &count): (usize, &usize)| ConfusionCell {
            count,
            // A few are seen too: the level grows with the square root.
            level: (MOST_LEVEL * share(count).sqrt()).ceil() as usize,
            is_right: other == place,
        };
        ConfusionRow {
            class: classes[place],
            right: match all {
                0 => "no image".into(),
                _ => format!("{:.1} %", 100.0 * share(found[place])),
            },
            cells: found.iter().enumerate().map(cell).collect(),
        }
    };
    Some(ConfusionView {
        note: format!(
            "Each test image is given the class that most of the {} training images have whose codes are nearest, \
             of {} that were asked.",
            alike.neighbours,
            thousands(alike.asked as u64)
        ),
        rows: counts.iter().enumerate().map(row).collect(),
        classes: classes.clone(),
    })
}
