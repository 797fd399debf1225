//! Any bytes as a picture, and as pictures inside it, under small limits, through every algorithm.

use std::ops::ControlFlow;

use onceseen::decode::{Limits, decode, estimate, others, sniff};
use onceseen::hash::{Algorithm, Hasher};

/// Panics when an invariant does not hold for these bytes.
pub(crate) fn check(data: &[u8]) {
    let limits = limits();
    let format = sniff(data);
    let _ = estimate(data, &limits);
    let _ = others(data, &limits, &mut |kind, picture| {
        assert!(!kind.to_string().is_empty());
        if let Ok(picture) = picture {
            let pixels = u64::from(picture.width()) * u64::from(picture.height());
            assert!(pixels <= limits.max_pixels, "more pixels than allowed");
        }
        ControlFlow::Continue(())
    });
    let decoded = match decode(data, &limits) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(!error.reason().is_empty());
            return drop(error.to_string());
        }
    };
    assert_eq!(format, Some(decoded.format()));
    let pixels = u64::from(decoded.width()) * u64::from(decoded.height());
    assert!(pixels <= limits.max_pixels, "more pixels than allowed");
    let hashes = Hasher::new(&Algorithm::ALL).hash(&decoded.pixels());
    assert_eq!(hashes.hashes().len(), Algorithm::ALL.len());
    assert!(hashes.quality().is_some_and(|quality| quality <= 100));
}

/// So small that a round of the fuzzer takes milliseconds.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_pixels = 1 << 16;
    limits.max_file_bytes = 1 << 20;
    limits.max_alloc_bytes = 16 << 20;
    limits.max_scan_pixels = 1 << 18;
    limits.max_parts = 4;
    limits.max_part_pixels = 1 << 18;
    limits
}
