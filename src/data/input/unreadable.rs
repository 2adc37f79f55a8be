//! Examples that cannot be read among others that can: all are counted, the first are kept with their reasons.

use serde::{Serialize, Serializer};

/// Examples that are kept with name and reason. A table of which every line is damaged would otherwise fill the memory with
/// sentences that no user reads.
const MOST_KEPT: usize = 1000;
/// Characters of a name or a reason that are kept.
const MOST_CHARACTERS: usize = 500;

/// An example that cannot be read, among others that can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// A file's name, or the number of a row.
    pub name: String,
    pub reason: String,
}

/// All examples of an input that cannot be read: how many there are, and the first of them with their reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadableExamples {
    kept: Vec<Unreadable>,
    count: usize,
}

impl UnreadableExamples {
    /// Returns a list of none.
    pub const fn new() -> Self {
        Self {
            kept: Vec::new(),
            count: 0,
        }
    }

    /// Counts an example, and keeps it if there are few so far.
    pub fn push(&mut self, example: Unreadable) {
        self.count += 1;
        if self.kept.len() < MOST_KEPT {
            self.kept.push(Unreadable {
                name: shortened(example.name),
                reason: shortened(example.reason),
            });
        }
    }

    /// Adds the examples of a different input.
    pub fn extend(&mut self, others: impl Into<Self>) {
        let others = others.into();
        self.count += others.count;
        let room = MOST_KEPT - self.kept.len().min(MOST_KEPT);
        self.kept.extend(others.kept.into_iter().take(room));
    }

    /// Returns how many there are, those that are not kept included.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether all examples can be read.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the first one.
    pub fn first(&self) -> Option<&Unreadable> {
        self.kept.first()
    }

    /// Returns those that are kept, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Unreadable> {
        self.kept.iter()
    }

    /// Returns how many are counted but not kept.
    pub fn not_kept(&self) -> usize {
        self.count - self.kept.len()
    }
}

impl From<Vec<Unreadable>> for UnreadableExamples {
    fn from(examples: Vec<Unreadable>) -> Self {
        let mut all = Self::new();
        examples.into_iter().for_each(|example| all.push(example));
        all
    }
}

impl<'a> IntoIterator for &'a UnreadableExamples {
    type Item = &'a Unreadable;
    type IntoIter = std::slice::Iter<'a, Unreadable>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Those that are kept, as a list.
impl Serialize for UnreadableExamples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.kept.serialize(serializer)
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MOST_CHARACTERS) {
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_thousand_are_kept() {
        let mut all = UnreadableExamples::new();
        for number in 0..5000 {
            all.push(Unreadable {
                name: number.to_string(),
                reason: "é".repeat(10_000),
            });
        }
        assert_eq!(
            (all.len(), all.iter().count(), all.not_kept()),
            (5000, 1000, 4000)
        );
        assert_eq!(all.first().unwrap().name, "0");
        assert_eq!(all.first().unwrap().reason.chars().count(), 501);
        let mut few = UnreadableExamples::from(vec![Unreadable {
            name: "before".into(),
            reason: String::new(),
        }]);
        few.extend(all);
        assert_eq!((few.len(), few.iter().count()), (5001, 1000));
        assert_eq!(few.iter().nth(1).unwrap().name, "0");
    }
}
