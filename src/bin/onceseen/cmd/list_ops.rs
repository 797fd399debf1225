//! `onceseen list diff` and `list export`: what lists hold, in words.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use onceseen::list::{Change, Claim, EntryValue};
use onceseen::report::escape;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use crate::exit::Exit;
use crate::flags::ExportFormat;
use crate::listing;

/// Entries and claims of one column that differ.
#[derive(Clone, Copy, Default)]
struct Counts {
    added: u64,
    removed: u64,
    changed: u64,
    claims_added: usize,
    claims_removed: usize,
}

impl Counts {
    fn count(&mut self, change: &Change) {
        match change.held {
            (false, _) => self.added += 1,
            (true, false) => self.removed += 1,
            (true, true) => self.changed += 1,
        }
        self.claims_added += change.added.len();
        self.claims_removed += change.removed.len();
    }
}

pub fn diff(old: &Path, new: &Path, prints_entries: bool) -> Result<Exit> {
    let (old, new) = (listing::open_whole_list(old)?, listing::open_whole_list(new)?);
    let mut out = super::output();
    let mut counts = BTreeMap::<&str, Counts>::new();
    old.differences(&new, |change| {
        counts.entry(change.value.algorithm()).or_default().count(&change);
        if !prints_entries {
            return Ok(());
        }
        serde_json::to_writer(
            &mut out,
            &json!({
                "algorithm": change.value.algorithm(),
                "value": change.value.to_string(),
                "old": change.held.0,
                "new": change.held.1,
                "claims_removed": change.removed,
                "claims_added": change.added,
            }),
        )?;
        out.write_all(b"\n").map_err(anyhow::Error::from)
    })?;
    if !prints_entries {
        for (algorithm, counts) in &counts {
            let Counts { added, removed, changed, claims_added, claims_removed } = counts;
            writeln!(
                out,
                "{algorithm:<9} entries: {added} added, {removed} removed, {changed} with other claims; \
                 claims: {claims_added} added, {claims_removed} removed"
            )?;
        }
        if counts.is_empty() {
            writeln!(out, "same entries and claims")?;
        }
    }
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

pub fn export(path: &Path, format: ExportFormat) -> Result<Exit> {
    let list = listing::open_whole_list(path)?;
    let mut out = super::output();
    match format {
        ExportFormat::Jsonl => list.for_each_entry(|value, claims| {
            for claim in or_silent(&claims) {
                serde_json::to_writer(&mut out, &Line { value, claim })?;
                out.write_all(b"\n")?;
            }
            Ok::<(), anyhow::Error>(())
        })?,
        ExportFormat::Csv => export_csv(&list, &mut out)?,
        ExportFormat::Text => list.for_each_entry(|value, _| {
            writeln!(out, "{}:{value}", value.algorithm()).map_err(anyhow::Error::from)
        })?,
    }
    super::close(out)?;
    Ok(Exit::NothingKnown)
}

/// The claims, or one that says nothing: an entry without claims must not vanish.
fn or_silent(claims: &[Claim]) -> Vec<&Claim> {
    static SILENT: Claim =
        Claim { source: String::new(), record: None, category: None, fields: Vec::new() };
    if claims.is_empty() { vec![&SILENT] } else { claims.iter().collect() }
}

fn export_csv(list: &onceseen::list::HashList, out: &mut impl Write) -> Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(["algorithm", "hash", "source", "record", "category", "fields"])?;
    list.for_each_entry(|value, claims| {
        for claim in or_silent(&claims) {
            let fields = claim.fields.iter().map(|(name, value)| json!([name, value]).to_string());
            let fields = fields.collect::<Vec<_>>().join(" ");
            let cells = [
                value.algorithm(),
                &value.to_string(),
                &claim.source,
                claim.record.as_deref().unwrap_or_default(),
                claim.category.as_deref().unwrap_or_default(),
                &fields,
            ];
            out.write_record(cells.map(escape::cell))?;
        }
        Ok::<(), anyhow::Error>(())
    })?;
    out.flush()?;
    Ok(())
}

/// One claim of an entry, in the keys that `list build` reads: fields as `field.NAME`, so that none
/// is taken for something else.
struct Line<'a> {
    value: EntryValue,
    claim: &'a Claim,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Claim { source, record, category, fields } = self.claim;
        let mut map = out.serialize_map(None)?;
        map.serialize_entry(self.value.algorithm(), &self.value.to_string())?;
        map.serialize_entry("source", source)?;
        map.serialize_entry("record", record)?;
        map.serialize_entry("category", category)?;
        for (name, value) in fields {
            map.serialize_entry(&format!("field.{name}"), value)?;
        }
        map.end()
    }
}
