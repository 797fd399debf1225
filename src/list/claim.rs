//! Claims: who says what about an entry.
//!
//! A claim is what one source said about one picture. An entry keeps every claim; none wins over
//! another. Categories stay in their own scheme and are never mapped.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// What one source says of an entry. Absent values are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Claim {
    /// Who says it: a list's or partner's name.
    pub source: String,
    /// The source's own id of the picture.
    pub record: Option<String>,
    /// `scheme:value`, as given (`ncmec:A1`, `uk:B`); a bare value when the source names no scheme.
    pub category: Option<String>,
    /// Everything else the source gave, in its order: victim or series flags, file names, tags.
    #[serde(serialize_with = "field_map")]
    pub fields: Vec<(String, String)>,
}

/// Fields as one JSON object, in their order; a name that repeats stands twice, as the source had it.
fn field_map<S: Serializer>(fields: &[(String, String)], out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(fields.len()))?;
    for (name, value) in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}
