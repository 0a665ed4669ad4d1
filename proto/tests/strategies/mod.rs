//! Arbitrary frames: mostly what sessions really exchange. Each strategy is boxed: nested in one another they would
//! overflow a test's stack.

use c2c_proto::error::{Error, ErrorCode};
use c2c_proto::event::{Closing, Event, Headline, MailWaiting, Nudge};
use c2c_proto::frame::{ClientFrame, MailCount, Reply, ServerFrame};
use c2c_proto::hello::{Hello, Identity, MAGIC, Role, SessionState, Welcome};
use c2c_proto::message::{Message, Priority, Receipt, ReceiptState, Recipient, To};
use c2c_proto::push::Way;
use c2c_proto::request::{Ask, Filter, Inbox, MarkRead, Register, Request, Send, SetState, Wait};
use c2c_proto::response::{Entry, Response, Sent, State, Waited};
use c2c_proto::time::Timestamp;
use proptest::option::of;
use proptest::prelude::*;

pub(crate) fn client_frame() -> BoxedStrategy<ClientFrame> {
    prop_oneof![
        1 => hello().prop_map(ClientFrame::Hello),
        8 => (any::<u64>(), request()).prop_map(|(id, request)| ClientFrame::Call { id, request }),
        1 => any::<u64>().prop_map(|id| ClientFrame::Cancel { id }),
    ]
    .boxed()
}

pub(crate) fn server_frame() -> BoxedStrategy<ServerFrame> {
    let result = prop_oneof![4 => response().prop_map(Ok), 1 => error().prop_map(Err)];
    prop_oneof![
        1 => welcome().prop_map(ServerFrame::Welcome),
        1 => error().prop_map(ServerFrame::Refused),
        6 => (any::<u64>(), of(mail_count()), result)
            .prop_map(|(id, mail, result)| ServerFrame::Reply(Reply { id, mail, result })),
        2 => event().prop_map(ServerFrame::Event),
    ]
    .boxed()
}

/// Any text, now and then a long one.
fn text() -> BoxedStrategy<String> {
    prop_oneof![8 => ".{0,20}", 1 => any::<String>(), 1 => (0..3_000_usize).prop_map(|length| "ß".repeat(length))]
    .boxed()
}

fn texts() -> BoxedStrategy<Vec<String>> {
    prop::collection::vec(text(), 0..4).boxed()
}

fn at() -> BoxedStrategy<Timestamp> {
    any::<i64>().prop_map(Timestamp).boxed()
}

fn priority() -> BoxedStrategy<Priority> {
    prop_oneof![Just(Priority::Normal), Just(Priority::Fyi)].boxed()
}

fn to() -> BoxedStrategy<To> {
    prop_oneof![text().prop_map(To::One), texts().prop_map(To::Many), Just(To::Everyone)].boxed()
}

fn hello() -> BoxedStrategy<Hello> {
    let extra = prop::collection::vec((text(), text()), 0..3);
    (any::<u16>(), any::<u16>(), text(), of(identity()), extra)
        .prop_map(|(protocol_min, protocol_max, build, identity, extra)| Hello {
            magic: MAGIC,
            protocol_min,
            protocol_max,
            build,
            role: identity.map_or(Role::Control, |identity| Role::Session(Box::new(identity))),
            extra,
        })
        .boxed()
}

fn identity() -> BoxedStrategy<Identity> {
    (text(), of(text()), any::<bool>(), of(text()), of(text()), text(), text(), text(), text())
        .prop_map(
            |(key, session_id, automatic, wanted_name, client_session, parent, project_dir, cwd, client)| {
                Identity {
                    key,
                    session_id,
                    automatic,
                    wanted_name,
                    client_session,
                    parent,
                    project_dir,
                    cwd,
                    client,
                }
            },
        )
        .boxed()
}

fn session_state() -> BoxedStrategy<SessionState> {
    (text(), text(), any::<bool>())
        .prop_map(|(session_id, name, superseded)| SessionState {
            session_id,
            name,
            superseded,
            displaced: None,
        })
        .boxed()
}

fn welcome() -> BoxedStrategy<Welcome> {
    (any::<u16>(), text(), any::<u32>(), text(), of(session_state()))
        .prop_map(|(protocol, build, pid, store_id, session)| Welcome {
            protocol,
            build,
            pid,
            store_id,
            session,
            extra: Vec::new(),
        })
        .boxed()
}

fn error() -> BoxedStrategy<Error> {
    (prop::sample::select(&ErrorCode::ALL[..]), text(), text(), any::<bool>())
        .prop_map(|(code, message, hint, retry_safe)| Error { code, message, hint, retry_safe })
        .boxed()
}

fn mail_count() -> BoxedStrategy<MailCount> {
    (any::<u64>(), any::<u64>()).prop_map(|(unread, new)| MailCount { unread, new }).boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    (of(text()), of(text()), of(any::<i64>()), of(any::<i64>()))
        .prop_map(|(from, tag, reply_to, thread)| Filter { from, tag, reply_to, thread })
        .boxed()
}

fn send() -> BoxedStrategy<Send> {
    (of(to()), text(), of(text()), of(any::<i64>()), priority(), text())
        .prop_map(|(to, body, tag, reply_to, priority, key)| Send { to, body, tag, reply_to, priority, key })
        .boxed()
}

