//! Memory that goes from one step to the next.
//!
//! A step needs megabytes that it gives back at its end. Asking the system for them anew costs a page fault
//! for every 4096 bytes, and clearing them another pass over memory.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use burn::tensor::TensorData;

/// Buffers that nothing uses any more, by their length.
static FREE: LazyLock<Mutex<HashMap<usize, Vec<Vec<f32>>>>> = LazyLock::new(Mutex::default);

/// Buffers of one length that are kept: as many as a step of a network with layers of one size can have
/// in use.
const KEPT: usize = 8;
/// Lengths of which buffers are kept: those of a step, of an epoch's last step, and of an evaluation.
const LENGTHS: usize = 64;

/// A buffer to be written over: it holds anything.
pub fn buffer(length: usize) -> Vec<f32> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = free.get_mut(&length).and_then(Vec::pop);
    drop(free);
    kept.unwrap_or_else(|| vec![0.0; length])
}

/// Keeps memory for a [`buffer`] to come.
pub fn recycle(values: Vec<f32>) {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if free.len() >= LENGTHS && !free.contains_key(&values.len()) {
        free.clear();
    }
    let kept = free.entry(values.len()).or_default();
    if kept.len() < KEPT {
        kept.push(values);
    }
}

/// Keeps the memory of data, if it is single precision, for a [`buffer`] to come.
pub fn recycle_data(data: TensorData) {
    if let Ok(values) = data.try_into_vec::<f32>() {
        recycle(values);
    }
}
