//! The limit on unreadable examples, and the summary of their causes.

use std::path::Path;

use crate::data::error::DataError;
use crate::data::input::{Unreadable, UnreadableExamples};

/// The share of the examples that may be unreadable where nothing else is said.
pub const MOST_UNREADABLE: f64 = 0.5;
/// Causes that an error lists.
const MOST_CAUSES: usize = 5;
/// Greatest number of causes that are distinguished.
const MOST_GROUPS: usize = 1000;

/// Demands that at most a share `most` of the `seen` examples of an input is unreadable.
///
/// # Errors
/// More are.
pub fn check_unreadable(
    path: &Path,
    unreadable: &UnreadableExamples,
    seen: usize,
    most: f64,
) -> Result<(), DataError> {
    match unreadable.len() as f64 > most * seen as f64 {
        false => Ok(()),
        true => Err(DataError::MostlyUnreadable {
            path: path.to_owned(),
            count: unreadable.len(),
            examples: seen,
            most,
            causes: by_cause(unreadable),
        }),
    }
}

/// The causes why examples cannot be read, the most frequent first: how often each occurs, and its first occurrence.
fn by_cause(unreadable: &UnreadableExamples) -> Vec<String> {
    let mut groups: Vec<(&str, usize, &Unreadable)> = Vec::new();
    for example in unreadable {
        // What follows is the text of one example.
        let cause = example.reason.split(": `").next().unwrap_or_default();
        match groups.iter().position(|(known, ..)| *known == cause) {
            Some(place) => groups[place].1 += 1,
            None if groups.len() < MOST_GROUPS => groups.push((cause, 1, example)),
            // All differ: the first ones say enough.
            None => {}
        }
    }
    groups.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let described = groups.iter().take(MOST_CAUSES).map(|(_, count, first)| {
        let Unreadable { name, reason } = first;
        match count {
            1 => format!("{name}: {reason}"),
            _ => format!("{count} such as {name}: {reason}"),
        }
    });
    let mut described: Vec<String> = described.collect();
    if groups.len() > MOST_CAUSES {
        described.push(format!("and {} other causes", groups.len() - MOST_CAUSES));
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(of: &[(&str, &str)]) -> UnreadableExamples {
        let example = |(name, reason): &(&str, &str)| Unreadable {
            name: (*name).into(),
            reason: (*reason).into(),
        };
        of.iter().map(example).collect::<Vec<_>>().into()
    }

    #[test]
    fn causes_are_grouped_and_the_share_is_a_bound() {
        let found = unreadable(&[
            ("line 2", "has 1 field where others have 3"),
            ("line 3", "column 1 is not a number: `a`"),
            ("line 4", "column 1 is not a number: `b`"),
        ]);
        assert_eq!(
            by_cause(&found),
            [
                "2 such as line 3: column 1 is not a number: `a`",
                "line 2: has 1 field where others have 3"
            ]
        );
        let check = |seen, most| check_unreadable(Path::new("t.csv"), &found, seen, most);
        assert!(check(6, 0.5).is_ok() && check(5, 0.5).is_err());
        assert!(check(3, 1.0).is_ok() && check(1000, 0.0).is_err());
        let message = check(4, 0.5).unwrap_err().to_string();
        assert!(
            message.starts_with("t.csv: 3 of 4 examples cannot be read"),
            "{message}"
        );
    }
}
