//! One value of every frame, with every variant of every enum that travels; names are stable, they key the golden file.

mod link;
mod person;
pub(crate) mod push;
mod requests;
pub(crate) mod responses;
mod shared;

use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::event::{Closing, Event, MailWaiting};
use c2c_proto::frame::{ClientFrame, MailCount, Reply, ServerFrame};
use c2c_proto::hello::{Hello, Identity, MAGIC, Role, SessionState, Welcome};
use c2c_proto::message::Priority;
use c2c_proto::response::Displaced;

/// The id of every call here: one byte on the wire.
pub(crate) const CALL_ID: u64 = 7;

pub(crate) fn text(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn some(word: &str) -> Option<String> {
    Some(word.to_owned())
}

/// Everything that a client says.
pub(crate) fn from_client() -> Vec<(String, ClientFrame)> {
    let mut frames = vec![
        (text("hello.session"), ClientFrame::Hello(hello(Role::Session(Box::new(identity()))))),
        (text("hello.session.bare"), ClientFrame::Hello(hello(Role::Session(Box::default())))),
        (text("hello.control"), ClientFrame::Hello(hello(Role::Control))),
        (text("hello.person"), ClientFrame::Hello(hello(Role::Person(Box::new(identity()))))),
        (text("cancel"), ClientFrame::Cancel { id: CALL_ID }),
        (text("cancel.large_id"), ClientFrame::Cancel { id: u64::MAX }),
    ];
    frames.extend(
        requests::all()
            .into_iter()
            .chain(push::requests())
            .chain(person::requests())
            .chain(link::requests())
            .chain(shared::requests())
            .map(|(name, request)| (format!("call.{name}"), ClientFrame::Call { id: CALL_ID, request })),
    );
    frames
}

/// Everything that a broker says.
pub(crate) fn from_broker() -> Vec<(String, ServerFrame)> {
    let mut frames = vec![
        (text("welcome"), ServerFrame::Welcome(welcome(Some(session())))),
        (text("welcome.bare"), ServerFrame::Welcome(welcome(None))),
        (text("reply.mail"), reply(Some(MailCount { unread: 300, new: 2 }), responses::done())),
    ];
    for code in ErrorCode::ALL {
        frames.push((format!("refused.{code}"), ServerFrame::Refused(error(code))));
    }
    frames.push((
        text("reply.error"),
        ServerFrame::Reply(Reply { id: CALL_ID, mail: None, result: Err(error(ErrorCode::NotFound)) }),
    ));
    frames.extend(
        responses::all()
            .into_iter()
            .chain(push::responses())
            .chain(person::responses())
            .chain(link::responses())
            .chain(shared::responses())
            .map(|(name, response)| (format!("reply.{name}"), reply(None, response))),
    );
    frames.extend(
        events()
            .into_iter()
            .chain(push::events())
            .map(|(name, event)| (format!("event.{name}"), ServerFrame::Event(event))),
    );
    frames
}

pub(crate) fn reply(mail: Option<MailCount>, response: c2c_proto::response::Response) -> ServerFrame {
    ServerFrame::Reply(Reply { id: CALL_ID, mail, result: Ok(response) })
}

fn error(code: ErrorCode) -> Error {
    Error { code, message: text("what happened"), hint: text("what to do"), retry_safe: code.retry_safe() }
}

fn hello(role: Role) -> Hello {
    Hello {
        magic: MAGIC,
        protocol_min: 1,
        protocol_max: 1,
        build: text("0.2.0"),
        role,
        extra: vec![(text("fact"), text("value"))],
    }
}

pub(crate) fn identity() -> Identity {
    Identity {
        key: text("shim-key"),
        session_id: some("row"),
        automatic: true,
        wanted_name: some("api"),
        client_session: some("client"),
        parent: text("4711:123456"),
        project_dir: text("/home/a/project"),
        cwd: text("/home/a/project/src"),
        client: text("claude-code 2.1.330"),
    }
}

fn welcome(session: Option<SessionState>) -> Welcome {
    Welcome {
        protocol: 1,
        build: text("0.2.0"),
        pid: 70_000,
        store_id: text("store"),
        session,
        extra: vec![(text("push"), text("auto"))],
    }
}

pub(crate) fn session() -> SessionState {
    SessionState {
        session_id: text("row"),
        name: text("api"),
        superseded: true,
        displaced: Some(displaced()),
    }
}

pub(crate) fn displaced() -> Displaced {
    Displaced { session_id: text("old-row"), name: text("api-stale-1795355401"), online: true }
}

pub(crate) fn mail() -> MailWaiting {
    MailWaiting {
        message_id: 1_000_000,
        from: text("web"),
        tag: some("review"),
        priority: Priority::Fyi,
        unread: 3,
        announce: true,
    }
}

fn events() -> Vec<(&'static str, Event)> {
    let mail = mail();
    vec![
        ("mail.bare", Event::Mail(MailWaiting { tag: None, priority: Priority::Normal, ..mail.clone() })),
        ("mail", Event::Mail(mail)),
        ("session", Event::Session(SessionState { displaced: None, ..session() })),
        ("closing.shutting_down", Event::Closing(Closing::ShuttingDown)),
        ("closing.handing_over", Event::Closing(Closing::HandingOver)),
        ("closing.idle", Event::Closing(Closing::Idle)),
        ("closing.storage_failed", Event::Closing(Closing::StorageFailed)),
        ("closing.slow_reader", Event::Closing(Closing::SlowReader)),
    ]
}
