//! Classifying by nearest neighbours, and who they are.

use std::cmp::Ordering;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

/// Distances that are held at a time: 64 MB of them.
const DISTANCES_AT_A_TIME: usize = 16 << 20;
/// Queries whose distances to all points are computed at a time, at most.
const MOST_QUERIES_AT_A_TIME: usize = 256;

/// Points of which the nearest to others can be found, exactly.
///
/// Distances are those of Euclid; of points as far as each other the first is nearer.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// `[points, width]`, row-major, each less their mean: far from 0 the squares of single precision are coarse.
    points: Vec<f32>,
    mean: Vec<f32>,
    width: usize,
}

impl Neighbours {
    /// Points of `width` numbers each, row-major.
    pub fn new(points: &[f32], width: usize) -> Self {
        let count = (points.len() / width) as f64;
        let mut mean = vec![0.0; width];
        for point in points.chunks_exact(width) {
            for (mean, &element) in mean.iter_mut().zip(point) {
                *mean += f64::from(element) / count;
            }
        }
        let mean: Vec<f32> = mean.into_iter().map(|mean| mean as f32).collect();
        Self {
            points: centred(points, &mean),
            mean,
            width,
        }
    }

    /// The indices of the `count` nearest points to each of `queries`, `[queries, width]`, the nearest first.
    pub fn nearest(&self, queries: &[f32], count: usize) -> Vec<Vec<usize>> {
        let width = self.width;
        let points = self.points.len() / width;
        let count = count.min(points);
        let lengths: Vec<f32> = self
            .points
            .chunks_exact(width)
            .map(squared_length)
            .collect();
        let all = MatRef::from_row_major_slice(&self.points, points, width);
        let at_a_time = (DISTANCES_AT_A_TIME / points.max(1)).clamp(1, MOST_QUERIES_AT_A_TIME);
        let mut nearest = Vec::new();
        for queries in queries.chunks(at_a_time * width) {
            let rows = queries.len() / width;
            let queries = centred(queries, &self.mean);
            let queries = MatRef::from_row_major_slice(&queries, rows, width);
            // One column a query: |p|² − 2 p·q, which orders points as their distances do.
            let mut products = Mat::<f32>::zeros(points, rows);
            matmul(
                products.as_mut(),
                Accum::Replace,
                all,
                queries.transpose(),
                -2.0,
                Par::rayon(0),
            );
            let columns: Vec<&[f32]> = (0..rows)
                .map(|query| products.col_as_slice(query))
                .collect();
            nearest.par_extend(columns.into_par_iter().map(|products| {
                let each = products.iter().zip(&lengths);
                least(each.map(|(product, length)| product + length), count)
            }));
        }
        nearest
    }

    /// The class that most of the `count` nearest points to each query have; of classes as frequent as each other the
    /// least.
    pub fn classify(&self, classes: &[u32], queries: &[f32], count: usize) -> Vec<u32> {
        let vote = |nearest: Vec<usize>| {
            let mut votes: Vec<u32> = nearest.into_iter().map(|point| classes[point]).collect();
            votes.sort_unstable();
            let of_classes = votes.chunk_by(|a, b| a == b);
            // Of equals the last is the greatest to `max_by_key`.
            let winner = of_classes.rev().max_by_key(|votes| votes.len());
            winner.map_or(0, |votes| votes[0])
        };
        self.nearest(queries, count).into_iter().map(vote).collect()
    }
}

/// Counts of the found class for the images of each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// The classes that occur, in order.
    pub classes: Vec<u32>,
    /// `[class][found]`, by their places among `classes`.
    pub counts: Vec<Vec<usize>>,
}

/// Counts how often images of each class were found to be of which; none where more than `most` classes occur.
pub fn confusion(found: &[u32], classes: &[u32], most: usize) -> Option<Confusion> {
    let mut known: Vec<u32> = found.iter().chain(classes).copied().collect();
    known.sort_unstable();
    known.dedup();
    if known.len() > most {
        return None;
    }
    let place = |class: &u32| known.partition_point(|other| other < class);
    let mut counts = vec![vec![0; known.len()]; known.len()];
    for (found, class) in found.iter().zip(classes) {
        counts[place(class)][place(found)] += 1;
    }
    Some(Confusion {
        classes: known,
        counts,
    })
}

fn centred(points: &[f32], mean: &[f32]) -> Vec<f32> {
    let points = points.chunks_exact(mean.len());
    points
        .flat_map(|point| point.iter().zip(mean).map(|(element, mean)| element - mean))
        .collect()
}

fn squared_length(point: &[f32]) -> f32 {
    point.iter().map(|element| element * element).sum()
}

/// The indices of the `count` least values, the least first, of equals the first.
fn least(values: impl Iterator<Item = f32>, count: usize) -> Vec<usize> {
    let mut kept: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
    for (index, value) in values.enumerate() {
        if kept.len() == count
            && kept
                .last()
                .is_none_or(|(worst, _)| value.total_cmp(worst) != Ordering::Less)
        {
            continue;
        }
        let place = kept.partition_point(|(known, _)| known.total_cmp(&value) != Ordering::Greater);
        kept.insert(place, (value, index));
        kept.truncate(count);
    }
    kept.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, rows};
    use rand::RngExt;

    #[test]
    fn the_nearest_are_those_that_looking_at_all_of_them_finds() {
        let draw = |purpose, count: usize| {
            let indices: Vec<usize> = (0..count).collect();
            rows(1, purpose, 0, &indices, 3, RngExt::random::<f32>)
        };
        // Far from 0, where the squares of single precision are steps of 8.
        let shifted = |points: Vec<f32>| points.iter().map(|x| x + 1e4).collect::<Vec<_>>();
        let points = shifted(draw(Purpose::Sample, 400));
        let queries = shifted(draw(Purpose::Noise, 300));
        let found = Neighbours::new(&points, 3).nearest(&queries, 4);
        for (query, found) in queries.chunks_exact(3).zip(&found) {
            let mut all: Vec<(f64, usize)> = points
                .chunks_exact(3)
                .enumerate()
                .map(|(index, point)| {
                    let pairs = point.iter().zip(query);
                    let each = pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
                    (each.sum(), index)
                })
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            let expected: Vec<usize> = all[..4].iter().map(|(_, index)| *index).collect();
            assert_eq!(found, &expected);
        }
    }

    #[test]
    fn most_votes_win_and_ties_go_to_the_least_class() {
        let points = [0.0, 0.1, 0.2, 1.0, 1.1];
        let neighbours = Neighbours::new(&points, 1);
        assert_eq!(neighbours.classify(&[7, 3, 3, 1, 1], &[0.0], 3), [3]);
        assert_eq!(neighbours.classify(&[7, 3, 3, 1, 1], &[0.0], 2), [3]);
        assert_eq!(neighbours.classify(&[7, 3, 3, 1, 1], &[0.0], 99), [1]);
        assert_eq!(neighbours.nearest(&[0.05], 2), [[0, 1]]);
    }

    #[test]
    fn confusion_counts_what_each_class_was_taken_for() {
        let (found, classes) = ([1, 1, 0, 70_000], [1, 0, 0, 1]);
        let few = confusion(&found, &classes, 3).unwrap();
        assert_eq!(few.classes, [0, 1, 70_000]);
        assert_eq!(few.counts, [[1, 1, 0], [0, 1, 1], [0, 0, 0]]);
        assert_eq!(confusion(&found, &classes, 2), None);
    }
}
