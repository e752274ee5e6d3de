-- Reports of messages, with a copy of what they said. `by_user` and `at` are of the one who took it up or decided last.
CREATE TABLE reports (
    id          BLOB    NOT NULL PRIMARY KEY,
    room_id     BLOB    NOT NULL,
    message_id  BLOB    NOT NULL,
    author_id   BLOB    NOT NULL,
    reporter_id BLOB    NOT NULL,
    reason      TEXT    NOT NULL,
    note        TEXT,
    content     TEXT    NOT NULL,
    said_at     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    staff_only  INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    by_user     BLOB,
    at          INTEGER,
    action      TEXT,
    answer      TEXT,
    resolved_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX reports_once ON reports (reporter_id, message_id);
CREATE INDEX reports_author ON reports (author_id);
CREATE INDEX reports_waiting ON reports (reporter_id, state);
CREATE INDEX reports_state ON reports (state, id);
CREATE INDEX reports_room ON reports (room_id, id);
CREATE INDEX reports_room_state ON reports (room_id, state, id);
CREATE INDEX reports_resolved ON reports (resolved_at) WHERE resolved_at IS NOT NULL;
