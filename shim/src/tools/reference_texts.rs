//! What `docs/tools.md` tells beyond the definitions: results, messages, errors. For the test that writes the page.

use c2c_proto::ErrorCode;

type Keys = &'static [(&'static str, &'static str)];

/// Each tool's results: the keys at the top.
pub(super) const RESULTS: [(&str, Keys); 12] = [
    (
        "register_session",
        &[
            ("session_id", "the session's id; it stays when the name changes"),
            ("name", "the name that it has now"),
            (
                "superseded",
                "if the name was taken from another session: its `session_id`, the `name` that it has now, and whether it was `online`",
            ),
        ],
    ),
    ("heartbeat", &[("ok", "`true`"), ("at", "the broker's time")]),
    (
        "list_sessions",
        &[
            (
                "sessions",
                "sorted by name, for each `session_id`, `name`, `is_self`, `online`, `waiting`, `unread`, `cwd`, `started_at`, `last_seen_at`, `client`, and `metadata` if it set any",
            ),
            ("more", "`true` if there are more"),
            ("next_after_name", "for the next page: give it as `after_name`"),
        ],
    ),
    (
        "send_message",
        &[
            ("id", "the message's id"),
            ("to", "as it was addressed"),
            ("tag", "its tag, if it has one"),
            (
                "recipients",
                "for each its `name`, whether it is `online`, `waiting` and `known`; for one that is not known `near`, known names like it",
            ),
            ("skipped_full", "of a broadcast: names that did not get it, because their mailboxes are full"),
            ("hint", "what to make of this, where there is something to be made of it"),
        ],
    ),
    (
        "inbox",
        &[
            ("messages", "ascending by `id`; see [a message](#a-message)"),
            ("more", "`true` if there are more"),
            ("next_after_id", "for the next page: give it as `after_id`"),
            ("next_before_id", "the same for `before_id`"),
            ("offset", "with `message_id`: where this page of the body begins"),
            ("next_offset", "with `message_id`, if there is more of the body: give it as `offset`"),
        ],
    ),
    (
        "mark_read",
        &[
            ("marked", "how many became read now"),
            ("already_read", "ids that were read before"),
            ("not_found", "ids that are not in this mailbox"),
        ],
    ),
    (
        "wait_for_message",
        &[
            ("messages", "what matches, at most 20; mail that was never shown comes first"),
            ("timed_out", "`true` if nothing came in time"),
            (
                "repeated",
                "`true` if all of it was shown before: then each message has its first 200 characters only",
            ),
            ("more", "`true` if more matches"),
            ("hint", "what to do next"),
        ],
    ),
    (
        "ask",
        &[
            ("id", "the question's id"),
            ("replies", "the answers, as [messages](#a-message)"),
            ("timed_out", "`true` if fewer answers came than were waited for"),
            ("missing", "who has not answered"),
            ("unknown", "at a time-out: those of them that no session is known as"),
            ("offline", "at a time-out: those of them that are known and not online"),
            ("hint", "what to do next"),
        ],
    ),
    (
        "set_state",
        &[
            ("key", "the entry's key"),
            ("version", "its version now: larger than every version that the store gave out before"),
            ("updated_at", "when it was set"),
            ("updated_by", "by whom"),
            ("expires_at", "when it expires, if it does"),
        ],
    ),
    (
        "get_state",
        &[
            (
                "entry",
                "with `key`: `key`, `value`, `version`, `updated_at`, `updated_by`, and `expires_at` if it expires; null if there is none",
            ),
            ("entries", "without `key`: the same for each; `value_chars` in the place of a long `value`"),
            ("more", "`true` if there are more"),
            ("next_after_key", "for the next page: give it as `after_key`"),
            ("timed_out", "with `newer_than`: `true` if nothing changed in time"),
        ],
    ),
    ("delete_state", &[("deleted", "whether there was anything")]),
    (
        "prune",
        &[
            ("messages_deleted", "how many messages"),
            ("sessions_deleted", "how many sessions"),
            ("state_deleted", "how many expired entries of the state"),
        ],
    ),
];

/// What a message is made of, wherever one is shown.
pub(super) const MESSAGE: &str = "
## A message

| key | what |
| --- | --- |
| `id` | grows with the order of the sends, and is never used again |
| `from_name`, `from_session` | the sender's name when it sent, and its session |
| `to` | as it was addressed: a name, a list, `\"*\"`, or `\"*@*\"` |
| `tag` | if it has one |
| `reply_to` | the id of what it answers, if it answers something |
| `thread` | the id of the first message of the chain of replies |
| `priority` | `normal` or `fyi` |
| `created_at` | UTC, ISO 8601 |
| `read_at` | when this session marked it read, if it did |
| `body` | the text. In a list it is cut at 8,000 characters: then there are `body_truncated` and `body_chars`, its length |
| `receipts` | with `sent`, for each recipient: `name`, `state` (`queued`, `shown` or `read`; for [other machines](many-machines.md) also `forwarded`, `delivered` or `expired`), `shown_at`, `read_at`, and `read_by`, the name of the session that read it |
";

/// What stands before the table of codes.
pub(super) const ERRORS: &str = "
## Errors

An error is `{code, message, hint, retry_safe}`. The codes are stable; `message` says what happened, `hint` what to do.
With `retry_safe: true` the same call may be made again. If an error has an `idempotency_key`, it is not known whether the
call was done: make it again with this key, and it is done once.

| code | what it means | retry_safe |
| --- | --- | --- |
";

/// What stands before the table of limits.
pub(super) const LIMITS: &str = "
## Limits

Over a limit, nothing is stored, and the error names the limit and the value. Some can be set lower, or higher, in [the
configuration](configuration.md).

| what | at most |
| --- | --- |
";

/// What a code means.
pub(super) const fn error(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NotRegistered => {
            "the session has no name (`C2C_NAME=-`), so it has no mailbox and cannot send"
        }
        ErrorCode::Superseded => "another session took this session's name",
        ErrorCode::InvalidArgument => {
            "an argument is missing, not known, of the wrong type or out of its range"
        }
        ErrorCode::TooLarge => "a value is over its limit",
        ErrorCode::NotFound => "the message or name does not exist, or is not for this session",
        ErrorCode::Conflict => {
            "the entry has another version than `if_version`, or the `idempotency_key` was used for another call"
        }
        ErrorCode::MailboxFull => "the recipient has as many unread messages as a mailbox holds",
        ErrorCode::RateLimited => {
            "too many messages in one thread within an hour; the text has the seconds to wait"
        }
        ErrorCode::StorageFull => "the disk is full; nothing was stored",
        ErrorCode::StorageFailed => "the store could not be read or written",
        ErrorCode::StoreRefused => "the file is not a store that may be opened; it was left untouched",
        ErrorCode::BrokerUnreachable => "no broker answers, and none could be started",
        ErrorCode::BrokerBusy => "the broker is at a limit of its own, or another program holds the store",
        ErrorCode::VersionMismatch => {
            "two programs of different versions have no protocol in common; the text says which is too old"
        }
        ErrorCode::ShuttingDown => "the broker is ending; another one takes over",
        ErrorCode::Internal => "a fault of c2c",
        ErrorCode::LinkDown => {
            "what all machines share cannot be reached; if it is not known whether a change was made, `retry_safe` is false"
        }
    }
}
