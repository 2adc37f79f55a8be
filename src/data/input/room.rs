//! Memory that images are decoded in, shared by all threads of the process.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes of images that are decoded at a time: two of the largest, whatever the number of cores.
const BYTES: u64 = 1 << 30;

static ROOM: Room = Room {
    free: Mutex::new(BYTES),
    changed: Condvar::new(),
};

struct Room {
    free: Mutex<u64>,
    changed: Condvar,
}

/// Room for an image, until it is dropped.
pub(super) struct Place(u64);

/// Waits for room for an image of `bytes` bytes. A caller that holds a place must not request another.
pub(super) fn room_for(bytes: u64) -> Place {
    let bytes = bytes.min(BYTES);
    let free = ROOM.free.lock().unwrap_or_else(PoisonError::into_inner);
    let free = ROOM.changed.wait_while(free, |free| *free < bytes);
    *free.unwrap_or_else(PoisonError::into_inner) -= bytes;
    Place(bytes)
}

impl Drop for Place {
    fn drop(&mut self) {
        *ROOM.free.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        ROOM.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn no_more_images_are_decoded_at_a_time_than_there_is_room_for() {
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (held, most) = (&held, &most);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let bytes = if thread == 0 { u64::MAX } else { BYTES / 4 };
                        let place = room_for(bytes);
                        let now = held.fetch_add(place.0, Ordering::SeqCst) + place.0;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        held.fetch_sub(place.0, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= BYTES);
    }
}
