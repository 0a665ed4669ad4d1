//! A store with flipped bits: found before it is opened or when it is read, and never an empty inbox.
#![cfg(unix)]

use c2c_harness::{Broker, PATIENCE, Sandbox, Seed, Shim, Signal, alive, signal, until, until_some};
use serde_json::json;
use std::fs;

const PAGE: usize = 4_096;
const MESSAGES: usize = 40;

/// A store that was used, and what is in it.
fn used() -> (Sandbox, Vec<(i64, String)>) {
    let sandbox = Sandbox::new();
    let mut sent = Vec::new();
    {
        let (mut alice, mut bob) = (sandbox.session("alice"), sandbox.session("bob"));
        for number in 0..MESSAGES {
            let body = format!("message {number} {}", "w".repeat(number * 60));
            sent.push((alice.say("bob", &body), body));
            alice.ok("set_state", json!({"key": format!("key {number}"), "value": number}));
        }
        bob.ok("mark_read", json!({"message_ids": [sent[0].0, sent[1].0]}));
    }
    // Or bob's name would be kept for whoever was connected when the broker ended.
    let id = sandbox.until_status("both are offline", |status| status.connections <= 1).pid;
    // That is on disk when what came after it is.
    sandbox.session("carol").ok("set_state", json!({"key": "last", "value": 1}));
    signal(id, Signal::TERM);
    until("the broker ends", PATIENCE, || !alive(id));
    (sandbox, sent)
}

/// All mail, page by page; `None` as soon as there is an error.
fn mail(shim: &mut Shim) -> Option<Vec<(i64, String)>> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = shim.call("inbox", json!({"unread_only": false, "after_id": after, "limit": 500}));
        if page.is_error {
            return None;
        }
        for message in page.json["messages"].as_array()? {
            found.push((message["id"].as_i64()?, message["body"].as_str()?.to_owned()));
        }
        if page.json["more"] != true {
            return Some(found);
        }
        after = page.json["next_after_id"].as_i64()?;
    }
}

/// What came of one flipped bit.
#[derive(Debug, Default)]
struct Counts {
    refused: usize,
    errors: usize,
    harmless: usize,
    /// A body differs from what was sent: a file system with checksums would have told.
    other_text: usize,
    missing: Vec<usize>,
}

/// The store with one bit flipped, for each of these places.
fn flipped(sandbox: &Sandbox, sent: &[(i64, String)], places: &[usize], seed: &mut Seed) -> Counts {
    let whole = fs::read(sandbox.store()).unwrap();
    let mut counts = Counts::default();
    for at in places {
        let mut bytes = whole.clone();
        bytes[*at] ^= 1 << seed.below(8);
        fs::write(sandbox.store(), bytes).unwrap();
        look(sandbox, sent, *at, &mut counts);
        for suffix in ["-wal", "-shm"] {
            let _none = fs::remove_file(format!("{}{suffix}", sandbox.store().display()));
        }
    }
    fs::write(sandbox.store(), &whole).unwrap();
    println!("of {} flipped bits: {counts:?}", places.len());
    assert_eq!(counts.missing, [0; 0], "mail is hidden and nothing said: {counts:?}");
    counts
}

#[test]
fn d10_a_flipped_bit_in_any_page_is_told_or_harmless_and_hides_no_mail() {
    let mut seed = Seed::new();
    let (sandbox, sent) = used();
    let pages = usize::try_from(fs::metadata(sandbox.store()).unwrap().len()).unwrap() / PAGE;
    // The header has a test of its own.
    let places: Vec<usize> = (0..pages).map(|page| page * PAGE + 100 + seed.below(PAGE - 100)).collect();
    flipped(&sandbox, &sent, &places, &mut seed);
}

#[test]
fn d10_a_flipped_bit_in_the_beginning_of_a_page_is_told() {
    let mut seed = Seed::new();
    let (sandbox, sent) = used();
    let pages = usize::try_from(fs::metadata(sandbox.store()).unwrap().len()).unwrap() / PAGE;
    // What kind of page it is, and how many cells it has.
    let places: Vec<usize> =
        (1..pages).step_by(3).map(|page| page * PAGE + [0, 3, 4][seed.below(3)]).collect();
    let counts = flipped(&sandbox, &sent, &places, &mut seed);
    assert!(counts.refused * 2 > places.len(), "{counts:?}");
}

#[test]
fn d10_a_flipped_bit_in_a_name_hides_no_mail() {
    let mut seed = Seed::new();
    let (sandbox, sent) = used();
    let whole = fs::read(sandbox.store()).unwrap();
    let names: Vec<usize> = (0..whole.len() - 3).filter(|at| &whole[*at..at + 3] == b"bob").collect();
    println!("the name is there {} times", names.len());
    let places: Vec<usize> = (0..40).map(|_| names[seed.below(names.len())]).collect();
    flipped(&sandbox, &sent, &places, &mut seed);
}

/// Starts a broker on the store as it is now, and reads everything.
fn look(sandbox: &Sandbox, sent: &[(i64, String)], at: usize, counts: &mut Counts) {
    let mut broker = Broker::command(sandbox).spawn().unwrap();
    let ended = || {
        let status = broker.try_wait().unwrap();
        (status.is_some() || sandbox.status().is_some()).then_some(status)
    };
    if let Some(status) = until_some("it runs or not", PATIENCE, ended) {
        assert_eq!(status.code(), Some(1), "at {at}");
        counts.refused += 1;
        return;
    }
    let mut bob = sandbox.shim().name("bob").start();
    let (found, left) = (mail(&mut bob), bob.call("get_state", json!({})));
    match found {
        None => counts.errors += 1,
        Some(_) if left.is_error => counts.errors += 1,
        Some(found) if found == sent => counts.harmless += 1,
        Some(found) if found.iter().map(|(id, _)| id).eq(sent.iter().map(|(id, _)| id)) => {
            counts.other_text += 1;
        }
        Some(_) => counts.missing.push(at),
    }
    drop(bob);
    if let Some(status) = sandbox.status() {
        signal(status.pid, Signal::TERM);
        until("the broker ends", PATIENCE, || !alive(status.pid));
    }
    let _reaped = broker.wait();
}
