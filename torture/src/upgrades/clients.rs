//! The sessions of a run: those that wait through every replacement, and those that go on working.

use super::board::Board;
use super::ledger::Ledger;
use super::session::Session;
use super::{PATIENCE, working};
use c2c_harness::{Sandbox, until};
use serde_json::{Value, json};
use std::fmt::{Display, Formatter};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A wait that no run outlasts, in seconds.
const WAIT_S: u64 = 86_400;
/// What ends the waiting sessions.
pub(crate) const STOP: &str = "stop";
/// The key that is watched.
const KEY: &str = "round";
/// Who answers questions.
const ORACLE: &str = "oracle";

/// What one steady session does to its end, at its place on the board.
type Wait = fn(Session, usize, &Board);

/// How many sessions wait, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// For mail that comes once a round.
    mail: usize,
    /// For a change of the shared state.
    watchers: usize,
    /// For an answer.
    askers: usize,
    /// For mail that comes all the time.
    listeners: usize,
}

impl Crowd {
    /// So many in all.
    pub(crate) fn of(clients: usize) -> Self {
        let (mail, watchers, askers) = (clients * 2 / 5, clients / 5, clients / 5);
        Self { mail, watchers, askers, listeners: clients - mail - watchers - askers }
    }

    const fn steady(self) -> usize {
        self.mail + self.watchers + self.askers
    }
}

impl Display for Crowd {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { mail, watchers, askers, listeners } = self;
        let all = self.steady() + listeners;
        write!(
            out,
            "{all}: {mail} for mail, {watchers} for a state, {askers} for an answer, {listeners} for mail that comes all the \
             time; beside them {} that send, one that waits through the whole run, one whose waits run out",
            working::SENDERS
        )
    }
}

/// When what is waited for was acknowledged to the one who did it.
pub(crate) struct Released {
    mail: Instant,
    state: Instant,
    answers: Instant,
}

/// All sessions.
pub(crate) struct Clients {
    crowd: Crowd,
    board: Arc<Board>,
    ledger: Arc<Ledger>,
    conductor: Session,
    oracle: Session,
    waiting: Vec<JoinHandle<()>>,
    working: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

fn names(kind: &str, number: usize) -> Vec<String> {
    (0..number).map(|at| format!("{kind}-{at}")).collect()
}

impl Clients {
    /// Starts all of them; every other one is a shim of the second program.
    pub(crate) fn start(sandbox: &Sandbox, shims: &[PathBuf; 2], crowd: Crowd, ledger: &Arc<Ledger>) -> Self {
        let mut turn = shims.iter().cycle();
        let mut session = |name: &str| Session::start(sandbox, turn.next().expect("a shim"), name, ledger);
        let (mut conductor, oracle) = (session("conductor"), session(ORACLE));
        conductor.call("set_state", json!({"key": KEY, "value": 0}));
        let (board, stop) = (Arc::new(Board::new(crowd.steady())), Arc::new(AtomicBool::new(false)));
        let mut waiting = Vec::new();
        let kinds: [(&str, usize, Wait); 3] = [
            ("mail", crowd.mail, wait_for_mail),
            ("watcher", crowd.watchers, watch),
            ("asker", crowd.askers, ask),
        ];
        for (kind, number, wait) in kinds {
            for name in names(kind, number) {
                let (place, board, session) = (waiting.len(), Arc::clone(&board), session(&name));
                waiting.push(std::thread::spawn(move || wait(session, place, &board)));
            }
        }
        let listeners = names("listener", crowd.listeners);
        for name in &listeners {
            let session = session(name);
            waiting.push(std::thread::spawn(move || working::listen(session)));
        }
        let mut working = vec![working::patient(session("patient")), working::hasty(session("hasty"), &stop)];
        for name in names("sender", working::SENDERS) {
            working.push(working::sender(session(&name), listeners.clone(), &stop));
        }
        Self { crowd, board, ledger: Arc::clone(ledger), conductor, oracle, waiting, working, stop }
    }

    /// Waits until every steady session waits in the broker for this round.
    pub(crate) fn until_all_wait(&mut self, sandbox: &Sandbox, round: u64) {
        if !self.board.until_all_wait(round, PATIENCE) {
            self.ledger.fault(format!("round {round}: not all sessions wait again"));
        }
        // The patient one is there too.
        let least = u64::try_from(self.crowd.steady() + 1).expect("a number");
        sandbox.until_status("the waits have arrived", |status| status.waits >= least);
        // Waits of others count there as well. A question that came late would be met by the next ones of those who had
        // their answers already.
        until("all questions are there", PATIENCE, || self.questions() == self.crowd.askers as u64);
    }

    /// How many questions wait for the oracle.
    fn questions(&mut self) -> u64 {
        let listed = self.conductor.call("list_sessions", json!({})).unwrap_or_default();
        let rows = listed["sessions"].as_array().into_iter().flatten();
        rows.filter(|row| row["name"] == ORACLE).filter_map(|row| row["unread"].as_u64()).sum()
    }

    /// Gives every steady session what it waits for.
    pub(crate) fn release(&mut self, round: u64) -> Released {
        self.conductor.say(&names("mail", self.crowd.mail), &format!("round {round}"));
        let mail = Instant::now();
        self.conductor.call("set_state", json!({"key": KEY, "value": round}));
        let state = Instant::now();
        self.answer_all(|question| format!("answer to {question}"));
        Released { mail, state, answers: Instant::now() }
    }

