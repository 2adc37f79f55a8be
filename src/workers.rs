//! Threads that share tasks of a few microseconds.
//!
//! A step of training has a dozen of them, and a thread that sleeps takes longer to wake up than such a
//! task takes. So between two tasks the workers keep looking for the next one for a while, as those of
//! OpenMP do, and fall asleep only when none comes.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a worker looks for a task before it falls asleep: longer than what a step does alone.
const LOOKS_FOR: Duration = Duration::from_micros(500);
/// Looks between two looks at the clock.
const LOOKS_PER_GLANCE: usize = 64;
/// Looks at a task's end before the owner offers its processor to others, which matters only where there
/// are more threads than processors.
const LOOKS_BEFORE_YIELDING: usize = 1000;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// The number of threads that tasks are shared among, the caller's among them: those of rayon's pool,
/// which default to what this process may use. One for who works [`alone`].
pub fn threads() -> usize {
    match ALONE.get() {
        true => 1,
        false => rayon::current_num_threads(),
    }
}

/// Does `work` with this thread alone: it shares no task within with others, which have work of their own.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    /// Also where `work` panics.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _restore = Restore(ALONE.replace(true));
    work()
}

/// Does `work` on each of `items`, on several threads at once. Which thread gets which item is left to
/// chance: results must not depend on it.
///
/// # Panics
/// `work` does, on any item; the others are done first.
pub fn each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    if items.len() < 2 || threads() < 2 {
        return items.into_iter().for_each(work);
    }
    let items: Vec<_> = items
        .into_iter()
        .map(|item| Mutex::new(Some(item)))
        .collect();
    Pool::global().run(items.len(), &|index| {
        let item = items[index].lock().ok().and_then(|mut item| item.take());
        work(item.expect("every index comes once"));
    });
}

/// [`each`] of `parts` pieces of `values`, alike in length but for the last, each a multiple of
/// `multiple` long; `work` gets the index of a piece's first value too.
pub fn each_piece<T: Send>(
    values: &mut [T],
    multiple: usize,
    parts: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let length = (values.len() / multiple).div_ceil(parts).max(1) * multiple;
    let pieces = values.chunks_mut(length).enumerate().collect();
    each(pieces, |(index, piece)| work(index * length, piece));
}

type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// Workers and the task that they share.
struct Pool {
    /// The indices of the task that nobody has taken yet, see [`Claims`]. The number of the task is in
    /// it, so that an index can only be taken from the task that it was seen in.
    claims: AtomicU64,
    /// Points to a [`Work`] while indices remain unfinished.
    work: AtomicPtr<()>,
    unfinished: AtomicUsize,
    panicked: Mutex<Option<Panic>>,
    /// Held by the thread whose task it is.
    owner: Mutex<()>,
    workers: OnceLock<Vec<Worker>>,
}

struct Worker {
    thread: Thread,
    asleep: AtomicBool,
}

/// Indices `first..end` of the task of a number.
#[derive(Clone, Copy)]
struct Claims {
    task: u32,
    first: u16,
    end: u16,
}

impl Claims {
    fn pack(self) -> u64 {
        u64::from(self.task) << 32 | u64::from(self.first) << 16 | u64::from(self.end)
    }

    fn unpack(packed: u64) -> Self {
        Self {
            task: (packed >> 32) as u32,
            first: (packed >> 16) as u16,
            end: packed as u16,
        }
    }
}

/// Parts of a task at most, as [`Claims`] count them; what has more is done as several tasks.
const MOST_PARTS: usize = u16::MAX as usize;

type Panic = Box<dyn Any + Send>;

/// Keeps what a panic carries, if it is the first. That of a later one is leaked: dropping it runs code of others, which may
/// panic in turn, where the owner of the task still waits for this thread to be done.
fn keep_first(first: &mut Option<Panic>, panic: Panic) {
    match first {
        None => *first = Some(panic),
        Some(_) => std::mem::forget(panic),
    }
}

/// From which end of a task a thread takes indices. With two threads each does the same part of every
/// task, whose numbers it finds in its cache.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

impl Pool {
    const fn new() -> Self {
        Self {
            claims: AtomicU64::new(0),
            work: AtomicPtr::new(std::ptr::null_mut()),
            unfinished: AtomicUsize::new(0),
            panicked: Mutex::new(None),
            owner: Mutex::new(()),
            workers: OnceLock::new(),
        }
    }

