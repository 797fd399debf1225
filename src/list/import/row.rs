//! What a value of a row means, and the row that comes of it.
//!
//! Owns the names that columns and keys may have, the reading of labelled and bare hashes, and the
//! rules on hashes that are never imported: those of the empty file, those of a failed hasher, those
//! too flat to be matched. Formats only say which value stands where.

use super::ImportedRow;
use super::error::{RefusedRow, shown};
use crate::digest::{Digest, DigestKind};
use crate::hash::{Algorithm, HashValue, ImageHash};
use crate::hex;

/// Digests of no bytes at all (RFC 1321 A.5, FIPS 180-4 examples). Lists hold them by accident; they
/// would match every empty file.
const EMPTY_FILE: [&str; 3] = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

/// Values of our own records that describe the file, not the claim: a list has no use for them.
const RECORD_DETAILS: [&str; 8] =
    ["path_bytes", "reason", "bytes", "format", "width", "height", "matches", "timings"];

/// What a value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A hash of this algorithm.
    Hash(Algorithm),
    /// A digest of this kind.
    Digest(DigestKind),
    /// A hash or digest whose kind follows from a label, a `signal_type` or its length.
    Bare,
    /// The kind of the [`Meaning::Bare`] value of the same row.
    SignalType,
    /// The source's id of the picture.
    Record,
    /// A category, in this scheme.
    Category(Option<String>),
    /// Who says it.
    Source,
    /// PDQ's quality.
    Quality,
    /// A PhotoDNA value: counted.
    PhotoDna,
    /// The outcome in a record of ours.
    Status,
    /// Left out.
    Ignore,
    /// Kept in the claim under this name.
    Field(String),
}

impl Meaning {
    /// The meaning of a name in a header, a key of an object or a label; case, blanks, `-` and `_`
    /// do not count.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|character| !matches!(character, ' ' | '-' | '_'))
            .map(|character| character.to_ascii_lowercase())
            .collect();
        let hash = plain.strip_suffix("hex").unwrap_or(&plain);
        let hash = hash.strip_suffix("hash").filter(|rest| !rest.is_empty()).unwrap_or(hash);
        // "phash" is an algorithm and not the hash "p"; "blockhash" likewise.
        kind_of_name(&plain).or_else(|| kind_of_name(hash)).or_else(|| {
            Some(match plain.as_str() {
                "hash" | "hashhex" | "hashvalue" | "signalstr" | "indicator" | "signalvalue" => {
                    Self::Bare
                }
                "signaltype" | "hashtype" | "algorithm" => Self::SignalType,
                "record" | "recordid" | "id" | "imageid" | "mediaid" => Self::Record,
                "category" | "classification" => Self::Category(None),
                "source" => Self::Source,
                "quality" | "pdqquality" => Self::Quality,
                "photodna" | "pdna" => Self::PhotoDna,
                "ignore" => Self::Ignore,
                _ => return None,
            })
        })
    }

    /// Whether a column of this meaning makes a file a hash file.
    pub(super) fn is_hash_bearing(&self) -> bool {
        matches!(self, Self::Hash(_) | Self::Digest(_) | Self::Bare | Self::PhotoDna)
    }

    /// The meanings of all names of a header or keys of an object, which may depend on each other.
    pub(super) fn of_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<Self> {
        let dialect = Dialect::of_names(names.clone());
        names.map(|name| dialect.meaning(name)).collect()
    }
}

/// A digest's, or an algorithm's, name without blanks and dashes.
fn kind_of_name(plain: &str) -> Option<Meaning> {
    let digest = DigestKind::ALL.into_iter().find(|kind| kind.name() == plain);
    let algorithm =
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().replace('-', "") == plain);
    digest.map(Meaning::Digest).or(algorithm.map(Meaning::Hash))
}

/// Whose names they are, where the same name means different things.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Records of `onceseen hash` and `onceseen scan`: `path` and `status` stand together.
    Record,
    /// `tx dataset --csv`: `signal_type` and `collab` stand together.
    ThreatExchange,
    /// INTERPOL ICSE: `Baseline` is the category.
    Icse,
    Other,
}

