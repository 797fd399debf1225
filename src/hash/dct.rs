//! The 16 × 64 DCT matrix that PDQ and the variants share.
