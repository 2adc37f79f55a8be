//! Products of matrices in memory, in parts that several threads can share.

use std::ops::Range;
use std::time::Instant;

use super::matrix::Matrix;
use crate::workers;

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
        ranges(a.rows, parts, least(b.columns)).map(part).collect()
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
            c: blocks
                .split_off_mut(..a.rows * columns.len())
                .expect("room"),
            a,
            b: b.columns(columns),
        };
        ranges(b.columns, parts, least(a.rows)).map(part).collect()
    }

    /// Cuts the sums of `a b`. Each part of them is a matrix, one after another in `terms`; the product is
    /// the sum of all.
    ///
    /// # Shapes
    /// `terms`: `[number of ranges, rows, columns]`, those of `ranges(inner, parts, 1)`
    pub fn cut_sums(terms: &'a mut [f32], a: Matrix<'a>, b: Matrix<'a>, parts: usize) -> Vec<Self> {
        let size = a.rows * b.columns;
        let count = ranges(a.columns, parts, 1).count();
        assert_eq!(terms.len(), count * size, "room for all terms");
        let terms = ranges(a.columns, parts, 1).zip(terms.chunks_mut(size));
        let part = |(range, c): (Range<usize>, _)| Self {
            c,
            a: a.columns(range.clone()),
            b: b.rows(range),
        };
        terms.map(part).collect()
    }

    /// Multiplies, on this thread. The result has the same bits however a product is cut by rows or columns.
    pub fn multiply(&mut self, onto: Onto) {
        // The library adds up so many products in registers, as it does for all sizes but the smallest; of
        // longer sums it would choose the pieces by the sizes.
        const INNER: usize = 512;
        let inner = self.a.columns;
        let each = inner.div_ceil(inner.div_ceil(INNER));
        let mut onto = onto;
        for start in (0..inner).step_by(each) {
            let range = start..(start + each).min(inner);
            let (a, b) = (self.a.columns(range.clone()), self.b.rows(range));
            Part { c: self.c, a, b }.multiply_at_once(onto);
            onto = Onto::Sum;
        }
    }

    fn multiply_at_once(&mut self, onto: Onto) {
        let Self { c, a, b } = self;
        assert_eq!(a.columns, b.rows, "as many columns as rows");
        assert_eq!(c.len(), a.rows * b.columns, "room for the product");
        for matrix in [&a, &b] {
            let last =
                (matrix.rows - 1) * matrix.row_stride + (matrix.columns - 1) * matrix.column_stride;
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
    for range in ranges(columns, parts, least(rows)) {
        let block = blocks.split_off(..rows * range.len()).expect("all blocks");
        let block = block.chunks_exact(range.len());
        for (row, values) in c.chunks_exact_mut(columns).zip(block) {
            row[range.clone()].copy_from_slice(values);
        }
    }
}

/// `0..length` in at most `parts` ranges of about the same length, at least `least`, that begin where a
/// vector of the widest processors does.
pub fn ranges(length: usize, parts: usize, least: usize) -> impl Iterator<Item = Range<usize>> {
    const VECTOR: usize = 16;
    let least = least.next_multiple_of(VECTOR).max(VECTOR);
    let count = parts.min(length / least).max(1);
    let start = move |index: usize| match index == count {
        true => length,
        false => length * index / count / VECTOR * VECTOR,
    };
    (0..count).map(move |index| start(index)..start(index + 1))
}

/// The least rows or columns of a part of a product with so many columns or rows: for a vector, and for
/// fewer numbers than 257 in all, the library would add up in another order.
fn least(others: usize) -> usize {
    256 / others + 1
}

/// Whether a product `[rows, inner] · [inner, columns]` takes long enough to be shared by threads.
pub fn is_worth_sharing(rows: usize, inner: usize, columns: usize) -> bool {
    parts_at_most(rows, inner, columns) > 1
}

/// Into how many parts threads share a product.
pub fn parts(rows: usize, inner: usize, columns: usize) -> usize {
    parts_at_most(rows, inner, columns).clamp(1, workers::threads())
}

fn parts_at_most(rows: usize, inner: usize, columns: usize) -> usize {
    /// Multiplications and additions that take some microseconds.
    const LEAST: usize = 400_000;
    2 * rows * inner * columns / LEAST
}

/// Floating-point operations a second, in billions, of large matrix products on all threads at once: the most
/// that training could reach if it did nothing else.
pub fn peak_gflops() -> f64 {
    const SIZE: usize = 1024;
    const REPETITIONS: usize = 5;
    let threads = workers::threads();
    let (a, b) = (vec![1.0; SIZE * SIZE], vec![0.5; SIZE * SIZE]);
    let mut c = vec![0.0; threads * SIZE * SIZE];
    let seconds = (0..REPETITIONS).map(|_| {
        let begun = Instant::now();
        let products = c.chunks_exact_mut(SIZE * SIZE).collect();
        workers::each(products, |c| {
            let (a, b) = (Matrix::new(&a, SIZE), Matrix::new(&b, SIZE));
            for mut part in Part::cut_rows(c, a, b, 1) {
                part.multiply(Onto::Anything);
            }
        });
        begun.elapsed().as_secs_f64()
    });
    let operations = 2.0 * (threads * SIZE.pow(3)) as f64;
    operations / seconds.fold(f64::INFINITY, f64::min) / 1e9
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
            let mut terms = vec![0.0; ranges(inner, parts, 1).count() * c.len()];
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

    /// Whatever the number of threads: of the lecture's layers forwards and backwards, and of others.
    #[test]
    fn the_cut_does_not_change_a_bit() {
        let shapes = [
            (32, 784, 128),
            (784, 32, 128),
            (256, 128, 784),
            (128, 256, 784),
            (256, 784, 128),
        ];
        let odd = [
            (50, 1000, 40),
            (33, 513, 65),
            (64, 600, 64),
            (2048, 40, 30),
            (96, 2100, 17),
        ];
        for (rows, inner, columns) in shapes.into_iter().chain(odd) {
            for turned in [(false, false), (true, false), (false, true)] {
                let (a, b) = (values(rows * inner, 1), values(inner * columns, 2));
                let a = match turned.0 {
                    false => Matrix::new(&a, inner),
                    true => Matrix::new(&a, rows).transposed(),
                };
                let b = match turned.1 {
                    false => Matrix::new(&b, columns),
                    true => Matrix::new(&b, inner).transposed(),
                };
                let product = |parts| {
                    let mut c = vec![0.5; rows * columns];
                    for mut part in Part::cut_rows(&mut c, a, b, parts) {
                        part.multiply(Onto::Sum);
                    }
                    let (mut blocks, mut joined) = (vec![0.0; c.len()], vec![0.0; c.len()]);
                    for mut part in Part::cut_columns(&mut blocks, a, b, parts) {
                        part.multiply(Onto::Anything);
                    }
                    join_columns(&blocks, &mut joined, columns, parts);
                    c.extend(joined);
                    c.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                };
                let whole = product(1);
                for parts in [2, 3, 5] {
                    assert!(
                        whole == product(parts),
                        "{rows} {inner} {columns} {turned:?} {parts}"
                    );
                }
            }
        }
    }
}
