-- A commit writes each page that it touches. What is stored together now lies together: deliveries in the order of
-- their messages, keys in the order in which they were made. By mailbox a delivery is in one of two indexes.

DROP INDEX deliveries_by_message;
DROP INDEX deliveries_unread;
DROP INDEX deliveries_arrived;
ALTER TABLE deliveries RENAME TO deliveries_by_mailbox;

-- One message for one mailbox. "recipient" is the name as it was addressed; "mailbox" is where it lies now.
CREATE TABLE deliveries (
    message_id INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    recipient TEXT NOT NULL,
    arrived_row INTEGER,
    shown_at INTEGER,
    shown_row INTEGER,
    read_at INTEGER,
    read_by TEXT,
    PRIMARY KEY (message_id, mailbox)
) STRICT, WITHOUT ROWID;

INSERT INTO deliveries (message_id, mailbox, recipient, arrived_row, shown_at, shown_row, read_at, read_by)
SELECT message_id, mailbox, recipient, arrived_row, shown_at, shown_row, read_at, read_by
FROM deliveries_by_mailbox ORDER BY message_id, mailbox;

DROP TABLE deliveries_by_mailbox;

CREATE INDEX deliveries_unread ON deliveries (mailbox, message_id) WHERE read_at IS NULL;
CREATE INDEX deliveries_read ON deliveries (mailbox, message_id) WHERE read_at IS NOT NULL;

DROP INDEX messages_by_key;
CREATE UNIQUE INDEX messages_by_key ON messages (key, from_row);

-- What a session has sent is added when its text is: until then few messages are gone through.
CREATE TABLE sent (
    sender INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (sender, message_id)
) STRICT, WITHOUT ROWID;

INSERT INTO sent (sender, message_id)
SELECT from_row, id FROM messages
WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'text_up_to') ORDER BY from_row, id;

DROP INDEX messages_by_sender;

-- The first message of a thread is found by its id.
DROP INDEX messages_by_thread;
CREATE INDEX messages_by_thread ON messages (thread) WHERE thread <> id;

PRAGMA user_version = 4;
