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

/// Half of what this process may use of the machine's memory: more than that is asked for by mistake or by malice.
pub fn most_bytes() -> u64 {
    static MOST: LazyLock<u64> = LazyLock::new(|| {
        use sysinfo::{MemoryRefreshKind, RefreshKind, System};
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        let total = System::new_with_specifics(memory).ok().map(|system| {
            let machine = system.total_memory();
            let limit = system.cgroup_limits().map(|limits| limits.total_memory);
            limit.map_or(machine, |limit| limit.min(machine))
        });
        // Where the system does not say, what every machine of today has.
        total.filter(|&total| total > 0).unwrap_or(8 << 30) / 2
    });
    *MOST
}

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
