//! Broken, odd and oversized files: every one ends in pixels or in a reason, within the limits.

use onceseen::decode::{DecodeError, Decoded, Limits, decode, estimate};

use crate::shared_data::{Row, manifest};
use crate::watchdog::watched;

struct Outcome {
    row: Row,
    result: Result<Decoded, DecodeError>,
}

impl Outcome {
    fn word(&self) -> String {
        match &self.result {
            Ok(picture) if picture.is_partial() => format!("partial {}", picture.format()),
            Ok(picture) => format!("whole {}", picture.format()),
            Err(error) => error.reason().to_owned(),
        }
    }
}

fn outcomes(wanted: impl Fn(&Row) -> bool) -> Vec<Outcome> {
    let rows = manifest("hostile").into_iter().filter(wanted);
    rows.map(|row| {
        let name = row.file.clone();
        watched(&name, move || {
            let result = decode(&row.bytes, &Limits::default());
            Outcome { row, result }
        })
    })
    .collect()
}

fn complain(outcomes: &[Outcome], is_wrong: impl Fn(&Outcome) -> bool) {
    let wrong: Vec<String> = outcomes
        .iter()
        .filter(|outcome| is_wrong(outcome))
        .map(|outcome| {
            format!(
                "{}: {}, expected {}",
                outcome.row.file,
                outcome.word(),
                outcome.row.expectation
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether what a picture holds is within the memory that was said before it was decoded.
fn is_within_estimate(row: &Row, picture: &Decoded) -> bool {
    let limits = Limits::default();
    let pixels = u64::from(picture.width()) * u64::from(picture.height());
    let held = pixels * picture.pixels().format().bytes_per_pixel() as u64;
    let said = estimate(&row.bytes, &limits);
    held <= said && said <= limits.max_alloc_bytes
}

#[test]
fn every_hostile_file_agrees_with_its_expectation_and_its_estimate() {
    let outcomes = outcomes(|_| true);
    complain(&outcomes, |outcome| {
        let is_not_an_image = outcome.result.as_ref().is_err_and(DecodeError::is_not_an_image);
        match outcome.row.expectation.as_str() {
            "reported as not an image" => !is_not_an_image,
            "decodes" | "decodes upright" | "hash of the picture" | "decodes quickly" => {
                outcome.result.is_err()
            }
            "error" => outcome.result.is_ok(),
            expectation if expectation.starts_with("decodes by content as ") => {
                let format =
                    outcome.result.as_ref().map_or("avif", |picture| picture.format().name());
                !expectation["decodes by content as ".len()..].to_lowercase().starts_with(format)
            }
            _ => false,
        }
    });
    complain(&outcomes, |outcome| outcome.word() == "decoder failed");
    let holds_more = |outcome: &Outcome| match &outcome.result {
        Ok(picture) => !is_within_estimate(&outcome.row, picture),
        Err(_) => false,
    };
    complain(&outcomes, holds_more);
}

#[test]
fn pictures_that_cannot_be_read_are_not_called_something_else() {
    let outcomes = outcomes(|row| matches!(row.class.as_str(), "truncated" | "wrong-extension"));
    complain(&outcomes, |outcome| outcome.result.as_ref().is_err_and(DecodeError::is_not_an_image));
}

#[test]
fn truncated_files_are_partial_or_errors() {
    let outcomes = outcomes(|row| {
        row.class == "truncated" && row.expectation == "error or partial picture within limits"
    });
    complain(&outcomes, |outcome| outcome.word().starts_with("whole"));
}

#[test]
fn a_jpeg_of_hundreds_of_scans_is_refused_by_that_limit() {
    let outcomes = outcomes(|row| row.file.ends_with("jpeg_progressive_883_scans.jpg"));
    complain(&outcomes, |outcome| outcome.word() != "too many scans");
}
