//! Counts the work of searches: in the unit tests alone, where a bound on it is checked.
//!
//! A clock on a busy machine says little about a bound; what was read says all. Outside of the
//! tests nothing is counted and nothing is left of the calls.

/// A piece of work of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An entry of a multi-index's directory read.
    Directory,
    /// A bucket asked for.
    Bucket,
    /// A posting in such a bucket.
    Posting,
    /// A posting near enough in its second band, too.
    Survivor,
    /// A hash of the column compared because an index proposed it.
    Candidate,
    /// A row read by a scan.
    Row,
}

/// Counts `many` more of a step.
#[inline(always)]
pub(crate) fn count(step: Step, many: u64) {
    #[cfg(test)]
    counted::add(step, many);
    #[cfg(not(test))]
    let _ = (step, many);
}

#[cfg(test)]
pub(crate) mod counted {
    use super::Step;
    use std::cell::Cell;

    thread_local!(static COUNTS: Cell<[u64; 6]> = const { Cell::new([0; 6]) });

    pub(super) fn add(step: Step, many: u64) {
        let mut counts = COUNTS.get();
        counts[step as usize] += many;
        COUNTS.set(counts);
    }

    /// Starts again at zero.
    pub(crate) fn reset() {
        COUNTS.set([0; 6]);
    }

    /// What this thread's searches did since it was last asked or reset, by step.
    pub(crate) fn take() -> impl Fn(Step) -> u64 {
        let counts = COUNTS.replace([0; 6]);
        move |step| counts[step as usize]
    }
}
