//! Calls over connections that break, end and misbehave.

use super::*;
use crate::error::ErrorCode;
use crate::event::Closing;
use crate::limits::{CALLS_IN_FLIGHT, FRAME_MAX_BYTES};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn an_answer_comes_back_with_the_count_of_mail() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, hello) = broker.accept().await;
    assert_eq!(hello.build, "test");
    let asked = call(&client, &get("a"));
    connection.answer(&get("a"), nothing()).await;
    assert_eq!(outcome(asked).await, Ok(Answer { response: nothing(), mail: Some(MAIL) }));
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let (first, second) = (call(&client, &get("a")), call(&client, &delete("b")));
    let mut ids = [0; 2];
    for _ in 0..2 {
        let (id, request) = connection.next_call().await;
        ids[usize::from(request == delete("b"))] = id;
    }
    connection.reply(ids[1], Ok(deleted())).await;
    assert_eq!(outcome(second).await.unwrap().response, deleted());
    let error = Error::not_found("nothing is there", "look elsewhere");
    connection.reply(ids[0], Err(error.clone())).await;
    assert_eq!(outcome(first).await, Err(CallError { error, key: None, mail: Some(MAIL) }));
}

#[tokio::test]
async fn calls_without_an_answer_are_sent_again_in_order() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let names = ["a", "b", "c"];
    let mut calls = Vec::new();
    for name in names {
        calls.push(call(&client, &delete(name)));
        let (id, request) = connection.next_call().await;
        assert_eq!(request, delete(name));
        if name == "b" {
            connection.reply(id, Ok(deleted())).await;
        }
    }
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    calls.push(call(&client, &delete("d")));
    for name in ["a", "c", "d"] {
        connection.answer(&delete(name), deleted()).await;
    }
    for asked in calls {
        assert_eq!(outcome(asked).await.unwrap().response, deleted());
    }
}

#[tokio::test]
async fn a_connection_that_breaks_inside_an_answer_loses_nothing() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let asked = call(&client, &delete("a"));
    connection.next_call().await;
    let stream = connection.frames.get_mut();
    stream.write_all(&[40, 0, 0, 0, 2, 1]).await.unwrap();
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    connection.answer(&delete("a"), deleted()).await;
    assert_eq!(outcome(asked).await.unwrap().response, deleted());
}

#[tokio::test]
async fn what_is_no_frame_ends_the_connection_and_not_the_call() {
    for nonsense in [&[0xff; 8][..], b"HTTP/1.1 200 OK\r\n\r\n", &[2, 0, 0, 0, 1, 99], &[1, 0, 0, 0, 0]] {
        let place = Place::new();
        let broker = place.listen();
        let (client, _events) = place.open();
        let (mut connection, _) = broker.accept().await;
        let asked = call(&client, &get("a"));
        connection.next_call().await;
        connection.frames.get_mut().write_all(nonsense).await.unwrap();
        let (mut second, _) = broker.accept().await;
        second.answer(&get("a"), nothing()).await;
        assert_eq!(outcome(asked).await.unwrap().response, nothing());
        assert_eq!(connection.next().await, None);
    }
}

#[tokio::test]
async fn a_second_welcome_ends_the_connection() {
    let place = Place::new();
    let broker = place.listen();
    let (_client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    connection.say(ServerFrame::Welcome(welcome(None))).await;
    broker.accept().await;
}

#[tokio::test]
async fn a_wait_goes_on_with_the_time_that_is_left() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let waiting = call(&client, &wait(600_000));
    let (_, request) = connection.next_call().await;
    let first = request.wait_ms().unwrap();
    assert!(first <= 600_000 && first > 590_000, "{first}");
    // Time has to pass for the remaining time to be less.
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    let (id, request) = connection.next_call().await;
    let second = request.wait_ms().unwrap();
    assert!(second + 50 <= first && second > 570_000, "{second} after {first}");
    connection.reply(id, Ok(timed_out())).await;
    assert_eq!(outcome(waiting).await.unwrap().response, timed_out());
}

