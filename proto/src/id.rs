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

/// The key as it travels, for an `idempotency_key` that a model gave: a key that an error text handed out
/// (`call:` and a UUID) is the shim's own again; any other stays in the model's space.
#[must_use]
pub fn key_from_model(given: &str) -> String {
    let own = given.strip_prefix(CALL_KEY_PREFIX).is_some_and(|rest| uuid::Uuid::try_parse(rest).is_ok());
    if own { given.to_owned() } else { format!("{MODEL_KEY_PREFIX}{given}") }
}

#[cfg(test)]
mod tests {
    use super::{key_from_model, new_call_key};

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
