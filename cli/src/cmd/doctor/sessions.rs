//! The sessions: who is not told of mail, and whose mailbox fills without being read.

use super::report::{Check, Problem};
use super::store::failure;
use crate::control;
use crate::everybody;
use crate::link::{Link, ask};
use crate::print::now;
use c2c_proto::paths::StorePaths;
use c2c_proto::request::Traffic;
use c2c_proto::response::SessionInfo;
use std::time::Duration;
use tokio::time::timeout;

/// For all of it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Sessions of the last month count.
const ACTIVE_MIN: u32 = 30 * 24 * 60;
/// Unread messages that are many.
const MUCH: u64 = 100;
/// Unread mail of an offline session that is older than this is old.
const OLD_S: i64 = 24 * 60 * 60;
/// Mailboxes that are looked into, at most.
const LOOKED_INTO: usize = 50;

/// The check `sessions`.
pub(super) async fn check(paths: &StorePaths, reached: bool) -> Check {
    if !reached {
        return Check::skipped("sessions", "no broker answers");
    }
    match timeout(TIMEOUT, look(paths)).await {
        Ok(Ok(check)) => check,
        Ok(Err(error)) => failure("sessions", &error),
        Err(_) => Check::failed("sessions", "the broker did not answer in time", "see `c2c log`"),
    }
}

async fn look(paths: &StorePaths) -> anyhow::Result<Check> {
    let link = Link::look_on()?;
    let (sessions, _) = everybody::sessions(&link, ACTIVE_MIN, usize::MAX).await?;
    let mut problems = Vec::new();
    for session in sessions.iter().filter(|session| session.unread >= MUCH) {
        problems.push(unread(session, ""));
    }
    let offline = |session: &&SessionInfo| !session.online && session.unread > 0 && session.unread < MUCH;
    for session in sessions.iter().filter(offline).take(LOOKED_INTO) {
        let oldest = Traffic {
            mailbox: Some(session.name.clone()),
            unread_only: true,
            after_id: Some(0),
            limit: 1,
            ..Traffic::default()
        };
        let found = ask!(link, Traffic(oldest), Inbox);
        if found.messages.first().is_some_and(|oldest| oldest.created_at.plus_s(OLD_S) < now()) {
            problems.push(unread(session, " for more than a day, and is offline"));
        }
    }
    let states = control::push_states(paths).await?.unwrap_or_default();
    let quiet: Vec<&str> = states
        .iter()
        .filter(|state| state.choice == "off" || state.way == "hooks")
        .map(|state| state.name.as_str())
        .collect();
    let online = sessions.iter().filter(|session| session.online).count();
    let mut fine = format!("{online} online");
    if !quiet.is_empty() {
        fine.push_str(&format!("; told of mail only by hooks, at their next turn: {}", quiet.join(", ")));
    }
    Ok(Check::of("sessions", problems, fine))
}

fn unread(session: &SessionInfo, more: &str) -> Problem {
    let name = &session.name;
    Problem::warning(
        format!("{name} has {} unread messages{more}", session.unread),
        format!("let session {name} read its mail (`c2c inbox {name}` shows it), or `c2c prune`"),
    )
}
