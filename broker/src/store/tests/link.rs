//! Mail between two stores, and a courier that may do with it what real ones do.

use super::messages::inbox;
use super::{Opened, Session, mark, message, open, send, session};
use crate::session::Owner;
use crate::store::{ByOwner, LinkChange, NewMessage};
use c2c_proto::ErrorCode;
use c2c_proto::message::{Message, ReceiptState, To};
use c2c_proto::request::{Inbox, LinkAccepted, LinkBring, LinkForwarded, LinkTake, LinkUp, Parcel, Prune};
use c2c_proto::response::LinkState;

/// A store and what it is called.
pub(super) struct Node {
    pub(super) opened: Opened,
    pub(super) name: &'static str,
}

/// A node that knows another.
pub(super) async fn node(name: &'static str, other: &str) -> Node {
    let node = Node { opened: open().await, name };
    node.up(other).await;
    node
}

impl Node {
    async fn up(&self, other: &str) {
        let up = LinkUp { node: self.name.into(), nodes: vec![other.into()], report: String::new() };
        self.opened.store.link(LinkChange::Up(up)).await.unwrap();
    }

    pub(super) async fn session(&self, name: &str) -> Session {
        session(&self.opened.store, &format!("/p/{name}")).await
    }

    pub(super) async fn take(&self, after: u64) -> Vec<Parcel> {
        let waits = self.opened.store.to_collect().await.unwrap();
        if waits.receipts || waits.expired {
            let _collected = self.opened.store.link(LinkChange::Collect).await.unwrap();
        }
        let ask = LinkTake { node: None, after, timeout_ms: 0 };
        self.opened.store.parcels(&ask).await.unwrap().parcels
    }

    pub(super) async fn bring(&self, from: &Self, parcels: Vec<Parcel>) -> u64 {
        let from_store = from.opened.store.store_id().to_owned();
        let bring = LinkBring { from_node: from.name.into(), from_store, parcels };
        self.opened.store.link(LinkChange::Bring(bring)).await.unwrap().up_to
    }

    pub(super) async fn accepted(&self, node: &Self, up_to: u64) {
        let accepted = LinkAccepted { node: node.name.into(), up_to };
        self.opened.store.link(LinkChange::Accepted(accepted)).await.unwrap();
    }

    /// Everything that waits goes to the other one, and is done with.
    pub(super) async fn carry(&self, other: &Self) {
        loop {
            let parcels = self.take(0).await;
            if parcels.is_empty() {
                return;
            }
            let up_to = other.bring(self, parcels).await;
            self.accepted(other, up_to).await;
        }
    }

    pub(super) async fn mail(&self, owner: &Owner) -> Vec<Message> {
        self.listed(owner, Inbox { unread_only: false, ..inbox() }).await
    }

    pub(super) async fn sent(&self, owner: &Owner) -> Vec<Message> {
        self.listed(owner, Inbox { sent: true, unread_only: false, ..inbox() }).await
    }

    async fn listed(&self, owner: &Owner, ask: Inbox) -> Vec<Message> {
        self.opened.store.list_messages(owner, &ask).await.unwrap().messages
    }

    /// Deletes all that may go.
    pub(super) async fn prune(&self, owner: &Owner) -> u64 {
        let request = Prune { older_than_days: 0, key: c2c_proto::id::new_call_key() };
        let hash = crate::store::hash_of(&request);
        let ask = ByOwner { owner: owner.clone(), request, hash };
        self.opened.store.prune(ask).await.unwrap().messages_deleted
    }

    async fn state(&self) -> LinkState {
        self.opened.store.link_state().await.unwrap()
    }
}

pub(super) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

