//! The store itself, through the broker: whether it is sound, and whether its times are not ahead of the clock.

use super::report::Check;
use crate::link::{Link, ask};
use crate::mail;
use crate::print::now;
use crate::progress;
use c2c_proto::request::Check as Question;
use c2c_proto::response::Checked;
use c2c_proto::time::Timestamp;
use c2c_proto::{Error, ErrorCode};
use std::time::Duration;
use tokio::time::timeout;

/// Reading through a large store takes its time.
const CHECK_TIMEOUT: Duration = Duration::from_secs(600);
/// For a page of messages.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// A clock that is set by the network moves by less.
const TOLERATED_S: i64 = 5;

/// The checks `store` and `clock`.
pub(super) async fn check(reached: bool, quiet: bool) -> [Check; 2] {
    if !reached {
        let why = "no broker answers";
        return [Check::skipped("store", why), Check::skipped("clock", why)];
    }
    [progress::during("checking the store", quiet, integrity()).await, clock().await]
}

async fn integrity() -> Check {
    let mend = "put a backup in its place: `c2c restore`";
    // The broker, which is told the same, has a moment to say that it gave up.
    match timeout(CHECK_TIMEOUT + PAGE_TIMEOUT, checked()).await {
        Ok(Ok(Checked { problems, schema })) if problems.is_empty() => {
            Check::ok("store", format!("read through, nothing is wrong; schema {schema}"))
        }
        Ok(Ok(Checked { problems, .. })) => {
            let first = problems.first().map_or("", String::as_str);
            Check::failed(
                "store",
                format!("the store is damaged, {} problems: {first}", problems.len()),
                mend,
            )
        }
        Ok(Err(error)) if !gave_up(&error) => failure("store", &error),
        Ok(Err(_)) | Err(_) => {
            let says = format!("it was not read through within {} s", CHECK_TIMEOUT.as_secs());
            Check::warning("store", says, "try again while it is less used")
        }
    }
}

/// Whether the broker ran out of time: nothing else about this question can be wrong.
fn gave_up(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.code == ErrorCode::InvalidArgument)
}

/// What the broker says, with its hint.
pub(super) fn failure(name: &'static str, error: &anyhow::Error) -> Check {
    match error.downcast_ref::<Error>() {
        Some(error) => Check::of_error(name, error),
        None => Check::failed(name, format!("{error:#}"), "see `c2c log`"),
    }
}

async fn checked() -> anyhow::Result<Checked> {
    let timeout_ms = u64::try_from(CHECK_TIMEOUT.as_millis())?;
    let link = Link::look_on()?;
    Ok(ask!(link, Check(Question { timeout_ms }), Checked))
}

async fn clock() -> Check {
    let newest = match timeout(PAGE_TIMEOUT, newest()).await {
        Ok(Ok(newest)) => newest,
        Ok(Err(error)) => return failure("clock", &error),
        Err(_) => return Check::failed("clock", "the broker did not answer in time", "see `c2c log`"),
    };
    match newest {
        Some(at) if at > now().plus_s(TOLERATED_S) => Check::warning(
            "clock",
            format!("the newest message is from {at}, it is {} now: the clock went back", now()),
            "set the clock of this machine",
        ),
        _ => Check::ok("clock", "no message is from the future"),
    }
}

async fn newest() -> anyhow::Result<Option<Timestamp>> {
    Ok(mail::newest_one(&Link::look_on()?).await?.map(|message| message.created_at))
}
