//! No broker, or one that is of no use.

use super::*;
use crate::error::ErrorCode;
use crate::request::Prune;

/// How long calls wait in these tests.
const SHORT: Duration = Duration::from_millis(150);

fn impatient() -> Timing {
    Timing { outage_max: SHORT, ..unhurried() }
}

#[tokio::test]
async fn without_a_broker_a_call_says_where_it_looked() {
    let place = Place::new();
    let (client, _events) = Client::open_with(place.config(), impatient());
    let began = std::time::Instant::now();
    let error = patiently(client.call(delete("a"))).await.unwrap_err();
    assert!(began.elapsed() >= SHORT);
    assert_eq!(error.error.code, ErrorCode::BrokerUnreachable);
    assert!(error.error.retry_safe);
    let address = place.paths.address.to_string();
    assert_eq!(error.error.message, format!("no broker answers at {address}: nobody listens there"));
    assert!(error.error.hint.contains("c2c-broker"), "{}", error.error.hint);
    assert_eq!(error.key, None, "it never left, so nothing can have changed");
}

#[tokio::test]
async fn a_call_that_was_sent_before_an_outage_keeps_its_key() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = Client::open_with(place.config(), impatient());
    let (mut connection, _) = broker.accept().await;
    let (change, question, waiting) =
        (call(&client, &delete("a")), call(&client, &get("b")), call(&client, &wait(600_000)));
    for _ in 0..3 {
        connection.next_call().await;
    }
    drop((broker, connection));
    let error = outcome(change).await.unwrap_err();
    assert_eq!(error.error.code, ErrorCode::BrokerUnreachable);
    assert_eq!(error.key.as_deref(), Some("call:a"));
    assert!(!error.error.retry_safe, "without the key it could be done twice");
    for unkeyed in [question, waiting] {
        let error = outcome(unkeyed).await.unwrap_err();
        assert_eq!(error.error.code, ErrorCode::BrokerUnreachable);
        assert_eq!(error.key, None);
        assert!(error.error.retry_safe);
    }
}

#[tokio::test]
async fn a_broker_that_comes_later_is_found() {
    let place = Place::new();
    let (client, mut events) = place.open();
    let asked = call(&client, &get("a"));
    // The broker is to come while the call waits; any moment of that will do.
    tokio::time::sleep(SHORT).await;
    let broker = place.listen();
    let (mut connection, _) = broker.accept().await;
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
    assert!(matches!(patiently(events.recv()).await, Some(ClientEvent::Connected(_))));
}

#[tokio::test]
async fn presence_comes_back_without_a_call() {
    let place = Place::new();
    let broker = place.listen();
    let (_client, mut events) = place.open();
    drop(broker.accept().await);
    broker.accept().await;
    assert!(matches!(patiently(events.recv()).await, Some(ClientEvent::Connected(_))));
    assert_eq!(patiently(events.recv()).await, Some(ClientEvent::Disconnected));
    assert!(matches!(patiently(events.recv()).await, Some(ClientEvent::Connected(_))));
}

#[tokio::test]
async fn a_broker_that_does_not_answer_the_hello_is_no_broker() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = Client::open_with(place.config(), impatient());
    let (_connection, _) = broker.hear().await;
    let error = patiently(client.call(delete("a"))).await.unwrap_err();
    assert_eq!(error.error.code, ErrorCode::BrokerUnreachable);
    assert_eq!(error.key, None);
}

