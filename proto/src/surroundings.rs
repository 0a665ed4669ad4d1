//! Who a client's session is, from what surrounds a process that the client started, its shim or a hook: environment,
//! working directory, the client's own process.
//!
//! Owns the reading of the environment; what follows from it (the name, whether two are the same) is the broker's.

use crate::hello::Identity;
use crate::id::new_unique_id;

/// The hello has to fit a small frame: nothing in it may be longer than this.
const TEXT_MAX_BYTES: usize = 1_024;
/// `C2C_NAME` that turns the automatic name off.
const NO_NAME: &str = "-";

/// What surrounds the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `C2C_NAME`.
    pub name: Option<String>,
    /// `CLAUDE_CODE_SESSION_ID`.
    pub client_session: Option<String>,
    /// `CLAUDE_PROJECT_DIR`.
    pub project_dir: Option<String>,
    /// The working directory.
    pub cwd: String,
    /// The client's process, as [`crate::process::describe`] names it.
    pub parent: String,
}

impl Surroundings {
    /// Those of this process. `parent`: the client's process.
    #[must_use]
    pub fn read(parent: String) -> Self {
        let cwd = std::env::current_dir().map(|dir| dir.to_string_lossy().into_owned());
        Self {
            name: variable("C2C_NAME"),
            client_session: variable("CLAUDE_CODE_SESSION_ID"),
            project_dir: variable("CLAUDE_PROJECT_DIR"),
            // A folder that was removed has no path any more.
            cwd: cwd.unwrap_or_default(),
            parent,
        }
    }

    /// The identity that goes to the broker. `client`: the MCP client's name and version, as it said them.
    #[must_use]
    pub fn identity(self, client: &str) -> Identity {
        let automatic = self.name.as_deref() != Some(NO_NAME);
        let cwd = short(&self.cwd);
        Identity {
            key: new_unique_id(),
            session_id: None,
            automatic,
            wanted_name: self.name.filter(|_| automatic).map(|name| short(&name)),
            client_session: self.client_session.map(|id| short(&id)),
            parent: self.parent,
            project_dir: self.project_dir.map_or_else(|| cwd.clone(), |dir| short(&dir)),
            cwd,
            client: short(client),
        }
    }
}

/// An environment variable; an empty one is an absent one.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// The last part of a text that is too long: of a path that is what tells it from others.
fn short(text: &str) -> String {
    let mut from = text.len().saturating_sub(TEXT_MAX_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, TEXT_MAX_BYTES};

    fn surroundings(name: Option<&str>) -> Surroundings {
        Surroundings {
            name: name.map(str::to_owned),
            client_session: Some("s1".to_owned()),
            project_dir: None,
            cwd: "/home/x/repo".to_owned(),
            parent: "7:99".to_owned(),
        }
    }

    #[test]
    fn the_working_directory_stands_in_for_the_project() {
        let identity = surroundings(None).identity("claude-code 2.1.330");
        assert_eq!((identity.project_dir.as_str(), identity.automatic), ("/home/x/repo", true));
        assert_eq!((identity.wanted_name, identity.client.as_str()), (None, "claude-code 2.1.330"));
        let project = Surroundings { project_dir: Some("/p".to_owned()), ..surroundings(None) };
        assert_eq!(project.identity("").project_dir, "/p");
    }

    #[test]
    fn a_dash_turns_the_automatic_name_off() {
        let identity = surroundings(Some("-")).identity("");
        assert_eq!((identity.automatic, identity.wanted_name), (false, None));
        let identity = surroundings(Some("api")).identity("");
        assert_eq!((identity.automatic, identity.wanted_name.as_deref()), (true, Some("api")));
    }

    #[test]
    fn every_process_has_a_key_of_its_own() {
        assert_ne!(surroundings(None).identity("").key, surroundings(None).identity("").key);
    }

    #[test]
    fn long_texts_fit_the_first_frame() {
        let long = "é".repeat(40_000);
        let given = Surroundings {
            name: Some(long.clone()),
            client_session: Some(long.clone()),
            project_dir: Some(format!("{long}/end")),
            cwd: long.clone(),
            parent: String::new(),
        };
        let identity = given.identity(&long);
        assert!(identity.project_dir.ends_with("/end"));
        for text in [&identity.project_dir, &identity.cwd, &identity.client] {
            assert!(text.len() <= TEXT_MAX_BYTES);
        }
    }
}
