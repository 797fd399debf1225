//! Compiling a list.
//!
//! Rows come in one by one. Claims and strings are spilled to temporary files as they come; what
//! stays in memory is 36 (PDQ), 12 or up to 36 (digests) bytes for every hash and digest seen. The
//! same rows in the same order give the same bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Seek, Write};
use std::path::Path;

use rayon::slice::ParallelSliceMut;

use super::claim::Claim;
use super::error::{ListError, ListErrorKind};
use super::format::{ABSENT, CLAIM_LEN, GROUP_BIT, LABEL_LEN, SectionKind};
use super::import::ImportedRow;
use super::manifest::{Manifest, Source};
use super::write::{SectionWriter, Spill, replace};
use super::{HashList, code};
use crate::bits::{BitHash, Hash64, Hash256};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, HashValue, ImageHash};
use crate::index::{self, bktree};
use crate::num::{index, to_u64, to_usize};

/// Sources and categories are few words repeated; a million different ones means that a wrong column
/// was taken for one of them.
const MAX_LABELS: usize = 1 << 20;

/// Below some 16,000 entries a scan of the whole column beats multi-index hashing (measured in
/// November 2026).
const MIH_FROM_ENTRIES: u32 = 16_384;

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
    columns256: Vec<(Algorithm, Vec<(Hash256, u32)>)>,
    columns64: Vec<(Algorithm, Vec<(Hash64, u32)>)>,
    digests: [Vec<(Digest, u32)>; 3],
    claims: ClaimSpill,
}

/// Whether a list gets a MIH section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MihRule {
    FromEntries(u32),
    Never,
}

/// Which indexes a list carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// When no temporary file can be made.
    pub fn new(name: &str) -> Result<Self, ListError> {
        let claims = ClaimSpill::new().map_err(spilling)?;
        let tool = concat!("onceseen ", env!("CARGO_PKG_VERSION")).to_owned();
        let manifest = Manifest { name: name.to_owned(), tool, ..Manifest::default() };
        let mut builder = Self {
            manifest,
            writes_bk_tree: true,
            writes_mih: MihRule::Never,
            columns256: Vec::new(),
            columns64: Vec::new(),
            digests: Default::default(),
            claims,
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
        let claim = self.claims.push(&row.claim, source)?;
        for hash in &row.hashes {
            self.push_hash(hash, claim);
        }
        for digest in &row.digests {
            self.push_digest(*digest, claim);
        }
        Ok(())
    }

    /// Adds every entry and claim of another list.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_list(&mut self, list: &HashList) -> Result<(), ListError> {
        let mut ids = Vec::new();
        for claim in list.all_claims() {
            ids.push(self.claims.push(&claim, &list.manifest().name)?);
        }
        let renamed = |old: u32| ids.get(index(old)).copied();
        for algorithm in list.algorithms() {
            list.for_each_hash(algorithm, |hash, claims| {
                claims.filter_map(renamed).for_each(|claim| self.push_hash(&hash, claim));
            });
        }
        for kind in DigestKind::ALL {
            list.for_each_digest(kind, |digest, claims| {
                claims.filter_map(renamed).for_each(|claim| self.push_digest(digest, claim));
            });
        }
        for source in &list.manifest().sources {
            self.manifest.sources.push(source.clone());
        }
        Ok(())
    }

    fn push_hash(&mut self, hash: &ImageHash, claim: ClaimId) {
        match hash.value() {
            HashValue::Bits256(value) => {
                column(&mut self.columns256, hash.algorithm()).push((value, claim.0));
            }
            HashValue::Bits64(value) => {
                column(&mut self.columns64, hash.algorithm()).push((value, claim.0));
            }
        }
    }

    fn push_digest(&mut self, digest: Digest, claim: ClaimId) {
        self.digests[code::of_digest_index(digest.kind())].push((digest, claim.0));
    }

    /// Writes the list to `path`, replacing what stood there only once the new list is complete and
    /// on disk.
    ///
    /// # Errors
    /// When the directory or a temporary file cannot be written; the old list stays then.
    pub fn finish(self, path: &Path) -> Result<(), ListError> {
        replace(path, |out: BufWriter<File>| self.write(out))
    }

    /// The list in memory.
    ///
    /// # Errors
    /// When a temporary file cannot be read back, or a limit of the format is reached.
    pub fn finish_in_memory(self) -> Result<HashList, ListError> {
        HashList::from_bytes(self.write(Cursor::new(Vec::new()))?.into_inner())
    }

    fn write<W: Write + Seek>(mut self, out: W) -> Result<W, ListError> {
        let fail = |source| ListError::io("write the list", source);
        let mut out = SectionWriter::new(out).map_err(fail)?;
        out.bytes(SectionKind::Manifest, 0, &self.manifest.to_bytes()?).map_err(fail)?;
        self.columns256.sort_by_key(|(algorithm, _)| *algorithm);
        self.columns64.sort_by_key(|(algorithm, _)| *algorithm);
        let indexes = (self.writes_bk_tree, self.writes_mih);
        for (algorithm, rows) in self.columns256 {
            write_hashes(&mut out, algorithm, rows, indexes)?;
        }
        for (algorithm, rows) in self.columns64 {
            write_hashes(&mut out, algorithm, rows, indexes)?;
        }
        for rows in self.digests {
            write_digests(&mut out, rows)?;
        }
        self.claims.write(&mut out)?;
        out.finish().map_err(fail)
    }
}

