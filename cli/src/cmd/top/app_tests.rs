//! What keys and news do to the state.

use super::app::{App, Wish};
use super::feed::{News, Poll};
use super::keys::{Action, Place};
use super::text_field::Edit;
use c2c_proto::Error;
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState, Recipient, To};
use c2c_proto::response::Sent;
use c2c_proto::time::Timestamp;

fn message(id: i64, from: &str, state: ReceiptState) -> Message {
    let receipt = Receipt { name: "web".to_owned(), state, shown_at: None, read_at: None, read_by: None };
    Message {
        id,
        from_name: from.to_owned(),
        from_session: String::new(),
        to: To::One("web".to_owned()),
        body: "hello".to_owned(),
        body_chars: 5,
        tag: None,
        reply_to: None,
        thread: 1,
        priority: Priority::Normal,
        created_at: Timestamp(id),
        sent_by_reader: false,
        read_at: None,
        receipts: vec![receipt],
        receipts_total: 1,
    }
}

fn app(from: &str) -> App {
    let mut app = App::new("user-ada".to_owned());
    app.stream.fit(5);
    app.hear(News::Messages { messages: vec![message(1, from, ReceiptState::Queued)], new: false });
    app
}

fn to(app: &App) -> String {
    app.form.as_ref().unwrap().to.text()
}

fn sent() -> Sent {
    let recipient = Recipient { name: "web".to_owned(), online: true, waiting: false, known: true };
    let to = To::One("web".to_owned());
    Sent { id: 9, to, tag: None, recipients: vec![recipient], skipped_full: vec![], near: vec![] }
}

#[test]
fn an_answer_goes_to_the_sender_and_to_ones_own_message_to_its_recipients() {
    let mut other = app("api");
    other.act(Action::Reply);
    assert_eq!(to(&other), "api");
    let mut own = app("user-ada");
    own.act(Action::Reply);
    assert_eq!(to(&own), "web");
}

#[test]
fn what_was_begun_is_kept_until_it_is_sent_and_sent_once() {
    let mut app = app("api");
    app.act(Action::Reply);
    app.act(Action::Edit(Edit::Paste("text".to_owned())));
    app.act(Action::Close);
    assert_eq!(app.place(), Place::Lists);
    app.act(Action::Write);
    assert!(app.form.as_ref().unwrap().is_blank());
    app.act(Action::Close);
    app.act(Action::Reply);
    let Some(Wish::Send(first)) = app.act(Action::Send) else { panic!("it is sent") };
    assert_eq!((first.body.as_str(), first.reply_to), ("text", Some(1)));
    assert_eq!(app.act(Action::Send), None, "it is on its way");
    app.act(Action::Close);
    app.hear(News::Sent(Err(Error::invalid("refused", "do it otherwise"))));
    assert_eq!(app.said.as_ref().unwrap().text, "refused; do it otherwise");
    let Some(Wish::Send(again)) = app.act(Action::Send) else { panic!("it is sent again") };
    assert_eq!(again, first, "with the same key");
    app.hear(News::Sent(Ok(sent())));
    assert_eq!(app.said.as_ref().unwrap().text, "sent 9 to web (online)");
    app.act(Action::Reply);
    assert!(app.form.as_ref().unwrap().is_blank());
}

#[test]
fn an_open_thread_is_read_again_when_a_message_of_it_comes() {
    let mut app = app("api");
    assert_eq!(app.act(Action::Open), Some(Wish::Thread(1, vec![])));
    app.hear(News::Body(1, "whole".to_owned()));
    let new = |messages| News::Messages { messages, new: true };
    let wish = app.hear(new(vec![message(2, "web", ReceiptState::Queued)]));
    assert_eq!(wish, Some(Wish::Thread(1, vec![1])));
    let other = Message { thread: 3, ..message(3, "web", ReceiptState::Queued) };
    assert_eq!(app.hear(new(vec![other])), None);
    assert!(!app.second().sessions);
    app.act(Action::Close);
    assert!(app.second().sessions);
}

#[test]
fn silence_and_trouble_are_told_and_nothing_is_looked_at_for_no_reason() {
    let mut app = app("api");
    assert_eq!(app.second(), Poll { sessions: true, marks: None });
    assert_eq!(app.trouble(), None);
    app.second();
    app.second();
    assert_eq!(app.trouble().unwrap(), "the broker has not answered for 3 s (still asking)");
    app.hear(News::Trouble(Error::internal("gone")));
    assert_eq!(app.trouble().unwrap(), "gone (trying again)");
}

#[test]
fn a_mark_is_taken_over_and_a_paste_is_no_command() {
    let mut app = app("api");
    app.hear(News::Marks(vec![message(1, "api", ReceiptState::Read), message(7, "api", ReceiptState::Read)]));
    let shown: Vec<_> = app.stream.on_screen().map(|one| (one.id, one.receipts[0].state)).collect();
    assert_eq!(shown, [(1, ReceiptState::Read)]);
    assert_eq!(app.act(Action::Edit(Edit::Paste("q".to_owned()))), None);
    assert_eq!(app.act(Action::Quit), Some(Wish::Quit));
}
