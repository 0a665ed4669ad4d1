//! A person and sessions write to each other: `c2c send`, `ask`, `wait`, `inbox`, `show`, `read`, `sessions`, `search`.

use c2c_harness::{Said, Sandbox, Shim, brokers};
use serde_json::{Value, json};

/// The person's mailbox in a sandbox.
const ADA: &str = "user-ada";

#[track_caller]
fn failed(said: &Said, status: i32, words: &str) {
    assert_eq!(said.status, Some(status), "{said:?}");
    assert!(said.err.contains(words), "no {words:?} in {said:?}");
}

/// The ids in what `c2c … --json` printed.
fn ids(page: &Value) -> Vec<i64> {
    page["messages"].as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()).collect()
}

/// What became of a message at one recipient.
fn receipt(sandbox: &Sandbox, id: i64) -> Value {
    let shown = sandbox.c2c(&["show", &id.to_string(), "--json"]).json();
    shown["message"]["receipts"][0].clone()
}

fn answer(session: &mut Shim, id: i64, body: &str) -> i64 {
    let sent = session.ok("send_message", json!({"reply_to": id, "body": body}));
    sent["id"].as_i64().unwrap()
}

#[test]
fn a_person_and_a_session_have_a_conversation() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let waits = api.start_call("wait_for_message", json!({"timeout_s": 600}));
    sandbox.until_status("api waits", |status| status.waits == 1);
    let table = sandbox.person(&["sessions"]);
    let row = table.lines().find(|row| row.starts_with("api ")).expect("a row");
    assert!(row.contains("waiting"), "{table}");

    let said = sandbox.person(&["send", "api", "--tag", "question", "which port?"]);
    assert!(said.contains("api") && said.contains("waiting: it gets it now"), "{said}");
    let got = waits.ok();
    let question = &got["messages"][0];
    assert_eq!((&question["from_name"], &question["body"]), (&json!(ADA), &json!("which port?")));
    assert_eq!(question["tag"], "question");
    let id = question["id"].as_i64().unwrap();

    let reply = answer(&mut api, id, "4000");
    let line = sandbox.person(&["inbox"]);
    assert!(
        line.contains(&format!("{reply}  ")) && line.contains(&format!("api → {ADA}  re {id}")),
        "{line}"
    );
    let waited = sandbox.person(&["wait", "--reply-to", &id.to_string()]);
    assert!(waited.ends_with("    4000\n"), "it was listed before, and is unread: {waited}");
    let shown = sandbox.person(&["show", &reply.to_string()]);
    assert!(shown.contains("    4000\n") && shown.contains(&format!("thread {id}\n")), "{shown}");
    assert!(shown.contains("which port?"), "the thread: {shown}");
    assert_eq!(sandbox.person(&["read", &reply.to_string()]), "1 marked read\n");
    assert_eq!(sandbox.person(&["inbox"]), "");
    assert_eq!(ids(&sandbox.c2c(&["inbox", "--all", "--json"]).json()), [reply]);
    assert_eq!(ids(&sandbox.c2c(&["search", "port", "--json"]).json()), [id]);
}

#[test]
fn receipts_tell_shown_from_read() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let to_ada = api.say(ADA, "look");
    assert_eq!(receipt(&sandbox, to_ada)["state"], "queued", "looking at it as nobody shows it to nobody");
    assert_eq!(ids(&sandbox.c2c(&["inbox", ADA, "--json"]).json()), [to_ada]);
    assert_eq!(receipt(&sandbox, to_ada)["state"], "queued");
    assert_eq!(ids(&sandbox.c2c(&["inbox", "--json"]).json()), [to_ada]);
    let listed = receipt(&sandbox, to_ada);
    assert_eq!((&listed["state"], &listed["read_at"]), (&json!("shown"), &Value::Null));
    assert_eq!(ids(&sandbox.c2c(&["wait", "--json"]).json()), [to_ada], "it is unread still");
    assert_eq!(receipt(&sandbox, to_ada)["state"], "shown");
    assert_eq!(sandbox.person(&["read", &to_ada.to_string()]), "1 marked read\n");
    assert_eq!(sandbox.person(&["read", &to_ada.to_string()]), "0 marked read, 1 read before\n");
    let read = receipt(&sandbox, to_ada);
    assert_eq!((&read["state"], &read["read_by"]), (&json!("read"), &json!(ADA)));
}

