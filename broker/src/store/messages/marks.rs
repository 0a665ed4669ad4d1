//! Marks on deliveries: shown (it left in a tool result) and read (its reader said so).

use crate::session::Row;
use crate::store::answers::{Answers, json};
use crate::store::counts::CountChange;
use crate::store::jobs::{Ask, ByOwner};
use crate::store::link;
use crate::store::transaction::{Insert, Transaction};
use crate::store::writer::Work;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::request::MarkRead;
use c2c_proto::response::Marked;
use sqlx::Row as _;
use std::collections::{HashMap, HashSet};

type Marks = [Ask<ByOwner<MarkRead>, Marked>];

/// Marks messages of each owner's mailbox read. Idempotent.
pub(crate) async fn mark_read(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    answers: &mut Answers,
    marks: &Marks,
) -> Result<Vec<Result<Marked, Error>>, sqlx::Error> {
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let mut present = present(transaction, marks).await?;
    let mut to_mark: Vec<(&str, MessageId, &str, Row)> = Vec::new();
    let mut results = Vec::with_capacity(marks.len());
    for Ask { input: ByOwner { owner, request, hash }, .. } in marks {
        if let Some(earlier) = answers.earlier(owner.row, &request.key, hash) {
            results.push(earlier);
            continue;
        }
        let mut marked = Marked { marked: 0, already_read: Vec::new(), not_found: Vec::new() };
        let mut seen = HashSet::new();
        for id in request.message_ids.iter().copied().filter(|id| seen.insert(*id)) {
            match present.get_mut(&(owner.mailbox.clone(), id)) {
                None => marked.not_found.push(id),
                Some(read) if *read => marked.already_read.push(id),
                Some(read) => {
                    *read = true;
                    marked.marked += 1;
                    to_mark.push((&owner.mailbox, id, &owner.name, owner.row));
                }
            }
        }
        answers.add(owner.row, &request.key, hash, &marked);
        results.push(Ok(marked));
    }
    write_read(transaction, work, &to_mark);
    Ok(results)
}

/// The deliveries that the batch names: whether each is read.
async fn present(
    transaction: &mut Transaction<'_>,
    marks: &Marks,
) -> Result<HashMap<(String, MessageId), bool>, sqlx::Error> {
    let wanted: Vec<(&str, MessageId)> = marks
        .iter()
        .flat_map(|ask| {
            let mailbox = ask.input.owner.mailbox.as_str();
            ask.input.request.message_ids.iter().map(move |id| (mailbox, *id))
        })
        .collect();
    transaction.add(
        "SELECT d.mailbox, d.message_id, d.read_at IS NOT NULL FROM json_each(?) AS j
         JOIN deliveries AS d ON d.mailbox = j.value ->> 0 AND d.message_id = j.value ->> 1",
    );
    let rows = transaction.bind(json(&wanted)).rows().await?;
    rows.into_iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))).collect()
}

/// Writes read marks: (mailbox, message, reader's name, reader's row).
fn write_read(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    marks: &[(&str, MessageId, &str, Row)],
) {
    if marks.is_empty() {
        return;
    }
    transaction.add(
        "UPDATE deliveries SET read_at = ?, read_by = j.value ->> 2
         FROM json_each(?) AS j
         WHERE deliveries.mailbox = j.value ->> 0 AND deliveries.message_id = j.value ->> 1
           AND deliveries.read_at IS NULL
         RETURNING deliveries.mailbox, deliveries.shown_row, deliveries.message_id",
    );
    let ticket = transaction.bind(work.now.0).bind(json(&marks)).keep_rows();
    let readers = marks.iter().map(|(mailbox, id, _, row)| ((*mailbox).to_owned(), *row, *id));
    work.counts.push(CountChange::MarkedRead(ticket, readers.collect()));
    let sightings: Vec<(Row, MessageId)> = marks.iter().map(|(_, id, _, row)| (*row, *id)).collect();
    write_sightings(transaction, &sightings);
    link::note_marks(transaction, work, marks.iter().map(|(mailbox, id, ..)| (*mailbox, *id)));
}

/// An answer marks what it answers read: in the answerer's mailbox, or where it was shown to it under an earlier name.
pub(super) fn mark_answered(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    answered: &[(&str, Row, MessageId, &str)],
) {
    if answered.is_empty() {
        return;
    }
    let answers = json(&answered);
    transaction
        .add(
            "INSERT OR IGNORE INTO sightings (row_id, message_id)
             SELECT j.value ->> 1, d.message_id FROM json_each(?) AS j
             JOIN deliveries AS d ON d.message_id = j.value ->> 2
              AND (d.mailbox = j.value ->> 0 OR d.shown_row = j.value ->> 1)
             WHERE d.read_at IS NULL",
        )
        .bind(&answers);
    link::note_answered(transaction, work, &answers);
    transaction.add(
        "UPDATE deliveries SET read_at = ?, read_by = j.value ->> 3
         FROM json_each(?) AS j
         WHERE deliveries.message_id = j.value ->> 2
           AND (deliveries.mailbox = j.value ->> 0 OR deliveries.shown_row = j.value ->> 1)
           AND deliveries.read_at IS NULL
         RETURNING deliveries.mailbox, deliveries.shown_row, deliveries.message_id",
    );
    let ticket = transaction.bind(work.now.0).bind(&answers).keep_rows();
    let readers = answered.iter().map(|(mailbox, row, id, _)| ((*mailbox).to_owned(), *row, *id));
    work.counts.push(CountChange::MarkedRead(ticket, readers.collect()));
}

/// Notes what left in tool results. The note may come after the reader's mark; it was shown before that all the same.
pub(crate) fn mark_shown(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    shown: &[Ask<ByOwner<Vec<MessageId>>, ()>],
) {
    let now = work.now.0;
    let all: Vec<(&str, MessageId, Row, i64)> = shown
        .iter()
        .flat_map(|ask| {
            let owner = &ask.input.owner;
            ask.input.request.iter().map(move |id| (owner.mailbox.as_str(), *id, owner.row, now))
        })
        .collect();
    if all.is_empty() {
        return;
    }
    let marks = json(&all);
    transaction
        .add(
            "INSERT OR IGNORE INTO sightings (row_id, message_id)
             SELECT j.value ->> 2, d.message_id FROM json_each(?) AS j
             JOIN deliveries AS d ON d.mailbox = j.value ->> 0 AND d.message_id = j.value ->> 1
             WHERE d.shown_row IS NOT j.value ->> 2",
        )
        .bind(&marks);
    transaction.add(
        "UPDATE deliveries SET shown_at = COALESCE(shown_at, MIN(j.value ->> 3, COALESCE(read_at, j.value ->> 3))),
                               shown_row = j.value ->> 2
         FROM json_each(?) AS j
         WHERE deliveries.mailbox = j.value ->> 0 AND deliveries.message_id = j.value ->> 1
           AND deliveries.shown_row IS NOT j.value ->> 2
         RETURNING deliveries.mailbox, deliveries.read_at IS NULL",
    );
    let ticket = transaction.bind(&marks).keep_rows();
    work.counts.push(CountChange::MarkedShown(ticket));
    link::note_marks(transaction, work, all.iter().map(|(mailbox, id, ..)| (*mailbox, *id)));
}

const SIGHTINGS: Insert = Insert { head: "INSERT OR IGNORE INTO sightings (row_id, message_id)", columns: 2 };

fn write_sightings(transaction: &mut Transaction<'_>, sightings: &[(Row, MessageId)]) {
    transaction.insert(&SIGHTINGS, sightings, |transaction, (row, id)| {
        transaction.bind(*row).bind(*id);
    });
}
