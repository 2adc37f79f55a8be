//! Where a figure stands between the least possible and what any fool could do.

/// A line with marks.
#[derive(Debug)]
pub struct Scale {
    /// What is measured, in words.
    pub description: String,
    pub marks: Vec<Mark>,
}

/// A mark, and where its label is.
#[derive(Debug)]
pub struct Mark {
    pub kind: &'static str,
    pub label: String,
    /// From the left, in percent.
    pub at: f64,
    /// Of a mark that is a range, how long it is, in percent.
    pub length: f64,
    /// Of SVG's text, at the ends of the line so that the label stays within.
    pub anchor: &'static str,
}

impl Mark {
    /// A mark of one value, to be placed by [`Scale::new`].
    pub fn new(kind: &'static str, label: String, value: f64) -> Self {
        Self::range(kind, label, value, value)
    }

    /// A mark of all values between two.
    pub fn range(kind: &'static str, label: String, least: f64, greatest: f64) -> Self {
        Self {
            kind,
            label,
            at: least,
            length: greatest - least,
            anchor: "middle",
        }
    }
}

/// Room beyond the outermost marks, in percent.
const ROOM: f64 = 2.0;

impl Scale {
    /// A line from the least to the greatest of its marks; none where a value is not finite or all are one.
    pub fn new(description: String, mut marks: Vec<Mark>) -> Option<Self> {
        let least = marks
            .iter()
            .map(|mark| mark.at)
            .fold(f64::INFINITY, f64::min);
        let greatest = marks
            .iter()
            .map(|mark| mark.at + mark.length)
            .fold(f64::NEG_INFINITY, f64::max);
        let are_finite = marks
            .iter()
            .all(|mark| mark.at.is_finite() && mark.length.is_finite());
        let width = greatest - least;
        if !are_finite || width.is_nan() || width <= 0.0 {
            return None;
        }
        let share = (100.0 - 2.0 * ROOM) / width;
        for mark in &mut marks {
            mark.at = ROOM + share * (mark.at - least);
            mark.length *= share;
            mark.anchor = match mark.at {
                at if at < 30.0 => "start",
                at if at > 70.0 => "end",
                _ => "middle",
            };
        }
        Some(Self { description, marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_in_proportion_and_their_labels_within() {
        let mark = |value| Mark::new("run", String::new(), value);
        let marks = vec![
            mark(1.0),
            mark(2.0),
            Mark::range("reference", String::new(), 1.5, 1.6),
            mark(3.0),
        ];
        let scale = Scale::new("error".into(), marks).unwrap();
        let at: Vec<f64> = scale.marks.iter().map(|mark| mark.at).collect();
        assert_eq!((at[0], at[1], at[3]), (2.0, 50.0, 98.0));
        assert!((scale.marks[2].length - 4.8).abs() < 1e-9);
        let anchors: Vec<_> = scale.marks.iter().map(|mark| mark.anchor).collect();
        assert_eq!(anchors, ["start", "middle", "start", "end"]);
    }

    #[test]
    fn there_is_no_line_through_one_place_or_none() {
        let mark = |value| Mark::new("run", String::new(), value);
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(1.0)]).is_none());
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(f64::NAN)]).is_none());
        assert!(Scale::new(String::new(), vec![mark(1.0), mark(f64::INFINITY)]).is_none());
    }
}
