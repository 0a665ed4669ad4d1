//! `c2c inbox`: the person's own mail or what they sent, or a look into a session's mailbox.

use crate::acting;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::mail::{self, LIMIT_DEFAULT, Matching};
use crate::print::{self, Printer};
use crate::shape;
use c2c_proto::Error;
use c2c_proto::message::Message;
use c2c_proto::request::{Inbox, Traffic};
use clap::Args;

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Lists your unread mail, a line for each message. `c2c show ID` shows one whole, `c2c read ID` marks it read.

With the name of a session it looks into that mailbox instead, also while the session is at work, and changes
nothing there.";

const AFTER: &str = concat!(
    "\
With --json: one object {\"messages\": [...], \"more\": true or false}, ascending by id.\n",
    print::message_keys!(),
    "

Exit status:
  0  done, also when there is no mail
  1  an error: for example a session is connected under the name of --as
  5  no broker runs, and none could be started

Examples:
  c2c inbox
  c2c inbox --all --limit 100
  c2c inbox --sent                     what became of what you sent
  c2c inbox api                        what the session api has not read
  c2c inbox --json | jq '.messages[].id'"
);

/// What can be said to `c2c inbox`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct InboxArgs {
    /// Look into the mailbox of this session, and change nothing
    #[arg(value_name = "NAME", conflicts_with_all = ["as_name", "sent"])]
    name: Option<String>,
    /// Also what is read
    #[arg(long)]
    all: bool,
    /// Your own messages instead of your mail, with how far each has come
    #[arg(long)]
    sent: bool,
    #[command(flatten)]
    matching: Matching,
    /// How many, the newest ones
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = mail::limit())]
    limit: u32,
    /// Act under the name of a session that is away, instead of as yourself
    #[arg(long = "as", value_name = "NAME")]
    as_name: Option<String>,
    /// Print one JSON object instead of a line for each message
    #[arg(long)]
    json: bool,
}

/// List your mail, or that of a session.
pub(crate) async fn run(args: InboxArgs) -> anyhow::Result<Exit> {
    if let Some(name) = args.name.clone() {
        let wanted = Traffic {
            mailbox: Some(name.clone()),
            unread_only: !args.all,
            filter: args.matching.filter(None),
            ..Traffic::default()
        };
        let link = Link::look_on()?;
        let (messages, more) = mail::newest_traffic(&link, &wanted, args.limit).await?;
        tell(&args, &name, &messages, more)?;
        if messages.is_empty() {
            acting::remark_unknown(&link, [name.as_str()]).await?;
        }
        return Ok(Exit::Done);
    }
    let (link, name) = acting::take_part(args.as_name.as_deref()).await?;
    let (messages, more) = own(&link, &args).await?;
    tell(&args, &name, &messages, more)?;
    if !args.sent {
        let unread: Vec<Message> = messages
            .into_iter()
            .filter(|message| !message.sent_by_reader && message.read_at.is_none())
            .collect();
        mail::shown(&link, &unread).await?;
    }
    Ok(Exit::Done)
}

async fn own(link: &Link, args: &InboxArgs) -> Result<(Vec<Message>, bool), Error> {
    let page = async |below, limit| {
        let request = Inbox {
            sent: args.sent,
            unread_only: !args.all && !args.sent,
            filter: args.matching.filter(None),
            query: None,
            before_id: Some(below),
            after_id: None,
            limit,
        };
        Ok(ask!(link, Inbox(request), Inbox))
    };
    mail::newest(args.limit, page).await
}

fn tell(args: &InboxArgs, name: &str, messages: &[Message], more: bool) -> std::io::Result<()> {
    if args.json {
        return print::json(&print::list(messages, more));
    }
    let printer = Printer::for_stdout();
    for message in messages {
        print::out(&printer.line(message, &note(args, message)))?;
    }
    if messages.is_empty() {
        print::remark(&nothing(args, name))?;
    }
    if more {
        print::older_left_out(messages.len())?;
    }
    Ok(())
}

fn nothing(args: &InboxArgs, name: &str) -> String {
    match (args.sent, args.all) {
        (true, _) => format!("{name} has sent nothing that matches"),
        (false, true) => format!("no mail for {name} that matches"),
        (false, false) if args.matching.is_anything() => format!("no unread mail for {name} that matches"),
        (false, false) => format!("no unread mail for {name}; --all lists what is read"),
    }
}

/// How far it has come, where that is not the same for all of the list.
fn note(args: &InboxArgs, message: &Message) -> String {
    // A thread has both directions.
    if args.sent || message.sent_by_reader {
        return receipts(message);
    }
    match (args.all, message.read_at) {
        (false, _) => String::new(),
        (true, Some(_)) => "read".to_owned(),
        (true, None) => "unread".to_owned(),
    }
}

/// The state at each recipient; of many how many have read it.
fn receipts(message: &Message) -> String {
    const NAMED_MAX: usize = 3;
    if message.receipts_total as usize > NAMED_MAX {
        let read = message.receipts.iter().filter(|receipt| receipt.read_at.is_some()).count();
        let at_least =
            if message.receipts.len() < message.receipts_total as usize { "at least " } else { "" };
        return format!("read by {at_least}{read} of {}", message.receipts_total);
    }
    let states: Vec<String> = message
        .receipts
        .iter()
        .map(|receipt| format!("{} {}", receipt.name, shape::state(receipt.state)))
        .collect();
    states.join(", ")
}
