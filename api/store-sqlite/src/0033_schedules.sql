-- Messages that are sent later. `due_at` of a pending one is when it is tried or its lease ends, of others until when it is kept.
CREATE TABLE schedules (
    id         BLOB    NOT NULL PRIMARY KEY,
    room_id    BLOB    NOT NULL,
    owner_id   BLOB    NOT NULL,
    content    TEXT    NOT NULL,
    reply_to   BLOB,
    send_at    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    pending    INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    doubtful   INTEGER NOT NULL,
    lease      BLOB,
    message_id BLOB,
    error      TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (pending, due_at);
CREATE INDEX schedules_owner ON schedules (owner_id, id);
CREATE INDEX schedules_pending ON schedules (owner_id, pending);
CREATE INDEX schedules_place ON schedules (owner_id, room_id, id);
CREATE INDEX schedules_room ON schedules (room_id);
