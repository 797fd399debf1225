//! Writing records: one [`Sink`](crate::record::Sink) a format. All escaping is in [`escape`].

#[cfg(feature = "csv")]
mod csv;
pub mod escape;
mod jsonl;

#[cfg(feature = "csv")]
pub use csv::{CsvAnswers, CsvSink};
pub use jsonl::JsonlSink;
