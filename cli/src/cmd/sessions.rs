//! `c2c sessions`: who is there.

use crate::everybody;
use crate::exit::Exit;
use crate::link::Link;
use crate::text::visible;
use crate::{print, shape};
use c2c_proto::limits::ACTIVE_WITHIN_MAX_MIN;
use c2c_proto::response::SessionInfo;
use c2c_proto::time::Timestamp;
use clap::Args;
use serde_json::{Value, json};

/// What the help says first.
pub(crate) const ABOUT: &str = "\
Lists the sessions that are online, and those that were a moment ago.

A session is online as long as its client runs. One that is away keeps its name and its mail.";

const AFTER: &str = "\
Columns:
  NAME    its address
  STATE   waiting (online, blocked until mail arrives), online, or away
  UNREAD  messages in its mailbox that it has not marked read
  SEEN    when it was last heard of
  CLIENT  what it runs in
  FOLDER  where it works

With --json: one object {\"sessions\": [...]}. Keys are added over time, never renamed.
  session_id, name, cwd, client
  online, waiting           true or false
  unread                    a number
  started_at, last_seen_at  UTC, ISO 8601
  metadata                  what the session says of itself, or null

Exit status:
  0  done, also when nobody is there
  1  an error
  5  no broker runs, and none could be started

Examples:
  c2c sessions
  c2c sessions --all
  c2c sessions --json | jq -r '.sessions[] | select(.waiting) | .name'";

/// What can be said to `c2c sessions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SessionsArgs {
    /// All that the store knows, however long they have been away
    #[arg(long, conflicts_with = "within")]
    all: bool,
    /// Online sessions, and those seen within this many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(ACTIVE_WITHIN_MAX_MIN)))]
    within: u32,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// List the sessions.
pub(crate) async fn run(args: SessionsArgs) -> anyhow::Result<Exit> {
    let within = if args.all { ACTIVE_WITHIN_MAX_MIN } else { args.within };
    let (sessions, _) = everybody::sessions(&Link::look_on()?, within, usize::MAX).await?;
    if args.json {
        let sessions: Vec<Value> = sessions.iter().map(shape::session).collect();
        print::json(&json!({"sessions": sessions}))?;
    } else if sessions.is_empty() {
        print::remark(&nobody(&args))?;
    } else {
        print::out(&table(&sessions, print::now()))?;
    }
    Ok(Exit::Done)
}

fn nobody(args: &SessionsArgs) -> String {
    if args.all {
        return "no session has used c2c yet: `c2c setup` installs it, then start a session".to_owned();
    }
    format!(
        "no session is online or was within {} min: start one, or list those that are away with --all",
        args.within
    )
}

fn table(sessions: &[SessionInfo], now: Timestamp) -> String {
    let mut rows = vec![["NAME", "STATE", "UNREAD", "SEEN", "CLIENT", "FOLDER"].map(str::to_owned).to_vec()];
    rows.extend(sessions.iter().map(|session| {
        let state = match (session.online, session.waiting) {
            (true, true) => "waiting",
            (true, false) => "online",
            (false, _) => "away",
        };
        vec![
            visible(&session.name),
            state.to_owned(),
            session.unread.to_string(),
            print::ago(session.last_seen_at, now),
            visible(&session.client),
            visible(&session.cwd),
        ]
    }));
    print::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::table;
    use c2c_proto::response::SessionInfo;
    use c2c_proto::time::Timestamp;

    #[test]
    fn a_person_gets_a_table() {
        let now = Timestamp(1_795_355_401_234_567);
        let session = |name: &str, online, waiting, seconds: i64| SessionInfo {
            session_id: "s".to_owned(),
            name: name.to_owned(),
            cwd: "/home/ada/shop\u{1b}[2J".to_owned(),
            started_at: now.plus_s(-90_000),
            last_seen_at: now.plus_s(-seconds),
            metadata: None,
            is_self: false,
            online,
            waiting,
            unread: 3,
            client: "claude-code 2.1.330".to_owned(),
        };
        let sessions = [
            session("api", true, true, 0),
            session("billing-service", true, false, 130),
            session("web", false, false, 8_000),
        ];
        insta::assert_snapshot!(table(&sessions, now));
    }
}
