//! The pictures, of states that were made by hand.

use super::super::app::App;
use super::super::feed::News;
use super::super::keys::Action;
use super::super::stream::Motion;
use super::super::text_field::Edit;
use super::{Look, areas, draw, fit};
use crate::cmd::status;
use c2c_proto::Error;
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState, To};
use c2c_proto::response::SessionInfo;
use c2c_proto::time::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

fn session(name: &str, online: bool, waiting: bool, unread: u64) -> SessionInfo {
    SessionInfo {
        session_id: name.to_owned(),
        name: name.to_owned(),
        cwd: "/home/ada".to_owned(),
        started_at: Timestamp(0),
        last_seen_at: Timestamp(0),
        metadata: None,
        is_self: false,
        online,
        waiting,
        unread,
        client: "claude-code 2.1.330".to_owned(),
    }
}

fn message(id: i64, from: &str, to: &str, tag: Option<&str>, body: &str) -> Message {
    let receipt = |name: &str, state| Receipt {
        name: name.to_owned(),
        state,
        shown_at: None,
        read_at: None,
        read_by: None,
    };
    let (to, receipts) = if to == "*" {
        (To::Everyone, vec![receipt("api", ReceiptState::Read), receipt("web", ReceiptState::Shown)])
    } else {
        (To::One(to.to_owned()), vec![receipt(to, ReceiptState::Queued)])
    };
    Message {
        id,
        from_name: from.to_owned(),
        from_session: from.to_owned(),
        to,
        body: body.to_owned(),
        body_chars: body.chars().count() as u64,
        tag: tag.map(str::to_owned),
        reply_to: (id == 12).then_some(11),
        thread: if id == 12 { 11 } else { id },
        priority: Priority::Normal,
        created_at: Timestamp(1_795_355_401_000_000 + id * 1_000_000),
        sent_by_reader: false,
        read_at: None,
        receipts_total: u32::try_from(receipts.len()).unwrap(),
        receipts,
    }
}

fn example() -> App {
    let mut app = App::new("user-ada".to_owned());
    app.hear(News::Status(Box::new(status::tests::example())));
    let sessions = vec![
        session("api", true, true, 0),
        session("docs\u{1b}[2J", false, false, 3),
        session("web", true, false, 12),
    ];
    app.hear(News::Sessions { sessions, more: false });
    let messages = vec![
        message(10, "api", "web", Some("build"), "the build is green\nsecond line"),
        message(
            11,
            "web",
            "*",
            None,
            "\n日本語のとても長い本文はここで切られるべきである、半分の文字を残さずに 🦀🦀🦀🦀🦀🦀🦀🦀",
        ),
        message(12, "api", "web", Some("re:\u{7}"), "an answer\tof \u{1b}]0;title\u{7} and \u{202e}more"),
        message(13, "a-name-that-is-rather-long", "another-long-name", None, "short"),
    ];
    app.hear(News::Messages { messages, new: true });
    app.second();
    app
}

fn terminal(app: &mut App, columns: u16, rows: u16, colour: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| {
            let areas = areas(frame.area());
            fit(app, &areas);
            draw(frame, app, &areas, Look { colour });
        })
        .unwrap();
    terminal
}

fn picture(app: &mut App, columns: u16, rows: u16) -> String {
    terminal(app, columns, rows, true).backend().to_string()
}

#[test]
fn the_lists_fit_a_small_and_a_large_terminal() {
    insta::assert_snapshot!("lists_80x24", picture(&mut example(), 80, 24));
    insta::assert_snapshot!("lists_120x40", picture(&mut example(), 120, 40));
}

#[test]
fn sessions_that_are_not_listed_are_told_of() {
    let mut app = example();
    let sessions = vec![session("api", true, true, 0), session("web", false, false, 0)];
    app.hear(News::Sessions { sessions, more: true });
    let picture = picture(&mut app, 80, 24);
    assert!(picture.contains("sessions 2 of more, 1 online"), "{picture}");
}

#[test]
fn a_thread_is_shown_whole() {
    let mut app = example();
    app.act(Action::Go(Motion::Up));
    assert!(app.act(Action::Open).is_some());
    let messages = vec![
        message(
            11,
            "web",
            "*",
            None,
            "a question that needs more than one row of the terminal to be asked: who has the key?",
        ),
        message(12, "api", "web", Some("re:\u{7}"), "an answer\n\n\tof \u{1b}]0;title\u{7}\r\nthree lines"),
    ];
    app.hear(News::Thread { id: 11, messages, more: true });
    insta::assert_snapshot!("thread_80x24", picture(&mut app, 80, 24));
    insta::assert_snapshot!("thread_120x40", picture(&mut app, 120, 40));
}

#[test]
fn a_message_is_written_and_what_is_missing_is_said() {
    let mut app = example();
    app.act(Action::Reply);
    app.act(Action::Edit(Edit::Paste("first\n".to_owned() + &"wide 日本 ".repeat(20))));
    insta::assert_snapshot!("answer_80x24", picture(&mut app, 80, 24));
    app.act(Action::Close);
    app.act(Action::Write);
    assert_eq!(app.act(Action::Send), None);
    insta::assert_snapshot!("write_120x40", picture(&mut app, 120, 40));
}

#[test]
fn the_help_lists_the_keys() {
    let mut app = example();
    app.act(Action::Help);
    insta::assert_snapshot!("help_80x24", picture(&mut app, 80, 24));
}

#[test]
fn a_filter_and_trouble_are_told() {
    let mut app = example();
    app.act(Action::Next(true));
    app.act(Action::Go(Motion::Down));
    app.act(Action::Open);
    app.act(Action::Filter);
    "SHORT".chars().for_each(|char| drop(app.act(Action::Edit(Edit::Insert(char)))));
    app.hear(News::Trouble(Error::internal("no broker\u{1b}[2J answers")));
    insta::assert_snapshot!("filter_80x24", picture(&mut app, 80, 24));
}

#[test]
fn without_colour_there_is_none() {
    let colours = |colour| {
        let terminal = terminal(&mut example(), 80, 24, colour);
        let cells = terminal.backend().buffer().content();
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert!(colours(true) > 0);
    assert_eq!(colours(false), 0);
}

#[test]
fn no_terminal_is_too_small_and_nothing_reaches_it_that_it_would_obey() {
    let mut app = example();
    app.act(Action::Open);
    let mut lists = example();
    let mut form = example();
    form.act(Action::Reply);
    for (columns, rows) in [(1, 1), (2, 3), (10, 4), (20, 15), (64, 14), (200, 60)] {
        for app in [&mut app, &mut lists, &mut form] {
            app.help = !app.help;
            let picture = picture(app, columns, rows);
            let bad = picture.chars().find(|char| *char != '\n' && crate::text::obeyed(*char));
            assert_eq!(bad, None, "{picture}");
        }
    }
}
