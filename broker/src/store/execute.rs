//! What one transaction does: every kind of change of a batch, in an order that makes sense of those that belong together.
//! What is rare is on the heap by itself: it would make the future of every transaction larger, which is moved.

use super::answers::Answers;
use super::batch::{Batch, Outcomes};
use super::jobs::GreetingKind;
use super::transaction::Transaction;
use super::writer::Work;
use super::{import, link, messages, prune, sessions, state};

/// Every kind of change in turn: names first, since mail follows them.
pub(super) async fn execute(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    batch: &Batch,
) -> Result<Outcomes, sqlx::Error> {
    let mut answers = Answers::find(transaction, batch).await?;
    let mut outcomes = Outcomes::default();
    change_names(transaction, work, &mut answers, batch, &mut outcomes).await?;
    outcomes.sends = messages::insert(transaction, work, &batch.sends).await?;
    outcomes.marks = messages::mark_read(transaction, work, &mut answers, &batch.marks).await?;
    messages::mark_shown(transaction, work, &batch.shown);
    outcomes.state = state::change(transaction, work, &mut answers, &batch.state).await?;
    if !batch.prunes.is_empty() {
        let connection = transaction.connection().await?;
        for ask in &batch.prunes {
            outcomes.prunes.push(Box::pin(prune::prune(connection, work, &mut answers, &ask.input)).await?);
        }
    }
    if !batch.imports.is_empty() {
        for ask in &batch.imports {
            outcomes.imports.push(Box::pin(import::import(transaction, work, &ask.input)).await?);
        }
        super::recount::now(transaction.connection().await?, work).await?;
    }
    for ask in &batch.links {
        outcomes.links.push(Box::pin(link::change(transaction, work, &mut answers, &ask.input)).await?);
    }
    answers.keep(transaction, work.age);
    Ok(outcomes)
}

/// Everything about sessions, which is rare: one statement after the other.
async fn change_names(
    transaction: &mut Transaction<'_>,
    work: &mut Work<'_>,
    answers: &mut Answers,
    batch: &Batch,
    outcomes: &mut Outcomes,
) -> Result<(), sqlx::Error> {
    if !batch.is_about_sessions() {
        return Ok(());
    }
    work.names.forget();
    let connection = transaction.connection().await?;
    for hello in &batch.hellos {
        let identity = &hello.input.identity;
        outcomes.hellos.push(match hello.input.kind {
            GreetingKind::Session => sessions::greet(connection, work, answers, identity).await?,
            GreetingKind::Person => sessions::greet_person(connection, work, identity).await?,
        });
    }
    for registration in &batch.registrations {
        outcomes
            .registrations
            .push(sessions::register(connection, work, answers, &registration.input).await?);
    }
    sessions::write_presence(connection, work, &batch.presence).await?;
    sessions::write_client_sessions(connection, &batch.client_sessions).await?;
    super::recount::now(connection, work).await
}
