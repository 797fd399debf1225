//! Compiling a list.
//!
//! Owns the builder's settings and the order of the work. Rows come in one by one; claims and strings
//! go to temporary files as they come, hashes and digests once they take half of the memory budget.
//! At the end `claims` finds claims that repeat, `sort` merges what was sorted, and `columns` writes
//! each column with its indexes. The same rows in the same order give the same bytes, whatever the
//! budget and the number of threads.

mod claims;
mod columns;
mod join;
mod merge;
mod sort;

use std::fmt;
use std::io;
use std::path::Path;

use super::error::ListError;
use super::format::SectionKind;
use super::import::ImportedRow;
use super::manifest::{Manifest, Source};
use super::output::Output;
use super::replace::replace;
use super::write::SectionWriter;
use super::{HashList, STORED_WINDOW};
use crate::bits::{Hash64, Hash256};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, HashValue, ImageHash};
use crate::spill::{Key, Scratch};
use claims::ClaimSpill;
use columns::Columns;
use sort::Sorter;

/// Below some 16,000 entries a scan of the whole column beats multi-index hashing (measured in
/// November 2026).
const MIH_FROM_ENTRIES: u32 = 16_384;

/// 2 GiB: 18 million PDQ hashes with both indexes need no temporary file, and every machine that
/// holds such lists has it.
const DEFAULT_MEMORY: u64 = 2 << 30;

/// Bytes of the largest row in memory, that of a PDQ hash.
const LARGEST_ROW: u64 = 40;

/// Id of a claim while a list is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId(u32);

/// Compiles rows into a list.
///
/// # Examples
/// ```
/// use onceseen::list::{ImportSettings, Imported, Importer, ListBuilder, Source};
///
/// let mut builder = ListBuilder::new("partner-a")?;
/// let text = "md5:0cc175b9c0f1b6a831c399e269772661,r-991\n";
/// let mut source = Source { name: "partner-a 2026-11".into(), ..Source::default() };
/// for item in Importer::new(text.as_bytes(), ImportSettings::default())? {
///     if let Imported::Row(row) = item? {
///         builder.push(&row, &source.name)?;
///         source.rows += 1;
///     }
/// }
/// builder.source(source);
/// let list = builder.finish_in_memory()?;
/// assert_eq!(list.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ListBuilder {
    manifest: Manifest,
    writes_bk_tree: bool,
    writes_mih: MihRule,
    memory: u64,
    scratch: Scratch,
    columns256: Vec<(Algorithm, Sorter<Hash256>)>,
    columns64: Vec<(Algorithm, Sorter<Hash64>)>,
    md5: Sorter<[u8; 16]>,
    sha1: Sorter<[u8; 20]>,
    sha256: Sorter<[u8; 32]>,
    claims: ClaimSpill,
    /// Bytes pushed since the rows in memory were last counted.
    uncounted: u64,
    /// Rows that say they are windows of a picture.
    window_rows: u64,
}

/// What building a list took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Built {
    /// Bytes written to temporary files, all together; more than stood there at any time.
    pub temporary_bytes: u64,
}

/// Whether a list gets a MIH section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MihRule {
    FromEntries(u32),
    Never,
}

/// Which indexes a list carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildIndex {
    /// The BK-tree always, multi-index hashing from the size at which it pays.
    #[default]
    Auto,
    /// The BK-tree alone: the smallest list.
    BkTree,
    /// Multi-index hashing alone.
    Mih,
    /// Both.
    All,
}

impl ListBuilder {
    /// An empty list called `name`.
    ///
    /// # Errors
    /// None today: temporary files are made when they are needed.
    pub fn new(name: &str) -> Result<Self, ListError> {
        let scratch = Scratch::new(None);
        let tool = concat!("onceseen ", env!("CARGO_PKG_VERSION")).to_owned();
        let manifest = Manifest { name: name.to_owned(), tool, ..Manifest::default() };
        let mut builder = Self {
            manifest,
            writes_bk_tree: true,
            writes_mih: MihRule::Never,
            memory: DEFAULT_MEMORY,
            columns256: Vec::new(),
            columns64: Vec::new(),
            md5: Sorter::default(),
            sha1: Sorter::default(),
            sha256: Sorter::default(),
            claims: ClaimSpill::new(&scratch),
            scratch,
            uncounted: 0,
            window_rows: 0,
        };
        builder.index(BuildIndex::Auto);
        Ok(builder)
    }

