//! A store that is restored while its link runs: it has another id from then on, and its mail goes on.

use super::machine::{bodies, two};
use c2c_harness::NatsServer;
use serde_json::json;

#[test]
fn mail_goes_on_when_a_store_is_restored_under_a_running_link() {
    let Some(server) = NatsServer::start(&["laptop", "tower"]) else { return };
    let (laptop, tower) = two(&server);
    let (mut api, mut web) = (laptop.sandbox.session("api"), tower.sandbox.session("web"));
    let mut said = vec!["before the backup".to_owned()];
    api.say("web@tower", &said[0]);
    assert_eq!(bodies(&mut web, 1), said);
    laptop.until_nothing_waits();
    let backup = laptop.sandbox.dir().join("backup.db");
    let _made = laptop.sandbox.person(&["backup", backup.to_str().unwrap()]);
    for round in 0..2 {
        let body = format!("after the backup {round}");
        api.say("web@tower", &body);
        said.push(body);
        assert_eq!(bodies(&mut web, said.len()), said);
        let restored = laptop.sandbox.c2c(&["restore", backup.to_str().unwrap(), "--yes", "--quiet"]);
        assert_eq!(restored.status, Some(0), "{restored:?}");
        // At once: the link has hardly seen that its broker is another one.
        for number in 0..5 {
            let body = format!("after the restore {round}.{number}");
            api.say("web@tower", &body);
            said.push(body);
        }
        assert_eq!(bodies(&mut web, said.len()), said);
        laptop.until_nothing_waits();
    }
    // And answers find their way back.
    let last = web.ok("inbox", json!({"unread_only": false, "limit": 500}))["messages"][said.len() - 1]["id"]
        .clone();
    web.ok("send_message", json!({"reply_to": last, "body": "seen"}));
    assert_eq!(bodies(&mut api, 1), ["seen"]);
}
