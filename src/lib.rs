//! Recognises images that are already known.
//!
//! A picture becomes perceptual hashes ([`hash`]) and digests of its file ([`digest`]); a
//! memory-mapped [`list::HashList`] holds those of known pictures with everything their sources claim
//! about them; a [`matcher::Matcher`] finds, exactly, all entries within a Hamming radius. On top of
//! that, [`scan::Scanner`] examines a picture in memory, or a whole directory with one
//! [`record::Record`] a file.
//!
//! Start with [`scan::Scanner::examine`] (bytes in, verdict out) and [`list::ListBuilder`]; the examples
//! `backend`, `batch` and `build_list` show them at work. Every input is taken for hostile: pictures are
//! decoded under [`decode::Limits`], and any bytes whatever are either refused as a list or served
//! without a panic.
//!
//! Modules stand on floors and use lower ones only; ARCHITECTURE.md tells which question each answers.
//!
//! # Features
//!
//! `csv`: hash lists in CSV and TSV, records as CSV. `heic`, `jxl`, `avif`, `jpeg2000`: pictures of these
//! formats. `cli` (default): the command and all of these. `turbojpeg`: JPEG by libjpeg-turbo, which takes a
//! C compiler.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "documentation is built with private items: it is also for the next owner"
)]

pub(crate) mod arch;
pub mod bits;
pub mod decode;
pub mod digest;
pub mod hash;
pub(crate) mod hex;
pub mod index;
pub mod list;
pub mod matcher;
pub(crate) mod num;
pub mod pixels;
pub mod record;
pub mod report;
pub mod scan;
pub(crate) mod scatter;
pub(crate) mod spill;
pub mod variant;

/// The README's code, compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
