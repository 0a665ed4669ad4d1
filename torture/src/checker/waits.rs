//! A wait returns with what is there, soon after it came, and empty only when its time is over.

use super::Anomaly::{LateWake, StuckWait};
use super::Findings;
use super::index::Index;
use super::mailboxes::{Mail, Mailboxes, Wanted, with};
use crate::history::{Call, Done, Fault, Op};
use std::collections::HashMap;

/// From a commit to the result of a wait when the broker was killed between, or the waiting session's shim.
const WAKE_WITHIN_NS: u64 = 3_000_000_000;
/// The same for a wait that timed out when nothing was broken between: 100 ms are promised, the rest is for a machine that
/// runs fifty sessions and the faults of all of them. How long it took is told beside it.
const MISSED_AFTER_NS: u64 = 2_000_000_000;
/// A wait is counted in whole milliseconds, again on every connection.
const EARLY_NS: u64 = 100_000_000;

pub(super) fn check(index: &Index<'_>, boxes: &Mailboxes<'_>, found: &mut Findings) {
    let faults = Faults::of(index.ops);
    for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| op.is_ok() && index.is_steady(op)) {
        let (Call::Wait { timeout_ms, from, tag, reply_to }, Done::Waited { messages, timed_out, .. }) =
            (&op.call, &op.result)
        else {
            continue;
        };
        if *timed_out != messages.is_empty() {
            found.add(StuckWait, "a wait that neither timed out nor brought mail".to_owned(), &[at], &[]);
        }
        if *timed_out && op.t_end - op.t_invoke + EARLY_NS < timeout_ms * 1_000_000 {
            found.add(StuckWait, "a wait that timed out before its time".to_owned(), &[at], &[]);
        }
        let wanted = Wanted { from: from.as_deref(), tag: tag.as_deref(), reply_to: *reply_to, word: None };
        if let Some(stray) =
            messages.iter().find(|seen| boxes.mail(&op.name, seen.id).is_some_and(|mail| !wanted.takes(mail)))
        {
            found.add(
                StuckWait,
                format!("message {} is not what was waited for", stray.id),
                &[at],
                &[stray.id],
            );
        }
        let Some(due) = first_due(boxes.of(&op.name), op, &wanted) else { continue };
        let came = due.acked.unwrap_or(u64::MAX).max(op.t_invoke);
        let broken_until = faults.last_end(op.client, op.t_end).filter(|end| *end > came);
        let since = broken_until.unwrap_or(came);
        let within = if broken_until.is_none() && *timed_out { MISSED_AFTER_NS } else { WAKE_WITHIN_NS };
        let late_ns = op.t_end.saturating_sub(since);
        found.judged(if broken_until.is_some() {
            "waits with mail due, broken"
        } else {
            "waits with mail due"
        });
        let ops = with(&due.ops, at);
        if *timed_out && (came == op.t_invoke || late_ns > within) {
            let what = format!("message {} was there for {}, whose wait timed out", due.id, op.name);
            found.add(StuckWait, what, &ops, &[due.id]);
        } else if late_ns > within {
            let what = format!("message {} woke {} after {} ms", due.id, op.name, late_ns / 1_000_000);
            found.add(LateWake, what, &ops, &[due.id]);
        }
    }
}

/// The first message that the wait had to return: surely there and surely unread until it ended.
fn first_due<'m, 'a>(mails: &'m [Mail<'a>], op: &Op, wanted: &Wanted<'_>) -> Option<&'m Mail<'a>> {
    mails
        .iter()
        .filter(|mail| mail.acked.is_some_and(|acked| acked < op.t_end) && mail.maybe_read > op.t_end)
        .filter(|mail| wanted.takes(mail))
        .min_by_key(|mail| mail.acked)
}

/// When what can delay a wait ended.
#[derive(Default)]
struct Faults {
    /// Of the broker: began, ended; ascending by the beginning.
    of_all: Vec<(u64, u64)>,
    /// Of single clients: their shims were killed, frozen, started.
    of_one: HashMap<u32, Vec<(u64, u64)>>,
}

impl Faults {
    fn of(ops: &[Op]) -> Self {
        let mut faults = Self::default();
        for op in ops {
            let time = (op.t_invoke, op.t_end);
            match &op.call {
                Call::Fault { kind: Fault::KillShim | Fault::FreezeShim, detail } => {
                    let client = detail.split_whitespace().nth(1).and_then(|client| client.parse().ok());
                    faults.of_one.entry(client.unwrap_or(u32::MAX)).or_default().push(time);
                }
                Call::Fault { .. } if op.is_fault_here() => faults.of_all.push(time),
                Call::Start {} => faults.of_one.entry(op.client).or_default().push(time),
                _ => {}
            }
        }
        faults
    }

    /// The end of the last fault that began before then and may have held up this client; one that is not over yet
    /// counts as ending then.
    fn last_end(&self, client: u32, before: u64) -> Option<u64> {
        let own = self.of_one.get(&client).into_iter().flatten();
        let all = self.of_all.iter().chain(own).filter(|(began, _)| *began < before);
        all.map(|(_, ended)| (*ended).min(before)).max()
    }
}

/// From the acknowledgement of a message to the result of the wait that it ended, in nanoseconds, ascending: of those
/// that no fault came near.
#[must_use]
pub fn wake_ups(ops: &[Op]) -> Vec<u64> {
    let mut acked = HashMap::new();
    for op in ops {
        if let Done::Sent { id, .. } = op.result {
            let first = acked.entry(id).or_insert(op.t_end);
            *first = op.t_end.min(*first);
        }
    }
    let faults = Faults::of(ops);
    let mut times: Vec<u64> = ops
        .iter()
        .filter_map(|op| {
            let Done::Waited { messages, .. } = &op.result else { return None };
            let came = messages.iter().filter_map(|seen| acked.get(&seen.id)).min()?;
            let quiet = faults.last_end(op.client, op.t_end).is_none_or(|end| end < *came);
            (*came > op.t_invoke && quiet).then(|| op.t_end.saturating_sub(*came))
        })
        .collect();
    times.sort_unstable();
    times
}