    /// Marks the list as negative: known harmless.
    pub fn negative(&mut self, is_negative: bool) -> &mut Self {
        self.manifest.is_negative = is_negative;
        self
    }

    /// Which indexes to write.
    pub fn index(&mut self, choice: BuildIndex) -> &mut Self {
        self.writes_bk_tree = choice != BuildIndex::Mih;
        self.writes_mih = match choice {
            BuildIndex::Auto => MihRule::FromEntries(MIH_FROM_ENTRIES),
            BuildIndex::BkTree => MihRule::Never,
            BuildIndex::Mih | BuildIndex::All => MihRule::FromEntries(0),
        };
        self
    }

    /// Memory to build in, in bytes. Default: 2 GiB.
    ///
    /// Beyond it, sorted rows and what the indexes need go to temporary files; what is only written
    /// once, as claims and strings, goes there in any case. A budget, not a limit: buffers of some
    /// tens of MiB come on top, and so do 4 bytes a claim where claims repeat, and the sources and
    /// categories. A list of which a large part has the same 8 bits in a band of the multi-index needs
    /// 20 bytes for each such entry. The bytes of the list do not depend on the budget.
    pub fn memory(&mut self, bytes: u64) -> &mut Self {
        self.memory = bytes;
        self
    }

    /// Where temporary files are made, from now on; they hold some 120 bytes for each PDQ hash beyond
    /// the budget. Default: the system's directory for temporary files.
    pub fn temporary_directory(&mut self, directory: &Path) -> &mut Self {
        self.scratch.move_to(directory);
        self
    }

    /// Records where rows came from.
    pub fn source(&mut self, source: Source) -> &mut Self {
        self.manifest.sources.push(source);
        self
    }

    /// Adds a row; `source` is the claim's source where the row names none.
    ///
    /// # Errors
    /// When a temporary file cannot be written, or a limit of the format is reached.
    pub fn push(&mut self, row: &ImportedRow, source: &str) -> Result<(), ListError> {
        self.window_rows += u64::from(row.claim.stored_window().is_some());
        let claim = self.claims.push(&row.claim, source)?;
        row.hashes.iter().for_each(|hash| self.push_hash(hash, claim));
        row.digests.iter().for_each(|digest| self.push_digest(digest, claim));
        self.make_room()
    }

    fn push_hash(&mut self, hash: &ImageHash, claim: ClaimId) {
        match hash.value() {
            HashValue::Bits256(value) => {
                column(&mut self.columns256, hash.algorithm()).push(value, claim.0);
            }
            HashValue::Bits64(value) => {
                column(&mut self.columns64, hash.algorithm()).push(value, claim.0);
            }
        }
        self.uncounted += LARGEST_ROW;
    }

    fn push_digest(&mut self, digest: &Digest, claim: ClaimId) {
        let bytes = digest.as_bytes();
        match digest.kind() {
            DigestKind::Md5 => self.md5.push(Key::get(bytes), claim.0),
            DigestKind::Sha1 => self.sha1.push(Key::get(bytes), claim.0),
            DigestKind::Sha256 => self.sha256.push(Key::get(bytes), claim.0),
        }
        self.uncounted += LARGEST_ROW;
    }

    /// Moves rows to files once they take half of the budget; the other half is for sorting, and for
    /// what a list is made of at the end.
    fn make_room(&mut self) -> Result<(), ListError> {
        if self.uncounted < self.memory / 8 {
            return Ok(());
        }
        self.uncounted = 0;
        if self.row_memory() > self.memory / 8 * 3 { self.spill() } else { Ok(()) }
    }

    fn row_memory(&self) -> u64 {
        let wide: u64 = self.columns256.iter().map(|(_, rows)| rows.memory()).sum();
        let narrow: u64 = self.columns64.iter().map(|(_, rows)| rows.memory()).sum();
        let digests = self.md5.memory() + self.sha1.memory() + self.sha256.memory();
        wide + narrow + digests + self.claims.memory()
    }

    fn spill(&mut self) -> Result<(), ListError> {
        let scratch = &self.scratch;
        let wide = self.columns256.iter_mut().try_for_each(|(_, rows)| rows.spill(scratch));
        wide.and_then(|()| self.columns64.iter_mut().try_for_each(|(_, rows)| rows.spill(scratch)))
            .and_then(|()| self.md5.spill(scratch))
            .and_then(|()| self.sha1.spill(scratch))
            .and_then(|()| self.sha256.spill(scratch))
            .and_then(|()| self.claims.spill(scratch))
            .map_err(spilling)
    }

