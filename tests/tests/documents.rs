//! The documents: the commands in them run, the calls in them succeed, and what they link to is there.
//!
//! What is run: each block of a page that is fenced as `sh` or as `text calls`, in order, in one sandbox for the page.
//! A page says in a comment which sessions it needs: `<!-- sessions: api web -->` for sessions that do what the page's
//! calls tell them, `<!-- answering: review -->` for sessions that answer whatever they get. `sh norun` is not run, and
//! a comment before it says why.
#![cfg(unix)]

#[path = "documents/calls.rs"]
mod calls;
#[path = "documents/links.rs"]
mod links;
#[path = "documents/page.rs"]
mod page;
#[path = "documents/stage.rs"]
mod stage;

use c2c_harness::Sandbox;
use page::{Page, Step, pages, root, text_of};
use stage::Stage;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Fences that a reader takes for a shell's, and that nothing here would run.
const SHELLS: [&str; 6] = ["bash", "console", "shell", "zsh", "shell-session", "powershell"];

/// The pages whose commands are run: the book without its records, and the first page of all.
fn told() -> Vec<Page> {
    let mut told: Vec<Page> =
        pages("docs").into_iter().filter(|page| !page.name.starts_with("docs/decisions/")).collect();
    told.push(Page::read("README.md"));
    told
}

#[test]
fn the_commands_and_calls_of_every_page_run() {
    let mut failed = Vec::new();
    let mut steps = 0;
    for page in told() {
        steps += page.steps.len();
        if !page.steps.is_empty() && catch_unwind(AssertUnwindSafe(|| play(&page))).is_err() {
            failed.push(page.name);
        }
    }
    assert!(failed.is_empty(), "these pages tell what does not work (see above): {failed:?}");
    assert!(steps > 30, "only {steps} blocks were found");
}

fn play(page: &Page) {
    let mut stage = Stage::new(page);
    for step in &page.steps {
        match step {
            Step::Sh { line, script, output } => stage.sh(*line, script, output.as_deref()),
            Step::Calls { line, text } => stage.calls(*line, text),
        }
    }
    stage.end();
}

#[test]
fn what_is_not_run_says_why() {
    let mut silent = Vec::new();
    for page in told() {
        silent.extend(page.unexplained.iter().map(|line| format!("{}:{line}", page.name)));
    }
    assert!(silent.is_empty(), "`sh norun` without a comment on the line before: {silent:?}");
}

#[test]
fn no_block_of_commands_is_marked_as_something_else() {
    let mut others = Vec::new();
    for page in told() {
        let odd = page.fences.iter().filter(|(_, word)| SHELLS.contains(&word.as_str()));
        others.extend(odd.map(|(line, word)| format!("{}:{line}: {word}", page.name)));
    }
    assert!(others.is_empty(), "write sh, so that it is run: {others:?}");
}

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = text_of("docs/SUMMARY.md");
    let mut linked = links::targets(&summary);
    linked.sort();
    let mut there: Vec<String> = pages("docs")
        .into_iter()
        .filter_map(|page| page.name.strip_prefix("docs/").map(str::to_owned))
        .filter(|name| name != "SUMMARY.md")
        .collect();
    there.sort();
    assert_eq!(linked, there, "docs/SUMMARY.md (left) and the pages of docs/ (right)");
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for folder in ["docs", "examples", "plugin", "systemd", "launchd"] {
        for page in pages(folder) {
            broken.extend(links::broken(&page.name));
        }
    }
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"] {
        broken.extend(links::broken(page));
    }
    assert!(broken.is_empty(), "links to nothing:\n  {}", broken.join("\n  "));
}

#[test]
fn no_page_of_the_book_links_to_what_is_not_in_it() {
    let docs = root().join("docs").canonicalize().unwrap();
    let mut outside = Vec::new();
    for page in pages("docs") {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for target in links::targets(&text_of(&page.name)) {
            let file = target.split('#').next().unwrap_or_default();
            if !folder.join(file).canonicalize().is_ok_and(|path| path.starts_with(&docs)) {
                outside.push(format!("{}: {target}", page.name));
            }
        }
    }
    assert!(outside.is_empty(), "mdBook does not take these along: {outside:#?}");
}

/// The commands that `c2c --help` lists.
fn commands() -> BTreeSet<String> {
    let help = Sandbox::new().person(&["--help"]);
    let list = help.split_once("Commands:\n").expect("a list of commands").1;
    let list = list.split_once("\n\n").expect("something follows").0;
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn the_table_of_commands_has_all_of_them() {
    let table = text_of("docs/commands.md");
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `c2c ")?.split(['`', ' ']).next());
    let told: BTreeSet<String> = cells.map(str::to_owned).collect();
    assert_eq!(told, commands(), "docs/commands.md (left) and `c2c --help` (right)");
}

#[test]
fn every_command_that_is_named_exists() {
    let known = commands();
    let mut strange = Vec::new();
    let mut pages = told();
    pages.extend(["ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md"].map(Page::read));
    for page in pages {
        let text = text_of(&page.name);
        // The odd ones of what backticks divide are code; `c2c` alone, and options, name no command.
        let named = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("c2c "));
        let words = named.filter_map(|rest| rest.split_whitespace().next());
        let unknown = words.filter(|word| word.starts_with(char::is_lowercase) && !known.contains(*word));
        strange.extend(unknown.map(|word| format!("{}: c2c {word}", page.name)));
    }
    assert!(strange.is_empty(), "commands that do not exist: {strange:?}");
}

#[test]
fn the_configuration_that_is_shown_is_one() {
    let page = text_of("docs/configuration.md");
    let shown = page.split_once("```toml\n").expect("a configuration").1;
    let shown = shown.split_once("```").expect("the end of it").0;
    // A broker that does not like it says so to the first session.
    let sandbox = Sandbox::with_config(shown);
    drop(sandbox.session("api"));
    let sandbox = Sandbox::with_config(&format!("{shown}\nmore = 1\n"));
    let answer = sandbox.shim().name("api").start().call("heartbeat", serde_json::json!({}));
    assert!(answer.is_error, "a configuration is read: {}", answer.text);
}

/// Where there is no Python the picture cannot be drawn, and nobody has drawn another one there.
#[test]
fn the_picture_of_the_parts_is_the_one_that_its_script_draws() {
    let script = root().join("docs/pictures/architecture.py");
    let Ok(drawn) = std::process::Command::new("python3").arg(script).output() else {
        c2c_harness::skipped("there is no python3");
        return;
    };
    let drawn = String::from_utf8(drawn.stdout).expect("a picture is text");
    assert_eq!(drawn, text_of("docs/pictures/architecture.svg"), "draw it again");
}
