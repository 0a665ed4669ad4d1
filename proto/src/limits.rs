//! Every limit of the product: one constant, its unit in the name, its reason beside it.
//!
//! Going over a limit is a typed error that names limit and value, and nothing is stored. Those that a person may
//! set in `c2c.toml` are gathered in the broker's configuration with these as their defaults.

/// A message's body. A frame, a line and a reader need a bound; 8 MiB is far above what a model can read.
pub const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// A tag is a filter word, not a text.
pub const TAG_MAX_CHARS: usize = 64;
/// A name can be typed in a shell and fits a list.
pub const NAME_MAX_CHARS: usize = 64;
/// A node: a label of a host's name, RFC 1035, so that hosts lend their names.
pub const NODE_MAX_CHARS: usize = 63;
/// A name that is derived from a folder leaves room for `-2`, `-3` … up to [`NAME_MAX_CHARS`].
pub const DERIVED_NAME_MAX_CHARS: usize = 56;
/// A key of the shared state.
pub const STATE_KEY_MAX_BYTES: usize = 512;
/// A value of the shared state, as JSON text: state is for facts, not for files.
pub const STATE_VALUE_MAX_BYTES: usize = 1024 * 1024;
/// A session's metadata, as JSON text; it is repeated in every list of sessions.
pub const METADATA_MAX_BYTES: usize = 16 * 1024;
/// Names in one list of recipients.
pub const RECIPIENTS_MAX: usize = 256;
/// `inbox(limit)`, at most.
pub const INBOX_LIMIT_MAX: u32 = 500;
/// `inbox(limit)` when none is given.
pub const INBOX_LIMIT_DEFAULT: u32 = 20;
/// Messages that one wait returns, at most: what a model can act on in one turn.
pub const WAIT_MESSAGES_MAX: u32 = 20;
/// Ids in one `mark_read`: as many as one `inbox` can list.
pub const MARK_READ_IDS_MAX: usize = INBOX_LIMIT_MAX as usize;
/// Unread messages in one mailbox; beyond it the sender gets `mailbox_full`.
pub const UNREAD_PER_MAILBOX_MAX: u32 = 100_000;
/// Connections that one broker holds, at most (each costs a few KiB when idle).
pub const CONNECTIONS_MAX: usize = 12_000;
/// Calls of one connection that are not answered yet.
pub const CALLS_IN_FLIGHT: usize = 256;
/// A frame on the wire: one body with every byte escaped twice still fits.
pub const FRAME_MAX_BYTES: usize = 16 * 1024 * 1024;
/// The first frame of a connection, before it is known who speaks.
pub const HELLO_FRAME_MAX_BYTES: usize = 16 * 1024;
/// Replies and events that wait for one connection's reader, before the connection is cut: two full frames.
pub const UNSENT_PER_CONNECTION_MAX_BYTES: usize = 2 * FRAME_MAX_BYTES;
/// One line of MCP on the shim's stdin: a body of [`BODY_MAX_BYTES`] with every character escaped as `\u00XX`.
pub const MCP_LINE_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Messages of one thread within [`THREAD_WINDOW_S`]: two sessions that answer each other for ever cost real money.
pub const THREAD_MESSAGES_MAX: u32 = 100;
/// The window of [`THREAD_MESSAGES_MAX`], in seconds.
pub const THREAD_WINDOW_S: u64 = 3_600;
/// One tool result, in characters of its text block: Claude Code moves results over 50,000 to a file.
pub const RESULT_MAX_CHARS: usize = 40_000;
/// A body in a list, in characters.
pub const LIST_BODY_MAX_CHARS: usize = 8_000;
/// A body in a result that only reminds of mail which was shown before, in characters.
pub const REMINDER_BODY_MAX_CHARS: usize = 200;
/// One page of a single body, in characters after escaping.
pub const BODY_PAGE_MAX_CHARS: usize = 30_000;
/// A state value in a list, in characters of its JSON; longer ones are replaced by their length.
pub const LIST_VALUE_MAX_CHARS: usize = 2_000;
/// Longest wait, in seconds: a day.
pub const WAIT_MAX_S: u64 = 86_400;
/// Default wait for Claude Code, in seconds (it moves a long call to the background at 120 s, without cost).
pub const WAIT_DEFAULT_CLAUDE_CODE_S: u64 = 3_600;
/// Default wait for any other client, in seconds (many give up at 60 s).
pub const WAIT_DEFAULT_S: u64 = 50;
/// Default of a watch on the shared state, in seconds.
pub const WATCH_DEFAULT_S: u64 = 50;
/// Answers of an `ask` that come within this time are marked read, in seconds; later the client may have gone.
pub const ASK_MARKS_READ_WITHIN_S: u64 = 50;
/// Receipts of one message in a list: more than a list of recipients has, and about as many as a result can show. A
/// broadcast has one for every session there is.
pub const LIST_RECEIPTS_MAX: usize = 300;
/// Receipts of one page of messages, after which the page ends: no result shows more, however short they are.
pub const PAGE_RECEIPTS_MAX: usize = 1_500;
/// Text of one page of a list of sessions, in bytes; then the page ends. Several results' worth, far below a frame.
pub const SESSIONS_PAGE_BYTES: usize = 256 * 1024;
/// How long a first frame may take, in seconds.
pub const HELLO_TIMEOUT_S: u64 = 5;
/// How long the shim waits for a broker, in seconds, before a call fails with `broker_unreachable`.
pub const BROKER_START_TIMEOUT_S: u64 = 5;
/// How long a call that does not wait may stay without an answer, in seconds.
pub const CALL_TIMEOUT_S: u64 = 30;
/// How much longer a prune may take, in seconds: it goes through all of the store, and
/// leaves everybody else their turn.
pub const PRUNE_TIMEOUT_S: u64 = 600;
/// A broker that a shim started exits after this time without connections, in seconds.
pub const IDLE_EXIT_S: u64 = 900;
/// Names that were online when the broker stopped are kept for their holders this long, in seconds.
pub const RESUME_GRACE_S: u64 = 10;
/// Answers to changing calls other than sends are kept this long for a replay, in seconds.
pub const ANSWERS_KEPT_S: u64 = 600;
/// A session row created within this time after a broadcast gets it too, in seconds.
pub const BROADCAST_LATE_S: u64 = 3_600;
/// A broadcast goes to known names that are online or were seen within this many days; a name of another folder is
/// not taken over automatically for as long.
pub const SEEN_RECENTLY_DAYS: u64 = 7;
/// An idempotency key.
pub const CALL_KEY_MAX_BYTES: usize = 256;
/// What a link says of itself, in characters: a line or two.
pub const LINK_REPORT_MAX_CHARS: usize = 1_000;
/// Sessions of another node that are known here: more than a list of this machine's shows in one result.
pub const LINK_PEERS_MAX: usize = 200;
/// So long a link that is there may be busy before it takes a change of the shared state.
pub const LINK_TAKES_WITHIN_S: u64 = 2;
/// So long a broker waits for what a link says of a change of the shared state: well under what a client waits for a broker.
pub const LINK_ANSWER_TIMEOUT_S: u64 = 10;
/// Parcels that a link takes at once.
pub const LINK_PARCELS_MAX: usize = 64;
/// Text of parcels, in bytes, after which a link is given no more at once: with the longest body it fits a frame.
pub const LINK_PARCELS_BYTES: usize = 2 * 1024 * 1024;
/// `expires_in_s` of a message for another node, in seconds: a month; what may wait longer needs no expiry.
pub const EXPIRES_IN_MAX_S: u64 = 30 * 86_400;
/// One page of a single body for the person, in characters: each has up to four bytes, and a page fits a frame.
pub const PERSON_PAGE_MAX_CHARS: usize = 2 * 1024 * 1024;
/// Messages in one `Import`: as many as make a transaction worth its flush.
pub const IMPORT_MESSAGES_MAX: usize = 256;
/// Receipts in one `Import`: far below a frame, and a transaction that holds no send up for long.
pub const IMPORT_RECEIPTS_MAX: usize = 10_000;
/// `query` of an inbox.
pub const QUERY_MAX_CHARS: usize = 1_000;
/// `ttl_s` of an entry, in seconds: ten years; what lives longer needs no expiry, and times stay far from overflow.
pub const STATE_TTL_MAX_S: u64 = 10 * 365 * 86_400;
/// `older_than_days` of a prune: a hundred years, beyond any store's age and far from overflow.
pub const PRUNE_DAYS_MAX: u32 = 36_500;
/// Answers that an `ask` waits for: nobody can wait for more than a list of recipients holds.
pub const ASK_REPLIES_MAX: usize = RECIPIENTS_MAX;
/// `active_within_min` of a list of sessions, in minutes: ten years, as long as anything is kept by time.
pub const ACTIVE_WITHIN_MAX_MIN: u32 = 10 * 365 * 24 * 60;
/// Messages that one nudge or hook names: more is counted, and read with `inbox`.
pub const HEADLINES_MAX: usize = 5;
/// Names of sessions that a hook tells.
pub const HOOK_NAMES_MAX: usize = 12;
/// Sessions in one answer about nudges: a person reads it.
pub const PUSH_STATES_MAX: usize = 200;
/// What a hook gives the client to put before the model, in characters: each of them is paid for in every session.
pub const HOOK_OUTPUT_MAX_CHARS: usize = 2_000;
/// Nudges of one session are at least this far apart, in milliseconds: several messages become one.
pub const NUDGE_INTERVAL_MS: u64 = 2_000;
/// Nudges within [`NUDGE_WINDOW_S`] that one sender can cause in one session: each costs a turn.
pub const NUDGES_PER_PAIR_MAX: usize = 20;
/// The window of [`NUDGES_PER_PAIR_MAX`], in seconds.
pub const NUDGE_WINDOW_S: u64 = 3_600;
/// Mail that was announced, is still unread after this time, and whose session has made no call since, is announced
/// once more, in seconds.
pub const NUDGE_AGAIN_AFTER_S: u64 = 600;
