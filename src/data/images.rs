//! Examples with their classes.

use std::collections::HashMap;

use burn_dataset::{Dataset, DatasetError};
use pulp::Arch;

use super::pixels::Pixels;
use super::shape::Shape;
use crate::{memory, workers};

/// Pixels that one thread gathers: some microseconds of work.
const PIXELS_PER_PART: usize = 1 << 14;

/// Examples of one shape, with an optional class for each: images, grey or coloured, or rows of numbers.
#[derive(Clone, Debug)]
pub struct ImageSet {
    shape: Shape,
    pixels: Pixels,
    labels: Option<Vec<u32>>,
    in_unit_range: bool,
}

/// One image of an [`ImageSet`].
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// `[height, width, channels]`, row-major; of an image 0 black to 1 white.
    pub pixels: Vec<f32>,
    pub label: Option<u32>,
}

impl ImageSet {
    /// Grey images of `height` × `width` pixels, one after another in `pixels`, 0 black to 255 white.
    ///
    /// # Panics
    /// When `pixels` is not a whole number of images, or `labels` has another count.
    pub fn new(height: usize, width: usize, pixels: Vec<u8>, labels: Option<Vec<u32>>) -> Self {
        let shape = Shape::grey(height, width);
        assert!(pixels.len().is_multiple_of(shape.size()), "whole images");
        Self::with(shape, Pixels::Bytes(pixels), labels)
    }

    /// Examples of any shape, between 0 and 1.
    ///
    /// # Panics
    /// When an example has no size, or there are not as many `labels` as examples.
    pub fn with(shape: Shape, pixels: Pixels, labels: Option<Vec<u32>>) -> Self {
        assert!(shape.size() > 0, "examples of some size");
        if let Some(labels) = &labels {
            assert_eq!(
                labels.len(),
                pixels.count(shape.size()),
                "one label an image"
            );
        }
        Self {
            shape,
            pixels,
            labels,
            in_unit_range: true,
        }
    }

    /// The same examples with these classes.
    pub fn with_labels(self, labels: Option<Vec<u32>>) -> Self {
        Self {
            in_unit_range: self.in_unit_range,
            ..Self::with(self.shape, self.pixels, labels)
        }
    }

    /// The same examples, which need not be between 0 and 1.
    pub fn beyond_unit_range(self) -> Self {
        Self {
            in_unit_range: false,
            ..self
        }
    }

    /// Whether all numbers are between 0 and 1.
    pub fn in_unit_range(&self) -> bool {
        self.in_unit_range
    }

    /// What one example looks like.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The numbers of an example.
    pub fn pixels_per_image(&self) -> usize {
        self.shape.size()
    }

    /// The number of examples.
    pub fn count(&self) -> usize {
        self.pixels.count(self.shape.size())
    }

    /// Whether pixels were bytes, and so are between 0 and 1.
    pub fn are_bytes(&self) -> bool {
        match &self.pixels {
            Pixels::Bytes(_) => true,
            Pixels::Numbers(_) => false,
            Pixels::Stored(stored) => stored.are_bytes(),
        }
    }

    /// Whether the examples are in a file, since memory is not to hold as many.
    pub fn are_stored(&self) -> bool {
        matches!(self.pixels, Pixels::Stored(_))
    }

    /// One example, bytes scaled to [0, 1].
    pub fn image(&self, index: usize) -> Vec<f32> {
        let mut image = vec![0.0; self.shape.size()];
        self.pixels.read(index, &mut image);
        image
    }

    /// What all examples take as numbers of four bytes.
    pub fn bytes_as_numbers(&self) -> u64 {
        (self.count() * self.pixels_per_image() * size_of::<f32>()) as u64
    }

    /// All examples, in memory.
    pub fn all(&self) -> Vec<f32> {
        self.gather(&(0..self.count()).collect::<Vec<_>>())
    }

