//! Codes in a plane, to be looked at.

use bhtsne::{Neighbor, tSNE};

use super::Neighbours;
use crate::baselines::{BaselineError, PrincipalAxes};

/// Codes along two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// `[codes, 2]`
    pub points: Vec<[f64; 2]>,
    /// The share of the codes' variance that the plane shows, where it is a plane of the code space.
    pub variance_share: Option<f64>,
    /// Where in the code space it lies, where it is a plane of it.
    pub basis: Option<Basis>,
}

/// A plane of a code space: the code at `(x, y)` is `origin + x axes₀ + y axes₁`.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    pub origin: Vec<f64>,
    /// Each of length 1, and at right angles.
    pub axes: [Vec<f64>; 2],
}

/// How many neighbours a code has in [`t_sne`], about.
const PERPLEXITY: f32 = 30.0;
/// Neighbours that affinities are taken from, in perplexities: further ones have next to none.
const NEIGHBOURS_PER_PERPLEXITY: f32 = 3.0;
/// What the Barnes-Hut tree takes for one point.
const THETA: f32 = 0.5;
const ITERATIONS: usize = 1000;
/// Standard deviation of the embedding at the beginning.
const BEGIN_DEVIATION: f64 = 1e-4;
/// Fewer codes have no neighbourhoods.
pub const LEAST_CODES: usize = 8;

/// Codes along their two principal axes. A code of one number has 0 for the second.
///
/// # Errors
/// The codes are too wide, or not finite.
pub fn principal_plane(codes: &[f32], width: usize) -> Result<Plane, BaselineError> {
    let axes = PrincipalAxes::of_codes(codes, width)?;
    let along = |code: &[f32], axis: usize| {
        let elements = code.iter().zip(&axes.mean).zip(axes.axes.col(axis).iter());
        elements
            .map(|((&element, mean), axis)| (f64::from(element) - mean) * axis)
            .sum::<f64>()
    };
    let point = |code: &[f32]| [along(code, 0), if width > 1 { along(code, 1) } else { 0.0 }];
    let all: f64 = axes.variances.iter().sum();
    let shown: f64 = axes.variances.iter().take(2).sum();
    Ok(Plane {
        points: codes.chunks_exact(width).map(point).collect(),
        variance_share: (all > 0.0).then(|| shown / all),
        basis: (width > 1).then(|| Basis {
            origin: axes.mean.clone(),
            axes: [0, 1].map(|axis| axes.axes.col(axis).iter().copied().collect()),
        }),
    })
}

/// The plane in which codes are best looked at: of two numbers the plane that they are, else the principal one.
///
/// # Errors
/// The codes are too wide, or not finite.
pub fn code_plane(codes: &[f32], width: usize) -> Result<Plane, BaselineError> {
    if width != 2 {
        return principal_plane(codes, width);
    }
    let points = codes.chunks_exact(2);
    Ok(Plane {
        points: points
            .map(|code| [code[0].into(), code[1].into()])
            .collect(),
        variance_share: Some(1.0),
        basis: Some(Basis {
            origin: vec![0.0; 2],
            axes: [vec![1.0, 0.0], vec![0.0, 1.0]],
        }),
    })
}

/// Codes where near ones are near, by t-distributed stochastic neighbour embedding from the principal plane. Distances
/// between clusters, and their sizes, mean little. `listener` is told of each iteration. Codes that are alike, or very few,
/// may have no distances to embed; then there is no plane.
///
/// # Errors
/// The codes are too wide, or not finite.
///
/// # Panics
/// There are fewer than [`LEAST_CODES`].
///
/// # Source
/// Van der Maaten and Hinton 2008, *Visualizing Data using t-SNE*; Van der Maaten 2014, *Accelerating t-SNE using
/// Tree-Based Algorithms*; begun as Kobak and Berens 2019 advise. The embedding is bhtsne's.
pub fn t_sne(
    codes: &[f32],
    width: usize,
    mut listener: impl FnMut(usize, usize) + Send,
) -> Result<Option<Plane>, BaselineError> {
    let count = codes.len() / width;
    assert!(count >= LEAST_CODES, "{count} codes have no neighbourhoods");
    let begin = principal_plane(codes, width)?;
    let most = (count - 2) as f32 / NEIGHBOURS_PER_PERPLEXITY;
    let perplexity = PERPLEXITY.min(most);
    let neighbours = neighbours(
        codes,
        width,
        (NEIGHBOURS_PER_PERPLEXITY * perplexity) as usize,
    );
    let data: Vec<&[f32]> = codes.chunks_exact(width).collect();
    let mut embed = || {
        let mut embedding = tSNE::<f32, &[f32], 2>::new(&data);
        embedding
            .perplexity(perplexity)
            .epochs(ITERATIONS)
            .initial_embedding(small(&begin.points))
            .epoch_callback(|iteration, _| listener(iteration, ITERATIONS))
            .barnes_hut_with_neighbors(THETA, &neighbours);
        embedding.embedding()
    };
    // Its sums depend on how many threads share them, so one does it all.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let embedded = match alone {
        Ok(alone) => alone.install(embed),
        Err(_) => embed(),
    };
    if !embedded.iter().all(|coordinate| coordinate.is_finite()) {
        return Ok(None);
    }
    let points = embedded.chunks_exact(2);
    Ok(Some(Plane {
        points: points
            .map(|point| [point[0].into(), point[1].into()])
            .collect(),
        variance_share: None,
        basis: None,
    }))
}

