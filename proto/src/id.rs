//! Identifiers that one side makes and the other only compares.

/// A message's id: strictly increasing in a store, never used again.
pub type MessageId = i64;

/// A state entry's version, drawn from one counter for the whole store.
pub type Version = i64;

/// What begins every key that a shim made for a call of its own.
pub const CALL_KEY_PREFIX: &str = "call:";

/// What begins, on the wire, every key that a model gave: a space of its own.
pub const MODEL_KEY_PREFIX: &str = "model:";

/// A new key for one tool call; kept over reconnects, so that a repeated call is recognised.
#[must_use]
pub fn new_call_key() -> String {
    format!("{CALL_KEY_PREFIX}{}", uuid::Uuid::now_v7())
}

/// A new id for a session row, a store, or a process.
#[must_use]
pub fn new_unique_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Whether another machine may say that this is a store's id: 1 to 64 letters, digits and dashes, which mean nothing in a shell.
#[must_use]
pub fn is_store_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The key as it travels, for an `idempotency_key` that a model gave: a key that an error text handed out
/// (`call:` and a UUID) is the shim's own again; any other stays in the model's space.
#[must_use]
pub fn key_from_model(given: &str) -> String {
    let own = given.strip_prefix(CALL_KEY_PREFIX).is_some_and(|rest| uuid::Uuid::try_parse(rest).is_ok());
    if own { given.to_owned() } else { format!("{MODEL_KEY_PREFIX}{given}") }
}

#[cfg(test)]
mod tests {
    use super::{is_store_id, key_from_model, new_call_key, new_unique_id};

    #[test]
    fn a_stores_id_is_plain() {
        assert!(is_store_id(&new_unique_id()));
        for bad in ["", "a b", "$(id)", "a;b", &"x".repeat(65)] {
            assert!(!is_store_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_key_from_an_error_text_is_the_shims_own_again() {
        let key = new_call_key();
        assert_eq!(key_from_model(&key), key);
    }

    #[test]
    fn any_other_key_cannot_collide_with_a_shims_own() {
        assert_eq!(key_from_model("deploy-7"), "model:deploy-7");
        assert_eq!(key_from_model("call:not-a-uuid"), "model:call:not-a-uuid");
        assert_eq!(key_from_model("model:x"), "model:model:x");
    }
}
