//! The messages of all sessions, one in each row.

use super::{Frame, Look, Rect, Span, Style};
use crate::cmd::top::app::App;
use crate::cmd::top::stream::{Stream, to_text};
use crate::cmd::top::wrap;
use crate::shape;
use crate::text::visible;
use c2c_proto::message::{Message, ReceiptState};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// The list.
pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, look: Look) {
    let has_keys = !app.in_people;
    let block = look.framed(&title(&app.stream), has_keys);
    let columns = usize::from(block.inner(area).width);
    let selected = app.stream.selected().map(|message| message.id);
    let lines: Vec<Line> = app
        .stream
        .on_screen()
        .map(|message| line(message, columns, selected == Some(message.id), has_keys, look))
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn title(stream: &Stream) -> String {
    let (shown, all) = stream.counts();
    let mut title = format!("messages {all}");
    if shown != all || stream.session().is_some() || !stream.filter().is_empty() {
        title = format!("messages {shown} of {all}");
    }
    if let Some(session) = stream.session() {
        title.push_str(&format!(", of {}", visible(session)));
    }
    if !stream.filter().is_empty() {
        title.push_str(&format!(", with {}", visible(stream.filter())));
    }
    title
}

fn line(message: &Message, columns: usize, selected: bool, has_keys: bool, look: Look) -> Line<'static> {
    let wide = columns >= 100;
    let mark = if selected { "> " } else { "  " };
    let tag = message.tag.as_deref().map(|tag| format!("[{tag}]")).unwrap_or_default();
    let cell = |text: &str, columns| format!("{} ", wrap::exactly(&visible(text), columns));
    let time = time(message, wide);
    let route = cell(&route(message, if wide { 32 } else { 22 }), if wide { 32 } else { 22 });
    let tag = cell(&tag, if wide { 16 } else { 10 });
    let (state, is_read) = state(message);
    let state = cell(&state, 9);
    let before = [mark, &time, &route, &tag, &state].iter().map(|cell| wrap::width(cell)).sum();
    let body = wrap::exactly(&visible(first_line(&message.body)), columns.saturating_sub(before));
    if selected {
        let text = format!("{mark}{time}{route}{tag}{state}{body}");
        return Line::from(Span::styled(text, look.chosen(has_keys)));
    }
    Line::from(vec![
        Span::raw(mark),
        Span::styled(time, look.dim()),
        Span::styled(route, look.accent()),
        Span::styled(tag, look.dim()),
        Span::styled(state, if is_read { look.good() } else { Style::new() }),
        Span::raw(body),
    ])
}

/// From whom to whom; both are to be seen.
fn route(message: &Message, columns: usize) -> String {
    let (from, to) = (visible(&message.from_name), visible(&to_text(&message.to)));
    let room = columns.saturating_sub(3);
    let from = wrap::cut(&from, (room / 2).max(room.saturating_sub(wrap::width(&to))));
    let to = wrap::cut(&to, room.saturating_sub(wrap::width(&from)));
    format!("{from} → {to}")
}

/// When it was committed, in UTC: the time, and with room the day.
fn time(message: &Message, wide: bool) -> String {
    let at = message.created_at.to_string();
    let (from, columns) = if wide { (5, 14) } else { (11, 8) };
    let at = at.get(from..from + columns).unwrap_or(&at).replace('T', " ");
    format!("{} ", wrap::exactly(&at, columns))
}

/// The first line that says anything.
fn first_line(body: &str) -> &str {
    body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()
}

/// How far its deliveries have come, and whether all were read.
fn state(message: &Message) -> (String, bool) {
    let total = message.receipts_total;
    let count = |least| message.receipts.iter().filter(|receipt| rank(receipt.state) >= least).count();
    let (shown, read) = (count(1), count(2));
    let word = match (read, shown) {
        (0, 0) => {
            let way = message.receipts.first().map_or("queued", |receipt| shape::state(receipt.state));
            let word = if total == 0 {
                "nobody"
            } else if total == 1 {
                way
            } else {
                "queued"
            };
            return (word.to_owned(), false);
        }
        (0, _) => "shown",
        _ => "read",
    };
    let of = if read > 0 { read } else { shown };
    let text = if total == 1 { word.to_owned() } else { format!("{word} {of}/{total}") };
    (text, read as u64 == u64::from(total))
}

const fn rank(state: ReceiptState) -> u8 {
    match state {
        ReceiptState::Queued | ReceiptState::Forwarded | ReceiptState::Delivered | ReceiptState::Expired => 0,
        ReceiptState::Shown => 1,
        ReceiptState::Read => 2,
    }
}