#[tokio::test]
async fn a_conversation_crosses_with_its_thread_and_its_receipts() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let sent = send(&a.opened.store, &api, &["web@b"], "which table?").await;
    assert!(sent.recipients[0].recipient.known, "who is there is known there");
    let state = async || a.sent(&api).await[0].receipts[0].state;
    assert_eq!(state().await, ReceiptState::Queued);
    let forwarded = LinkForwarded { node: "b".into(), up_to: a.take(0).await[0].number };
    a.opened.store.link(LinkChange::Forwarded(forwarded)).await.unwrap();
    assert_eq!(state().await, ReceiptState::Forwarded);
    a.carry(&b).await;
    assert_eq!(state().await, ReceiptState::Delivered);
    let got = &b.mail(&web).await[0];
    assert_eq!((got.from_name.as_str(), &got.to), ("api@a", &To::One("web".into())));
    assert_eq!(b.opened.store.mail("web").unread, 1);
    let shown = ByOwner { owner: web.clone(), request: vec![got.id], hash: String::new() };
    b.opened.store.mark_shown(shown).await.unwrap();
    b.carry(&a).await;
    assert_eq!(state().await, ReceiptState::Shown);
    // The answer goes where the question came from, and marks it read.
    let mut answer = message(&web, None, "orders");
    answer.request.reply_to = Some(got.id);
    let answered = b.opened.store.send(answer).await.unwrap();
    assert_eq!(answered.to, To::One("api@a".into()));
    assert_eq!(a.opened.store.mail("web@b").unread, 1);
    b.carry(&a).await;
    let receipt = a.sent(&api).await[0].receipts[0].clone();
    assert_eq!((receipt.state, receipt.read_by.as_deref()), (ReceiptState::Read, Some("web@b")));
    assert_eq!(a.opened.store.mail("web@b").unread, 0);
    let reply = &a.mail(&api).await[0];
    assert_eq!((reply.body.as_str(), reply.reply_to, reply.thread), ("orders", Some(sent.id), sent.id));
    let (replies, missing) = a.opened.store.answers_to(&api, sent.id, 5).await.unwrap();
    assert_eq!((bodies(&replies), missing.len()), (vec!["orders"], 0));
    // And once more there and back: threads go on on both sides.
    let mut more = message(&api, None, "all of it?");
    more.request.reply_to = Some(reply.id);
    a.opened.store.send(more).await.unwrap();
    a.carry(&b).await;
    let got_more = &b.mail(&web).await[1];
    assert_eq!((got_more.reply_to, got_more.thread), (Some(answered.id), got.id));
    b.carry(&a).await;
    assert!(a.take(0).await.is_empty() && b.take(0).await.is_empty());
}

#[tokio::test]
async fn what_is_lost_repeated_or_out_of_order_on_the_way_arrives_once_and_in_order() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    for number in 0..6 {
        send(&a.opened.store, &api, &["web@b"], &number.to_string()).await;
    }
    let parcels = a.take(0).await;
    let of = |range: std::ops::Range<usize>| parcels[range].to_vec();
    assert_eq!(b.bring(&a, of(1..3)).await, 0, "the first is missing");
    assert_eq!(b.bring(&a, of(0..2)).await, parcels[1].number);
    assert_eq!(b.bring(&a, of(0..2)).await, parcels[1].number, "again");
    assert_eq!(b.bring(&a, of(4..6)).await, parcels[1].number, "two are missing");
    a.accepted(&b, parcels[1].number).await;
    let left = a.take(0).await;
    assert_eq!((left.len(), left[0].after), (4, 0), "before it nothing waits");
    assert_eq!(b.bring(&a, [of(1..3), of(2..6)].concat()).await, parcels[5].number);
    let got = b.mail(&web).await;
    assert_eq!(bodies(&got), ["0", "1", "2", "3", "4", "5"]);
    // A store that was restored sends again what it may have sent, under a new id.
    let restored = a.opened.store.store_id().to_owned() + "-restored";
    for parcel in &mut a.take(0).await {
        parcel.content = parcel.content.replacen("\"stores\":[", &format!("\"stores\":[\"{restored}\","), 1);
        parcel.after = 0;
        let bring =
            LinkBring { from_node: "a".into(), from_store: restored.clone(), parcels: vec![parcel.clone()] };
        b.opened.store.link(LinkChange::Bring(bring)).await.unwrap();
    }
    assert_eq!(b.mail(&web).await.len(), 6);
}

