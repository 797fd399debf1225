//! A matcher that changes while it is used: entries added and retracted, lists replaced.
//!
//! Every change makes a new [`Matcher`] and swaps it in; whoever still holds the old one finishes on
//! it, and its lists, mappings included, go with the last holder. Mapped lists are shared between the
//! old and the new one, never copied. What was added since the lists were built is one small list in
//! memory, made anew at each addition, so it is searched by the same code and the answers stay exact.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{MatchError, Matcher, MatcherBuilder};
use crate::index::IndexChoice;
use crate::list::{BuildIndex, HashList, ImportedRow, ListBuilder, ListError};

/// Most rows that are kept beside the lists. Making their list anew takes some tens of milliseconds
/// at this size, and searching it a microsecond or two; beyond it, build a list and [`reload`]
/// instead.
///
/// [`reload`]: LiveMatcher::reload
pub const LIVE_LIMIT: usize = 16_384;

/// Names a claim: its source and record id.
type ClaimKey = (String, String);

/// A [`Matcher`] that can be changed from any thread while others use it.
///
/// # Examples
/// ```
/// use onceseen::digest::{DigestKind, Digests};
/// use onceseen::list::{Claim, ImportedRow};
/// use onceseen::matcher::{LiveMatcher, Matcher, Query};
///
/// let live = LiveMatcher::new(Matcher::builder())?;
/// let md5 = Digests::of(b"picture").get(DigestKind::Md5);
/// let claim = Claim { record: Some("r-1".into()), ..Claim::default() };
/// live.add(&[ImportedRow { digests: vec![md5], claim, ..ImportedRow::default() }], "desk")?;
/// assert_eq!(live.current().matches(&Query::of_digest(md5)).len(), 1);
/// live.retract("desk", "r-1")?;
/// assert!(live.current().matches(&Query::of_digest(md5)).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LiveMatcher {
    current: RwLock<Arc<Matcher>>,
    changes: Mutex<Changes>,
}

#[derive(Debug)]
struct Changes {
    /// Settings with the lists that were loaded; additions come after them.
    base: MatcherBuilder,
    added: Vec<(ImportedRow, String)>,
    retracted: HashSet<ClaimKey>,
}

impl LiveMatcher {
    /// Starts with the lists and settings of `base`.
    ///
    /// # Errors
    /// As [`MatcherBuilder::build`].
    pub fn new(base: MatcherBuilder) -> Result<Self, MatchError> {
        let current = RwLock::new(Arc::new(base.build()?));
        let changes = Changes { base, added: Vec::new(), retracted: HashSet::new() };
        Ok(Self { current, changes: Mutex::new(changes) })
    }

    /// The matcher in use. Keep it for one query or one batch, so that changes take effect.
    pub fn current(&self) -> Arc<Matcher> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds entries; they are found from the next query on. A claim that was retracted before stands
    /// again.
    ///
    /// # Errors
    /// When more than [`LIVE_LIMIT`] rows would be kept, or their list cannot be made. Nothing is
    /// changed then.
    pub fn add(&self, rows: &[ImportedRow], source: &str) -> Result<(), LiveError> {
        self.change(|changes| {
            if changes.added.len() + rows.len() > LIVE_LIMIT {
                return Err(LiveError::Full);
            }
            for row in rows {
                let mut row = row.clone();
                if row.claim.source.is_empty() {
                    source.clone_into(&mut row.claim.source);
                }
                changes.retracted.remove(&key(&row.claim.source, row.claim.record.as_deref()));
                changes.added.push((row, source.to_owned()));
            }
            Ok(())
        })
    }

    /// Takes back what `source` claims under `record`. An entry without any other claim is found no
    /// more.
    ///
    /// # Errors
    /// When the list of additions cannot be made anew. Nothing is changed then.
    pub fn retract(&self, source: &str, record: &str) -> Result<(), LiveError> {
        self.change(|changes| {
            changes.retracted.insert(key(source, Some(record)));
            let is_retracted = |row: &ImportedRow| {
                row.claim.source == source && row.claim.record.as_deref() == Some(record)
            };
            changes.added.retain(|(row, _)| !is_retracted(row));
            Ok(())
        })
    }

    /// Replaces the lists, for example by a newly built version of them. Additions and retractions
    /// stay or go as `changes` says.
    ///
    /// # Errors
    /// When the lists do not fit the settings. The old ones stay in use then.
    pub fn reload(&self, lists: Vec<Arc<HashList>>, changes: Pending) -> Result<(), LiveError> {
        self.change(|state| {
            state.base.lists = lists;
            if changes == Pending::Drop {
                state.added.clear();
                state.retracted.clear();
            }
            Ok(())
        })
    }

    /// Applies `edit` to a copy of the changes, builds the matcher, and keeps both or neither.
    fn change(
        &self,
        edit: impl FnOnce(&mut Changes) -> Result<(), LiveError>,
    ) -> Result<(), LiveError> {
        // Held until the swap, so that changes from two threads do not undo each other.
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Changes {
            base: changes.base.clone(),
            added: changes.added.clone(),
            retracted: changes.retracted.clone(),
        };
        edit(&mut next)?;
        let matcher = Arc::new(next.matcher()?);
        *changes = next;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = matcher;
        Ok(())
    }
}

/// What becomes of additions and retractions when lists are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// They stay: the new lists do not contain them yet.
    Keep,
    /// The new lists contain them.
    Drop,
}

