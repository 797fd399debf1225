//! The byte layout of a hash list file (`.osl`). This page is normative.
//!
//! A list is written once, replaced as a whole and memory-mapped by its readers, so everything is
//! at fixed offsets, little-endian, and nothing needs parsing before it can be searched.
//!
//! # Header: bytes 0 to 4095
//!
//! | offset | size | type | meaning | valid |
//! | --- | --- | --- | --- | --- |
//! | 0 | 8 | bytes | magic `89 4f 53 4c 0d 0a 1a 0a` (shows text-mode transfer damage) | exactly |
//! | 8 | 4 | u32 | format version that wrote the file | ≥ oldest reader |
//! | 12 | 4 | u32 | oldest format version whose readers understand it | ≤ [`VERSION`] |
//! | 16 | 8 | u64 | length of the file in bytes | exactly |
//! | 24 | 4 | u32 | number of sections | 1 to 62 |
//! | 28 | 4 | u32 | reserved | 0 |
//! | 32 | 32 | bytes | list digest: SHA-256 of the used part of the section table | |
//! | 64 | 62 × 64 | table | section table, unused entries zero | |
//! | 4032 | 32 | bytes | reserved | 0 |
//! | 4064 | 32 | bytes | SHA-256 of bytes 0 to 4063 | exactly |
//!
//! # Section table entry: 64 bytes
//!
//! | offset | size | type | meaning | valid |
//! | --- | --- | --- | --- | --- |
//! | 0 | 4 | u32 | kind, see [`SectionKind`] | unknown kinds are skipped |
//! | 4 | 4 | u32 | code: algorithm or digest kind of a column, else 0 | |
//! | 8 | 8 | u64 | offset in the file | multiple of [`PAGE`], ascending, no overlap |
//! | 16 | 8 | u64 | length in bytes | ends within the file |
//! | 24 | 8 | u64 | reserved | 0 |
//! | 32 | 32 | bytes | SHA-256 of the section's bytes | checked by `verify` |
//!
//! Bytes between sections are zero. The file ends with the last section.
//!
//! # Sections
//!
//! | kind | name | contents |
//! | --- | --- | --- |
//! | 1 | manifest | [`super::Manifest`], serde structure in bincode's wire format, ≤ 16 MiB |
//! | 2 | hash column | distinct hashes of one algorithm, 32 or 8 bytes a row, in the BK-tree's order if there is one, else ascending |
//! | 3 | hash claims | claims of each row of the hash column (below) |
//! | 4 | digest column | distinct digests of one kind, ascending, 16, 20 or 32 bytes a row |
//! | 5 | digest claims | claims of each row of the digest column |
//! | 6 | claims | one 32-byte row a claim (below) |
//! | 7 | strings | UTF-8, referred to by offset and length |
//! | 8 | labels | one 16-byte row a label: u64 offset into strings, u32 length, u32 zero |
//! | 9 | bk-tree | written and read by [`crate::index::bktree`] |
//! | 10 | mih | written and read by [`crate::index::mih`] |
//!
//! **Claims of a row** (kinds 3 and 5): a u32 a row. With bit 31 clear it is a claim id. With bit 31
//! set, the other bits are the position (in u32 from the section's start) of a group: its length, then
//! that many claim ids, ascending.
//!
//! **Claim row** (kind 6): u64 record offset, u64 fields offset (both into strings), u32 record
//! length ([`ABSENT`]: no record id), u32 fields length, u32 source label, u32 category label
//! ([`ABSENT`]: no category). Fields are pairs of strings, each a u32 length and its bytes.
//!
//! # Version policy
//!
//! A change that old readers may ignore raises the version alone; one that they must not ignore
//! raises the oldest reader too. Version 1 stays readable.
//!
//! # What a reader must refuse
//!
//! At opening: wrong magic, a newer oldest reader, a length other than the file's, a header whose
//! checksum differs, a table out of order or out of bounds, duplicate sections, a column that is no
//! multiple of its row. Everything inside sections is checked at use; damage there gives wrong
//! answers at worst, never a panic, and `verify` finds it.

use sha2::{Digest as _, Sha256};

use super::error::{ListError, ListErrorKind};
use crate::num::{read_u32, read_u64, to_u64, to_usize};

/// Current format version.
pub(crate) const VERSION: u32 = 1;
/// Oldest reader that understands what this version writes.
pub(crate) const OLDEST_READER: u32 = 1;
/// Alignment of sections: the page size of every platform we map on; larger pages still map the
/// file whole.
pub(crate) const PAGE: u64 = 4096;
/// Length of the header in bytes.
pub(crate) const HEADER_LEN: usize = 4096;
/// "No value" in a claim row.
pub(crate) const ABSENT: u32 = u32::MAX;
/// Bytes of a claim row.
pub(crate) const CLAIM_LEN: usize = 32;
/// Bytes of a label row.
pub(crate) const LABEL_LEN: usize = 16;
/// Marks a group reference in a claims section.
pub(crate) const GROUP_BIT: u32 = 1 << 31;
/// Largest manifest that is read: it is the only section that is decoded into the heap.
pub(crate) const MAX_MANIFEST_LEN: usize = 16 << 20;

