-- Mail that crosses between machines. A parcel is a message for another node, or what came of messages that came from there;
-- it stays until the other broker has committed it.

CREATE TABLE nodes (
    node TEXT PRIMARY KEY,
    -- Up to this number, parcels were handed to what carries them.
    forwarded_up_to INTEGER NOT NULL DEFAULT 0,
    -- When the last parcel of it came, in microseconds.
    heard_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    node TEXT NOT NULL,
    -- A message of this store, or
    message_id INTEGER,
    -- receipts, or that a message has expired, as it is sent.
    receipts TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX outbox_by_node ON outbox (node, number);
CREATE INDEX outbox_by_message ON outbox (message_id) WHERE message_id IS NOT NULL;

-- How far the parcels of each other store are here. By node too: a node can say of any store that it is its own.
CREATE TABLE origins (
    node TEXT NOT NULL,
    store_id TEXT NOT NULL,
    up_to INTEGER NOT NULL,
    PRIMARY KEY (node, store_id)
) STRICT, WITHOUT ROWID;

-- Deliveries of messages that came from other nodes, whose senders are to be told what comes of them.
CREATE TABLE arrivals (
    message_id INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    node TEXT NOT NULL,
    -- What the sender's node was told, or will be: 0 delivered, 1 shown, 2 read.
    told INTEGER NOT NULL DEFAULT 0,
    -- 1: there may be more to tell.
    changed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (message_id, mailbox)
) STRICT, WITHOUT ROWID;

CREATE INDEX arrivals_changed ON arrivals (message_id, mailbox) WHERE changed = 1;

-- Messages that are not to be sent to a node for ever, as long as it is not known that they are there.
CREATE TABLE expiring (
    message_id INTEGER NOT NULL,
    node TEXT NOT NULL,
    -- In microseconds; 0: the time is over, and the parcel has been emptied.
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX expiring_at ON expiring (expires_at) WHERE expires_at > 0;

-- From now on keys that begin with global: belong to all machines; what this one had under such keys stays, under another.
UPDATE OR IGNORE state SET key = 'local-' || key WHERE key >= 'global:' AND key < 'global;';

PRAGMA user_version = 5;
