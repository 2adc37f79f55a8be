//! Products of matrices in memory, in parts that several threads can share.

use std::ops::Range;

use super::matrix::Matrix;

/// What a product is written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onto {
    /// `c ← a b`
    Anything,
    /// `c ← c + a b`
    Sum,
}

/// A product `c = a b` that is still to be computed, itself part of a larger one.
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
    /// Cuts `c = a b` by the rows of `a`.
    ///
    /// # Shapes
    /// `c`: `[rows, columns]`
    pub fn cut_rows(c: &'a mut [f32], a: Matrix<'a>, b: Matrix<'a>, parts: usize) -> Vec<Self> {
        assert_eq!(c.len(), a.rows * b.columns, "room for the product");
        let mut c = c;
        let part = |rows: Range<usize>| Self {
            c: c.split_off_mut(..rows.len() * b.columns).expect("room"),
            a: a.rows(rows),
            b,
        };
        ranges(a.rows, parts).map(part).collect()
    }

    /// Cuts `a b` by the columns of `b`. The blocks follow each other in `blocks`, each row after row;
    /// [`join_columns`] makes one matrix of them.
    ///
    /// # Shapes
    /// `blocks`: `[rows · columns]`
    pub fn cut_columns(
        blocks: &'a mut [f32],
        a: Matrix<'a>,
        b: Matrix<'a>,
        parts: usize,
    ) -> Vec<Self> {
        assert_eq!(blocks.len(), a.rows * b.columns, "room for the product");
        let mut blocks = blocks;
        let part = |columns: Range<usize>| Self {
            c: blocks.split_off_mut(..a.rows * columns.len()).expect("room"),
            a,
            b: b.columns(columns),
        };
        ranges(b.columns, parts).map(part).collect()
    }

    /// Cuts the sums of `a b`. Each part of them is a matrix, one after another in `terms`; the product is
    /// the sum of all.
    ///
    /// # Shapes
    /// `terms`: `[parts, rows, columns]`
    pub fn cut_sums(terms: &'a mut [f32], a: Matrix<'a>, b: Matrix<'a>, parts: usize) -> Vec<Self> {
        let size = a.rows * b.columns;
        assert_eq!(terms.len(), parts * size, "room for all terms");
        let terms = ranges(a.columns, parts).zip(terms.chunks_mut(size));
        let part = |(range, c): (Range<usize>, _)| Self {
            c,
            a: a.columns(range.clone()),
            b: b.rows(range),
        };
        terms.map(part).collect()
    }

    /// Multiplies, on this thread.
    pub fn multiply(&mut self, onto: Onto) {
        let Self { c, a, b } = self;
        assert_eq!(a.columns, b.rows, "as many columns as rows");
        assert_eq!(c.len(), a.rows * b.columns, "room for the product");
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

/// Writes the blocks that [`Part::cut_columns`] made of a matrix of `columns` columns side by side.
pub fn join_columns(blocks: &[f32], c: &mut [f32], columns: usize, parts: usize) {
    let rows = c.len() / columns;
    let mut blocks = blocks;
    for range in ranges(columns, parts) {
        let block = blocks.split_off(..rows * range.len()).expect("all blocks");
        let block = block.chunks_exact(range.len());
        for (row, values) in c.chunks_exact_mut(columns).zip(block) {
            row[range.clone()].copy_from_slice(values);
        }
    }
}

/// `0..length` in at most `parts` ranges, alike but for the last, that begin where a vector of the widest
/// processors does if they are long enough.
pub fn ranges(length: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    const VECTOR: usize = 16;
    let each = length.div_ceil(parts).max(1);
    let each = match each < VECTOR {
        true => each,
        false => each.next_multiple_of(VECTOR),
    };
    (0..length)
        .step_by(each)
        .map(move |start| start..(start + each).min(length))
}

/// Into how many parts a product `[rows, inner] · [inner, columns]` is cut: two where that takes some
/// microseconds each, then slowly more, as small products are slower. It is the same on every machine and
/// with any number of threads, because the order in which a product is added up depends on it.
pub fn parts(rows: usize, inner: usize, columns: usize) -> usize {
    /// Multiplications and additions of a product that is worth sharing.
    const LEAST: usize = 500_000;
    /// Of one that is worth two parts and no more.
    const TWO_PARTS: f64 = 6e6;
    let operations = 2 * rows * inner * columns;
    match operations {
        ..LEAST => 1,
        _ => 2 << ((operations as f64 / TWO_PARTS).sqrt() as usize).max(1).ilog2(),
    }
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
            parts in 1usize..5,
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
            for mut part in Part::cut_rows(&mut c, left, right, parts) {
                part.multiply(onto);
            }
            let mut terms = vec![0.0; parts * c.len()];
            for mut part in Part::cut_sums(&mut terms, left, right, parts) {
                part.multiply(Onto::Anything);
            }
            let (mut blocks, mut joined) = (vec![0.0; c.len()], vec![0.0; c.len()]);
            for mut part in Part::cut_columns(&mut blocks, left, right, parts) {
                part.multiply(Onto::Anything);
            }
            join_columns(&blocks, &mut joined, columns, parts);
            for row in 0..rows {
                for column in 0..columns {
                    let start = if add { f64::from(before[row * columns + column]) } else { 0.0 };
                    let expected = (0..inner).fold(start, |sum, k| {
                        sum + at(&a, rows, inner, turned.0, row, k)
                            * at(&b, inner, columns, turned.1, k, column)
                    });
                    let at = row * columns + column;
                    let summed: f32 = terms[at..].iter().step_by(c.len()).sum();
                    let from_zero = [summed, joined[at]].map(|found| f64::from(found) + start);
                    for found in from_zero.into_iter().chain([f64::from(c[at])]) {
                        prop_assert!((found - expected).abs() < 1e-5 * (1.0 + inner as f64).sqrt(),
                            "{found} {expected} at {row}, {column}");
                    }
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
    }
}
