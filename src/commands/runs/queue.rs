//! Which run is made next, and by which worker.

use std::collections::VecDeque;

/// Runs that a worker's device may fail in a row before it gets no more.
const PATIENCE: usize = 2;

/// Runs that are to be made, and the workers that make them, one at a time each.
///
/// What a device fails is given to another worker, once; what fails by itself has failed.
pub struct Queue {
    waiting: VecDeque<Task>,
    workers: Vec<Worker>,
    running: usize,
}

/// A run that is to be made.
#[derive(Debug, PartialEq)]
pub struct Task {
    pub run: usize,
    /// The worker that lost it, and what it said.
    lost: Option<(usize, String)>,
}

/// One of those who make runs.
#[derive(Clone, Copy, Default)]
struct Worker {
    lost_in_a_row: usize,
}

impl Worker {
    fn is_given_up(self) -> bool {
        self.lost_in_a_row >= PATIENCE
    }
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cause {
    /// Its device cannot be opened or was lost.
    Device,
    /// Its process was killed: by the user, or by a system that runs out of memory. No device is to blame, and the run is
    /// not tried again unasked.
    Killed,
    /// Anything else, which would fail elsewhere too.
    Run,
}

/// What a worker is to do.
#[derive(Debug, PartialEq)]
pub enum Next {
    Make(Task),
    /// A run may come yet.
    Wait,
    /// There is nothing more for it.
    Leave,
}

/// What becomes of a run that failed.
#[derive(Debug, PartialEq)]
pub enum Failure {
    Final,
    /// Another worker makes it; the one that failed may have been given up.
    MadeElsewhere {
        is_given_up: bool,
    },
}

impl Queue {
    /// Of runs, and so many workers.
    pub fn new(runs: &[usize], workers: usize) -> Self {
        let task = |&run| Task { run, lost: None };
        Self {
            waiting: runs.iter().map(task).collect(),
            workers: vec![Worker::default(); workers],
            running: 0,
        }
    }

    /// What `worker` is to do next.
    pub fn next(&mut self, worker: usize) -> Next {
        if self.workers[worker].is_given_up() {
            return Next::Leave;
        }
        let is_for_me = |task: &Task| task.lost.as_ref().is_none_or(|(by, _)| *by != worker);
        let place = self.waiting.iter().position(is_for_me);
        match place.and_then(|place| self.waiting.remove(place)) {
            Some(task) => {
                self.running += 1;
                Next::Make(task)
            }
            None if self.running > 0 => Next::Wait,
            None => Next::Leave,
        }
    }

    /// `worker` made what it was given.
    pub fn made(&mut self, worker: usize) {
        self.running -= 1;
        self.workers[worker].lost_in_a_row = 0;
    }

    /// `worker` failed to make what it was given, and said why.
    pub fn failed(
        &mut self,
        worker: usize,
        mut task: Task,
        cause: Cause,
        message: &str,
    ) -> Failure {
        self.running -= 1;
        self.workers[worker].lost_in_a_row = match cause {
            Cause::Device => self.workers[worker].lost_in_a_row + 1,
            Cause::Killed => self.workers[worker].lost_in_a_row,
            Cause::Run => 0,
        };
        let is_other = |(index, other): (usize, &Worker)| index != worker && !other.is_given_up();
        let has_others = self.workers.iter().enumerate().any(is_other);
        if cause != Cause::Device || task.lost.is_some() || !has_others {
            return Failure::Final;
        }
        task.lost = Some((worker, message.to_owned()));
        self.waiting.push_back(task);
        Failure::MadeElsewhere {
            is_given_up: self.workers[worker].is_given_up(),
        }
    }

