-- What is known of uploaded files. `holder` is the message, message for later, or room that a file belongs to; `attached` whether
-- others have it. `bytes` counts the small picture, too.
CREATE TABLE files (
    id         BLOB    NOT NULL PRIMARY KEY,
    owner_id   BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    width      INTEGER,
    height     INTEGER,
    thumbnail  INTEGER,
    bytes      INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    holder     TEXT,
    attached   INTEGER NOT NULL,
    room_id    BLOB,
    held_at    INTEGER,
    check_at   INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_due ON files (check_at) WHERE check_at IS NOT NULL;
CREATE INDEX files_holder ON files (holder) WHERE holder IS NOT NULL;
CREATE INDEX files_room ON files (room_id) WHERE room_id IS NOT NULL;
CREATE INDEX files_usage ON files (owner_id, bytes);
CREATE INDEX files_owner ON files (owner_id, id);
CREATE INDEX files_unattached ON files (owner_id, attached);
-- Files of messages that are sent later.
ALTER TABLE schedules ADD COLUMN files TEXT NOT NULL DEFAULT '';
