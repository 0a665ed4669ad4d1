//! Whole conversations: tool calls of two sessions, from their arguments over a frame through the broker and back into
//! the text of a result. Whatever was sent, what is read is that, from whom it was.

use crate::envelope;
use crate::given;
use crate::home::{Home, hello_of};
use crate::json::Json;
use crate::tally;
use arbitrary::{Result, Unstructured};
use bytes::BytesMut;
use c2c_proto::codec::FrameCodec;
use c2c_proto::frame::{ClientFrame, Reply, ServerFrame};
use c2c_proto::request::Request;
use c2c_proto::response::Response;
use c2c_proto::{Error, ErrorCode};
use c2c_shim::render;
use c2c_shim::tools::{self, Call, Defaults};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use tokio_util::codec::{Decoder, Encoder};

const DEFAULTS: Defaults = Defaults { wait_s: 0 };
/// Calls of one conversation; those before it have left their mail behind.
const CALLS_MAX: usize = 4;
const NAMES: [&str; 2] = ["api", "web"];
/// What tools take, whichever it is.
const ARGUMENTS: [&str; 16] = [
    "to",
    "body",
    "tag",
    "reply_to",
    "query",
    "from",
    "thread",
    "key",
    "value",
    "prefix",
    "message_ids",
    "message_id",
    "offset",
    "limit",
    "metadata",
    "sent",
];

#[derive(Default)]
struct Talk {
    home: Home,
    /// What was sent in this store: who sent it, and the body.
    sent: HashMap<i64, (usize, String)>,
}

thread_local! {
    static TALK: RefCell<Talk> = RefCell::default();
}

/// The bytes choose the calls.
pub fn check(data: &[u8]) {
    tally::input();
    TALK.with_borrow_mut(|talk| {
        if talk.home.begin() {
            talk.sent.clear();
            for (conn, name) in (0..).zip(NAMES) {
                talk.home.hello(conn, hello_of(name)).expect("welcome");
            }
        }
        let mut called = false;
        // Bytes that end too soon end the conversation.
        let _ = talk.converse(&mut Unstructured::new(data), &mut called);
        if called {
            // A call went to the broker.
            tally::reached();
        }
    });
}

impl Talk {
    fn converse(&mut self, u: &mut Unstructured<'_>, called: &mut bool) -> Result<()> {
        for _ in 0..CALLS_MAX {
            if u.is_empty() {
                break;
            }
            let who = u.int_in_range(0..=1)?;
            let (tool, arguments) = if u.arbitrary()? { sensible(u)? } else { anything(u)? };
            let tool = tools::find(tool).expect("there is such a tool");
            let Ok(call) = tool.decode(Some(arguments), &DEFAULTS) else { continue };
            // These change who is there, or wait; they have targets and tests of their own.
            if !matches!(call.request, Request::Register(_) | Request::Prune(_))
                && call.request.wait_ms().unwrap_or(0) == 0
            {
                *called = true;
                self.call(who, call);
            }
        }
        Ok(())
    }

    fn call(&mut self, who: usize, Call { request, view, .. }: Call) {
        let request = over_the_wire_as_call(request);
        let body = match &request {
            Request::Send(send) => Some(send.body.clone()),
            Request::Ask(ask) => Some(ask.send.body.clone()),
            _ => None,
        };
        let (mail, result) = self.home.call(who as u64, request);
        let reply = over_the_wire_as_reply(Reply { id: 1, mail, result });
        match reply.result {
            Ok(response) => {
                let id = match &response {
                    Response::Sent(sent) => Some(sent.id),
                    Response::Asked(asked) => Some(asked.id),
                    _ => None,
                };
                if let (Some(id), Some(body)) = (id, body) {
                    let known = self.sent.entry(id).or_insert_with(|| (who, body.clone()));
                    assert_eq!(known, &(who, body), "a key that comes again is the same message");
                }
                let whole_key = matches!(response, Response::State(_));
                let text = render::response(&view, response, reply.mail).text;
                let json = if whole_key { envelope::read_of_any_size(&text) } else { envelope::read(&text) };
                self.holds_what_was_sent(&json);
            }
            Err(error) => refused(&error),
        }
    }