    /// The runs that nobody is left to make, and what was said of those that failed once.
    pub fn left(self) -> impl Iterator<Item = (usize, Option<String>)> {
        let waiting = self.waiting.into_iter();
        waiting.map(|Task { run, lost }| (run, lost.map(|(_, message)| message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(queue: &mut Queue, worker: usize) -> Task {
        match queue.next(worker) {
            Next::Make(task) => task,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn runs_are_made_in_order_and_their_own_failures_are_final() {
        let mut queue = Queue::new(&[4, 7], 2);
        let (first, second) = (make(&mut queue, 0), make(&mut queue, 1));
        assert_eq!((first.run, second.run), (4, 7));
        assert_eq!(
            queue.failed(0, first, Cause::Run, "not finite"),
            Failure::Final
        );
        // The other may come back.
        assert_eq!(queue.next(0), Next::Wait);
        queue.made(1);
        assert_eq!(queue.next(0), Next::Leave);
        assert_eq!(queue.left().count(), 0);
    }

    #[test]
    fn what_a_device_loses_is_made_elsewhere_and_not_there() {
        let mut queue = Queue::new(&[0], 2);
        let task = make(&mut queue, 0);
        assert_eq!(queue.next(1), Next::Wait);
        let failure = queue.failed(0, task, Cause::Device, "gone");
        assert_eq!(failure, Failure::MadeElsewhere { is_given_up: false });
        assert_eq!(queue.next(0), Next::Leave);
        let task = make(&mut queue, 1);
        assert_eq!(task.run, 0);
        assert_eq!(
            queue.failed(1, task, Cause::Run, "not finite"),
            Failure::Final
        );
    }

    #[test]
    fn a_device_that_loses_two_runs_in_a_row_gets_no_more() {
        let mut queue = Queue::new(&[0, 1, 2, 3], 2);
        let lose = |queue: &mut Queue| {
            let task = make(queue, 0);
            queue.failed(0, task, Cause::Device, "gone")
        };
        assert_eq!(
            lose(&mut queue),
            Failure::MadeElsewhere { is_given_up: false }
        );
        let task = make(&mut queue, 0);
        assert_eq!(task.run, 1);
        queue.made(0);
        assert_eq!(
            lose(&mut queue),
            Failure::MadeElsewhere { is_given_up: false }
        );
        assert_eq!(
            lose(&mut queue),
            Failure::MadeElsewhere { is_given_up: true }
        );
        assert_eq!(queue.next(0), Next::Leave);
        for expected in [0, 2, 3] {
            assert_eq!(make(&mut queue, 1).run, expected);
            queue.made(1);
        }
        assert_eq!(queue.next(1), Next::Leave);
    }

    #[test]
    fn runs_that_nobody_is_left_for_are_named_with_what_was_said() {
        let mut queue = Queue::new(&[0, 1, 2], 2);
        let mut lose = |worker| {
            let task = make(&mut queue, worker);
            let run = task.run;
            (run, queue.failed(worker, task, Cause::Device, "gone"))
        };
        let elsewhere = |is_given_up| Failure::MadeElsewhere { is_given_up };
        assert_eq!(lose(0), (0, elsewhere(false)));
        assert_eq!(lose(1), (1, elsewhere(false)));
        assert_eq!(lose(0), (2, elsewhere(true)));
        assert_eq!(lose(1), (0, Failure::Final));
        assert_eq!([queue.next(0), queue.next(1)], [Next::Leave, Next::Leave]);
        let gone = || Some("gone".to_owned());
        let left: Vec<_> = queue.left().collect();
        assert_eq!(left, [(1, gone()), (2, gone())]);
    }

    /// Nothing is known of a device whose run was killed.
    #[test]
    fn a_killed_run_is_final_and_says_nothing_of_its_device() {
        let mut queue = Queue::new(&[0, 1, 2, 3], 2);
        let mut lose = |cause| {
            let task = make(&mut queue, 0);
            queue.failed(0, task, cause, "gone")
        };
        let elsewhere = |is_given_up| Failure::MadeElsewhere { is_given_up };
        assert_eq!(lose(Cause::Device), elsewhere(false));
        assert_eq!(lose(Cause::Killed), Failure::Final);
        assert_eq!(lose(Cause::Device), elsewhere(true));
    }

    /// Experiments that diverge are nobody's fault but theirs.
    #[test]
    fn no_device_is_given_up_for_what_runs_do() {
        let runs: Vec<_> = (0..9).collect();
        let mut queue = Queue::new(&runs, 1);
        for run in runs {
            let task = make(&mut queue, 0);
            assert_eq!(task.run, run);
            match run % 3 {
                0 => queue.made(0),
                1 => assert_eq!(
                    queue.failed(0, task, Cause::Run, "not finite"),
                    Failure::Final
                ),
                // The last of all has nobody to hand over to, and goes on after one.
                _ => assert_eq!(queue.failed(0, task, Cause::Device, "gone"), Failure::Final),
            }
        }
        assert_eq!(queue.next(0), Next::Leave);
    }
}
