//! `c2c sessions`: who is there.

use crate::everybody;
use crate::exit::Exit;
use crate::link::{Link, ask};
use crate::text::visible;
use crate::{print, shape};
use c2c_proto::limits::ACTIVE_WITHIN_MAX_MIN;
use c2c_proto::name::NODE_MARK;
use c2c_proto::request::{ListEverywhere, ListSessions};
use c2c_proto::response::{PeerNode, SessionInfo};
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
and with --nodes, or --all where there are other machines, \"nodes\": [...], each: node, told_at (when it was heard; else null), sessions (name, online, waiting).

Exit status:
  0  done, also when nobody is there
  1  an error
  5  no broker runs, and none could be started

Examples:
  c2c sessions
  c2c sessions --all
  c2c sessions --nodes
  c2c sessions --json | jq -r '.sessions[] | select(.waiting) | .name'";

/// What can be said to `c2c sessions`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SessionsArgs {
    /// All that the store knows, however long they have been away, and those of other machines
    #[arg(long, conflicts_with = "within")]
    all: bool,
    /// Online sessions, and those seen within this many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(0..=i64::from(ACTIVE_WITHIN_MAX_MIN)))]
    within: u32,
    /// Also those of other machines, as they were last told of
    #[arg(long)]
    nodes: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// List the sessions.
pub(crate) async fn run(args: SessionsArgs) -> anyhow::Result<Exit> {
    let within = if args.all { ACTIVE_WITHIN_MAX_MIN } else { args.within };
    let link = Link::look_on()?;
    let (sessions, _) = everybody::sessions(&link, within, usize::MAX).await?;
    let nodes = if args.nodes || args.all { elsewhere(&link).await? } else { Vec::new() };
    if args.json {
        let mut object = json!({"sessions": sessions.iter().map(shape::session).collect::<Vec<Value>>()});
        if args.nodes || !nodes.is_empty() {
            object["nodes"] = nodes.iter().map(shape::node).collect();
        }
        print::json(&object)?;
    } else if sessions.is_empty() && nodes.iter().all(|node| node.peers.is_empty()) {
        print::remark(&nobody(&args))?;
    } else {
        print::out(&table(&sessions, &nodes, print::now()))?;
    }
    Ok(Exit::Done)
}

/// Who is at other nodes.
async fn elsewhere(link: &Link) -> anyhow::Result<Vec<PeerNode>> {
    let here = ListSessions { active_within_min: 0, after_name: None };
    Ok(ask!(link, ListEverywhere(ListEverywhere { here }), Everywhere).nodes)
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

fn word(online: bool, waiting: bool) -> &'static str {
    match (online, waiting) {
        (true, true) => "waiting",
        (true, false) => "online",
        (false, _) => "away",
    }
}

fn table(sessions: &[SessionInfo], nodes: &[PeerNode], now: Timestamp) -> String {
    let mut rows = vec![["NAME", "STATE", "UNREAD", "SEEN", "CLIENT", "FOLDER"].map(str::to_owned).to_vec()];
    rows.extend(sessions.iter().map(|session| {
        vec![
            visible(&session.name),
            word(session.online, session.waiting).to_owned(),
            session.unread.to_string(),
            print::ago(session.last_seen_at, now),
            visible(&session.client),
            visible(&session.cwd),
        ]
    }));
    for node in nodes {
        let told = node.told_at.map_or_else(String::new, |at| format!("told {}", print::ago(at, now)));
        rows.extend(node.peers.iter().map(|peer| {
            let name = visible(&format!("{}{NODE_MARK}{}", peer.name, node.node));
            let state = word(peer.online, peer.waiting).to_owned();
            vec![name, state, String::new(), told.clone(), String::new(), String::new()]
        }));
    }
    print::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::table;
    use c2c_proto::request::RemoteSession;
    use c2c_proto::response::{PeerNode, SessionInfo};
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
        let peer = |name: &str, online| RemoteSession { name: name.to_owned(), online, waiting: false };
        let tower = PeerNode {
            node: "tower".to_owned(),
            told_at: Some(now.plus_s(-12)),
            peers: vec![peer("web", true), peer("db", false)],
        };
        insta::assert_snapshot!(table(&sessions, &[tower], now));
    }
}
