//! How everything is drawn: where each part is, and with which look. Drawing changes nothing.

mod charts;
mod compose;
mod header;
mod help;
mod sessions;
mod stream;
mod thread;

use super::app::App;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType};

/// Columns of the charts.
const CHARTS_COLUMNS: u16 = 28;
/// Below this many columns there are no charts, and below this many rows only messages.
const CHARTS_FROM_COLUMNS: u16 = 64;
const LISTS_FROM_ROWS: u16 = 14;

/// With colours, or without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Whether there are colours.
    pub(super) colour: bool,
}

impl Look {
    fn in_colour(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn good(self) -> Style {
        self.in_colour(Color::Green)
    }

    fn bad(self) -> Style {
        self.in_colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn accent(self) -> Style {
        self.in_colour(Color::Cyan)
    }

    /// The selected row of a list, which has the keys or not.
    fn chosen(self, has_keys: bool) -> Style {
        if has_keys { Style::new().add_modifier(Modifier::REVERSED) } else { self.strong() }
    }

    /// A frame with a title; the one that has the keys stands out.
    fn framed(self, title: &str, has_keys: bool) -> Block<'static> {
        let style = if has_keys { self.accent() } else { self.dim() };
        let title = Span::styled(format!(" {title} "), if has_keys { self.strong() } else { Style::new() });
        Block::bordered().border_type(BorderType::Plain).border_style(style).title(title)
    }
}

/// Where the parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Areas {
    header: Rect,
    sessions: Rect,
    charts: Rect,
    stream: Rect,
    /// Everything between the first line and the last.
    body: Rect,
    footer: Rect,
}

/// Where the parts are on a screen of this size.
pub(super) fn areas(screen: Rect) -> Areas {
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [header, body, footer] = Layout::vertical(rows).areas(screen);
    let lists = if screen.height < LISTS_FROM_ROWS { 0 } else { (screen.height / 3).clamp(6, 14) };
    let [upper, stream] = Layout::vertical([Constraint::Length(lists), Constraint::Min(0)]).areas(body);
    let charts = if screen.width < CHARTS_FROM_COLUMNS { 0 } else { CHARTS_COLUMNS + screen.width / 8 - 8 };
    let [sessions, charts] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(charts)]).areas(upper);
    Areas { header, sessions, charts, stream, body, footer }
}

/// What is inside of a frame.
fn inside(area: Rect) -> Rect {
    Block::bordered().inner(area)
}

/// Fits what is shown to the screen; to be done before it is drawn.
pub(super) fn fit(app: &mut App, areas: &Areas) {
    app.stream.fit(usize::from(inside(areas.stream).height));
    // One row is the heading.
    app.people.fit(usize::from(inside(areas.sessions).height.saturating_sub(1)));
    if let Some(thread) = &mut app.thread {
        let inner = inside(areas.body);
        thread.fit(inner.width, inner.height);
    }
}

/// Draws it all.
pub(super) fn draw(frame: &mut Frame, app: &App, areas: &Areas, look: Look) {
    header::draw(frame, areas.header, app, look);
    if let Some(thread) = &app.thread {
        thread::draw(frame, areas.body, thread, look);
    } else {
        sessions::draw(frame, areas.sessions, app, look);
        charts::draw(frame, areas.charts, app, look);
        stream::draw(frame, areas.stream, app, look);
    }
    header::footer(frame, areas.footer, app, look);
    if let Some(form) = &app.form {
        compose::draw(frame, areas.body, form, look);
    }
    if app.help {
        help::draw(frame, areas.body, look);
    }
}

/// The middle of an area, with at most so many columns and rows.
fn middle(area: Rect, columns: u16, rows: u16) -> Rect {
    let (width, height) = (columns.min(area.width), rows.min(area.height));
    let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
    Rect { x, y, width, height }
}

#[cfg(test)]
mod tests;
