//! Results without messages: sessions, the shared state, what a send says, errors.

use super::{mail, rendered};
use crate::envelope::{self, same_or_clipped};
use crate::given;
use crate::json::Json;
use arbitrary::{Result, Unstructured};
use c2c_proto::limits::{LIST_VALUE_MAX_CHARS, METADATA_MAX_BYTES};
use c2c_proto::response::{Entry, Near, Response, Sent, SessionInfo, Sessions, State, States};
use c2c_proto::{Error, ErrorCode};
use c2c_shim::render;
use c2c_shim::tools::View;
use serde_json::json;

pub(super) fn respond(kind: u8, u: &mut Unstructured<'_>) -> Result<()> {
    match kind {
        7 => sessions(u),
        8 => {
            if u.arbitrary()? {
                states(u)
            } else {
                one_state(u)
            }
        }
        _ => {
            if u.arbitrary()? {
                sent(u)
            } else {
                error(u)
            }
        }
    }
}

fn session(u: &mut Unstructured<'_>, number: u32) -> Result<SessionInfo> {
    let metadata = match u.int_in_range(0..=3)? {
        0 => None,
        1 => Some(format!("{{\"deep\":{}{}}}", "[".repeat(100), "]".repeat(100))),
        _ => Some(json!({given::short(u, 40)?: given::short(u, 6_000)?}).to_string()),
    };
    Ok(SessionInfo {
        session_id: format!("0193b7f2-6a1e-7cc3-98c4-{number:012}"),
        name: format!("{number:03}{}", given::short(u, 60)?),
        cwd: given::short(u, 4_096)?,
        started_at: given::time(u)?,
        last_seen_at: given::time(u)?,
        metadata: metadata.filter(|metadata| metadata.len() <= METADATA_MAX_BYTES),
        is_self: u.arbitrary()?,
        online: u.arbitrary()?,
        waiting: u.arbitrary()?,
        unread: u.arbitrary()?,
        client: given::short(u, 300)?,
    })
}

/// Pages of a list of sessions are the list.
fn sessions(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let mut rest = (0..u.int_in_range(0..=12)?).map(|n| session(u, n)).collect::<Result<Vec<_>>>()?;
    loop {
        let response = Sessions { sessions: rest.clone(), more: false };
        let (json, _) = rendered(&View::Plain, Response::Sessions(response), mail);
        let items = json.list("sessions");
        assert!(rest.is_empty() || !items.is_empty(), "a page of nothing leads nowhere");
        assert!(items.len() <= rest.len() && json.get("messages").is_none());
        for (item, info) in items.iter().zip(&rest) {
            is_session(item, info);
        }
        let after = rest.split_off(items.len());
        assert_eq!(json.is_true("more"), !after.is_empty());
        if after.is_empty() {
            return Ok(());
        }
        same_or_clipped(json.text("next_after_name"), &rest[items.len() - 1].name);
        rest = after;
    }
}

fn is_session(item: &Json, info: &SessionInfo) {
    assert_eq!(item.text("session_id"), Some(info.session_id.as_str()));
    same_or_clipped(item.text("name"), &info.name);
    same_or_clipped(item.text("cwd"), &info.cwd);
    same_or_clipped(item.text("client"), &info.client);
    assert_eq!(
        (item.is_true("is_self"), item.is_true("online"), item.is_true("waiting")),
        (info.is_self, info.online, info.waiting)
    );
    match (&info.metadata, item.get("metadata")) {
        (Some(metadata), Some(shown)) => assert_eq!(shown, &Json::read(metadata)),
        (Some(metadata), None) => {
            assert_eq!(item.whole("metadata_chars"), i64::try_from(metadata.chars().count()).ok());
        }
        (None, shown) => assert_eq!(shown, None),
    }
}

fn entry(u: &mut Unstructured<'_>, number: u32, value: String) -> Result<Entry> {
    Ok(Entry {
        state_key: format!("{number:03}{}", given::short(u, 120)?),
        value_chars: value.chars().count() as u64,
        value: Some(value),
        version: i64::from(number) + 1,
        updated_at: given::time(u)?,
        updated_by: given::name(u)?,
        expires_at: if u.arbitrary()? { Some(given::time(u)?) } else { None },
    })
}

