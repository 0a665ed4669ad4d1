-- The first schema. Times are microseconds since 1970 in UTC; a "mailbox" is a name folded to lower case.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0,
    online INTEGER NOT NULL DEFAULT 0,
    cwd TEXT NOT NULL,
    project_dir TEXT NOT NULL,
    client TEXT NOT NULL,
    client_session TEXT,
    parent TEXT NOT NULL,
    metadata TEXT,
    started_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    -- The row that this session had before it lost its name.
    predecessor INTEGER
) STRICT;

CREATE UNIQUE INDEX sessions_by_mailbox ON sessions (mailbox) WHERE stale = 0;
CREATE INDEX sessions_by_client_session ON sessions (client_session) WHERE client_session IS NOT NULL;
CREATE INDEX sessions_online ON sessions (row_id) WHERE online = 1;

-- "broadcast": 0 = to names, 1 = to everyone, late sessions included, 2 = to everyone who was there (a question).
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    from_row INTEGER NOT NULL,
    from_session TEXT NOT NULL,
    from_name TEXT NOT NULL,
    from_mailbox TEXT NOT NULL,
    addressed TEXT NOT NULL,
    broadcast INTEGER NOT NULL,
    body TEXT NOT NULL,
    body_chars INTEGER NOT NULL,
    tag TEXT,
    reply_to INTEGER,
    thread INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX messages_by_key ON messages (from_row, key);
CREATE INDEX messages_by_sender ON messages (from_row);
CREATE INDEX messages_by_thread ON messages (thread);
CREATE INDEX messages_by_reply ON messages (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX messages_broadcast ON messages (created_at) WHERE broadcast = 1;

-- One message for one mailbox. "recipient" is the name as it was addressed; "mailbox" is where it lies now.
CREATE TABLE deliveries (
    mailbox TEXT NOT NULL,
    message_id INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    arrived_row INTEGER,
    shown_at INTEGER,
    shown_row INTEGER,
    read_at INTEGER,
    read_by TEXT,
    PRIMARY KEY (mailbox, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_unread ON deliveries (mailbox, message_id) WHERE read_at IS NULL;
CREATE INDEX deliveries_arrived ON deliveries (arrived_row, message_id) WHERE arrived_row IS NOT NULL;

-- What was shown to a session stays visible to it under any later name.
CREATE TABLE sightings (
    row_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (row_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

-- Answers to changing calls, kept for a while, so that a repeated call gets the first answer.
-- "scope" is the session's row, or 0 for answers that are found by the key alone.
CREATE TABLE answers (
    scope INTEGER NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_age ON answers (created_at);

CREATE VIRTUAL TABLE messages_text USING fts5 (body, content = 'messages', content_rowid = 'id');

PRAGMA user_version = 1;