impl Changes {
    fn matcher(&self) -> Result<Matcher, LiveError> {
        let mut builder = self.base.clone();
        if !self.added.is_empty() {
            let mut list = ListBuilder::new("live").map_err(LiveError::List)?;
            // So short a list has no multi-index of its own accord, and a matcher that must search one
            // would refuse it.
            if builder.index == IndexChoice::Mih {
                list.index(BuildIndex::All);
            }
            for (row, source) in &self.added {
                list.push(row, source).map_err(LiveError::List)?;
            }
            builder.list(list.finish_in_memory().map_err(LiveError::List)?);
        }
        let mut matcher = builder.build().map_err(LiveError::Settings)?;
        matcher.retracted = self.retracted.clone();
        Ok(matcher)
    }
}

fn key(source: &str, record: Option<&str>) -> ClaimKey {
    (source.to_owned(), record.unwrap_or_default().to_owned())
}

/// Why a change was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum LiveError {
    /// More than [`LIVE_LIMIT`] rows: build a list and reload.
    Full,
    /// The list of additions could not be made.
    List(ListError),
    /// The lists do not fit the settings.
    Settings(MatchError),
}

impl std::fmt::Display for LiveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => {
                write!(f, "more than {LIVE_LIMIT} live entries: build a list of them and reload it")
            }
            Self::List(_) => write!(f, "cannot make the list of live entries"),
            Self::Settings(_) => write!(f, "the lists do not fit the settings"),
        }
    }
}

impl std::error::Error for LiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Full => None,
            Self::List(source) => Some(source),
            Self::Settings(source) => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Hash256;
    use crate::hash::{Algorithm, ImageHash};
    use crate::list::Claim;
    use crate::matcher::Query;

    /// Hashes of different words are far apart: multiplication by an odd constant mixes the bits.
    fn hash(word: u64) -> ImageHash {
        let word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ImageHash::pdq(Algorithm::Pdq, Hash256::from_words([word, !word, word, 7]), Some(100))
    }

    fn row(word: u64, record: &str) -> ImportedRow {
        let claim = Claim { record: Some(record.to_owned()), ..Claim::default() };
        ImportedRow { hashes: vec![hash(word)], claim, ..ImportedRow::default() }
    }

    fn list(rows: &[ImportedRow]) -> Arc<HashList> {
        let mut builder = ListBuilder::new("base").unwrap();
        rows.iter().for_each(|row| builder.push(row, "s").unwrap());
        Arc::new(builder.finish_in_memory().unwrap())
    }

    fn count(live: &LiveMatcher, word: u64) -> usize {
        live.current().matches(&Query::of_hash(hash(word))).len()
    }

    #[test]
    fn a_retracted_claim_hides_its_entry_unless_another_claim_stands() {
        let mut base = Matcher::builder();
        base.list(list(&[row(1, "a"), row(1, "b"), row(77, "c")]));
        let live = LiveMatcher::new(base).unwrap();
        live.retract("s", "a").unwrap();
        let matches = live.current().matches(&Query::of_hash(hash(1)));
        assert_eq!(matches[0].claims.len(), 1);
        live.retract("s", "b").unwrap();
        live.retract("s", "c").unwrap();
        assert_eq!((count(&live, 1), count(&live, 77)), (0, 0));
        live.add(&[row(1, "a")], "s").unwrap();
        assert_eq!(
            count(&live, 1),
            2,
            "the claim stands again in the list and among the additions"
        );
    }

    #[test]
    fn queries_see_either_the_old_or_the_new_list_and_the_old_one_is_freed() {
        let old = list(&[row(1, "a")]);
        let kept = Arc::downgrade(&old);
        let mut base = Matcher::builder();
        base.list(old);
        let live = LiveMatcher::new(base).unwrap();
        live.add(&[row(3, "x")], "desk").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2000).for_each(|_| assert_eq!(count(&live, 1), 1)));
            }
            for turn in 0..200_u64 {
                let lists = vec![list(&[row(1, "a"), row(5 + turn, "n")])];
                live.reload(lists, Pending::Keep).unwrap();
            }
        });
        assert_eq!(count(&live, 3), 1, "the addition stays");
        assert!(kept.upgrade().is_none(), "nothing holds the first list any more");
        live.reload(vec![list(&[row(9, "q")])], Pending::Drop).unwrap();
        assert_eq!((count(&live, 1), count(&live, 3), count(&live, 9)), (0, 0, 1));
    }

    #[test]
    fn additions_are_searched_by_whatever_index_is_asked_for() {
        for choice in
            [IndexChoice::Auto, IndexChoice::Linear, IndexChoice::BkTree, IndexChoice::Mih]
        {
            let mut base = Matcher::builder();
            base.index(choice);
            let live = LiveMatcher::new(base).unwrap();
            live.add(&[row(1, "a"), row(2, "b")], "desk").unwrap();
            assert_eq!((count(&live, 1), count(&live, 3)), (1, 0), "{choice}");
        }
    }

    #[test]
    fn too_many_additions_are_refused_and_change_nothing() {
        let live = LiveMatcher::new(Matcher::builder()).unwrap();
        let rows = vec![row(1, "a"); LIVE_LIMIT + 1];
        assert!(matches!(live.add(&rows, "s"), Err(LiveError::Full)));
        assert_eq!(count(&live, 1), 0);
    }
}
