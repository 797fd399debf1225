//! The hash list: one immutable file, opened without reading it through.
//!
//! [`HashList`] opens, looks up and iterates; [`ListBuilder`] compiles; [`mod@format`] is the normative
//! byte layout; [`import`] reads other people's formats; `ops` compares lists. Matching policy (radius, levels) is the
//! matcher's business.

mod builder;
mod claim;
mod claim_table;
mod code;
mod error;
pub(crate) mod format;
mod import;
mod manifest;
mod map;
mod ops;
mod output;
mod replace;
mod verify;
mod write;

use std::fmt;
use std::path::Path;

pub use builder::{BuildIndex, Built, ClaimId, ListBuilder};
pub use claim::{Claim, STORED_WINDOW};
pub use error::ListError;
pub use import::{
    Columns, ImportError, ImportFormat, ImportSettings, ImportSettingsBuilder, ImportSummary,
    Imported, ImportedRow, Importer, RefusedRow,
};
pub use manifest::{Manifest, Source};
pub use ops::{Change, EntryValue};
pub use verify::Problem;

use crate::bits::{BitHash, Hash64, Hash256};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, ImageHash};
use crate::hex;
use crate::index::planner::{Explanation, Planner};
use crate::index::{Column, EntryId, IndexChoice, bktree, mih};
use crate::num::index;
use claim_table::ClaimIds;
use error::ListErrorKind;
use format::{CLAIM_LEN, Header, LABEL_LEN, Section, SectionKind};
use map::ListBytes;

/// A compiled hash list.
///
/// `Send + Sync`: share it between threads behind an `Arc`. Any bytes whatever are either refused
/// when opened or served without a panic.
///
/// # Examples
/// ```
/// use onceseen::list::{HashList, ListBuilder};
///
/// let list = ListBuilder::new("nothing known yet")?.finish_in_memory()?;
/// assert_eq!((list.len(), list.manifest().name.as_str()), (0, "nothing known yet"));
/// // No checksum is wrong.
/// assert!(list.verify().is_empty());
///
/// let error = HashList::from_bytes(b"no list".to_vec()).err();
/// assert!(error.is_some());
/// # Ok::<(), onceseen::list::ListError>(())
/// ```
pub struct HashList {
    bytes: ListBytes,
    header: Header,
    manifest: Manifest,
}

