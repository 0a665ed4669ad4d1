//! Who sits at the terminal.

use c2c_proto::name::derive;

/// What the person's own mailbox is called: this and the login.
const PREFIX: &str = "user-";
/// Where systems keep the login, the likeliest first.
const VARIABLES: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];

/// `user-<login>`, made a name; `user-me` where the system does not say who it is.
pub(crate) fn name() -> String {
    named(VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|login| !login.is_empty())))
}

fn named(login: Option<String>) -> String {
    let login = login.unwrap_or_else(|| "me".to_owned());
    derive(&format!("{PREFIX}{login}"))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_login_becomes_a_name() {
        assert_eq!(named(Some("ada".to_owned())), "user-ada");
        assert_eq!(named(Some("DOMAIN\\ada b".to_owned())), "user-DOMAIN-ada-b");
        assert_eq!(named(None), "user-me");
    }
}