/// The nearest other codes of each code.
fn neighbours(codes: &[f32], width: usize, count: usize) -> Vec<Vec<Neighbor<f32>>> {
    let nearest = Neighbours::new(codes, width).nearest(codes, count + 1);
    let code = |index: usize| &codes[index * width..][..width];
    let row = |(index, nearest): (usize, &Vec<usize>)| {
        let others = nearest.iter().copied().filter(|&other| other != index);
        // Where more codes than these are alike, a code may not be among its own neighbours.
        let mut row: Vec<_> = others
            .take(count)
            .map(|other| {
                let pairs = code(index).iter().zip(code(other));
                let square: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
                Neighbor {
                    index: other,
                    distance: square.sqrt(),
                }
            })
            .collect();
        row.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        row
    };
    nearest.iter().enumerate().map(row).collect()
}

/// Points scaled so that the first coordinate has a small standard deviation, one after another.
fn small(points: &[[f64; 2]]) -> Vec<f32> {
    let square: f64 = points.iter().map(|point| point[0] * point[0]).sum();
    let deviation = (square / points.len() as f64).sqrt();
    let scale = match deviation > 0.0 {
        true => BEGIN_DEVIATION / deviation,
        false => 0.0,
    };
    let all = points.iter().flatten();
    all.map(|coordinate| (coordinate * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, rows};
    use rand::RngExt;

    /// Points around the corners of a triangle in five dimensions, in turn.
    fn clusters(count: usize) -> Vec<f32> {
        let indices: Vec<usize> = (0..count).collect();
        let noise = rows(3, Purpose::Sample, 0, &indices, 5, |stream| {
            stream.random_range(-0.5f32..0.5)
        });
        let mut codes = noise;
        for (index, code) in codes.chunks_exact_mut(5).enumerate() {
            code[index % 3] += 8.0;
        }
        codes
    }

    fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn clusters_stay_together_in_both_planes() {
        let codes = clusters(150);
        let principal = principal_plane(&codes, 5).unwrap();
        assert!(principal.variance_share.unwrap() > 0.95);
        let embedded = t_sne(&codes, 5, |_, _| {}).unwrap().unwrap();
        for plane in [principal, embedded] {
            let points = &plane.points;
            for (index, &point) in points.iter().enumerate() {
                let others = points
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != index);
                let nearest = others
                    .min_by(|(_, a), (_, b)| distance(point, **a).total_cmp(&distance(point, **b)));
                assert_eq!(nearest.unwrap().0 % 3, index % 3);
            }
        }
    }

    #[test]
    fn a_place_in_the_plane_is_a_code_and_back() {
        let codes = clusters(90);
        let flat: Vec<f32> = codes
            .chunks_exact(5)
            .flat_map(|code| [code[0], code[1]])
            .collect();
        for (codes, width) in [(codes, 5), (flat, 2)] {
            let plane = code_plane(&codes, width).unwrap();
            let Basis { origin, axes } = plane.basis.unwrap();
            for (code, [x, y]) in codes.chunks_exact(width).zip(plane.points) {
                // What is not in the plane is at right angles to it.
                for (axis, at) in axes.iter().zip([x, y]) {
                    let centred = code.iter().zip(&origin).map(|(&c, o)| f64::from(c) - o);
                    let along: f64 = centred.zip(axis).map(|(c, a)| c * a).sum();
                    assert!((along - at).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn the_same_codes_have_the_same_place_on_any_number_of_threads() {
        let codes = clusters(400);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| t_sne(&codes, 5, |_, _| {}).unwrap())
        };
        assert_eq!(on(1), on(1));
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn codes_that_are_alike_or_few_have_a_place_or_none() {
        let is_finite = |plane: &Plane| plane.points.iter().flatten().all(|x| x.is_finite());
        for (codes, width) in [(vec![1.0; 60], 3), (clusters(LEAST_CODES), 5)] {
            let plane = t_sne(&codes, width, |_, _| {}).unwrap();
            assert!(plane.as_ref().is_none_or(is_finite));
        }
        let few = t_sne(&clusters(40), 5, |_, _| {}).unwrap();
        assert!(few.as_ref().is_some_and(is_finite));
        let line = principal_plane(&[1.0, 2.0, 4.0], 1).unwrap();
        assert!(line.points.iter().all(|point| point[1] == 0.0));
        assert!((line.points[2][0] - line.points[0][0]).abs() > 2.9);
    }
}