fn inbox() -> BoxedStrategy<Inbox> {
    (any::<bool>(), any::<bool>(), filter(), of(text()), of(any::<i64>()), of(any::<i64>()), any::<u32>())
        .prop_map(|(sent, unread_only, filter, query, before_id, after_id, limit)| Inbox {
            sent,
            unread_only,
            filter,
            query,
            before_id,
            after_id,
            limit,
        })
        .boxed()
}

fn set_state() -> BoxedStrategy<SetState> {
    (text(), text(), of(any::<i64>()), of(any::<u64>()), text())
        .prop_map(|(state_key, value, if_version, ttl_ms, key)| SetState {
            state_key,
            value,
            if_version,
            ttl_ms,
            key,
        })
        .boxed()
}

fn request() -> BoxedStrategy<Request> {
    let ids = prop::collection::vec(any::<i64>(), 0..40);
    prop_oneof![
        send().prop_map(Request::Send),
        inbox().prop_map(Request::Inbox),
        set_state().prop_map(Request::SetState),
        (filter(), any::<u64>()).prop_map(|(filter, timeout_ms)| Request::Wait(Wait { filter, timeout_ms })),
        (send(), of(any::<u32>()), any::<u64>()).prop_map(|(send, replies, timeout_ms)| Request::Ask(Ask {
            send,
            replies,
            timeout_ms
        })),
        (ids, text()).prop_map(|(message_ids, key)| Request::MarkRead(MarkRead { message_ids, key })),
        (text(), of(text()), text()).prop_map(|(name, metadata, key)| Request::Register(Register {
            name,
            metadata,
            key
        })),
    ]
    .boxed()
}

fn receipt() -> BoxedStrategy<Receipt> {
    let state = prop_oneof![Just(ReceiptState::Queued), Just(ReceiptState::Shown), Just(ReceiptState::Read)];
    (text(), state, of(at()), of(at()), of(text()))
        .prop_map(|(name, state, shown_at, read_at, read_by)| Receipt {
            name,
            state,
            shown_at,
            read_at,
            read_by,
        })
        .boxed()
}

fn message() -> BoxedStrategy<Message> {
    let head = (any::<i64>(), text(), text(), to(), text(), any::<u64>(), of(text()));
    let tail = (of(any::<i64>()), any::<i64>(), priority(), at(), any::<bool>(), of(at()));
    (head, tail, prop::collection::vec(receipt(), 0..3), any::<u32>())
        .prop_map(|(head, tail, receipts, receipts_total)| {
            let (id, from_name, from_session, to, body, body_chars, tag) = head;
            let (reply_to, thread, priority, created_at, sent_by_reader, read_at) = tail;
            Message {
                id,
                from_name,
                from_session,
                to,
                body,
                body_chars,
                tag,
                reply_to,
                thread,
                priority,
                created_at,
                sent_by_reader,
                read_at,
                receipts,
                receipts_total,
            }
        })
        .boxed()
}

fn sent() -> BoxedStrategy<Sent> {
    let recipient = (text(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(name, online, waiting, known)| Recipient { name, online, waiting, known });
    (any::<i64>(), to(), of(text()), prop::collection::vec(recipient, 0..3), texts())
        .prop_map(|(id, to, tag, recipients, skipped_full)| Sent {
            id,
            to,
            tag,
            recipients,
            skipped_full,
            near: Vec::new(),
        })
        .boxed()
}

fn entry() -> BoxedStrategy<Entry> {
    (text(), of(text()), any::<u64>(), any::<i64>(), at(), text(), of(at()))
        .prop_map(|(state_key, value, value_chars, version, updated_at, updated_by, expires_at)| Entry {
            state_key,
            value,
            value_chars,
            version,
            updated_at,
            updated_by,
            expires_at,
        })
        .boxed()
}

fn response() -> BoxedStrategy<Response> {
    let waited = (prop::collection::vec(message(), 0..3), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(messages, timed_out, repeated, more)| Waited { messages, timed_out, repeated, more });
    prop_oneof![
        waited.prop_map(Response::Waited),
        sent().prop_map(Response::Sent),
        (of(entry()), any::<bool>())
            .prop_map(|(entry, timed_out)| Response::State(State { entry, timed_out })),
    ]
    .boxed()
}

fn event() -> BoxedStrategy<Event> {
    let mail = (any::<i64>(), text(), of(text()), priority(), any::<u64>(), any::<bool>()).prop_map(
        |(message_id, from, tag, priority, unread, announce)| MailWaiting {
            message_id,
            from,
            tag,
            priority,
            unread,
            announce,
        },
    );
    let headline = (any::<i64>(), text(), of(text())).prop_map(|(message_id, from, tag)| Headline {
        message_id,
        from,
        tag,
    });
    let counts = (any::<u64>(), any::<u64>(), any::<i64>(), any::<bool>());
    let nudge = (prop::collection::vec(headline, 0..5), counts).prop_map(
        |(headlines, (count, unread, up_to, again))| Nudge {
            way: Way::Socket,
            headlines,
            count,
            unread,
            up_to,
            again,
        },
    );
    prop_oneof![
        mail.prop_map(Event::Mail),
        nudge.prop_map(Event::Nudge),
        session_state().prop_map(Event::Session),
        Just(Event::Closing(Closing::Idle)),
    ]
    .boxed()
}
