//! The BK-tree answers like the linear scan; over damaged bytes it invents nothing.

use super::search_input::{SearchInput, column_bytes, is_wide};
use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::Column;
use onceseen::index::bktree::{BkTree, build};

/// Panics when an invariant does not hold for these bytes.
pub(crate) fn check(data: &[u8]) {
    if is_wide(data) { check_width::<Hash256>(data) } else { check_width::<Hash64>(data) }
}

fn check_width<H: BitHash>(data: &[u8]) {
    let Some(input) = SearchInput::<H>::from_bytes(data) else { return };
    let mut rows: Vec<_> = input.rows.iter().copied().zip(0..).collect();
    let section = build(&mut rows).expect("few rows");
    let rows: Vec<H> = rows.into_iter().map(|(hash, _)| hash).collect();
    let bytes = column_bytes(&rows);
    let column = Column::<H>::new(&bytes).expect("whole rows");
    let tree = BkTree::from_bytes(column, &section).expect("the tree of this column");
    input.check_equal(column, &tree);
    if let Ok(tree) = BkTree::from_bytes(column, &input.damaged(&section)) {
        input.check_subset(column, &tree);
    }
    // Bytes that no builder ever saw, behind a valid header.
    let mut wild = section[..16].to_vec();
    wild.extend_from_slice(&data[..data.len() - data.len() % 12]);
    wild[12..16]
        .copy_from_slice(&u32::try_from(data.len() / 12).expect("a short input").to_le_bytes());
    if let Ok(tree) = BkTree::from_bytes(column, &wild) {
        input.check_subset(column, &tree);
    }
}
