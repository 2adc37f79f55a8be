//! Random streams drawn on the host, each named by what it is for.
//!
//! A stream is keyed by `(seed, purpose, epoch, step)`, so the numbers of one place never depend
//! on how many another place drew: weights, data order and noise are the same on every backend
//! and any number of threads, and a run's randomness is described by its counters alone.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

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
