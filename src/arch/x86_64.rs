//! The kernels for x86-64: population count alone, AVX2, and AVX-512 with its vector counts.

use crate::arch::generic;
use crate::bits::BitHash;

/// One module per instruction set: detection, and every kernel compiled for it.
macro_rules! instruction_set {
    ($module:ident, $features:literal, [$($feature:tt),*], $doc:literal) => {
        #[doc = $doc]
        pub(super) mod $module {
            use super::*;

            pub(in crate::arch) fn is_detected() -> bool {
                $(std::arch::is_x86_feature_detected!($feature))&&*
            }

            #[target_feature(enable = $features)]
            pub(in crate::arch) fn scan<H: BitHash>(
                rows: &[u8],
                query: H,
                radius: u32,
                found: &mut impl FnMut(usize, u32),
            ) {
                generic::scan(rows, query, radius, found);
            }
        }
    };
}

instruction_set!(popcnt, "popcnt", ["popcnt"], "The scalar population count of 2008.");
instruction_set!(
    avx2,
    "popcnt,avx2,bmi1,bmi2,lzcnt",
    ["popcnt", "avx2", "bmi1", "bmi2", "lzcnt"],
    "256-bit integers of 2013; counts by nibble table."
);
instruction_set!(
    avx512,
    "popcnt,avx2,bmi1,bmi2,lzcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,avx512bitalg",
    [
        "popcnt",
        "avx2",
        "bmi1",
        "bmi2",
        "lzcnt",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512dq",
        "avx512vpopcntdq",
        "avx512bitalg"
    ],
    "512 bits with population counts of 16, 32 and 64-bit lanes (2019 on)."
);
