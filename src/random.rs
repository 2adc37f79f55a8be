//! Random streams drawn on the host, each named by what it is for.
//!
//! A stream is keyed by `(seed, purpose, epoch, step)`, so the numbers of one place never depend
//! on how many another place drew: weights, data order and noise are the same on every backend
//! and any number of threads, and a run's randomness is described by its counters alone.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// What a stream of random numbers is used for. The numbers are part of the format: a run repeats
/// only while they stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights; the step is the layer's index.
    Weights = 1,
    /// Which training images are held out for validation.
    Split = 2,
    /// The order of the training images within an epoch.
    Order = 3,
    /// Noise on training images; the step is the image's index.
    Noise = 4,
    /// Noise on images that are only looked at, the same at every look; the step is the image's
    /// index.
    EvaluationNoise = 5,
    /// Hidden units left out by dropout; the step is the example's index.
    Dropout = 6,
    /// A variational network's choice among the codes of an image in training; the step is the
    /// image's index.
    Latent = 7,
    /// The same choice when the network is only measured, the same at every look.
    EvaluationLatent = 8,
    /// Codes drawn to be looked at; the step is the code's number.
    Sample = 9,
    /// Generated points; the epoch is the split, the step the point's class.
    Points = 10,
    /// What a check of gradients looks at: biases other than zero, and coordinates.
    GradientCheck = 11,
    /// Images that only measurements of speed are made with.
    MadeUp = 12,
    /// Topics that a topic model begins with; the step is the topic's number. In epoch 1, which images they are tried on
    /// first.
    Topics = 13,
}

/// The stream for `purpose` at an epoch and step (both 0 where they have no meaning).
///
/// The four numbers fill ChaCha's 256-bit key, so distinct keys give independent streams.
///
/// # Source
/// Bernstein 2008, *ChaCha, a variant of Salsa20*.
pub fn stream(seed: u64, purpose: Purpose, epoch: u64, step: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, word) in key
        .chunks_exact_mut(8)
        .zip([seed, purpose as u64, epoch, step])
    {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// Rows of `width` random numbers, one row for each of `indices`, row-major. Each row comes from the
/// stream of its index, so it depends neither on its batch nor on the number of threads.
pub fn rows<T: Send>(
    seed: u64,
    purpose: Purpose,
    epoch: u64,
    indices: &[usize],
    width: usize,
    draw: impl Fn(&mut ChaCha8Rng) -> T + Sync,
) -> Vec<T> {
    let row = |&index: &usize| {
        let mut stream = stream(seed, purpose, epoch, index as u64);
        (0..width).map(|_| draw(&mut stream)).collect::<Vec<_>>()
    };
    indices.par_iter().flat_map_iter(row).collect()
}

/// A permutation of `0..count`, uniform over all of them.
pub fn permutation(count: usize, mut stream: ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut stream);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn every_part_of_the_key_gives_another_stream() {
        let first = |seed, purpose, epoch, step| stream(seed, purpose, epoch, step).next_u64();
        let numbers = [
            first(1, Purpose::Order, 0, 0),
            first(2, Purpose::Order, 0, 0),
            first(1, Purpose::Weights, 0, 0),
            first(1, Purpose::Order, 1, 0),
            first(1, Purpose::Order, 0, 1),
        ];
        for (i, a) in numbers.iter().enumerate() {
            assert!(numbers[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(numbers[0], first(1, Purpose::Order, 0, 0));
    }

    #[test]
    fn a_row_is_that_of_its_index_wherever_it_stands() {
        let draw = |indices: &[usize]| rows(1, Purpose::Latent, 2, indices, 3, Rng::next_u64);
        let all = draw(&[4, 9, 7]);
        assert_eq!(draw(&[9]), all[3..6]);
        assert_eq!(draw(&[7, 4]), [&all[6..], &all[..3]].concat());
    }

    #[test]
    fn a_permutation_holds_every_index_once_and_moves_them() {
        let order = permutation(1000, stream(42, Purpose::Order, 1, 0));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_ne!(order, sorted);
    }

    /// A changed order would silently change what every existing config and seed gives.
    #[test]
    fn the_order_of_seed_42_stays_as_it_was_published() {
        assert_eq!(
            permutation(10, stream(42, Purpose::Order, 1, 0)),
            [9, 5, 4, 3, 2, 0, 8, 7, 1, 6]
        );
    }
}
