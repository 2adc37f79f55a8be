//! Images to batches on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::{ImageSet, Noise};

/// Gathers images into batches on one device.
#[derive(Clone, Debug)]
pub struct Batches {
    device: Device,
    /// All images on the device, where the device has a memory of its own: then a step sends it a few
    /// indices rather than pixels.
    resident: Option<Resident>,
}

/// Images on a device, in as many tensors as it takes.
#[derive(Clone, Debug)]
struct Resident {
    /// `[rows, pixels]` each; the last may have fewer rows.
    pieces: Vec<Tensor<2>>,
    rows: usize,
}

/// What a network is shown, and what it should answer.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// `[batch, pixels]`, corrupted where the experiment says so.
    pub input: Tensor<2>,
    /// `[batch, pixels]`, clean.
    pub target: Tensor<2>,
}

impl Batches {
    /// Batches that are copied to `device` one by one.
    pub fn new(device: &Device) -> Self {
        Self {
            device: device.clone(),
            resident: None,
        }
    }

    /// Batches of images that are all copied to `device` now, in tensors of at most so many bytes. They must
    /// be the ones that batches are later asked for.
    pub fn resident(device: &Device, images: &ImageSet, largest_tensor_bytes: u64) -> Self {
        let count = images.count();
        let row_bytes = images.bytes_as_numbers().div_ceil(count.max(1) as u64);
        let rows = usize::try_from(largest_tensor_bytes / row_bytes.max(1)).unwrap_or(count);
        let rows = rows.clamp(1, count.max(1));
        let piece = |first: usize| {
            let indices: Vec<usize> = (first..count.min(first + rows)).collect();
            upload(images, &indices, device)
        };
        Self {
            device: device.clone(),
            resident: Some(Resident {
                pieces: (0..count).step_by(rows).map(piece).collect(),
                rows,
            }),
        }
    }

    /// The images at `indices` with noise on them, and without.
    pub fn pairs(&self, images: &ImageSet, indices: &[usize], noise: Option<&Noise>) -> Pairs {
        match (noise, &self.resident) {
            (None, _) => {
                let target = self.gather(images, indices);
                let input = target.clone();
                Pairs { input, target }
            }
            (Some(noise), resident) => {
                let clean = images.gather(indices);
                let mut noisy = clean.clone();
                noise.apply(&mut noisy, indices);
                let tensor = |pixels| tensor(pixels, indices.len(), &self.device);
                let target = match resident {
                    None => tensor(clean),
                    Some(_) => self.gather(images, indices),
                };
                Pairs {
                    input: tensor(noisy),
                    target,
                }
            }
        }
    }

    /// The images at `indices`, scaled to [0, 1], `[indices, pixels]`.
    pub fn gather(&self, images: &ImageSet, indices: &[usize]) -> Tensor<2> {
        match &self.resident {
            None => upload(images, indices, &self.device),
            Some(resident) => resident.gather(indices, &self.device),
        }
    }
}

impl Resident {
    fn gather(&self, indices: &[usize], device: &Device) -> Tensor<2> {
        let count = indices.len();
        let select = |piece: &Tensor<2>, rows: Vec<i32>| {
            let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [count]), device);
            piece.clone().select(0, rows)
        };
        if let [piece] = &self.pieces[..] {
            return select(piece, indices.iter().map(|&index| index as i32).collect());
        }
        // Of each piece as many rows as the batch has, those that it has not times zero: whatever the batch, the
        // shapes are the same, for each of which an accelerator compiles.
        let of_piece = |(number, piece): (usize, &Tensor<2>)| {
            let first = number * self.rows;
            let is_here = |index: usize| (first..first + self.rows).contains(&index);
            let row = |&index: &usize| {
                if is_here(index) {
                    (index - first) as i32
                } else {
                    0
                }
            };
            let here = |&index: &usize| f32::from(u8::from(is_here(index)));
            let here: Vec<f32> = indices.iter().map(here).collect();
            select(piece, indices.iter().map(row).collect()) * tensor(here, count, device)
        };
        let parts = self.pieces.iter().enumerate().map(of_piece);
        parts
            .reduce(|sum, part| sum + part)
            .expect("a batch is of images that are there")
    }
}

fn upload(images: &ImageSet, indices: &[usize], device: &Device) -> Tensor<2> {
    tensor(images.gather(indices), indices.len(), device)
}

/// `rows` rows of numbers that follow each other in `values`, on a device.
pub fn tensor(values: Vec<f32>, rows: usize, device: &Device) -> Tensor<2> {
    let shape = [rows, values.len() / rows];
    Tensor::from_data(TensorData::new(values, shape), device)
}
