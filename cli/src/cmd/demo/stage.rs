//! What every scene plays with: the three sessions, the broker, the time line, the checks, and what was promised so far.

use super::broker::Broker;
use super::checks::Checks;
use super::session::{Call, Session, text};
use super::tell;
use super::timeline::{Timeline, written};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a session may take to be seen waiting, in seconds.
const SEEN_WAITING_TIMEOUT_S: u64 = 5;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One of the three sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Works on the data.
    Local,
    /// Works on the deployed branch.
    Online,
    /// Reads what the others change.
    Review,
}

impl Who {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Local, Self::Online, Self::Review];

    /// The name of its folder, and therefore its own.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Online => "online",
            Self::Review => "review",
        }
    }
}

/// A message that the broker has confirmed: from now on it must never be lost.
pub(super) struct Confirmed {
    pub(super) id: i64,
    pub(super) to: Vec<Who>,
    pub(super) body: String,
}

/// The stage.
pub(super) struct Stage {
    pub(super) sessions: Vec<Session>,
    pub(super) broker: Broker,
    pub(super) timeline: Timeline,
    pub(super) checks: Checks,
    pub(super) confirmed: Vec<Confirmed>,
}

impl Stage {
    /// One of the sessions.
    pub(super) fn session(&self, who: Who) -> anyhow::Result<&Session> {
        let session = self.sessions.iter().find(|session| session.name == who.name());
        session.with_context(|| format!("session {} does not run", who.name()))
    }

    /// A tool call that is shown with its result, told by `tell`.
    pub(super) async fn act(
        &mut self,
        who: Who,
        tool: &'static str,
        arguments: Value,
        tell: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<Value> {
        let call = self.begin(who, tool, &arguments)?;
        let outcome = self.session(who)?.succeeded(call).await?;
        self.timeline.result(&tell(&outcome.value), outcome.took)?;
        Ok(outcome.value)
    }

    /// Begins a tool call and shows that.
    pub(super) fn begin(&mut self, who: Who, tool: &'static str, arguments: &Value) -> anyhow::Result<Call> {
        let call = self.session(who)?.begin(tool, arguments)?;
        self.timeline.deed(call.sent_at(), who.name(), &written(tool, arguments))?;
        Ok(call)
    }

    /// The result of a call that was begun earlier, shown as an event of its own. Also returns when it came.
    pub(super) async fn finish(
        &mut self,
        who: Who,
        call: Call,
        tell: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<(Value, Instant)> {
        let (tool, sent_at) = (call.tool, call.sent_at());
        let outcome = self.session(who)?.succeeded(call).await?;
        let came_at = sent_at + outcome.took;
        self.timeline.deed(came_at, who.name(), &format!("its {tool} returns"))?;
        self.timeline.result(&tell(&outcome.value), outcome.took)?;
        Ok((outcome.value, came_at))
    }

    /// `send_message`, shown, and remembered as confirmed for these recipients. Returns the id.
    pub(super) async fn send(&mut self, who: Who, to: &[Who], arguments: Value) -> anyhow::Result<i64> {
        let body = text(&arguments, "body").to_owned();
        let result = self.act(who, "send_message", arguments, tell::sent).await?;
        let id = result["id"].as_i64().context("send_message gave no id")?;
        self.confirmed.push(Confirmed { id, to: to.to_vec(), body });
        Ok(id)
    }

    /// Comes back when the others can see that this session waits.
    pub(super) async fn until_waiting(&self, who: Who, seen_by: Who) -> anyhow::Result<()> {
        let limit = Instant::now() + Duration::from_secs(SEEN_WAITING_TIMEOUT_S);
        loop {
            let list = self.session(seen_by)?.call("list_sessions", &json!({})).await?.value;
            let waiting =
                sessions(&list).any(|session| session["name"] == who.name() && session["waiting"] == true);
            if waiting {
                return Ok(());
            }
            if Instant::now() > limit {
                bail!("{} is not seen waiting within {SEEN_WAITING_TIMEOUT_S} s: {list}", who.name());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every message in a session's mailbox, read or not. Not shown on the time line.
    pub(super) async fn mailbox(&self, who: Who) -> anyhow::Result<Vec<Value>> {
        let all = json!({"unread_only": false, "limit": 200});
        let page = self.session(who)?.call("inbox", &all).await?.value;
        if page["more"] == true {
            bail!("the mailbox of {} does not fit one page", who.name());
        }
        Ok(messages(&page).cloned().collect())
    }
}

/// The messages of a result.
pub(super) fn messages(result: &Value) -> impl Iterator<Item = &Value> {
    result["messages"].as_array().into_iter().flatten()
}

/// The sessions of a result.
pub(super) fn sessions(result: &Value) -> impl Iterator<Item = &Value> {
    result["sessions"].as_array().into_iter().flatten()
}

/// The ids of messages.
pub(super) fn ids<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Vec<i64> {
    messages.into_iter().filter_map(|message| message["id"].as_i64()).collect()
}
