//! `Ask`: a send, then a wait for answers to it, counted once per recipient.
//!
//! The send has a key, so that an `Ask` which is repeated on a new connection goes on waiting for the same answers;
//! whether they were read meanwhile makes no difference to it.

use super::{Handled, check, near, send, wait};
use crate::Broker;
use crate::nudge;
use crate::session::{Owner, Row};
use crate::store::Stored;
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::limits::RECIPIENTS_MAX;
use c2c_proto::message::To;
use c2c_proto::name::is_everyone_at;
use c2c_proto::request::{Ask, Send};
use c2c_proto::response::{Asked, Response};
use std::sync::Arc;

pub(super) async fn ask(broker: &Arc<Broker>, owner: Owner, request: Ask) -> Handled {
    check::send(&request.send, &broker.config.limits)?;
    let deadline = wait::deadline(request.timeout_ms)?;
    check_replies(request.replies)?;
    let row = owner.row;
    let to = request.send.to.clone().filter(|_| request.send.reply_to.is_none());
    let stored = match deliver(broker, owner, request.send).await {
        Ok(stored) => stored,
        Err(error) => return Err(near::advised(broker, error, to.as_ref()).await),
    };
    let recipients = send::recipients(&stored);
    let wanted = wanted(&stored, row, request.replies, |row| broker.store.is_in_use(row));
    let question = stored.id;
    let _asking = Asking::new(broker, row, question);
    let look = |owner: Owner| async move {
        // Nothing has come since: mostly so when the wait begins.
        if broker.store.last_message_id() == question {
            return Ok(None);
        }
        let (replies, missing) = broker.store.answers_to(&owner, question, wanted).await?;
        Ok((replies.len() >= wanted).then_some((replies, missing)))
    };
    let answered =
        wait::until_found(broker, row, deadline, look).await.map_err(|error| sent(error, question))?;
    let timed_out = answered.is_none();
    let (replies, missing) = match answered {
        Some(found) => found,
        // What has come so far is better than nothing.
        None => so_far(broker, row, question).await.map_err(|error| sent(error, question))?,
    };
    let first_shown = replies.iter().filter(|reply| reply.read_at.is_none()).count() as u64;
    Ok((Response::Asked(Asked { id: question, replies, missing, timed_out, recipients }), first_shown))
}

/// As long as it is there, answers to the question are not announced: the blocked call takes them. Those that it left are,
/// once it is gone.
struct Asking {
    broker: Arc<Broker>,
    row: Row,
    question: MessageId,
}

impl Asking {
    fn new(broker: &Arc<Broker>, row: Row, question: MessageId) -> Self {
        broker.hub.asks(row, question);
        Self { broker: Arc::clone(broker), row, question }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.broker.hub.asked(self.row, self.question);
        nudge::wait_ended(&self.broker, self.row);
    }
}

/// Cancelling an `ask` ends its wait, never its send half-way: a question that is on disk is announced.
async fn deliver(broker: &Arc<Broker>, owner: Owner, request: Send) -> Result<Stored, Error> {
    let broker = Arc::clone(broker);
    let sending = tokio::spawn(async move { send::deliver(&broker, owner, request, true, None).await });
    sending.await.map_err(|_| Error::internal("the broker failed over a send"))?
}

/// What went wrong while answers were waited for does not undo the question.
fn sent(mut error: Error, question: i64) -> Error {
    error.message = format!("{}; the question had been sent, as message {question}", error.message);
    error
}

fn check_replies(replies: Option<u32>) -> Result<(), Error> {
    match replies {
        Some(0) => Err(Error::invalid("replies is 0", "use send_message if no answer is needed")),
        Some(replies) if replies as usize > RECIPIENTS_MAX => Err(Error::invalid(
            format!("replies is {replies}, the limit is {RECIPIENTS_MAX}"),
            "ask for fewer, or leave it out for the default",
        )),
        _ => Ok(()),
    }
}

/// How many recipients must answer: as asked, but never more than there are beside the one who asks. Of those at other nodes none
/// must, unless it is asked of them alone. A person who is there is
/// not waited for unless asked by name: a command that holds a lease does not read mail.
fn wanted(stored: &Stored, asker: Row, replies: Option<u32>, is_session: impl Fn(Row) -> bool) -> usize {
    let recipients = stored.recipients.iter().filter(|stored| stored.row != Some(asker)).count();
    let online = stored.recipients.iter().filter(|stored| stored.row.is_some_and(&is_session)).count();
    let default = match &stored.to {
        to if to.is_everyone() => online.max(1),
        To::Many(_) => recipients,
        _ => 1,
    };
    // Nobody knows here how many there are at another node.
    let elsewhere = stored.recipients.iter().any(|stored| is_everyone_at(&stored.recipient.name));
    let most = if elsewhere { RECIPIENTS_MAX } else { recipients.max(1) };
    replies.map_or(default, |replies| replies as usize).clamp(1, most)
}

async fn so_far(
    broker: &Arc<Broker>,
    row: Row,
    question: i64,
) -> Result<(Vec<c2c_proto::message::Message>, Vec<String>), Error> {
    match broker.hub.owner(row) {
        Some((owner, _)) => broker.store.answers_to(&owner, question, RECIPIENTS_MAX).await,
        None => Ok((Vec::new(), Vec::new())),
    }
}
