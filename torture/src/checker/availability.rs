//! How long nobody got an answer after something was broken, and calls that never got one.

use super::Anomaly::Unavailable;
use super::Findings;
use super::index::Index;
use crate::history::{Call, Done, FOREIGN, Fault, HANGS, Op, Outcome};

/// So long after the last fault nothing of it is left: no call that begins later fails by it.
const CALM_NS: u64 = 2_000_000_000;
/// What only a fault is a reason for.
const FAULTY: [&str; 8] = [
    "broker_unreachable",
    "broker_busy",
    "storage_failed",
    "storage_full",
    "store_refused",
    "version_mismatch",
    "shutting_down",
    "internal",
];

/// Times without an answer, in nanoseconds, ascending.
#[derive(Clone, Debug, Default)]
pub struct Recoveries {
    /// From a kill of the broker, the last one if several came close to each other, to the next answer to a call that
    /// was made after it.
    pub after_kills: Vec<u64>,
    /// The longest time in which no call that was made was answered, whatever was broken again meanwhile.
    pub longest: u64,
}

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let mut last_fault = 0;
    let faults: Vec<&Op> = index.ops.iter().filter(|op| op.is_fault_here()).collect();
    let mut faults = faults.into_iter().peekable();
    for (at, op) in index.ops.iter().enumerate() {
        if matches!(&op.result, Done::Malformed(what) if what == HANGS) {
            found.add(Unavailable, format!("{} of {} was never answered", op.kind(), op.name), &[at], &[]);
        }
        while let Some(fault) = faults.next_if(|fault| fault.t_invoke < op.t_end) {
            last_fault = last_fault.max(fault.t_end);
        }
        if last_fault + CALM_NS >= op.t_invoke {
            continue;
        }
        found.judged("calls in calm");
        if let Done::Error { code, message, .. } = &op.result
            && FAULTY.contains(&code.as_str())
        {
            let calm = (op.t_invoke - last_fault) / 1_000_000;
            let what = format!("{calm} ms after the last fault, {} of {}: {message}", op.kind(), op.name);
            found.add(Unavailable, what, &[at], &[]);
        }
    }
    for at in unanswered(index.ops) {
        found.add(Unavailable, "after this nobody was answered any more".to_owned(), &[at], &[]);
    }
}

/// Faults after which no call was answered for the rest of the run.
fn unanswered(ops: &[Op]) -> Vec<usize> {
    let answered = first_answers(ops);
    let stops = |kind: Fault| stops_all(kind) && kind != Fault::LookAtStore;
    let ends = |op: &Op| matches!(&op.call, Call::Fault { kind, .. } if stops(*kind)) && op.is_ok();
    let faults = ops.iter().enumerate().filter(|(_, op)| ends(op));
    faults.filter(|(_, op)| first_after(&answered, op.t_end).is_none()).map(|(at, _)| at).collect()
}

/// Whether a fault can keep every session from being answered.
const fn stops_all(kind: Fault) -> bool {
    !matches!(kind, Fault::KillShim | Fault::FreezeShim | Fault::SecondBroker | Fault::ClockJump)
        && !kind.is_between_nodes()
}

/// How long it took to get over each kill of the broker.
#[must_use]
pub fn recoveries(ops: &[Op]) -> Recoveries {
    let faults: Vec<(u64, u64, bool)> = ops
        .iter()
        .filter(|op| op.outcome == Outcome::Ok)
        .filter_map(|op| match &op.call {
            Call::Fault { kind, .. } if stops_all(*kind) => {
                let kill = matches!(kind, Fault::KillBroker | Fault::KillBrokerAgain);
                Some((op.t_invoke, op.t_end, kill))
            }
            _ => None,
        })
        .collect();
    let answered = first_answers(ops);
    let mut recoveries = Recoveries::default();
    let mut since = None;
    for (at, (began, ended, kill)) in faults.iter().enumerate() {
        let Some(answer) = first_after(&answered, *ended) else { break };
        let start = *since.get_or_insert(*began);
        if faults.get(at + 1).is_some_and(|(next, _, _)| *next < answer) {
            continue;
        }
        recoveries.longest = recoveries.longest.max(answer - start);
        since = None;
        if *kill {
            recoveries.after_kills.push(answer.saturating_sub(*ended));
        }
    }
    recoveries.after_kills.sort_unstable();
    recoveries
}

/// By the beginning of calls: the end of the first one to be answered of those that began then or later.
fn first_answers(ops: &[Op]) -> Vec<(u64, u64)> {
    let waits = |op: &Op| op.call.wait_ms() > 0;
    let no_call = |op: &Op| {
        op.client == FOREIGN || matches!(op.call, Call::Fault { .. } | Call::Start {} | Call::Stop {})
    };
    let mut answers: Vec<(u64, u64)> = ops
        .iter()
        .filter(|op| op.is_ok() && !waits(op) && !no_call(op))
        .map(|op| (op.t_invoke, op.t_end))
        .collect();
    let mut first = u64::MAX;
    for (_, end) in answers.iter_mut().rev() {
        first = first.min(*end);
        *end = first;
    }
    answers
}

fn first_after(answers: &[(u64, u64)], time: u64) -> Option<u64> {
    let at = answers.partition_point(|(began, _)| *began < time);
    answers.get(at).map(|(_, end)| *end)
}
