//! One page of Markdown: what is to be run of it, in which company, and what is not. Knows nothing of how.

use std::fs;
use std::path::{Path, PathBuf};

/// What stands before and after a remark that a reader does not see.
const REMARK: (&str, &str) = ("<!--", "-->");

/// A page and what is to be run of it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Its path from the root.
    pub(crate) name: String,
    /// Sessions that do what the calls of the page say.
    pub(crate) sessions: Vec<String>,
    /// Sessions that answer whatever they get.
    pub(crate) answering: Vec<String>,
    /// What is run, in order.
    pub(crate) steps: Vec<Step>,
    /// The first word of each fence, with its line.
    pub(crate) fences: Vec<(usize, String)>,
    /// Lines of blocks that are not run and do not say why.
    pub(crate) unexplained: Vec<usize>,
}

/// One block.
#[derive(Debug)]
pub(crate) enum Step {
    /// Commands, and the output that the page promises, if it does.
    Sh { line: usize, script: String, output: Option<String> },
    /// Tool calls of sessions.
    Calls { line: usize, text: String },
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The text of a file of the repository.
#[track_caller]
pub(crate) fn text_of(name: &str) -> String {
    let text = fs::read_to_string(root().join(name));
    text.unwrap_or_else(|error| panic!("{name}: {error}")).replace("\r\n", "\n")
}

/// Every page below a folder of the repository. What mdBook built there is no page of ours.
pub(crate) fn pages(folder: &str) -> Vec<Page> {
    let mut names = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("docs/book") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(root()).expect("below the root").to_string_lossy();
                names.push(name.replace('\\', "/"));
            }
        }
    }
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

impl Page {
    /// Reads a page of the repository.
    #[track_caller]
    pub(crate) fn read(name: &str) -> Self {
        let mut page = Self { name: name.to_owned(), ..Self::default() };
        let text = text_of(name);
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].trim();
            if let Some(info) = line.strip_prefix("```") {
                let inside = lines[at + 1..].iter().take_while(|line| line.trim() != "```");
                let inside: Vec<&str> = inside.copied().collect();
                let before = at.checked_sub(1).map_or("", |before| lines[before].trim());
                page.block(at + 1, info, &inside.join("\n"), before);
                at += inside.len() + 1;
            } else if let Some(remark) = remark(line) {
                page.remark(remark);
            }
            at += 1;
        }
        page
    }

    fn remark(&mut self, remark: &str) {
        for (word, list) in [("sessions:", &mut self.sessions), ("answering:", &mut self.answering)] {
            if let Some(names) = remark.strip_prefix(word) {
                list.extend(names.split_whitespace().map(str::to_owned));
            }
        }
    }

    fn block(&mut self, line: usize, info: &str, text: &str, before: &str) {
        let words: Vec<&str> = info.split_whitespace().collect();
        self.fences.push((line, words.first().copied().unwrap_or_default().to_owned()));
        match words[..] {
            ["sh"] => self.steps.push(Step::Sh { line, script: text.to_owned(), output: None }),
            ["sh", "norun"] if remark(before).is_some_and(|why| !why.is_empty()) => {}
            ["sh", "norun"] => self.unexplained.push(line),
            ["text", "calls"] => self.steps.push(Step::Calls { line, text: text.to_owned() }),
            ["text", "output"] => match self.steps.last_mut() {
                Some(Step::Sh { output, .. }) if output.is_none() => *output = Some(text.to_owned()),
                _ => panic!("{}:{line}: this output belongs to no commands", self.name),
            },
            // Other languages may say what they like; with these two it would be a slip of the pen.
            [first, ..] if words.len() > 1 && ["sh", "text"].contains(&first) => {
                panic!("{}:{line}: what is `{info}`?", self.name)
            }
            _ => {}
        }
    }
}

fn remark(line: &str) -> Option<&str> {
    Some(line.strip_prefix(REMARK.0)?.strip_suffix(REMARK.1)?.trim())
}
