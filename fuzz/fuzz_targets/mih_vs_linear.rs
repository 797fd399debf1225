//! Multi-index hashing answers like the linear scan; over damaged bytes it invents nothing.
#![no_main]

mod search_input;

use libfuzzer_sys::fuzz_target;
use onceseen::bits::{BitHash, Hash64, Hash256};
use onceseen::index::Column;
use onceseen::index::mih::{Mih, build};
use search_input::{SearchInput, column_bytes, is_wide};

fuzz_target!(|data: &[u8]| {
    if is_wide(data) { check::<Hash256>(data) } else { check::<Hash64>(data) }
});

fn check<H: BitHash>(data: &[u8]) {
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
