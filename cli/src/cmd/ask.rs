//! `c2c ask`: a question, and the answers to it.

use crate::acting;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::print::{self, Printer};
use crate::{compose, mail, shape};
use c2c_proto::id::new_call_key;
use c2c_proto::limits::WAIT_MAX_S;
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{Ask, Send};
use c2c_proto::response::Asked;
use clap::Args;
use serde_json::{Value, json};

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Sends a question, waits until its recipients have answered, and prints the answers.

The first answer of each recipient counts. What was printed is marked read. Ctrl-C ends the waiting, not the
question: answers that come later are in `c2c inbox`.";

const AFTER: &str = concat!(
    "\
With --json: one object. Keys are added over time, never renamed.
  id          the question's id
  replies     the answers, ascending by id, with their whole bodies
  missing     names that have not answered
  timed_out   whether the time ran out before as many answers came as were asked for
  recipients  for each: name, known, online, waiting, as it was when the question was sent\n",
    print::message_keys!(),
    "

Exit status:
  0  as many answers came as were asked for
  1  an error: for example an empty question
  3  the time ran out; the answers that came are printed
  4  nobody holds any of the names; nothing was sent
  5  no broker runs, and none could be started

Examples:
  c2c ask api 'which port do you use?'
  c2c ask api,web,db --replies 2 --timeout 120 'may I restart the database?'
  c2c ask '*' --json 'what are you working on?' | jq -r '.replies[] | .from_name + \": \" + .body'"
);

/// What can be said to `c2c ask`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct AskArgs {
    /// A name, several with commas between them, '*' for everyone, or '*@*' for everyone on all machines
    #[arg(value_name = "TO")]
    to: String,
    /// The question, or - for what stdin holds
    #[arg(value_name = "BODY")]
    body: String,
    /// How many recipients must have answered; without it all of a list, and of '*' those that are online
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    replies: Option<u32>,
    /// Wait at most this long
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_MAX_S, value_parser = mail::seconds())]
    timeout: u64,
    /// Act under the name of a session that is away, instead of as yourself
    #[arg(long = "as", value_name = "NAME")]
    as_name: Option<String>,
    /// A word to filter by
    #[arg(long)]
    tag: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Ask sessions a question and wait for their answers.
pub(crate) async fn run(args: AskArgs) -> anyhow::Result<Exit> {
    let send = Send {
        to: Some(compose::to(&args.to)?),
        body: compose::body(args.body)?,
        tag: args.tag,
        reply_to: None,
        priority: Priority::Normal,
        key: new_call_key(),
    };
    let (link, _) = acting::take_part(args.as_name.as_deref()).await?;
    // Before the wait: it may be long, and nobody of that name answers.
    let several = match &send.to {
        Some(To::Many(names)) => names.as_slice(),
        _ => &[],
    };
    acting::remark_unknown(&Link::look_on()?, several.iter().map(String::as_str)).await?;
    let question = Ask { send, replies: args.replies, timeout_ms: args.timeout * 1_000 };
    let mut asked = ask!(link, Ask(question), Asked);
    mail::complete_all(&link, &mut asked.replies).await?;
    if args.json {
        print::json(&object(&asked))?;
    } else {
        told(&asked)?;
    }
    // Only now: what could not be printed was not seen.
    mail::mark_read(&link, &mail::ids(&asked.replies)).await?;
    Ok(if asked.timed_out { Exit::TimedOut } else { Exit::Done })
}

fn told(asked: &Asked) -> std::io::Result<()> {
    let printer = Printer::for_stdout();
    for reply in &asked.replies {
        print::out(&printer.whole(reply))?;
    }
    if asked.timed_out {
        let (id, missing) = (asked.id, asked.missing.join(", "));
        print::remark(&format!(
            "message {id}: no answer in time from {missing}; `c2c wait --reply-to {id}` goes on waiting"
        ))?;
    }
    Ok(())
}

fn object(asked: &Asked) -> Value {
    json!({
        "id": asked.id,
        "replies": asked.replies.iter().map(shape::message).collect::<Vec<Value>>(),
        "missing": asked.missing,
        "timed_out": asked.timed_out,
        "recipients": asked.recipients.iter().map(compose::recipient).collect::<Vec<Value>>(),
    })
}