impl Dialect {
    fn of_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let has = |wanted: &str| names.clone().any(|name| name.trim().eq_ignore_ascii_case(wanted));
        if has("path") && has("status") {
            Self::Record
        } else if has("signal_type") && has("collab") {
            Self::ThreatExchange
        } else if has("Image ID") && has("Baseline") {
            Self::Icse
        } else {
            Self::Other
        }
    }

    fn meaning(self, name: &str) -> Meaning {
        let name = name.trim();
        // As `list export` writes fields, so that none is taken for something else.
        if let Some(field) = name.strip_prefix("field.") {
            return Meaning::Field(field.to_owned());
        }
        let lower = name.to_ascii_lowercase();
        match (self, lower.as_str()) {
            (Self::Record, "path") => Meaning::Record,
            (Self::Record, "status") => Meaning::Status,
            (Self::Record, detail) if RECORD_DETAILS.contains(&detail) => Meaning::Ignore,
            (Self::ThreatExchange, "collab") => Meaning::Source,
            (Self::ThreatExchange, "category") => {
                Meaning::Category(Some("threatexchange".to_owned()))
            }
            (Self::Icse, "baseline") => Meaning::Category(Some("interpol-baseline".to_owned())),
            // A column that is literally called "ignore" is the source's own and is kept.
            (_, "ignore") => Meaning::Field(name.to_owned()),
            _ => Meaning::of_name(name).unwrap_or_else(|| Meaning::Field(name.to_owned())),
        }
    }
}

/// A row being filled.
pub(super) struct Row {
    line: u64,
    algorithm: Algorithm,
    least_quality: u8,
    out: ImportedRow,
    refused: Vec<RefusedRow>,
    quality: Option<u8>,
    signal_type: Option<String>,
    /// Bare values wait for the `signal_type`, which may stand behind them.
    bare: Vec<(Option<String>, String)>,
    status: Option<String>,
    photodna_values: u64,
}

impl Row {
    pub(super) fn new(line: u64, algorithm: Algorithm, least_quality: u8) -> Self {
        Self {
            line,
            algorithm,
            least_quality,
            out: ImportedRow::default(),
            refused: Vec::new(),
            quality: None,
            signal_type: None,
            bare: Vec::new(),
            status: None,
            photodna_values: 0,
        }
    }

    pub(super) fn photodna_values(&self) -> u64 {
        self.photodna_values
    }

    /// Adds a value; an empty one, and `null` for a hash or a quality, says nothing. `column` is how messages name its place.
    pub(super) fn put(&mut self, column: Option<&str>, meaning: &Meaning, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        match meaning {
            Meaning::Record => self.out.claim.record = Some(value.to_owned()),
            Meaning::Category(scheme) => {
                let scheme = scheme.as_ref().map_or_else(String::new, |name| format!("{name}:"));
                self.out.claim.category = Some(scheme + value);
            }
            Meaning::Source => value.clone_into(&mut self.out.claim.source),
            Meaning::Status => self.status = Some(value.to_owned()),
            Meaning::SignalType => self.signal_type = Some(value.to_owned()),
            Meaning::PhotoDna => self.photodna_values += 1,
            Meaning::Ignore => {}
            Meaning::Field(name) => {
                self.out.claim.fields.push((name.clone(), value.to_owned()));
            }
            Meaning::Bare => self.bare.push((column.map(str::to_owned), value.to_owned())),
            Meaning::Quality => self.put_quality(column, value),
            Meaning::Hash(_) | Meaning::Digest(_) => self.put_hash(column, meaning, value),
        }
    }

    fn put_quality(&mut self, column: Option<&str>, value: &str) {
        if value.eq_ignore_ascii_case("null") {
            return;
        }
        match value.parse() {
            Ok(quality @ 0..=100) => self.quality = Some(quality),
            _ => self.refuse_value(
                column,
                format!("quality '{}' is no whole number from 0 to 100: correct it", shown(value)),
            ),
        }
    }

