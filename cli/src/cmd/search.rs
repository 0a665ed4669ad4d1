//! `c2c search`: messages of all sessions by the words in them.

use crate::exit::Exit;
use crate::link::Link;
use crate::mail::{self, LIMIT_DEFAULT};
use crate::print::{self, Printer};
use c2c_proto::request::Traffic;
use clap::Args;

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Lists the newest messages of all sessions in whose bodies all of these words occur. Marks nothing.";

const AFTER: &str = concat!(
    "\
With --json: one object {\"messages\": [...], \"more\": true or false}, ascending by id.\n",
    print::message_keys!(),
    "

Exit status:
  0  done, also when nothing was found
  1  an error: for example there is no word in it
  5  no broker runs, and none could be started

Examples:
  c2c search migration
  c2c search --limit 100 login timeout
  c2c search --json deploy | jq '.messages[].id'"
);

/// What can be said to `c2c search`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SearchArgs {
    /// Words that all occur
    #[arg(value_name = "TEXT", required = true)]
    words: Vec<String>,
    /// How many, the newest ones
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = mail::limit())]
    limit: u32,
    /// Print one JSON object instead of a line for each message
    #[arg(long)]
    json: bool,
}

/// Search the bodies of all messages.
pub(crate) async fn run(args: SearchArgs) -> anyhow::Result<Exit> {
    let wanted = Traffic { query: Some(args.words.join(" ")), ..Traffic::default() };
    let (messages, more) = mail::newest_traffic(&Link::look_on()?, &wanted, args.limit).await?;
    if args.json {
        print::json(&print::list(&messages, more))?;
        return Ok(Exit::Done);
    }
    let printer = Printer::for_stdout();
    for message in &messages {
        print::out(&printer.line(message, ""))?;
    }
    if messages.is_empty() {
        print::remark("no message has all of these words in it")?;
    }
    if more {
        print::older_left_out(messages.len())?;
    }
    Ok(Exit::Done)
}
