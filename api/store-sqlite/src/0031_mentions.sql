-- When a message was said that names somebody, milliseconds.
ALTER TABLE mentions ADD COLUMN said_at INTEGER NOT NULL DEFAULT 0;
UPDATE mentions SET said_at = ifnull((SELECT timestamp FROM messages WHERE id = message_id), 0);
CREATE INDEX mentions_time ON mentions (name, said_at, message_id);
