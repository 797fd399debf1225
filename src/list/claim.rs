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

/// The field of a claim on a window of the picture, not on the whole: its value says what was cut
/// off. A list with such claims names itself so among its sources, too.
pub const STORED_WINDOW: &str = "stored-window";

impl Claim {
    /// What was cut off, where the entry is a window of the picture.
    pub fn stored_window(&self) -> Option<&str> {
        let field = self.fields.iter().find(|(name, _)| name == STORED_WINDOW);
        field.map(|(_, window)| window.as_str())
    }

    /// The same claim on a window of the picture.
    #[must_use]
    pub fn on_window(&self, window: String) -> Self {
        let mut claim = self.clone();
        claim.fields.push((STORED_WINDOW.to_owned(), window));
        claim
    }
}

/// Fields as one JSON object, in their order; a name that repeats stands twice, as the source had it.
fn field_map<S: Serializer>(fields: &[(String, String)], out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(fields.len()))?;
    for (name, value) in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}
