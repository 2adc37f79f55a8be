//! Matrices in memory.

use std::ops::Range;

/// Numbers in rows, as they lie in memory or transposed, to be read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `columns` numbers to a row, row after row.
    pub fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(
            columns > 0 && values.len().is_multiple_of(columns),
            "whole rows"
        );
        Self {
            values,
            rows: values.len() / columns,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    pub fn rows(self, rows: Range<usize>) -> Self {
        assert!(rows.start < rows.end && rows.end <= self.rows, "{rows:?}");
        Self {
            values: &self.values[rows.start * self.row_stride..],
            rows: rows.len(),
            ..self
        }
    }

    pub fn columns(self, columns: Range<usize>) -> Self {
        self.transposed().rows(columns).transposed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_transposed_matrix_is_the_part_of_the_matrix() {
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let at = |m: Matrix, row, column| m.values[row * m.row_stride + column * m.column_stride];
        let matrix = Matrix::new(&values, 4);
        let part = matrix.transposed().rows(1..3).columns(1..3);
        assert_eq!((part.rows, part.columns), (2, 2));
        for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            assert_eq!(at(part, row, column), at(matrix, column + 1, row + 1));
        }
    }
}
