//! What lies in a home before the client starts: that its questions of the first start are answered.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// What the client shows the scripted model as its key.
pub(super) const KEY: &str = "scripted-key";

/// The plugin of this repository.
pub(super) fn plugin() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
    root.join("plugin")
}

/// Answers the questions of the first start, and trusts one folder more.
pub(super) fn trust(home: &Path, folder: &Path) {
    let path = home.join(".claude.json");
    let mut state: Value = fs::read_to_string(&path)
        .ok()
        .map_or_else(|| json!({}), |text| serde_json::from_str(&text).expect("the client writes JSON"));
    state["hasCompletedOnboarding"] = json!(true);
    state["theme"] = json!("dark");
    state["customApiKeyResponses"] = json!({"approved": [KEY], "rejected": []});
    let trusted = json!({"hasTrustDialogAccepted": true, "hasCompletedProjectOnboarding": true});
    state["projects"][folder.to_string_lossy().as_ref()] = trusted;
    fs::write(&path, state.to_string()).expect("the home can be written");
}
