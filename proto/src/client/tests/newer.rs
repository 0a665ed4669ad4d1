//! A broker that says what only a later version knows: the connection stays, and no call hangs.

use super::*;
use crate::error::ErrorCode;
use tokio::io::AsyncWriteExt;

/// A position that no enum has yet.
const LATER: u8 = 200;

impl Connection {
    /// Says a content as it is, with its length before it.
    async fn say_content(&mut self, content: &[u8]) {
        let length = u32::try_from(content.len()).unwrap().to_le_bytes();
        let stream = self.frames.get_mut();
        patiently(stream.write_all(&[&length[..], content].concat())).await.unwrap();
        patiently(stream.flush()).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_known_is_passed_over() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    for content in [&[3, LATER, 7, 7][..], &[3, 2, LATER], &[LATER], &[LATER, 7, 7, 7]] {
        connection.say_content(content).await;
        let asked = call(&client, &get("a"));
        connection.answer(&get("a"), nothing()).await;
        assert_eq!(outcome(asked).await.unwrap().response, nothing());
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_an_error_of_its_call_alone() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.accept().await;
    let (read, changed) = (get("a"), delete("b"));
    let asked = call(&client, &read);
    let (id, _) = connection.next_call().await;
    connection.say_content(&[2, u8::try_from(id).unwrap(), 0, 0, LATER, 1]).await;
    let failed = outcome(asked).await.unwrap_err();
    assert_eq!((failed.error.code, failed.key.as_deref()), (ErrorCode::VersionMismatch, None));
    assert!(failed.error.message.contains("broker test"), "{failed}");
    let asked = call(&client, &changed);
    let (id, _) = connection.next_call().await;
    connection.say_content(&[2, u8::try_from(id).unwrap(), 0, 1, LATER, 0, 0, 0]).await;
    let failed = outcome(asked).await.unwrap_err();
    assert_eq!(failed.error.code, ErrorCode::VersionMismatch);
    assert_eq!(failed.key.as_deref(), changed.key(), "it may be done");
    let asked = call(&client, &read);
    connection.answer(&read, nothing()).await;
    assert_eq!(outcome(asked).await.unwrap().response, nothing());
}

#[tokio::test]
async fn an_answer_to_the_hello_that_cannot_be_read_is_a_matter_of_versions() {
    let place = Place::new();
    let broker = place.listen();
    let (client, _events) = place.open();
    let (mut connection, _) = broker.hear().await;
    let asked = call(&client, &get("a"));
    connection.say_content(&[0, LATER, LATER]).await;
    let failed = outcome(asked).await.unwrap_err();
    assert_eq!(failed.error.code, ErrorCode::VersionMismatch);
    assert!(failed.error.message.contains("protocol 1"), "{failed}");
}
