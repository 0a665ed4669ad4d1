//! The answers to a question: the first of each recipient, and who has not answered.

use super::shape::{beginning, bytes_for, read_lines, select_messages};
use crate::session::Owner;
use crate::store::readers::Readers;
use c2c_proto::id::MessageId;
use c2c_proto::limits::{LIST_BODY_MAX_CHARS, REMINDER_BODY_MAX_CHARS, RESULT_MAX_CHARS};
use c2c_proto::message::Message;
use c2c_proto::name::{EVERYONE, fold, is_everyone_at, on_node};
use serde::Deserialize;
use std::collections::HashSet;

/// Bodies of answers, in bytes, beyond which only the beginnings of further ones are loaded: a result's worth, at
/// four bytes a character.
const BODIES_MAX_BYTES: usize = 4 * RESULT_MAX_CHARS;

/// What has come of a question.
#[derive(Debug, Default)]
pub(crate) struct AnswersTo {
    pub(crate) replies: Vec<Message>,
    pub(crate) missing: Vec<String>,
}

/// Whom a question went to, and by what one knows them now.
#[derive(Deserialize)]
struct Asked {
    recipient: String,
    mailbox: String,
    /// The sessions that it arrived at and was shown to.
    rows: [Option<i64>; 2],
    /// Under which name it was read.
    read_by: Option<String>,
}

/// Whom the question `?4` went to, as JSON, and the answers, in one trip to the store: somebody waits for them.
pub(super) const ANSWERS: &str = concat!(
    "SELECT (SELECT json_group_array(json_object('recipient', recipient, 'mailbox', mailbox,
                                                 'rows', json_array(arrived_row, shown_row), 'read_by', read_by))
             FROM deliveries WHERE message_id = ?4 AND arrived_row IS NOT ?2), (",
    select_messages!(
        "m.from_mailbox, m.from_row",
        "FROM messages AS m JOIN deliveries AS d ON d.mailbox = ?1 AND d.message_id = m.id
         WHERE m.reply_to = ?4 ORDER BY m.id"
    ),
    ")"
);

/// Reads the answers that lie in the asker's mailbox, read or not, at most `limit`. Who has answered is counted beyond
/// it. The asker's own copy of its question asks nobody.
pub(crate) async fn answers_to(
    readers: &Readers,
    owner: &Owner,
    question: MessageId,
    limit: usize,
) -> Result<AnswersTo, sqlx::Error> {
    let (asked, lines): (String, Option<Vec<u8>>) = sqlx::query_as(ANSWERS)
        .bind(&owner.mailbox)
        .bind(owner.row)
        .bind(bytes_for(LIST_BODY_MAX_CHARS))
        .bind(question)
        .fetch_one(readers.get().await?.connection()?)
        .await?;
    let mut asked: Vec<Asked> =
        serde_json::from_str(&asked).map_err(|error| sqlx::Error::Decode(error.into()))?;
    asked.sort_unstable_by(|one, other| one.mailbox.cmp(&other.mailbox));
    let mut answered = HashSet::new();
    let mut found = AnswersTo::default();
    let mut bytes = 0;
    for (mut reply, (from_mailbox, from_row)) in
        read_lines::<(String, i64)>(&lines.unwrap_or_default(), LIST_BODY_MAX_CHARS)?
    {
        let one = asked.iter().position(|asked| asked.is(&from_mailbox, from_row));
        let Some(index) = one.or_else(|| asked.iter().position(|asked| asked.was_read_by(&from_mailbox)))
        else {
            continue;
        };
        // Who is at another node has a name only by its answer.
        let among = is_everyone_at(&asked[index].mailbox).then_some(from_mailbox);
        if answered.insert((index, among)) && found.replies.len() < limit {
            // Thousands of answers must fit one frame, and no reader gets more than the beginnings of so many.
            if bytes > BODIES_MAX_BYTES {
                reply.body = beginning(reply.body, REMINDER_BODY_MAX_CHARS);
            }
            bytes += reply.body.len();
            found.replies.push(reply);
        }
    }
    let answered: HashSet<usize> = answered.into_iter().map(|(index, _)| index).collect();
    found.missing = asked
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !answered.contains(index))
        .map(|(_, asked)| asked.recipient)
        .collect();
    Ok(found)
}

impl Asked {
    /// Whether everyone at a node was asked, and this is one of them.
    fn is_at_node_of(&self, from_mailbox: &str) -> bool {
        match (on_node(&self.mailbox), on_node(from_mailbox)) {
            (Some((EVERYONE, asked)), Some((_, from))) => asked == from,
            _ => false,
        }
    }

    /// Whether it is at another node and was read there under this name, which need not be the one that was asked: a session takes
    /// another one.
    fn was_read_by(&self, from_mailbox: &str) -> bool {
        on_node(&self.mailbox).is_some() && self.read_by.as_deref().is_some_and(|by| fold(by) == from_mailbox)
    }

    /// Whether an answer from this name and row is this recipient's.
    fn is(&self, from_mailbox: &str, from_row: i64) -> bool {
        self.mailbox == from_mailbox
            || self.rows.contains(&Some(from_row))
            || fold(&self.recipient) == from_mailbox
            || self.is_at_node_of(from_mailbox)
    }
}
