//! The first line of a table: names of columns, or data.

use super::cell::{self, Kind};
use super::dialect::Decimal;
use super::records::Record;

/// The role of the first line, and the reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Heading {
    /// True if it holds names.
    pub is_names: bool,
    pub reason: String,
    /// True if there is no plausible other reading.
    pub is_obvious: bool,
}

/// The lines below the first, by column.
pub struct Below<'a> {
    rows: Vec<&'a Record>,
    pub width: usize,
    decimal: Decimal,
}

/// The kind of a field of the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Gap,
    Number,
    Text,
}

/// Columns of whole numbers from which a first line that counts is suspicious above more whole numbers.
const MANY: usize = 4;
/// Names of columns that may be years.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2100;

impl<'a> Below<'a> {
    /// The rows among `records` that have `width` fields, and perhaps one more that is empty.
    pub fn new(records: &'a [Record], width: usize, and_one: bool, decimal: Decimal) -> Self {
        let has_width = |record: &&Record| {
            let more = record.len() == width + 1 && and_one;
            (record.len() == width || more) && record.is_text()
        };
        Self {
            rows: records.iter().filter(has_width).collect(),
            width,
            decimal,
        }
    }

    fn fields(&self, column: usize) -> impl Iterator<Item = &'a str> {
        self.rows.iter().map(move |row| row.get(column))
    }

    fn count(&self, column: usize, matches: impl Fn(Kind) -> bool) -> usize {
        let kinds = self.fields(column).map(cell::kind);
        kinds.filter(|&kind| matches(kind)).count()
    }

    fn is_of_numbers(&self, column: usize) -> bool {
        self.count(column, Kind::is_number) > self.count(column, |kind| kind == Kind::Text)
    }

    fn is_of_fractions(&self, column: usize) -> bool {
        self.count(column, |kind| {
            matches!(kind, Kind::Point | Kind::Comma | Kind::Grouped)
        }) > 0
    }

    fn greatest(&self, column: usize) -> f64 {
        let numbers = self
            .fields(column)
            .filter_map(|field| cell::number(field, self.decimal));
        numbers.fold(f64::NEG_INFINITY, f64::max)
    }

    /// The whole numbers of a column, if it holds nothing else.
    fn whole(&self, column: usize) -> Option<Vec<i64>> {
        self.fields(column)
            .map(|field| field.parse().ok())
            .collect()
    }

    /// The number that a column counts from by ones, if it has at least `least` rows.
    pub fn counts_from(&self, column: usize, least: usize) -> Option<i64> {
        let numbers = self
            .whole(column)
            .filter(|numbers| numbers.len() >= least)?;
        let first = *numbers.first()?;
        is_counting(&numbers).then_some(first)
    }

    /// Returns whether each row has another whole number in a column.
    pub fn are_all_different(&self, column: usize) -> bool {
        self.whole(column).is_some_and(|mut numbers| {
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            count > 1 && numbers.len() == count
        })
    }
}

fn is_counting(numbers: &[i64]) -> bool {
    numbers
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]))
}

