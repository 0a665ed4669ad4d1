//! The first line, how the broker does, and the last one: what was said, what is typed, which keys there are.

use super::{Frame, Look, Rect, Span, Style};
use crate::cmd::status::{in_words, size};
use crate::cmd::top::app::App;
use crate::cmd::top::keys::Place;
use crate::cmd::top::wrap;
use crate::text::visible;
use c2c_proto::response::Status;
use ratatui::text::Line;

/// The first line.
pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, look: Look) {
    let (text, style) = match (app.trouble(), &app.status) {
        (Some(trouble), _) => (trouble, look.bad()),
        (None, Some(status)) => (of(status, area.width), look.strong()),
        (None, None) => ("asking the broker".to_owned(), look.dim()),
    };
    let text = wrap::cut(&visible(&format!(" c2c {text}")), usize::from(area.width));
    frame.render_widget(Span::styled(text, style), area);
}

fn of(status: &Status, columns: u16) -> String {
    let mut text = format!(
        "{}  pid {}  up {}  {}  {}  {} messages  {} unread",
        status.version,
        status.pid,
        in_words(status.uptime_s),
        size(status.store_bytes),
        status.durability,
        status.messages,
        status.unread
    );
    let more = format!("  {} connections  {}", status.connections, status.store);
    if wrap::width(&text) + wrap::width(&more) + " c2c ".len() <= usize::from(columns) {
        text.push_str(&more);
    }
    text
}

/// The last line.
pub(super) fn footer(frame: &mut Frame, area: Rect, app: &App, look: Look) {
    let columns = usize::from(area.width);
    if let Some(filter) = &app.filter {
        let line = format!(" /{}", visible(&filter.text()));
        let cursor = wrap::width(&visible(filter.before())) + 2;
        let keys = "Enter keeps it, Esc ends it";
        let room = columns.saturating_sub(wrap::width(keys) + 1);
        let line = Line::from(vec![
            Span::styled(wrap::exactly(&line, room), Style::new()),
            Span::styled(keys, look.dim()),
        ]);
        frame.render_widget(line, area);
        if !app.help {
            let x = area.x.saturating_add(u16::try_from(cursor.min(room)).unwrap_or(u16::MAX));
            frame.set_cursor_position((x.min(area.right().saturating_sub(1)), area.y));
        }
        return;
    }
    let (text, style) = match (&app.said, app.place()) {
        (Some(said), _) => (said.text.as_str(), if said.good { look.good() } else { look.bad() }),
        (None, Place::Form) => ("Ctrl-S or Alt-Enter sends  Tab next field  Esc leaves", look.dim()),
        (None, Place::Thread) => {
            ("↑↓ scroll  Tab next message  r reply  Esc close  ? help  q quit", look.dim())
        }
        (None, _) => ("? help  q quit  Tab list  Enter open  / filter  n write  r reply", look.dim()),
    };
    let text = wrap::cut(&format!(" {}", visible(text)), columns);
    frame.render_widget(Span::styled(text, style), area);
}
