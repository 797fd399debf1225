//! What a program that links the library may do with its types.

use std::error::Error;

use onceseen::bits::ParseHashError;
use onceseen::decode::{DecodeError, Decoded};
use onceseen::hash::{Hasher, UnknownAlgorithm};
use onceseen::index::IndexError;
use onceseen::list::{HashList, ImportError, ListBuilder, ListError};
use onceseen::matcher::{LiveError, LiveMatcher, MatchError, Matcher};
use onceseen::pixels::PixelsError;
use onceseen::record::Record;
use onceseen::scan::{ScanError, Scanner};
use onceseen::variant::UnknownVariantSet;

/// Compiles for what may go to another thread, and be used by several.
fn is_shared<T: Send + Sync + 'static>() {}

/// Compiles for what `?` turns into a boxed error, and `anyhow` takes.
fn is_error<T: Error + Send + Sync + 'static>() {}

#[test]
fn types_go_between_threads_and_errors_into_boxes() {
    is_shared::<HashList>();
    is_shared::<Matcher>();
    is_shared::<LiveMatcher>();
    is_shared::<Scanner>();
    is_shared::<Record>();
    is_shared::<Decoded>();
    is_shared::<Hasher>();
    is_shared::<ListBuilder>();
    is_error::<DecodeError>();
    is_error::<ImportError>();
    is_error::<IndexError>();
    is_error::<ListError>();
    is_error::<LiveError>();
    is_error::<MatchError>();
    is_error::<ParseHashError>();
    is_error::<PixelsError>();
    is_error::<ScanError>();
    is_error::<UnknownAlgorithm>();
    is_error::<UnknownVariantSet>();
}

#[test]
fn an_error_names_its_file_and_the_system_s_own_stands_behind_it() {
    let error = HashList::read("not/there.osl".as_ref()).err().unwrap();
    assert!(error.to_string().contains("not/there.osl"), "{error}");
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
}