/// High bit, name, and both line ends: a transfer that changes any of them is seen at once.
const MAGIC: [u8; 8] = *b"\x89OSL\r\n\x1a\n";
const TABLE_AT: usize = 64;
const TABLE_ENTRY_LEN: usize = 64;
const MAX_SECTIONS: usize = 62;
const HEADER_CHECKSUM_AT: usize = HEADER_LEN - 32;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Manifest,
    HashColumn,
    HashClaims,
    DigestColumn,
    DigestClaims,
    Claims,
    Strings,
    Labels,
    BkTree,
    Mih,
}

impl SectionKind {
    const ALL: [Self; 10] = [
        Self::Manifest,
        Self::HashColumn,
        Self::HashClaims,
        Self::DigestColumn,
        Self::DigestClaims,
        Self::Claims,
        Self::Strings,
        Self::Labels,
        Self::BkTree,
        Self::Mih,
    ];

    const fn code(self) -> u32 {
        match self {
            Self::Manifest => 1,
            Self::HashColumn => 2,
            Self::HashClaims => 3,
            Self::DigestColumn => 4,
            Self::DigestClaims => 5,
            Self::Claims => 6,
            Self::Strings => 7,
            Self::Labels => 8,
            Self::BkTree => 9,
            Self::Mih => 10,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::HashColumn => "hash column",
            Self::HashClaims => "hash claims",
            Self::DigestColumn => "digest column",
            Self::DigestClaims => "digest claims",
            Self::Claims => "claims",
            Self::Strings => "strings",
            Self::Labels => "labels",
            Self::BkTree => "bk-tree",
            Self::Mih => "mih",
        }
    }
}

/// One row of the section table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// `None` for a kind that this version does not know.
    pub(crate) kind: Option<SectionKind>,
    pub(crate) code: u32,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) checksum: [u8; 32],
}

impl Section {
    pub(crate) fn name(&self) -> &'static str {
        self.kind.map_or("unknown section", SectionKind::name)
    }

    /// The section's bytes in `file`; empty should the bounds not fit (checked when opened).
    pub(crate) fn bytes<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        let range = to_usize(self.offset).zip(self.offset.checked_add(self.len).and_then(to_usize));
        range.and_then(|(start, end)| file.get(start..end)).unwrap_or(&[])
    }

    fn encode(&self) -> [u8; TABLE_ENTRY_LEN] {
        let mut entry = [0; TABLE_ENTRY_LEN];
        entry[..4].copy_from_slice(&self.kind.map_or(0, SectionKind::code).to_le_bytes());
        entry[4..8].copy_from_slice(&self.code.to_le_bytes());
        entry[8..16].copy_from_slice(&self.offset.to_le_bytes());
        entry[16..24].copy_from_slice(&self.len.to_le_bytes());
        entry[32..].copy_from_slice(&self.checksum);
        entry
    }

    fn decode(entry: &[u8; TABLE_ENTRY_LEN]) -> Self {
        let kind_code = read_u32(entry, 0).unwrap_or(0);
        let mut checksum = [0; 32];
        checksum.copy_from_slice(&entry[32..]);
        Self {
            kind: SectionKind::ALL.into_iter().find(|kind| kind.code() == kind_code),
            code: read_u32(entry, 4).unwrap_or(0),
            offset: read_u64(entry, 8).unwrap_or(0),
            len: read_u64(entry, 16).unwrap_or(0),
            checksum,
        }
    }
}

/// What the header says.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) digest: [u8; 32],
    pub(crate) sections: Vec<Section>,
}

/// The header of a file with these sections, which end at `file_len`.
pub(crate) fn encode_header(sections: &[Section], file_len: u64) -> Vec<u8> {
    let mut header = vec![0; HEADER_LEN];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&OLDEST_READER.to_le_bytes());
    header[16..24].copy_from_slice(&file_len.to_le_bytes());
    let count = u32::try_from(sections.len()).unwrap_or(u32::MAX);
    header[24..28].copy_from_slice(&count.to_le_bytes());
    for (entry, section) in header[TABLE_AT..].chunks_exact_mut(TABLE_ENTRY_LEN).zip(sections) {
        entry.copy_from_slice(&section.encode());
    }
    let table = &header[TABLE_AT..TABLE_AT + sections.len().min(MAX_SECTIONS) * TABLE_ENTRY_LEN];
    let digest = Sha256::digest(table);
    header[32..64].copy_from_slice(&digest);
    let checksum = Sha256::digest(&header[..HEADER_CHECKSUM_AT]);
    header[HEADER_CHECKSUM_AT..].copy_from_slice(&checksum);
    header
}

