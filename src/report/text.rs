//! Figures and tables as text.

use crate::evaluate::Spread;

/// A number with its thousands set apart: `209,968`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Rows as columns that line up, two spaces apart, the last column unpadded.
pub fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let columns = rows.iter().map(|row| row.as_ref().len()).max();
    let mut widths = vec![0; columns.unwrap_or(0)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.as_ref().iter().zip(&widths) {
            let padding = width - cell.chars().count();
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A figure with five significant digits, never in exponent form above 10⁻⁵.
pub fn figure(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 {
        "0".into()
    } else if magnitude < 1e-4 {
        format!("{value:.4e}")
    } else {
        let digits = 4 - magnitude.log10().floor() as i32;
        format!("{value:.*}", digits.clamp(0, 8) as usize)
    }
}

/// A mean, and behind ± the standard deviation where there is one.
pub fn with_spread(spread: &Spread) -> String {
    match spread.standard_deviation {
        None => figure(spread.mean),
        Some(deviation) => format!("{} ± {deviation:.1e}", figure(spread.mean)),
    }
}

/// A message as a terminal may be shown it: whatever would move its cursor, change its state or turn the direction of
/// writing is spelt out. Lines stay.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match turns || (character.is_control() && character != '\n') {
            true => shown.extend(character.escape_unicode()),
            false => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 7, 999, 1000, 209_968, 1_000_000].map(thousands);
        assert_eq!(texts, ["0", "7", "999", "1,000", "209,968", "1,000,000"]);
    }

    #[test]
    fn figures_keep_five_digits() {
        let texts = [0.0, 0.086_987_6, 68.198_4, -1234.56, 0.000_01].map(figure);
        assert_eq!(texts, ["0", "0.086988", "68.198", "-1234.6", "1.0000e-5"]);
    }

    #[test]
    fn nothing_that_is_shown_moves_the_cursor() {
        assert_eq!(visible("a\nb é 漢"), "a\nb é 漢");
        assert_eq!(visible("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(visible("\u{1b}[2Jx\r\u{9b}"), "\\u{1b}[2Jx\\u{d}\\u{9b}");
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb", "c"], ["aaa", "b", ""]].map(|row| row.map(String::from));
        assert_eq!(table(&rows), "a    bb  c\naaa  b\n");
    }
}