fn spilling(source: io::Error) -> ListError {
    ListError::io("write a temporary file (is the temporary directory full?)", source)
}

/// The rows of one algorithm, made at its first hash.
fn column<H>(
    columns: &mut Vec<(Algorithm, Vec<(H, u32)>)>,
    algorithm: Algorithm,
) -> &mut Vec<(H, u32)> {
    let place = columns.iter().position(|(of, _)| *of == algorithm).unwrap_or_else(|| {
        columns.push((algorithm, Vec::new()));
        columns.len() - 1
    });
    &mut columns[place].1
}

/// Sorts rows and joins those with the same value: each value keeps a claim reference.
fn join<T: Copy + Ord + Send>(
    mut rows: Vec<(T, u32)>,
) -> Result<(Vec<(T, u32)>, Groups), ListError> {
    rows.par_sort_unstable();
    rows.dedup();
    let mut groups = Groups::default();
    let mut kept = 0;
    let mut start = 0;
    while start < rows.len() {
        let (value, first) = rows[start];
        let same = rows[start..].iter().take_while(|(other, _)| *other == value).count();
        let claim = if same == 1 { first } else { groups.push(&rows[start..start + same])? };
        rows[kept] = (value, claim);
        kept += 1;
        start += same;
    }
    rows.truncate(kept);
    Ok((rows, groups))
}

/// Claim groups of rows with more than one claim, as words of the claims section after its rows.
#[derive(Default)]
struct Groups(Vec<u32>);

impl Groups {
    /// Stores a group and gives its reference, still relative to the first group.
    fn push<T>(&mut self, rows: &[(T, u32)]) -> Result<u32, ListError> {
        let too_many =
            || ListError::from(ListErrorKind::TooMany { what: "claims", limit: 1 << 31 });
        let position = u32::try_from(self.0.len()).map_err(|_| too_many())?;
        self.0.push(u32::try_from(rows.len()).map_err(|_| too_many())?);
        self.0.extend(rows.iter().map(|(_, claim)| claim));
        if position & GROUP_BIT == 0 { Ok(position | GROUP_BIT) } else { Err(too_many()) }
    }

