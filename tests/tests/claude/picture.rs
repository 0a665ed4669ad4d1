//! Two sessions at work, as they look on a screen: what `docs/pictures/record.sh` makes its picture of.

use super::{STEP, TURN_OVER, reads_mail};
use c2c_harness::{Claude, Model, Sandbox, Session, when};
use serde_json::json;

/// The folder that the screens are written to, if it is set.
const FOLDER: &str = "C2C_PICTURE_DIR";

fn sized(claude: &Claude, sandbox: &Sandbox, name: &str, model: &Model) -> Session {
    claude.session(sandbox, name, model).size(84, 34).arg("--permission-mode").arg("default")
}

#[test]
fn two_sessions_at_work() {
    let Some(claude) = Claude::installed() else { return };
    let sandbox = Sandbox::new();
    let local_model = Model::start(vec![
        when("ready on port 8080").says("`online` is deployed and listens on port 8080; migration 0042 is through."),
        when("Ask online").says("I ask the session that deploys.").calls(
            "ask",
            json!({"to": "online", "body": "is the deploy done? which port, and did migration 0042 run?", "tag": "question"}),
        ),
    ]);
    let mut rules = vec![
        when("is the deploy done?")
            .says("local wants to know how far the deploy is. It is done, so I answer.")
            .calls(
                "send_message",
                json!({"reply_to": "$id", "body": "ready on port 8080, migration 0042 ran in 3.2 s"}),
            ),
        when("\"recipients\"").says("Answered local's question."),
        when("Deploy").says("Deployed. Nothing else to do."),
    ];
    rules.extend(reads_mail("question"));
    let online_model = Model::start(rules);
    let online = sized(&claude, &sandbox, "online", &online_model).interactive();
    online.enter("Deploy the branch and tell me when you are done.");
    online.shows(TURN_OVER);
    let local = sized(&claude, &sandbox, "local", &local_model).interactive();
    local.enter("Ask online whether the deploy is done.");
    local_model.sees("ready on port 8080", STEP);
    local.shows(TURN_OVER);
    online.shows("Answered");
    // The figure at its top moves for a while.
    local.shows("▝▝   ▝▝");
    if let Some(folder) = std::env::var_os(FOLDER) {
        for (name, terminal) in [("local", &local), ("online", &online)] {
            let path = std::path::Path::new(&folder).join(format!("{name}.screen"));
            let screen = terminal.coloured().replace(&sandbox.dir().to_string_lossy().into_owned(), "~");
            std::fs::write(path, screen).expect("the folder can be written");
        }
    }
    local.quit();
    online.quit();
}
