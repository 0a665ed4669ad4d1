//! Mail between two nodes: a question and its answer beside what NATS itself needs for that, messages per second, and what a
//! message takes of each disk. Brokers, links and the server share this machine, and its disk.

use super::exchange::{timed, until_waiting};
use super::{Context, link_rates};
use crate::floors::Commit;
use crate::mcp::Mcp;
use crate::nodes::{Node, Server};
use crate::report::{Figure, Target};
use crate::samples::Samples;
use async_nats::jetstream;
use futures_util::StreamExt;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const ROUNDS: usize = 5;
const REPEATS: usize = 60;
const BODY_BYTES: usize = 200;

pub(super) fn run(context: Context<'_>) -> Vec<Figure> {
    let Some(server) = Server::start() else { return Vec::new() };
    let (laptop, tower) = (Node::start(&server, "laptop"), Node::start(&server, "tower"));
    laptop.until_knows("tower");
    tower.until_knows("laptop");
    let mut figures = Vec::new();
    if context.wants("ask") {
        figures.extend(ask(context, &server, &laptop, &tower));
    }
    if context.wants("rate") {
        figures.extend(link_rates::rates(context, &laptop, &tower));
    }
    if context.wants("bytes") {
        figures.extend(link_rates::bytes(context));
    }
    figures
}

/// All of it in the same rounds.
fn ask(context: Context<'_>, server: &Server, laptop: &Node, tower: &Node) -> Vec<Figure> {
    let nats = Nats::connect(&server.url());
    let mut commit = Commit::new(true);
    let (mut api, mut web) = (laptop.world.session("api"), tower.world.session("web"));
    let mut watcher = tower.world.session("watcher");
    let _away = laptop.world.session("away");
    let (mut asks, mut sends, mut commits) = (Samples::default(), Samples::default(), Samples::default());
    let (mut requests, mut published) = (Samples::default(), Samples::default());
    let local = json!({"to": "away", "body": "x".repeat(BODY_BYTES)});
    let _warm = crossed(&mut api, &mut web, &mut watcher);
    for _ in 0..context.repeats(ROUNDS) {
        for samples in [&mut asks, &mut sends, &mut commits, &mut requests, &mut published] {
            samples.round();
        }
        for _ in 0..context.repeats(REPEATS) {
            // What the last answer has left to be noted is noted before a call that reads.
            let _settled = (api.call("inbox", &json!({})), web.call("inbox", &json!({})));
            commits.add_us(commit.once());
            requests.add_us(nats.request());
            published.add_us(nats.publish());
            timed(&mut api, "send_message", &local, &mut sends);
            asks.add_us(crossed(&mut api, &mut web, &mut watcher));
        }
    }
    let (request, send, row) = (requests.summary().p50, sends.summary().p50, commits.summary().p50);
    let figure =
        |name: &str, samples: &Samples| Figure::samples("link", name, "200 B", "µs", samples.summary());
    vec![
        figure("NATS request and its reply", &requests),
        figure("JetStream publish to its acknowledgement, flushed", &published),
        figure("one commit of a row", &commits),
        figure("send_message, local", &sends),
        figure("ask to its answer, across two nodes", &asks)
            .beside("a NATS request + 2 local sends", 2.0f64.mul_add(send, request))
            .to_reach(Target::RatioAtMost(3.0)),
        // It cannot be less than that: both messages are committed on both sides.
        figure("ask to its answer, across two nodes", &asks)
            .beside("a NATS request + 4 commits of a row", 4.0f64.mul_add(row, request)),
    ]
}

/// The time from a question to its answer, which a session gives as soon as it has the question.
fn crossed(api: &mut Mcp, web: &mut Mcp, watcher: &mut Mcp) -> Duration {
    let wait = web.begin_call("wait_for_message", &json!({"timeout_s": 60}));
    until_waiting(watcher, "web");
    let question = json!({"to": "web@tower", "body": "x".repeat(BODY_BYTES), "timeout_s": 60});
    let began = Instant::now();
    let ask = api.begin_call("ask", &question);
    let got = web.finish_call(wait);
    let answer = json!({"reply_to": got["messages"][0]["id"], "body": "x".repeat(BODY_BYTES)});
    web.call("send_message", &answer);
    let answered = api.finish_call(ask);
    let took = began.elapsed();
    assert_eq!(answered["timed_out"], false, "{answered}");
    took
}

/// A client of the server's own, and one on another connection that answers it.
struct Nats {
    runtime: Runtime,
    client: async_nats::Client,
    jetstream: jetstream::Context,
}

impl Nats {
    fn connect(url: &str) -> Self {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let own = url.to_owned();
        // Ends with the process.
        std::thread::spawn(move || {
            runtime().block_on(async {
                let client = async_nats::connect(own).await.expect("the server takes a client");
                let mut asked = client.subscribe("bench.echo").await.expect("a subscription");
                client.flush().await.expect("the server has it");
                ready.send(()).expect("somebody waits for this");
                while let Some(message) = asked.next().await {
                    let reply = message.reply.expect("a request names where its reply goes");
                    client.publish(reply, message.payload).await.expect("the server takes it");
                    client.flush().await.expect("the server has it");
                }
            });
        });
        is_ready.recv().expect("the other one is there");
        let runtime = runtime();
        let (client, jetstream) = runtime.block_on(async {
            let client = async_nats::connect(url).await.expect("the server takes a client");
            let jetstream = jetstream::new(client.clone());
            let config = jetstream::stream::Config {
                name: "BENCH".to_owned(),
                subjects: vec!["bench.stream".to_owned()],
                max_messages: 1_000,
                ..jetstream::stream::Config::default()
            };
            jetstream.get_or_create_stream(config).await.expect("a stream");
            (client, jetstream)
        });
        Self { runtime, client, jetstream }
    }

    fn request(&self) -> Duration {
        let began = Instant::now();
        let request = self.client.request("bench.echo", "x".repeat(BODY_BYTES).into());
        self.runtime.block_on(request).expect("it is answered");
        began.elapsed()
    }

    fn publish(&self) -> Duration {
        let began = Instant::now();
        self.runtime.block_on(async {
            let published = self.jetstream.publish("bench.stream", "x".repeat(BODY_BYTES).into()).await;
            published.expect("it is sent").await.expect("the server has it");
        });
        began.elapsed()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
