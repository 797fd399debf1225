//! Writing records: one [`Sink`](crate::record::Sink) a format. All escaping is in [`escape`].

#[cfg(feature = "csv")]
mod csv;
pub mod escape;
mod jsonl;

#[cfg(feature = "csv")]
pub use csv::{CsvAnswers, CsvSink};
pub use jsonl::JsonlSink;

#[cfg(all(test, feature = "csv"))]
mod tests {
    use std::io::{self, Write};
    use std::path::Path;

    use super::*;
    use crate::hash::Algorithm;
    use crate::record::{Record, Sink, Status};

    /// What it was given, write by write.
    #[derive(Default)]
    struct Pieces(Vec<Vec<u8>>);

    impl Write for &mut Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_kill_between_two_writes_leaves_whole_lines() {
        // Longer than any buffer on the way.
        let mut record = Record::new(Path::new(&"a/".repeat(9000)), Status::Unexaminable);
        record.reason = Some("of \"two\"\nlines".to_owned());
        let (mut json, mut csv) = (Pieces::default(), Pieces::default());
        let mut sink = JsonlSink::new(&mut json);
        sink.record(&record).unwrap();
        sink.record(&record).unwrap();
        sink.finish().unwrap();
        let mut sink = CsvSink::new(&mut csv, &[Algorithm::Pdq], true).unwrap();
        sink.record(&record).unwrap();
        sink.record(&record).unwrap();
        sink.finish().unwrap();
        assert_eq!((json.0.len(), csv.0.len()), (2, 3));
        assert!(json.0.iter().chain(&csv.0).all(|piece| piece.ends_with(b"\n")));
    }
}
