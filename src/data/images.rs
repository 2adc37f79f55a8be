//! Images in memory.

use burn_dataset::{Dataset, DatasetError};
use pulp::Arch;

use crate::{memory, workers};

/// Pixels that one thread gathers: some microseconds of work.
const PIXELS_PER_PART: usize = 1 << 14;

/// Grey images of one size, held as bytes, with an optional class for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSet {
    height: usize,
    width: usize,
    /// `[images, height, width]`, row-major.
    pixels: Vec<u8>,
    labels: Option<Vec<u8>>,
}

/// One image of an [`ImageSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// `[height, width]`, row-major, 0 black to 255 white.
    pub pixels: Vec<u8>,
    pub label: Option<u8>,
}

impl ImageSet {
    /// Images of `height` × `width` pixels, one after another in `pixels`.
    ///
    /// # Panics
    /// When `pixels` is not a whole number of images, or `labels` has another count.
    pub fn new(height: usize, width: usize, pixels: Vec<u8>, labels: Option<Vec<u8>>) -> Self {
        let size = height * width;
        assert!(
            size > 0 && pixels.len().is_multiple_of(size),
            "whole images"
        );
        if let Some(labels) = &labels {
            assert_eq!(labels.len(), pixels.len() / size, "one label an image");
        }
        Self {
            height,
            width,
            pixels,
            labels,
        }
    }

    /// Rows of pixels in an image.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of pixels in an image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels in an image.
    pub fn pixels_per_image(&self) -> usize {
        self.height * self.width
    }

    /// The number of images.
    pub fn count(&self) -> usize {
        self.pixels.len() / self.pixels_per_image()
    }

    /// The pixels of one image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.pixels_per_image()..][..self.pixels_per_image()]
    }

    /// All pixels, `[images, height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The class of each image, if known.
    pub fn labels(&self) -> Option<&[u8]> {
        self.labels.as_deref()
    }

    /// The images at `indices`, in that order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.pixels_per_image());
        for &index in indices {
            pixels.extend_from_slice(self.image(index));
        }
        Self {
            pixels,
            labels: self
                .labels
                .as_ref()
                .map(|labels| indices.iter().map(|&index| labels[index]).collect()),
            ..*self
        }
    }

    /// Keeps the first `count` images.
    pub fn truncate(&mut self, count: usize) {
        self.pixels.truncate(count * self.pixels_per_image());
        if let Some(labels) = &mut self.labels {
            labels.truncate(count);
        }
    }

    /// The images at `indices` scaled to [0, 1], `[indices, pixels]` row-major: a batch.
    pub fn gather(&self, indices: &[usize]) -> Vec<f32> {
        let pixels = self.pixels_per_image();
        let mut batch = memory::buffer(indices.len() * pixels);
        let parts = batch.len().div_ceil(PIXELS_PER_PART);
        workers::each_piece(&mut batch, pixels, parts, |first, piece| {
            let indices = &indices[first / pixels..];
            let images = piece.chunks_exact_mut(pixels).zip(indices);
            Arch::new().dispatch(|| {
                for (image, &index) in images {
                    for (value, &pixel) in image.iter_mut().zip(self.image(index)) {
                        *value = to_unit(pixel);
                    }
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
            let mut seen = [0usize; 256];
            let rank: Vec<usize> = labels
                .iter()
                .map(|&label| {
                    seen[usize::from(label)] += 1;
                    seen[usize::from(label)]
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
            pixels: self.image(index).to_vec(),
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
    }

    #[test]
    fn burn_reads_it_as_a_dataset() {
        let images = four();
        let items: Vec<Image> = images.iter().map(Result::unwrap).collect();
        assert_eq!(items.len(), 4);
        assert_eq!(
            items[2],
            Image {
                pixels: vec![204, 255],
                label: Some(0)
            }
        );
        assert!(Dataset::<Image>::get_many(&images, vec![3]).unwrap()[0].pixels == [1, 2]);
    }
}