    fn write<W: Write + Seek>(
        &self,
        out: &mut SectionWriter<W>,
        kind: SectionKind,
        code: u32,
        claims: impl ExactSizeIterator<Item = u32>,
    ) -> Result<(), ListError> {
        // Group references count words from the section's start, so the rows before them shift them.
        let rows = claims.len();
        if (to_u64(rows) + to_u64(self.0.len())) >= u64::from(GROUP_BIT) {
            return Err(ListErrorKind::TooMany { what: "claims", limit: 1 << 31 }.into());
        }
        let shift = u32::try_from(rows).unwrap_or(0);
        let shifted = |claim: u32| if claim & GROUP_BIT == 0 { claim } else { claim + shift };
        out.section(kind, code, |out| {
            let mut out = BufWriter::with_capacity(1 << 16, out);
            for word in claims.map(shifted).chain(self.0.iter().copied()) {
                out.write_all(&word.to_le_bytes())?;
            }
            out.flush()
        })
        .map_err(|source| ListError::io("write the list", source))
    }
}

fn write_hashes<H: BitHash, W: Write + Seek>(
    out: &mut SectionWriter<W>,
    algorithm: Algorithm,
    rows: Vec<(H, u32)>,
    (writes_bk_tree, writes_mih): (bool, MihRule),
) -> Result<(), ListError> {
    let fail = |source| ListError::io("write the list", source);
    let code = code::of_algorithm(algorithm);
    let (mut rows, groups) = join(rows)?;
    let limit = u64::from(u32::MAX);
    let too_many = || ListError::from(ListErrorKind::TooMany { what: "hashes", limit });
    let count = u32::try_from(rows.len()).map_err(|_| too_many())?;
    let tree =
        if writes_bk_tree { Some(bktree::build(&mut rows).map_err(|_| too_many())?) } else { None };
    let mut column = Vec::with_capacity(rows.len() * H::BYTES);
    rows.iter().for_each(|(hash, _)| hash.push_to(&mut column));
    out.bytes(SectionKind::HashColumn, code, &column).map_err(fail)?;
    groups.write(out, SectionKind::HashClaims, code, rows.iter().map(|(_, claim)| *claim))?;
    drop(rows);
    if let Some(tree) = tree {
        out.bytes(SectionKind::BkTree, code, &tree).map_err(fail)?;
    }
    if let MihRule::FromEntries(least) = writes_mih
        && count >= least
        && let Ok(column) = index::Column::<H>::new(&column)
    {
        let write = |out: &mut SectionWriter<W>| index::mih::write(column, out);
        out.section(SectionKind::Mih, code, write).map_err(fail)?;
    }
    Ok(())
}

fn write_digests<W: Write + Seek>(
    out: &mut SectionWriter<W>,
    rows: Vec<(Digest, u32)>,
) -> Result<(), ListError> {
    let Some(kind) = rows.first().map(|(digest, _)| digest.kind()) else {
        return Ok(());
    };
    let code = code::of_digest(kind);
    let (rows, groups) = join(rows)?;
    out.section(SectionKind::DigestColumn, code, |out| {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        rows.iter().try_for_each(|(digest, _)| out.write_all(digest.as_bytes()))?;
        out.flush()
    })
    .map_err(|source| ListError::io("write the list", source))?;
    groups.write(out, SectionKind::DigestClaims, code, rows.iter().map(|(_, claim)| *claim))
}

/// Claims and strings on their way into their sections.
struct ClaimSpill {
    rows: Spill,
    strings: Spill,
    labels: Vec<u8>,
    label_ids: HashMap<String, u32>,
    last: Option<(Claim, ClaimId)>,
}

impl ClaimSpill {
    fn new() -> io::Result<Self> {
        Ok(Self {
            rows: Spill::new()?,
            strings: Spill::new()?,
            labels: Vec::new(),
            label_ids: HashMap::new(),
            last: None,
        })
    }