#[test]
fn a_look_into_a_live_mailbox_marks_nothing_and_nobody_acts_under_its_name() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let sent = sandbox.c2c(&["send", "api", "hello", "--json"]).json();
    let id = sent["id"].as_i64().unwrap();
    assert_eq!(ids(&sandbox.c2c(&["inbox", "api", "--json"]).json()), [id]);
    assert_eq!(receipt(&sandbox, id)["state"], "queued");
    for words in [
        &["send", "--as", "api", "web", "x"][..],
        &["inbox", "--as", "api"],
        &["read", "--as", "api", "1"],
        &["wait", "api", "--timeout", "0"],
        &["ask", "--as", "api", "web", "x"],
    ] {
        failed(&sandbox.c2c(words), 1, "conflict");
    }
    assert_eq!(receipt(&sandbox, id)["state"], "queued");
    assert_eq!(api.inbox_ids(json!({})), [id]);
    // Once it is away, its mail is there for whoever acts for it.
    drop(api);
    sandbox.until_status("api is away", |status| status.sessions_online == 0);
    assert_eq!(ids(&sandbox.c2c(&["wait", "api", "--json"]).json()), [id]);
    assert_eq!(sandbox.person(&["read", "--as", "api", &id.to_string()]), "1 marked read\n");
    assert_eq!(receipt(&sandbox, id)["state"], "read");
    let from_api = sandbox.c2c(&["send", "--as", "api", "web", "from a person", "--json"]).json();
    let shown = sandbox.c2c(&["show", &from_api["id"].to_string(), "--json"]).json();
    assert_eq!(shown["message"]["from_name"], "api");
}

#[test]
fn ask_gathers_k_of_n_and_names_who_is_missing() {
    let sandbox = Sandbox::new();
    let (mut api, mut web, _db) = (sandbox.session("api"), sandbox.session("web"), sandbox.session("db"));
    let waits =
        [&mut api, &mut web].map(|shim| shim.start_call("wait_for_message", json!({"timeout_s": 600})));
    sandbox.until_status("two wait", |status| status.waits == 2);
    let asking = sandbox.c2c_started(&["ask", "api,web,db", "ready?", "--replies", "2", "--json"]);
    let question = waits[0].ok()["messages"][0]["id"].as_i64().unwrap();
    assert_eq!(waits[1].ok()["messages"][0]["id"], question);
    let first = answer(&mut api, question, "yes");
    let second = answer(&mut web, question, "no");
    let said = Said::of(&asking.wait_with_output().unwrap());
    assert_eq!(said.status, Some(0), "{said:?}");
    let asked = said.json();
    let bodies: Vec<&Value> =
        asked["replies"].as_array().unwrap().iter().map(|reply| &reply["body"]).collect();
    assert_eq!((bodies, &asked["missing"]), (vec![&json!("yes"), &json!("no")], &json!(["db"])));
    for id in [first, second] {
        assert_eq!(receipt(&sandbox, id)["state"], "read", "what was printed was read");
    }
    let late = sandbox.c2c(&["ask", "db", "and you?", "--timeout", "0"]);
    failed(&late, 3, "no answer in time from db");
    failed(&sandbox.c2c(&["ask", "dbb", "and you?"]), 4, "\"db\"");
}

#[test]
fn send_waits_for_the_first_answer_and_marks_it_read() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let waits = api.start_call("wait_for_message", json!({"timeout_s": 600}));
    sandbox.until_status("api waits", |status| status.waits == 1);
    let sending = sandbox.c2c_started(&["send", "api", "--wait", "--json", "ready?"]);
    let question = waits.ok()["messages"][0]["id"].as_i64().unwrap();
    // Longer than a list shows: all of it comes.
    let long = "ü".repeat(70_000);
    let reply = answer(&mut api, question, &long);
    let said = Said::of(&sending.wait_with_output().unwrap());
    let object = said.json();
    assert_eq!((said.status, &object["timed_out"]), (Some(0), &json!(false)));
    assert_eq!(object["reply"]["id"], reply);
    assert!(object["reply"]["body"] == long.as_str(), "the whole body");
    assert_eq!(receipt(&sandbox, reply)["state"], "read");
    let late = sandbox.c2c(&["send", "api", "--wait", "--timeout", "0", "and now?"]);
    failed(&late, 3, "no answer to message");
    assert!(late.out.starts_with("message "), "{late:?}");
    // Answering needs no recipient, and tells the sender that it was read.
    let asked = api.say(ADA, "shall I?");
    let answered = sandbox.c2c(&["send", "--reply-to", &asked.to_string(), "yes", "--json"]).json();
    assert_eq!(answered["to"], "api");
    assert_eq!(receipt(&sandbox, asked)["state"], "read");
}

