//! The project's own style, checked like any other behaviour.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "tidy/faults.rs"]
mod faults;
#[path = "tidy/packages.rs"]
mod packages;

const FILE_MAX_LINES: usize = 400;
const FUNCTION_MAX_LINES: usize = 70;
const MEMBERS: [&str; 8] = ["proto", "broker", "shim", "cli", "tests", "torture", "benches", "fuzz"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace: its path from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = MEMBERS.iter().map(|member| root().join(member)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // What is built there is nobody's style.
                if !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 20, "the sources are found");
    found.sort();
    found
}

/// A line without its comment and without what stands in quotes.
fn code(line: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => out.push(char),
        }
    }
    out
}

/// Places where a word stands in code (as a whole word) outside the paths where it belongs.
fn strays(word: &str, allowed: &[&str]) -> Vec<String> {
    let belongs = |place: &String| allowed.iter().any(|path| place.starts_with(path));
    let (inside, outside): (Vec<String>, Vec<String>) = places(word).into_iter().partition(belongs);
    assert!(allowed.is_empty() || !inside.is_empty(), "{word} stands nowhere: this check would find nothing");
    outside
}

/// Places where a word stands in code, as a whole word: `file:line: code`.
fn places(word: &str) -> Vec<String> {
    let part_of_word = |char: char| char.is_alphanumeric() || char == '_';
    let mut found = Vec::new();
    for (name, text) in sources() {
        for (at, line) in text.lines().enumerate() {
            let line = code(line);
            let stands = line.match_indices(word).any(|(start, _)| {
                let before = line[..start].chars().next_back().is_some_and(part_of_word);
                let after = line[start + word.len()..].chars().next().is_some_and(part_of_word);
                !before && !after
            });
            if stands {
                found.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    found
}

#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn files_are_small() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > FILE_MAX_LINES)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    none("files that are too long", &long);
}

#[test]
fn functions_are_small() {
    let mut long = Vec::new();
    for (name, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let head = code(line);
            let starts =
                head.split_whitespace().take_while(|word| !word.contains('(')).any(|word| word == "fn");
            if !starts || head.trim_end().ends_with(';') || head.trim_end().ends_with('}') {
                continue;
            }
            let close = format!("{}}}", " ".repeat(indent));
            let length = lines[at..].iter().position(|line| *line == close).unwrap_or(0);
            let marked = lines[at.saturating_sub(4)..at].iter().any(|line| line.contains("too_many_lines"));
            if length >= FUNCTION_MAX_LINES && !marked {
                long.push(format!("{name}:{}: {length} lines", at + 1));
            }
        }
    }
    none("functions that are too long and not marked", &long);
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.trim_start().starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    none("files without a first line that says what they are", &silent);
}

#[test]
fn each_library_stays_in_its_place() {
    let speaks_mcp = [
        "shim/",
        "fuzz/src/arguments.rs",
        "fuzz/src/lines.rs",
        // A server that does nothing, beside which the shim is measured, and what the shim hands to the library.
        "benches/src/floors.rs",
        "benches/benches/micro/lines.rs",
    ];
    none("rmcp outside of shim", &strays("rmcp", &speaks_mcp));
    none(
        "sqlx outside of broker/src/store",
        // What looks at a store from outside, to say what is in it after a fault, has to do so without the broker.
        // And another program's file has to be made by something else than the broker. What one commit takes without a
        // broker is measured without it.
        &strays(
            "sqlx",
            &[
                "broker/src/store",
                "broker/build.rs",
                "broker/tests/",
                "tests/src/sqlite.rs",
                "torture/",
                "benches/src/floors.rs",
            ],
        ),
    );
    none("interprocess outside of proto/src/endpoint", &strays("interprocess", &["proto/src/endpoint"]));
    none("bincode outside of proto/src/codec.rs", &strays("bincode", &["proto/src/codec.rs"]));
    none(
        "the wall clock outside of broker/src/clock.rs",
        // A broker under torture reads one that can be set.
        &strays(
            "SystemTime::now",
            &["broker/src/clock.rs", "cli/src/cmd/hook/log.rs", "torture/src/vfs/clock.rs"],
        ),
    );
}

/// Whoever opens and closes a file that SQLite has open in the same process takes SQLite's locks away from it.
#[test]
fn d16_the_files_of_a_store_are_opened_before_sqlite_does_and_by_nobody_else() {
    let before = [
        "broker/src/store/create.rs",
        "broker/src/store/backup.rs",
        "broker/src/store/header.rs",
        "broker/src/store/wal.rs",
        // A process of its own, in which no store is open.
        "broker/src/store/restore.rs",
        // The id and the mark in the run folder, which are no files of SQLite's.
        "broker/src/store/open.rs",
        "broker/src/store/doubt.rs",
        "broker/src/store/tests/",
        "broker/src/store/seed/",
    ];
    let words =
        ["File::open", "File::create", "OpenOptions", "private_file", "fs::read", "fs::write", "fs::copy"];
    let strays: Vec<String> = words
        .iter()
        .flat_map(|word| places(word))
        .filter(|place| place.starts_with("broker/src/store/") || place.starts_with("broker/src/handle/"))
        .filter(|place| !before.iter().any(|path| place.starts_with(path)))
        .collect();
    none("files opened beside an open store", &strays);
}

#[test]
fn sql_stays_in_the_store() {
    let statements =
        ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "UPDATE ", "CREATE TABLE ", "PRAGMA "];
    let mut found = Vec::new();
    for (name, text) in sources() {
        if name.starts_with("broker/src/store")
            || name.starts_with("broker/tests/")
            || name.starts_with("torture/")
            // Looks at files that no broker has open, as another program's and backups.
            || name == "tests/src/sqlite.rs"
            // A database of its own, to see what a commit takes.
            || name == "benches/src/floors.rs"
            || name.ends_with("tidy.rs")
        {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let quoted = line
                .split('"')
                .skip(1)
                .step_by(2)
                .any(|text| statements.iter().any(|statement| text.trim_start().starts_with(statement)));
            if quoted {
                found.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    none("SQL outside of broker/src/store", &found);
}

#[test]
fn arrows_point_one_way() {
    none("proto knows nobody", &strays_in("proto/", &["c2c_broker", "c2c_shim", "c2c_harness"]));
    none("the shim knows proto only", &strays_in("shim/src/", &["c2c_broker", "c2c_harness"]));
    none("the broker knows proto only", &strays_in("broker/src/", &["c2c_shim", "c2c_harness"]));
    none("the cli asks the broker over the socket", &strays_in("cli/src/", &["c2c_broker", "c2c_shim"]));
    let store: Vec<String> = strays_in("broker/src/store", &["crate::hub", "crate::handle"]);
    none("the store knows neither hub nor handlers", &store);
    none("the hub does not know the store", &strays_in("broker/src/hub", &["crate::store", "crate::handle"]));
}

/// Places below a path where one of these words stands in code.
fn strays_in(path: &str, words: &[&str]) -> Vec<String> {
    words.iter().flat_map(|word| strays(word, &[])).filter(|place| place.starts_with(path)).collect()
}

#[test]
fn no_test_sleeps_without_a_reason() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        let tests = name.contains("/tests/") || name.starts_with("tests/") || name.ends_with("tests.rs");
        if !tests || name.ends_with("tidy.rs") || name == "tests/src/eventually.rs" {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let bare = code(line);
            let reason = line.contains("//") || at > 0 && lines[at - 1].trim_start().starts_with("//");
            let sleeps = [" sleep(", "::sleep(", " pause(", "c2c_harness::pause("]
                .iter()
                .any(|call| bare.contains(call));
            if sleeps && !bare.trim_start().starts_with("fn ") && !reason {
                found.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    none("sleeps without a reason", &found);
}

#[test]
fn limits_have_reasons_and_units() {
    let text = fs::read_to_string(root().join("proto/src/limits.rs")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub const ")) {
        assert!(at > 0 && lines[at - 1].starts_with("///"), "no reason beside: {line}");
    }
}