#[tokio::test]
async fn a_broker_that_hangs_is_given_up_after_the_time_for_an_answer() {
    let place = Place::new();
    let broker = place.listen();
    let timing = Timing { answer_max: SHORT, ..unhurried() };
    let (client, _events) = Client::open_with(place.config(), timing);
    let (mut connection, _) = broker.accept().await;
    let waiting = call(&client, &wait(600_000));
    connection.next_call().await;
    let prune = Prune { older_than_days: 30, key: "call:p".to_owned() };
    let pruning = call(&client, &Request::Prune(prune));
    connection.next_call().await;
    let change = call(&client, &delete("a"));
    let (id, _) = connection.next_call().await;
    let error = outcome(change).await.unwrap_err();
    assert_eq!(error.error.code, ErrorCode::BrokerUnreachable);
    assert!(error.error.message.contains("has not answered within 150ms"), "{}", error.error.message);
    assert_eq!(error.key.as_deref(), Some("call:a"));
    assert_eq!(connection.next().await, Some(ClientFrame::Cancel { id }));
    assert!(!waiting.is_finished(), "a wait has its own time besides");
    assert!(!pruning.is_finished(), "and so has what goes through all of the store");
    connection.reply(id, Ok(deleted())).await;
    let asked = call(&client, &get("b"));
    connection.answer(&get("b"), nothing()).await;
    outcome(asked).await.unwrap();
}

#[tokio::test]
async fn a_refusal_for_good_is_passed_on_at_once_and_tried_again() {
    for code in [ErrorCode::StoreRefused, ErrorCode::VersionMismatch] {
        let place = Place::new();
        let broker = place.listen();
        let (client, _events) = place.open();
        let asked = call(&client, &delete("a"));
        let refusal = Error::new(code, "the broker is of another kind", "install the same version");
        let (mut connection, hello) = broker.hear().await;
        assert_eq!(hello.protocol_max, PROTOCOL);
        connection.say(ServerFrame::Refused(refusal.clone())).await;
        assert_eq!(outcome(asked).await, Err(CallError { error: refusal, key: None, mail: None }));
        drop(connection);
        let asked = call(&client, &get("b"));
        let (mut connection, _) = broker.accept().await;
        connection.answer(&get("b"), nothing()).await;
        outcome(asked).await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_for_a_moment_is_waited_out() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let asked = call(&client, &get("a"));
    let busy = Error::new(ErrorCode::ShuttingDown, "the broker goes down", "call again");
    for _ in 0..3 {
        let (mut connection, _) = broker.hear().await;
        connection.say(ServerFrame::Refused(busy.clone())).await;
    }
    let (mut connection, _) = broker.accept().await;
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
}

#[tokio::test]
async fn a_protocol_that_was_not_offered_is_refused() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let asked = call(&client, &get("a"));
    let (mut connection, _) = broker.hear().await;
    let other = Welcome { protocol: PROTOCOL + 1, build: "9.0.0".to_owned(), ..welcome(None) };
    connection.say(ServerFrame::Welcome(other)).await;
    let error = outcome(asked).await.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::VersionMismatch);
    assert!(error.message.contains("9.0.0"), "{}", error.message);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_can_enter_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    std::fs::set_permissions(&place.paths.run_dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (client, _events) = place.open();
    let error = patiently(client.call(get("a"))).await.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::StoreRefused);
    assert!(error.message.contains("mode 0755"), "{}", error.message);
}

/// It does not listen to the hello first, so the client's writing may fail before it has read anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_broker_that_says_no_and_closes_at_once_is_understood() {
    let place = Place::new();
    let broker = place.listen();
    let full = Error::new(ErrorCode::BrokerBusy, "the broker has 12 connections", "end some sessions");
    let refusing = tokio::spawn({
        let full = full.clone();
        async move {
            loop {
                let stream = broker.listener.accept().await.unwrap();
                let mut frames = Framed::new(stream, FrameCodec::<ClientFrame, ServerFrame>::new());
                // A client that waited long enough is gone already.
                let _gone = frames.send(&ServerFrame::Refused(full.clone())).await;
            }
        }
    });
    for _ in 0..30 {
        let timing = Timing { outage_max: Duration::from_millis(200), ..unhurried() };
        let (client, _events) = Client::open_with(place.config(), timing);
        let error = patiently(client.call(get("a"))).await.unwrap_err();
        assert_eq!(error.error, full);
    }
    refusing.abort();
}