/// Decides what the first line of a table is, whose fields `first` are as many as those of the lines below or one less.
/// `text_columns` are those that the user says hold text.
pub fn decide(first: &[&str], below: &Below<'_>, text_columns: &[usize]) -> Heading {
    let names = |reason: String, is_obvious| Heading {
        is_names: true,
        reason,
        is_obvious,
    };
    let data = |reason: String, is_obvious| Heading {
        is_names: false,
        reason,
        is_obvious,
    };
    let kinds: Vec<First> = first.iter().map(|field| of(field)).collect();
    let with = |wanted: First| -> Vec<usize> {
        (0..kinds.len())
            .filter(|&column| kinds[column] == wanted)
            .collect()
    };
    let (texts, numbers, gaps) = (with(First::Text), with(First::Number), with(First::Gap));
    if below.rows.is_empty() {
        let text = texts.iter().find(|column| !text_columns.contains(column));
        return match text {
            Some(&column) => names(
                format!("it holds `{}`, which is not a number", first[column]),
                true,
            ),
            None => data("all its fields are numbers".into(), true),
        };
    }
    if first.len() + 1 == below.width {
        return match numbers.is_empty() && !texts.is_empty() {
            true => names(
                "it has one field fewer than the other lines, as R's write.table omits the name of the first column".into(),
                true,
            ),
            false => data("it has one field fewer than the other lines and holds numbers".into(), false),
        };
    }
    let over_numbers: Vec<usize> = texts
        .iter()
        .copied()
        .filter(|&column| below.is_of_numbers(column))
        .collect();
    let counted = counted(first, &numbers, below);
    if let Some(&column) = over_numbers.first() {
        let reason = format!(
            "it holds `{}` where other lines hold numbers",
            first[column]
        );
        let gap = gaps.iter().find(|gap| **gap > 0);
        return match (gap, numbers.first()) {
            (None, None) => names(reason, true),
            (Some(gap), None) => names(
                format!("{reason}, but nothing in column {}", gap + 1),
                false,
            ),
            // A mistake in a line of numbers makes no heading.
            (_, Some(&number)) if numbers.len() > over_numbers.len() && counted.is_none() => data(
                format!(
                    "it holds numbers such as `{}` as other lines do, although `{}` is not one",
                    first[number], first[column]
                ),
                false,
            ),
            (_, Some(&number)) => names(
                format!("{reason}, although `{}` is a number", first[number]),
                false,
            ),
        };
    }
    let is_an_index = gaps == [0] && texts.is_empty() && below.counts_from(0, 1).is_some();
    if is_an_index && !numbers.is_empty() {
        let reason = "its first field is empty above a column that counts, as pandas writes the names of columns that are numbers";
        return names(reason.into(), false);
    }
    if let Some(reason) = counted {
        return names(reason, false);
    }
    if let (Some(gap), true) = (
        gaps.iter().find(|&&gap| first[gap].is_empty()),
        texts.is_empty(),
    ) {
        return data(
            format!(
                "no field of it is a name, although column {} is empty",
                gap + 1
            ),
            false,
        );
    }
    let are_whole = numbers
        .iter()
        .all(|&column| cell::kind(first[column]) == Kind::Whole);
    let over_fractions = numbers.iter().all(|&column| below.is_of_fractions(column));
    if numbers.len() > 1 && are_whole && over_fractions {
        let reason = "all its fields are numbers, although they are whole and those below are not";
        return data(reason.into(), false);
    }
    if let Some(&text) = texts.first() {
        let is_repeated =
            |&column: &usize| below.fields(column).any(|field| field == first[column]);
        return match (numbers.is_empty(), texts.iter().any(is_repeated)) {
            (true, false) if gaps.is_empty() => names(
                format!("no field of it is a number, such as `{}`", first[text]),
                true,
            ),
            (_, true) => data(format!("`{}` occurs below as well", first[text]), true),
            _ => data(
                format!(
                    "it holds text only where other lines do, such as `{}`",
                    first[text]
                ),
                text_columns.contains(&text),
            ),
        };
    }
    let whole = whole(first);
    let is_suspicious = whole.is_some_and(|whole| {
        let next = below
            .rows
            .first()
            .and_then(|row| self::whole(&row.iter().collect::<Vec<_>>()));
        whole.len() >= MANY && is_counting(&whole) && !next.is_some_and(|next| is_counting(&next))
    });
    match is_suspicious {
        true => data(
            "all its fields are numbers as those below are, although they count".into(),
            false,
        ),
        false => data(
            "all its fields are numbers, as in the lines below".into(),
            true,
        ),
    }
}

fn of(field: &str) -> First {
    match cell::kind(field) {
        Kind::Missing => First::Gap,
        Kind::Text if cell::remark(field, Decimal::Point).is_some() => First::Number,
        Kind::Text => First::Text,
        _ => First::Number,
    }
}

fn whole(fields: &[&str]) -> Option<Vec<i64>> {
    fields.iter().map(|field| field.parse().ok()).collect()
}

