//! The sessions that go on while brokers come and go: some send, some get what is sent, one waits through the whole run
//! and is told how it goes on, one waits for what never comes.

use super::clients::STOP;
use super::session::Session;
use super::{GAP_MAX, PATIENCE};
use c2c_harness::pause;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Sessions that send all the time.
pub(crate) const SENDERS: usize = 4;
/// Between two messages of one sender: the machine is to be busy, not to be the subject.
const SEND_EVERY: Duration = Duration::from_millis(40);
/// How long the waits of the hasty one take, in seconds: longer than a replacement, shorter than a few of them.
const HASTY_S: u64 = 5;
/// Clients are told so often how a wait goes on.
const PROGRESS_EVERY_S: u64 = 10;
/// Longer than any run.
const RUN_MAX: Duration = Duration::from_secs(86_400);

/// Takes mail until it is told to stop.
pub(crate) fn listen(mut session: Session) {
    loop {
        let pending = session.begin("wait_for_message", json!({"timeout_s": RUN_MAX.as_secs()}));
        let Some(got) = session.answer("wait_for_message", &pending, RUN_MAX) else { return };
        let Some(bodies) = session.take_in(&got) else { return };
        if bodies.iter().any(|body| body == STOP) {
            return nothing_left(&mut session);
        }
    }
}

/// What was marked read is gone, and there is nothing else.
pub(crate) fn nothing_left(session: &mut Session) {
    if let Some(inbox) = session.call("inbox", json!({}))
        && inbox["messages"].as_array().is_none_or(|messages| !messages.is_empty())
    {
        session.ledger.fault(format!("{}: left over: {inbox}", session.name));
    }
}

/// Sends to one listener after the other until the run ends.
pub(crate) fn sender(mut session: Session, listeners: Vec<String>, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let mut to = listeners.iter().cycle();
        for number in 0.. {
            let Some(one) = to.next() else { return };
            let said = session.say(std::slice::from_ref(one), &format!("{number} of {}", session.name));
            if said.is_none() || stop.load(Ordering::Relaxed) {
                return;
            }
            // See the constant.
            pause(SEND_EVERY);
        }
    })
}

/// One wait from the run's beginning to its end, with its progress told.
pub(crate) fn patient(mut session: Session) -> JoinHandle<()> {
    let begun = Instant::now();
    let arguments = json!({"timeout_s": RUN_MAX.as_secs()});
    let pending = session.begin_with_progress("wait_for_message", &arguments);
    std::thread::spawn(move || {
        let Some(got) = session.answer("wait_for_message", &pending, RUN_MAX) else { return };
        let (told, due) = (session.progress(), begun.elapsed().as_secs() / PROGRESS_EVERY_S);
        let grows = told.windows(2).all(|pair| pair[0] < pair[1]);
        // A busy machine may be a little late with the last ones.
        if !grows || u64::try_from(told.len()).unwrap_or(0) + 2 < due {
            session.ledger.fault(format!("{}: told {told:?}, due were {due}", session.name));
        }
        session.take_in(&got);
    })
}

/// Waits that run out, again and again: neither too early, nor later than a replacement may delay them.
pub(crate) fn hasty(mut session: Session, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let (begun, time) = (Instant::now(), Duration::from_secs(HASTY_S));
            let pending = session.begin("wait_for_message", json!({"timeout_s": HASTY_S}));
            let Some(got) = session.answer("wait_for_message", &pending, time + PATIENCE) else { return };
            let took = begun.elapsed();
            if got["timed_out"] != true || took < time || took > time + GAP_MAX {
                session.ledger.fault(format!("{}: a wait of {time:?} took {took:?}: {got}", session.name));
            }
        }
    })
}