    /// A hash or digest of a known kind.
    fn put_hash(&mut self, column: Option<&str>, meaning: &Meaning, value: &str) {
        if value.eq_ignore_ascii_case("null") {
            return;
        }
        let result = match meaning {
            Meaning::Hash(algorithm) => {
                read_hash(*algorithm, value).map(|hash| push_new(&mut self.out.hashes, hash))
            }
            Meaning::Digest(kind) => {
                read_digest(*kind, value).map(|digest| push_new(&mut self.out.digests, digest))
            }
            _ => Ok(()),
        };
        if let Err(reason) = result {
            self.refuse_value(column, reason);
        }
    }

    pub(super) fn refuse_value(&mut self, column: Option<&str>, reason: String) {
        self.refused.push(RefusedRow::value(self.line, column.map(str::to_owned), reason));
    }

    /// The row, if anything of it can be matched, and what was refused.
    pub(super) fn finish(mut self) -> (Option<ImportedRow>, Vec<RefusedRow>) {
        if let Some(reason) = self.status_fault() {
            return (None, vec![RefusedRow::whole(self.line, reason)]);
        }
        self.resolve_bare();
        self.apply_quality();
        if self.out.hashes.is_empty() && self.out.digests.is_empty() {
            if self.refused.is_empty() {
                self.refused.push(RefusedRow::whole(self.line, self.nothing_left()));
            }
            return (None, self.refused);
        }
        self.refused.iter_mut().for_each(RefusedRow::keep_row);
        (Some(self.out), self.refused)
    }

    /// A record of a file that was not hashed has nothing to import.
    fn status_fault(&self) -> Option<String> {
        let status = self.status.as_deref()?;
        if matches!(status, "hashed" | "known" | "unknown") {
            return None;
        }
        Some(format!(
            "a record with status '{}' holds no hash to import: the picture could not be hashed",
            shown(status)
        ))
    }

    fn nothing_left(&self) -> String {
        if self.photodna_values > 0 {
            "only a PhotoDNA value, which cannot be matched here: ask the source for PDQ or digests"
        } else {
            "no hash and no digest in this row: remove the row or fill one in"
        }
        .to_owned()
    }

    fn resolve_bare(&mut self) {
        let label = self.signal_type.take();
        for (column, value) in std::mem::take(&mut self.bare) {
            let labelled =
                label.as_ref().map_or_else(|| value.clone(), |of| format!("{of}:{value}"));
            match meaning_of_bare(&labelled, self.algorithm) {
                Ok((meaning, value)) => self.put_hash(column.as_deref(), &meaning, value),
                Err(reason) => self.refuse_value(column.as_deref(), reason),
            }
        }
    }

    /// Gives PDQ hashes their quality and refuses those below the least.
    fn apply_quality(&mut self) {
        let Some(quality) = self.quality else { return };
        let count = self.out.hashes.len();
        if quality < self.least_quality {
            self.out.hashes.retain(|hash| !hash.algorithm().is_pdq());
        }
        for hash in &mut self.out.hashes {
            if let (true, HashValue::Bits256(bits)) = (hash.algorithm().is_pdq(), hash.value()) {
                *hash = ImageHash::pdq(hash.algorithm(), bits, Some(quality));
            }
        }
        if self.out.hashes.len() < count {
            let least = self.least_quality;
            self.refuse_value(
                None,
                format!(
                    "the PDQ hash has quality {quality}, below {least}, and is never matched: list \
                     this picture by digest"
                ),
            );
        }
    }
}

fn push_new<T: PartialEq>(values: &mut Vec<T>, value: T) {
    if !values.contains(&value) {
        values.push(value);
    }
}

/// The kind of a labelled (`md5:…`, `pdq …`, `hash=…`) or bare hash, and the hex text.
pub(super) fn meaning_of_bare(text: &str, bare: Algorithm) -> Result<(Meaning, &str), String> {
    let Some((label, value)) = split_label(text) else {
        return Ok((meaning_of_length(text, bare)?, text));
    };
    let known = match label {
        // The name that ThreatExchange gives to an MD5, of whatever file.
        "video_md5" | "VIDEO_MD5" | "HASH_MD5" => Some(Meaning::Digest(DigestKind::Md5)),
        "HASH_PDQ" | "ImagePDQ" => Some(Meaning::Hash(Algorithm::Pdq)),
        "HASH_SHA1" => Some(Meaning::Digest(DigestKind::Sha1)),
        "HASH_SHA256" => Some(Meaning::Digest(DigestKind::Sha256)),
        _ => Meaning::of_name(label),
    };
    match known {
        Some(Meaning::Bare) => Ok((meaning_of_length(value, bare)?, value)),
        Some(meaning @ (Meaning::Hash(_) | Meaning::Digest(_))) => Ok((meaning, value)),
        _ => Err(format!(
            "'{}' is no kind of hash that a list holds: use pdq, md5, sha1, sha256 or an algorithm \
             of the 64-bit family",
            shown(label)
        )),
    }
}

