-- When the rights of a room changed last, milliseconds; those of before did so long ago.
ALTER TABLE rooms ADD COLUMN raised_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX rooms_raised ON rooms (raised_at);

CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