/// The reason why numbers in the first line are names: they count, and nothing like them is below.
fn counted(first: &[&str], numbers: &[usize], below: &Below<'_>) -> Option<String> {
    let fields: Vec<&str> = numbers.iter().map(|&column| first[column]).collect();
    let whole = whole(&fields).filter(|whole| whole.len() > 1 && is_counting(whole))?;
    let over_fractions = numbers.iter().all(|&column| below.is_of_fractions(column));
    let are_years = whole.iter().all(|number| YEARS.contains(number))
        && numbers
            .iter()
            .all(|&column| below.greatest(column) < *YEARS.start() as f64);
    let shown = fields
        .iter()
        .take(3)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let more = if fields.len() > 3 { ", …" } else { "" };
    match (over_fractions, are_years) {
        (true, _) => Some(format!(
            "its numbers count ({shown}{more}) and those below are fractions"
        )),
        (_, true) => Some(format!(
            "its numbers are years ({shown}{more}) and those below are smaller"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::Records;
    use super::*;

    fn decided(text: &str) -> Heading {
        let mut records = Records::new(text.as_bytes(), b',', 1);
        let mut all = Vec::new();
        let mut record = Record::default();
        while records.read(&mut record).unwrap() {
            all.push(record.clone());
        }
        let width = all.last().unwrap().len();
        let below = Below::new(&all[1..], width, false, Decimal::Point);
        decide(&all[0].iter().collect::<Vec<_>>(), &below, &[])
    }

    #[test]
    fn the_first_line_is_what_the_lines_below_say() {
        for (text, is_names, is_obvious) in [
            ("a,b\n1,2\n3,4\n", true, true),
            ("1,2\n3,4\n5,6\n", false, true),
            ("0.5,2.5\n1.5,2.5\n", false, true),
            // Names with a gap, with numbers among them, and numbers only.
            (",a,b\n0,1,2\n1,3,4\n", true, true),
            ("a,,b\n0,1,2\n1,3,4\n", true, false),
            ("a,2019,b\n1,2,3\n4,5,6\n", true, false),
            ("2019,2020,2021\n1.5,2.5,3.5\n0.5,0.25,0.75\n", true, false),
            ("2019,2020\n5,7\n9,8\n", true, false),
            ("country,2019,2020\nDE,5,7\nFR,9,8\n", true, false),
            ("0,1,2\n0.5,0.25,0.5\n0.5,0.75,0.5\n", true, false),
            (",0,1\n0,5,7\n1,9,8\n", true, false),
            ("0,1,2,3\n9,5,7,1\n3,4,5,5\n", false, false),
            ("5,9\n1.5,2.5\n0.5,0.25\n", false, false),
            ("5\n1.5\n0.5\n", false, true),
            // Data with something missing or wrong.
            ("1,,3\n4,5,6\n7,8,9\n", false, false),
            ("1,NA,3\n4,5,6\n7,8,9\n", false, true),
            ("1.5,x,3.5\n4.5,5.5,6\n7.5,8,9\n", false, false),
            ("1,$2,3\n4,$5,6\n", false, true),
            // Text in data.
            ("1.5,cat\n2.5,dog\n3.5,cat\n", false, true),
            ("1.5,cat\n2.5,dog\n", false, false),
            ("height,kind\n2.5,dog\n", true, true),
            ("x,y\n\"1\",2,3\n\"2\",4,5\n", true, true),
            ("5.1,cat\n5.2,3,cat\n", false, false),
            ("Na,Mg\n1,2\n", true, true),
        ] {
            let found = decided(text);
            assert_eq!(
                (found.is_names, found.is_obvious),
                (is_names, is_obvious),
                "{text}{found:?}"
            );
        }
    }

    #[test]
    fn columns_that_count_are_found() {
        let mut records = Records::new(&b"0,5,1\n1,2,2\n2,9,4\n"[..], b',', 1);
        let mut all = Vec::new();
        let mut record = Record::default();
        while records.read(&mut record).unwrap() {
            all.push(record.clone());
        }
        let below = Below::new(&all, 3, false, Decimal::Point);
        assert_eq!(below.counts_from(0, 3), Some(0));
        assert_eq!(below.counts_from(0, 4), None);
        assert_eq!(below.counts_from(1, 3), None);
        assert_eq!(below.counts_from(2, 3), None);
        assert!(below.are_all_different(1));
    }
}
