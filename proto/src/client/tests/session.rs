//! Who the client is to the broker, over connections; and the end of it.

use super::*;

fn session_id_of(hello: &Hello) -> Option<&str> {
    match &hello.role {
        Role::Session(identity) => identity.session_id.as_deref(),
        Role::Control | Role::Person(_) => panic!("a session was expected"),
    }
}

/// Waits until the client has taken in all that was said before.
async fn settled(client: &Client, connection: &mut Connection) {
    let asked = call(client, &get("settled"));
    connection.answer(&get("settled"), nothing()).await;
    outcome(asked).await.unwrap();
}

#[tokio::test]
async fn the_session_is_taken_up_again_under_its_newest_row() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    assert_eq!(client.session(), None);

    let (mut connection, hello) = broker.hear().await;
    assert_eq!(session_id_of(&hello), None);
    connection.say(ServerFrame::Welcome(welcome(Some(session("row-1", "api"))))).await;
    settled(&client, &mut connection).await;
    assert_eq!(client.session(), Some(session("row-1", "api")));
    drop(connection);

    let (mut connection, hello) = broker.hear().await;
    assert_eq!(session_id_of(&hello), Some("row-1"));
    connection.say(ServerFrame::Welcome(welcome(Some(session("row-1", "api"))))).await;
    let superseded = SessionState { superseded: true, ..session("row-1", "api-stale-7") };
    connection.tell(Event::Session(superseded.clone())).await;
    settled(&client, &mut connection).await;
    assert_eq!(client.session(), Some(superseded));

    let register =
        Request::Register(request::Register { name: "web".to_owned(), metadata: None, key: "k".to_owned() });
    let registering = call(&client, &register);
    let registered =
        response::Registered { session_id: "row-2".to_owned(), name: "web".to_owned(), superseded: None };
    connection.answer(&register, Response::Registered(registered)).await;
    outcome(registering).await.unwrap();
    assert_eq!(client.session(), Some(session("row-2", "web")));
    drop(connection);

    let (_connection, hello) = broker.hear().await;
    assert_eq!(session_id_of(&hello), Some("row-2"));
    let Role::Session(identity) = hello.role else { panic!("a session was expected") };
    assert_eq!(identity.key, "shim-1", "the same key on every connection");
}

#[tokio::test]
async fn the_last_handle_closes_the_connection() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let other = client.clone();
    let (mut connection, _) = broker.accept().await;
    drop(client);
    settled(&other, &mut connection).await;
    drop(other);
    assert_eq!(connection.next().await, None);
}

#[tokio::test]
async fn the_last_handle_ends_the_search_for_a_broker() {
    let place = Place::new();
    let (client, mut events) = place.open();
    drop(client);
    assert_eq!(patiently(events.recv()).await, None);
}

#[tokio::test]
async fn events_that_nobody_takes_do_not_hold_up_answers() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    for number in 0..500 {
        connection.tell(Event::Session(session("row-1", &format!("api-{number}")))).await;
    }
    settled(&client, &mut connection).await;
    assert_eq!(client.session(), Some(session("row-1", "api-499")));
}

/// A paused clock jumps to the next timer as soon as nothing else is to be done: if it stands still, there is none.
#[cfg(unix)]
#[tokio::test]
async fn a_connected_client_that_is_idle_has_no_timer() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    settled(&client, &mut connection).await;
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let (out, mut signal) = tokio::net::UnixStream::pair().unwrap();
    let out = out.into_std().unwrap();
    let thread = std::thread::spawn(move || {
        // Real time, in which a timer would have its chance.
        out.set_nonblocking(false).unwrap();
        out.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let _ = std::io::Read::read(&mut &out, &mut [0]);
    });
    tokio::io::AsyncReadExt::read(&mut signal, &mut [0]).await.unwrap();
    thread.join().unwrap();
    assert_eq!(tokio::time::Instant::now(), before);
    tokio::time::resume();
    settled(&client, &mut connection).await;
}
