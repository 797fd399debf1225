//! Hashes and digests into their sections, within a budget.
//!
//! Owns the way of a column: sorted rows are joined to entries, entries are put into the order of
//! the column and written, and what the later sections need of them (claim references, tree nodes,
//! band values) is kept meanwhile, in memory where the budget allows and in files where not.

use std::io::{self, BufWriter, Read, Write};

use super::claims::Renumbering;
use super::join::{Entries, Groups, Joined};
use super::sort::{Sorter, rows_within};
use super::{MihRule, spilling};
use crate::bits::BitHash;
use crate::digest::DigestKind;
use crate::hash::Algorithm;
use crate::index::{bktree, mih};
use crate::list::code;
use crate::list::error::{ListError, ListErrorKind};
use crate::list::format::{GROUP_BIT, SectionKind};
use crate::list::output::Output;
use crate::list::write::SectionWriter;
use crate::num::{low_u32, to_u64, usize_or_zero};
use crate::spill::{Scratch, Spill};

/// Rows written at once, at most: eight tasks for the multi-index.
const ROWS_AT_ONCE: usize = 1 << 20;
/// And at least.
const LEAST_ROWS_AT_ONCE: usize = 1 << 12;
/// Rows whose bytes are made at once: 256 KiB of PDQ hashes stay in the cache until they are written.
const ENCODED_ROWS: usize = 1 << 13;

/// Bytes of claim references that are changed at once.
const REFERENCES_AT_ONCE: u64 = 1 << 16;

/// Where columns go and what they may cost.
pub(super) struct Columns<'a, W> {
    pub(super) out: &'a mut SectionWriter<W>,
    pub(super) scratch: &'a Scratch,
    /// Claims that repeat others.
    pub(super) ids: &'a Renumbering,
    /// Bytes that may be used.
    pub(super) memory: u64,
    pub(super) writes_bk_tree: bool,
    pub(super) writes_mih: MihRule,
}

impl<W: Output> Columns<'_, W> {
    pub(super) fn hashes<H: BitHash>(
        &mut self,
        algorithm: Algorithm,
        rows: Sorter<H>,
    ) -> Result<(), ListError> {
        let code = code::of_algorithm(algorithm);
        // Tree, planes and claims beside the entries.
        let entry_memory = to_u64(2 * Sorter::<H>::ROW_MEMORY + H::BYTES + 4);
        let fits = rows.len().saturating_mul(entry_memory) <= self.memory;
        let sorted = rows.finish(self.memory / 4, self.scratch).map_err(spilling)?;
        let (entries, groups) =
            Entries::join(sorted, fits, self.ids, self.scratch).map_err(spilling)?;
        let count = entries.count()?;
        let len = u64::from(count) * to_u64(H::BYTES);
        let has_mih = matches!(self.writes_mih, MihRule::FromEntries(least) if count >= least);
        let planes_in_file = (!fits && len > self.memory / 4).then_some(self.scratch);
        let planes = has_mih.then(|| mih::Planes::new(planes_in_file));
        let (scratch, memory, has_tree) = (self.scratch, self.memory, self.writes_bk_tree);
        let limit = rows_within::<H>(memory / 4);
        let references =
            if fits { Spill::within(usize::MAX, scratch) } else { Spill::new(scratch) };
        let mut after = After { references, planes };
        let at_once = rows_within::<H>(memory / 16).clamp(LEAST_ROWS_AT_ONCE, ROWS_AT_ONCE);
        let mut nodes = None;
        self.section(SectionKind::HashColumn, code, |out| {
            let mut emitter = Emitter { out, after: &mut after, pending: Vec::new(), at_once };
            nodes = entries.emit(&mut emitter, has_tree, limit, scratch)?;
            emitter.finish()
        })?;
        let After { references, planes } = after;
        self.claims(SectionKind::HashClaims, code, &references, &groups)?;
        drop((references, groups));
        if let Some(nodes) = nodes {
            self.section(SectionKind::BkTree, code, |out| nodes.write::<H>(count, out))?;
        }
        if let Some(planes) = planes {
            let planes_memory = if planes_in_file.is_some() { 0 } else { len };
            let memory = memory.saturating_sub(planes_memory).max(memory / 2);
            self.section(SectionKind::Mih, code, |out| planes.write(memory, out))?;
        }
        Ok(())
    }

    pub(super) fn digests<const N: usize>(
        &mut self,
        kind: DigestKind,
        rows: Sorter<[u8; N]>,
    ) -> Result<(), ListError> {
        if rows.len() == 0 {
            return Ok(());
        }
        let code = code::of_digest(kind);
        let sorted = rows.finish(self.memory / 2, self.scratch).map_err(spilling)?;
        let mut joined = Joined::new(sorted, self.ids, self.scratch).map_err(spilling)?;
        let mut references = Spill::new(self.scratch);
        self.section(SectionKind::DigestColumn, code, |out| {
            let mut out = BufWriter::with_capacity(1 << 18, out);
            while let Some((digest, reference)) = joined.next()? {
                out.write_all(&digest)?;
                references.push(&reference.to_le_bytes())?;
            }
            out.flush()
        })?;
        self.claims(SectionKind::DigestClaims, code, &references, &joined.groups)
    }

    /// The claims of each row: references, then groups.
    fn claims(
        &mut self,
        kind: SectionKind,
        code: u32,
        references: &Spill,
        groups: &Groups,
    ) -> Result<(), ListError> {
        // Group references count words from the section's start, so the rows before them shift them.
        let rows = references.len() / 4;
        if rows + groups.words.len() / 4 >= u64::from(GROUP_BIT) {
            return Err(ListErrorKind::TooMany { what: "claims", limit: 1 << 31 }.into());
        }
        self.section(kind, code, |out| {
            let (mut reader, mut left) = (references.read_all(), references.len());
            let mut piece = Vec::new();
            while left > 0 {
                piece.resize(usize_or_zero(left.min(REFERENCES_AT_ONCE)), 0);
                reader.read_exact(&mut piece)?;
                for word in piece.as_chunks_mut::<4>().0 {
                    let claim = u32::from_le_bytes(*word);
                    let shift = if claim & GROUP_BIT == 0 { 0 } else { low_u32(rows) };
                    *word = (claim + shift).to_le_bytes();
                }
                out.write_all(&piece)?;
                left -= to_u64(piece.len());
            }
            io::copy(&mut groups.words.read_all(), out).map(drop)
        })
    }

    fn section(
        &mut self,
        kind: SectionKind,
        code: u32,
        fill: impl FnOnce(&mut SectionWriter<W>) -> io::Result<()>,
    ) -> Result<(), ListError> {
        let fail = |source| ListError::io("write the list", source);
        self.out.section(kind, code, fill).map_err(fail)
    }
}

