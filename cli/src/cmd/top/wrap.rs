//! Text in columns of a terminal: how wide it is, cut to fit, broken into rows. Wide characters take two columns, marks
//! that join the character before them none. It takes text that is harmless already.

use ratatui::style::Style;
use ratatui::text::Span;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { Span::raw(text).width() }
}

/// The text in at most `columns` columns, with `…` for what was left out.
pub(super) fn cut(text: &str, columns: usize) -> String {
    // Each character takes four bytes at most: what is short in bytes need not be measured.
    if text.len() <= columns && text.is_ascii() || width(text) <= columns {
        return text.to_owned();
    }
    let mut short = beginning(text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        short.push('…');
    }
    short
}

/// The text, cut or filled with spaces, in exactly `columns` columns.
pub(super) fn exactly(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// As much of the text as fits `columns` columns.
fn beginning(text: &str, columns: usize) -> &str {
    // A row's worth of it is looked at, however long it is; a symbol seldom has more than a few bytes.
    let span = Span::raw(text.get(..text.floor_char_boundary(columns * 16 + 64)).unwrap_or(text));
    let (mut end, mut taken) = (0, 0);
    for symbol in span.styled_graphemes(Style::new()).map(|one| one.symbol) {
        taken += width(symbol);
        if taken > columns {
            break;
        }
        end += symbol.len();
    }
    text.get(..end).unwrap_or_default()
}

/// The text in rows of at most `columns` columns, broken after a space where there is one, else where the row is full.
/// Never empty: no text is one empty row.
pub(super) fn rows(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut rows = Vec::new();
    let mut rest = text;
    loop {
        let full = beginning(rest, columns);
        if full.len() == rest.len() {
            rows.push(rest.to_owned());
            return rows;
        }
        // One symbol that is wider than a row still has to go somewhere.
        let full = if full.is_empty() { first_symbol(rest) } else { full };
        let row = full.rfind(' ').and_then(|at| full.get(..=at)).filter(|row| !row.trim().is_empty());
        let row = row.unwrap_or(full);
        rows.push(row.trim_end().to_owned());
        rest = rest.get(row.len()..).unwrap_or_default();
    }
}

/// The text in pieces of at most `columns` columns, broken where a row is full: nothing is added or left out.
pub(super) fn pieces(text: &str, columns: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let full = beginning(rest, columns.max(2));
        let full = if full.is_empty() { first_symbol(rest) } else { full };
        pieces.push(full.to_owned());
        rest = rest.get(full.len()..).unwrap_or_default();
        if rest.is_empty() {
            return pieces;
        }
    }
}

fn first_symbol(text: &str) -> &str {
    let span = Span::raw(text.get(..text.floor_char_boundary(64)).unwrap_or(text));
    let length = span.styled_graphemes(Style::new()).next().map_or(text.len(), |one| one.symbol.len());
    text.get(..length).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{cut, exactly, rows, width};

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(exactly("日本語", 4), "日… ");
        assert_eq!(exactly("ab", 4), "ab  ");
        assert_eq!(cut("abc", 0), "");
        for columns in 0..8 {
            assert!(width(&cut("a日🦀e\u{301}本", columns)) <= columns);
        }
    }

    #[test]
    fn a_text_breaks_after_a_space_or_where_the_row_is_full() {
        assert_eq!(rows("", 10), [""]);
        assert_eq!(rows("one two three", 8), ["one two", "three"]);
        assert_eq!(rows("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows("日本語日本語", 5), ["日本", "語日", "本語"]);
        assert_eq!(rows("  indented text", 10), ["  indented".to_owned(), " text".to_owned()]);
    }

    #[test]
    fn no_character_is_lost_and_no_row_too_wide() {
        let text = "the 🦀 e\u{301}atswithoutanyspace 日本語 and so on".repeat(20);
        let bare = |text: &str| text.replace(' ', "");
        for columns in 2..40 {
            let rows = rows(&text, columns);
            assert!(rows.iter().all(|row| width(row) <= columns), "{rows:?}");
            assert_eq!(bare(&rows.concat()), bare(&text));
        }
    }
}
