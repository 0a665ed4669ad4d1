//! What the hooks of the plugin put before the model.

use super::{STEP, TURN_OVER, reads_mail, unread};
use c2c_harness::{
    Claude, Model, ModelRequest, Sandbox, Session, Shim, Wiring, binary, install, until, when,
};
use c2c_proto::limits::NUDGE_INTERVAL_MS;
use serde_json::json;
use std::time::Duration;

/// Who writes: a word that stands in nothing but what this session sends.
const SENDER: &str = "zoltan";

/// A session with the plugin, that is told of mail by hooks only.
fn hooked(claude: &Claude, sandbox: &Sandbox, model: &Model) -> Session {
    claude.session(sandbox, "project", model).wired(Wiring::Plugin).env("C2C_PUSH", "off")
}

/// A client does not wait for its server to end; until it has, the name is that session's.
fn until_gone(sandbox: &Sandbox, others: u64) {
    sandbox.until_status("the session is gone", |status| status.sessions_online == others);
}

fn until_known(peer: &mut Shim) {
    until("the session is known", STEP, || peer.row_of("project").is_some());
}

#[test]
fn a_new_session_is_told_its_name_the_others_and_the_mail_that_waits_for_it() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(Vec::new());
    let session = hooked(&claude, &sandbox, &model);
    let mut peer = sandbox.session(SENDER);
    session.print("Say hello.").finish(STEP);
    let first = model.sees("Say hello.", STEP).everything();
    assert!(first.contains("c2c: this session is project. Online: zoltan."), "{first}");

    until_gone(&sandbox, 1);
    let id = peer.say("project", "the build is broken");
    session.print("Say hello again.").finish(STEP);
    let second = model.sees("Say hello again.", STEP).everything();
    assert!(second.contains("1 unread message"), "{second}");
    assert!(second.contains(&format!("#{id} from zoltan: \"the build is broken\"")), "{second}");
    assert!(unread(&mut peer, id), "being told of mail is not reading it");
}

#[test]
fn at_a_prompt_a_session_is_told_of_new_mail_once() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(Vec::new());
    let session = hooked(&claude, &sandbox, &model).interactive();
    let mut peer = sandbox.session(SENDER);
    until_known(&mut peer);
    session.enter("One.");
    model.sees("One.", STEP);
    session.shows(TURN_OVER);
    let id = peer.say("project", "have a look");
    session.enter("Two.");
    let told = model.sees("Two.", STEP);
    assert!(told.news.contains("c2c: 1 new message, 1 unread in all"), "{told}");
    assert!(told.news.contains(&format!("#{id} from zoltan: \"have a look\"")), "{told}");
    session.enter("Three.");
    let again = model.sees("Three.", STEP);
    assert!(!again.news.contains("c2c:"), "told once: {again}");
    session.quit();
}

#[test]
fn a_turn_goes_on_when_mail_came_before_it_ended_and_ends_then() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let go_on = sandbox.dir().join("go-on");
    let work = format!("until test -e {}; do sleep 0.1; done; echo worked", go_on.display());
    let mut rules = reads_mail("have a look");
    rules.push(when("Work.").calls("Bash", json!({"command": work, "description": "work"})));
    let model = Model::start(rules);
    let session = hooked(&claude, &sandbox, &model).print("Work.");
    let mut peer = sandbox.session(SENDER);
    until_known(&mut peer);
    model.sees("Work.", STEP);
    let id = peer.say("project", "have a look");
    std::fs::write(&go_on, "").expect("the sandbox can be written");
    let told = model.sees("have a look", STEP);
    assert!(told.news.contains("c2c: 1 new message"), "{told}");
    assert!(told.begins_turn(), "it came when the turn was about to end: {told}");
    until("the message is read", STEP, || !unread(&mut peer, id));
    session.finish(STEP);
    let last = model.requests().pop().expect("requests");
    assert!(last.news.contains("\"marked\":1"), "nothing prolongs the turn a second time: {last}");
}

#[test]
fn without_c2c_on_the_path_the_plugin_is_not_in_the_way() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(Vec::new());
    let session =
        claude.session(&sandbox, "project", &model).wired(Wiring::Plugin).env("PATH", "/usr/bin:/bin");
    assert_eq!(session.print("Say hello.").finish(STEP).trim(), "done");
}

/// Programs that do what c2c's do in a client that gives no inbox socket; the folder that they are in.
fn without_an_inbox(sandbox: &Sandbox) -> String {
    let folder = sandbox.folder("without-inbox");
    for program in ["c2c", "c2c-shim"] {
        let script = format!(
            "#!/bin/sh\nunset CLAUDE_CODE_MESSAGING_SOCKET CLAUDE_CODE_MESSAGING_TOKEN\nexec '{}' \"$@\"\n",
            binary(program).display()
        );
        let written = folder.join(format!("{program}.sh"));
        std::fs::write(&written, script).expect("the sandbox can be written");
        install(&written, &folder.join(program));
    }
    folder.to_string_lossy().into_owned()
}

#[test]
fn where_there_is_no_inbox_socket_a_hook_wakes_the_idle_session_once_for_each_message() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let path = format!("{}:/usr/bin:/bin", without_an_inbox(&sandbox));
    let model = Model::start(reads_mail("from zoltan"));
    let session = claude.session(&sandbox, "project", &model).wired(Wiring::Plugin).env("PATH", &path);
    // The client waits for such a hook in print mode, so there it must not wait for mail.
    session.print("Say hello.").finish(STEP);
    until_gone(&sandbox, 0);

    let terminal = session.interactive();
    let mut peer = sandbox.session(SENDER);
    until_known(&mut peer);
    // Each turn that ends starts one more hook.
    for (number, prompt) in (1..).zip(["One.", "Two.", "Three."]) {
        terminal.enter(prompt);
        until("the turn has ended", STEP, || terminal.screen().matches(TURN_OVER).count() == number);
    }
    for body in ["first", "second"] {
        let before = model.requests().len();
        let id = peer.say("project", body);
        until("the message is read", STEP, || !unread(&mut peer, id));
        let over = || model.requests().last().is_some_and(|request| request.news.contains("\"marked\""));
        until("the turn is over", STEP, over);
        let woken: Vec<ModelRequest> =
            model.requests().into_iter().skip(before).filter(ModelRequest::begins_turn).collect();
        assert_eq!(woken.len(), 1, "one message is one turn");
        assert!(woken[0].news.contains(&format!("#{id} from zoltan: \"{body}\"")), "{}", woken[0]);
        // A nudge is not given more often; the next one would come later.
        c2c_harness::pause(Duration::from_millis(NUDGE_INTERVAL_MS));
    }
    terminal.quit();
}

#[test]
fn the_files_of_the_example_work_as_they_are() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let model = Model::start(vec![when("Say hello.").calls("list_sessions", json!({}))]);
    let session = claude.session(&sandbox, "project", &model).wired(Wiring::Home);
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for name in [".mcp.json", ".claude/settings.json"] {
        let to = sandbox.folder("project").join(name);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("the sandbox can be written");
        std::fs::copy(examples.join(name), to).expect("the example is there");
    }
    session.print("Say hello.").finish(STEP);
    let first = model.sees("Say hello.", STEP).everything();
    assert!(first.contains("c2c: this session is project."), "{first}");
    model.request("its tools may be used", STEP, |request| {
        request.results().iter().any(|r| r.contains("is_self"))
    });
}
