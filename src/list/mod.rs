//! The hash list.

pub(crate) mod claim;
pub(crate) mod import;

pub use claim::Claim;
pub use import::{
    Columns, ImportError, ImportFormat, ImportSettings, ImportSettingsBuilder, ImportSummary,
    Imported, ImportedRow, Importer, RefusedRow,
};
