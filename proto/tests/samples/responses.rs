//! Every response, with all that it can carry and with as little as possible where that differs.

use super::{displaced, some, text};
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState, Recipient, To};
use c2c_proto::response::{
    Asked, Deleted, Done, Entry, Heartbeat, Inbox, Marked, Near, OneMessage, Pruned, Registered, Response,
    Sent, SessionInfo, Sessions, State, StateSet, States, Status, Waited,
};
use c2c_proto::time::Timestamp;

pub(crate) const AT: Timestamp = Timestamp(1_795_355_401_234_567);

pub(super) fn all() -> Vec<(&'static str, Response)> {
    let mut responses = mail();
    responses.extend(sessions());
    responses.extend(state());
    responses
}

pub(super) fn done() -> Response {
    Response::Done(Done {})
}

fn sessions() -> Vec<(&'static str, Response)> {
    let registered = Registered { session_id: text("row"), name: text("api"), superseded: Some(displaced()) };
    let info = SessionInfo {
        session_id: text("row"),
        name: text("api"),
        cwd: text("/home/a/project"),
        started_at: Timestamp(-1),
        last_seen_at: AT,
        metadata: some("{}"),
        is_self: true,
        online: false,
        waiting: true,
        unread: 2,
        client: text("claude-code 2.1.330"),
    };
    let bare = SessionInfo { metadata: None, is_self: false, online: true, waiting: false, ..info.clone() };
    vec![
        ("registered.bare", Response::Registered(Registered { superseded: None, ..registered.clone() })),
        ("registered", Response::Registered(registered)),
        ("heartbeat", Response::Heartbeat(Heartbeat { at: AT })),
        ("sessions", Response::Sessions(Sessions { sessions: vec![info, bare], more: true })),
        (
            "pruned",
            Response::Pruned(Pruned { messages_deleted: 1_000, sessions_deleted: 2, state_deleted: 0 }),
        ),
        ("done", done()),
        ("status", Response::Status(Box::new(status()))),
    ]
}

fn mail() -> Vec<(&'static str, Response)> {
    let recipient = Recipient { name: text("web"), online: true, waiting: false, known: true };
    let unknown = Recipient { name: text("db"), online: false, waiting: false, known: false };
    let sent = Sent {
        id: 41,
        to: To::Many(vec![text("web"), text("wbe")]),
        tag: some("review"),
        recipients: vec![recipient.clone()],
        skipped_full: vec![text("db")],
        near: vec![Near { name: text("wbe"), known: vec![text("web")] }],
    };
    let bare = Sent {
        id: 41,
        to: To::Everyone,
        tag: None,
        recipients: Vec::new(),
        skipped_full: Vec::new(),
        near: Vec::new(),
    };
    let messages = || vec![message(), plain_message()];
    vec![
        ("sent.bare", Response::Sent(bare)),
        ("sent", Response::Sent(sent)),
        ("inbox", Response::Inbox(Inbox { messages: messages(), more: true })),
        ("one_message", Response::OneMessage(OneMessage { message: plain_message(), offset: 8_000 })),
        (
            "marked",
            Response::Marked(Marked { marked: 2, already_read: vec![3], not_found: vec![4, 5_000_000_000] }),
        ),
        (
            "waited",
            Response::Waited(Waited { messages: messages(), timed_out: false, repeated: true, more: true }),
        ),
        (
            "asked",
            Response::Asked(Asked {
                id: 41,
                replies: messages(),
                missing: vec![text("db")],
                timed_out: true,
                recipients: vec![recipient, unknown],
            }),
        ),
    ]
}

pub(crate) fn receipt() -> Receipt {
    Receipt {
        name: text("web"),
        state: ReceiptState::Read,
        shown_at: Some(AT),
        read_at: Some(AT),
        read_by: some("web-2"),
    }
}

pub(crate) fn message() -> Message {
    let receipt =
        |name: &str, state| Receipt { name: text(name), state, shown_at: None, read_at: None, read_by: None };
    let read = self::receipt();
    Message {
        id: 41,
        from_name: text("api"),
        from_session: text("row"),
        to: To::Many(vec![text("web"), text("db"), text("ops")]),
        body: text("Grüße, 世界"),
        body_chars: 9_000,
        tag: some("review"),
        reply_to: Some(40),
        thread: 38,
        priority: Priority::Fyi,
        created_at: AT,
        sent_by_reader: true,
        read_at: None,
        receipts: vec![receipt("db", ReceiptState::Queued), receipt("ops", ReceiptState::Shown), read],
        receipts_total: 12_000,
    }
}

fn plain_message() -> Message {
    Message {
        id: 42,
        to: To::One(text("api")),
        tag: None,
        reply_to: None,
        thread: 42,
        priority: Priority::Normal,
        sent_by_reader: false,
        read_at: Some(AT),
        receipts: Vec::new(),
        receipts_total: 0,
        ..message()
    }
}

fn state() -> Vec<(&'static str, Response)> {
    let entry = Entry {
        state_key: text("lease/build"),
        value: some("{\"owner\":\"api\"}"),
        value_chars: 15,
        version: 12,
        updated_at: AT,
        updated_by: text("api"),
        expires_at: Some(AT),
    };
    let long = Entry { value: None, value_chars: 5_000, expires_at: None, ..entry.clone() };
    let set = StateSet {
        state_key: text("lease/build"),
        version: 12,
        updated_at: AT,
        updated_by: text("api"),
        expires_at: Some(AT),
    };
    vec![
        ("state_set.bare", Response::StateSet(StateSet { expires_at: None, ..set.clone() })),
        ("state_set", Response::StateSet(set)),
        ("state", Response::State(State { entry: Some(entry.clone()), timed_out: false })),
        ("state.bare", Response::State(State { entry: None, timed_out: true })),
        ("states", Response::States(States { entries: vec![entry, long], more: true })),
        ("deleted", Response::Deleted(Deleted { deleted: true })),
    ]
}

fn status() -> Status {
    Status {
        version: text("0.2.0"),
        protocol: 1,
        pid: 70_000,
        uptime_s: 86_400,
        epoch: 5,
        service: true,
        store: text("/home/a/.claude/c2c.db"),
        store_id: text("store"),
        store_bytes: 10_000_000_000,
        durability: text("full"),
        connections: 12,
        sessions_online: 11,
        waits: 10,
        messages: 1_000_000,
        unread: 9,
        commits: 8,
        commit_p50_us: 350,
        commit_p99_us: 1_200,
        last_errors: vec![text("2026-11-22T13:50:01.234Z storage_full")],
    }
}
