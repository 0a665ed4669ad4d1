//! The name that a session gets without asking, right after its hello.
//!
//! In this order: the row that the shim already has; the row of the same client session in the same process (a server
//! that was started twice); `C2C_NAME`; the row that the same client session had before; the folder's name. Nobody
//! connected is ever displaced whose client still runs, nor a row of another folder that was seen within a week: then a
//! number is appended.

use super::rows::{self, Holder};
use crate::session::{Owner, Row};
use crate::store::answers::Answers;
use crate::store::jobs::Greeted;
use crate::store::writer::Work;
use c2c_proto::Error;
use c2c_proto::hello::Identity;
use c2c_proto::limits::{NAME_MAX_CHARS, SEEN_RECENTLY_DAYS};
use c2c_proto::name::{derive, fold, follows_rule, looks_stale};
use c2c_proto::process;
use c2c_proto::response::Displaced;
use sqlx::SqliteConnection;
use std::path::Path;

/// Finds or makes the session's row. `None`: the shim wants no name yet.
pub(crate) async fn greet(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    answers: &mut Answers,
    identity: &Identity,
) -> Result<Result<Option<Greeted>, Error>, sqlx::Error> {
    if let Some(known) = known_row(connection, work, answers, identity).await? {
        if known.stale {
            let owner = known.owner();
            return Ok(Ok(Some(Greeted {
                owner,
                superseded: true,
                online: None,
                displaced: None,
                displaced_row: None,
            })));
        }
        // The client may call its session by another id since; a shim knows only the one that it was started with.
        let identity = Identity { client_session: None, ..identity.clone() };
        return Ok(Ok(Some(join(connection, work, &identity, &known).await?)));
    }
    if !identity.automatic {
        return Ok(Ok(None));
    }
    if let Some(resumed) = resumable(connection, work, identity).await? {
        let greeted = join(connection, work, identity, &resumed).await?;
        answers.add(0, &identity.key, "", &greeted.owner.session_id);
        return Ok(Ok(Some(greeted)));
    }
    let (name, given) = free_name(connection, work, identity).await?;
    let owner = rows::create(connection, work, identity, &name, None, None).await?;
    answers.add(0, &identity.key, "", &owner.session_id);
    let (displaced_row, displaced) = given.unzip();
    Ok(Ok(Some(Greeted { displaced_row, displaced, ..greeted(work, owner) })))
}

/// The row that this very shim was given before. An id that others can see in a list is no proof of that by itself: the
/// process that the shim belongs to has to be the same, too. The key of its hello is its own secret.
async fn known_row(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    answers: &Answers,
    identity: &Identity,
) -> Result<Option<Holder>, sqlx::Error> {
    if let Some(session_id) = &identity.session_id
        && let Some(holder) =
            rows::by_session_id_of_process(connection, work, session_id, &identity.parent).await?
    {
        return Ok(Some(holder));
    }
    match answers.earlier::<String>(0, &identity.key, "") {
        Some(Ok(session_id)) => rows::by_session_id(connection, work, &session_id).await,
        _ => Ok(None),
    }
}

/// A row of the same client session: in the same process, or one that nobody is connected to.
async fn resumable(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    identity: &Identity,
) -> Result<Option<Holder>, sqlx::Error> {
    let Some(client_session) = &identity.client_session else { return Ok(None) };
    let same_process = rows::by_process(connection, work, client_session, &identity.parent).await?;
    if same_process.is_some() {
        return Ok(same_process);
    }
    let before = rows::by_client_session(connection, work, client_session).await?;
    let Some(wanted) = &identity.wanted_name else { return Ok(before) };
    // A name that the user set wins over the one from before.
    Ok(before.filter(|holder| holder.mailbox == fold(&as_name(wanted))))
}

async fn join(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    identity: &Identity,
    holder: &Holder,
) -> Result<Greeted, sqlx::Error> {
    rows::refresh(connection, work, holder.row, identity).await?;
    Ok(greeted(work, holder.owner()))
}

fn greeted(work: &Work<'_>, owner: Owner) -> Greeted {
    let online = work.shared.presence.enter(owner.row);
    Greeted { owner, superseded: false, online: Some(online), displaced: None, displaced_row: None }
}

/// A name that may be taken, made free if its holder has to give way.
async fn free_name(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    identity: &Identity,
) -> Result<(String, Option<(Row, Displaced)>), sqlx::Error> {
    let base = match &identity.wanted_name {
        Some(wanted) => as_name(wanted),
        None => derive(&folder_name(&identity.project_dir)),
    };
    for number in 1_u64.. {
        let name = numbered(&base, number);
        let Some(holder) = rows::by_mailbox(connection, work, &fold(&name)).await? else {
            return Ok((name, None));
        };
        if gives_way(work, &holder, identity) {
            let displaced = rows::make_stale(connection, work, &holder).await?;
            return Ok((name, Some((holder.row, displaced))));
        }
    }
    // 2^64 sessions are not there.
    Ok((base, None))
}

/// Whether the holder of a name loses it to a session that did not even ask for it. A client that has ended is gone, also
/// if its shim has a moment to live: whoever starts the next one at once wants the same name.
fn gives_way(work: &Work<'_>, holder: &Holder, identity: &Identity) -> bool {
    let week_s = i64::try_from(SEEN_RECENTLY_DAYS * 86_400).unwrap_or(i64::MAX);
    let long_gone = holder.last_seen_at < work.now.plus_s(-week_s).0;
    let gone = !holder.online || process::has_ended(&holder.parent);
    gone && (holder.project_dir == identity.project_dir || long_gone)
}

/// `C2C_NAME` as a name: as it is if it may be one.
fn as_name(wanted: &str) -> String {
    if follows_rule(wanted) { wanted.to_owned() } else { derive(wanted) }
}

/// `name`, `name-2`, `name-3` …, never longer than a name may be.
fn numbered(base: &str, number: u64) -> String {
    if number == 1 {
        return base.to_owned();
    }
    let with = |separator: char| {
        let suffix = format!("{separator}{number}");
        let kept = base.len().min(NAME_MAX_CHARS - suffix.len());
        format!("{}{suffix}", base.get(..kept).unwrap_or(base))
    };
    let name = with('-');
    // `api-stale` and a number would read like a row that lost its name.
    if looks_stale(&name) { with('_') } else { name }
}

/// The last part of a path of this system or another.
fn folder_name(path: &str) -> String {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{as_name, folder_name, numbered};

    #[test]
    fn numbers_are_appended_within_the_limit() {
        assert_eq!(numbered("api", 1), "api");
        assert_eq!(numbered("api", 2), "api-2");
        assert_eq!(numbered("api-stale", 2), "api-stale_2");
        assert_eq!(numbered(&"x".repeat(64), 10), format!("{}-10", "x".repeat(61)));
    }

    #[test]
    fn names_come_from_folders_and_from_what_was_set() {
        assert_eq!(folder_name("/home/me/my project"), "my project");
        assert_eq!(folder_name("/"), "");
        assert_eq!(as_name("review"), "review");
        assert_eq!(as_name("the reviewer!"), "the-reviewer-");
    }
}
