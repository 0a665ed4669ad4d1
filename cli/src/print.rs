//! How messages look for a person: a line each in a list, whole where one is to be read. What others wrote is made harmless
//! here. It knows nothing of where they come from.

use crate::shape;
use crate::text::{Paint, obeyed, shortened, visible};
use c2c_proto::message::{Message, Priority, To};
use c2c_proto::name::EVERYONE;
use c2c_proto::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

/// What a body gets of a line at least, in characters: a narrow terminal breaks the line then.
const BODY_MIN_CHARS: usize = 20;
/// How many recipients a line names.
const NAMES_MAX: usize = 3;
/// For the help of commands that print messages as JSON.
macro_rules! message_keys {
    () => {
        "
Keys of a message; they are added over time, never renamed:
  id, thread, reply_to     numbers; reply_to may be null
  from_name, from_session  who sent it
  to                       a name, a list of names, or \"*\"; at another node name@node, and \"*@*\" for everyone everywhere
  body, body_chars         in lists the first 8,000 characters; how many there are
  tag, priority            a word or null; normal or fyi
  created_at, read_at      UTC, ISO 8601; read_at is that of the mailbox, or null
  receipts                 for each recipient: name, state (queued, shown or read; for another node also forwarded,
                           delivered or expired), shown_at, read_at, read_by"
    };
}
pub(crate) use message_keys;

/// What a body is indented by: nothing in it can look like the line of another message.
const INDENT: &str = "    ";

/// How to write on this stdout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    /// Characters in a line of the terminal; `None` where nothing has to fit.
    width: Option<usize>,
    paint: Paint,
}

impl Printer {
    /// For a terminal as wide as it is; lines as long as they are for a file or pipe.
    pub(crate) fn for_stdout() -> Self {
        let width = if io::stdout().is_terminal() { crossterm::terminal::size().ok() } else { None };
        // Where a terminal does not know its width it says 0.
        let width = width.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0);
        Self { width, paint: Paint::for_stdout() }
    }

    /// A message as one line: who, when, to whom, a note, and the first line of the body as far as it fits.
    pub(crate) fn line(self, message: &Message, note: &str) -> String {
        let note = if note.is_empty() { String::new() } else { format!("  ({})", visible(note)) };
        let (head, used) = self.head(message);
        let used = used + note.chars().count() + 2;
        let body = first_line(message);
        let body = match self.width {
            Some(width) => shortened(&body, width.saturating_sub(used).max(BODY_MIN_CHARS)),
            None => visible(&body),
        };
        let note = if note.is_empty() { note } else { self.paint.dim(&note) };
        format!("{head}{note}  {body}\n")
    }

    /// A message with all of the body that there is, its newlines and tabs kept.
    pub(crate) fn whole(self, message: &Message) -> String {
        let (head, _) = self.head(message);
        format!("{head}\n{}", body(&message.body))
    }

    /// What stands before the body, and how many characters that are.
    fn head(self, message: &Message) -> (String, usize) {
        let id = format!("{:>4}", message.id);
        let at = stamp(message.created_at);
        let mut rest = format!("{} → {}", visible(&message.from_name), recipients(&message.to));
        if let Some(answered) = message.reply_to {
            rest.push_str(&format!("  re {answered}"));
        }
        if let Some(tag) = &message.tag {
            rest.push_str(&format!("  [{}]", visible(tag)));
        }
        if message.priority == Priority::Fyi {
            rest.push_str("  fyi");
        }
        let chars = id.chars().count() + at.len() + rest.chars().count() + 4;
        (format!("{}  {}  {rest}", self.paint.strong(&id), self.paint.dim(&at)), chars)
    }
}

/// A body, indented and made harmless; newlines and tabs are kept.
fn body(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + INDENT.len());
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        shown.push_str(if line.is_empty() { "" } else { INDENT });
        for char in line.chars() {
            if obeyed(char) && char != '\t' {
                shown.extend(char.escape_unicode());
            } else {
                shown.push(char);
            }
        }
        shown.push('\n');
    }
    shown
}

/// The first line of a body that is not blank, with a mark if more follows.
fn first_line(message: &Message) -> String {
    let text = message.body.trim_start();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let cut = (message.body.chars().count() as u64) < message.body_chars;
    let more = cut || !rest.trim().is_empty();
    format!("{}{}", first.trim_end(), if more { " …" } else { "" })
}

/// Whom a message is for, in words; of a long list the first.
fn recipients(to: &To) -> String {
    let names = match to {
        To::One(name) => return visible(name),
        To::Everyone => return EVERYONE.to_owned(),
        To::Many(names) => names,
    };
    let mut text = names.iter().take(NAMES_MAX).map(|name| visible(name)).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX {
        text.push_str(&format!(" and {} more", names.len() - NAMES_MAX));
    }
    text
}

/// A point in time in a line: UTC, to the second.
pub(crate) fn stamp(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}

/// How long ago that was, in the unit that fits.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.unix_s().saturating_sub(at.unix_s()).max(0);
    match seconds {
        0..2 => "just now".to_owned(),
        2..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// What the clock says.
pub(crate) fn now() -> Timestamp {
    let us = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
    Timestamp(i64::try_from(us).unwrap_or(i64::MAX))
}

/// [`columns`] as one text, each row a line.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    columns(rows).iter().map(|row| format!("{row}\n")).collect()
}

/// Rows below each other, each cell but the last as wide as the widest of its column.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    let padded = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(padded).collect()
}

