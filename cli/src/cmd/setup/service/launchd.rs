//! macOS: an agent of launchd.

use super::super::edit::{Edit, Wish};
use super::super::places::Places;
use super::super::settings::as_text;
use super::{Daemon, Service, Step, named_store};
use std::path::Path;

/// The agents, as they can also be installed by hand, and what stands for the program in them.
const BROKER: (&str, &str) = (include_str!("../../../../assets/dev.c2c.broker.plist"), "@BROKER@");
const LINK: (&str, &str) = (include_str!("../../../../assets/dev.c2c.link.plist"), "@LINK@");
/// Before it another variable can be put in.
const HOME_KEY: &str = "    <key>HOME</key>\n";

/// What launchd calls it.
pub(super) const fn label(daemon: Daemon) -> &'static str {
    match daemon {
        Daemon::Broker => "dev.c2c.broker",
        Daemon::Link => "dev.c2c.link",
    }
}

pub(super) fn service(places: &Places, daemon: Daemon, program: &Path, uid: u32) -> anyhow::Result<Service> {
    let label = label(daemon);
    let path = places.home.join("Library").join("LaunchAgents").join(format!("{label}.plist"));
    let text = plist(daemon, as_text(program)?, as_text(&places.home)?, named_store(places)?);
    let (domain, agent) = (format!("gui/{uid}"), format!("gui/{uid}/{label}"));
    let bootout = Step::new(&["launchctl", "bootout", &agent]);
    let bootstrap = Step::new(&["launchctl", "bootstrap", &domain, as_text(&path)?]);
    Ok(Service {
        daemon,
        folders: vec![places.home.join("Library").join("Logs")],
        // One that is loaded already is loaded anew.
        start: vec![bootout.clone().that_may_fail(), bootstrap],
        stop: vec![bootout],
        forget: Vec::new(),
        needs: "it needs a session at the machine's screen (not only ssh)",
        unit: Some(Edit { path, wish: Wish::Whole(text) }),
    })
}

/// The agent with the paths filled in.
fn plist(daemon: Daemon, program: &str, home: &str, store: Option<&str>) -> String {
    let (text, mark) = match daemon {
        Daemon::Broker => BROKER,
        Daemon::Link => LINK,
    };
    let text = text.replace(mark, &escaped(program)).replace("@HOME@", &escaped(home));
    let Some(store) = store else { return text };
    let variable = format!("    <key>CLAUDE_C2C_DB</key>\n    <string>{}</string>\n", escaped(store));
    text.replacen(HOME_KEY, &format!("{variable}{HOME_KEY}"), 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::{Daemon, plist};
    use serde_json::{Value, json};

    /// The property list as JSON: a reader of the few kinds of values that stand in ours.
    fn parsed(text: &str) -> Value {
        let text: String = text.split("<!--").enumerate().fold(String::new(), |all, (index, part)| {
            all + if index == 0 { part } else { part.split_once("-->").unwrap().1 }
        });
        let body = text.split_once("<plist version=\"1.0\">").unwrap().1;
        let mut rest = body.trim_start();
        let value = value(&mut rest);
        assert_eq!(rest.trim(), "</plist>");
        value
    }

    fn value(rest: &mut &str) -> Value {
        let (tag, after) = rest.trim_start().strip_prefix('<').unwrap().split_once('>').unwrap();
        *rest = after;
        match tag {
            "true/" => return json!(true),
            "false/" => return json!(false),
            "dict" => {
                let mut dict = serde_json::Map::new();
                while !ends(rest, tag) {
                    let Value::String(key) = value(rest) else { panic!("a key: {rest}") };
                    assert!(dict.insert(key, value(rest)).is_none());
                }
                return Value::Object(dict);
            }
            "array" => {
                let mut array = Vec::new();
                while !ends(rest, tag) {
                    array.push(value(rest));
                }
                return Value::Array(array);
            }
            _ => {}
        }
        let (content, after) = rest.split_once(&format!("</{tag}>")).unwrap();
        *rest = after;
        let content = content.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        match tag {
            "key" | "string" => json!(content),
            "integer" => json!(content.parse::<i64>().unwrap()),
            other => panic!("<{other}>"),
        }
    }

    fn ends(rest: &mut &str, tag: &str) -> bool {
        let end = rest.trim_start().strip_prefix(&format!("</{tag}>"));
        end.map(|after| *rest = after).is_some()
    }

    #[test]
    fn the_agent_has_every_key_that_launchd_needs() {
        let agent = parsed(&plist(Daemon::Broker, "/a & b/c2c-broker", "/Users/<ada>", Some("/my/c2c.db")));
        let expected = json!({
            "Label": "dev.c2c.broker",
            "ProgramArguments": ["/a & b/c2c-broker", "--service"],
            "EnvironmentVariables": {"CLAUDE_C2C_DB": "/my/c2c.db", "HOME": "/Users/<ada>"},
            "RunAtLoad": true,
            "KeepAlive": {"SuccessfulExit": false},
            "ThrottleInterval": 2,
            "ExitTimeOut": 5,
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardErrorPath": "/Users/<ada>/Library/Logs/c2c-broker.log",
        });
        assert_eq!(agent, expected);
        let usual = parsed(&plist(Daemon::Broker, "/b/c2c-broker", "/Users/ada", None));
        assert_eq!(usual["EnvironmentVariables"], json!({"HOME": "/Users/ada"}));
    }

    #[test]
    fn the_links_agent_is_another_one() {
        let agent = parsed(&plist(Daemon::Link, "/b/c2c-link", "/Users/ada", Some("/my/c2c.db")));
        let expected = json!({
            "Label": "dev.c2c.link",
            "ProgramArguments": ["/b/c2c-link"],
            "EnvironmentVariables": {"CLAUDE_C2C_DB": "/my/c2c.db", "HOME": "/Users/ada"},
            "RunAtLoad": true,
            "KeepAlive": {"SuccessfulExit": false},
            "ThrottleInterval": 15,
            "ExitTimeOut": 5,
            "ProcessType": "Background",
            "Umask": 0o077,
            "StandardErrorPath": "/Users/ada/Library/Logs/c2c-link.log",
        });
        assert_eq!(agent, expected);
    }
}