/// Splits `label:value`, `label=value` and `label value`.
fn split_label(text: &str) -> Option<(&str, &str)> {
    let (label, value) = text.split_once([':', '=', ' ', '\t'])?;
    Some((label.trim(), value.trim_start_matches([':', '=', ' ', '\t'])))
}

/// The kind of a bare hash: MD5 and SHA-1 have lengths of their own, all others are what the
/// settings say.
fn meaning_of_length(text: &str, bare: Algorithm) -> Result<Meaning, String> {
    if let Some(fault) = digit_fault(text) {
        return Err(fault);
    }
    match text.len() {
        32 | 40 if text.bytes().all(|digit| digit == b'0') => {
            Err(format!("{} zeros are no hash: ask the source for the value", text.len()))
        }
        32 => Ok(Meaning::Digest(DigestKind::Md5)),
        40 => Ok(Meaning::Digest(DigestKind::Sha1)),
        length if length == digits(bare) => Ok(Meaning::Hash(bare)),
        64 => Err(format!("64 hex digits are no {bare} hash: label them, as in pdq:… or sha256:…")),
        length => Err(format!(
            "expected {} hex digits ({bare}), 32 (md5) or 40 (sha1), found {length}: correct the \
             value or name its algorithm",
            digits(bare)
        )),
    }
}

/// Hex digits of a hash.
fn digits(algorithm: Algorithm) -> usize {
    crate::num::index(algorithm.bits() / 4)
}

/// The first character that is no hex digit.
fn digit_fault(text: &str) -> Option<String> {
    if hex::is_hex(text) {
        return None;
    }
    let (index, character) =
        text.chars().enumerate().find(|(_, character)| !character.is_ascii_hexdigit())?;
    let shown = shown(&character.to_string());
    Some(format!("character {} of the hash is '{shown}', not a hex digit: correct it", index + 1))
}

fn read_hash(algorithm: Algorithm, text: &str) -> Result<ImageHash, String> {
    check_digits(algorithm.name(), digits(algorithm), text)?;
    if algorithm.is_pdq() && text.bytes().all(|digit| digit == b'0') {
        return Err(
            "an all-zero PDQ hash comes from a failed hasher: hash the picture again".into()
        );
    }
    ImageHash::parse(algorithm, text).map_err(|error| error.to_string())
}

fn read_digest(kind: DigestKind, text: &str) -> Result<Digest, String> {
    check_digits(kind.name(), kind.byte_len() * 2, text)?;
    if EMPTY_FILE.iter().any(|empty| text.eq_ignore_ascii_case(empty)) {
        return Err(format!(
            "this is the {kind} of the empty file, which no list may hold: remove it"
        ));
    }
    if text.bytes().all(|digit| digit == b'0') {
        return Err(format!("an all-zero {kind} stands for a missing one: leave the value empty"));
    }
    let bytes = match kind {
        DigestKind::Md5 => hex::decode_array::<16>(text).map(|bytes| bytes.to_vec()),
        DigestKind::Sha1 => hex::decode_array::<20>(text).map(|bytes| bytes.to_vec()),
        DigestKind::Sha256 => hex::decode_array::<32>(text).map(|bytes| bytes.to_vec()),
    }
    .map_err(|error| error.to_string())?;
    Digest::from_bytes(kind, &bytes).ok_or_else(|| format!("wrong length for {kind}"))
}

fn check_digits(name: &str, expected: usize, text: &str) -> Result<(), String> {
    if let Some(fault) = digit_fault(text) {
        return Err(fault);
    }
    if text.len() == expected {
        return Ok(());
    }
    Err(format!(
        "expected {expected} hex digits for {name}, found {}: correct the value",
        text.len()
    ))
}
