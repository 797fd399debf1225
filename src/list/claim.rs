//! Claims: who says what about an entry.
//!
//! A claim is what one source said about one picture. An entry keeps every claim; none wins over
//! another. Categories stay in their own scheme and are never mapped.

/// What one source says of an entry. Absent values are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// Who says it: a list's or partner's name.
    pub source: String,
    /// The source's own id of the picture.
    pub record: Option<String>,
    /// `scheme:value`, as given (`ncmec:A1`, `uk:B`); a bare value when the source names no scheme.
    pub category: Option<String>,
    /// Everything else the source gave, in its order: victim or series flags, file names, tags.
    pub fields: Vec<(String, String)>,
}
