//! How a page writes the weights of its network.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use half::f16;
use serde::Serialize;

use crate::model::{PortableCodec, Stage};

/// How weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE 754 half precision: half the size, and three digits
    F16,
    /// Single precision, as they were trained
    F32,
}

impl Precision {
    /// The largest difference from the trained network that is rounding alone.
    pub fn tolerance(self) -> f64 {
        match self {
            Self::F16 => 2e-3,
            Self::F32 => 1e-5,
        }
    }

    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
        }
    }

    /// Numbers as base64 of little-endian bytes.
    pub(super) fn encode(self, values: &[f32]) -> String {
        let bytes: Vec<u8> = match self {
            Self::F16 => {
                let halves = values.iter().map(|&value| f16::from_f32(value));
                halves.flat_map(f16::to_le_bytes).collect()
            }
            Self::F32 => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        };
        STANDARD.encode(bytes)
    }

    /// What is read where `value` was written.
    fn rounded(self, value: f32) -> f32 {
        match self {
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::F32 => value,
        }
    }

    /// Stages as they are read again: biases stay.
    pub fn rounded_stages(self, stages: &[Stage]) -> Vec<Stage> {
        let round = |values: &mut Vec<f32>| {
            values
                .iter_mut()
                .for_each(|value| *value = self.rounded(*value));
        };
        let mut stages = stages.to_vec();
        for stage in &mut stages {
            match stage {
                Stage::Dense(layer) => round(&mut layer.weight),
                Stage::FoldIn(fold_in) => round(&mut fold_in.topics),
            }
        }
        stages
    }

    /// A network as it is read again.
    pub fn rounded_codec(self, network: &PortableCodec) -> PortableCodec {
        PortableCodec {
            encoder: self.rounded_stages(&network.encoder),
            decoder: self.rounded_stages(&network.decoder),
        }
    }
}

/// The largest difference between two lists of numbers: absolute, or of numbers beyond 1 relative to them, as the page
/// measures it.
pub fn largest_difference(found: &[f64], expected: &[f32]) -> f64 {
    let pairs = found.iter().zip(expected);
    pairs
        .map(|(&found, &expected)| {
            let expected = f64::from(expected);
            (found - expected).abs() / expected.abs().max(1.0)
        })
        .fold(0.0, |largest, difference| match difference.is_nan() {
            true => f64::INFINITY,
            false => difference.max(largest),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_again_as_they_were_rounded() {
        let values = [0.1f32, -3.0, 65504.0, 1e-9];
        for precision in [Precision::F16, Precision::F32] {
            let bytes = STANDARD.decode(precision.encode(&values)).unwrap();
            let read: Vec<f32> = match precision {
                Precision::F16 => bytes
                    .chunks_exact(2)
                    .map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32())
                    .collect(),
                Precision::F32 => bytes
                    .chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
                    .collect(),
            };
            let rounded: Vec<f32> = values
                .iter()
                .map(|&value| precision.rounded(value))
                .collect();
            assert_eq!(read, rounded);
        }
    }

    #[test]
    fn a_difference_that_is_no_number_is_infinite() {
        assert_eq!(largest_difference(&[0.5, 4.0], &[0.25, 2.0]), 1.0);
        assert_eq!(
            largest_difference(&[f64::NAN, 0.0], &[0.0, 0.0]),
            f64::INFINITY
        );
    }
}
