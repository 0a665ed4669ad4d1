//! Messages that are sent to another node only for some time.

use super::link::{Node, bodies, node};
use super::{message, open, send, session};
use crate::session::Owner;
use crate::store::LinkChange;
use c2c_proto::ErrorCode;
use c2c_proto::message::{ReceiptState, To};
use c2c_proto::request::LinkForwarded;

const MINUTE_MS: u64 = 60_000;

impl Node {
    async fn send_expiring(&self, from: &Owner, to: &str, body: &str) -> i64 {
        let mut sent = message(from, Some(To::One(to.into())), body);
        sent.expires_in_ms = Some(MINUTE_MS);
        self.opened.store.send(sent).await.unwrap().id
    }

    async fn states(&self, owner: &Owner) -> Vec<ReceiptState> {
        self.sent(owner).await.iter().flat_map(|sent| &sent.receipts).map(|receipt| receipt.state).collect()
    }

    fn clock_at_s(&self, seconds: i64) {
        self.opened.store.shared.clock.set_by_s(seconds);
    }
}

#[tokio::test]
async fn what_has_not_left_in_time_is_never_sent_and_what_is_behind_it_is() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let id = a.send_expiring(&api, "web@b", "lunch?").await;
    a.send_expiring(&api, "*@b", "lunch, all?").await;
    send(&a.opened.store, &api, &["web@b"], "later").await;
    let queued = ReceiptState::Queued;
    a.clock_at_s(59);
    assert_eq!(a.states(&api).await, [queued; 3]);
    // Also for the next broker, and without a link.
    let a = Node { opened: a.opened.again().await, ..a };
    a.clock_at_s(60);
    let expired = ReceiptState::Expired;
    assert_eq!(a.states(&api).await, [expired, expired, queued]);
    let parcels = a.take(0).await;
    let contents: Vec<&str> = parcels.iter().map(|parcel| parcel.content.as_str()).collect();
    assert_eq!(contents[..2], [r#"{"kind":"expired"}"#; 2]);
    assert_eq!(parcels[2].after, parcels[1].number);
    // A clock that is set back brings nothing back.
    a.clock_at_s(0);
    assert_eq!(a.states(&api).await, [expired, expired, queued]);
    a.carry(&b).await;
    assert_eq!(bodies(&b.mail(&web).await), ["later"]);
    b.carry(&a).await;
    assert_eq!(a.states(&api).await, [expired, expired, ReceiptState::Delivered]);
    let sent = a.sent(&api).await;
    assert_eq!((bodies(&sent), sent[0].id), (vec!["lunch?", "lunch, all?", "later"], id));
    assert_eq!(a.prune(&api).await, 2, "nobody will ever read them");
    assert_eq!(a.opened.store.mail("web@b").unread, 1);
}

#[tokio::test]
async fn what_was_there_after_all_is_said_to_be_there() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let [expired, delivered] = [ReceiptState::Expired, ReceiptState::Delivered];
    // In time: then it has arrived, however much later that is looked at.
    a.send_expiring(&api, "web@b", "in time").await;
    a.carry(&b).await;
    a.clock_at_s(61);
    assert_eq!(a.states(&api).await, [delivered]);
    a.clock_at_s(0);
    // Taken whole, accepted late, and not emptied meanwhile.
    a.send_expiring(&api, "web@b", "late word").await;
    let taken = a.take(0).await;
    a.clock_at_s(61);
    assert_eq!(a.states(&api).await[1], expired);
    let up_to = b.bring(&a, taken).await;
    a.accepted(&b, up_to).await;
    assert_eq!(a.states(&api).await[1], delivered);
    a.clock_at_s(0);
    // On its way whole, emptied meanwhile: only the other broker knows which came first.
    for to in ["web@b", "*@b"] {
        a.send_expiring(&api, to, to).await;
    }
    let whole = a.take(0).await;
    let forwarded = LinkForwarded { node: "b".into(), up_to: whole[1].number };
    a.opened.store.link(LinkChange::Forwarded(forwarded)).await.unwrap();
    assert_eq!(a.states(&api).await[2..], [ReceiptState::Forwarded; 2]);
    a.clock_at_s(61);
    let empty = a.take(0).await;
    let up_to = b.bring(&a, vec![whole[0].clone(), empty[1].clone()]).await;
    a.accepted(&b, up_to).await;
    assert_eq!(a.states(&api).await[2..], [expired; 2], "it is not known yet");
    b.carry(&a).await;
    assert_eq!(a.states(&api).await[2..], [delivered, expired]);
    assert_eq!(bodies(&b.mail(&web).await), ["in time", "late word", "web@b"]);
}

#[tokio::test]
async fn only_what_goes_to_another_node_can_expire() {
    let alone = open().await;
    let (api, _db) = (session(&alone.store, "/p/api").await.owner, session(&alone.store, "/p/db").await);
    for to in ["db", "*@*"] {
        let mut local = message(&api, Some(To::One(to.into())), "x");
        local.expires_in_ms = Some(MINUTE_MS);
        let refused = alone.store.send(local).await.unwrap_err();
        assert!(
            refused.code == ErrorCode::InvalidArgument && refused.message.contains("to expire"),
            "{refused:?}"
        );
    }
    assert_eq!(alone.store.mail("db").unread, 0);
}
