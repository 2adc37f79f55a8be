//! Points with classes, in memory.

/// Points of a plane (or of more dimensions), with a class for each.
#[derive(Clone, Debug, PartialEq)]
pub struct PointSet {
    /// Coordinates of a point.
    width: usize,
    /// `[points, width]`, row-major.
    coordinates: Vec<f32>,
    classes: Vec<u32>,
}

impl PointSet {
    /// Points of `width` coordinates each, one after another in `coordinates`.
    ///
    /// # Panics
    /// When there are not `width` coordinates for each class.
    pub fn new(width: usize, coordinates: Vec<f32>, classes: Vec<u32>) -> Self {
        assert_eq!(coordinates.len(), width * classes.len(), "whole points");
        Self {
            width,
            coordinates,
            classes,
        }
    }

    /// Coordinates of a point.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of points.
    pub fn count(&self) -> usize {
        self.classes.len()
    }

    /// `[points, width]`, row-major.
    pub fn coordinates(&self) -> &[f32] {
        &self.coordinates
    }

    /// The class of each point.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// The points at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let point = |&index: &usize| &self.coordinates[index * self.width..][..self.width];
        Self {
            width: self.width,
            coordinates: indices.iter().flat_map(point).copied().collect(),
            classes: indices.iter().map(|&index| self.classes[index]).collect(),
        }
    }
}
