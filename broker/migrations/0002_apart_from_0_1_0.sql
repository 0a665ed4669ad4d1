-- A server of claude-c2c 0.1.0 that still runs on this file goes on with statements of its own. Most of them fit no
-- table of ours; now none does, so that it gets an error instead of reading or writing where nobody looks.

ALTER TABLE sessions RENAME COLUMN last_seen_at TO seen_at;
ALTER TABLE state RENAME COLUMN updated_at TO set_at;

PRAGMA user_version = 2;
