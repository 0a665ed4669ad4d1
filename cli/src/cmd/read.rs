//! `c2c read`: says that messages were read.

use crate::acting;
use crate::exit::Exit;
use crate::{mail, print};
use c2c_proto::id::MessageId;
use clap::Args;

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Marks messages of your mailbox read. Their senders see that.

What is not marked stays unread, however often it was shown, and comes again with the next `c2c wait`.";

const AFTER: &str = "\
Exit status:
  0  all of them are read now, or were before
  1  an error: for example a session is connected under the name of --as
  4  some are not in this mailbox; the others are marked
  5  no broker runs, and none could be started

Examples:
  c2c read 12 13
  c2c read --as api 12";

/// What can be said to `c2c read`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ReadArgs {
    /// The messages' ids
    #[arg(value_name = "ID", required = true, value_parser = mail::id())]
    ids: Vec<MessageId>,
    /// In the mailbox of a session that is away, instead of your own
    #[arg(long = "as", value_name = "NAME")]
    as_name: Option<String>,
}

/// Mark messages of your mailbox read.
pub(crate) async fn run(mut args: ReadArgs) -> anyhow::Result<Exit> {
    args.ids.sort_unstable();
    args.ids.dedup();
    let (link, name) = acting::take_part(args.as_name.as_deref()).await?;
    let marked = mail::mark_read(&link, &args.ids).await?;
    let before = match marked.already_read.len() {
        0 => String::new(),
        count => format!(", {count} read before"),
    };
    print::out(&format!("{} marked read{before}\n", marked.marked))?;
    if marked.not_found.is_empty() {
        return Ok(Exit::Done);
    }
    let ids: Vec<String> = marked.not_found.iter().map(MessageId::to_string).collect();
    print::remark(&format!("c2c: not in the mailbox of {name}: {}", ids.join(", ")))?;
    Ok(Exit::NotFound)
}
