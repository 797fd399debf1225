//! The shared pictures, which are too large for the repository: found through `ONCESEEN_DATA`.

use std::path::PathBuf;

/// The folder of the shared data, `None` (said loudly) where it is absent.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("ONCESEEN_DATA").unwrap_or_else(|| "../shared/data".into());
    let folder = PathBuf::from(base).join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no shared data at {}", folder.display());
        return None;
    }
    Some(folder)
}

/// One file of a manifest, with its bytes.
pub(crate) struct Row {
    pub(crate) file: String,
    pub(crate) class: String,
    pub(crate) expectation: String,
    pub(crate) format: String,
    pub(crate) features: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// All files of a folder's `manifest.csv`; none where the data are absent.
pub(crate) fn manifest(name: &str) -> Vec<Row> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let value = |column: &str| {
            let index = headers.iter().position(|header| header == column);
            index.map_or("", |index| &record[index]).to_owned()
        };
        let file = value("file");
        let bytes = std::fs::read(folder.join(&file)).unwrap();
        Row {
            class: value("class"),
            expectation: value("expectation"),
            format: value("format"),
            features: value("features"),
            width: value("width").parse().unwrap_or(0),
            height: value("height").parse().unwrap_or(0),
            file,
            bytes,
        }
    });
    rows.collect()
}
