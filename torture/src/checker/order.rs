//! If one send was acknowledged before another began, its id is the smaller one.

use super::Anomaly::Reordered;
use super::Findings;
use super::index::Index;

pub(super) fn check(index: &Index<'_>, found: &mut Findings) {
    let ids: Vec<Option<i64>> = index.messages.iter().map(|message| message.id(index.dump)).collect();
    // By the end of what was acknowledged, and by the beginning of everything.
    let mut ended: Vec<(u64, usize)> =
        index.messages.iter().enumerate().filter_map(|(at, message)| Some((message.acked?, at))).collect();
    ended.sort_unstable();
    // What only failed has no beginning; if it is there all the same, that is another violation.
    let mut began: Vec<(u64, usize)> =
        index.messages.iter().enumerate().map(|(at, message)| (message.began, at)).collect();
    began.retain(|(began, _)| *began < u64::MAX);
    began.sort_unstable();
    let mut ended = ended.into_iter().peekable();
    let mut highest: Option<(i64, usize)> = None;
    for (began, at) in began {
        while let Some((_, before)) = ended.next_if(|(end, _)| *end < began) {
            if let Some(id) = ids[before] {
                highest = highest.max(Some((id, before)));
            }
        }
        let (Some(id), Some((before_id, before))) = (ids[at], highest) else { continue };
        found.judged("sends after acknowledged sends");
        if id < before_id {
            let ops: Vec<usize> =
                [before, at].iter().flat_map(|one| index.messages[*one].attempts.clone()).collect();
            let what = format!("{before_id} was acknowledged before the call began that became {id}");
            found.add(Reordered, what, &ops, &[before_id, id]);
        }
    }
}