impl<H: BitHash> Entries<H> {
    /// Gives the entries to `emitter` in the order of the column; the nodes of its tree, if it has
    /// one.
    fn emit<W: Output>(
        self,
        emitter: &mut Emitter<'_, W, H>,
        has_tree: bool,
        limit: usize,
        scratch: &Scratch,
    ) -> io::Result<Option<bktree::Nodes>> {
        match self {
            Self::Memory { mut rows, spare } => {
                let nodes = match has_tree {
                    true => Some(bktree::order(&mut rows, spare, scratch)?),
                    false => None,
                };
                emitter.push(&rows)?;
                Ok(nodes)
            }
            Self::File(rows) if has_tree => {
                let mut sink = |rows: &[(H, u32)]| emitter.push(rows);
                bktree::order_spilled(rows, limit, scratch, &mut sink).map(Some)
            }
            Self::File(rows) => {
                rows.for_each_block((0, rows.len()), |rows| emitter.push(rows))?;
                Ok(None)
            }
        }
    }
}

/// What the sections after a column need of its entries.
struct After<H> {
    references: Spill,
    planes: Option<mih::Planes<H>>,
}

/// Writes a column and keeps what the sections after it need.
struct Emitter<'a, W, H> {
    out: &'a mut SectionWriter<W>,
    after: &'a mut After<H>,
    pending: Vec<(H, u32)>,
    at_once: usize,
}

impl<W: Output, H: BitHash> Emitter<'_, W, H> {
    fn push(&mut self, rows: &[(H, u32)]) -> io::Result<()> {
        if self.pending.is_empty() && rows.len() >= self.at_once {
            return rows.chunks(self.at_once).try_for_each(|rows| self.write(rows));
        }
        self.pending.extend_from_slice(rows);
        if self.pending.len() >= self.at_once { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        pending.chunks(self.at_once).try_for_each(|rows| self.write(rows))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }

    fn write(&mut self, rows: &[(H, u32)]) -> io::Result<()> {
        let After { references, planes } = &mut *self.after;
        let write = || {
            let mut bytes = Vec::with_capacity(ENCODED_ROWS * H::BYTES);
            rows.chunks(ENCODED_ROWS).try_for_each(|rows| {
                bytes.clear();
                rows.iter().for_each(|(hash, _)| hash.push_to(&mut bytes));
                self.out.write_all(&bytes)?;
                bytes.clear();
                rows.iter().for_each(|(_, claim)| bytes.extend_from_slice(&claim.to_le_bytes()));
                references.push(&bytes)
            })
        };
        let (written, cut) =
            rayon::join(write, || planes.as_mut().map_or(Ok(()), |planes| planes.push(rows)));
        written.and(cut)
    }
}