    fn global() -> &'static Self {
        static POOL: Pool = Pool::new();
        POOL.workers.get_or_init(|| POOL.start(threads() - 1));
        &POOL
    }

    fn start(&'static self, count: usize) -> Vec<Worker> {
        let start = |index| {
            let worker = thread::Builder::new()
                .name(format!("worker {index}"))
                .spawn(move || self.serve(index))
                .ok()?;
            Some(Worker {
                thread: worker.thread().clone(),
                asleep: AtomicBool::new(false),
            })
        };
        // With fewer than asked for there is only less speed.
        (0..count).map_while(start).collect()
    }

    /// Does `work` on all of `0..count`.
    fn run(&self, count: usize, work: Work<'_>) {
        let mut panicked = None;
        for first in (0..count).step_by(MOST_PARTS) {
            let parts = (count - first).min(MOST_PARTS);
            let task = || self.run_task(parts, &|index| work(first + index));
            if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(task)) {
                keep_first(&mut panicked, panic);
            }
        }
        if let Some(panic) = panicked {
            panic::resume_unwind(panic);
        }
    }

    /// Does `work` on all of `0..count`, which are no more than [`MOST_PARTS`].
    fn run_task(&self, count: usize, work: Work<'_>) {
        // Of two tasks at once, and of one inside another, the second is done by its caller alone.
        let Ok(_owner) = self.owner.try_lock() else {
            return (0..count).for_each(work);
        };
        let end = u16::try_from(count).expect("a task has at most MOST_PARTS parts");
        let task = Claims::unpack(self.claims.load(Ordering::Relaxed)).task;
        self.work
            .store((&raw const work).cast_mut().cast(), Ordering::Relaxed);
        self.unfinished.store(count, Ordering::Relaxed);
        let claims = Claims {
            task: task.wrapping_add(1),
            first: 0,
            end,
        };
        // Sequentially consistent, as are a worker's steps into sleep: either it sees these, or it is
        // seen asleep.
        self.claims.store(claims.pack(), Ordering::SeqCst);
        for worker in self.workers.get().into_iter().flatten().take(count - 1) {
            if worker.asleep.load(Ordering::SeqCst) {
                worker.thread.unpark();
            }
        }
        self.help(End::First);
        let mut looks = 0;
        while self.unfinished.load(Ordering::Acquire) > 0 {
            looks += 1;
            match looks < LOOKS_BEFORE_YIELDING {
                true => std::hint::spin_loop(),
                false => thread::yield_now(),
            }
        }
        let mut panicked = self.panicked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(panicked) = panicked.take() {
            drop(_owner);
            panic::resume_unwind(panicked);
        }
    }

    /// Takes indices of the present task and does them until there are none.
    fn help(&self, end: End) {
        while self.claim_and_do(end) {}
    }

    fn claim_and_do(&self, end: End) -> bool {
        let mut packed = self.claims.load(Ordering::Acquire);
        let index = loop {
            let mut claims = Claims::unpack(packed);
            if claims.first >= claims.end {
                return false;
            }
            let index = match end {
                End::First => {
                    claims.first += 1;
                    claims.first - 1
                }
                End::Last => {
                    claims.end -= 1;
                    claims.end
                }
            };
            let exchange = self.claims.compare_exchange_weak(
                packed,
                claims.pack(),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match exchange {
                Ok(_) => break index,
                Err(seen) => packed = seen,
            }
        };
        let work = self.work.load(Ordering::Relaxed).cast::<Work<'_>>();
        // SAFETY: `run` stored a pointer to its argument before it offered the index that this thread
        // just took, and neither returns nor stores another until `unfinished`, in which this index
        // still counts, is zero.
        #[expect(unsafe_code, reason = "the borrow checker sees no end of the task")]
        let work = unsafe { *work };
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| work(index.into()))) {
            let mut panicked = self.panicked.lock().unwrap_or_else(PoisonError::into_inner);
            keep_first(&mut panicked, panic);
        }
        self.unfinished.fetch_sub(1, Ordering::Release);
        true
    }

    /// The life of a worker.
    fn serve(&self, index: usize) {
        let mut done = Instant::now();
        loop {
            let found = (0..LOOKS_PER_GLANCE).any(|_| {
                std::hint::spin_loop();
                self.claim_and_do(End::Last)
            });
            if found {
                done = Instant::now();
            } else if done.elapsed() > LOOKS_FOR
                && let Some(me) = self.workers.get().map(|workers| &workers[index])
            {
                me.asleep.store(true, Ordering::SeqCst);
                let claims = Claims::unpack(self.claims.load(Ordering::SeqCst));
                if claims.first >= claims.end {
                    thread::park();
                }
                me.asleep.store(false, Ordering::SeqCst);
                done = Instant::now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// A pool that lives as long as the test program.
    fn pool(workers: usize) -> &'static Pool {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
        pool.workers.get_or_init(|| pool.start(workers));
        pool
    }

    #[test]
    fn every_index_comes_once_whatever_the_number_of_workers() {
        let rounds = if cfg!(miri) { 20 } else { 2000 };
        for workers in [0, 1, 2, 5] {
            let pool = pool(workers);
            for round in 0..rounds {
                let count = 1 + round % 7;
                let times: Vec<_> = (0..count).map(|_| AtomicU32::new(0)).collect();
                pool.run(count, &|index| {
                    times[index].fetch_add(1, Ordering::Relaxed);
                });
                let times: Vec<_> = times.into_iter().map(AtomicU32::into_inner).collect();
                assert_eq!(times, vec![1; count]);
            }
        }
    }

    #[test]
    fn who_works_alone_shares_nothing_until_done() {
        let all = threads();
        alone(|| {
            assert_eq!(threads(), 1);
            alone(|| ());
            assert_eq!(threads(), 1);
            let me = thread::current().id();
            each(vec![(); 8], |()| assert_eq!(thread::current().id(), me));
        });
        assert_eq!(threads(), all);
        let panic = panic::catch_unwind(|| alone(|| panic!("planted")));
        assert!(panic.is_err());
        assert_eq!(threads(), all);
    }

    #[test]
    fn workers_wake_up_from_sleep() {
        let pool = pool(2);
        let sleepers = || {
            let workers = pool.workers.get().unwrap().iter();
            workers.filter(|w| w.asleep.load(Ordering::SeqCst)).count()
        };
        for _ in 0..3 {
            while sleepers() < 2 {
                thread::yield_now();
            }
            // Each waits for the other two: without all three threads this would not end.
            let barrier = std::sync::Barrier::new(3);
            pool.run(3, &|_| {
                barrier.wait();
            });
        }
    }

    #[test]
    fn a_task_inside_a_task_and_one_beside_it_are_done_too() {
        let pool = pool(1);
        let done = AtomicU32::new(0);
        let count = |_| {
            done.fetch_add(1, Ordering::Relaxed);
        };
        pool.run(4, &|_| pool.run(3, &count));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| pool.run(5, &count));
            }
        });
        assert_eq!(done.into_inner(), 12 + 15);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_works_on() {
        let pool = pool(1);
        let done = AtomicU32::new(0);
        let failing = |index| {
            assert_ne!(index, 2, "planted");
            done.fetch_add(1, Ordering::Relaxed);
        };
        let panic = panic::catch_unwind(AssertUnwindSafe(|| pool.run(6, &failing)));
        let message = panic.unwrap_err();
        assert!(
            message
                .downcast_ref::<String>()
                .unwrap()
                .contains("planted")
        );
        assert_eq!(done.load(Ordering::Relaxed), 5);
        pool.run(2, &|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 7);
    }

    /// A task of 66,000 images has as many parts.
    #[test]
    fn a_task_may_have_more_parts_than_its_counter_counts() {
        let count = if cfg!(miri) { 65_540 } else { 200_000 };
        let pool = pool(2);
        let times: Vec<_> = (0..count).map(|_| AtomicU32::new(0)).collect();
        pool.run(count, &|index| {
            times[index].fetch_add(1, Ordering::Relaxed);
        });
        assert!(times.into_iter().all(|times| times.into_inner() == 1));
        let sum = AtomicUsize::new(0);
        each((0..70_000).collect(), |item: usize| {
            sum.fetch_add(item, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 70_000 * 69_999 / 2);
        // The parts after one that panics are done, too.
        let done = AtomicUsize::new(0);
        let failing = |index| {
            assert_ne!(index, 3, "planted");
            done.fetch_add(1, Ordering::Relaxed);
        };
        assert!(panic::catch_unwind(AssertUnwindSafe(|| pool.run(count, &failing))).is_err());
        assert_eq!(done.into_inner(), count - 1);
    }

    /// The caller that catches the first panic drops its payload; the others must not be dropped while the task continues.
    #[test]
    fn what_a_panic_carries_may_panic_when_it_is_dropped() {
        struct Carried;
        impl Drop for Carried {
            fn drop(&mut self) {
                if !thread::panicking() {
                    panic!("dropped");
                }
            }
        }
        let pool = pool(2);
        for _ in 0..if cfg!(miri) { 3 } else { 200 } {
            let done = AtomicU32::new(0);
            let failing = |_| {
                done.fetch_add(1, Ordering::Relaxed);
                panic::panic_any(Carried);
            };
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| pool.run(9, &failing)));
            std::mem::forget(outcome.unwrap_err());
            assert_eq!(done.into_inner(), 9);
        }
        // The workers are still there.
        let barrier = std::sync::Barrier::new(3);
        pool.run(3, &|_| {
            barrier.wait();
        });
    }

    #[test]
    fn pieces_cover_all_values_and_begin_where_they_say() {
        for (length, multiple, parts) in
            [(0, 4, 2), (8, 4, 2), (20, 4, 3), (784, 16, 4), (12, 4, 9)]
        {
            let mut values = vec![0; length];
            each_piece(&mut values, multiple, parts, |first, piece| {
                assert!(piece.len() % multiple == 0 && first % multiple == 0);
                for (index, value) in piece.iter_mut().enumerate() {
                    *value = first + index;
                }
            });
            assert_eq!(values, (0..length).collect::<Vec<_>>());
        }
    }
}
