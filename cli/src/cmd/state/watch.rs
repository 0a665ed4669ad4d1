//! `c2c state watch`: each version of a key as it comes, over restarts of the broker.

use super::WatchArgs;
use crate::entries;
use crate::exit::Exit;
use crate::link::Link;
use crate::print::json_text;
use crate::shape;
use crate::text::{Paint, visible};
use crate::values::compact;
use c2c_proto::id::Version;
use c2c_proto::limits::WAIT_MAX_S;
use c2c_proto::request::WatchState;
use c2c_proto::response::{Entry, State};
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::Instant;

pub(super) async fn watch(args: WatchArgs, json: bool) -> anyhow::Result<Exit> {
    let link = Link::look_on()?;
    let end = args.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let paint = Paint::for_stdout();
    let mut newer_than = args.newer_than;
    loop {
        let left = end.map_or(Duration::from_secs(WAIT_MAX_S), |end| end.duration_since(Instant::now()));
        let State { entry, timed_out } = next(&link, &args.key, newer_than, left).await?;
        if timed_out {
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Exit::TimedOut);
            }
            continue;
        }
        newer_than = entry.as_ref().map_or(0, |entry| entry.version);
        let text = if json { object(&args.key, entry.as_ref()) } else { row(entry.as_ref(), paint) };
        writeln!(io::stdout(), "{text}")?;
    }
}

async fn next(link: &Link, key: &str, newer_than: Version, left: Duration) -> anyhow::Result<State> {
    let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    entries::changed(link, WatchState { state_key: key.to_owned(), newer_than, timeout_ms }).await
}

fn object(key: &str, entry: Option<&Entry>) -> String {
    entry.map_or_else(
        || json_text(&json!({"key": key, "value": null, "version": null, "updated_at": null, "updated_by": null, "expires_at": null})),
        |entry| json_text(&shape::entry(entry)),
    )
}

fn row(entry: Option<&Entry>, paint: Paint) -> String {
    match entry {
        None => paint.dim("gone"),
        Some(entry) => {
            let who = format!("{} {} {}", entry.updated_at, entry.version, visible(&entry.updated_by));
            format!("{} {}", paint.dim(&who), compact(entry.value.as_deref().unwrap_or("null")))
        }
    }
}
