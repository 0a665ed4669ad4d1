//! The broker is killed in the middle of everything, and nothing is lost.

use crate::cmd::demo::session::{Call, text};
use crate::cmd::demo::stage::{Confirmed, Stage, Who, ids, messages};
use crate::cmd::demo::tell;
use crate::cmd::demo::timeline::in_words;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Messages that are sent while the broker is killed.
const BURST: usize = 24;
/// Of these, how many are under way at once.
const UNDER_WAY: usize = 8;
/// Of these, how many are confirmed before the broker is killed.
const BEFORE_KILL: usize = 8;

pub(super) async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    stage.timeline.scene(
        "The broker is killed",
        &[
            "With SIGKILL (on Windows TerminateProcess), so it cannot clean up. online is waiting for a",
            "message at that moment, and local is in the middle of sending. Nobody is told, and nobody has",
            "to do anything: the shims start the next broker and repeat what was not answered.",
        ],
    )?;
    let before = stage.broker.status().await?;
    let unread_before = unread(stage).await?;
    let wait = json!({"from": "local", "tag": "handoff", "timeout_s": 60});
    let waiting = stage.begin(Who::Online, "wait_for_message", &wait)?;
    stage.until_waiting(Who::Online, Who::Local).await?;

    burst(stage, before.pid).await?;
    let handoff = json!({"to": "online", "body": "etl-42 is yours", "tag": "handoff"});
    let id = stage.send(Who::Local, &[Who::Online], handoff).await?;
    let (result, _) = stage.finish(Who::Online, waiting, tell::mail).await?;
    let found = ids(messages(&result));
    stage.checks.same(
        "a wait that began before the kill ends with the message sent after it",
        found,
        vec![id],
    );
    stage.session(Who::Online)?.call("mark_read", &json!({"message_ids": [id]})).await?;

    let after = stage.broker.status().await?;
    stage.timeline.note(&format!("process {} serves them now, started by a shim", after.pid))?;
    let fresh = (after.pid != before.pid, after.epoch > before.epoch, after.sessions_online);
    stage.checks.same("another broker took over, with all three sessions", fresh, (true, true, 3));
    stage.checks.same(
        "what was unread before the kill is unread after it",
        unread(stage).await?,
        unread_before,
    );
    nothing_lost(stage).await
}

/// `local` sends a burst to `review`, and the broker is killed while some of it is under way.
async fn burst(stage: &mut Stage, pid: u32) -> anyhow::Result<()> {
    let began = Instant::now();
    stage.timeline.deed(
        began,
        "local",
        &format!("sends {BURST} messages to review, {UNDER_WAY} at a time"),
    )?;
    let (mut under_way, mut killed_at) = (VecDeque::new(), None);
    let (mut confirmed, mut survivors) = (Vec::new(), Vec::new());
    let mut next = 1..=BURST;
    loop {
        while under_way.len() < UNDER_WAY {
            let Some(number) = next.next() else { break };
            under_way.push_back(send_part(stage, number)?);
        }
        let Some((body, call)) = under_way.pop_front() else { break };
        let sent_at = call.sent_at();
        let outcome = stage.session(Who::Local)?.succeeded(call).await?;
        survivors.extend(killed_at.and_then(|killed_at| after_kill(killed_at, sent_at, outcome.took)));
        let id = outcome.value["id"].as_i64().context("send_message gave no id")?;
        confirmed.push(Confirmed { id, to: vec![Who::Review], body });
        if confirmed.len() == BEFORE_KILL {
            killed_at = Some(stage.broker.kill(pid).await?);
        }
    }
    let ended = Instant::now();
    if let Some(killed_at) = killed_at {
        stage.timeline.deed(killed_at, "demo", &format!("kills the broker, process {pid}"))?;
    }
    stage.timeline.deed(ended, "local", &format!("all {BURST} messages are on disk"))?;
    let told = match survivors.iter().min() {
        Some(first) => format!(
            "{} were under way at the kill; {} later the next broker confirmed the first of them",
            survivors.len(),
            in_words(*first)
        ),
        None => "none was under way at the kill".to_owned(),
    };
    stage.timeline.result(&told, ended.duration_since(began))?;
    stage.checks.same("every call under way at the kill was answered with success", confirmed.len(), BURST);
    stage.confirmed.append(&mut confirmed);
    Ok(())
}

/// How long after the kill a call was answered that was under way at that moment.
fn after_kill(killed_at: Instant, sent_at: Instant, took: Duration) -> Option<Duration> {
    let answered_at = sent_at + took;
    (sent_at < killed_at).then(|| answered_at.checked_duration_since(killed_at)).flatten()
}

fn send_part(stage: &Stage, number: usize) -> anyhow::Result<(String, Call)> {
    let body = format!("finding {number} of {BURST}");
    let arguments = json!({"to": "review", "body": body, "tag": "finding"});
    Ok((body, stage.session(Who::Local)?.begin("send_message", &arguments)?))
}

/// The ids that are unread in each mailbox, without the findings of the burst and the hand-off after it.
async fn unread(stage: &Stage) -> anyhow::Result<BTreeMap<&'static str, Vec<i64>>> {
    let mut unread = BTreeMap::new();
    for who in Who::ALL {
        let mail = stage.session(who)?.call("inbox", &json!({"limit": 200})).await?.value;
        let earlier = messages(&mail).filter(|message| text(message, "tag") != "finding");
        unread.insert(who.name(), ids(earlier));
    }
    Ok(unread)
}

/// Compares every mailbox with every confirmation since the beginning.
async fn nothing_lost(stage: &mut Stage) -> anyhow::Result<()> {
    let mut differences = Vec::new();
    let mut compared = 0;
    for who in Who::ALL {
        let promised = stage.confirmed.iter().filter(|confirmed| confirmed.to.contains(&who));
        let promised: BTreeSet<(i64, String)> =
            promised.map(|confirmed| (confirmed.id, confirmed.body.clone())).collect();
        let mailbox = stage.mailbox(who).await?;
        let mut found: Vec<(i64, String)> = mailbox.iter().filter_map(id_and_body).collect();
        found.sort_unstable();
        let promised: Vec<_> = promised.into_iter().collect();
        if found != promised {
            differences.push(format!("{}: promised {promised:?}, found {found:?}", who.name()));
        }
        compared += found.len();
    }
    let total = stage.confirmed.len();
    let told = format!(
        "{total} messages were confirmed since the start, {compared} deliveries are in the mailboxes"
    );
    stage.timeline.note(&told)?;
    stage.checks.that(
        "every confirmed message is there exactly once, and nothing else",
        differences.is_empty(),
        || differences.join("; "),
    );
    let state = stage.session(Who::Review)?.call("get_state", &json!({"key": "last_run_id"})).await?.value;
    stage.checks.same("the shared state is as it was", &state["entry"]["value"], "abc123");
    Ok(())
}

fn id_and_body(message: &Value) -> Option<(i64, String)> {
    Some((message["id"].as_i64()?, text(message, "body").to_owned()))
}
