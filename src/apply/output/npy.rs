//! The beginning of an `.npy` file whose length is known only at its end.

use crate::data::npy;

/// Bytes of a header, enough for every shape.
const HEADER_BYTES: usize = 256;

/// The header of an array of `rows` rows in single or double precision; its length is constant.
pub fn header(rows: usize, shape: &[usize], is_double: bool) -> Vec<u8> {
    let descr = if is_double { "<f8" } else { "<f4" };
    npy::header(descr, rows, shape, HEADER_BYTES)
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