#[tokio::test]
async fn a_wait_that_is_over_still_gets_to_look() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let waiting = call(&client, &wait(1));
    connection.next_call().await;
    // Time has to pass for the wait to be over.
    tokio::time::sleep(Duration::from_millis(5)).await;
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    connection.answer(&wait(0), timed_out()).await;
    outcome(waiting).await.unwrap();
}

#[tokio::test]
async fn a_change_that_may_be_done_is_not_told_to_have_failed() {
    for (code, sent_before, unknown) in [
        (ErrorCode::Superseded, true, true),
        (ErrorCode::Superseded, false, false),
        (ErrorCode::NotRegistered, true, true),
        (ErrorCode::StorageFull, true, true),
        (ErrorCode::StorageFull, false, false),
        (ErrorCode::StorageFailed, false, true),
        // The broker has looked for the key before it says this.
        (ErrorCode::Conflict, true, false),
    ] {
        let place = Place::new();
        let broker = place.listen();
        let (client, _events) = place.open();
        let (mut connection, _) = broker.accept().await;
        let (change, question) = (call(&client, &delete("a")), call(&client, &get("b")));
        for _ in 0..2 {
            connection.next_call().await;
        }
        if sent_before {
            drop(connection);
            connection = broker.accept().await.0;
            for _ in 0..2 {
                connection.next_call().await;
            }
        }
        let error = Error::new(code, "it did not work", "do something");
        for id in [1, 2] {
            connection.reply(id, Err(error.clone())).await;
        }
        let failed = outcome(change).await.unwrap_err();
        assert_eq!(failed.key.as_deref(), unknown.then_some("call:a"), "{code} {sent_before}");
        assert_eq!(failed.error.retry_safe, code.retry_safe() && !unknown, "{code} {sent_before}");
        let failed = outcome(question).await.unwrap_err();
        assert_eq!((failed.key, failed.error), (None, error), "what only reads has no unknown outcome");
    }
}

#[tokio::test]
async fn a_call_that_was_made_before_may_be_done_whatever_the_broker_says_first() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let busy = Error::new(ErrorCode::BrokerBusy, "it did not work", "do something");
    for (made_before, key) in [(false, None), (true, Some("call:a".to_owned()))] {
        let client = client.clone();
        let asked = tokio::spawn(async move {
            if made_before { client.call_again(delete("a")).await } else { client.call(delete("a")).await }
        });
        let (id, _) = connection.next_call().await;
        connection.reply(id, Err(busy.clone())).await;
        assert_eq!(outcome(asked).await.unwrap_err().key, key);
    }
}

#[tokio::test]
async fn a_call_of_a_session_that_is_another_one_by_now_is_not_made_again() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.hear().await;
    connection.say(ServerFrame::Welcome(welcome(Some(session("row-1", "api"))))).await;
    let (change, question) = (call(&client, &delete("a")), call(&client, &get("b")));
    for _ in 0..2 {
        connection.next_call().await;
    }
    drop(connection);
    let (mut connection, _) = broker.hear().await;
    connection.say(ServerFrame::Welcome(welcome(Some(session("row-2", "web"))))).await;
    let failed = outcome(change).await.unwrap_err();
    assert_eq!((failed.error.code, failed.key.as_deref()), (ErrorCode::Superseded, Some("call:a")));
    connection.answer(&get("b"), nothing()).await;
    outcome(question).await.unwrap();
}

#[tokio::test]
async fn a_question_whose_wait_fails_is_not_told_to_be_unsent() {
    for (code, unknown) in [
        (ErrorCode::Superseded, true),
        (ErrorCode::BrokerBusy, true),
        (ErrorCode::StorageFailed, true),
        (ErrorCode::NotFound, false),
        (ErrorCode::RateLimited, false),
    ] {
        let place = Place::new();
        let broker = place.listen();
        let (client, _events) = place.open();
        let (mut connection, _) = broker.accept().await;
        let asked = call(&client, &ask("a question"));
        connection.next_call().await;
        connection.reply(1, Err(Error::new(code, "it did not work", "do something"))).await;
        let failed = outcome(asked).await.unwrap_err();
        assert_eq!(failed.key.as_deref(), unknown.then_some("call:ask"), "{code}");
    }
}

