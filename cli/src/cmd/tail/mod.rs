//! `c2c tail`: the latest messages of all sessions, and those that come.

mod notify;

use crate::exit::Exit;
use crate::link::{Link, Stores, ask};
use crate::mail::{self, LIMIT_DEFAULT, Matching};
use crate::print::{self, Printer};
use crate::shape;
use c2c_proto::id::MessageId;
use c2c_proto::limits::INBOX_LIMIT_MAX;
use c2c_proto::message::Message;
use c2c_proto::request::Traffic;
use c2c_proto::response::Inbox;
use clap::Args;
use notify::Notifier;

/// How long one question for more waits, in milliseconds: an hour, then it is asked again.
const ROUND_MS: u64 = 3_600_000;

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Shows the latest messages of all sessions, a line for each, and with --follow those that come, as they come.

It marks nothing. `c2c show ID` shows a message whole.";

const AFTER: &str = concat!(
    "\
With --json: one object for each message, on a line of its own.\n",
    print::message_keys!(),
    "

Exit status:
  0  done, also when Ctrl-C ends --follow
  1  an error
  5  no broker runs, and none could be started

Examples:
  c2c tail
  c2c tail -f
  c2c tail -n 100 --from api
  c2c tail -f -n 0 --json | jq --unbuffered -r '.from_name + \": \" + .body'
  c2c tail -f --notify"
);

/// What can be said to `c2c tail`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct TailArgs {
    /// Go on with what comes, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = LIMIT_DEFAULT,
          value_parser = mail::limit_or_none())]
    lines: u32,
    /// Only what is for this mailbox
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    #[command(flatten)]
    matching: Matching,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// Tell the desktop of new messages for your own mailbox among those shown
    #[arg(long, requires = "follow")]
    notify: bool,
}

/// Show the messages of all sessions as they come.
pub(crate) async fn run(args: TailArgs) -> anyhow::Result<Exit> {
    let printer = Printer::for_stdout();
    let (link, mut stores) = Link::keep_looking_on()?;
    let notifier = if args.notify { Notifier::find()? } else { None };
    let wanted =
        Traffic { mailbox: args.to.clone(), filter: args.matching.filter(None), ..Traffic::default() };
    // At least one, to know from where on to follow.
    let (latest, _) = mail::newest_traffic(&link, &wanted, args.lines.max(1)).await?;
    let after = latest.last().map_or(0, |message| message.id);
    let skipped = latest.len().saturating_sub(args.lines as usize);
    for message in latest.iter().skip(skipped) {
        tell(printer, &args, message)?;
    }
    if !args.follow {
        if latest.is_empty() {
            print::remark("no message that matches")?;
        }
        return Ok(Exit::Done);
    }
    tokio::select! {
        failed = follow(&link, &mut stores, wanted, after, |message| {
            tell(printer, &args, message)?;
            if let Some(notifier) = &notifier {
                notifier.came(message);
            }
            Ok(())
        }) => failed,
        pressed = tokio::signal::ctrl_c() => Ok(pressed.map(|()| Exit::Done)?),
    }
}

/// Gives each message that comes to `tell`, until that or the broker fails.
async fn follow(
    link: &Link,
    stores: &mut Stores,
    wanted: Traffic,
    mut after: MessageId,
    tell: impl Fn(&Message) -> std::io::Result<()>,
) -> anyhow::Result<Exit> {
    loop {
        let request =
            Traffic { after_id: Some(after), limit: INBOX_LIMIT_MAX, timeout_ms: ROUND_MS, ..wanted.clone() };
        let page = tokio::select! {
            // First: what the other one answers is no answer to this question.
            biased;
            () = stores.another() => None,
            page = page_of(link, request) => Some(page?),
        };
        let Some(page) = page else {
            // Ids go on after a restore; where another file was put in place, only what comes is shown.
            let newest = Traffic { before_id: Some(MessageId::MAX), limit: 1, ..Traffic::default() };
            let newest = page_of(link, newest).await?.messages.last().map_or(0, |message| message.id);
            after = after.min(newest);
            print::remark(
                "c2c: the store was replaced by another one, as `c2c restore` does; what comes to it is shown",
            )?;
            continue;
        };
        for message in page.messages {
            tell(&message)?;
            after = message.id;
        }
    }
}

async fn page_of(link: &Link, request: Traffic) -> anyhow::Result<Inbox> {
    Ok(ask!(link, Traffic(request), Inbox))
}

fn tell(printer: Printer, args: &TailArgs, message: &Message) -> std::io::Result<()> {
    if args.json { print::json(&shape::message(message)) } else { print::out(&printer.line(message, "")) }
}
