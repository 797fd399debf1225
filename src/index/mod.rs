//! Exact search within a Hamming radius.
