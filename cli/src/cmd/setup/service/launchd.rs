//! macOS: an agent of launchd.

use super::super::edit::{Edit, Wish};
use super::super::places::Places;
use super::super::settings::as_text;
use super::{Service, Step, named_store};
use std::path::Path;

/// The agent, as it can also be installed by hand.
const PLIST: &str = include_str!("../../../../assets/dev.c2c.broker.plist");
const LABEL: &str = "dev.c2c.broker";
/// Before it another variable can be put in.
const HOME_KEY: &str = "    <key>HOME</key>\n";

pub(super) fn service(places: &Places, broker: &Path, uid: u32) -> anyhow::Result<Service> {
    let path = places.home.join("Library").join("LaunchAgents").join(format!("{LABEL}.plist"));
    let text = plist(as_text(broker)?, as_text(&places.home)?, named_store(places)?);
    let (domain, agent) = (format!("gui/{uid}"), format!("gui/{uid}/{LABEL}"));
    let bootout = Step::new(&["launchctl", "bootout", &agent]);
    let bootstrap = Step::new(&["launchctl", "bootstrap", &domain, as_text(&path)?]);
    Ok(Service {
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
fn plist(broker: &str, home: &str, store: Option<&str>) -> String {
    let text = PLIST.replace("@BROKER@", &escaped(broker)).replace("@HOME@", &escaped(home));
    let Some(store) = store else { return text };
    let variable = format!("    <key>CLAUDE_C2C_DB</key>\n    <string>{}</string>\n", escaped(store));
    text.replacen(HOME_KEY, &format!("{variable}{HOME_KEY}"), 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::plist;
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
        let agent = parsed(&plist("/a & b/c2c-broker", "/Users/<ada>", Some("/my/c2c.db")));
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
        let usual = parsed(&plist("/b/c2c-broker", "/Users/ada", None));
        assert_eq!(usual["EnvironmentVariables"], json!({"HOME": "/Users/ada"}));
    }
}