    /// All examples, up to `examples` of them at a time.
    pub fn chunks(&self, examples: usize) -> impl Iterator<Item = Vec<f32>> {
        let count = self.count();
        (0..count).step_by(examples).map(move |first| {
            let indices: Vec<usize> = (first..count.min(first + examples)).collect();
            self.gather(&indices)
        })
    }

    /// The class of each example, if known.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The examples at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            shape: self.shape,
            pixels: self.pixels.select(indices, self.shape.size()),
            labels: self
                .labels
                .as_ref()
                .map(|labels| indices.iter().map(|&index| labels[index]).collect()),
            in_unit_range: self.in_unit_range,
        }
    }

    /// Keeps the first `count` examples.
    pub fn truncate(&mut self, count: usize) {
        self.pixels.truncate(count, self.shape.size());
        if let Some(labels) = &mut self.labels {
            labels.truncate(count);
        }
    }

    /// The examples at `indices`, bytes scaled to [0, 1], `[indices, pixels]` row-major: a batch.
    pub fn gather(&self, indices: &[usize]) -> Vec<f32> {
        let pixels = self.pixels_per_image();
        let mut batch = memory::buffer(indices.len() * pixels);
        let parts = batch.len().div_ceil(PIXELS_PER_PART);
        workers::each_piece(&mut batch, pixels, parts, |first, piece| {
            let indices = &indices[first / pixels..];
            let images = piece.chunks_exact_mut(pixels).zip(indices);
            Arch::new().dispatch(|| {
                for (image, &index) in images {
                    self.pixels.read(index, image);
                }
            });
        });
        batch
    }

    /// Indices of `count` images that take the classes in turn: the first image of each class in
    /// order of class, then the second of each, and so on. Without labels, the first `count`.
    pub fn one_of_each_class(&self, count: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..self.count()).collect();
        if let Some(labels) = &self.labels {
            let mut seen = HashMap::<u32, usize>::new();
            let rank: Vec<usize> = labels
                .iter()
                .map(|&label| {
                    let seen = seen.entry(label).or_default();
                    *seen += 1;
                    *seen
                })
                .collect();
            indices.sort_by_key(|&index| (rank[index], labels[index]));
        }
        indices.truncate(count);
        indices
    }
}

/// A pixel scaled to [0, 1].
pub fn to_unit(pixel: u8) -> f32 {
    f32::from(pixel) / 255.0
}

impl Dataset<Image> for ImageSet {
    fn get(&self, index: usize) -> Result<Image, DatasetError> {
        Ok(Image {
            pixels: self.image(index),
            label: self.labels.as_ref().map(|labels| labels[index]),
        })
    }

    fn len(&self) -> usize {
        self.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four() -> ImageSet {
        ImageSet::new(
            1,
            2,
            vec![0, 51, 102, 153, 204, 255, 1, 2],
            Some(vec![1, 1, 0, 1]),
        )
    }

    #[test]
    fn a_batch_is_the_images_asked_for_in_order_and_scaled() {
        assert_eq!(four().gather(&[2, 0]), [0.8, 1.0, 0.0, 0.2]);
        assert_eq!(
            four().select(&[2, 0]).gather(&[0, 1]),
            four().gather(&[2, 0])
        );
    }

    #[test]
    fn classes_take_turns() {
        assert_eq!(four().one_of_each_class(10), [2, 0, 1, 3]);
        assert_eq!(four().one_of_each_class(2), [2, 0]);
        let labels = Some(vec![70_000, 300, 70_000, 299]);
        let many = four().with_labels(labels);
        assert_eq!(many.one_of_each_class(10), [3, 1, 0, 2]);
    }

    #[test]
    fn burn_reads_it_as_a_dataset() {
        let images = four();
        let items: Vec<Image> = images.iter().map(Result::unwrap).collect();
        assert_eq!(items.len(), 4);
        assert_eq!(
            items[2],
            Image {
                pixels: vec![0.8, 1.0],
                label: Some(0)
            }
        );
        let last = &Dataset::<Image>::get_many(&images, vec![3]).unwrap()[0];
        assert_eq!(last.pixels, [1.0 / 255.0, 2.0 / 255.0]);
    }
}