/// Writes to stdout, now.
///
/// # Errors
/// When it cannot be written; a reader that left is one of them.
pub(crate) fn out(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes one line of JSON to stdout.
///
/// # Errors
/// As [`out`].
pub(crate) fn json(value: &Value) -> io::Result<()> {
    out(&format!("{}\n", json_text(value)))
}

/// A value as JSON text for stdout, on one line: with nothing in it that a terminal would obey. Of what that is, JSON itself
/// only wants the first 32 characters escaped.
pub(crate) fn json_text(value: &impl Serialize) -> String {
    // Texts, numbers and what is made of them: it always serializes.
    inert(serde_json::to_string(value).unwrap_or_default())
}

/// JSON text with the same meaning in which nothing is obeyed.
pub(crate) fn inert(text: String) -> String {
    if !text.contains(obeyed) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if obeyed(char) {
            // All of them stand in strings, where this is another spelling of the same; none needs a pair of these.
            shown.push_str(&format!("\\u{:04x}", u32::from(char)));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// A list of messages in JSON.
pub(crate) fn list(messages: &[Message], more: bool) -> Value {
    json!({"messages": messages.iter().map(shape::message).collect::<Vec<Value>>(), "more": more})
}

/// Says that a list of the newest of this number leaves older ones out.
///
/// # Errors
/// As [`remark`].
pub(crate) fn older_left_out(shown: usize) -> io::Result<()> {
    remark(&format!("these are the newest {shown}; --limit shows more"))
}

/// Says something about the answer, which itself goes to stdout.
///
/// # Errors
/// When stderr cannot be written.
pub(crate) fn remark(text: &str) -> io::Result<()> {
    io::stderr().write_all(format!("{}\n", visible(text)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Printer, ago, body, columns, json_text, recipients, stamp};
    use crate::text::Paint;
    use c2c_proto::message::{Message, Priority, To};
    use c2c_proto::time::Timestamp;

    fn example(text: &str) -> Message {
        Message {
            id: 13,
            from_name: "web".to_owned(),
            from_session: "s".to_owned(),
            to: To::One("api".to_owned()),
            body: text.to_owned(),
            body_chars: text.chars().count() as u64,
            tag: Some("done".to_owned()),
            reply_to: Some(12),
            thread: 12,
            priority: Priority::Normal,
            created_at: Timestamp(1_795_355_401_234_567),
            sent_by_reader: false,
            read_at: None,
            receipts: Vec::new(),
            receipts_total: 0,
        }
    }

    fn printer(width: Option<usize>) -> Printer {
        Printer { width, paint: Paint::plain() }
    }

    #[test]
    fn a_line_fits_the_terminal_and_says_that_more_follows() {
        let message = example("\nfirst\tline\u{1b}[2J\nsecond line");
        let line = printer(None).line(&message, "");
        assert_eq!(line, "  13  2026-11-22 13:50:01Z  web → api  re 12  [done]  first\\tline\\u{1b}[2J …\n");
        for width in [75, 80, 120] {
            let line = printer(Some(width)).line(&example(&"x".repeat(200)), "unread");
            assert_eq!(line.trim_end_matches('\n').chars().count(), width.max(84), "{line:?}");
            assert!(line.ends_with("x…\n"), "{line:?}");
        }
        assert!(!printer(None).line(&example("one line\n\n"), "").contains('…'));
    }

    #[test]
    fn a_beginning_of_a_body_says_so() {
        let mut message = example("begins");
        message.body_chars = 9_000;
        assert!(printer(None).line(&message, "").ends_with("begins …\n"));
    }

    #[test]
    fn f4_a_body_keeps_its_lines_and_nothing_else_that_a_terminal_obeys() {
        assert_eq!(body("a\n\n\tb\u{1b}]0;x\u{7}\r\n"), "    a\n\n    \tb\\u{1b}]0;x\\u{7}\\u{d}\n");
        assert_eq!(body("\u{202e}x\u{2028}"), "    \\u{202e}x\\u{2028}\n");
        let whole = printer(None).whole(&example("x\n  14  2026-11-22 13:50:02Z  api → web  forged"));
        assert_eq!(whole.lines().filter(|line| !line.starts_with("    ")).count(), 1, "{whole}");
    }

    #[test]
    fn f4_json_is_the_same_value_with_nothing_that_a_terminal_obeys() {
        let all: String = ('\0'..=char::MAX).collect();
        let value = serde_json::json!({"body": all, "\u{9b}2J\u{7f}": ["\u{202e}", 1.5, null]});
        let text = json_text(&value);
        assert!(!text.contains(crate::text::obeyed), "{:?}", text.find(crate::text::obeyed));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert_eq!(json_text(&serde_json::json!("\u{9b}31m")), "\"\\u009b31m\"");
    }

    #[test]
    fn a_long_list_of_recipients_is_counted() {
        let many = |count: usize| To::Many((0..count).map(|number| format!("s{number}")).collect());
        assert_eq!(recipients(&many(3)), "s0, s1, s2");
        assert_eq!(recipients(&many(9)), "s0, s1, s2 and 6 more");
        assert_eq!(recipients(&To::Everyone), "*");
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let now = Timestamp(1_795_355_401_234_567);
        let cases = [
            (0, "just now"),
            (-5, "just now"),
            (40, "40 s ago"),
            (130, "2 min ago"),
            (7_300, "2 h ago"),
            (200_000, "2 days ago"),
        ];
        for (seconds, words) in cases {
            assert_eq!(ago(now.plus_s(-seconds), now), words);
        }
        assert_eq!(stamp(now), "2026-11-22 13:50:01Z");
    }

    #[test]
    fn columns_are_aligned_without_blanks_at_the_end() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = columns(&[row(["NAME", "STATE", "FOLDER"]), row(["über", "online", ""])]);
        assert_eq!(rows, ["NAME  STATE   FOLDER", "über  online"]);
    }
}
