//! What c2c costs a session that never uses it.

use super::STEP;
use c2c_harness::{Claude, Model, ModelRequest, Sandbox, Wiring};

/// A rule of thumb; the texts are English, with some JSON.
const CHARS_PER_TOKEN: usize = 4;
const TOKENS_MAX: usize = 3_000;

/// The first request of a session: its tools and the lines of its texts, without what the test's own folder makes of them.
struct First {
    tools: Vec<String>,
    lines: Vec<String>,
}

fn first_request(claude: &Claude, wiring: Wiring) -> First {
    let sandbox = Sandbox::new();
    let model = Model::start(Vec::new());
    let session = claude.session(&sandbox, "project", &model).wired(wiring);
    session.print("Say that you are done.").finish(STEP);
    let requests = model.requests();
    let request: &ModelRequest = requests.first().expect("one request at least");
    let folder = sandbox.dir().to_string_lossy().into_owned();
    let text = request.everything().replace(&folder, "").replace(&folder.replace('/', "-"), "");
    let tools = request.body["tools"].as_array().into_iter().flatten();
    First {
        tools: tools.map(ToString::to_string).collect(),
        lines: text.lines().map(str::to_owned).collect(),
    }
}

/// What a request holds that another one lacks, in characters: tools, and texts line by line.
fn added(with: &First, without: &First) -> usize {
    let mut total = 0;
    for (kind, with, without) in
        [("tools", &with.tools, &without.tools), ("text", &with.lines, &without.lines)]
    {
        let more: Vec<&String> = with.iter().filter(|item| !without.contains(item)).collect();
        let chars: usize = more.iter().map(|item| item.chars().count() + 1).sum();
        println!("{kind}: {} more, {chars} characters", more.len());
        for item in more {
            println!("    {} {}", item.chars().count(), item.chars().take(100).collect::<String>());
        }
        total += chars;
    }
    total
}

#[test]
fn a_session_that_never_uses_c2c_pays_little_for_it() {
    let Some(claude) = Claude::installed() else { return };
    let without = first_request(&claude, Wiring::None);
    for wiring in [Wiring::Server, Wiring::Plugin] {
        println!("{wiring:?}:");
        let chars = added(&first_request(&claude, wiring), &without);
        let tokens = chars / CHARS_PER_TOKEN;
        println!("{wiring:?}: {chars} characters, about {tokens} tokens");
        assert!(chars > 0, "c2c is there");
        assert!(tokens < TOKENS_MAX, "{wiring:?} costs {chars} characters, about {tokens} tokens");
    }
}