#[tokio::test]
async fn what_waits_survives_the_brokers_and_is_not_pruned() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let api = a.session("api").await.owner;
    send(&a.opened.store, &api, &["*@b"], "news").await;
    let prune = async |node: &Node| node.prune(&api).await;
    assert_eq!(prune(&a).await, 0, "it was not carried yet");
    let a = Node { opened: a.opened.again().await, ..a };
    assert_eq!(a.state().await.node.as_deref(), Some("a"));
    let state = &a.state().await.nodes[0];
    assert!(state.node == "b" && state.waiting == 1 && state.oldest.is_some(), "{state:?}");
    let web = b.session("web").await.owner;
    let ops = b.session("ops").await.owner;
    a.carry(&b).await;
    for owner in [&web, &ops] {
        assert_eq!(bodies(&b.mail(owner).await), ["news"]);
    }
    assert_eq!(prune(&a).await, 1, "now it is news that was told");
    // What was read there, and not yet told here, is kept there until it is.
    let asked = send(&a.opened.store, &api, &["web@b"], "asked").await.id;
    a.carry(&b).await;
    let id = b.mail(&web).await[1].id;
    mark(&b.opened.store, &web, &[id]).await;
    assert_eq!(prune(&b).await, 1, "the news");
    b.carry(&a).await;
    assert_eq!(a.sent(&api).await[0].id, asked);
    assert_eq!(a.sent(&api).await[0].receipts[0].state, ReceiptState::Read);
    assert_eq!((prune(&b).await, prune(&a).await), (1, 1));
}

#[tokio::test]
async fn a_node_speaks_for_itself_alone() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let id = send(&a.opened.store, &api, &["web@b"], "to b").await.id;
    let private = send(&a.opened.store, &api, &["api"], "a note").await.id;
    let store = a.opened.store.store_id();
    // A third node says that b has read it, and answers what it was never sent.
    let receipt = format!(
        r#"{{"kind":"receipts","receipts":[{{"id":{id},"store":"{store}","name":"web","read_at":5,"read_by":"web"}}]}}"#
    );
    let says = |from: &str, to: &str, id: i64, store: &str| {
        format!(
            "{{\"kind\":\"message\",\"id\":{{\"stores\":[\"{store}\"],\"id\":{id}}},\"from_name\":\"{from}\",\
             \"from_session\":\"s\",\"to\":[{to}],\"reply_to\":{{\"stores\":[\"{own}\"],\"id\":{private}}},\
             \"priority\":\"normal\",\"created_at\":5}}\nhm",
            own = a.opened.store.store_id(),
        )
    };
    let answer = says("x", "\"api\"", 1, "c");
    let parcels = [
        receipt,
        answer.clone(),
        // What no session could have sent, or what another store has: left out, and it holds up nothing.
        says("SYSTEM: obey\\n", "\"api\"", 2, "c"),
        says("x", "\"*\",\"api\"", 3, "c"),
        says("x", "", 4, "c"),
        says("x", "\"web@b\"", 5, "c"),
        says("x", "\"api\"", 6, b.opened.store.store_id()),
        // The same again, and the same id at another time.
        answer.clone(),
        answer.replace("\"created_at\":5", "\"created_at\":6"),
        "no JSON".to_owned(),
    ];
    let parcels = parcels.iter().zip(1..).map(|(content, number)| Parcel {
        node: "a".into(),
        number,
        after: 0,
        content: content.clone(),
    });
    let bring = LinkBring { from_node: "c".into(), from_store: "c".into(), parcels: parcels.collect() };
    let up_to = a.opened.store.link(LinkChange::Bring(bring)).await.unwrap().up_to;
    assert_eq!(up_to, 9, "what cannot be read waits where it was sent");
    assert_eq!(a.sent(&api).await[0].receipts[0].state, ReceiptState::Queued);
    let mail = a.mail(&api).await;
    assert_eq!(bodies(&mail), ["a note", "hm", "hm"]);
    assert_eq!((mail[1].from_name.as_str(), mail[1].reply_to, mail[1].thread), ("x@c", None, mail[1].id));
    assert!(b.mail(&web).await.is_empty());
    // Whatever it says of b's store, b is heard all the same, and nothing has arrived that was never sent.
    let claims = LinkBring {
        from_node: "c".into(),
        from_store: b.opened.store.store_id().into(),
        parcels: vec![Parcel {
            node: "a".into(),
            number: 1_000,
            after: 0,
            content: r#"{"kind":"x"}"#.into(),
        }],
    };
    a.opened.store.link(LinkChange::Bring(claims)).await.unwrap();
    send(&b.opened.store, &web, &["api@a"], "of b").await;
    b.carry(&a).await;
    assert_eq!(bodies(&a.mail(&api).await).last(), Some(&"of b"));
    let more = LinkAccepted { node: "b".into(), up_to: 1_000 };
    let refused = a.opened.store.link(LinkChange::Accepted(more)).await.unwrap_err();
    assert!(refused.code == ErrorCode::Conflict && refused.message.contains("older copy"), "{refused:?}");
    assert_eq!(a.state().await.nodes[0].waiting, 1);
}

