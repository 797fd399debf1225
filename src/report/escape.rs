//! Making attacker-chosen names harmless for a terminal and for a spreadsheet.

/// The text with everything escaped that could move the cursor, change colours or reorder what is
/// shown: control characters, bidirectional controls, invisible separators.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

fn is_harmful(character: char) -> bool {
    let is_invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    character.is_control() || is_invisible
}

/// The text as a spreadsheet cell that no program takes for a formula: one that starts like a
/// formula gets an apostrophe in front, which spreadsheets hide.
pub fn cell(text: &str) -> String {
    let starts_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if starts_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_overrides_are_shown_as_text() {
        assert_eq!(terminal("a\x1b[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
        assert_eq!(terminal("straße 日本"), "straße 日本");
    }

    #[test]
    fn formulas_become_text() {
        assert_eq!(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(cell("a=b"), "a=b");
    }
}
