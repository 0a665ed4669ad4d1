//! The history can be read back as it was written, and texts can be made again.

use super::bodies::{self, Bodies};
use super::dice::Dice;
use super::{Call, Done, Op, Outcome, Recorder, To};
use std::time::Duration;

#[test]
fn a_record_is_one_line_that_reads_back_the_same() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let recorder = Recorder::new(Some(file.path())).unwrap();
    let call = Call::Send {
        n: 7,
        to: To::Names(vec!["bob".to_owned()]),
        tag: None,
        reply_to: Some(3),
        key: Some(bodies::key(7)),
        fyi: false,
    };
    let op = Op {
        t_invoke: 5,
        t_end: 9,
        client: 1,
        session: "s".into(),
        name: "alice".into(),
        call,
        outcome: Outcome::Ok,
        result: Done::Sent { id: 4, recipients: vec![("bob".into(), true)] },
    };
    recorder.add(Op { t_invoke: 8, call: Call::Heartbeat {}, result: Done::Nothing, ..op.clone() });
    recorder.add(op.clone());
    let ops = recorder.finish();
    assert_eq!(ops[0], op, "in the order in which they began");
    let text = std::fs::read_to_string(file.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(serde_json::from_str::<Op>(lines[1]).unwrap(), op);
    assert!(lines[1].contains("\"op\":\"send\"") && lines[1].contains("\"args\":{"), "{}", lines[1]);
}

#[test]
fn a_body_follows_from_seed_and_number_and_names_its_number() {
    let (these, others) = (Bodies::of(1), Bodies::of(2));
    let mut differing = 0;
    let mut longest = 0;
    for n in 0..3_000 {
        let text = these.text(n);
        assert_eq!(text, these.text(n));
        assert!(!text.is_empty() && text.len() < 201_000);
        longest = longest.max(text.len());
        if these.is_tiny(n) {
            assert_eq!(text.chars().count(), 1);
            assert_eq!(bodies::number(&text, &format!("model:{}", bodies::key(n))), Some(n));
        } else {
            assert_eq!(bodies::number(&text, "call:x"), Some(n));
        }
        differing += usize::from(text != others.text(n));
    }
    assert!(differing > 2_000 && longest > 60_000, "{differing} {longest}");
}

#[test]
fn times_between_faults_have_their_mean() {
    let mut dice = Dice::of(3);
    let total: Duration = (0..10_000).map(|_| dice.exponential(Duration::from_millis(500))).sum();
    assert!((4_500..5_500).contains(&total.as_secs()), "{total:?}");
}
