//! Who keeps a name has it and is one session; who lost one is told; nobody is listed twice.

use super::Anomaly::{Malformed, Names};
use super::Findings;
use super::index::Index;
use crate::history::{Call, Done, HANGS, Op};
use std::collections::{HashMap, HashSet};

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let mut lost: HashMap<&str, (u64, usize)> = HashMap::new();
    let mut sessions: HashMap<&str, &str> = HashMap::new();
    let mut homes: HashMap<u32, &str> = HashMap::new();
    for (at, op) in index.ops.iter().enumerate() {
        let home = homes.entry(op.client).or_insert("");
        if let (true, Some(name)) = (home.is_empty(), index.steady.get(&*op.name)) {
            *home = name;
        }
        match &op.result {
            Done::Malformed(what) if what != HANGS => {
                found.add(Malformed, what.clone(), &[at], &[]);
            }
            Done::Error { code, .. }
                if !home.is_empty() && matches!(&**code, "superseded" | "not_registered") =>
            {
                found.add(Names, format!("{home} keeps its name and was told {code}"), &[at], &[]);
            }
            Done::Registered { superseded: Some(session), .. } => {
                lost.entry(session).or_insert((op.t_end, at));
            }
            Done::Sessions { rows, own } => {
                listed(at, rows, found);
                if let (false, Some((session, name))) = (home.is_empty(), own) {
                    let known = *sessions.entry(home).or_insert(session);
                    if **name != **home || **session != *known {
                        let what = format!("{home} is listed as {name} ({session}, before {known})");
                        found.add(Names, what, &[at], &[]);
                    }
                }
            }
            _ => {}
        }
        unknown(index, (at, op), &sessions, found);
    }
    for (at, op) in index.ops.iter().enumerate().filter(|(_, op)| acts(op)) {
        let goes_on = |since: u64| op.t_invoke > since && !took_a_name_meanwhile(index, op);
        if let Some((since, by)) = lost.get(&*op.session).filter(|(since, _)| goes_on(*since)) {
            let what = format!("{} lost its name at {since} and went on as if it had one", op.session);
            found.add(Names, what, &[*by, at], &[]);
        }
    }
}

/// Whether the same client registered a name while the call was under way: a read that a broken connection ended is made
/// again as whoever the client is by then.
fn took_a_name_meanwhile(index: &Index<'_>, op: &Op) -> bool {
    let registers =
        |other: &&Op| other.client == op.client && matches!(other.result, Done::Registered { .. });
    let meanwhile = |other: &Op| other.t_invoke < op.t_end && other.t_end > op.t_invoke;
    index.ops.iter().filter(registers).any(meanwhile)
}

/// Whether a call succeeded that only a session with a name can make. Asking who one is comes before one knows.
fn acts(op: &Op) -> bool {
    op.is_ok()
        && !matches!(
            op.call,
            Call::Sessions {} | Call::Register { .. } | Call::Start {} | Call::Stop {} | Call::Fault { .. }
        )
}

fn listed(at: usize, rows: &[(Box<str>, bool)], found: &mut Findings) {
    let mut seen = HashSet::new();
    for (name, _) in rows {
        if !seen.insert(name.to_ascii_lowercase()) {
            found.add(Names, format!("{name} is listed twice"), &[at], &[]);
        }
        if name.contains("-stale-") {
            found.add(Names, format!("{name}, which lost its name, is listed"), &[at], &[]);
        }
    }
}

/// Who told its name before is known to every send.
fn unknown(index: &Index<'_>, (at, op): (usize, &Op), sessions: &HashMap<&str, &str>, found: &mut Findings) {
    let Done::Sent { recipients, .. } = &op.result else { return };
    for (name, known) in recipients {
        if !known && index.steady.contains(&**name) && sessions.contains_key(&**name) && op.t_invoke > 0 {
            let since = index.ops.iter().position(|earlier| {
                matches!(&earlier.result, Done::Sessions { own: Some((_, own)), .. } if own == name)
                    && earlier.t_end < op.t_invoke
            });
            if let Some(since) = since {
                found.add(Names, format!("{name} is known and was said not to be"), &[since, at], &[]);
            }
        }
    }
}
