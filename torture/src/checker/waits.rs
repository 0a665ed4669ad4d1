//! A wait returns with what is there, soon after it came, and empty only when its time is over.

use super::Anomaly::{LateWake, StuckWait};
use super::Findings;
use super::index::Index;
use super::mailboxes::{Mail, Mailboxes, Wanted, with};
use crate::history::{Call, Done, Op};

/// From a commit to the result of a wait, also when the broker was killed between.
const WAKE_WITHIN_NS: u64 = 3_000_000_000;
/// A wait is counted in whole milliseconds, again on every connection.
const EARLY_NS: u64 = 100_000_000;

pub(super) fn check(index: &Index<'_>, boxes: &Mailboxes<'_>, found: &mut Findings) {
    let faults = faults(index.ops);
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
        let since = came.max(last_fault_end(&faults, op.t_end));
        let ops = with(&due.ops, at);
        if *timed_out && (came == op.t_invoke || op.t_end.saturating_sub(since) > WAKE_WITHIN_NS) {
            let what = format!("message {} was there for {}, whose wait timed out", due.id, op.name);
            found.add(StuckWait, what, &ops, &[due.id]);
        } else if op.t_end.saturating_sub(since) > WAKE_WITHIN_NS {
            let late = (op.t_end - since) / 1_000_000;
            found.add(
                LateWake,
                format!("message {} woke {} {late} ms late", due.id, op.name),
                &ops,
                &[due.id],
            );
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

/// The ends of all faults, ascending.
fn faults(ops: &[Op]) -> Vec<u64> {
    let mut ends: Vec<u64> = ops
        .iter()
        .filter(|op| matches!(op.call, Call::Fault { .. } | Call::Start {}))
        .map(|op| op.t_end)
        .collect();
    ends.sort_unstable();
    ends
}

fn last_fault_end(faults: &[u64], before: u64) -> u64 {
    let behind = faults.partition_point(|end| *end <= before);
    behind.checked_sub(1).map_or(0, |last| faults[last])
}

/// From the acknowledgement of a message to the result of the wait that it ended, in nanoseconds, ascending: of those
/// that no fault came near.
#[must_use]
pub fn wake_ups(ops: &[Op]) -> Vec<u64> {
    let mut acked = std::collections::HashMap::new();
    for op in ops {
        if let Done::Sent { id, .. } = op.result {
            let first = acked.entry(id).or_insert(op.t_end);
            *first = op.t_end.min(*first);
        }
    }
    let faults = faults(ops);
    let mut times: Vec<u64> = ops
        .iter()
        .filter_map(|op| {
            let Done::Waited { messages, .. } = &op.result else { return None };
            let came = messages.iter().filter_map(|seen| acked.get(&seen.id)).min()?;
            let quiet = last_fault_end(&faults, op.t_end) + 1_000_000_000 < op.t_invoke;
            (*came > op.t_invoke && quiet).then(|| op.t_end.saturating_sub(*came))
        })
        .collect();
    times.sort_unstable();
    times
}
