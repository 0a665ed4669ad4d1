//! What is installed by people can be packaged: each such crate has its README, its licences and its metadata, and what it
//! copies from elsewhere in the repository is the same there. Files are copied and not linked, since a checkout on Windows
//! makes a link a file with a path in it.

use super::root;
use std::fs;

const INSTALLED: [&str; 4] = ["proto", "broker", "shim", "cli"];
/// A file of the repository, and the copy that comes with a crate.
const COPIES: [(&str, &str); 6] = [
    ("systemd/c2c-broker.service", "cli/assets/c2c-broker.service"),
    ("systemd/c2c-link.service", "cli/assets/c2c-link.service"),
    ("launchd/dev.c2c.broker.plist", "cli/assets/dev.c2c.broker.plist"),
    ("launchd/dev.c2c.link.plist", "cli/assets/dev.c2c.link.plist"),
    ("examples/CLAUDE.md", "cli/assets/CLAUDE.md"),
    ("plugin/hooks/hooks.json", "cli/assets/hooks.json"),
];

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn each_crate_that_is_installed_has_its_metadata() {
    for member in INSTALLED {
        let manifest = text(&format!("{member}/Cargo.toml"));
        for key in [
            "description = \"",
            "readme = \"README.md\"",
            "license.workspace = true",
            "rust-version.workspace = true",
            "keywords = [\"",
            "categories = [\"",
            "include = [\"/src\"",
        ] {
            assert!(manifest.lines().any(|line| line.starts_with(key)), "{member}/Cargo.toml has no {key}");
        }
    }
}

#[test]
fn each_crate_that_is_installed_says_what_it_is() {
    for member in INSTALLED {
        let manifest = text(&format!("{member}/Cargo.toml"));
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"');
        let readme = text(&format!("{member}/README.md"));
        assert_eq!(readme.lines().next(), Some(format!("# {name}").as_str()), "{member}/README.md");
        assert!(readme.contains("```"), "{member}/README.md has no example");
    }
}

#[test]
fn copies_in_crates_are_what_they_are_copies_of() {
    let licences = ["LICENSE-MIT", "LICENSE-APACHE"];
    let of_crates = INSTALLED
        .iter()
        .flat_map(|member| licences.map(|name| (name.to_owned(), format!("{member}/{name}"))));
    let others = COPIES.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
    for (from, to) in of_crates.chain(others) {
        assert!(text(&from) == text(&to), "{to} differs from {from}: cp {from} {to}");
    }
}

#[test]
fn what_a_crate_is_built_from_lies_in_it() {
    for (name, text) in super::sources() {
        let Some(member) = INSTALLED.iter().find(|member| name.starts_with(&format!("{member}/src/"))) else {
            continue;
        };
        // From the file's folder to the crate's own.
        let depth = name.matches('/').count() - member.matches('/').count() - 1;
        for (at, line) in text.lines().enumerate().filter(|(_, line)| line.contains("include_str!(")) {
            let up = line.matches("../").count();
            assert!(up <= depth, "{name}:{}: includes what is outside of {member}/", at + 1);
        }
    }
}
