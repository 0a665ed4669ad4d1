//! The name that a session asks for. Last one wins: a live holder loses it too.

use super::rows::{self, Holder};
use crate::session::Owner;
use crate::session::Row;
use crate::store::answers::Answers;
use crate::store::jobs::{Named, Registration};
use crate::store::writer::Work;
use c2c_proto::Error;
use c2c_proto::name;
use c2c_proto::response::Registered;
use sqlx::SqliteConnection;

/// Gives the name to the session: to its row, or to a new one if it has none or lost its own.
pub(crate) async fn register(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    answers: &mut Answers,
    registration: &Registration,
) -> Result<Result<Named, Error>, sqlx::Error> {
    let (scope, key) = registration.scoped_key();
    if let Some(earlier) = answers.earlier::<Registered>(scope, &key, &registration.hash) {
        return repeated(connection, work, earlier).await;
    }
    let wanted = &registration.request.name;
    if let Err(refused) = may_be_taken(connection, work, wanted).await? {
        return Ok(Err(refused));
    }
    let (owner, displaced) = take(connection, work, registration).await?;
    let (displaced_row, superseded) = displaced.unzip();
    let answer = Registered { session_id: owner.session_id.clone(), name: owner.name.clone(), superseded };
    answers.add(scope, &key, &registration.hash, &answer);
    Ok(Ok(named(work, owner, answer, displaced_row)))
}

/// The same call again: the first answer, under the name that the session has by now. One that lost the name since then
/// is told so; repeating the call does not win it back.
async fn repeated(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    earlier: Result<Registered, Error>,
) -> Result<Result<Named, Error>, sqlx::Error> {
    let answer = match earlier {
        Ok(answer) => answer,
        Err(conflict) => return Ok(Err(conflict)),
    };
    match rows::by_session_id(connection, work, &answer.session_id).await? {
        Some(holder) if !holder.stale => {
            let answer = Registered { name: holder.name.clone(), ..answer };
            Ok(Ok(named(work, holder.owner(), answer, None)))
        }
        _ => Ok(Err(crate::session::superseded(&answer.name))),
    }
}

fn named(work: &Work<'_>, owner: Owner, answer: Registered, displaced_row: Option<Row>) -> Named {
    let online = work.shared.presence.enter(owner.row);
    Named { owner, answer, online, displaced_row }
}

/// A name follows the rule, or the store knows it from before the rule.
async fn may_be_taken(
    connection: &mut SqliteConnection,
    work: &Work<'_>,
    wanted: &str,
) -> Result<Result<(), Error>, sqlx::Error> {
    let Err(refused) = name::check(wanted) else { return Ok(Ok(())) };
    if name::looks_stale(wanted) || wanted == name::EVERYONE || wanted.is_empty() {
        return Ok(Err(refused));
    }
    let mailbox = name::fold(wanted);
    let known = rows::by_mailbox(connection, work, &mailbox).await?.is_some()
        || rows::has_mail(connection, &mailbox).await?;
    Ok(if known { Ok(()) } else { Err(refused) })
}

type Taken = (Owner, Option<(Row, c2c_proto::response::Displaced)>);

async fn take(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    registration: &Registration,
) -> Result<Taken, sqlx::Error> {
    let request = &registration.request;
    let mine = match registration.row {
        Some(row) => rows::by_row(connection, work, row).await?,
        None => None,
    };
    let mailbox = name::fold(&request.name);
    if let Some(mine) = mine.as_ref().filter(|mine| !mine.stale && mine.mailbox == mailbox) {
        set_metadata(connection, mine, request.metadata.as_deref()).await?;
        return Ok((mine.owner(), None));
    }
    let mut displaced = None;
    if let Some(holder) = rows::by_mailbox(connection, work, &mailbox).await? {
        displaced = Some((holder.row, rows::make_stale(connection, work, &holder).await?));
    }
    let owner = match &mine {
        Some(mine) if !mine.stale => {
            let owner = rows::rename(connection, work, mine, &request.name).await?;
            set_metadata(connection, mine, request.metadata.as_deref()).await?;
            owner
        }
        _ => {
            let predecessor = mine.map(|mine| mine.row);
            let metadata = request.metadata.as_deref();
            rows::create(connection, work, &registration.identity, &request.name, metadata, predecessor)
                .await?
        }
    };
    Ok((owner, displaced))
}

async fn set_metadata(
    connection: &mut SqliteConnection,
    mine: &Holder,
    metadata: Option<&str>,
) -> Result<(), sqlx::Error> {
    if let Some(metadata) = metadata {
        sqlx::query("UPDATE sessions SET metadata = ?2 WHERE row_id = ?1")
            .bind(mine.row)
            .bind(metadata)
            .execute(connection)
            .await?;
    }
    Ok(())
}
