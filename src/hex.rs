//! Hex text and base64 text of byte strings.
//!
//! Written in lower case, read in either case. What the bytes mean is the caller's business.

use std::fmt;

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// RFC 4648, section 4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Why a text is not the hex form of a byte string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HexError {
    Length { expected_digits: usize, found: usize },
    Digit { character: char, column: usize },
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected_digits, found } => {
                write!(f, "expected {expected_digits} hex digits, found {found}")
            }
            Self::Digit { character, column } => {
                write!(f, "'{}' at column {column} is no hex digit", character.escape_default())
            }
        }
    }
}

/// Lower-case hex, two digits a byte, first byte first.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// Marks characters that are no hex digit among the values of digits.
const NO_DIGIT: u8 = 0xff;

/// The value of each character as a hex digit of either case.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value: u8 = 0;
    while value < 16 {
        let digit = DIGITS[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

/// Whether every character is a hex digit. Looks at all of them: whole lists pass here, and their
/// lines are mostly right.
pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().fold(0, |bits, digit| bits | VALUES[usize::from(digit)]) < 16
}

/// Exactly `N` bytes from `2 * N` hex digits of either case.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let mut out = [0; N];
    let mut bits = 0;
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        let (high, low) = (VALUES[usize::from(pair[0])], VALUES[usize::from(pair[1])]);
        bits |= high | low;
        *byte = (high << 4) | (low & 15);
    }
    if bits < 16 && text.len() == N * 2 { Ok(out) } else { Err(fault(text, N * 2)) }
}

/// What is wrong with a text that is no hex of so many digits.
fn fault(text: &str, expected_digits: usize) -> HexError {
    let wrong = |(_, character): &(usize, char)| !character.is_ascii_hexdigit();
    match text.chars().enumerate().find(wrong) {
        Some((index, character)) => HexError::Digit { character, column: index + 1 },
        None => HexError::Length { expected_digits, found: text.len() },
    }
}

/// Base64 with padding (RFC 4648, section 4).
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (group >> (18 - 6 * digit)) & 63;
                out.push(char::from(BASE64[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_in_either_case() {
        assert_eq!(encode(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(decode_array::<3>("00aBFf"), Ok([0, 0xab, 0xff]));
    }

    #[test]
    fn base64_matches_the_rfc_4648_test_vectors() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode_base64(plain.as_bytes()), coded);
        }
    }
}
