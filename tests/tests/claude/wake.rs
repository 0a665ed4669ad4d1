//! Mail reaches a session that does not look for it.

use super::{STEP, TURN_OVER, reads_mail, unread};
use c2c_harness::{Claude, Model, ModelRequest, Sandbox, Shim, Terminal, Wiring, until, when};
use c2c_proto::limits::NUDGE_INTERVAL_MS;
use serde_json::json;
use std::time::{Duration, Instant};

/// Who writes: a word that stands in nothing but what this session sends.
const SENDER: &str = "zoltan";
/// From the sender's receipt of `ok` to the next request of the session that was woken.
const WOKEN_WITHIN: Duration = Duration::from_secs(1);

/// How many messages are measured.
const MEASURED: usize = 5;
/// A session is nudged once in this time at most; a little more, since the broker counts from a moment of its own.
const NUDGE_EVERY: Duration = Duration::from_millis(NUDGE_INTERVAL_MS + 100);

/// A nudge is in the news: the sender's name, but not in a result of a tool.
fn nudges(request: &ModelRequest) -> bool {
    request.news.contains(SENDER) && !request.results().iter().any(|result| result.contains(SENDER))
}

/// An idle session that has taken one turn, so that everything is loaded.
fn idle(claude: &Claude, sandbox: &Sandbox, model: &Model) -> Terminal {
    let terminal = claude.session(sandbox, "idle", model).interactive();
    terminal.enter("Say hello.");
    model.sees("Say hello.", STEP);
    terminal.shows(TURN_OVER);
    terminal
}

fn until_read(peer: &mut Shim, id: i64) {
    until("the message is read", STEP, || !unread(peer, id));
}

#[test]
fn mail_wakes_an_idle_session_which_reads_and_answers_it() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let mut rules = vec![
        when("how far are you?").calls("send_message", json!({"reply_to": "$id", "body": "nearly done"})),
    ];
    rules.extend(reads_mail(SENDER));
    let model = Model::start(rules);
    let session = idle(&claude, &sandbox, &model);
    let mut peer = sandbox.session(SENDER);
    let answer = peer.ok("ask", json!({"to": "idle", "body": "how far are you?", "timeout_s": 20}));
    assert_eq!(answer["replies"][0]["body"], "nearly done", "{answer}");
    let nudge = model.request("the nudge", STEP, nudges);
    assert!(!nudge.news.contains("how far are you?"), "a nudge holds no body: {nudge}");
    assert!(nudge.news.contains("inbox"), "it says which tool to use: {nudge}");
    until("all is read", STEP, || sandbox.status().is_some_and(|status| status.unread == 0));
    session.quit();
}

#[test]
fn an_idle_session_is_woken_within_a_second() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(reads_mail(SENDER));
    let session = idle(&claude, &sandbox, &model);
    let mut peer = sandbox.session(SENDER);
    let mut times = Vec::new();
    for number in 0..MEASURED {
        // Before that the next message would wait for its end.
        c2c_harness::pause(NUDGE_EVERY);
        let before = model.requests().len();
        let id = peer.say("idle", &format!("message {number}"));
        let sent = Instant::now();
        let woken = || model.requests().into_iter().skip(before).find(nudges);
        let woken = c2c_harness::until_some("a nudge", STEP, woken);
        times.push(woken.at.saturating_duration_since(sent));
        until_read(&mut peer, id);
        let marked = || model.requests().last().is_some_and(|request| request.news.contains("\"marked\""));
        until("the turn is over", STEP, marked);
    }
    times.sort();
    println!("from `send_message` returned to the model's next request, {MEASURED} messages: {times:.0?}");
    assert!(times[MEASURED / 2] < WOKEN_WITHIN, "the median of {times:.0?}");
    session.quit();
}

#[test]
fn ten_messages_in_a_second_cost_an_idle_session_one_turn() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let all: Vec<i64> = (1..=10).collect();
    let model = Model::start(vec![
        // Whatever it sees of them, it marks them all, as a model would that reads until nothing is left.
        when("\"messages\":[{").and("message 9").calls("mark_read", json!({"message_ids": all})),
        when("\"messages\":[{").calls("inbox", json!({})),
        when(SENDER).calls("inbox", json!({})),
    ]);
    let session = idle(&claude, &sandbox, &model);
    let turns = model.requests().len();
    let mut peer = sandbox.session(SENDER);
    let begun = Instant::now();
    let ids: Vec<i64> = (0..10).map(|number| peer.say("idle", &format!("message {number}"))).collect();
    assert!(begun.elapsed() < Duration::from_secs(1), "the ten took {:?}", begun.elapsed());
    until("all are read", STEP, || ids.iter().all(|id| !unread(&mut peer, *id)));
    // Were there to be another turn, its nudge would come by now.
    c2c_harness::pause(Duration::from_secs(5));
    let woken: Vec<ModelRequest> =
        model.requests().into_iter().skip(turns).filter(ModelRequest::begins_turn).collect();
    let shown: Vec<String> = woken.iter().map(ToString::to_string).collect();
    assert_eq!(woken.len(), 1, "{shown:#?}");
    session.quit();
}

#[test]
fn mail_in_the_middle_of_a_turn_arrives_with_the_next_call_of_the_model() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let go_on = sandbox.dir().join("go-on");
    let work = format!("until test -e {}; do sleep 0.1; done; echo worked", go_on.display());
    let mut rules = reads_mail(SENDER);
    rules.push(
        when("worked").calls("Bash", json!({"command": "echo worked", "description": "work"})).times(30),
    );
    rules.push(when("Work.").calls("Bash", json!({"command": work, "description": "work"})));
    let model = Model::start(rules);
    let session = claude.session(&sandbox, "busy", &model).print("Work.");
    model.sees("Work.", STEP);
    let mut peer = sandbox.session(SENDER);
    let id = peer.say("busy", "in the middle");
    std::fs::write(&go_on, "").expect("the sandbox can be written");
    let told = model.request("the nudge", STEP, nudges);
    assert!(!told.begins_turn(), "the turn goes on: {told}");
    until_read(&mut peer, id);
    session.finish(STEP);
    let begun = model.requests().iter().filter(|request| request.begins_turn()).count();
    assert_eq!(begun, 1, "all of it is one turn");
}

/// The client moves a call to the background after two minutes; set this to wait for it.
const SLOW: &str = "C2C_CLAUDE_SLOW";

#[test]
fn a_wait_that_was_moved_to_the_background_wakes_its_session() {
    let Some(claude) = Claude::installed() else { return };
    if std::env::var_os(SLOW).is_none() {
        c2c_harness::skipped(&format!("it takes more than two minutes; {SLOW}=1 runs it"));
        return;
    }
    let sandbox = Sandbox::new();
    let model = Model::start(vec![
        when("\"messages\":[{").unless("\"marked\"").calls("mark_read", json!({"message_ids": ["$id"]})),
        when("Wait for mail.").calls("wait_for_message", json!({})),
    ]);
    let session = claude.session(&sandbox, "waiting", &model).wired(Wiring::Server).interactive();
    session.enter("Wait for mail.");
    super::until_waits(&sandbox, 1);
    let moved = model.request("the call is in the background", Duration::from_secs(150), |request| {
        request.results().iter().any(|result| result.contains("background"))
    });
    println!("the model is told: {:?}", moved.results());
    let mut peer = sandbox.session(SENDER);
    let id = peer.say("waiting", "at last");
    let sent = Instant::now();
    let woken = model.sees("at last", STEP);
    println!("woken after {:?}", woken.at.saturating_duration_since(sent));
    until_read(&mut peer, id);
    session.quit();
}