    fn holds_what_was_sent(&self, json: &Json) {
        for item in json.list("messages").iter().chain(json.list("replies")) {
            let id = item.whole("id").expect("a message has an id");
            let (sender, body) = self.sent.get(&id).unwrap_or_else(|| panic!("nobody sent {id}"));
            assert_eq!(item.text("from_name"), Some(NAMES[*sender]), "the true sender");
            let shown = item.text("body").expect("a message has a body");
            let offset = json.whole("offset").and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
            let rest = body.char_indices().nth(offset).map_or("", |(at, _)| &body[at..]);
            assert!(rest.starts_with(shown), "{shown:?} was not sent");
            assert!(
                item.is_true("body_truncated") || shown == rest,
                "{shown:?} is not whole and does not say so"
            );
        }
    }
}

fn refused(error: &Error) {
    let expected = [
        ErrorCode::InvalidArgument,
        ErrorCode::TooLarge,
        ErrorCode::NotFound,
        ErrorCode::Conflict,
        ErrorCode::RateLimited,
    ];
    assert!(expected.contains(&error.code), "{error:?}");
    assert!(!error.message.is_empty() && !error.hint.is_empty());
    envelope::read(&render::error(error, None, None));
}

/// Calls that are made all the time.
fn sensible(u: &mut Unstructured<'_>) -> Result<(&'static str, Map<String, Value>)> {
    let (tool, arguments) = match u.int_in_range(0..=6)? {
        0..=2 => {
            let mut body = given::text(u)?;
            body.push('x');
            ("send_message", json!({"to": *u.choose(&["api", "web", "*"])?, "body": body}))
        }
        3 => ("inbox", json!({"unread_only": u.arbitrary::<bool>()?, "limit": u.int_in_range(1..=500)?})),
        4 => ("inbox", json!({"message_id": u.int_in_range(1..=60)?, "offset": u.int_in_range(0..=40_000)?})),
        5 => ("wait_for_message", json!({"timeout_s": 0})),
        _ => ("inbox", json!({"sent": true, "before_id": u.int_in_range(1..=1_000)?})),
    };
    let Value::Object(arguments) = arguments else { unreachable!("it is written as an object") };
    Ok((tool, arguments))
}

/// Any tool with any arguments that there are.
fn anything(u: &mut Unstructured<'_>) -> Result<(&'static str, Map<String, Value>)> {
    let tool = tools::ALL[u.choose_index(tools::ALL.len())?].name;
    let mut arguments = Map::new();
    for _ in 0..u.int_in_range(0..=4)? {
        let name = *u.choose(&ARGUMENTS)?;
        let value = match u.int_in_range(0..=5)? {
            0 => json!(given::text(u)?),
            1 => json!(given::short(u, 60)?),
            2 => json!(u.int_in_range(-1..=70)?),
            3 => json!(u.arbitrary::<i64>()?),
            4 => json!([u.int_in_range(0..=70)?, given::name(u)?]),
            _ => json!({given::short(u, 20)?: given::short(u, 200)?}),
        };
        arguments.insert(name.to_owned(), value);
    }
    Ok((tool, arguments))
}

fn over_the_wire_as_call(request: Request) -> Request {
    let mut bytes = BytesMut::new();
    let frame = ClientFrame::Call { id: 1, request };
    FrameCodec::<ServerFrame, ClientFrame>::new().encode(&frame, &mut bytes).expect("a request fits a frame");
    match FrameCodec::<ClientFrame, ServerFrame>::new().decode(&mut bytes) {
        Ok(Some(ClientFrame::Call { request, .. })) => request,
        other => panic!("a call became {other:?}"),
    }
}

fn over_the_wire_as_reply(reply: Reply) -> Reply {
    let mut bytes = BytesMut::new();
    let frame = ServerFrame::Reply(reply);
    FrameCodec::<ClientFrame, ServerFrame>::new().encode(&frame, &mut bytes).expect("a reply fits a frame");
    match FrameCodec::<ServerFrame, ClientFrame>::new().decode(&mut bytes) {
        Ok(Some(ServerFrame::Reply(reply))) => reply,
        other => panic!("a reply became {other:?}"),
    }
}