#[test]
fn a_time_out_ends_with_3_and_what_does_not_exist_with_4() {
    let sandbox = Sandbox::new();
    failed(&sandbox.c2c(&["wait", "--timeout", "0"]), 3, "no mail");
    let empty = sandbox.c2c(&["wait", "--timeout", "0", "--json"]);
    assert_eq!((empty.status, empty.json()["timed_out"].clone()), (Some(3), json!(true)));
    failed(&sandbox.c2c(&["show", "99"]), 4, "no message 99");
    let mut api = sandbox.session("api");
    let id = api.say(ADA, "look");
    let other = api.say("web", "not for ada");
    let marked = sandbox.c2c(&["read", &other.to_string(), "99", &id.to_string()]);
    failed(&marked, 4, &format!("not in the mailbox of {ADA}: {other}, 99"));
    assert_eq!(
        (marked.out.as_str(), receipt(&sandbox, id)["state"].clone()),
        ("1 marked read\n", json!("read"))
    );
    failed(&sandbox.c2c(&["send", "--reply-to", "99", "yes"]), 4, "99");
    failed(&sandbox.c2c(&["send", "api", ""]), 1, "the body is empty");
    failed(&sandbox.c2c(&["send", "api"]), 2, "BODY");
}

#[test]
fn who_is_addressed_is_told_apart_and_near_names_are_told() {
    let sandbox = Sandbox::new();
    let nobody = sandbox.c2c(&["sessions"]);
    assert_eq!(nobody.status, Some(0));
    assert!(nobody.out.is_empty() && nobody.err.contains("start one"), "{nobody:?}");
    let first = sandbox.person(&["send", "*", "anybody?"]);
    assert!(first.contains("nobody is there"), "{first}");
    let _billing = sandbox.session("billing");
    let web = sandbox.session("web");
    drop(web);
    sandbox.until_status("web is away", |status| status.sessions_online == 1);
    let said = sandbox.person(&["send", "billing,web,biling", "hello"]);
    let rows: Vec<&str> = said.lines().skip(1).collect();
    assert!(rows[0].starts_with("  billing") && rows[0].contains("online"), "{said}");
    assert!(rows[1].starts_with("  web") && rows[1].contains("away"), "{said}");
    assert!(rows[2].contains("unknown") && rows[2].contains("did you mean billing?"), "{said}");
    let sessions = sandbox.c2c(&["sessions", "--json", "--all"]).json();
    let online = |name: &str| {
        let sessions = sessions["sessions"].as_array().unwrap();
        sessions.iter().find(|session| session["name"] == name).expect("a session")["online"].clone()
    };
    assert_eq!((online("billing"), online("web")), (json!(true), json!(false)));
    let sent = sandbox.c2c(&["inbox", "--sent", "--all", "--json"]).json();
    assert_eq!(sent["messages"].as_array().unwrap().last().unwrap()["receipts"].as_array().unwrap().len(), 3);
    assert!(sandbox.person(&["inbox", "--sent"]).contains("biling queued, billing queued, web queued"));
}

#[test]
fn bodies_come_from_stdin_and_are_made_harmless_where_a_person_sees_them() {
    let sandbox = Sandbox::new();
    let hostile = "first\u{1b}[2J\n\tsecond \u{202e}\u{9b}31m\n  9  forged";
    let sent = sandbox.c2c_reading(&["send", "web", "-", "--json"], hostile).json();
    let id = sent["id"].to_string();
    let exact = sandbox.c2c(&["show", &id, "--json"]).json();
    assert_eq!(exact["message"]["body"], hostile);
    let shown = sandbox.person(&["show", &id]);
    assert!(
        shown.contains("    first\\u{1b}[2J\n    \tsecond \\u{202e}\\u{9b}31m\n      9  forged\n"),
        "{shown}"
    );
    for words in [&["inbox", "web"][..], &["tail"], &["search", "forged"], &["inbox", "--sent"]] {
        let line = sandbox.person(words);
        assert_eq!(line.lines().count(), 1, "{words:?}: {line:?}");
        assert!(line.contains("first\\u{1b}[2J …") && !line.contains('\u{1b}'), "{words:?}: {line:?}");
    }
    let mut no_text = sandbox.command(&["send", "web", "-"]);
    let file = sandbox.dir().join("no-text");
    std::fs::write(&file, [b'a', 0xff]).unwrap();
    let said = Said::of(&no_text.stdin(std::fs::File::open(&file).unwrap()).output().unwrap());
    failed(&said, 1, "no UTF-8");
    failed(&sandbox.c2c_reading(&["send", "web", "-"], ""), 1, "the body is empty");
}

