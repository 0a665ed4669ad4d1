//! `c2c show`: one message whole, what became of it, and what it belongs to.

use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::{self, Printer, ago, stamp};
use crate::text::visible;
use crate::{mail, shape};
use c2c_proto::Error;
use c2c_proto::id::MessageId;
use c2c_proto::limits::PERSON_PAGE_MAX_CHARS;
use c2c_proto::message::{Message, Receipt};
use c2c_proto::request::{Filter, ReadMessage, Traffic};
use c2c_proto::time::Timestamp;
use clap::Args;
use serde_json::{Value, json};

/// Messages of the thread, the newest.
const THREAD_MAX: u32 = 100;

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Shows one message whole, how far it has come at each recipient, and the thread that it belongs to.

It shows any message, whoever it is for, and marks nothing.";

const AFTER: &str = concat!(
    "\
States:
  queued  in the mailbox
  shown   given to the recipient
  read    marked read by the recipient, or answered

With --json: one object {\"message\": {...}, \"thread\": [...]}; the message has its whole body, and the thread is its
newest 100 messages, ascending by id, the message itself among them.\n",
    print::message_keys!(),
    "

Exit status:
  0  done
  1  an error
  4  there is no such message
  5  no broker runs, and none could be started

Examples:
  c2c show 12
  c2c show 12 --json | jq -r .message.body > body.txt"
);

/// What can be said to `c2c show`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ShowArgs {
    /// The message's id
    #[arg(value_name = "ID", value_parser = mail::id())]
    id: MessageId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show one message whole, with its receipts and its thread.
pub(crate) async fn run(args: ShowArgs) -> anyhow::Result<Exit> {
    let link = Link::look_on()?;
    let message = whole(&link, args.id).await?;
    let filter = Filter { thread: Some(message.thread), ..Filter::default() };
    let wanted = Traffic { filter, ..Traffic::default() };
    let (thread, more) = mail::newest_traffic(&link, &wanted, THREAD_MAX).await?;
    if args.json {
        let thread: Vec<Value> = thread.iter().map(shape::message).collect();
        print::json(&json!({"message": shape::message(&message), "thread": thread}))?;
        return Ok(Exit::Done);
    }
    let printer = Printer::for_stdout();
    print::out(&printer.whole(&message))?;
    print::out(&format!("\n{}", receipts(&message, print::now())))?;
    if thread.len() > 1 {
        let older = if more { format!(", the newest {THREAD_MAX}") } else { String::new() };
        print::out(&format!("\nthread {}{older}\n", message.thread))?;
        for message in &thread {
            let note = if message.id == args.id { "this one" } else { "" };
            print::out(&printer.line(message, note))?;
        }
    }
    Ok(Exit::Done)
}

async fn whole(link: &Link, message_id: MessageId) -> Result<Message, Error> {
    let max_chars = u32::try_from(PERSON_PAGE_MAX_CHARS).unwrap_or(u32::MAX);
    let first = ReadMessage { message_id, offset: 0, max_chars };
    let mut message = ask!(link, ReadMessage(first), OneMessage).message;
    mail::complete(link, &mut message).await?;
    Ok(message)
}

/// A line for each recipient.
fn receipts(message: &Message, now: Timestamp) -> String {
    if message.receipts.is_empty() {
        return "nobody got it\n".to_owned();
    }
    let row = |receipt: &Receipt| {
        vec![visible(&receipt.name), shape::state(receipt.state).to_owned(), history(receipt, now)]
    };
    let rows: Vec<Vec<String>> = message.receipts.iter().map(row).collect();
    print::table(&rows)
}

/// When it was shown and read, and by whom if that is another name.
fn history(receipt: &Receipt, now: Timestamp) -> String {
    let at = |at: Timestamp| format!("{} ({})", stamp(at), ago(at, now));
    let mut steps = Vec::new();
    if let Some(shown_at) = receipt.shown_at {
        steps.push(format!("shown {}", at(shown_at)));
    }
    if let Some(read_at) = receipt.read_at {
        let other = receipt.read_by.as_ref().filter(|by| **by != receipt.name);
        let by = other.map_or_else(String::new, |by| format!(" by {}", visible(by)));
        steps.push(format!("read {}{by}", at(read_at)));
    }
    steps.join(", ")
}

#[cfg(test)]
mod tests {
    use super::history;
    use c2c_proto::message::{Receipt, ReceiptState};
    use c2c_proto::time::Timestamp;

    #[test]
    fn a_receipt_tells_when_and_by_whom() {
        let now = Timestamp(1_795_355_401_234_567);
        let receipt = Receipt {
            name: "api".to_owned(),
            state: ReceiptState::Read,
            shown_at: Some(now.plus_s(-180)),
            read_at: Some(now.plus_s(-60)),
            read_by: Some("api-2".to_owned()),
        };
        assert_eq!(
            history(&receipt, now),
            "shown 2026-11-22 13:47:01Z (3 min ago), read 2026-11-22 13:49:01Z (1 min ago) by api-2"
        );
        let own = Receipt { read_by: Some("api".to_owned()), shown_at: None, ..receipt };
        assert_eq!(history(&own, now), "read 2026-11-22 13:49:01Z (1 min ago)");
    }
}
