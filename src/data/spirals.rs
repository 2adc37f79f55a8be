//! The spirals of the lecture's recall: generated points that no line separates.

use rand::RngExt;
use rand_distr::StandardNormal;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::hexadecimal;
use super::input::UnreadableExamples;
use super::points::PointSet;
use super::preparation::Preparation;
use super::shape::Shape;
use super::source::{Checksum, Splits, hold_out};
use crate::random::{self, Purpose};

/// How many points lie on how many arms, and how near to them.
///
/// ```text
/// (r sin θ, r cos θ),    θ = 2π k / arms + 4 r + noise · N(0, 1),    r even on [0, 1]
/// ```
///
/// # Source
/// Karpathy, CS231n, *Minimal neural network case study*: radius 0 to 1, an angle that grows by 4
/// over it, noise of 0.2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spirals {
    /// Arms, each a class of its own.
    pub classes: usize,
    /// Training points on each arm, those held out for validation included.
    pub points_per_class: usize,
    pub test_points_per_class: usize,
    /// Standard deviation of the angle, in radians.
    pub noise: f64,
}

/// By how much the angle grows from the centre to the end of an arm, in radians.
const TURN: f64 = 4.0;

impl Spirals {
    /// The points that `seed` gives, `validation` of the training points held out.
    pub fn generate(&self, validation: usize, seed: u64) -> Splits<PointSet> {
        let mut train = self.points(self.points_per_class, seed, 0);
        let test = self.points(self.test_points_per_class, seed, 1);
        let checksums = [("spirals-train", &train), ("spirals-test", &test)];
        let checksums = checksums
            .map(|(name, points)| checksum(name, points))
            .into();
        let validation = (validation > 0).then(|| {
            let (held_out, kept) = hold_out(train.count(), validation, seed);
            let held_out = train.select(&held_out);
            train = train.select(&kept);
            held_out
        });
        Splits {
            train,
            validation,
            test,
            checksums,
            preparation: Preparation {
                in_unit_range: false,
                is_bounded: false,
                ..Preparation::of_images(Shape::row(2))
            },
            unreadable: UnreadableExamples::new(),
            warnings: Vec::new(),
            decisions: Vec::new(),
            scaled_by: None,
            names: super::ExampleNames::default(),
        }
    }

    fn points(&self, per_class: usize, seed: u64, split: u64) -> PointSet {
        let mut coordinates = Vec::with_capacity(2 * per_class * self.classes);
        let mut classes = Vec::with_capacity(per_class * self.classes);
        for class in 0..self.classes {
            let mut stream = random::stream(seed, Purpose::Points, split, class as u64);
            let start = std::f64::consts::TAU * class as f64 / self.classes as f64;
            for point in 0..per_class {
                let radius = (point + 1) as f64 / per_class as f64;
                let noise: f64 = stream.sample(StandardNormal);
                let angle = start + TURN * radius + self.noise * noise;
                coordinates.extend([radius * angle.sin(), radius * angle.cos()].map(|x| x as f32));
                classes.push(class as u32);
            }
        }
        PointSet::new(2, coordinates, classes)
    }
}

fn checksum(name: &str, points: &PointSet) -> Checksum {
    let mut digest = Sha256::new();
    for coordinate in points.coordinates() {
        digest.update(coordinate.to_le_bytes());
    }
    // A byte each, as the checksums of earlier runs have them: there are at most 100 classes.
    let classes: Vec<u8> = points.classes().iter().map(|&class| class as u8).collect();
    digest.update(classes);
    Checksum {
        file: name.into(),
        sha256: hexadecimal(&digest.finalize()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: Spirals = Spirals {
        classes: 3,
        points_per_class: 100,
        test_points_per_class: 50,
        noise: 0.2,
    };

    #[test]
    fn without_noise_every_point_lies_on_its_arm() {
        let spirals = Spirals {
            noise: 0.0,
            ..THREE
        };
        let points = spirals.generate(0, 1).train;
        assert_eq!((points.count(), points.width()), (300, 2));
        for (point, &class) in points.coordinates().chunks_exact(2).zip(points.classes()) {
            let (x, y) = (f64::from(point[0]), f64::from(point[1]));
            let radius = x.hypot(y);
            let angle = std::f64::consts::TAU * f64::from(class) / 3.0 + TURN * radius;
            assert!((x - radius * angle.sin()).abs() < 1e-6);
            assert!((y - radius * angle.cos()).abs() < 1e-6);
        }
    }

    #[test]
    fn splits_and_seeds_have_points_of_their_own_and_validation_comes_out_of_training() {
        let splits = THREE.generate(60, 1);
        let validation = splits.validation.as_ref().unwrap();
        let counts = (
            splits.train.count(),
            validation.count(),
            splits.test.count(),
        );
        assert_eq!(counts, (240, 60, 150));
        let whole = THREE.generate(0, 1);
        assert_eq!(whole.train, THREE.generate(0, 1).train);
        assert_ne!(whole.train, THREE.generate(0, 2).train);
        let same_size = Spirals {
            test_points_per_class: 100,
            ..THREE
        };
        let same_size = same_size.generate(0, 1);
        assert_ne!(same_size.train, same_size.test);
        let mut of_validation = validation.coordinates().chunks_exact(2);
        let all: Vec<_> = whole.train.coordinates().chunks_exact(2).collect();
        assert!(of_validation.all(|point| all.contains(&point)));
    }
}
