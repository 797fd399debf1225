//! What a search may cost before it is given up for the scan.
//!
//! Whether a search through the index pays is certain only afterwards: how many postings survive
//! the second condition is not in the directory. But the directory bounds it, because more than all
//! cannot survive. So a search goes on while it has cost little, its `patience`; once that is spent,
//! only if all that can still come, added to what was spent, stays below `most`. Then it is not
//! given up any more, and nothing of it is lost. The planner sets both by the cost of the scan: a
//! search that is given up has cost its patience at most, and no search costs more than `most`,
//! whatever the list holds.

use crate::bits::BitHash;
use crate::index::mih::plan::{Targets, each_near};
use crate::index::mih::{Effort, Mih, bands};

/// What the steps of a search cost and what a query may spend, in a unit of the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prices {
    /// For each bucket looked into.
    pub(crate) bucket: u32,
    /// For each of its postings.
    pub(crate) posting: u32,
    /// For each posting whose second band is near enough, too.
    pub(crate) survivor: u32,
    /// What a query may spend before it must be certain how much it can become. That this is looked
    /// up in the directory is not paid from it.
    pub(crate) patience: u64,
    /// What a query that is certain may cost, whatever was spent before included.
    pub(crate) most: u64,
}

/// The budget of a query that is not given up any more.
const CERTAIN: u64 = u64::MAX;

impl Prices {
    /// For a search that is never given up.
    pub(crate) const UNLIMITED: Self =
        Self { bucket: 0, posting: 0, survivor: 0, patience: 0, most: u64::MAX };

    /// What these buckets cost when every posting survives.
    pub(crate) fn at_worst(&self, effort: Effort) -> u64 {
        let posting = u64::from(self.posting) + u64::from(self.survivor);
        let postings = posting.saturating_mul(effort.postings);
        postings.saturating_add(u64::from(self.bucket).saturating_mul(effort.buckets))
    }

    /// Looking into a bucket of so many postings, without what survives.
    #[inline(always)]
    pub(super) fn of_bucket(&self, postings: u32) -> u64 {
        u64::from(self.bucket) + u64::from(self.posting) * u64::from(postings)
    }

    /// The budget of a query that has `left` of its patience and no more than this ahead: without a
    /// limit where that is certain to be affordable, none where it is not.
    pub(super) fn reconsider(&self, left: u64, ahead: Effort) -> u64 {
        let spent = self.patience.saturating_sub(left);
        if spent.saturating_add(self.at_worst(ahead)) <= self.most { CERTAIN } else { 0 }
    }
}

impl<H: BitHash> Mih<'_, H> {
    /// What the directory says a query looks into from this band on.
    #[cold]
    pub(super) fn ahead(&self, targets: &Targets, query: usize, first_band: usize) -> Effort {
        let each = |visit: &mut dyn FnMut(usize, u16)| {
            for band in first_band..bands::<H>() {
                let (value, reach) = (targets.values(band)[query], targets.reach(band)[query]);
                each_near(value, reach, |value, _| visit(band, value));
            }
        };
        each(&mut |band, value| self.band(band).prefetch(value));
        let mut effort = Effort::default();
        each(&mut |band, value| {
            let postings = self.band(band).bucket(value).1;
            effort.buckets += u64::from(postings > 0);
            effort.postings += u64::from(postings);
        });
        effort
    }
}
