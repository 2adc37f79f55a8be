//! The beginning of an `.npy` file whose length is known only at its end.

/// Bytes of a header, enough for every shape.
const HEADER_BYTES: usize = 256;

/// The header of an array of so many rows in single or double precision, of one length whatever their number.
///
/// # Source
/// NumPy Enhancement Proposal 1: a magic number, the version, the length of what follows, and a dictionary of Python with spaces
/// after it.
pub fn header(rows: usize, shape: &[usize], is_double: bool) -> Vec<u8> {
    const PREFIX: usize = 10;
    let sizes: Vec<String> = std::iter::once(&rows)
        .chain(shape)
        .map(ToString::to_string)
        .collect();
    let bytes = if is_double { 8 } else { 4 };
    let dictionary = format!(
        "{{'descr': '<f{bytes}', 'fortran_order': False, 'shape': ({},), }}",
        sizes.join(", ")
    );
    let width = HEADER_BYTES - PREFIX - 1;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((HEADER_BYTES - PREFIX) as u16).to_le_bytes());
    bytes.extend(format!("{dictionary:width$}\n").into_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_one_length_and_says_the_shape() {
        for (rows, shape) in [
            (0, vec![3]),
            (7, vec![28, 28]),
            (usize::MAX >> 20, vec![5, 6, 3]),
        ] {
            let bytes = header(rows, &shape, rows > 0);
            assert_eq!(bytes.len(), HEADER_BYTES);
            let read = npyz::NpyHeader::from_reader(&bytes[..]).unwrap();
            let found: Vec<usize> = read.shape().iter().map(|&size| size as usize).collect();
            assert_eq!(found, [vec![rows], shape].concat());
        }
    }
}
