//! Products of matrices in memory, in parts that several threads can share.

use std::ops::Range;

/// Numbers in rows, as they lie in memory or transposed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `columns` numbers to a row, row after row.
    pub fn new(values: &'a [f32], columns: usize) -> Self {
        assert!(columns > 0 && values.len().is_multiple_of(columns), "whole rows");
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
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
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
}

/// What a product is written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// `c ← a b`
    Anything,
    /// `c ← c + a b`
    Sum,
}

/// Some rows of a product `c = a b` that is still to be computed.
#[derive(Debug)]
pub struct Part<'a> {
    /// `[rows, columns]`, row after row
    pub c: &'a mut [f32],
    /// `[rows, inner]`
    a: Matrix<'a>,
    /// `[inner, columns]`
    b: Matrix<'a>,
}

impl<'a> Part<'a> {
    /// Cuts `c = a b` by rows. Into how many parts is the same on every machine and with any number of
    /// threads, because the order in which a product is added up depends on it.
    pub fn cut(c: &'a mut [f32], a: Matrix<'a>, b: Matrix<'a>) -> Vec<Self> {
        assert_eq!(a.columns, b.rows, "as many columns as rows");
        assert_eq!(c.len(), a.rows * b.columns, "room for the product");
        let rows = a.rows.div_ceil(parts(a.rows, a.columns, b.columns));
        let parts = c.chunks_mut(rows * b.columns).enumerate();
        parts
            .map(|(index, c)| {
                let first = index * rows;
                let a = a.rows(first..first + c.len() / b.columns);
                Self { c, a, b }
            })
            .collect()
    }

    /// Multiplies, on this thread.
    pub fn multiply(&mut self, onto: Onto) {
        let Self { c, a, b } = self;
        assert_eq!(a.columns, b.rows);
        assert_eq!(c.len(), a.rows * b.columns);
        for matrix in [&a, &b] {
            let last = (matrix.rows - 1) * matrix.row_stride
                + (matrix.columns - 1) * matrix.column_stride;
            assert!(last < matrix.values.len(), "numbers for a whole matrix");
        }
        // SAFETY: by the assertions every element that the strides lead to lies within its slice, and
        // `c`, being borrowed mutably, overlaps neither `a` nor `b`.
        #[expect(unsafe_code, reason = "the library takes pointers and strides")]
        unsafe {
            gemm::gemm(
                a.rows,
                b.columns,
                a.columns,
                c.as_mut_ptr(),
                1,
                b.columns as isize,
                onto == Onto::Sum,
                a.values.as_ptr(),
                a.column_stride as isize,
                a.row_stride as isize,
                b.values.as_ptr(),
                b.column_stride as isize,
                b.row_stride as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }
}

/// Into how many parts a product `[rows, inner] · [inner, columns]` is cut: two where that takes some
/// microseconds each, then slowly more, as products of few rows are slower.
fn parts(rows: usize, inner: usize, columns: usize) -> usize {
    /// Multiplications and additions of a product that is worth sharing.
    const LEAST: usize = 500_000;
    /// Of one that is worth two parts and no more.
    const TWO_PARTS: f64 = 6e6;
    let operations = 2 * rows * inner * columns;
    let parts = match operations {
        ..LEAST => 1,
        _ => 2 << ((operations as f64 / TWO_PARTS).sqrt() as usize).max(1).ilog2(),
    };
    parts.min(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0)
            .collect()
    }

    proptest! {
        /// Against three loops in double precision: any shape, each factor as it is or transposed, onto
        /// zeros or other numbers, in one part or several.
        #[test]
        fn a_product_is_the_sum_of_products(
            rows in 1usize..70, inner in 1usize..90, columns in 1usize..70,
            turned in any::<(bool, bool)>(), wide in any::<bool>(), add in any::<bool>(),
        ) {
            let columns = if wide { 20 * columns } else { columns };
            let (a, b) = (values(rows * inner, 1), values(inner * columns, 2));
            let matrix = |values, rows, columns, turned| match turned {
                false => Matrix::new(values, columns),
                true => Matrix::new(values, rows).transposed(),
            };
            let at = |values: &[f32], rows: usize, columns: usize, turned, row, column| {
                f64::from(match turned {
                    false => values[row * columns + column],
                    true => values[column * rows + row],
                })
            };
            let mut c = values(rows * columns, 3);
            let before = c.clone();
            let (left, right) = (matrix(&a, rows, inner, turned.0), matrix(&b, inner, columns, turned.1));
            let onto = if add { Onto::Sum } else { Onto::Anything };
            for mut part in Part::cut(&mut c, left, right) {
                part.multiply(onto);
            }
            for row in 0..rows {
                for column in 0..columns {
                    let start = if add { f64::from(before[row * columns + column]) } else { 0.0 };
                    let expected = (0..inner).fold(start, |sum, k| {
                        sum + at(&a, rows, inner, turned.0, row, k)
                            * at(&b, inner, columns, turned.1, k, column)
                    });
                    let found = f64::from(c[row * columns + column]);
                    prop_assert!((found - expected).abs() < 1e-5 * (1.0 + inner as f64).sqrt(),
                        "{found} {expected} at {row}, {column}");
                }
            }
        }
    }

    #[test]
    fn parts_are_few_and_grow_slowly() {
        // Layers of the lecture's network at batches of 32, 256 and 2048.
        let of = |batch| (parts(batch, 784, 128), parts(batch, 128, 32));
        assert_eq!(of(32), (2, 1));
        assert_eq!(of(256), (4, 2));
        assert_eq!(of(2048), (16, 4));
        assert_eq!(parts(3, 100_000, 100), 3, "no more than rows");
    }
}
