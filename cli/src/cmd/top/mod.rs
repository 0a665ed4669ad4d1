//! `c2c top`: sessions and messages as they come, on a terminal. This file ties the parts together: keys and news change
//! the state (`app`), what that asks for is done (`feed`), and then it is drawn (`view`).

mod app;
#[cfg(test)]
mod app_tests;
mod charts;
mod feed;
mod form;
mod keys;
mod people;
mod screen;
mod stream;
mod text_field;
mod thread;
mod view;
mod wrap;

use crate::exit::Exit;
use crate::link::Link;
use crate::person;
use crate::text::Paint;
use anyhow::Context;
use app::{App, Wish};
use clap::Args;
use feed::{Feed, News};
use futures_util::StreamExt;
use ratatui::crossterm::event::{Event, EventStream};
use ratatui::layout::Rect;
use screen::Screen;
use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;
use text_field::Edit;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;
use view::Look;

/// What `--help` says first.
pub(crate) const ABOUT: &str = "\
Shows sessions and messages live: who is online, waiting, or has unread mail; every message as it is sent, and what
became of it; how many messages come, and how long commits take.

Looking changes nothing: no mail is marked read or shown, and you are no session. Only when you write a message you take
part, under your own name (user-<login>), and answers come to your mailbox. While the broker does not answer the first
line says why, and the view goes on when it does.";

const AFTER: &str = "\
Keys:
  ↑ ↓ k j, PgUp PgDn, Home End   select a message or a session, scroll a thread
  Tab                            to the sessions and back; the next message of a thread
  Enter                          open the thread of a message; with a session: only its messages
  Esc                            close what is open, end the filters
  /                              show only messages with a text in sender, recipients, tag or body
  n, r                           write a message, answer the selected one
  Ctrl-S, Alt-Enter              send it; Tab goes to the next field, Esc keeps a draft
  ?                              help
  q, Ctrl-C                      quit

Exit status:
  0    you quit
  1    an error
  2    wrong usage, or stdin or stdout is no terminal: use `c2c tail -f` there
  130  it was asked to terminate

Examples:
  c2c top
  CLAUDE_C2C_DB=/tmp/try/c2c.db c2c top   for another store";

/// What can be said to `c2c top`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TopArgs {}

/// Watch sessions and messages live.
pub(crate) async fn run(_args: TopArgs) -> anyhow::Result<Exit> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let text =
            "c2c: top draws on a terminal, and stdin or stdout is none\n     use `c2c tail -f` there\n";
        io::stderr().write_all(text.as_bytes())?;
        return Ok(Exit::Usage);
    }
    let (link, stores) = Link::keep_looking_on()?;
    let (feed, news) = Feed::start(link, stores);
    let mut screen = Screen::enter().context("the terminal cannot be set up")?;
    let look = Look { colour: Paint::for_stdout().is_on() };
    // Boxed: it lives as long as the process, and is large.
    Box::pin(watch(&mut screen, look, &feed, news)).await
}

/// What happens next.
enum Happened {
    Key(Option<io::Result<Event>>),
    News(News),
    Second,
    Asked,
}

async fn watch(
    screen: &mut Screen,
    look: Look,
    feed: &Feed,
    mut news: UnboundedReceiver<News>,
) -> anyhow::Result<Exit> {
    let mut app = App::new(person::name());
    let mut events = EventStream::new();
    let mut asked = pin!(super::demo::interrupt::requested());
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut polling = false;
    loop {
        let happened = tokio::select! {
            _asked = &mut asked => Happened::Asked,
            event = events.next() => Happened::Key(event),
            Some(one) = news.recv() => Happened::News(one),
            _ = seconds.tick() => Happened::Second,
        };
        match happened {
            Happened::Asked => return Ok(Exit::Interrupted),
            // The terminal is gone.
            Happened::Key(None) => return Ok(Exit::Done),
            Happened::Key(Some(event)) => {
                if do_wish(key(&mut app, event?), feed) {
                    return Ok(Exit::Done);
                }
            }
            Happened::News(one) => {
                let mut next = Some(one);
                // All that is here already makes one picture.
                while let Some(one) = next {
                    polling &= !matches!(one, News::Polled);
                    do_wish(app.hear(one), feed);
                    next = news.try_recv().ok();
                }
            }
            Happened::Second => {
                let poll = app.second();
                if !polling {
                    polling = true;
                    feed.poll(poll);
                }
            }
        }
        draw(screen, &mut app, look)?;
    }
}

fn key(app: &mut App, event: Event) -> Option<Wish> {
    match event {
        Event::Key(key) => keys::action(app.place(), key).and_then(|action| app.act(action)),
        Event::Paste(text) => app.act(keys::Action::Edit(Edit::Paste(text))),
        _ => None,
    }
}

/// Does what has to be done outside; whether it is to end.
fn do_wish(wish: Option<Wish>, feed: &Feed) -> bool {
    match wish {
        Some(Wish::Quit) => return true,
        Some(Wish::Thread(id, whole)) => feed.thread(id, whole),
        Some(Wish::Send(message)) => feed.send(*message),
        None => {}
    }
    false
}

/// Only what differs from what is on the screen is written to the terminal.
fn draw(screen: &mut Screen, app: &mut App, look: Look) -> io::Result<()> {
    screen.terminal.draw(|frame| {
        let areas = view::areas(Rect { x: 0, y: 0, ..frame.area() });
        view::fit(app, &areas);
        view::draw(frame, app, &areas, look);
    })?;
    Ok(())
}
