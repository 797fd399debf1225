//! Any bytes, read as a hash list of any format: rows and refusals, never a panic.

use onceseen::hash::Algorithm;
use onceseen::list::{Columns, ImportFormat, ImportSettings, Imported, Importer};

/// Small, so that lines beyond the limit are met.
const LINE_LIMIT_BYTES: usize = 512;

/// Column choices worth trying: none, by position, by name, with a scheme.
const COLUMNS: [&str; 4] =
    ["", "pdq=1,md5=2", "hash=hash,quality=quality", "md5=0,category=ncmec:1"];

/// Panics when an invariant does not hold for these bytes.
pub(crate) fn check(data: &[u8]) {
    let Some((&[format, columns, algorithm, delimiter], data)) = data.split_first_chunk::<4>()
    else {
        return;
    };
    let mut settings = ImportSettings::builder();
    settings.line_limit_bytes(LINE_LIMIT_BYTES);
    if let Some(format) = ImportFormat::ALL.get(usize::from(format) % 6) {
        settings.format(*format);
    }
    if let Ok(columns) = COLUMNS[usize::from(columns) % COLUMNS.len()].parse::<Columns>() {
        settings.columns(columns);
    }
    settings.algorithm(Algorithm::ALL[usize::from(algorithm) % Algorithm::ALL.len()]);
    if delimiter >= 128 {
        settings.delimiter(delimiter - 128);
    }
    if let Ok(settings) = settings.build() {
        read(data, settings);
    }
}

fn read(data: &[u8], settings: ImportSettings) {
    let mut importer = match Importer::new(data, settings) {
        Ok(importer) => importer,
        Err(error) => return drop(error.to_string()),
    };
    let mut rows = 0;
    let mut last_line = 0;
    for item in &mut importer {
        match item {
            Ok(Imported::Row(row)) => {
                assert!(!(row.hashes.is_empty() && row.digests.is_empty()), "a row without a hash");
                rows += 1;
            }
            Ok(Imported::Refused(refused)) => {
                assert!(refused.line() >= last_line, "refusals out of order");
                last_line = refused.line();
                let _ = refused.to_string();
            }
            Err(error) => return drop(error.to_string()),
        }
    }
    assert_eq!(importer.summary().rows, rows);
}
