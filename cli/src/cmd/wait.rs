//! `c2c wait`: blocks until mail arrives.

use crate::acting;
use crate::exit::Exit;
use crate::mail::{self, Matching};
use crate::print::{self, Printer};
use crate::shape;
use c2c_proto::id::MessageId;
use c2c_proto::response::Waited;
use clap::Args;
use serde_json::{Value, json};
use std::io::{self, IsTerminal};

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Waits until there is unread mail for you that matches, and prints it whole. Mail that is there already counts.

It marks nothing read: what is still unread comes again with the next wait. `c2c read` marks it.";

const AFTER: &str = concat!(
    "\
With --json: one object {\"messages\": [...], \"timed_out\": ..., \"repeated\": ..., \"more\": ...}; repeated: all of it
was shown before; more: there is more that matches. Bodies are whole.\n",
    print::message_keys!(),
    "

Exit status:
  0  mail came
  1  an error: for example a session is connected under that name
  3  the time ran out
  5  no broker runs, and none could be started

Examples:
  c2c wait
  c2c wait --tag done --timeout 600 && make deploy
  c2c wait --from api --json | jq -r '.messages[].body'
  c2c wait --reply-to 12"
);

/// What can be said to `c2c wait`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct WaitArgs {
    /// The mailbox of a session that is away, instead of your own
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    matching: Matching,
    /// Only answers to this message
    #[arg(long, value_name = "ID", value_parser = mail::id())]
    reply_to: Option<MessageId>,
    /// Wait at most this long; without it as long as it takes
    #[arg(long, value_name = "SECONDS", value_parser = mail::seconds())]
    timeout: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Wait for mail.
pub(crate) async fn run(args: WaitArgs) -> anyhow::Result<Exit> {
    let (link, name) = acting::take_part(args.name.as_deref()).await?;
    let mut waited = mail::wait(&link, args.matching.filter(args.reply_to), args.timeout).await?;
    mail::complete_all(&link, &mut waited.messages).await?;
    if args.json {
        print::json(&object(&waited))?;
    } else {
        told(&waited)?;
    }
    mail::shown(&link, &waited.messages).await?;
    if waited.timed_out {
        return Ok(Exit::TimedOut);
    }
    if !args.json && io::stdout().is_terminal() {
        let ids: Vec<String> = mail::ids(&waited.messages).iter().map(MessageId::to_string).collect();
        let acting = args.name.map_or_else(String::new, |_| format!("--as {name} "));
        print::remark(&format!("mark it read: c2c read {acting}{}", ids.join(" ")))?;
    }
    Ok(Exit::Done)
}

fn told(waited: &Waited) -> io::Result<()> {
    let printer = Printer::for_stdout();
    for message in &waited.messages {
        print::out(&printer.whole(message))?;
    }
    if waited.timed_out {
        print::remark("no mail that matches came in time")?;
    }
    if waited.more {
        print::remark("there is more: it comes with the next wait, once these are marked read")?;
    }
    Ok(())
}

fn object(waited: &Waited) -> Value {
    json!({
        "messages": waited.messages.iter().map(shape::message).collect::<Vec<Value>>(),
        "timed_out": waited.timed_out,
        "repeated": waited.repeated,
        "more": waited.more,
    })
}
