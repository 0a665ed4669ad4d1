//! JSON as text: compact, with every character that does not show (or that turns the text around) as an escape,
//! and its length without writing it.
//!
//! Lengths are in UTF-16 units, of which there are never fewer than characters, because that is how clients count.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// The value as JSON text.
#[must_use]
pub(super) fn text(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut bytes, Visible)) {
        Ok(()) => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(_) => "null".to_owned(),
    }
}

/// The length of [`text`].
#[must_use]
pub(super) fn length(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    match value.serialize(&mut Serializer::with_formatter(&mut count, Visible)) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// The length of one character inside a JSON string.
#[must_use]
pub(super) const fn char_length(char: char) -> usize {
    match char {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ if hidden(char) => 6 * char.len_utf16(),
        _ => char.len_utf16(),
    }
}

/// The beginning of a text with at most so many characters, and at most so much length inside a JSON string; and how
/// many characters that is.
#[must_use]
pub(super) fn beginning(text: &str, chars_max: usize, length_max: usize) -> (&str, usize) {
    let mut length = 0;
    for (count, (at, char)) in text.char_indices().enumerate() {
        length += char_length(char);
        if count == chars_max || length > length_max {
            return (&text[..at], count);
        }
    }
    (text, text.chars().count())
}

/// Whether a character is shown as an escape although JSON allows it as it is: C1 controls, marks that join or turn
/// text, separators, the byte order mark, and the invisible tag characters.
const fn hidden(char: char) -> bool {
    matches!(char,
        '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // Most fragments have nothing that could be hidden.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return out.write_all(fragment.as_bytes());
        }
        let mut written = 0;
        for (at, char) in fragment.char_indices() {
            if hidden(char) {
                out.write_all(&fragment.as_bytes()[written..at])?;
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
                written = at + char.len_utf8();
            }
        }
        out.write_all(&fragment.as_bytes()[written..])
    }
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.iter().map(|byte| units_begun(*byte)).sum::<usize>();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many UTF-16 units the character has whose UTF-8 begins with this byte; none for its other bytes.
const fn units_begun(byte: u8) -> usize {
    match byte {
        0x80..=0xbf => 0,
        0xf0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{beginning, char_length, length, text};
    use proptest::prelude::*;

    #[test]
    fn f4_what_does_not_show_is_escaped() {
        let shown = text(&"a\u{1b}[0m\u{85}\u{2028}\u{202e}\u{feff}\u{7f}\u{200b}\u{e0041}é😀\"\\\n");
        insta::assert_snapshot!(shown, @r#""a\u001b[0m\u0085\u2028\u202e\ufeff\u007f\u200b\udb40\udc41é😀\"\\\n""#);
    }

    #[test]
    fn a_beginning_ends_on_a_character() {
        assert_eq!(beginning("é😀x", 2, 100), ("é😀", 2));
        assert_eq!(beginning("é😀x", 9, 2), ("é", 1));
        assert_eq!(beginning("\n\n", 9, 3), ("\n", 1));
        assert_eq!(beginning("abc", 3, 3), ("abc", 3));
        assert_eq!(beginning("abc", 0, 3), ("", 0));
        assert_eq!(beginning("", 0, 0), ("", 0));
    }

    proptest! {
        #[test]
        fn the_text_says_the_same_and_has_the_length_that_was_counted(given in any::<String>()) {
            let written = text(&given);
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), given.as_str());
            prop_assert_eq!(written.encode_utf16().count(), length(&given));
            prop_assert_eq!(given.chars().map(char_length).sum::<usize>() + 2, length(&given));
        }
    }
}
