//! A cluster of servers, on each of which everything lies: one of them may go.

use super::machine::{LONG, Machine, bodies};
use c2c_harness::{NatsServer, pause, until};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_server_of_a_cluster_may_go_and_mail_goes_on() {
    let Some(mut servers) = NatsServer::cluster(&["laptop", "tower"], 3) else { return };
    let urls = |first: usize| {
        let urls: Vec<String> = (0..3).map(|next| servers[(first + next) % 3].url()).collect();
        urls.join(",")
    };
    let machine = |node: &str, first: usize| {
        let creds = servers[0].creds(node);
        let settings = format!("url = {:?}\nnode = {node:?}\ncreds = {creds:?}\nreplicas = 3\n", urls(first));
        Machine::with_settings(&settings)
    };
    let (laptop, tower) = (machine("laptop", 0), machine("tower", 1));
    for (machine, other) in [(&laptop, "tower"), (&tower, "laptop")] {
        until("the other node is known", LONG, || machine.knows(other));
    }
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let mut said = Vec::new();
    // Whichever servers they are connected to: each of them goes once, and comes back.
    for (gone, server) in servers.iter_mut().enumerate() {
        for number in 0..10 {
            if number == 5 {
                server.kill();
            }
            let body = format!("{gone}.{number}");
            api.say("web@tower", &body);
            said.push(body);
        }
        assert_eq!(bodies(&mut web, said.len()), said);
        server.run();
        // Until it follows again the next one may not go: two of three would be missing. Where nothing happens none is seen to
        // follow, so something does.
        until("the cluster is whole", LONG, || {
            let body = format!("{gone}, {}", said.len());
            api.say("web@tower", &body);
            said.push(body);
            // Seldom: a message a look, and no more than fit a page.
            pause(Duration::from_millis(500));
            server.follows("C2C")
        });
        assert_eq!(bodies(&mut web, said.len()), said);
    }
    web.ok("send_message", json!({"to": "api@laptop", "body": "all of it"}));
    assert_eq!(bodies(&mut api, 1), ["all of it"]);
    laptop.until_nothing_waits();
    tower.until_nothing_waits();
}
