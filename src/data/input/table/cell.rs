//! The text of one field: a number, a missing value, or something else.

use super::dialect::Decimal;

/// The possible readings of the text of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Missing,
    /// A number that needs no decimal mark, such as `12` or `1e5`.
    Whole,
    /// A number with a decimal point.
    Point,
    /// A number with a decimal comma.
    Comma,
    /// `1,234`: either a decimal comma or a separator of thousands.
    Grouped,
    Text,
}

impl Kind {
    /// Returns whether it is a number in one of the notations that are read.
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Missing | Self::Text)
    }
}

/// The markers of missing values of spreadsheets, pandas, R and databases.
const MISSING: [&str; 20] = [
    "", "?", "-", "NA", "<NA>", "N/A", "n/a", "#N/A", "#NA", "NaN", "nan", "-nan", "-NaN", "NAN",
    "NULL", "null", "None", "#NV", "#VALUE!", "#DIV/0!",
];

/// Returns whether a field says that its value is missing.
pub fn is_missing(field: &str) -> bool {
    MISSING.contains(&field)
}

/// Returns the kind of a trimmed field.
pub fn kind(field: &str) -> Kind {
    if is_missing(field) {
        return Kind::Missing;
    }
    if field.parse::<f64>().is_ok() {
        return match field.contains('.') {
            true => Kind::Point,
            false => Kind::Whole,
        };
    }
    if number(field, Decimal::Comma).is_none() {
        return Kind::Text;
    }
    let digits = field.trim_start_matches(['+', '-']);
    let is_grouped = |(left, right): (&str, &str)| {
        are_digits(left) && left.len() <= 3 && !left.starts_with('0') && is_thousand(right)
    };
    match digits.split_once(',').is_some_and(is_grouped) {
        true => Kind::Grouped,
        false => Kind::Comma,
    }
}

/// Returns the number of a trimmed field, if it is a finite one.
pub fn number(field: &str, decimal: Decimal) -> Option<f64> {
    let read = match decimal {
        Decimal::Point => field.parse::<f64>(),
        Decimal::Comma if field.contains('.') => return None,
        Decimal::Comma if field.contains(',') => field.replacen(',', ".", 1).parse(),
        Decimal::Comma => field.parse(),
    };
    read.ok().filter(|number| number.is_finite())
}

/// Returns why a field is not a number, in words, where the cause is known.
pub fn remark(field: &str, decimal: Decimal) -> Option<&'static str> {
    let is_number = |text: &str| kind(text).is_number() || has_thousands(text);
    if field.parse::<f64>().is_ok_and(|number| !number.is_finite()) {
        return Some("it is not finite");
    }
    if has_thousands(field) {
        return Some("thousands separators are not supported");
    }
    if field.ends_with('%') && is_number(field.trim_end_matches('%').trim_end()) {
        return Some("percent signs are not supported");
    }
    let bare = field.trim_matches(|c: char| CURRENCIES.contains(&c) || c.is_whitespace());
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    let bare = bare.trim_start_matches(|c: char| CURRENCIES.contains(&c) || c.is_whitespace());
    if bare.len() < field.len() && field.contains(CURRENCIES) && is_number(bare) {
        return Some("currency signs are not supported");
    }
    match (kind(field), decimal) {
        (Kind::Comma | Kind::Grouped, Decimal::Point) => Some(
            "it has a decimal comma or a thousands separator; data.decimal = \",\" reads decimal commas",
        ),
        (Kind::Point, Decimal::Comma) => Some(
            "it has a decimal point or a thousands separator, and other fields have decimal commas",
        ),
        _ if field.contains('_') && is_number(&field.replace('_', "")) => {
            Some("thousands separators are not supported")
        }
        _ => None,
    }
}

const CURRENCIES: [char; 6] = ['$', '€', '£', '¥', '₹', '₽'];

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_thousand(text: &str) -> bool {
    text.len() == 3 && are_digits(text)
}

/// Returns whether a field can only be a number with separators of thousands: `1.234,5`, `1,234.5`, `1,234,567`, `1 234` or
/// `1'234`.
pub fn has_thousands(field: &str) -> bool {
    let digits = field.trim_start_matches(['+', '-']);
    ['.', ',', ' ', '\'', '’', '\u{a0}', '\u{202f}']
        .into_iter()
        .any(|mark| {
            let (whole, tail) = match digits.rfind(['.', ',']) {
                Some(place) if !digits[place..].starts_with(mark) => {
                    (&digits[..place], Some(&digits[place + 1..]))
                }
                _ => (digits, None),
            };
            let mut groups = whole.split(mark);
            let first = groups.next().unwrap_or_default();
            let others: Vec<&str> = groups.collect();
            // One point or comma alone is a decimal mark as well.
            let is_decimal = matches!(mark, '.' | ',') && others.len() == 1 && tail.is_none();
            !others.is_empty()
                && !is_decimal
                && are_digits(first)
                && first.len() <= 3
                && others.iter().all(|group| is_thousand(group))
                && tail.is_none_or(are_digits)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_of_one_kind_each() {
        for (kind_, fields) in [
            (Kind::Missing, &["", "NA", "?", "NaN", "#N/A", "null"][..]),
            (Kind::Whole, &["1", "-12", "+7", "1e5", "0"]),
            (
                Kind::Point,
                &["1.5", ".5", "5.", "-0.25", "1.5e-3", "1.234"],
            ),
            (
                Kind::Comma,
                &["1,5", ",5", "-2,25", "0,125", "1234,567", "1,5e3", "1,2345"],
            ),
            (Kind::Grouped, &["1,234", "-12,345", "999,000"]),
            (
                Kind::Text,
                &[
                    "a",
                    "Na",
                    "1.234,5",
                    "1,234,567",
                    "1_000",
                    "$5",
                    "5 %",
                    "1 234",
                ],
            ),
        ] {
            for field in fields {
                assert_eq!(kind(field), kind_, "{field}");
            }
        }
    }

    #[test]
    fn numbers_are_read_in_one_notation() {
        for (field, point, comma) in [
            ("1.5", Some(1.5), None),
            ("1,5", None, Some(1.5)),
            ("+1e5", Some(1e5), Some(1e5)),
            ("1.234,5", None, None),
            ("1,234,5", None, None),
            ("inf", None, None),
            ("nan", None, None),
        ] {
            assert_eq!(number(field, Decimal::Point), point, "{field}");
            assert_eq!(number(field, Decimal::Comma), comma, "{field}");
        }
    }

    #[test]
    fn causes_are_named() {
        let cause = |field| remark(field, Decimal::Point).unwrap_or_default();
        for field in [
            "1.234,5",
            "1,234.5",
            "1,234,567",
            "1 234",
            "1'234,5",
            "1_000",
            "-1.234.567",
        ] {
            assert!(cause(field).contains("thousands"), "{field}");
        }
        for field in ["$5", "5 €", "-$1,234.50", "€ 3,5"] {
            assert!(cause(field).contains("currency"), "{field}");
        }
        assert!(cause("5 %").contains("percent") && cause("1,5%").contains("percent"));
        assert!(cause("1,5").contains("data.decimal"));
        assert!(cause("inf").contains("finite"));
        assert_eq!(remark("cat", Decimal::Point), None);
        assert!(remark("1.5", Decimal::Comma).unwrap().contains("point"));
    }
}