#[test]
fn a_wait_goes_on_over_a_restart_of_the_broker() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let waiting = sandbox.c2c_started(&["wait", "--tag", "done", "--json"]);
    sandbox.until_status("the person waits", |status| status.waits == 1);
    sandbox.kill_broker();
    sandbox.until_status("the person waits again", |status| status.waits == 1);
    let other = api.say(ADA, "something else");
    let id = api.ok("send_message", json!({"to": ADA, "body": "built", "tag": "done"}))["id"].clone();
    let said = Said::of(&waiting.wait_with_output().unwrap());
    assert_eq!((said.status, said.json()["messages"][0]["id"].clone()), (Some(0), id));
    assert_eq!(receipt(&sandbox, other)["state"], "queued", "it was not asked for, and not shown");
}

#[test]
fn a_broker_is_started_where_none_runs() {
    for words in [&["sessions"][..], &["send", "web", "hello"], &["inbox"], &["tail"]] {
        let sandbox = Sandbox::new();
        assert!(sandbox.status().is_none());
        let _said = sandbox.person(words);
        let id = sandbox.broker_id();
        // Which processes serve a store is not told everywhere.
        assert!(cfg!(windows) || brokers(sandbox.store()) == [id], "{words:?}");
    }
}

#[test]
fn lists_show_the_newest_over_as_many_pages_as_it_takes() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let sent: Vec<i64> = (0..620).map(|number| api.say(ADA, &format!("number {number}"))).collect();
    let newest = |words: &[&str]| ids(&sandbox.c2c(words).json());
    assert_eq!(newest(&["inbox", "--json"]), sent[600..]);
    assert_eq!(newest(&["inbox", ADA, "--json", "--limit", "610"]), sent[10..]);
    assert_eq!(newest(&["search", "number", "--json", "--limit", "1000"]), sent);
    let page = sandbox.c2c(&["inbox", "--limit", "3"]);
    assert_eq!(page.out.lines().count(), 3);
    assert!(page.err.contains("--limit shows more"), "{page:?}");
}

#[test]
fn json_says_everything_and_holds_nothing_that_a_terminal_obeys() {
    let sandbox = Sandbox::new();
    let mut api = sandbox.session("api");
    let body = "clear\u{9b}2J\u{7f}\u{202e}x";
    let id = api.say("web", body).to_string();
    api.ok("set_state", json!({"key": "k", "value": body}));
    let all = [
        &["tail", "--json"][..],
        &["inbox", "web", "--json"],
        &["search", "clear", "--json"],
        &["show", &id, "--json"],
        &["export", "--quiet"],
        &["state", "get", "k", "--json"],
        &["state", "ls", "--json"],
    ];
    for words in all {
        let text = sandbox.person(words);
        let obeyed = text.contains(|char: char| char != '\n' && (char.is_control() || char == '\u{202e}'));
        assert!(!obeyed && text.contains("\\u009b2J\\u007f\\u202ex"), "{words:?}: {text:?}");
    }
    let message: Value = serde_json::from_str(&sandbox.person(&["tail", "--json"])).unwrap();
    assert_eq!(message["body"], body);
}

#[test]
fn a_name_that_is_new_is_taken_and_said_to_be_new_once() {
    let sandbox = Sandbox::new();
    let _api = sandbox.session("api");
    let new = "no session was called ci-job";
    let first = sandbox.c2c(&["wait", "ci-job", "--timeout", "0"]);
    assert!(first.status == Some(3) && first.err.contains(new), "{first:?}");
    let again = sandbox.c2c(&["send", "--as", "CI-Job", "api", "done"]);
    assert!(again.status == Some(0) && !again.err.contains("no session"), "{again:?}");
    let _queued = sandbox.person(&["send", "later", "for whoever takes it"]);
    let later = sandbox.c2c(&["wait", "later", "--timeout", "1"]);
    assert!(later.status == Some(0) && !later.err.contains("no session"), "{later:?}");
    let own = sandbox.c2c(&["wait", "--timeout", "0"]);
    assert!(own.status == Some(3) && !own.err.contains("no session"), "{own:?}");
}
