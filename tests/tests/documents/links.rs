//! Links of Markdown pages within the repository: where they lead, and whether anything is there.

use super::page::{root, text_of};
use std::path::Path;

/// Where the links of a text lead, without those to other machines.
pub(crate) fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target: String = line[at + 2..].chars().take_while(|char| *char != ')').collect();
            if !target.contains("://") && !target.starts_with("mailto:") {
                targets.push(target);
            }
        }
    }
    targets
}

/// The links of a page that lead nowhere.
pub(crate) fn broken(page: &str) -> Vec<String> {
    let lost = |target: &String| !leads(page, target);
    targets(&text_of(page)).into_iter().filter(lost).map(|target| format!("{page}: {target}")).collect()
}

fn leads(page: &str, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(page).parent().expect("a page lies in a folder");
    let path = if file.is_empty() { Path::new(page).to_owned() } else { folder.join(file) };
    if !root().join(&path).exists() {
        return false;
    }
    anchor.is_empty() || anchors(&text_of(&path.to_string_lossy())).iter().any(|own| own == anchor)
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut anchors = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
            anchors.push(kept.map(|char| if char == ' ' { '-' } else { char }).collect());
        }
    }
    anchors
}

#[test]
fn links_and_anchors_are_found() {
    let text = "# A `b`: c_d!\n[x](y.md#z) and [w](https://e.org) ![p](q.svg)\n```text\n[no](no)\n```\n";
    assert_eq!(targets(text), ["y.md#z", "q.svg"]);
    assert_eq!(anchors(text), ["a-b-c_d"]);
}
