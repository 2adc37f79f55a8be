//! Which word was meant by one that is not known.

use std::collections::BTreeSet;

/// How alike two words are, from 0 to 1, for one to be meant by the other.
const CLOSE: f64 = 0.8;

/// The known key that has a part most like the last part of `key` (`epochs` finds `train.epochs`,
/// `modle` finds `model.kind`), preferably in the same section; none when nothing is close.
pub fn nearest<'a>(key: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    const ANOTHER_SECTION: f64 = 0.99;
    let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
    known
        .iter()
        .map(|candidate| {
            let likeness = candidate
                .split('.')
                .map(|part| strsim::jaro_winkler(last, part))
                .fold(0.0, f64::max);
            let same = candidate
                .rsplit_once('.')
                .map_or("", |(section, _)| section)
                == section;
            let weight = if same { 1.0 } else { ANOTHER_SECTION };
            (weight * likeness, candidate.as_str())
        })
        .filter(|(likeness, _)| *likeness > CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The name that is most like a word, if any is close.
pub fn closest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(likeness, _)| *likeness > CLOSE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