    /// Writes the list to `path`, replacing what stood there only once the new list is complete and
    /// on disk.
    ///
    /// Where the system allows, all but the first 16 MiB go past the page cache: the lists that are being
    /// searched stay there, and the new one comes from the disk at its first use.
    /// [`HashList::preload`] reads it before that. A file that a killed build left in the directory
    /// (`.onceseen-*.tmp`) is removed.
    ///
    /// # Errors
    /// When the directory or a temporary file cannot be written; the old list stays then.
    pub fn finish(self, path: &Path) -> Result<Built, ListError> {
        let scratch = self.scratch.clone();
        replace(path, |out| self.write(out))?;
        Ok(Built { temporary_bytes: scratch.written() })
    }

    /// The list in memory.
    ///
    /// # Errors
    /// When a temporary file cannot be read back, or a limit of the format is reached.
    pub fn finish_in_memory(self) -> Result<HashList, ListError> {
        HashList::from_bytes(self.write(Vec::new())?)
    }

    fn write<W: Output>(mut self, out: W) -> Result<W, ListError> {
        let fail = |source| ListError::io("write the list", source);
        // Rows that wait for their column would take memory from the one being written.
        if self.row_memory() > self.memory / 4 && self.columns() > 1 {
            self.spill()?;
        }
        self.name_windows();
        let mut out = SectionWriter::new(out).map_err(fail)?;
        out.bytes(SectionKind::Manifest, 0, &self.manifest.to_bytes()?).map_err(fail)?;
        self.columns256.sort_by_key(|(algorithm, _)| *algorithm);
        self.columns64.sort_by_key(|(algorithm, _)| *algorithm);
        let claims = self.claims.finish(self.memory / 4, &self.scratch)?;
        let mut columns = Columns {
            out: &mut out,
            scratch: &self.scratch,
            ids: &claims.ids,
            memory: self.memory,
            writes_bk_tree: self.writes_bk_tree,
            writes_mih: self.writes_mih,
        };
        for (algorithm, rows) in self.columns256 {
            columns.hashes(algorithm, rows)?;
        }
        for (algorithm, rows) in self.columns64 {
            columns.hashes(algorithm, rows)?;
        }
        columns.digests(DigestKind::Md5, self.md5)?;
        columns.digests(DigestKind::Sha1, self.sha1)?;
        columns.digests(DigestKind::Sha256, self.sha256)?;
        claims.write(&mut out).map_err(fail)?;
        out.finish().map_err(fail)
    }

    /// Windows are looked for only in lists that name them among their sources. One that was exported
    /// and is built again must not lose that.
    fn name_windows(&mut self) {
        if self.window_rows > 0 && !self.manifest.has_stored_windows() {
            let (name, input) = (STORED_WINDOW.to_owned(), "rows that say so".to_owned());
            let rows = self.window_rows;
            self.manifest.sources.push(Source { name, input, rows, ..Source::default() });
        }
    }

    /// Columns, and claims, that have rows in memory.
    fn columns(&self) -> usize {
        let digests = [self.md5.memory(), self.sha1.memory(), self.sha256.memory()];
        self.columns256.len()
            + self.columns64.len()
            + digests.iter().filter(|memory| **memory > 0).count()
            + usize::from(self.claims.memory() > self.memory / 16)
    }
}

fn spilling(source: io::Error) -> ListError {
    ListError::io("write a temporary file (is the disk full?)", source)
}

/// The rows of one algorithm, made at its first hash.
fn column<H: Key>(
    columns: &mut Vec<(Algorithm, Sorter<H>)>,
    algorithm: Algorithm,
) -> &mut Sorter<H> {
    let place = columns.iter().position(|(of, _)| *of == algorithm).unwrap_or_else(|| {
        columns.push((algorithm, Sorter::default()));
        columns.len() - 1
    });
    &mut columns[place].1
}

