//! Every request, once with all that it can carry and once with as little as possible where that differs.

use super::{some, text};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{
    Ask, DeleteState, Filter, GetState, HandOver, Heartbeat, Inbox, ListSessions, ListState, MarkRead, Prune,
    ReadMessage, Register, Request, Send, SetState, Shown, Status, Wait, WatchState,
};

pub(super) fn all() -> Vec<(&'static str, Request)> {
    let mut requests = mail();
    requests.extend(sessions());
    requests.extend(state());
    requests
}

fn sessions() -> Vec<(&'static str, Request)> {
    let register =
        Register { name: text("api"), metadata: some("{\"role\":\"tests\"}"), key: text("call:1") };
    vec![
        ("register.bare", Request::Register(Register { metadata: None, ..register.clone() })),
        ("register", Request::Register(register)),
        ("heartbeat", Request::Heartbeat(Heartbeat {})),
        (
            "list_sessions",
            Request::ListSessions(ListSessions { active_within_min: 10, after_name: some("api") }),
        ),
        (
            "list_sessions.bare",
            Request::ListSessions(ListSessions { active_within_min: 0, after_name: None }),
        ),
        ("prune", Request::Prune(Prune { older_than_days: 30, key: text("call:2") })),
        ("status", Request::Status(Status {})),
        ("hand_over", Request::HandOver(HandOver {})),
    ]
}

fn mail() -> Vec<(&'static str, Request)> {
    let send = Send {
        to: Some(To::One(text("web"))),
        body: text("Grüße, 世界\n\0"),
        tag: some("review"),
        reply_to: Some(300),
        priority: Priority::Normal,
        key: text("call:3"),
    };
    let many = Some(To::Many(vec![text("web"), text("db")]));
    let bare = Send { to: None, tag: None, reply_to: None, priority: Priority::Fyi, ..send.clone() };
    let ask = Ask { send: send.clone(), replies: Some(2), timeout_ms: 50_000 };
    let inbox = Inbox {
        sent: true,
        unread_only: true,
        filter: filter(),
        query: some("two words"),
        before_id: Some(70_000),
        after_id: Some(-1),
        limit: 500,
    };
    let bare_inbox = Inbox {
        sent: false,
        unread_only: false,
        filter: Filter::default(),
        query: None,
        before_id: None,
        after_id: None,
        limit: 20,
    };
    vec![
        ("send.many", Request::Send(Send { to: many, ..send.clone() })),
        ("send.everyone", Request::Send(Send { to: Some(To::Everyone), ..send.clone() })),
        ("send.bare", Request::Send(bare.clone())),
        ("send", Request::Send(send)),
        ("inbox", Request::Inbox(inbox)),
        ("inbox.bare", Request::Inbox(bare_inbox)),
        (
            "read_message",
            Request::ReadMessage(ReadMessage { message_id: 9, offset: 8_000, max_chars: 30_000 }),
        ),
        (
            "mark_read",
            Request::MarkRead(MarkRead { message_ids: vec![1, 2, 5_000_000_000], key: text("call:4") }),
        ),
        ("wait", Request::Wait(Wait { filter: filter(), timeout_ms: 3_600_000 })),
        ("wait.bare", Request::Wait(Wait { filter: Filter::default(), timeout_ms: 0 })),
        ("ask.bare", Request::Ask(Ask { send: bare, replies: None, timeout_ms: u64::MAX })),
        ("ask", Request::Ask(ask)),
        ("shown", Request::Shown(Shown { message_ids: vec![1, 2] })),
    ]
}

fn filter() -> Filter {
    Filter { from: some("web"), tag: some("review"), reply_to: Some(8), thread: Some(5) }
}

fn state() -> Vec<(&'static str, Request)> {
    let set = SetState {
        state_key: text("lease/build"),
        value: text("{\"owner\":\"api\"}"),
        if_version: Some(0),
        ttl_ms: Some(60_000),
        key: text("call:5"),
    };
    let delete = DeleteState { state_key: text("lease/build"), if_version: Some(12), key: text("call:6") };
    vec![
        ("set_state.bare", Request::SetState(SetState { if_version: None, ttl_ms: None, ..set.clone() })),
        ("set_state", Request::SetState(set)),
        ("get_state", Request::GetState(GetState { state_key: text("lease/build") })),
        ("list_state", Request::ListState(ListState { prefix: text("lease/"), after_key: some("lease/a") })),
        ("list_state.bare", Request::ListState(ListState { prefix: String::new(), after_key: None })),
        (
            "watch_state",
            Request::WatchState(WatchState { state_key: text("k"), newer_than: 11, timeout_ms: 50_000 }),
        ),
        ("delete_state.bare", Request::DeleteState(DeleteState { if_version: None, ..delete.clone() })),
        ("delete_state", Request::DeleteState(delete)),
    ]
}