    /// Stores a claim. One that repeats the claim before it, as all rows of a bare hash file do, is
    /// stored once.
    fn push(&mut self, claim: &Claim, source: &str) -> Result<ClaimId, ListError> {
        let source = if claim.source.is_empty() { source } else { &claim.source };
        if let Some((last, id)) = &self.last
            && last.source == source
            && (&last.record, &last.category, &last.fields)
                == (&claim.record, &claim.category, &claim.fields)
        {
            return Ok(*id);
        }
        let row = self.encode(claim, source)?;
        let id =
            to_usize(self.rows.len() / to_u64(CLAIM_LEN)).and_then(|id| u32::try_from(id).ok());
        let id = id.filter(|id| id & GROUP_BIT == 0);
        let id = id.ok_or(ListErrorKind::TooMany { what: "claims", limit: 1 << 31 })?;
        self.rows.push(&row).map_err(spilling)?;
        let claim = Claim { source: source.to_owned(), ..claim.clone() };
        self.last = Some((claim, ClaimId(id)));
        Ok(ClaimId(id))
    }

    fn encode(&mut self, claim: &Claim, source: &str) -> Result<[u8; CLAIM_LEN], ListError> {
        let source = self.label(source)?;
        let category = claim.category.as_deref().map_or(Ok(ABSENT), |text| self.label(text))?;
        let record = claim.record.as_deref();
        let (record_at, record_len) =
            record.map_or(Ok((0, ABSENT)), |text| self.string(text.as_bytes()))?;
        let mut fields = Vec::new();
        for text in claim.fields.iter().flat_map(|(name, value)| [name, value]) {
            fields.extend_from_slice(&length(text.len())?.to_le_bytes());
            fields.extend_from_slice(text.as_bytes());
        }
        let (fields_at, fields_len) = self.string(&fields)?;
        let mut row = [0; CLAIM_LEN];
        row[..8].copy_from_slice(&record_at.to_le_bytes());
        row[8..16].copy_from_slice(&fields_at.to_le_bytes());
        row[16..20].copy_from_slice(&record_len.to_le_bytes());
        row[20..24].copy_from_slice(&fields_len.to_le_bytes());
        row[24..28].copy_from_slice(&source.to_le_bytes());
        row[28..].copy_from_slice(&category.to_le_bytes());
        Ok(row)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(u64, u32), ListError> {
        let place = (self.strings.len(), length(bytes.len())?);
        self.strings.push(bytes).map_err(spilling)?;
        Ok(place)
    }

    fn label(&mut self, text: &str) -> Result<u32, ListError> {
        if let Some(id) = self.label_ids.get(text) {
            return Ok(*id);
        }
        let what = "different sources and categories (is a column taken for the wrong one?)";
        let id = u32::try_from(self.label_ids.len()).ok().filter(|id| index(*id) < MAX_LABELS);
        let id = id.ok_or(ListErrorKind::TooMany { what, limit: to_u64(MAX_LABELS) })?;
        let (at, len) = self.string(text.as_bytes())?;
        let mut row = [0; LABEL_LEN];
        row[..8].copy_from_slice(&at.to_le_bytes());
        row[8..12].copy_from_slice(&len.to_le_bytes());
        self.labels.extend_from_slice(&row);
        self.label_ids.insert(text.to_owned(), id);
        Ok(id)
    }

    fn write<W: Write + Seek>(self, out: &mut SectionWriter<W>) -> Result<(), ListError> {
        out.spilled(SectionKind::Claims, self.rows)
            .and_then(|()| out.spilled(SectionKind::Strings, self.strings))
            .and_then(|()| out.bytes(SectionKind::Labels, 0, &self.labels))
            .map_err(|source| ListError::io("write the list", source))
    }
}

/// The length of a string; [`ABSENT`] is taken.
fn length(len: usize) -> Result<u32, ListError> {
    let len = u32::try_from(len).ok().filter(|len| *len != ABSENT);
    len.ok_or_else(|| ListErrorKind::TooMany { what: "bytes in one claim", limit: 1 << 32 }.into())
}