impl fmt::Debug for ListBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListBuilder({})", self.manifest.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digests;
    use crate::list::Claim;
    use crate::num::{low_u16, spread};

    /// Rows of several algorithms and digests. Hashes repeat far apart with other claims, and every
    /// seventh claim repeats one of long before.
    fn rows(count: u64) -> impl Iterator<Item = ImportedRow> {
        (0..count).map(move |i| {
            let picture = i % (count / 2 + 1);
            let wide = Hash256::from_words([0, 1, 2, 3].map(|word| spread(picture * 4 + word)));
            let narrow = Hash64::from_le_bytes(spread(picture % 5_000).to_le_bytes());
            let record = if i % 7 == 0 { i % 1_001 } else { i };
            ImportedRow {
                hashes: vec![
                    ImageHash::pdq(Algorithm::Pdq, wide, None),
                    ImageHash::bits64(Algorithm::Phash, narrow),
                ],
                digests: Digests::of(&picture.to_le_bytes()).all().to_vec(),
                claim: Claim {
                    record: (i % 3 > 0).then(|| format!("r-{record}")),
                    category: Some(format!("uk:{}", low_u16(record % 3))),
                    fields: vec![("note".to_owned(), "x".repeat(usize::from(low_u16(record % 9))))],
                    ..Claim::default()
                },
            }
        })
    }

    fn build(count: u64, memory: u64, index: BuildIndex) -> (Vec<u8>, u64) {
        let mut builder = ListBuilder::new("n").unwrap();
        builder.memory(memory).index(index);
        rows(count).for_each(|row| builder.push(&row, "s").unwrap());
        let scratch = builder.scratch.clone();
        let bytes = builder.write(Vec::new()).unwrap();
        (bytes, scratch.written())
    }

    #[test]
    fn a_budget_changes_no_byte_whatever_the_indexes_and_threads() {
        for index in [BuildIndex::All, BuildIndex::Mih, BuildIndex::BkTree] {
            let (expected, _) = build(40_000, DEFAULT_MEMORY, index);
            for (memory, threads) in [(20_000, 2), (1_000_000, 1), (10_000_000, 3)] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (bytes, temporary) = pool.install(|| build(40_000, memory, index));
                assert!(temporary > 1 << 20, "{temporary} temporary bytes");
                assert!(bytes == expected, "{index:?}, {memory} bytes, {threads} threads");
            }
        }
    }

    #[test]
    fn a_list_whose_claims_share_their_text_is_refused_before_it_fills_the_disk() {
        let bytes = build(100, DEFAULT_MEMORY, BuildIndex::BkTree).0;
        let list = HashList::from_bytes(bytes.clone()).unwrap();
        assert_eq!(list.text_len(), list.string_len());
        ListBuilder::new("n").unwrap().push_list(&list).unwrap();
        let place = |kind| {
            let mut sections = list.header.sections.iter();
            let section = sections.find(|section| section.kind == Some(kind)).unwrap();
            crate::num::to_usize(section.offset).unwrap()
        };
        let all = crate::num::low_u32(list.string_len()).to_le_bytes();
        for len_at in [place(SectionKind::Claims) + 20, place(SectionKind::Labels) + 8] {
            let mut damaged = bytes.clone();
            damaged[len_at..len_at + 4].copy_from_slice(&all);
            let damaged = HashList::from_bytes(damaged).unwrap();
            let refused = ListBuilder::new("n").unwrap().push_list(&damaged).unwrap_err();
            assert!(refused.to_string().contains("share text"), "{refused}");
        }
    }

    #[test]
    fn each_identical_claim_is_stored_once_and_every_entry_keeps_its_claims() {
        let list = HashList::from_bytes(build(10_000, DEFAULT_MEMORY, BuildIndex::All).0).unwrap();
        let mut claims: Vec<_> = list.all_claims().collect();
        let count = claims.len();
        claims.sort();
        claims.dedup();
        assert_eq!(claims.len(), count);
        for row in rows(10_000).step_by(61) {
            let entry = list.find_digest(&row.digests[0]).unwrap();
            let claim = Claim { source: "s".to_owned(), ..row.claim };
            assert!(list.digest_claims(DigestKind::Md5, entry).contains(&claim), "{claim:?}");
        }
        let mut twice = ListBuilder::new("n").unwrap();
        twice.push_list(&list).unwrap();
        twice.push_list(&list).unwrap();
        let twice = twice.write(Vec::new()).unwrap();
        let mut once = ListBuilder::new("n").unwrap();
        once.push_list(&list).unwrap();
        assert!(twice == once.write(Vec::new()).unwrap());
    }
}
