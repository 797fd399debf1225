//! JSON Lines: records of `onceseen hash` and `onceseen scan`, and objects keyed like CSV headers.
//!
//! A record's `digests` and `hashes` are objects from kind to hex text; other nested values are kept
//! as their JSON text. `null` says nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::RowSink;
use super::lines::Line;
use super::row::{Meaning, Row};

/// An object's members in their order, which `serde_json`'s own map would sort.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Reads objects; remembers what the keys of the last one mean, since the next has mostly the same.
#[derive(Default)]
pub(super) struct JsonParser {
    keys: Vec<String>,
    meanings: Vec<Meaning>,
}

impl JsonParser {
    pub(super) fn parse(&mut self, line: &Line, sink: &mut RowSink) {
        if line.bytes.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let text = sink.decode(&line.bytes);
        match serde_json::from_str::<Members>(&text) {
            Ok(members) => {
                let mut row = sink.row(line.number);
                self.put_members(&members.0, &mut row);
                sink.finish(row);
            }
            Err(error) => sink.refuse(line.number, fault(&error)),
        }
    }

    fn put_members(&mut self, members: &[(String, Value)], row: &mut Row) {
        if !members.iter().map(|(key, _)| key).eq(&self.keys) {
            self.keys = members.iter().map(|(key, _)| key.clone()).collect();
            self.meanings = Meaning::of_names(self.keys.iter().map(String::as_str));
        }
        for ((key, value), meaning) in members.iter().zip(&self.meanings) {
            match value {
                Value::Object(kinds) if matches!(key.as_str(), "digests" | "hashes") => {
                    for (kind, hex) in kinds {
                        put_kind(key, kind, hex, row);
                    }
                }
                _ => put_value(key, meaning, value, row),
            }
        }
    }
}

/// `serde_json`'s own message may quote the value, and so a hash.
fn fault(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => "expected one JSON object a line: put each object on a line".to_owned(),
        Category::Eof => {
            "the JSON object does not end on this line: put each object on one line".to_owned()
        }
        Category::Syntax | Category::Io => {
            format!("the JSON is broken at character {}: correct it", error.column())
        }
    }
}

/// One member of `digests` or `hashes`.
fn put_kind(key: &str, kind: &str, hex: &Value, row: &mut Row) {
    let place = format!("{key}.{kind}");
    match Meaning::of_name(kind) {
        Some(meaning) if meaning.is_hash_bearing() => put_value(&place, &meaning, hex, row),
        _ => row.refuse_value(
            Some(&place),
            "no kind of hash that a list holds: remove it or rename it".to_owned(),
        ),
    }
}

fn put_value(place: &str, meaning: &Meaning, value: &Value, row: &mut Row) {
    match value {
        Value::Null => {}
        // A flag that is not raised is a record's default, not a statement of the source.
        Value::Bool(false) if place == "partial" => {}
        Value::String(text) => row.put(Some(place), meaning, text),
        Value::Array(_) | Value::Object(_) if meaning.is_hash_bearing() => {
            row.refuse_value(Some(place), "expected hex text: give one value a row".to_owned());
        }
        other => row.put(Some(place), meaning, &other.to_string()),
    }
}
