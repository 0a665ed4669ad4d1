//! Two charts of the last minute: messages in each second, and how long commits took.

use super::{Frame, Look, Rect, Span, Style};
use crate::cmd::top::app::App;
use crate::cmd::top::wrap;
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::{RenderDirection, Sparkline};

/// Both.
pub(super) fn draw(frame: &mut Frame, area: Rect, app: &App, look: Look) {
    let block = look.framed("the last minute", false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let one = Constraint::Length(1);
    let rows = Layout::vertical([one, Constraint::Fill(1), one, Constraint::Fill(1)]);
    let [rates_text, rates, commits_text, commits] = rows.areas(inner);
    let most = app.charts.message_rates().max().unwrap_or(0);
    // The present second is not over.
    let now = app.charts.message_rates().nth_back(1).unwrap_or(0);
    text(frame, rates_text, &format!("messages/s {now}, most {most}"));
    chart(frame, rates, app.charts.message_rates().rev().skip(1), look.accent());
    let median = app.charts.commit_medians().next_back().unwrap_or(0);
    text(frame, commits_text, &format!("commit p50 {} p99 {} ms", ms(median), ms(app.charts.slowest_us())));
    chart(frame, commits, app.charts.commit_medians().rev(), look.good());
}

fn text(frame: &mut Frame, area: Rect, text: &str) {
    frame.render_widget(Span::raw(wrap::cut(text, usize::from(area.width))), area);
}

/// The newest value stands at the right.
fn chart(frame: &mut Frame, area: Rect, newest_first: impl Iterator<Item = u64>, style: Style) {
    let values: Vec<u64> = newest_first.take(usize::from(area.width)).collect();
    let chart = Sparkline::default().data(values).style(style).direction(RenderDirection::RightToLeft);
    frame.render_widget(chart, area);
}

fn ms(us: u64) -> String {
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}
