-- What was decided against users in rooms; times in milliseconds, the largest number means for good.
CREATE TABLE sanctions (
    room_id      BLOB NOT NULL REFERENCES rooms (id),
    user_id      BLOB NOT NULL,
    muted_until  INTEGER,
    banned_until INTEGER,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

-- All sessions of a user that are not revoked.
CREATE INDEX sessions_user ON sessions (user_id, revoked_at);