fn states(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let listed = |number| {
        let value = json!(given::short(u, LIST_VALUE_MAX_CHARS + 9)?).to_string();
        let mut entry = entry(u, number, value)?;
        entry.value = entry.value.filter(|_| entry.value_chars <= LIST_VALUE_MAX_CHARS as u64);
        Ok(entry)
    };
    let mut rest = (0..12).map(listed).collect::<Result<Vec<_>>>()?;
    while !rest.is_empty() {
        let response = States { entries: rest.clone(), more: false };
        let (json, _) = rendered(&View::Plain, Response::States(response), mail);
        let items = json.list("entries");
        assert!((1..=rest.len()).contains(&items.len()));
        for (item, entry) in items.iter().zip(&rest) {
            is_entry(item, entry);
        }
        let after = rest.split_off(items.len());
        assert_eq!(json.is_true("more"), !after.is_empty());
        if !after.is_empty() {
            assert_eq!(json.text("next_after_key"), Some(rest[items.len() - 1].state_key.as_str()));
        }
        rest = after;
    }
    Ok(())
}

fn is_entry(item: &Json, entry: &Entry) {
    same_or_clipped(item.text("key"), &entry.state_key);
    same_or_clipped(item.text("updated_by"), &entry.updated_by);
    assert_eq!(item.whole("version"), Some(entry.version));
    match item.get("value") {
        Some(value) => assert_eq!(Some(value), entry.value.as_deref().map(Json::read).as_ref()),
        None => assert_eq!(item.whole("value_chars"), i64::try_from(entry.value_chars).ok()),
    }
}

/// A single key comes whole, whatever its size.
fn one_state(u: &mut Unstructured<'_>) -> Result<()> {
    let value = json!(given::text(u)?).to_string();
    let entry = entry(u, 7, value)?;
    let response = State { entry: Some(entry.clone()), timed_out: u.arbitrary()? };
    let view = if u.arbitrary()? { View::Watch } else { View::Plain };
    let result = render::response(&view, Response::State(response), mail(u)?);
    let json = envelope::read_of_any_size(&result.text);
    let item = json.get("entry").expect("there is an entry");
    assert_eq!(item.text("key"), Some(entry.state_key.as_str()));
    assert_eq!(item.get("value"), entry.value.as_deref().map(Json::read).as_ref(), "it comes whole");
    Ok(())
}

fn sent(u: &mut Unstructured<'_>) -> Result<()> {
    let mail = mail(u)?;
    let recipients = given::recipients(u)?;
    let near = recipients.iter().filter(|recipient| !recipient.known).take(256);
    let known = vec![given::name(u)?; u.int_in_range(0..=3)?];
    let near: Vec<Near> = near.map(|it| Near { name: it.name.clone(), known: known.clone() }).collect();
    let skipped_full = given::recipients(u)?.into_iter().map(|recipient| recipient.name).collect();
    let tag = if u.arbitrary()? { Some(given::short(u, 64)?) } else { None };
    let sent = Sent { id: 9, to: given::to(u)?, tag: tag.clone(), recipients, skipped_full, near };
    let (json, shown) = rendered(&View::Plain, Response::Sent(sent.clone()), mail);
    assert!(shown.is_empty() && json.whole("id") == Some(9));
    assert_eq!(json.text("tag"), tag.as_deref());
    for (item, recipient) in json.list("recipients").iter().zip(&sent.recipients) {
        same_or_clipped(item.text("name"), &recipient.name);
        assert_eq!((item.is_true("known"), item.is_true("online")), (recipient.known, recipient.online));
    }
    let omitted = json.whole("recipients_omitted").unwrap_or(0);
    let told = i64::try_from(json.list("recipients").len()).unwrap_or(i64::MAX) + omitted;
    assert_eq!(usize::try_from(told).ok(), Some(sent.recipients.len()));
    Ok(())
}

fn error(u: &mut Unstructured<'_>) -> Result<()> {
    let code = *u.choose(&ErrorCode::ALL)?;
    let error = Error::new(code, given::text(u)?, given::text(u)?);
    let key = if u.arbitrary()? { Some(format!("model:{}", given::short(u, 60)?)) } else { None };
    let json = envelope::read(&render::error(&error, key.as_deref(), mail(u)?));
    assert_eq!(json.text("code"), Some(code.as_str()));
    assert_eq!(json.is_true("retry_safe"), error.retry_safe);
    same_or_clipped(json.text("message"), &error.message);
    assert_eq!(json.text("idempotency_key").is_some(), key.is_some());
    assert!(json.text("hint").is_some());
    Ok(())
}
