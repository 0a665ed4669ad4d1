//! Whether Claude Code's sessions have c2c, and use this store with it.

use super::registered::{Registered, found, program_of_hook};
use super::report::{Check, Problem};
use crate::cmd::setup::places::Places;
use c2c_proto::paths::{STORE_VARIABLE, StorePaths};
use serde_json::Value;
use std::env;
use std::path::Path;

const SETUP: &str = "c2c setup";

/// The checks `registration`, `hooks` and `environment`.
pub(super) fn check(places: &Places, registered: &Registered) -> [Check; 3] {
    [registration(registered), hooks(registered), environment(places, registered)]
}

fn registration(registered: &Registered) -> Check {
    let mut problems: Vec<Problem> = registered
        .unreadable
        .iter()
        .map(|what| Problem::failed(format!("{what}: Claude Code cannot read it"), "correct that file"))
        .collect();
    for server in registered.servers.iter().filter(|server| found(&server.command).is_none()) {
        problems.push(Problem::failed(
            format!("{} starts {}, which does not exist", server.file.display(), server.command),
            format!("take the server {} out (`claude mcp remove {0}`), then {SETUP}", server.name),
        ));
    }
    let registers = !registered.servers.is_empty();
    if registers && registered.plugin {
        problems.push(Problem::warning(
            "the plugin is enabled and the server is registered, too: each session has two of everything",
            "`claude plugin uninstall c2c@c2c`, or `c2c uninstall`",
        ));
    }
    if !registers && !registered.plugin {
        if !registered.client {
            return Check::of("registration", problems, "Claude Code is not here, so nothing is registered");
        }
        let says = "Claude Code has no server that starts c2c-shim: its sessions do not have c2c";
        problems.push(Problem::failed(says, SETUP));
    }
    let fine = registered.servers.first().map_or_else(
        || "the plugin registers it".to_owned(),
        |server| format!("{} in {} starts {}", server.name, server.file.display(), server.command),
    );
    Check::of("registration", problems, fine)
}

fn hooks(registered: &Registered) -> Check {
    let mut problems = Vec::new();
    for command in &registered.hooks {
        let program = program_of_hook(command).filter(|program| found(program).is_none());
        if let Some(program) = program {
            problems.push(Problem::failed(
                format!("a hook calls {program}, which does not exist"),
                format!("take that hook out of Claude Code's settings, then {SETUP}"),
            ));
        }
    }
    problems.dedup_by(|one, other| one.same(other));
    if registered.hooks.is_empty() && !registered.plugin {
        if !registered.client {
            return Check::ok("hooks", "Claude Code is not here, so there are none");
        }
        let says = "Claude Code's settings have no hooks of c2c: its sessions are told of mail late or never";
        problems.push(Problem::warning(says, SETUP));
    }
    Check::of("hooks", problems, "they call a c2c that exists")
}

/// What the sessions are told that this program is not, and what both are told.
fn environment(places: &Places, registered: &Registered) -> Check {
    let mut problems = Vec::new();
    let own = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let mut sources: Vec<(String, &Value)> = vec![("Claude Code's settings".to_owned(), &registered.env)];
    let servers = registered.servers.iter();
    sources.extend(servers.map(|server| (server.file.display().to_string(), &server.env)));
    let mut names_store = false;
    for (source, variables) in &sources {
        let said = |name: &str| variables[name].as_str().filter(|value| !value.is_empty());
        if let Some(store) = said(STORE_VARIABLE) {
            names_store = true;
            let same = store_of(store, places).is_some_and(|there| there.store == places.store.store);
            if !same {
                problems.push(other_store(source, store, places));
            }
        }
        problems.extend(silenced(source, said("C2C_NAME"), said("C2C_PUSH")));
    }
    problems.extend(silenced("the environment", own("C2C_NAME").as_deref(), own("C2C_PUSH").as_deref()));
    let usual = places.home.join(".claude").join("c2c.db");
    let usual_is_meant = StorePaths::of_store(&usual).is_ok_and(|there| there.store == places.store.store);
    if own(STORE_VARIABLE).is_some() && !names_store && !usual_is_meant {
        problems.push(Problem::warning(
            format!(
                "{STORE_VARIABLE} is set here: a session that is started without it uses {}, and mail does not cross",
                usual.display()
            ),
            format!("unset {STORE_VARIABLE}, or set it in Claude Code's settings (\"env\") for every session"),
        ));
    }
    Check::of("environment", problems, format!("sessions use {}", places.store.store.display()))
}

fn store_of(named: &str, places: &Places) -> Option<StorePaths> {
    let path =
        Path::new(named).strip_prefix("~").map_or_else(|_| named.into(), |below| places.home.join(below));
    StorePaths::of_store(&path).ok()
}

fn other_store(source: &str, store: &str, places: &Places) -> Problem {
    let here = places.store.store.display();
    Problem::warning(
        format!(
            "{source} sets {STORE_VARIABLE} to {store}: those sessions use another store than {here}, no mail crosses"
        ),
        format!("take {STORE_VARIABLE} out there, or set it to {here}"),
    )
}

fn silenced(source: &str, name: Option<&str>, push: Option<&str>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if name == Some("-") {
        let says = format!("{source} sets C2C_NAME=-: such a session takes no name and gets no mail");
        problems.push(Problem::warning(says, "take C2C_NAME out there"));
    }
    if push == Some("off") {
        let says = format!("{source} sets C2C_PUSH=off: an idle session is not woken by mail");
        problems.push(Problem::warning(says, "take C2C_PUSH out there"));
    }
    problems
}
