//! Nobody who is gone is listed as online: a session whose shim ended is offline a second later.

use super::Anomaly::Names;
use super::Findings;
use super::index::Index;
use crate::history::{Call, Done, Fault, Op};
use std::collections::HashMap;

/// A connection that ended is noticed by then.
const OFFLINE_WITHIN_NS: u64 = 1_000_000_000;

/// A time in which a client that keeps its name had no shim.
#[derive(Clone, Copy, Debug)]
struct Absence {
    /// When it last made a call that was answered: the broker of that moment knew it.
    known: u64,
    from: u64,
    until: u64,
    at: usize,
}

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let absences = absences(index);
    let broken: Vec<(u64, u64)> = index.ops.iter().filter_map(holds_up).collect();
    for (at, op) in index.ops.iter().enumerate() {
        let Done::Sessions { rows, .. } = &op.result else { continue };
        for (name, online) in rows {
            let mut times = absences.get(&**name).into_iter().flatten();
            let Some(gone) = times.rfind(|gone| is_known(gone, op, &broken)) else { continue };
            found.judged("absent sessions listed");
            if *online {
                let ms = (op.t_invoke - gone.from) / 1_000_000;
                let what = format!("{name} is listed as online {ms} ms after its shim ended");
                found.add(Names, what, &[gone.at, at], &[]);
            }
        }
    }
}

/// When those who keep their names were away: from the end of a shim to the start of the next one.
fn absences<'a>(index: &Index<'a>) -> HashMap<&'a str, Vec<Absence>> {
    let mut known: HashMap<u32, u64> = HashMap::new();
    let mut gone: HashMap<u32, (u64, usize, &str)> = HashMap::new();
    let mut absences: HashMap<&str, Vec<Absence>> = HashMap::new();
    for (at, op) in index.ops.iter().enumerate() {
        match &op.call {
            Call::Stop {} => {
                if let Some(name) = index.steady.get(&*op.name) {
                    gone.insert(op.client, (op.t_end, at, name));
                }
            }
            Call::Start {} => {
                if let Some((from, at, name)) = gone.remove(&op.client) {
                    let known = known.remove(&op.client).unwrap_or_default();
                    absences.entry(name).or_default().push(Absence { known, from, until: op.t_invoke, at });
                }
            }
            _ if op.is_ok() => {
                known.insert(op.client, op.t_invoke);
            }
            _ => {}
        }
    }
    absences
}

/// A time in which the broker may not have noticed, or written down, that somebody went.
fn holds_up(op: &Op) -> Option<(u64, u64)> {
    match &op.call {
        Call::Fault { kind: Fault::KillShim | Fault::FreezeShim | Fault::ClockJump, .. } => None,
        Call::Fault { .. } if op.is_fault_here() => Some((op.t_invoke, op.t_end)),
        _ => None,
    }
}

/// Whether the list came within an absence, and a second of it had passed by then in which the broker that had known the
/// session could notice: what it wrote down then, the next one knows too. One that a session has not come back to keeps
/// its place for a while.
fn is_known(gone: &Absence, list: &Op, broken: &[(u64, u64)]) -> bool {
    let noticed = gone.from + OFFLINE_WITHIN_NS;
    let disturbed = |(began, ended): &(u64, u64)| *began < noticed && *ended > gone.known;
    noticed < list.t_invoke && list.t_end < gone.until && !broken.iter().any(disturbed)
}