impl HashList {
    /// Opens a list from its bytes.
    ///
    /// Takes time independent of the number of entries: header, section table and manifest are
    /// checked, nothing else is read. [`HashList::verify`] reads everything.
    ///
    /// # Errors
    /// When the bytes are no list, were cut, have a damaged header, table or manifest, or a newer
    /// format. Never panics for any input.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ListError> {
        Self::open(ListBytes::Owned(bytes))
    }

    /// Copies a list file into memory and opens it.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ListError> {
        let bytes = ListBytes::read(path).map_err(|source| unreadable(path, source))?;
        Self::open(bytes).map_err(|error| error.at(path))
    }

    /// Memory-maps a list file and opens it: its pages are shared between processes and read when
    /// used.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and when the file cannot be mapped.
    ///
    /// # Safety
    /// While the list is open, nobody may change or shorten the file. Replacing it by rename, as
    /// [`ListBuilder::finish`] does, is fine: the mapping keeps the old file.
    #[allow(unsafe_code, reason = "hands the contract of the mapping to the caller")]
    pub unsafe fn map(path: &Path) -> Result<Self, ListError> {
        // SAFETY: the contract of `ListBytes::map` is this function's own.
        let bytes = unsafe { ListBytes::map(path) }.map_err(|source| unreadable(path, source))?;
        Self::open(bytes).map_err(|error| error.at(path))
    }

    fn open(bytes: ListBytes) -> Result<Self, ListError> {
        let file = bytes.as_slice();
        let header = format::decode_header(file)?;
        let find = |kind| header.sections.iter().find(|section| section.kind == Some(kind));
        let damaged = |section, what| ListError::from(ListErrorKind::Damaged { section, what });
        let manifest =
            find(SectionKind::Manifest).ok_or_else(|| damaged("manifest", "section missing"))?;
        verify::check_section(manifest, file).map_err(|what| damaged("manifest", what))?;
        let manifest = Manifest::from_bytes(manifest.bytes(file))?;
        for section in &header.sections {
            let row_len = row_len(section);
            if row_len != 0 && section.bytes(file).len() % row_len != 0 {
                return Err(damaged(section.name(), "length is no multiple of its rows"));
            }
        }
        Ok(Self { bytes, header, manifest })
    }

    /// Whether somebody wrote to the file of a mapped list since it was opened, by its length and its time of
    /// modification: what was found since may be wrong. Replacing the file by rename does not count.
    pub fn has_changed(&self) -> bool {
        self.bytes.has_changed()
    }

    /// Asks the system to read the whole list into memory now. Best effort.
    pub fn preload(&self) {
        self.bytes.preload();
    }

    /// What the list says about itself.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The format version that wrote the list.
    pub const fn format_version(&self) -> u32 {
        self.header.version
    }

    /// The digest that names the list in reports: lower-case hex of a SHA-256 over the checksums of
    /// all sections.
    pub fn digest(&self) -> String {
        hex::encode(&self.header.digest)
    }

    /// Length of the list file in bytes.
    pub fn byte_len(&self) -> usize {
        self.bytes.as_slice().len()
    }

    /// Number of entries: distinct hashes and digests of all columns.
    pub fn len(&self) -> u64 {
        let hashes = self.algorithms().map(|algorithm| self.hash_count(algorithm));
        let digests = DigestKind::ALL.into_iter().map(|kind| self.digest_count(kind));
        hashes.chain(digests).map(u64::from).sum()
    }

    /// Whether the list has no entry, so that nothing can match it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The algorithms of which the list holds hashes.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.hash_count(*algorithm) > 0)
    }

    /// Number of distinct hashes of `algorithm`.
    pub fn hash_count(&self, algorithm: Algorithm) -> u32 {
        let bytes = self.section(SectionKind::HashColumn, code::of_algorithm(algorithm));
        u32::try_from(bytes.len() / hash_len(algorithm)).unwrap_or(u32::MAX)
    }

    /// Number of distinct digests of `kind`.
    pub fn digest_count(&self, kind: DigestKind) -> u32 {
        let bytes = self.section(SectionKind::DigestColumn, code::of_digest(kind));
        u32::try_from(bytes.len() / kind.byte_len()).unwrap_or(u32::MAX)
    }

    /// Number of claims.
    pub fn claim_count(&self) -> usize {
        self.section(SectionKind::Claims, 0).len() / CLAIM_LEN
    }

    /// Bytes of the BK-tree and of the MIH section of `algorithm`; 0 where there is none.
    pub fn index_byte_lens(&self, algorithm: Algorithm) -> (usize, usize) {
        let len = |kind| self.section(kind, code::of_algorithm(algorithm)).len();
        (len(SectionKind::BkTree), len(SectionKind::Mih))
    }

    /// The entry that holds `digest`. Binary search.
    pub fn find_digest(&self, digest: &Digest) -> Option<EntryId> {
        let rows = self.section(SectionKind::DigestColumn, code::of_digest(digest.kind()));
        let wanted = digest.as_bytes();
        let (mut low, mut high) = (0, self.digest_count(digest.kind()));
        while low < high {
            let middle = low + (high - low) / 2;
            let at = index(middle) * wanted.len();
            match rows.get(at..at + wanted.len())?.cmp(wanted) {
                std::cmp::Ordering::Equal => return Some(EntryId(middle)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The digest of an entry; `None` beyond the end.
    fn digest_of(&self, kind: DigestKind, entry: EntryId) -> Option<Digest> {
        let rows = self.section(SectionKind::DigestColumn, code::of_digest(kind));
        let at = index(entry.0).checked_mul(kind.byte_len())?;
        Digest::from_bytes(kind, rows.get(at..at.checked_add(kind.byte_len())?)?)
    }

    /// The column of a 256-bit or 64-bit algorithm; `None` when the list has none of that width.
    fn column<H: BitHash>(&self, algorithm: Algorithm) -> Option<Column<'_, H>> {
        let bytes = self.section(SectionKind::HashColumn, code::of_algorithm(algorithm));
        if hash_len(algorithm) != H::BYTES || bytes.is_empty() {
            return None;
        }
        Column::new(bytes).ok()
    }

    /// The searches over `algorithm`'s column; `None` when the list has none of that width.
    ///
    /// An index section that is damaged beyond opening costs speed, never a match: it counts as
    /// absent and the scan answers.
    pub(crate) fn planner<H: BitHash>(
        &self,
        algorithm: Algorithm,
        choice: IndexChoice,
    ) -> Option<Planner<'_, H>> {
        let column = self.column(algorithm)?;
        let section = |kind| self.section(kind, code::of_algorithm(algorithm));
        let tree = bktree::BkTree::from_bytes(column, section(SectionKind::BkTree)).ok();
        let mih = mih::Mih::from_bytes(column, section(SectionKind::Mih)).ok();
        Some(Planner::new(column, tree, mih, choice))
    }

    /// Which index would answer a query of this radius, why, and at what expected cost; `None` when
    /// the list has no hash of `algorithm`.
    pub fn explain(
        &self,
        algorithm: Algorithm,
        radius: u32,
        choice: IndexChoice,
    ) -> Option<Explanation> {
        if algorithm.is_pdq() {
            let planner = self.planner::<Hash256>(algorithm, choice)?;
            Some(planner.explain(radius, 1))
        } else {
            let planner = self.planner::<Hash64>(algorithm, choice)?;
            Some(planner.explain(radius, 1))
        }
    }

    /// Every hash of `algorithm` with its claim ids, in entry order.
    pub(crate) fn for_each_hash(
        &self,
        algorithm: Algorithm,
        mut visit: impl FnMut(ImageHash, ClaimIds<'_>) -> Result<(), ListError>,
    ) -> Result<(), ListError> {
        let code = code::of_algorithm(algorithm);
        let rows = self.section(SectionKind::HashColumn, code).chunks_exact(hash_len(algorithm));
        for (entry, row) in (0..).zip(rows) {
            let hash = if algorithm.is_pdq() {
                ImageHash::pdq(algorithm, Hash256::from_column(row), None)
            } else {
                ImageHash::bits64(algorithm, Hash64::from_column(row))
            };
            visit(hash, self.claim_ids(SectionKind::HashClaims, code, EntryId(entry)))?;
        }
        Ok(())
    }

    /// Every digest of `kind` with its claim ids, ascending.
    pub(crate) fn for_each_digest(
        &self,
        kind: DigestKind,
        mut visit: impl FnMut(Digest, ClaimIds<'_>) -> Result<(), ListError>,
    ) -> Result<(), ListError> {
        let code = code::of_digest(kind);
        let rows = self.section(SectionKind::DigestColumn, code).chunks_exact(kind.byte_len());
        for (entry, row) in (0..).zip(rows) {
            if let Some(digest) = Digest::from_bytes(kind, row) {
                visit(digest, self.claim_ids(SectionKind::DigestClaims, code, EntryId(entry)))?;
            }
        }
        Ok(())
    }

    /// Most references to claims that the entries of a column can have.
    pub(crate) fn reference_count(&self, kind: SectionKind, code: u32) -> usize {
        self.section(kind, code).len() / 4
    }

    fn section(&self, kind: SectionKind, code: u32) -> &[u8] {
        let is_wanted = |section: &&Section| section.kind == Some(kind) && section.code == code;
        let section = self.header.sections.iter().find(is_wanted);
        section.map_or(&[], |section| section.bytes(self.bytes.as_slice()))
    }
}

impl fmt::Debug for HashList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashList({}, {} entries)", self.manifest.name, self.len())
    }
}

const fn hash_len(algorithm: Algorithm) -> usize {
    if algorithm.is_pdq() { Hash256::BYTES } else { Hash64::BYTES }
}

/// Bytes of a row of a section that is made of rows; 0 for others and for columns of algorithms
/// that this version does not know.
fn row_len(section: &Section) -> usize {
    let algorithm = || Algorithm::ALL.into_iter().find(|a| code::of_algorithm(*a) == section.code);
    let digest = || DigestKind::ALL.into_iter().find(|kind| code::of_digest(*kind) == section.code);
    match section.kind {
        Some(SectionKind::HashColumn) => algorithm().map_or(0, hash_len),
        Some(SectionKind::DigestColumn) => digest().map_or(0, DigestKind::byte_len),
        Some(SectionKind::HashClaims | SectionKind::DigestClaims) => 4,
        Some(SectionKind::Claims) => CLAIM_LEN,
        Some(SectionKind::Labels) => LABEL_LEN,
        _ => 0,
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> ListError {
    ListError::io("read the list", source).at(path)
}
