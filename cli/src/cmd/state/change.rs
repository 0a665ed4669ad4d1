//! `c2c state set` and `rm`: changes, made by the person as a participant.

use super::SetArgs;
use crate::acting;
use crate::entries;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::{self, json_text};
use crate::text::visible;
use crate::values::from_typed;
use anyhow::Context;
use c2c_proto::id::{Version, new_call_key};
use c2c_proto::request::{DeleteState, SetState};
use c2c_proto::response::{Deleted, StateSet};
use c2c_proto::{Error, ErrorCode};
use serde_json::json;
use std::io::{self, Read, Write};

pub(super) async fn set(args: SetArgs, as_name: Option<&str>, json: bool) -> anyhow::Result<Exit> {
    let typed = if args.value == "-" { stdin()? } else { args.value };
    let (link, _name) = acting::take_part(as_name).await?;
    let request = SetState {
        state_key: args.key,
        value: from_typed(&typed),
        if_version: args.if_version,
        ttl_ms: args.ttl.map(|seconds| seconds.saturating_mul(1_000)),
        key: new_call_key(),
    };
    let set = entries::put(&link, request).await.map_err(for_a_person)?;
    let text = if json { json_text(&object(&set)) } else { set.version.to_string() };
    writeln!(io::stdout(), "{text}")?;
    Ok(Exit::Done)
}

pub(super) async fn remove(
    key: String,
    if_version: Option<Version>,
    as_name: Option<&str>,
    json: bool,
) -> anyhow::Result<Exit> {
    let (link, _name) = acting::take_part(as_name).await?;
    let request = DeleteState { state_key: key.clone(), if_version, key: new_call_key() };
    let Deleted { deleted } = delete(&link, request).await.map_err(for_a_person)?;
    if json {
        print::json(&json!({"key": key, "deleted": deleted}))?;
    }
    if deleted {
        return Ok(Exit::Done);
    }
    writeln!(io::stderr(), "c2c: there is no entry {}", visible(&key))?;
    Ok(Exit::NotFound)
}

async fn delete(link: &Link, request: DeleteState) -> anyhow::Result<Deleted> {
    Ok(ask!(link, DeleteState(request), Deleted))
}

/// The broker's advice on a conflict names tools that a model has.
pub(crate) fn for_a_person(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Error>() {
        Ok(error) if error.code == ErrorCode::Conflict => {
            let hint =
                "look with `c2c state get KEY --json`, and decide again with the version that is there";
            Error { hint: hint.to_owned(), ..error }.into()
        }
        Ok(error) => error.into(),
        Err(other) => other,
    }
}

fn object(set: &StateSet) -> serde_json::Value {
    json!({
        "key": set.state_key,
        "version": set.version,
        "updated_at": set.updated_at.to_string(),
        "updated_by": set.updated_by,
        "expires_at": set.expires_at.map(|at| at.to_string()),
    })
}

fn stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).context("the value on stdin cannot be read")?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