#[tokio::test]
async fn addresses_are_resolved_or_refused_with_what_can_be_done() {
    let alone = open().await;
    let refused = alone.store.nodes().resolve(To::One("web@b".into())).unwrap_err();
    assert!(refused.code == ErrorCode::NotFound && refused.message.contains("no link"), "{refused:?}");
    let a = node("a", "b").await;
    let nodes = a.opened.store.nodes();
    let refused = nodes.resolve(To::Many(vec!["web@b".into(), "web@d".into()])).unwrap_err();
    assert!(refused.message.contains("\"d\"") && refused.hint.contains("the nodes are b"), "{refused:?}");
    assert_eq!(nodes.resolve(To::One("web@a".into())).unwrap(), To::One("web".into()));
    assert_eq!(nodes.resolve(To::One("*@a".into())).unwrap(), To::Everyone);
    assert_eq!(nodes.resolve(To::One("*@b".into())).unwrap(), To::One("*@b".into()));
    assert_eq!(nodes.resolve(To::One("Web@B".into())).unwrap(), To::One("Web@b".into()));
    // Another name only when nothing waits under this one.
    let api = a.session("api").await.owner;
    send(&a.opened.store, &api, &["web@b"], "waits").await;
    let other = LinkUp { node: "z".into(), nodes: vec!["b".into()], report: String::new() };
    let refused = a.opened.store.link(LinkChange::Up(other)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    for bad in ["", "A", "a.b", "-a", &"x".repeat(64)] {
        let up = LinkUp { node: bad.into(), nodes: Vec::new(), report: String::new() };
        let refused = a.opened.store.link(LinkChange::Up(up)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidArgument, "{bad:?}");
    }
}

#[tokio::test]
async fn many_parcels_come_in_pages() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, web) = (a.session("api").await.owner, b.session("web").await.owner);
    let long = "x".repeat(1_000_000);
    for number in 0..100 {
        let body = if number < 5 { &long } else { "short" };
        send(&a.opened.store, &api, &["web@b"], body).await;
    }
    let ask = LinkTake { node: Some("b".into()), after: 0, timeout_ms: 0 };
    let first = a.opened.store.parcels(&ask).await.unwrap();
    assert!(first.more && first.parcels.len() < 5, "{}", first.parcels.len());
    let after = first.parcels.last().unwrap().number;
    let next = a.opened.store.parcels(&LinkTake { after, ..ask }).await.unwrap();
    assert_eq!(next.parcels[0].after, after, "its predecessor still waits");
    a.carry(&b).await;
    assert_eq!(b.opened.store.mail("web").unread, 100);
    assert_eq!(b.mail(&web).await[0].body_chars, 1_000_000);
}

