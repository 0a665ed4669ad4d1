//! The arguments of the twelve tools: a typed error or a request, and the same request however kindly they have to be
//! read.

use crate::tally;
use bytes::BytesMut;
use c2c_proto::codec::FrameCodec;
use c2c_proto::frame::{ClientFrame, ServerFrame};
use c2c_proto::limits;
use c2c_proto::message::To;
use c2c_proto::request::Request;
use c2c_proto::{Error, ErrorCode};
use c2c_shim::tools::{self, Call, Defaults, Tool};
use serde_json::{Map, Value};
use std::sync::LazyLock;
use tokio_util::codec::{Decoder, Encoder};

const DEFAULTS: Defaults = Defaults { wait_s: 50 };
const ERROR_MAX_CHARS: usize = 1_000;

type Arguments = Map<String, Value>;
/// The arguments of one tool: name, and JSON type if it is only one.
type Known = Vec<(String, Option<String>)>;

/// What the definitions say of each tool's arguments.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let known = |tool: rmcp::model::Tool| {
        let properties = tool.input_schema.get("properties").and_then(Value::as_object).cloned();
        let name_and_type =
            |(name, schema): (String, Value)| (name, schema["type"].as_str().map(str::to_owned));
        properties.unwrap_or_default().into_iter().map(name_and_type).collect()
    };
    tools::definitions().into_iter().map(known).collect()
});

/// The first byte says which tool, from `a`; the rest is the arguments' JSON.
pub fn check(data: &[u8]) {
    tally::input();
    let Some((tool, json)) = data.split_first() else { return };
    let Ok(Value::Object(mut arguments)) = serde_json::from_slice(json) else { return };
    // It is a JSON object.
    tally::reached();
    let at = usize::from(tool.wrapping_sub(b'a')) % tools::ALL.len();
    let (tool, known) = (&tools::ALL[at], &KNOWN[at]);
    let unkeyed = arguments.get("idempotency_key").is_none_or(|key| key.is_null() || key == "");
    if unkeyed && known.iter().any(|(name, _)| name == "idempotency_key") {
        // A key that is made would differ each time.
        arguments.insert("idempotency_key".to_owned(), Value::from("k"));
    }
    let outcome = tool.decode(Some(arguments.clone()), &DEFAULTS);
    match &outcome {
        Ok(call) => sound(&call.request),
        Err(error) => typed(error),
    }
    unknown_names(&arguments, known, &outcome);
    absent_is_null(tool, known, &arguments, &outcome);
    spelled_as_text(tool, known, &arguments, &outcome);
    a_single_id(tool, &arguments, &outcome);
}

