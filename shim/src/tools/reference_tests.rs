//! `docs/tools.md`, which is written by this test and compared by it: `C2C_BLESS=1 cargo test -p c2c-shim reference`.
//!
//! Names, descriptions, arguments and limits come from the constants; what results hold is told here, and held to the
//! texts that the renderer is tested with.

use super::schema::{Kind, Property};
use super::{ALL, Tool};
use c2c_proto::ErrorCode;
use c2c_proto::limits;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "\
# The tools

<!-- Written by a test of the shim: C2C_BLESS=1 cargo test -p c2c-shim reference -->

What `c2c-shim` offers to a session. Names are as here in every client but for what the client puts before them: Claude
Code calls them `mcp__c2c__send_message` and so on.

| | |
| --- | --- |
| arguments | are read kindly: null is absent, `\"12\"` is 12, a single id is a list of one; an argument that is not known is an error that lists those that are |
| results | are one JSON object in one text block, under 40,000 characters. What is longer ends early, with `more: true` and the value for the next call |
| every result | also has `unread`, the messages of this session that nobody has marked read, and `new`, those among them that were never shown, if there are any |
| errors | are results with `isError: true` and the object of [errors](#errors) |
| words | are those of [the concepts](concepts.md) |

The quoted text is what a model reads.
";

#[test]
fn the_reference_is_what_the_tools_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tools.md");
    let page = page();
    if std::env::var_os("C2C_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::write(&file, &page).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    let differs = there.lines().zip(page.lines()).find(|(there, page)| there != page);
    assert!(there == page, "docs/tools.md is out of date (C2C_BLESS=1 writes it): {differs:?}");
}

/// What the renderer is seen to give must be in the tables, and what is in the tables must be seen.
#[test]
fn the_reference_tells_every_key_of_the_results() {
    for tool in &ALL {
        let told: BTreeSet<String> = results(tool.name).iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(told, rendered(tool.name), "{}", tool.name);
    }
}

/// The keys at the top of the results of a tool in the renderer's snapshots.
fn rendered(tool: &str) -> BTreeSet<String> {
    let (names, wanted): (&[&str], &[&str]) = match tool {
        "register_session" => (&["registered"], &[]),
        "heartbeat" => (&["heartbeat"], &[]),
        "list_sessions" => (&["sessions"], &["more", "next_after_name"]),
        "send_message" => (
            &["sent_to_a_list_with_an_unknown_name", "sent_to_everyone_but_a_full_mailbox_and_to_nobody"],
            &[],
        ),
        "inbox" => (&["inbox", "inbox_of_sent_messages_downward", "one_message"], &[]),
        "mark_read" => (&["marked"], &[]),
        "wait_for_message" => (&["waits"], &[]),
        "ask" => (&["questions"], &[]),
        "prune" => (&["pruned"], &[]),
        _ => return of_state(tool),
    };
    let mut keys: BTreeSet<String> = names.iter().flat_map(|name| snapshot(name)).flat_map(keys_of).collect();
    // Seen in tests of pages that are too long, not in a snapshot.
    keys.extend(wanted.iter().map(|key| (*key).to_owned()));
    keys
}

/// One snapshot has the results of all three, each with a key of its own.
fn of_state(tool: &str) -> BTreeSet<String> {
    let own = |result: &Value| match tool {
        "set_state" => result.get("version").is_some(),
        "delete_state" => result.get("deleted").is_some(),
        _ => result.get("entry").is_some() || result.get("entries").is_some(),
    };
    snapshot("state").into_iter().filter(own).flat_map(keys_of).collect()
}

fn keys_of(result: Value) -> Vec<String> {
    let Value::Object(members) = result else { panic!("a result is an object") };
    members.into_iter().map(|(key, _)| key).filter(|key| key != "unread" && key != "new").collect()
}

fn snapshot(name: &str) -> Vec<Value> {
    let file = format!("src/render/snapshots/c2c_shim__render__tests__{name}.snap");
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let results = text.splitn(3, "---\n").nth(2).unwrap();
    serde_json::Deserializer::from_str(results).into_iter().map(Result::unwrap).collect()
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| tool | `readOnlyHint` |\n| --- | --- |\n");
    for tool in &ALL {
        let hint = if tool.read_only { "true" } else { "" };
        writeln!(page, "| [`{}`](#{}) | {hint} |", call(tool), tool.name).unwrap();
    }
    for tool in &ALL {
        section(&mut page, tool);
    }
    page.push_str(super::reference_texts::MESSAGE);
    errors(&mut page);
    limits_table(&mut page);
    page
}

/// `name(required, optional?)`
fn call(tool: &Tool) -> String {
    let argument = |property: &Property| {
        let mark = if tool.required.contains(&property.name) { "" } else { "?" };
        format!("{}{mark}", property.name)
    };
    format!("{}({})", tool.name, tool.properties.iter().map(argument).collect::<Vec<_>>().join(", "))
}

fn section(page: &mut String, tool: &Tool) {
    writeln!(page, "\n## {}\n\n> {}", tool.name, escaped(tool.description)).unwrap();
    if !tool.properties.is_empty() {
        page.push_str("\n| argument | | what |\n| --- | --- | --- |\n");
    }
    for property in tool.properties {
        let must = if tool.required.contains(&property.name) { ", required" } else { "" };
        let what = meaning(tool.name, property);
        writeln!(page, "| `{}` | {}{must} | {} |", property.name, kind(property.kind), escaped(what))
            .unwrap();
    }
    page.push_str("\n| in the result | what |\n| --- | --- |\n");
    for (key, what) in results(tool.name) {
        writeln!(page, "| `{key}` | {what} |").unwrap();
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "string".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Object => "object".to_owned(),
        Kind::AnyJson => "any JSON".to_owned(),
        Kind::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Kind::TextOrTexts => "string or list of strings".to_owned(),
        Kind::Integers => "list of integers".to_owned(),
    }
}

/// As the schema says it, or, where the name alone says it to a model, in a few words.
fn meaning(tool: &str, property: &Property) -> &'static str {
    match (tool, property.name) {
        _ if !property.description.is_empty() => property.description,
        ("register_session", "name") => "the name to take",
        ("send_message", "body") => "the text",
        ("mark_read", "message_ids") => "ids of messages addressed to you, at most 500",
        ("ask", "tag") => "as for send_message",
        ("inbox" | "wait_for_message", "tag") => "only messages with this tag",
        ("get_state" | "delete_state", "key") => "one entry",
        (tool, name) => panic!("{tool}({name}) has no description, and none here"),
    }
}

