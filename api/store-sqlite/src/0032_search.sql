-- The index of messages by terms. `search_queue` has the events that wait for it, `search_entries` which text of a message is
-- in it, with its terms one a line, and `search_building` how far it is with older messages.
CREATE TABLE search_queue (
    message_id BLOB    NOT NULL PRIMARY KEY,
    room_id    BLOB    NOT NULL,
    since      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX search_queue_since ON search_queue (since, message_id);
CREATE INDEX search_queue_room ON search_queue (room_id);

CREATE TABLE search_entries (
    room_id    BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    terms      TEXT    NOT NULL,
    PRIMARY KEY (room_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE search_terms (
    room_id    BLOB    NOT NULL,
    term       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    PRIMARY KEY (room_id, term, at, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE search_building (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 0),
    id          BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    next        TEXT,
    done        INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    begun_at    INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

-- Who does what only one process is to do.
CREATE TABLE leases (
    name   TEXT    NOT NULL PRIMARY KEY,
    holder BLOB    NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