/// Reads and validates the header of `file`: magic, versions, length, checksum, then the table, so
/// that the first thing wrong is the thing named.
pub(crate) fn decode_header(file: &[u8]) -> Result<Header, ListError> {
    if file.is_empty() {
        return Err(ListErrorKind::Empty.into());
    }
    if file.get(..8) != Some(&MAGIC) {
        return Err(ListErrorKind::NotAList.into());
    }
    let Some(header) = file.get(..HEADER_LEN) else {
        return Err(ListErrorKind::Length {
            expected: to_u64(HEADER_LEN),
            found: to_u64(file.len()),
        }
        .into());
    };
    let word = |at| read_u32(header, at).unwrap_or(0);
    let oldest_reader = word(12);
    if oldest_reader > VERSION {
        return Err(ListErrorKind::NewerVersion { found: oldest_reader }.into());
    }
    let expected = read_u64(header, 16).unwrap_or(0);
    let checksum = Sha256::digest(&header[..HEADER_CHECKSUM_AT]);
    if checksum.as_slice() != &header[HEADER_CHECKSUM_AT..] {
        return Err(ListErrorKind::Damaged { section: "header", what: "checksum differs" }.into());
    }
    if expected != to_u64(file.len()) {
        return Err(ListErrorKind::Length { expected, found: to_u64(file.len()) }.into());
    }
    let sections = decode_table(header, word(24), expected)?;
    let mut digest = [0; 32];
    digest.copy_from_slice(&header[32..64]);
    Ok(Header { version: word(8), digest, sections })
}

fn decode_table(header: &[u8], count: u32, file_len: u64) -> Result<Vec<Section>, ListError> {
    let count = to_usize(u64::from(count)).filter(|count| (1..=MAX_SECTIONS).contains(count));
    let Some(count) = count else {
        return Err(damaged("number of sections out of range"));
    };
    let entries = header[TABLE_AT..].as_chunks::<TABLE_ENTRY_LEN>().0;
    let sections: Vec<Section> = entries.iter().take(count).map(Section::decode).collect();
    let mut end = PAGE;
    for (index, section) in sections.iter().enumerate() {
        if !section.offset.is_multiple_of(PAGE) || section.offset < end {
            return Err(damaged("section out of order or not aligned"));
        }
        end = section
            .offset
            .checked_add(section.len)
            .filter(|end| *end <= file_len)
            .ok_or_else(|| damaged("section reaches beyond the file"))?;
        let same = |other: &Section| other.kind == section.kind && other.code == section.code;
        if section.kind.is_some() && sections[..index].iter().any(same) {
            return Err(damaged("section appears twice"));
        }
    }
    if end != file_len {
        return Err(damaged("file does not end with its last section"));
    }
    Ok(sections)
}

fn damaged(what: &'static str) -> ListError {
    ListErrorKind::Damaged { section: "section table", what }.into()
}

/// Where a section may start after `end`.
pub(crate) const fn align(end: u64) -> u64 {
    end.next_multiple_of(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(offset: u64, len: u64) -> Section {
        let kind = Some(SectionKind::Strings);
        Section { kind, code: 0, offset, len, checksum: [7; 32] }
    }

    fn file(sections: &[Section], len: usize) -> Vec<u8> {
        let mut bytes = encode_header(sections, to_u64(len));
        bytes.resize(len, 0);
        bytes
    }

    #[test]
    fn header_round_trips() {
        let bytes = file(&[section(4096, 10)], 4106);
        let header = decode_header(&bytes).unwrap();
        assert_eq!(header.sections[0].bytes(&bytes).len(), 10);
        assert_eq!(header.sections[0].name(), "strings");
    }

    #[test]
    fn every_wrong_table_is_named() {
        for (sections, message) in [
            (vec![section(4097, 9)], "section out of order or not aligned"),
            (vec![section(0, 9)], "section out of order or not aligned"),
            (vec![section(4096, 11)], "section reaches beyond the file"),
            (vec![section(4096, u64::MAX)], "section reaches beyond the file"),
            (vec![section(4096, 9)], "file does not end with its last section"),
            (vec![], "number of sections out of range"),
        ] {
            let error = decode_header(&file(&sections, 4106)).unwrap_err().to_string();
            assert!(error.contains(message), "{error} should say {message}");
        }
    }

    #[test]
    fn any_changed_header_byte_is_refused() {
        let bytes = file(&[section(4096, 10)], 4106);
        for at in 0..HEADER_LEN {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(decode_header(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn any_shorter_file_is_refused() {
        let bytes = file(&[section(4096, 10)], 4106);
        for len in 0..bytes.len() {
            assert!(decode_header(&bytes[..len]).is_err(), "length {len}");
        }
    }
}
