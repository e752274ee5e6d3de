-- Ids are the 16 bytes of a UUID, times are milliseconds since 1970 UTC, `*_key` is the form that is unique.
-- Rows of `members` and `outbox` need their room. History does not: it follows the bus and must never get stuck.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY,
    username      TEXT    NOT NULL,
    username_key  TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    email_key     TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY,
    lookup     BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    chain_key  BLOB    NOT NULL,
    current    BLOB    NOT NULL,
    parent     BLOB,
    rotated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_lookup ON sessions (lookup);

CREATE TABLE rooms (
    id          BLOB    NOT NULL PRIMARY KEY,
    slug        TEXT,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    visibility  TEXT    NOT NULL,
    owner_id    BLOB,
    acl         INTEGER NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX rooms_slug ON rooms (slug) WHERE slug IS NOT NULL;
CREATE INDEX rooms_visibility ON rooms (visibility, id);

CREATE TABLE members (
    room_id   BLOB    NOT NULL REFERENCES rooms (id),
    user_id   BLOB    NOT NULL,
    role      TEXT    NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id, joined_at, room_id);

CREATE TABLE outbox (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id BLOB    NOT NULL,
    room_id  BLOB    NOT NULL REFERENCES rooms (id),
    acl      INTEGER NOT NULL,
    event    TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_event ON outbox (event_id);

CREATE TABLE messages (
    n         INTEGER PRIMARY KEY,
    id        BLOB    NOT NULL,
    room_id   BLOB    NOT NULL,
    epoch     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    event     TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE UNIQUE INDEX messages_place ON messages (room_id, epoch, seq);
CREATE INDEX messages_seq ON messages (room_id, seq);

CREATE TABLE epochs (
    partition INTEGER NOT NULL PRIMARY KEY,
    epoch     INTEGER NOT NULL
) STRICT;
