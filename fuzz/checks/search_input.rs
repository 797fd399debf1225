//! Bytes of the fuzzer as a column, a query, a radius and damage: shared by the index targets.
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 0 | bit 0: the width (64 or 256); bit 1: how rows are given |
//! | 1 | radius, of 64-bit hashes modulo 65; 255 means the full width |
//! | 2 | number of patches, modulo 8 |
//! | 5 a patch | place (u32, modulo the section's length) and the byte to put there |
//! | 8 or 32 | the query |
//! | the rest | rows as they are, or one byte a row: the bit that differs from the row before |

use onceseen::bits::BitHash;
use onceseen::index::linear::Linear;
use onceseen::index::{Column, Index, Neighbor};

/// One search, and what to do to the index afterwards.
pub(crate) struct SearchInput<H> {
    pub(crate) query: H,
    pub(crate) radius: u32,
    pub(crate) rows: Vec<H>,
    patches: Vec<(u32, u8)>,
}

/// Which width the bytes ask for.
pub(crate) fn is_wide(data: &[u8]) -> bool {
    data.first().is_some_and(|flags| flags & 1 == 1)
}

impl<H: BitHash> SearchInput<H> {
    /// `None` when the bytes are too few.
    pub(crate) fn from_bytes(data: &[u8]) -> Option<Self> {
        let (&[flags, radius, patches], data) = data.split_first_chunk::<3>()?;
        let (patches, data) = data.split_at_checked(usize::from(patches % 8) * 5)?;
        let (query, data) = data.split_at_checked(H::BYTES)?;
        let query = H::from_column(query);
        let radius = if radius == u8::MAX { H::BITS } else { u32::from(radius) % (H::BITS + 1) };
        let rows = if flags & 2 == 0 {
            data.chunks_exact(H::BYTES).map(H::from_column).collect()
        } else {
            walk(query, data)
        };
        let patches = patches.as_chunks::<5>().0.iter();
        let patches =
            patches.map(|[a, b, c, d, value]| (u32::from_le_bytes([*a, *b, *c, *d]), *value));
        Some(Self { query, radius, rows, patches: patches.collect() })
    }

    /// The section with the patches of the input.
    pub(crate) fn damaged(&self, section: &[u8]) -> Vec<u8> {
        let mut section = section.to_vec();
        for (at, value) in &self.patches {
            let len = section.len().max(1);
            if let Some(byte) = section.get_mut(*at as usize % len) {
                *byte = *value;
            }
        }
        section
    }

    /// The same answer as the linear scan, at this radius and at those where plans change.
    pub(crate) fn check_equal(&self, column: Column<'_, H>, index: &impl Index<H>) {
        for radius in [self.radius, 0, 31.min(H::BITS)] {
            let expected = answer(self.query, radius, &Linear::new(column));
            assert_eq!(answer(self.query, radius, index), expected, "radius {radius}");
            let mut batch = Vec::new();
            for len in [2, 64] {
                // The longer one is joined.
                index.search_batch(&vec![self.query; len], radius, &mut batch);
                let is_equal = batch.iter().all(|found| *found == expected);
                assert!(batch.len() == len && is_equal, "batch of {len} at radius {radius}");
            }
        }
    }

    /// A damaged index may hide entries; it never invents one, and never panics.
    pub(crate) fn check_subset(&self, column: Column<'_, H>, index: &impl Index<H>) {
        let all = answer(self.query, self.radius, &Linear::new(column));
        let found = answer(self.query, self.radius, index);
        assert!(found.is_sorted(), "order");
        assert!(found.iter().all(|neighbor| all.contains(neighbor)), "an invented neighbour");
    }
}

/// The rows as a column's bytes.
pub(crate) fn column_bytes<H: BitHash>(rows: &[H]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * H::BYTES);
    rows.iter().for_each(|row| row.push_to(&mut bytes));
    bytes
}

fn answer<H: BitHash>(query: H, radius: u32, index: &impl Index<H>) -> Vec<Neighbor> {
    let mut out = Vec::new();
    index.search(query, radius, &mut out);
    out
}

/// Clusters and duplicates out of few bytes: each row differs from the one before in one bit.
fn walk<H: BitHash>(start: H, steps: &[u8]) -> Vec<H> {
    let mut bytes = column_bytes(&[start]);
    let rows = steps.iter().map(|step| {
        let bit = usize::from(*step) % (H::BYTES * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        H::from_column(&bytes)
    });
    rows.collect()
}
