//! The person at a terminal, who takes part under a name: usually their own, for a moment that of a session which is away.
//!
//! A session's row stays as it is, and its session finds it so when it comes back.

use super::rows;
use crate::store::jobs::Greeted;
use crate::store::writer::Work;
use c2c_proto::hello::Identity;
use c2c_proto::name::{self, fold};
use c2c_proto::{Error, ErrorCode};
use sqlx::SqliteConnection;

/// What stands where a session's row names its client's process: no process is described so.
pub(crate) const PERSON: &str = "person";

/// Finds or makes the row of the name.
pub(crate) async fn greet(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    identity: &Identity,
) -> Result<Result<Option<Greeted>, Error>, sqlx::Error> {
    let wanted = identity.wanted_name.as_deref().unwrap_or_default();
    let owner = match rows::by_mailbox(connection, work, &fold(wanted)).await? {
        Some(holder) if work.shared.presence.is_in_use(holder.row) => return Ok(Err(in_use(&holder.name))),
        Some(holder) => {
            rows::seen(connection, work, holder.row).await?;
            holder.owner()
        }
        None => {
            if let Err(error) = name::check(wanted) {
                return Ok(Err(error));
            }
            let identity = Identity { client_session: None, parent: PERSON.to_owned(), ..identity.clone() };
            rows::create(connection, work, &identity, wanted, None, None).await?
        }
    };
    let online = Some(work.shared.presence.enter_as_person(owner.row));
    Ok(Ok(Some(Greeted { owner, superseded: false, online, displaced: None, displaced_row: None })))
}

/// Why a person may not act under a name.
pub(crate) fn in_use(name: &str) -> Error {
    Error::new(
        ErrorCode::Conflict,
        format!("a session is connected as {name:?}, and nobody else acts under its name meanwhile"),
        "end that session first, or take another name; to look into its mailbox no name is needed",
    )
}
