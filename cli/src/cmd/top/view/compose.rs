//! The form in which a message is written, over everything else.

use super::{Frame, Look, Rect, Span, Style, middle};
use crate::cmd::top::form::{Field, Form};
use crate::cmd::top::text_field::Text;
use crate::cmd::top::wrap;
use crate::text::visible;
use ratatui::layout::{Constraint, Layout};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

const COLUMNS: u16 = 90;
const ROWS: u16 = 20;

/// The form, with the cursor in its place.
pub(super) fn draw(frame: &mut Frame, area: Rect, form: &Form, look: Look) {
    let area = middle(area, COLUMNS, ROWS);
    let title = form.reply_to.map_or_else(|| "write a message".to_owned(), |id| format!("answer {id}"));
    let block = look.framed(&title, true);
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let one = Constraint::Length(1);
    let [to, tag, heading, body] = Layout::vertical([one, one, one, Constraint::Min(0)]).areas(inner);
    one_line(frame, to, "To   ", &form.to, form.field == Field::To, look);
    one_line(frame, tag, "Tag  ", &form.tag, form.field == Field::Tag, look);
    frame.render_widget(Span::styled("Body ", label(form.field == Field::Body, look)), heading);
    lines(frame, body, &form.body, form.field == Field::Body);
}

fn label(has_cursor: bool, look: Look) -> Style {
    if has_cursor { look.accent().patch(look.strong()) } else { look.dim() }
}

fn one_line(frame: &mut Frame, area: Rect, name: &'static str, text: &Text, has_cursor: bool, look: Look) {
    let room = usize::from(area.width).saturating_sub(name.len() + 1);
    let before = visible(text.before());
    let whole = visible(&text.text());
    // What stands before the cursor goes out of sight, as far as it must.
    let hidden = wrap::width(&before).saturating_sub(room);
    let text = wrap::cut(&after_columns(&whole, hidden), room);
    let line = Line::from(vec![Span::styled(name, label(has_cursor, look)), Span::raw(text)]);
    frame.render_widget(line, area);
    if has_cursor {
        put_cursor(frame, area, name.len() + wrap::width(&before).min(room), 0);
    }
}

/// The text without so many columns at its begin.
fn after_columns(text: &str, columns: usize) -> String {
    let mut rest = text;
    while !rest.is_empty() && wrap::width(text) - wrap::width(rest) < columns {
        let mut chars = rest.chars();
        chars.next();
        rest = chars.as_str();
    }
    rest.to_owned()
}

fn lines(frame: &mut Frame, area: Rect, text: &Text, has_cursor: bool) {
    let columns = usize::from(area.width).saturating_sub(1);
    let in_rows = |text: &str| -> Vec<String> {
        text.split('\n').flat_map(|line| wrap::pieces(&visible(line), columns)).collect()
    };
    let before = in_rows(text.before());
    let (row, column) = (before.len().saturating_sub(1), before.last().map_or(0, |row| wrap::width(row)));
    let top = (row + 1).saturating_sub(usize::from(area.height));
    let rows = in_rows(&text.text());
    let shown: Vec<Line> = rows.into_iter().skip(top).take(usize::from(area.height)).map(Line::raw).collect();
    frame.render_widget(Paragraph::new(shown), area);
    if has_cursor {
        put_cursor(frame, area, column, row.saturating_sub(top));
    }
}

/// Within the area, whatever is asked for.
fn put_cursor(frame: &mut Frame, area: Rect, column: usize, row: usize) {
    let within = |at: usize, length: u16| u16::try_from(at).unwrap_or(u16::MAX).min(length.saturating_sub(1));
    frame.set_cursor_position((area.x + within(column, area.width), area.y + within(row, area.height)));
}