#[tokio::test]
async fn dropping_a_call_cancels_it() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let waiting = call(&client, &wait(600_000));
    let (id, _) = connection.next_call().await;
    waiting.abort();
    assert_eq!(connection.next().await, Some(ClientFrame::Cancel { id }));
    // The broker may have answered at the same moment.
    connection.reply(id, Ok(timed_out())).await;
    connection.reply(u64::MAX, Ok(timed_out())).await;
    let asked = call(&client, &get("a"));
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    let asked = call(&client, &get("b"));
    connection.answer(&get("b"), nothing()).await;
    outcome(asked).await.unwrap();
}

#[tokio::test]
async fn a_closing_broker_still_answers_and_gets_nothing_new() {
    let place = Place::new();
    let broker = place.listen();
    let (client, mut events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let (under_way, put_off) = (call(&client, &delete("a")), call(&client, &wait(60_000)));
    let mut ids = [0; 2];
    for _ in 0..2 {
        let (id, request) = connection.next_call().await;
        ids[usize::from(request.wait_ms().is_some())] = id;
    }
    connection.tell(Event::Closing(Closing::ShuttingDown)).await;
    loop {
        if patiently(events.recv()).await == Some(ClientEvent::Event(Event::Closing(Closing::ShuttingDown))) {
            break;
        }
    }
    let late = call(&client, &get("late"));
    connection.reply(ids[0], Ok(deleted())).await;
    assert_eq!(outcome(under_way).await.unwrap().response, deleted());
    let shutting_down = Error::new(ErrorCode::ShuttingDown, "the broker goes down", "call again");
    connection.reply(ids[1], Err(shutting_down)).await;
    drop(connection);
    let (mut connection, _) = broker.accept().await;
    for _ in 0..2 {
        let (id, request) = connection.next_call().await;
        let response = if request == get("late") { nothing() } else { timed_out() };
        connection.reply(id, Ok(response)).await;
    }
    assert_eq!(outcome(put_off).await.unwrap().response, timed_out());
    assert_eq!(outcome(late).await.unwrap().response, nothing());
}

#[tokio::test]
async fn a_broker_that_says_goodbye_and_stays_is_left() {
    let place = Place::new();
    let broker = place.listen();
    let timing = Timing { closing_max: Duration::from_millis(50), ..unhurried() };
    let (_client, _events) = Client::open_with(place.config(), timing);
    let (mut connection, _) = broker.accept().await;
    connection.tell(Event::Closing(Closing::HandingOver)).await;
    assert_eq!(connection.next().await, None);
    broker.accept().await;
}

#[tokio::test]
async fn a_request_that_fits_no_frame_is_refused_and_nothing_else() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let error = patiently(client.call(get(&"x".repeat(FRAME_MAX_BYTES)))).await.unwrap_err();
    assert_eq!(error.error.code, ErrorCode::TooLarge);
    assert!(error.error.message.contains("16777216"), "{}", error.error.message);
    let large = get(&"x".repeat(FRAME_MAX_BYTES - 100));
    let asked = call(&client, &large);
    connection.answer(&large, nothing()).await;
    outcome(asked).await.unwrap();
}

#[tokio::test]
async fn more_calls_than_the_limit_are_refused_until_one_is_answered() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let waits: Vec<_> = (0..CALLS_IN_FLIGHT).map(|_| call(&client, &wait(600_000))).collect();
    let mut ids = Vec::new();
    for _ in 0..CALLS_IN_FLIGHT {
        ids.push(connection.next_call().await.0);
    }
    let error = patiently(client.call(get("a"))).await.unwrap_err().error;
    assert_eq!(error.code, ErrorCode::BrokerBusy);
    assert!(error.message.contains("256"), "{}", error.message);
    for id in ids {
        connection.reply(id, Ok(timed_out())).await;
    }
    for waiting in waits {
        outcome(waiting).await.unwrap();
    }
    let asked = call(&client, &get("a"));
    connection.answer(&get("a"), nothing()).await;
    outcome(asked).await.unwrap();
}
