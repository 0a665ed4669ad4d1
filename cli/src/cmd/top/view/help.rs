//! The keys, over everything else.

use super::{Frame, Look, Rect, middle};
use crate::cmd::top::wrap;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

/// What each key does.
const KEYS: [(&str, &str); 15] = [
    ("↑ ↓  k j", "select a message or session, scroll a thread"),
    ("PgUp PgDn", "a screen up or down"),
    ("Home End  g G", "to the first; to the newest, and follow it"),
    ("Tab", "to the sessions and back; the next message of a thread"),
    ("Enter", "open the thread of a message; only messages of a session"),
    ("Esc", "close what is open; end the filters"),
    ("/", "show only messages with a text"),
    ("n", "write a message"),
    ("r", "answer the selected message"),
    ("Ctrl-S  Alt-Enter", "send what you wrote"),
    ("?", "this help"),
    ("q  Ctrl-C", "quit"),
    ("", ""),
    ("", "Times are UTC. Looking marks nothing as read or shown."),
    ("", "Messages go out under your name, and answers come to you."),
];

/// The help.
pub(super) fn draw(frame: &mut Frame, area: Rect, look: Look) {
    let rows = u16::try_from(KEYS.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = middle(area, 80, rows);
    let block = look.framed("keys", true);
    let lines: Vec<Line> = KEYS
        .iter()
        .map(|(key, what)| {
            Line::from(vec![Span::styled(wrap::exactly(key, 19), look.strong()), Span::raw(*what)])
        })
        .collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
