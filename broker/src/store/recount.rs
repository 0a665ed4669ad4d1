//! Counting the unread mail of mailboxes anew from what the store says: all of them at the start, and each in which more
//! changed than a send or a mark does.

use super::counts::CountChange;
use super::writer::Work;
use crate::session::Row;
use c2c_proto::frame::MailCount;
use sqlx::{Row as _, SqliteConnection};
use std::collections::BTreeSet;

/// Every mailbox with unread mail.
pub(super) async fn all(connection: &mut SqliteConnection) -> Result<Vec<(String, MailCount)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT d.mailbox, COUNT(*), COUNT(*) FILTER (WHERE d.shown_row IS NOT COALESCE(s.row_id, 0))
         FROM deliveries AS d LEFT JOIN sessions AS s ON s.mailbox = d.mailbox AND s.stale = 0
         WHERE d.read_at IS NULL GROUP BY d.mailbox",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut counted = Vec::with_capacity(rows.len());
    for row in rows {
        counted.push((row.try_get(0)?, mail_count(row.try_get(1)?, row.try_get(2)?)));
    }
    Ok(counted)
}

/// Mailboxes that got or lost unread mail other than by a send or a mark are counted anew before the commit.
pub(super) async fn later(
    connection: &mut SqliteConnection,
    work: &mut Work<'_>,
    mailboxes: impl IntoIterator<Item = String>,
) -> Result<(), sqlx::Error> {
    for mailbox in mailboxes.into_iter().collect::<BTreeSet<_>>() {
        let holder: Option<Row> =
            sqlx::query_scalar("SELECT row_id FROM sessions WHERE mailbox = ?1 AND stale = 0")
                .bind(&mailbox)
                .fetch_optional(&mut *connection)
                .await?;
        work.recount.push((mailbox, holder.unwrap_or(0)));
    }
    Ok(())
}

/// Counts mailboxes anew in which too much changed at once.
pub(super) async fn now(connection: &mut SqliteConnection, work: &mut Work<'_>) -> Result<(), sqlx::Error> {
    for (mailbox, holder) in std::mem::take(&mut work.recount) {
        let row = sqlx::query(
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE shown_row IS NOT ?2) FROM deliveries
             WHERE mailbox = ?1 AND read_at IS NULL",
        )
        .bind(&mailbox)
        .bind(holder)
        .fetch_one(&mut *connection)
        .await?;
        let count = mail_count(row.try_get(0)?, row.try_get(1)?);
        work.counts.push(CountChange::Recounted(mailbox, count));
    }
    Ok(())
}

/// Counts as SQLite gives them.
pub(super) fn mail_count(unread: i64, new: i64) -> MailCount {
    MailCount {
        unread: u64::try_from(unread).unwrap_or_default(),
        new: u64::try_from(new).unwrap_or_default(),
    }
}
