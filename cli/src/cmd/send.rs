//! `c2c send`: puts a message in mailboxes, and may wait for the first answer.

use crate::acting;
use crate::compose;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::{self, Printer};
use crate::{mail, shape};
use c2c_proto::id::{MessageId, new_call_key};
use c2c_proto::limits::EXPIRES_IN_MAX_S;
use c2c_proto::message::{Message, Priority};
use c2c_proto::request::{Filter, Send, SendExpiring};
use c2c_proto::response::Sent;
use clap::Args;
use serde_json::{Value, json};

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Sends a message and says who gets it. When it ends with 0 the message is on disk.

It is sent as you (user-<login>): sessions answer to your mailbox, see `c2c inbox` and `c2c wait`.";

const AFTER: &str = concat!(
    "\
With --json: one object. Keys are added over time, never renamed.
  id, to, tag        of the message
  recipients         for each: name, known, online, waiting
  skipped_full       names that a broadcast left out because their mailboxes are full
  near               for names that nobody holds: name, known (names that resemble it)
  reply, timed_out   only with --wait: a message or null; whether the time ran out\n",
    print::message_keys!(),
    "

Exit status:
  0  sent; with --wait: and answered
  1  an error: for example an empty body
  3  sent, and no answer came in time
  4  the message of --reply-to does not exist
  5  no broker runs, and none could be started

Examples:
  c2c send api 'the schema is in docs/schema.md'
  c2c send api,web --tag decision 'we use UTC everywhere'
  c2c send '*' --fyi 'the test database is down until noon'
  git diff | c2c send reviewer -
  c2c send --reply-to 12 'yes, go on'
  c2c send api --wait --timeout 600 'is the build green?'"
);

const USAGE: &str = "c2c send [OPTIONS] <TO> <BODY>\n       c2c send [OPTIONS] --reply-to <ID> [TO] <BODY>";

/// What can be said to `c2c send`.
#[derive(Debug, Args)]
#[command(after_help = AFTER, override_usage = USAGE)]
pub(crate) struct SendArgs {
    /// A name, several with commas between them, '*' for everyone, or '*@*' for everyone on all machines; with --reply-to it
    /// may be left out
    #[arg(value_name = "TO")]
    to: String,
    /// The message, or - for what stdin holds
    #[arg(value_name = "BODY", required_unless_present = "reply_to")]
    body: Option<String>,
    /// Act under the name of a session that is away, instead of as yourself
    #[arg(long = "as", value_name = "NAME")]
    as_name: Option<String>,
    /// A word to filter by
    #[arg(long)]
    tag: Option<String>,
    /// Answer this message, which is marked read by it
    #[arg(long, value_name = "ID", value_parser = mail::id())]
    reply_to: Option<MessageId>,
    /// For information: it waits in the mailbox, no session is told of it
    #[arg(long)]
    fyi: bool,
    /// Stop sending it to another machine when this time is over and it is not there
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=EXPIRES_IN_MAX_S))]
    expires_in: Option<u64>,
    /// Wait for the first answer and print it; it is marked read then
    #[arg(long)]
    wait: bool,
    /// Wait at most this long; without it as long as it takes
    #[arg(long, value_name = "SECONDS", requires = "wait", value_parser = mail::seconds())]
    timeout: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Send a message.
pub(crate) async fn run(args: SendArgs) -> anyhow::Result<Exit> {
    let (to, body) = match args.body {
        Some(body) => (Some(compose::to(&args.to)?), body),
        // With --reply-to one word is the answer.
        None => (None, args.to),
    };
    let request = Send {
        to,
        body: compose::body(body)?,
        tag: args.tag,
        reply_to: args.reply_to,
        priority: if args.fyi { Priority::Fyi } else { Priority::Normal },
        key: new_call_key(),
    };
    let (link, _) = acting::take_part(args.as_name.as_deref()).await?;
    let sent = match args.expires_in {
        None => ask!(link, Send(request), Sent),
        Some(seconds) => {
            let request = SendExpiring { send: request, expires_in_ms: seconds * 1_000 };
            ask!(link, SendExpiring(request), Sent)
        }
    };
    if !args.json {
        print::out(&told(&sent))?;
        compose::remark_link(&link, &sent.recipients).await?;
    }
    if !args.wait {
        if args.json {
            print::json(&object(&sent))?;
        }
        return Ok(Exit::Done);
    }
    let reply = first_reply(&link, sent.id, args.timeout).await?;
    match &reply {
        _ if args.json => print::json(&with_reply(&sent, reply.as_ref()))?,
        Some(reply) => print::out(&Printer::for_stdout().whole(reply))?,
        None => print::remark(&format!(
            "no answer to message {0} came in time; `c2c wait --reply-to {0}` goes on waiting",
            sent.id
        ))?,
    }
    let Some(reply) = reply else { return Ok(Exit::TimedOut) };
    mail::mark_read(&link, &[reply.id]).await?;
    Ok(Exit::Done)
}

async fn first_reply(
    link: &Link,
    question: MessageId,
    timeout_s: Option<u64>,
) -> anyhow::Result<Option<Message>> {
    let filter = Filter { reply_to: Some(question), ..Filter::default() };
    let mut first = mail::wait(link, filter, timeout_s).await?.messages.into_iter().next();
    if let Some(reply) = &mut first {
        mail::complete(link, reply).await?;
    }
    Ok(first)
}

fn told(sent: &Sent) -> String {
    if sent.recipients.is_empty() && sent.skipped_full.is_empty() {
        return format!("message {}: nobody is there to get it\n", sent.id);
    }
    let mut rows = compose::rows(&sent.recipients, &sent.near);
    let full = |name: &String| {
        vec![format!("  {}", crate::text::visible(name)), "left out: its mailbox is full".to_owned()]
    };
    rows.extend(sent.skipped_full.iter().map(full));
    format!("message {}\n{}", sent.id, print::table(&rows))
}

fn object(sent: &Sent) -> Value {
    let near = |near: &c2c_proto::response::Near| json!({"name": near.name, "known": near.known});
    json!({
        "id": sent.id,
        "to": shape::to(&sent.to),
        "tag": sent.tag,
        "recipients": sent.recipients.iter().map(compose::recipient).collect::<Vec<Value>>(),
        "skipped_full": sent.skipped_full,
        "near": sent.near.iter().map(near).collect::<Vec<Value>>(),
    })
}

fn with_reply(sent: &Sent, reply: Option<&Message>) -> Value {
    let mut object = object(sent);
    object["reply"] = reply.map_or(Value::Null, shape::message);
    object["timed_out"] = json!(reply.is_none());
    object
}
