//! How much memory a thread holds at most.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Counts from now on.
pub fn reset() {
    HELD.set(0);
    MOST.set(0);
}

/// The most bytes that this thread held at a time since then, beside those that it held before.
pub fn most() -> usize {
    usize::try_from(MOST.get()).unwrap_or(0)
}

struct Watched;

impl Watched {
    fn note(more: usize, less: usize) {
        // A thread that ends has no such variables any more.
        let _ = HELD.try_with(|held| {
            held.set(held.get() + more as isize - less as isize);
            MOST.with(|most| most.set(most.get().max(held.get())));
        });
    }
}

// SAFETY: all of it is the system's allocator's.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::note(layout.size(), 0);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::note(size, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::note(0, layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}
