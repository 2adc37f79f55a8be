//! The names and numbers of classes.

use std::collections::HashMap;

use crate::data::input::Labels;

/// Numbers below are names of classes however few of them occur.
const SMALL: usize = 256;

/// Returns whether labels that were found beside examples, and not asked for, are classes rather than numbers to be
/// predicted or names of single examples: bytes, or no more classes than half of the examples.
pub(super) fn are_classes(found: &Labels) -> bool {
    let are_bytes = found.names().iter().all(|name| name.parse::<u8>().is_ok());
    are_bytes || 2 * found.names().len() <= found.len()
}

/// The classes of both splits, by number.
pub(super) struct ClassNames {
    /// In the order of the classes' numbers; none where numbers are the names already.
    pub(super) names: Option<Vec<String>>,
    numbers: HashMap<String, u32>,
}

impl ClassNames {
    /// The number of the class of each example.
    ///
    /// # Panics
    /// There is a class that neither split has.
    pub(super) fn numbers(&self, labels: &Labels) -> Vec<u32> {
        let numbers: Vec<u32> = labels
            .names()
            .iter()
            .map(|name| self.numbers[name])
            .collect();
        let places = labels.places().iter();
        places.map(|&place| numbers[place as usize]).collect()
    }
}

/// Numbers the classes that occur in the splits; none where there are no labels.
///
/// Integers from 0 on without large gaps are numbers of classes as they are. Other classes are numbered in their order:
/// integers by their size, so that 10 comes after 9, and text by its characters.
pub(super) fn class_names(splits: [Option<&Labels>; 3]) -> Option<ClassNames> {
    let labels = splits.into_iter().flatten();
    let mut names: Vec<&String> = labels.flat_map(Labels::names).collect();
    if names.is_empty() {
        return None;
    }
    names.sort_unstable();
    names.dedup();
    let as_numbers: Option<Vec<u32>> = names.iter().map(|name| number(name)).collect();
    let most = 2 * names.len().max(SMALL / 2);
    if let Some(numbers) = as_numbers.filter(|all| all.iter().all(|&n| (n as usize) < most)) {
        return Some(ClassNames {
            names: None,
            numbers: names.into_iter().cloned().zip(numbers).collect(),
        });
    }
    let integers: Option<Vec<i128>> = names.iter().map(|name| name.parse().ok()).collect();
    if integers.is_some() {
        names.sort_by_key(|name| name.parse::<i128>().unwrap_or_default());
    }
    let names: Vec<String> = names.into_iter().cloned().collect();
    let numbers = names.iter().cloned().zip(0..).collect();
    Some(ClassNames {
        names: Some(names),
        numbers,
    })
}

/// The number that a name is, where it is written as numbers are.
fn number(name: &str) -> Option<u32> {
    let number: u32 = name.parse().ok()?;
    (number.to_string() == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(names: impl IntoIterator<Item = impl ToString>) -> Labels {
        let mut labels = Labels::default();
        labels.extend(names.into_iter().map(|name| name.to_string()));
        labels
    }

    fn numbered(train: &Labels, test: &Labels) -> (Option<Vec<String>>, Vec<u32>) {
        let names = class_names([Some(train), None, Some(test)]).unwrap();
        let numbers = [names.numbers(train), names.numbers(test)].concat();
        (names.names, numbers)
    }

    #[test]
    fn small_and_dense_integers_are_numbers_already() {
        assert_eq!(
            numbered(&labels([7, 255, 7]), &labels([0])),
            (None, vec![7, 255, 7, 0])
        );
        let (names, numbers) = numbered(&labels(0..1000), &labels([999, 3]));
        assert_eq!((names, numbers[1000..].to_vec()), (None, vec![999, 3]));
        let every_other: Vec<u32> = (0..500).map(|n| 2 * n).collect();
        assert_eq!(numbered(&labels(every_other), &labels([998])).0, None);
    }

    #[test]
    fn other_integers_are_numbered_by_their_size() {
        let (names, numbers) = numbered(&labels([300, -1, 10]), &labels([9]));
        assert_eq!(names.unwrap(), ["-1", "9", "10", "300"]);
        assert_eq!(numbers, [3, 0, 2, 1]);
        let large = [1u64 << 53, (1 << 53) + 1, u64::MAX];
        let (names, numbers) = numbered(&labels(large), &labels([(1u64 << 53) + 1]));
        assert_eq!(
            names.unwrap(),
            [
                "9007199254740992",
                "9007199254740993",
                "18446744073709551615"
            ]
        );
        assert_eq!(numbers, [0, 1, 2, 1]);
    }

    #[test]
    fn text_is_what_was_written() {
        let (names, numbers) = numbered(&labels(["dog", "10", "cat"]), &labels(["1.0"]));
        assert_eq!(names.unwrap(), ["1.0", "10", "cat", "dog"]);
        assert_eq!(numbers, [3, 1, 2, 0]);
        // Written otherwise than numbers are, and so names.
        assert_eq!(
            numbered(&labels(["07", "7"]), &labels(["7"])).0.unwrap(),
            ["07", "7"]
        );
        let none = class_names([None, None, Some(&Labels::default())]);
        assert!(none.is_none());
    }

    #[test]
    fn numbers_to_be_predicted_are_not_classes() {
        assert!(are_classes(&labels([0, 1, 200])));
        assert!(are_classes(&labels((0..800).map(|n| n % 300))));
        assert!(!are_classes(&labels((0..800).map(|n| 1000 + n * 7))));
    }
}
