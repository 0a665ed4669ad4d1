//! A session that is ended and taken up again, emptied or summarized is the same session for the others.

use super::{STEP, reads_mail, unread};
use c2c_harness::{Claude, Model, Sandbox, Session, Shim, Terminal, when};
use serde_json::json;

/// The session registers another name than that of its folder, so that only its own id can give the name back.
const NAME: &str = "keeper";

fn model() -> Model {
    let mut rules = reads_mail("Look for mail.");
    rules.push(when("\"marked\"").says("read"));
    rules.push(when("Be the keeper.").calls("register_session", json!({"name": NAME})));
    Model::start(rules)
}

/// Mail to the name is read by whoever was started so.
fn reads(session: &Terminal, model: &Model, peer: &mut Shim, body: &str) {
    let id = peer.say(NAME, body);
    session.enter("Look for mail.");
    let read = model.sees(body, STEP);
    assert!(read.news.contains("\"messages\""), "{read}");
    c2c_harness::until("it is read", STEP, || !unread(peer, id));
}

fn first_run(session: &Session, model: &Model, peer: &mut Shim) -> Terminal {
    let terminal = session.interactive();
    terminal.enter("Be the keeper.");
    model.request("the name is registered", STEP, |request| {
        request.results().iter().any(|r| r.contains(NAME))
    });
    reads(&terminal, model, peer, "word one");
    terminal
}

#[test]
fn a_continued_session_keeps_its_name_and_its_mail() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = model();
    let mut peer = sandbox.session("peer");
    let session = claude.session(&sandbox, "project", &model);
    first_run(&session, &model, &mut peer).quit();
    // While nobody is there.
    let waiting = peer.say(NAME, "word two");
    let again = session.clone().arg("--continue").interactive();
    again.enter("Look for mail.");
    model.sees("word two", STEP);
    c2c_harness::until("it is read", STEP, || !unread(&mut peer, waiting));
    again.quit();
}

#[test]
fn a_session_that_is_resumed_by_its_id_keeps_its_name_and_its_mail() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = model();
    let mut peer = sandbox.session("peer");
    let session = claude.session(&sandbox, "project", &model);
    let id = "6f1f0f0e-3c5a-4a5e-9d55-0a4c2f6d7b11";
    first_run(&session.clone().arg("--session-id").arg(id), &model, &mut peer).quit();
    let again = session.arg("--resume").arg(id).interactive();
    reads(&again, &model, &mut peer, "word two");
    again.quit();
}

#[test]
fn an_emptied_and_a_summarized_session_keep_their_name_and_their_mail() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = model();
    let mut peer = sandbox.session("peer");
    let terminal = first_run(&claude.session(&sandbox, "project", &model), &model, &mut peer);
    terminal.enter("/compact");
    terminal.shows("Compacted");
    reads(&terminal, &model, &mut peer, "word two");
    terminal.enter("/clear");
    reads(&terminal, &model, &mut peer, "word three");
    terminal.quit();
    let online = sandbox.until_status("its session is gone", |status| status.sessions_online == 1);
    assert_eq!(online.unread, 0);
}
