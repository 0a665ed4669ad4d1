-- Texts go into the index of words when somebody searches, or when nobody waits. Up to which message they are in it.

INSERT INTO meta (key, value) SELECT 'text_up_to', COALESCE(MAX(id), 0) FROM messages;

PRAGMA user_version = 3;