    /// Answers the one question of each asker.
    fn answer_all(&mut self, answer: impl Fn(&str) -> String) {
        let mut open = self.crowd.askers;
        while open > 0 {
            let pending = self.oracle.begin("wait_for_message", json!({"timeout_s": WAIT_S}));
            let Some(got) = self.oracle.answer("wait_for_message", &pending, PATIENCE) else { return };
            self.ledger.came(ORACLE, &got["messages"]);
            for question in got["messages"].as_array().into_iter().flatten() {
                let (id, body) = (&question["id"], question["body"].as_str().unwrap_or_default());
                // The answer marks the question read.
                self.oracle.call("send_message", json!({"reply_to": id, "body": answer(body)}));
                self.ledger.read(ORACLE, &[id.as_i64().unwrap_or_default()]);
                open = open.saturating_sub(1);
            }
        }
    }

    /// Waits until all steady sessions got what they waited for; the longest time that it took.
    pub(crate) fn until_all_woken(&self, round: u64, released: &Released) -> Duration {
        let Some(woken) = self.board.until_all_woken(round, PATIENCE) else {
            let Crowd { mail, watchers, .. } = self.crowd;
            let name = |at: usize| match at {
                at if at < mail => format!("mail-{at}"),
                at if at < mail + watchers => format!("watcher-{}", at - mail),
                at => format!("asker-{}", at - mail - watchers),
            };
            let asleep: Vec<String> = self.board.not_woken(round).into_iter().map(name).collect();
            self.ledger.fault(format!("round {round}: not woken: {}", asleep.join(", ")));
            return PATIENCE;
        };
        let (mail, rest) = woken.split_at(self.crowd.mail);
        let (watchers, askers) = rest.split_at(self.crowd.watchers);
        let longest = |woken: &[Instant], since: Instant| {
            woken.iter().map(|at| at.saturating_duration_since(since)).max().unwrap_or_default()
        };
        longest(mail, released.mail)
            .max(longest(watchers, released.state))
            .max(longest(askers, released.answers))
    }

    /// Ends all sessions, once they have what they are to have.
    pub(crate) fn finish(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.conductor.say(&["patient".to_owned()], "the end");
        self.join(|all| std::mem::take(&mut all.working));
        let waiting = [names("mail", self.crowd.mail), names("listener", self.crowd.listeners)].concat();
        self.conductor.say(&waiting, STOP);
        self.conductor.call("set_state", json!({"key": KEY, "value": STOP}));
        self.answer_all(|_| STOP.to_owned());
        self.join(|all| std::mem::take(&mut all.waiting));
        for session in [&mut self.conductor, &mut self.oracle] {
            working::nothing_left(session);
        }
    }

    fn join(&mut self, which: fn(&mut Self) -> Vec<JoinHandle<()>>) {
        for thread in which(self) {
            if thread.join().is_err() {
                self.ledger.fault("a session's thread panicked".to_owned());
            }
        }
    }
}

fn wait_for_mail(mut session: Session, place: usize, board: &Board) {
    for round in 1.. {
        let pending = session.begin("wait_for_message", json!({"timeout_s": WAIT_S}));
        board.waits(place, round);
        let Some(got) = session.answer("wait_for_message", &pending, PATIENCE * 2) else { return };
        let ended = got["messages"][0]["body"] == STOP;
        if !ended {
            board.woken(place, round);
        }
        let Some(bodies) = session.take_in(&got) else { return };
        if ended {
            return working::nothing_left(&mut session);
        }
        if bodies != [format!("round {round}")] {
            session.ledger.fault(format!("{}: in round {round} came {bodies:?}", session.name));
        }
    }
}

fn watch(mut session: Session, place: usize, board: &Board) {
    let Some(first) = session.call("get_state", json!({"key": KEY})) else { return };
    let mut version = first["entry"]["version"].clone();
    for round in 1_u64.. {
        let watched = json!({"key": KEY, "newer_than": version, "timeout_s": WAIT_S});
        let pending = session.begin("get_state", watched);
        board.waits(place, round);
        let Some(got) = session.answer("get_state", &pending, PATIENCE * 2) else { return };
        let entry = &got["entry"];
        if entry["value"] == STOP {
            return;
        }
        board.woken(place, round);
        if entry["value"] != round || entry["version"].as_i64() <= version.as_i64() {
            session.ledger.fault(format!("{}: in round {round} after {version}: {got}", session.name));
        }
        version = entry["version"].clone();
    }
}

fn ask(mut session: Session, place: usize, board: &Board) {
    for round in 1.. {
        let question = format!("question {round} of {}", session.name);
        let arguments = json!({"to": ORACLE, "body": question, "timeout_s": WAIT_S});
        let pending = session.begin("ask", arguments);
        board.waits(place, round);
        let Some(got) = session.answer("ask", &pending, PATIENCE * 2) else { return };
        session.ledger.sent(&question, got["id"].as_i64().unwrap_or_default(), [ORACLE.to_owned()]);
        let replies: Vec<&Value> =
            got["replies"].as_array().into_iter().flatten().map(|one| &one["body"]).collect();
        if replies == [STOP] {
            return;
        }
        board.woken(place, round);
        if replies != [&json!(format!("answer to {question}"))] {
            session.ledger.fault(format!("{}: {question:?} was answered with {got}", session.name));
        }
    }
}
