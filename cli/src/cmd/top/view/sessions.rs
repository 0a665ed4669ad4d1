//! The list of sessions.

use super::{Frame, Look, Rect, Span, Style};
use crate::cmd::top::app::App;
use crate::cmd::top::wrap;
use crate::text::visible;
use c2c_proto::response::SessionInfo;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Columns of everything but the name and the client, with the spaces between.
const FIXED: usize = 2 + 8 + 9 + 8;

/// The list.
pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, look: Look) {
    let (all, online, waiting) = app.people.counts();
    let more = if app.people.has_more() { " of more" } else { "" };
    let title = format!("sessions {all}{more}, {online} online, {waiting} waiting");
    let block = look.framed(&title, app.in_people);
    let columns = usize::from(block.inner(area).width);
    let selected = app.people.selected().map(|session| session.name.as_str());
    let heading = row(columns, " ", "name", "state", "waits", "unread", "client");
    let mut lines = vec![Line::styled(heading, look.dim())];
    for session in app.people.on_screen() {
        lines.push(line(session, columns, selected == Some(&session.name), app.in_people, look));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn line(session: &SessionInfo, columns: usize, selected: bool, has_keys: bool, look: Look) -> Line<'static> {
    let state = if session.online { "online" } else { "away" };
    let waits = if session.waiting { "waiting" } else { "" };
    let unread = session.unread.to_string();
    let mark = if selected && has_keys { ">" } else { " " };
    let text = row(columns, mark, &session.name, state, waits, &unread, &session.client);
    let style = match (selected && has_keys, session.online) {
        (true, _) => look.chosen(true),
        (_, true) => Style::new(),
        _ => look.dim(),
    };
    Line::from(Span::styled(text, style))
}

fn row(
    columns: usize,
    mark: &str,
    name: &str,
    state: &str,
    waits: &str,
    unread: &str,
    client: &str,
) -> String {
    let rest = columns.saturating_sub(FIXED);
    let names = (rest * 3 / 5).min(40);
    let cell = |text: &str, columns| wrap::exactly(&visible(text), columns);
    format!(
        "{} {}{}{}{}{}",
        cell(mark, 1),
        cell(&format!("{} ", wrap::cut(&visible(name), names.saturating_sub(1))), names),
        cell(state, 8),
        cell(waits, 9),
        cell(unread, 8),
        cell(client, rest.saturating_sub(names))
    )
}
