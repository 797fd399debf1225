//! Multi-index hashing answers like the linear scan; over damaged bytes it invents nothing.

use super::search_input::{SearchInput, column_bytes, is_wide};
use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::Column;
use onceseen::index::mih::{Mih, build};

/// Panics when an invariant does not hold for these bytes.
pub(crate) fn check(data: &[u8]) {
    if is_wide(data) { check_width::<Hash256>(data) } else { check_width::<Hash64>(data) }
}

fn check_width<H: BitHash>(data: &[u8]) {
    let Some(input) = SearchInput::<H>::from_bytes(data) else { return };
    let bytes = column_bytes(&input.rows);
    let column = Column::<H>::new(&bytes).expect("whole rows");
    let section = build(column);
    let mih = Mih::from_bytes(column, &section).expect("the index of this column");
    input.check_equal(column, &mih);
    if let Ok(mih) = Mih::from_bytes(column, &input.damaged(&section)) {
        input.check_subset(column, &mih);
    }
    // Everything behind the header is the fuzzer's, repeated.
    let mut wild = section;
    for (byte, value) in wild.iter_mut().skip(64).zip(data.iter().cycle()) {
        *byte = *value;
    }
    if let Ok(mih) = Mih::from_bytes(column, &wild) {
        input.check_subset(column, &mih);
    }
}
