//! An open thread, with whole bodies.

use super::{Frame, Look, Rect, Style};
use crate::cmd::top::thread::{Row, Thread};
use crate::cmd::top::wrap;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// The rows of it that are on the screen.
pub(super) fn draw(frame: &mut Frame, area: Rect, thread: &Thread, look: Look) {
    let count = thread.count();
    let plural = if count == 1 { "" } else { "s" };
    let block = look.framed(&format!("thread {}, {count} message{plural}", thread.id), true);
    let columns = usize::from(block.inner(area).width);
    let lines: Vec<Line> = thread.on_screen().map(|row| line(row, thread, columns, look)).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn line(row: &Row, thread: &Thread, columns: usize, look: Look) -> Line<'static> {
    let (mark, text, style) = match row {
        Row::Head(id, text) if *id == thread.marked => ("> ", text, look.accent().patch(look.strong())),
        Row::Head(_, text) => ("  ", text, look.accent()),
        Row::Note(text) => ("  ", text, look.dim()),
        Row::Body(text) => ("  ", text, Style::new()),
    };
    Line::styled(wrap::cut(&format!("{mark}{text}"), columns), style)
}