fn typed(error: &Error) {
    assert!(matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::TooLarge), "{error}");
    assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
    for text in [&error.message, &error.hint] {
        assert!(text.chars().count() < ERROR_MAX_CHARS, "an error of {} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

/// The request is within what is promised, and the wire carries it.
fn sound(request: &Request) {
    match request {
        Request::Send(send) => message(send),
        Request::Ask(ask) => {
            message(&ask.send);
            let replies = ask.replies.map(|replies| replies as usize);
            assert!(replies.is_none_or(|replies| (1..=limits::ASK_REPLIES_MAX).contains(&replies)));
        }
        Request::Inbox(inbox) => {
            assert!((1..=limits::INBOX_LIMIT_MAX).contains(&inbox.limit));
            let query = inbox.query.as_deref();
            assert!(query.is_none_or(|query| (1..=limits::QUERY_MAX_CHARS).contains(&query.chars().count())));
        }
        Request::MarkRead(mark) => assert!(mark.message_ids.len() <= limits::MARK_READ_IDS_MAX),
        Request::SetState(set) => {
            assert!(set.value.len() <= limits::STATE_VALUE_MAX_BYTES);
            serde_json::from_str::<Value>(&set.value).expect("a value is JSON");
        }
        Request::Register(register) => {
            let metadata = register.metadata.as_deref();
            assert!(metadata.is_none_or(|metadata| metadata.len() <= limits::METADATA_MAX_BYTES));
            let object = |text| matches!(serde_json::from_str(text), Ok(Value::Object(_)));
            assert!(metadata.is_none_or(object), "metadata is an object");
        }
        _ => {}
    }
    assert!(request.wait_ms().is_none_or(|ms| ms <= limits::WAIT_MAX_S * 1_000), "{request:?}");
    assert!(request.key().is_none_or(|key| (1..=limits::CALL_KEY_MAX_BYTES).contains(&key.len())));
    let mut bytes = BytesMut::new();
    let frame = ClientFrame::Call { id: 1, request: request.clone() };
    FrameCodec::<ServerFrame, ClientFrame>::new().encode(&frame, &mut bytes).expect("a request fits a frame");
    let back = FrameCodec::<ClientFrame, ServerFrame>::new().decode(&mut bytes).expect("it is a frame");
    assert_eq!(back, Some(frame));
}

fn message(send: &c2c_proto::request::Send) {
    assert!((1..=limits::BODY_MAX_BYTES).contains(&send.body.len()));
    assert!(send.tag.as_deref().is_none_or(|tag| (1..=limits::TAG_MAX_CHARS).contains(&tag.chars().count())));
    assert!(send.to.is_some() || send.reply_to.is_some());
    match &send.to {
        Some(To::Many(names)) => {
            assert!((1..=limits::RECIPIENTS_MAX).contains(&names.len()));
            assert!(names.iter().all(|name| !name.is_empty() && name != "*"), "{names:?}");
        }
        Some(To::One(name)) => assert!(!name.is_empty() && name != "*"),
        Some(To::Everyone) | None => {}
    }
}

/// A name that the tool does not know is refused, and those that it knows are listed.
fn unknown_names(arguments: &Arguments, known: &[(String, Option<String>)], outcome: &Result<Call, Error>) {
    let is_known = |name: &String| known.iter().any(|(known, _)| known == name);
    if arguments.iter().all(|(name, value)| value.is_null() || is_known(name)) {
        return;
    }
    let Err(error) = outcome else { panic!("an argument that there is not was taken: {arguments:?}") };
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    for (name, _) in known {
        assert!(error.hint.contains(name.as_str()), "{name} is not listed: {}", error.hint);
    }
}

/// Nulls make no difference, except as a value of the shared state.
fn absent_is_null(
    tool: &Tool,
    known: &[(String, Option<String>)],
    arguments: &Arguments,
    outcome: &Result<Call, Error>,
) {
    let mut without = arguments.clone();
    without.retain(|name, value| !value.is_null() || name == "value");
    assert_eq!(&tool.decode(Some(without), &DEFAULTS), outcome, "without nulls: {arguments:?}");
    let mut with = arguments.clone();
    for (name, _) in known.iter().filter(|(name, _)| name != "value") {
        with.entry(name.as_str()).or_insert(Value::Null);
    }
    with.insert("no such argument".to_owned(), Value::Null);
    assert_eq!(&tool.decode(Some(with), &DEFAULTS), outcome, "with nulls: {arguments:?}");
}

/// Numbers and flags may be spelled as texts, whole numbers stand for texts.
fn spelled_as_text(
    tool: &Tool,
    known: &[(String, Option<String>)],
    arguments: &Arguments,
    outcome: &Result<Call, Error>,
) {
    let mut spelled = arguments.clone();
    for (name, kind) in known {
        let Some(value) = spelled.get_mut(name) else { continue };
        let text = match (kind.as_deref(), &*value) {
            (Some("integer" | "number"), Value::Number(_)) | (Some("boolean"), Value::Bool(_)) => {
                value.to_string()
            }
            (Some("string"), Value::Number(number)) if !number.is_f64() => value.to_string(),
            _ => continue,
        };
        *value = Value::from(text);
    }
    alike(&tool.decode(Some(spelled), &DEFAULTS), outcome, arguments);
}

/// A single id is a list of one.
fn a_single_id(tool: &Tool, arguments: &Arguments, outcome: &Result<Call, Error>) {
    let Some(id) = arguments.get("message_ids").filter(|ids| ids.is_number()).cloned() else { return };
    for list in [Value::from(vec![id.clone()]), Value::from(format!("[{id}]"))] {
        let mut listed = arguments.clone();
        listed.insert("message_ids".to_owned(), list);
        alike(&tool.decode(Some(listed), &DEFAULTS), outcome, arguments);
    }
}

/// The same request; or errors of one code, whose texts may show what was given.
fn alike(one: &Result<Call, Error>, other: &Result<Call, Error>, arguments: &Arguments) {
    match (one, other) {
        (Err(one), Err(other)) => assert_eq!(one.code, other.code, "{arguments:?}"),
        _ => assert_eq!(one, other, "{arguments:?}"),
    }
}
