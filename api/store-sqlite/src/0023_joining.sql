-- Invites to rooms, and requests to be let in.
CREATE TABLE room_invites (
    id           BLOB    NOT NULL PRIMARY KEY,
    room_id      BLOB    NOT NULL,
    hash         BLOB    NOT NULL,
    uses         INTEGER NOT NULL,
    max_uses     INTEGER,
    by_user      BLOB    NOT NULL,
    by_moderator INTEGER NOT NULL,
    approval     INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX room_invites_hash ON room_invites (hash);
CREATE INDEX room_invites_room ON room_invites (room_id, id);
CREATE INDEX room_invites_by ON room_invites (room_id, by_user, id);
CREATE INDEX room_invites_expires ON room_invites (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE join_requests (
    room_id    BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    message    TEXT,
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    decided_at INTEGER,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX join_requests_room ON join_requests (room_id, state, created_at, user_id);
CREATE INDEX join_requests_user ON join_requests (user_id, state, created_at);
CREATE INDEX join_requests_decided ON join_requests (decided_at) WHERE decided_at IS NOT NULL;
