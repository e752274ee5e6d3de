-- When the newest refresh tokens of a session were replaced: milliseconds, oldest first, with spaces between them.
ALTER TABLE sessions ADD COLUMN replaced TEXT NOT NULL DEFAULT '';

-- Sessions that have ended by themselves.
CREATE INDEX sessions_expires ON sessions (expires_at);