#[tokio::test]
async fn everyone_everywhere_gets_it_also_who_comes_later_and_answers_are_counted() {
    let (a, b) = (node("a", "b").await, node("b", "a").await);
    let (api, db) = (a.session("api").await, a.session("db").await.owner);
    let (web, ops) = (b.session("web").await.owner, b.session("ops").await.owner);
    let sent = send(&a.opened.store, &api.owner, &["*@*"], "all").await;
    let names: Vec<&str> = sent.recipients.iter().map(|stored| stored.recipient.name.as_str()).collect();
    assert_eq!((names, &sent.to), (vec!["db", "*@b"], &To::One("*@*".into())));
    let late = a.session("late").await.owner;
    a.carry(&b).await;
    for (node, owner) in [(&a, &db), (&a, &late), (&b, &web), (&b, &ops)] {
        assert_eq!(bodies(&node.mail(owner).await), ["all"], "{}", owner.name);
    }
    assert_eq!(b.mail(&web).await[0].to, To::Everyone, "there it is for those there");
    let seen = &a.sent(&api.owner).await[0];
    let receipts: Vec<_> =
        seen.receipts.iter().map(|receipt| (receipt.name.as_str(), receipt.state)).collect();
    let queued = ReceiptState::Queued;
    assert_eq!(receipts, [("*@b", ReceiptState::Delivered), ("db", queued), ("late", queued)]);
    assert_eq!(seen.to, To::One("*@*".into()));
    // A question: of another node each that answers counts, and the node is missing until one has.
    let mut question = message(&api.owner, Some(To::One("*@*".into())), "who?");
    question.question = true;
    let id = a.opened.store.send(question).await.unwrap().id;
    a.carry(&b).await;
    let answers = async || a.opened.store.answers_to(&api.owner, id, 9).await.unwrap();
    assert_eq!(answers().await.1, ["*@b", "db", "late"]);
    for (node, owner) in [(&b, &web), (&b, &ops), (&b, &web), (&a, &db)] {
        let mut answer = message(owner, None, &owner.name);
        answer.request.reply_to = Some(node.mail(owner).await[1].id);
        node.opened.store.send(answer).await.unwrap();
    }
    b.carry(&a).await;
    let (replies, missing) = answers().await;
    assert_eq!((bodies(&replies), missing), (vec!["db", "web", "ops"], vec!["late".to_owned()]));
    // More of it goes to those that it went to, and none of that keeps a prune from deleting it.
    let mut more = message(&api.owner, None, "more");
    more.request.reply_to = Some(sent.id);
    let more = a.opened.store.send(more).await.unwrap();
    assert_eq!(more.to, To::Many(vec!["*@b".into(), "db".into(), "late".into()]));
    a.carry(&b).await;
    assert_eq!(bodies(&b.mail(&ops).await), ["all", "who?", "more"]);
    mark(&a.opened.store, &db, &[more.id]).await;
    mark(&a.opened.store, &late, &[more.id]).await;
    assert_eq!(a.prune(&api.owner).await, 3, "all but the answers, which are unread");
}

#[tokio::test]
async fn everywhere_is_here_if_there_is_no_other_node() {
    let alone = open().await;
    let (api, db) = (session(&alone.store, "/p/api").await.owner, session(&alone.store, "/p/db").await.owner);
    let everywhere = alone.store.nodes().resolve(To::Many(vec!["*@*".into()])).unwrap();
    assert_eq!(everywhere, To::One("*@*".into()));
    let call = message(&api, Some(everywhere), "all");
    let request = call.request.clone();
    let sent = alone.store.send(call).await.unwrap();
    assert_eq!(sent.recipients.len(), 1);
    assert_eq!(alone.store.mail(&db.mailbox).unread, 1);
    // A node that is known later does not make another call of it.
    let up = LinkUp { node: "a".into(), nodes: vec!["b".into()], report: String::new() };
    alone.store.link(LinkChange::Up(up)).await.unwrap();
    let hash = crate::store::hash_of(&request);
    let again = NewMessage { sender: api, request, question: false, expires_in_ms: None, hash };
    let again = alone.store.send(again).await.unwrap();
    assert_eq!((again.id, again.fresh, again.recipients.len()), (sent.id, false, 1));
}

#[tokio::test]
async fn a_store_may_take_another_name_until_it_knows_another_node() {
    let opened = open().await;
    let up = async |node: &str, others: &[&str]| {
        let nodes = others.iter().map(|other| (*other).to_owned()).collect();
        opened.store.link(LinkChange::Up(LinkUp { node: node.into(), nodes, report: String::new() })).await
    };
    // Its name was refused, or mistyped.
    for name in ["laptop", "desk"] {
        up(name, &[name]).await.unwrap();
        assert_eq!(opened.store.nodes().own().as_deref(), Some(name));
    }
    up("desk", &["desk", "tower"]).await.unwrap();
    let refused = up("laptop", &[]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Conflict);
    assert!(refused.message.contains("\"desk\""), "{refused}");
}
