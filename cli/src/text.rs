//! Text for a person's terminal: what others wrote is made harmless, and colour is used only where it is wanted.

use std::env;
use std::io::{self, IsTerminal};

/// The text with everything escaped that a terminal would obey or that would reorder what is seen: control characters
/// (C0, DEL, C1), line separators, and the marks that change the direction of writing.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            _ if obeyed(char) => shown.extend(char.escape_unicode()),
            _ => shown.push(char),
        }
    }
    shown
}

/// At most `max_chars` characters of the visible text, with `…` for what was left out.
pub(crate) fn shortened(text: &str, max_chars: usize) -> String {
    let text = visible(text);
    if text.chars().count() <= max_chars {
        return text;
    }
    let mut short: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Whether a terminal would obey it, or it reorders what is seen.
pub(crate) fn obeyed(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// Whether and how to colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Colour on a terminal, unless `NO_COLOR` is set or the terminal is a dumb one.
    pub(crate) fn for_stdout() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        Self { on: io::stdout().is_terminal() && set("NO_COLOR").is_none() && !dumb }
    }

    /// Whether there is colour.
    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    /// Never colour.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self { on: false }
    }

    /// Stands out.
    pub(crate) fn strong(self, text: &str) -> String {
        self.wrapped("1", text)
    }

    /// Stands back.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrapped("2", text)
    }

    /// As it should be.
    pub(crate) fn good(self, text: &str) -> String {
        self.wrapped("32", text)
    }

    /// Not as it should be.
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrapped("1;31", text)
    }

    fn wrapped(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Paint, shortened, visible};

    #[test]
    fn f4_what_a_terminal_would_obey_is_escaped() {
        assert_eq!(visible("a\u{1b}]0;title\u{7}b"), "a\\u{1b}]0;title\\u{7}b");
        assert_eq!(visible("one\ntwo\tthree\u{9b}m"), "one\\ntwo\\tthree\\u{9b}m");
        assert_eq!(visible("\u{202e}abc\u{2066}"), "\\u{202e}abc\\u{2066}");
        assert_eq!(visible("über, 日本, 🦀"), "über, 日本, 🦀");
    }

    #[test]
    fn f4_of_all_characters_that_there_are_none_is_obeyed() {
        // C0 and DEL with C1; the direction of writing, with the line separators in between.
        let obeyed =
            [0x00..=0x1f, 0x7f..=0x9f, 0x061c..=0x061c, 0x200e..=0x200f, 0x2028..=0x202e, 0x2066..=0x2069];
        for char in '\0'..=char::MAX {
            let shown = visible(&char.to_string());
            let harmless = !obeyed.iter().any(|range| range.contains(&u32::from(char)));
            assert_eq!(shown == char.to_string(), harmless, "{char:?} became {shown:?}");
            assert!(harmless || shown.is_ascii() && !shown.contains(char::is_control), "{char:?}: {shown:?}");
            // What is cut short is cut after it was made harmless.
            let cut = shortened(&format!("{char}{char}"), 2);
            assert!(
                cut.chars().all(|char| !obeyed.iter().any(|range| range.contains(&u32::from(char)))),
                "{cut:?}"
            );
        }
    }

    #[test]
    fn a_long_text_ends_with_a_mark() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }

    #[test]
    fn plain_paint_adds_nothing() {
        assert_eq!(Paint::plain().bad("x"), "x");
    }
}
