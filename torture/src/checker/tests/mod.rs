//! The checker sees what it is there to see: for each anomaly a small history that shows it, and a neighbour that does
//! not.

mod mail;
mod nodes;
mod others;
mod sends;
mod story;

use super::{Anomaly, check, shortest};
use std::collections::BTreeSet;
use story::Story;

/// The kinds of violations that a story shows.
fn found(story: &Story) -> BTreeSet<Anomaly> {
    let violations = check(&story.premises, &story.ops, &story.dump).violations;
    violations.iter().map(|violation| violation.anomaly).collect()
}

#[track_caller]
fn holds(story: &Story) {
    let violations = check(&story.premises, &story.ops, &story.dump).violations;
    assert!(violations.is_empty(), "{violations:#?}");
}

#[track_caller]
fn shows(story: &Story, anomaly: Anomaly) {
    let found = found(story);
    assert!(found.contains(&anomaly), "{anomaly} is not found, but {found:?}");
    // What else is found follows from the same event; a healthy part must never be blamed for many things.
    assert!(found.len() <= 2, "{found:?}");
}

#[test]
fn an_ordinary_day_breaks_no_promise() {
    let mut story = Story::new();
    let first = story.send("alice", &["bob", "carol"]);
    let second = story.send("bob", &["alice"]);
    story.inbox("bob", &[first]);
    story.mark("bob", &[first]);
    story.inbox("bob", &[]);
    story.waited("alice", &[second]);
    story.broadcast("carol", &["alice", "bob"]);
    story.set("state/a", "alice", 1, None);
    story.got("state/a", "bob", Some(1));
    holds(&story);
}

#[test]
fn the_shortest_history_names_what_it_is_about_and_nothing_else() {
    let mut story = Story::new();
    let id = story.send("alice", &["bob"]);
    story.send("alice", &["carol"]);
    story.unstore(id);
    let violations = check(&story.premises, &story.ops, &story.dump).violations;
    let text = shortest(&violations[0], &story.premises, &story.ops, &story.dump);
    assert!(text.starts_with("lost: ") && text.contains("\"op\":\"send\""), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}
