//! Lists of numbers in NumPy's format, as this program keeps them.

/// Headers are padded to a multiple of this, as NumPy's are.
const ALIGNMENT: usize = 64;

/// Returns the header of an array of `rows` rows of elements of a type, padded to `least` bytes or more.
///
/// # Source
/// NumPy Enhancement Proposal 1: a magic number, the version, the length of what follows, and a dictionary of Python with spaces
/// after it.
pub fn header(descr: &str, rows: usize, shape: &[usize], least: usize) -> Vec<u8> {
    const PREFIX: usize = 10;
    let sizes: Vec<String> = std::iter::once(&rows)
        .chain(shape)
        .map(ToString::to_string)
        .collect();
    let dictionary = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({},), }}",
        sizes.join(", ")
    );
    let length = (PREFIX + dictionary.len() + 1).max(least);
    let width = length.next_multiple_of(ALIGNMENT) - PREFIX - 1;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((width + 1) as u16).to_le_bytes());
    bytes.extend(format!("{dictionary:width$}\n").into_bytes());
    bytes
}

/// A list of numbers as a file.
pub fn of_numbers(numbers: &[f64]) -> Vec<u8> {
    let mut bytes = header("<f8", numbers.len(), &[], 0);
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_others_as_they_were() {
        let numbers = [0.1, -0.0, 1e300, f64::MIN_POSITIVE];
        let bytes = of_numbers(&numbers);
        let theirs = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(theirs.into_vec::<f64>().unwrap(), numbers);
        assert_eq!(bytes.len() % ALIGNMENT, 32, "the header is aligned");
    }
}