fn results(tool: &str) -> &'static [(&'static str, &'static str)] {
    super::reference_texts::RESULTS
        .iter()
        .find(|(name, _)| *name == tool)
        .map_or_else(|| panic!("{tool} has no results here"), |(_, keys)| keys)
}

fn escaped(text: &str) -> String {
    text.replace('*', "\\*").replace('|', "\\|").replace('<', "&lt;")
}

fn errors(page: &mut String) {
    page.push_str(super::reference_texts::ERRORS);
    for code in ErrorCode::ALL {
        let again = if code.retry_safe() { "yes" } else { "no" };
        writeln!(page, "| `{code}` | {} | {again} |", super::reference_texts::error(code)).unwrap();
    }
}

fn limits_table(page: &mut String) {
    page.push_str(super::reference_texts::LIMITS);
    let rows: [(&str, String); 17] = [
        ("a body", bytes(limits::BODY_MAX_BYTES)),
        ("a tag", format!("{} characters", limits::TAG_MAX_CHARS)),
        ("a name", format!("{} characters", limits::NAME_MAX_CHARS)),
        ("a key of the state", format!("{} bytes", limits::STATE_KEY_MAX_BYTES)),
        ("a value of the state", bytes(limits::STATE_VALUE_MAX_BYTES)),
        ("metadata", bytes(limits::METADATA_MAX_BYTES)),
        ("names in one list of recipients", limits::RECIPIENTS_MAX.to_string()),
        (
            "`limit` of an inbox",
            format!("{}, by default {}", limits::INBOX_LIMIT_MAX, limits::INBOX_LIMIT_DEFAULT),
        ),
        ("ids in one `mark_read`", limits::MARK_READ_IDS_MAX.to_string()),
        ("messages that one wait returns", limits::WAIT_MESSAGES_MAX.to_string()),
        ("unread messages in one mailbox", thousands(u64::from(limits::UNREAD_PER_MAILBOX_MAX))),
        ("messages of one thread within an hour", limits::THREAD_MESSAGES_MAX.to_string()),
        ("`timeout_s`", format!("{} (a day)", thousands(limits::WAIT_MAX_S))),
        ("one tool result", format!("{} characters", thousands(limits::RESULT_MAX_CHARS as u64))),
        (
            "a body in a list",
            format!("{} characters, then it is cut", thousands(limits::LIST_BODY_MAX_CHARS as u64)),
        ),
        (
            "one page of a body (`message_id`)",
            format!("{} characters, escaped", thousands(limits::BODY_PAGE_MAX_CHARS as u64)),
        ),
        ("connections of one broker", thousands(limits::CONNECTIONS_MAX as u64)),
    ];
    for (what, most) in rows {
        writeln!(page, "| {what} | {most} |").unwrap();
    }
}

fn bytes(count: usize) -> String {
    const KIB: usize = 1024;
    match count {
        whole if whole.is_multiple_of(KIB * KIB) => format!("{} MiB", whole / (KIB * KIB)),
        whole if whole.is_multiple_of(KIB) => format!("{} KiB", whole / KIB),
        other => format!("{other} bytes"),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
